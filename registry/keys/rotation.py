"""The lower half of a rotation: epochs opened, closed and forgotten, and persons' keys wrapped anew."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from registry.keys import persons
from registry.keys.persons import PersonKeys
from registry.keys.ring import Epoch, KeyEpochMissing, KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Role, Session


async def old_epochs(session: Session, ring: KeyRing) -> list[int]:
    """Epochs before the current one whose end is not recorded yet; empty when no rotation was left unfinished."""
    rows = await session.all(
        "SELECT epoch FROM key_epoch WHERE destroyed_at IS NULL AND epoch < %s ORDER BY epoch",
        (ring.current.number,),
    )
    return [row.epoch for row in rows]


async def require_keys(session: Session, ring: KeyRing) -> None:
    """KeyEpochMissing when somebody's keys are wrapped under an epoch that the ring lost."""
    have = [epoch.number for epoch in ring.live()]
    lost = await session.value("SELECT min(epoch) FROM person_key WHERE epoch <> ALL(%s)", (have,))
    if lost is not None:
        raise KeyEpochMissing(lost)


async def announce(session: Session, number: int) -> None:
    """Tell the database of an epoch before the ring has it, so that no writer comes too early."""
    await session.execute("INSERT INTO key_epoch (epoch) VALUES (%s) ON CONFLICT DO NOTHING", (number,))


async def drained(database: Database, caller: Caller) -> None:
    """Return when every transaction that now runs in our roles has ended.

    They may rest on what the ring was before: they wrote an index under one epoch alone, or hold a wrapped key
    whose epoch is about to go. Nobody waits for us meanwhile.
    """
    waiting: set[tuple[int, str]] | None = None
    while True:
        async with database.begin(caller, Role.RETENTION) as session:
            rows = await session.all(
                "SELECT l.pid, l.virtualtransaction AS transaction FROM pg_locks l"
                " JOIN pg_stat_activity a ON a.pid = l.pid"
                " WHERE l.locktype = 'virtualxid' AND l.granted AND a.datname = current_database()"
                " AND a.usename IN ('zgoda_app', 'zgoda_retention') AND l.pid <> pg_backend_pid()"
            )
        running = {(row.pid, row.transaction) for row in rows}
        waiting = running if waiting is None else waiting & running
        if not waiting:
            return
        await asyncio.sleep(0.02)


async def take(session: Session, ring: KeyRing, before: int, after: UUID, limit: int) -> list[PersonKeys]:
    """Lock and open the keys of the next persons, in id order, who are under an earlier epoch than `before`.

    Persons who are being erased now are passed by: they are gone when this is asked again, or still there.
    """
    rows = await session.all(
        "SELECT epoch, wrapped FROM person_key WHERE contact_id > %s AND epoch < %s ORDER BY contact_id LIMIT %s"
        " FOR UPDATE SKIP LOCKED",
        (after, before, limit),
    )
    return [persons.unwrap(ring.epoch(row.epoch), bytes(row.wrapped)) for row in rows]


async def rewrap(session: Session, epoch: Epoch, people: Sequence[PersonKeys]) -> None:
    """Wrap the keys of persons, locked by `take`, under `epoch`."""
    await session.execute(
        "UPDATE person_key k SET epoch = %s, wrapped = w.wrapped"
        " FROM unnest(%s::uuid[], %s::bytea[]) AS w(id, wrapped) WHERE k.contact_id = w.id",
        (epoch.number, [one.contact_id for one in people], [one.wrap(epoch) for one in people]),
    )


async def remaining(session: Session, before: int) -> int:
    """How many persons' keys are under an earlier epoch than `before`."""
    return int(await session.value("SELECT count(*) FROM person_key WHERE epoch < %s", (before,)))


async def close(session: Session, numbers: Sequence[int]) -> None:
    """From the commit on nothing is inserted under these epochs; writers that are under way may still be."""
    await session.execute(
        "UPDATE key_epoch SET closed_at = clock_timestamp() WHERE epoch = ANY(%s) AND closed_at IS NULL",
        (list(numbers),),
    )


async def wait_for_writers(session: Session, numbers: Sequence[int]) -> None:
    """Wait for writers under closed epochs: each holds FOR KEY SHARE on its epoch's row until it ends."""
    await session.execute(
        "SELECT epoch FROM key_epoch WHERE epoch = ANY(%s) ORDER BY epoch FOR UPDATE", (list(numbers),)
    )


async def drop_indexes(session: Session, before: int, after: bytes, limit: int) -> tuple[int, bytes | None]:
    """Delete index rows of earlier epochs, some values a call, beginning `after` one; (rows, where to go on)."""
    row = await session.one(
        "WITH batch AS (SELECT value, epoch FROM identifier_index WHERE value > %s ORDER BY value LIMIT %s),"
        " gone AS (DELETE FROM identifier_index i USING batch s"
        " WHERE i.value = s.value AND i.epoch = s.epoch AND s.epoch < %s RETURNING 1)"
        " SELECT (SELECT count(*) FROM gone) AS rows, (SELECT value FROM batch ORDER BY value DESC LIMIT 1) AS last",
        (after, limit, before),
    )
    return row.rows, None if row.last is None else bytes(row.last)


async def named(session: Session, numbers: Sequence[int]) -> bool:
    """Whether any row still needs one of these epochs."""
    return bool(
        await session.value(
            "SELECT EXISTS (SELECT FROM person_key WHERE epoch = ANY(%(n)s))"
            " OR EXISTS (SELECT FROM identifier_index WHERE epoch = ANY(%(n)s))",
            {"n": list(numbers)},
        )
    )


async def sample(session: Session, limit: int) -> dict[UUID, bytes]:
    """The wrapped keys of some persons, spread over the base, to try a key export on."""
    rows = await session.all(
        "SELECT contact_id, wrapped FROM person_key ORDER BY md5(contact_id::text) LIMIT %s", (limit,)
    )
    return {row.contact_id: bytes(row.wrapped) for row in rows}


async def forget(session: Session, numbers: Sequence[int]) -> None:
    """Record that the keys of these epochs are destroyed."""
    await session.execute(
        "UPDATE key_epoch SET destroyed_at = clock_timestamp() WHERE epoch = ANY(%s) AND destroyed_at IS NULL",
        (list(numbers),),
    )
