"""After a dump was restored into another cluster: the log goes on there, under a new name that tells of it."""

import base64

from registry.audit import body, merkle, queries, sealer
from registry.audit.checkpoint import Checkpoint
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Role, Session
from registry.kit.errors import Refused


async def reseat(
    database: Database, ring: KeyRing, caller: Caller, published: Checkpoint | None = None
) -> Checkpoint:
    """Seat the log in this cluster and seal what the dump held unsealed; returns the first head of the new name.

    `published` is the last checkpoint that left the old installation (default: the newest one in the dump). The
    first leaf under the new name commits to it, so entries that the dump lost stay visible as lost. Old
    checkpoints go on verifying: the leaves keep their places.
    Refused `log.seated`: nothing to do; `log.forked`: the dump is not a part of the published log.
    """
    async with database.begin(caller, Role.OWNER) as session:
        await session.execute("SELECT pg_advisory_xact_lock(%s)", (sealer.LOCK,))
        state = await queries.state(session)
        if state.seated:
            raise Refused("log.seated", "The log is seated in this cluster.")
        newest = await queries.latest(session)
        last = published or newest
        if last is not None:
            await _refuse_fork(session, ring, last, state.base)
        # While it is not seated nobody appends, so what is here now is the whole tail.
        first = await _continuation(session, caller, last, newest)
        generation = state.generation + 1
        origin = f"{state.base}/{generation}"
        await sealer.append_leaves(session, ring, origin, "id = %(first)s", {"first": first})
        unsealed = "NOT EXISTS (SELECT FROM audit_leaf AS l WHERE l.entry_id = audit_entry.id)"
        if await session.value(f"SELECT EXISTS (SELECT FROM audit_entry WHERE {unsealed})"):
            await sealer.append_leaves(session, ring, origin, unsealed, {})
        await session.execute(
            "SELECT setval(pg_get_serial_sequence('audit_entry', 'id'), max(id)) FROM audit_entry"
        )
        await session.execute(
            "UPDATE audit_state SET generation = %s, system_identifier = c.system_identifier::text,"
            " floor_id = (SELECT max(id) FROM audit_entry),"
            " prev_xmin = pg_snapshot_xmin(pg_current_snapshot()) FROM pg_control_system() AS c",
            (generation,),
        )
        head = await queries.latest(session)
        assert head is not None
        return head


async def _refuse_fork(session: Session, ring: KeyRing, last: Checkpoint, base: str) -> None:
    forked = Refused("log.forked", "The restored log is not a part of the one that was published last.")
    try:
        signed = queries.trusted(last, ring)
        newest = await queries.latest(session)
        held = 0 if newest is None else newest.size
        if not (signed.origin == base or signed.origin.startswith(f"{base}/")):
            raise forked
        if signed.size <= held:
            root = await queries.with_nodes(session, lambda node: merkle.root_at(signed.size, node))
            if root != signed.root:
                raise forked
    except (ValueError, LookupError) as error:
        raise forked from error


async def _continuation(
    session: Session, caller: Caller, last: Checkpoint | None, newest: Checkpoint | None
) -> int:
    held = 0 if newest is None else newest.size
    detail: dict[str, body.JSON] = {"held": held}
    if last is not None:
        detail["published"] = {
            "origin": last.origin,
            "root": base64.b64encode(last.root).decode(),
            "size": last.size,
        }
    split = body.build(
        "log.continue",
        actor=caller.actor,
        purpose=caller.purpose,
        reason=caller.reason,
        request=caller.request_id,
        detail=detail,
    )
    time = await session.value(
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
    )
    # The sequence may lag behind after a restore, so the id is said.
    return int(
        await session.value(
            "INSERT INTO audit_entry (id, body) OVERRIDING SYSTEM VALUE"
            " SELECT coalesce(max(id), 0) + 1, %s FROM audit_entry RETURNING id",
            (split.at(time),),
        )
    )
