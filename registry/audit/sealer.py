"""The sealer: puts committed entries into the Merkle tree and signs its head, without ever missing one.

Ids and commits come in different orders, so a cut at the highest id loses entries of slow writers. The cut is
at the oldest transaction that still runs: everything below it has ended, so what is there is all there will be.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from registry.audit import merkle, note, queries, tiles
from registry.audit.checkpoint import Checkpoint
from registry.keys.ring import KeyRing
from registry.kit.caller import WORKER, Caller
from registry.kit.database import Database, Session
from registry.kit.errors import Refused, Unavailable
from registry.kit.logging import log

BATCH = 5_000
"""About as many entries are sealed in one transaction; that of one writer is never cut in two."""

PERIOD = 0.9
"""Seconds between two runs, so that the wait of an entry stays under a second."""

LOCK = 0x5A474F4441  # "ZGODA": the advisory transaction lock of the one who seals

_CALLER = Caller(WORKER, "operation", "sealing the log", "sealer")
_LOG = log("audit")


@dataclass(frozen=True, slots=True)
class _Step:
    checkpoint: Checkpoint
    more: bool


async def seal(database: Database, ring: KeyRing) -> Checkpoint | None:
    """Seal what was committed; returns the new checkpoint, or None if there was nothing or another one seals.

    Unavailable `log.unseated`: the database was moved to another cluster (see `reseating`).
    Refused `log.damaged`: the stored tree is not the one that was signed last; nothing is signed on top of it.
    """
    newest = None
    while True:
        async with database.begin(_CALLER) as session:
            step = await _seal_some(session, ring)
        if step is None:
            return newest
        newest = step.checkpoint
        if not step.more:
            return newest


async def run(database: Database, ring: KeyRing, stop: asyncio.Event) -> None:
    """Seal until `stop` is set, and once more then. An error is told to the log of events and tried again."""
    last = False
    while not last:
        last = stop.is_set()
        began = time.monotonic()
        try:
            await seal(database, ring)
        except Refused as refusal:
            _LOG.error("log.unsealed", code=refusal.code)
        except psycopg.Error:
            _LOG.warning("log.unsealed", exc_info=True)
        if not last:
            rest = max(0.0, PERIOD - (time.monotonic() - began))
            try:
                await asyncio.wait_for(stop.wait(), rest)
            except TimeoutError:
                continue


async def vkey(session: Session, ring: KeyRing) -> str:
    """The verifier key of this log, as outsiders pin it."""
    return (await queries.signer(session, ring)).verifier.vkey


async def _seal_some(session: Session, ring: KeyRing) -> _Step | None:
    if not await session.value("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,)):
        return None
    # A statement of its own: what is read here must be younger than the lock.
    state = await queries.state(session)
    if not state.seated:
        raise Unavailable(
            "log.unseated",
            "The database was moved to another PostgreSQL cluster, so the log cannot be sealed.",
            mend="run zgoda audit reseat",
        )
    upper, more = await _upper_edge(session, state)
    if upper is None:
        return None
    window = {"low": str(state.prev_xmin), "high": str(upper), "floor": state.floor_id}
    head = await append_leaves(session, ring, state.origin, _WINDOW, window)
    await session.execute("UPDATE audit_state SET prev_xmin = %s::text::xid8", (str(upper),))
    return _Step(head, more)


_WINDOW = "xid >= %(low)s::text::xid8 AND xid < %(high)s::text::xid8 AND id > %(floor)s"


async def _upper_edge(session: Session, state: queries.State) -> tuple[int | None, bool]:
    """Where the window ends (exclusive; None if it is empty), and whether there is more below the horizon."""
    params = {
        "low": str(state.prev_xmin),
        "high": str(state.horizon),
        "floor": state.floor_id,
        "batch": BATCH,
    }
    query = f"SELECT xid::text FROM audit_entry WHERE {_WINDOW} ORDER BY xid, id"
    first = await session.value(f"{query} LIMIT 1", params)
    if first is None:
        return None, False
    beyond = await session.value(f"{query} OFFSET %(batch)s LIMIT 1", params)
    if beyond is None:
        return state.horizon, False
    return (int(beyond) if beyond != first else int(first) + 1), True


async def append_leaves(
    session: Session, ring: KeyRing, origin: str, where: str, params: dict[str, object]
) -> Checkpoint:
    """Make leaves of the entries that `where` chooses, in the order (xid, id), and sign the new head.

    The caller holds the lock. Refused `log.damaged`: see `seal`.
    """
    size, partials = await _verified_edge(session, ring)
    try:
        rows = await session.all(
            "INSERT INTO audit_leaf (leaf_index, entry_id, hash)"
            " SELECT %(size)s::bigint + row_number() OVER (ORDER BY xid, id) - 1, id, sha256('\\x00'::bytea || body)"
            f" FROM audit_entry WHERE {where} RETURNING leaf_index, hash",
            {**params, "size": size},
        )
    except psycopg.errors.UniqueViolation as error:
        raise _damaged() from error
    rows.sort()
    changed = tiles.grow(size, partials, [bytes(row.hash) for row in rows])
    await session.execute(
        "INSERT INTO audit_tile (level, tile_index, hashes)"
        " SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])"
        " ON CONFLICT (level, tile_index) DO UPDATE SET hashes = excluded.hashes",
        ([level for level, _ in changed], [index for _, index in changed], list(changed.values())),
    )
    grown = size + len(rows)
    held = {(level, (size >> 8 * level) // tiles.WIDTH): hashes for level, hashes in partials.items()}
    root = merkle.root_at(grown, tiles.reader({**held, **changed}))
    return await publish(session, ring, Checkpoint(origin, grown, root))


async def publish(session: Session, ring: KeyRing, head: Checkpoint) -> Checkpoint:
    """Sign a head and keep it. One line now; a witness or another algorithm adds its own behind it."""
    signed = head.signed(_signers(head.origin, ring))
    await session.execute(
        "INSERT INTO audit_checkpoint (size, root, note) VALUES (%s, %s, %s)",
        (signed.size, signed.root, signed.note),
    )
    return signed


def _signers(origin: str, ring: KeyRing) -> Sequence[note.Signer]:
    return [note.Ed25519Signer(origin, ring.signing)]


async def _verified_edge(session: Session, ring: KeyRing) -> tuple[int, dict[int, bytes]]:
    """The size of the tree and its unfinished tiles by level, as the last signed head confirms them."""
    published = await queries.latest(session)
    if published is None:
        return 0, {}
    try:
        head = queries.trusted(published, ring)
    except ValueError as error:
        raise _damaged() from error
    edge = [tile for tile in tiles.at_size(head.size) if tile.width < tiles.WIDTH]
    found = await queries.hash_tiles(session, [(tile.level or 0, tile.index) for tile in edge])
    try:
        root = merkle.root_at(head.size, tiles.reader(found))
    except LookupError as error:
        raise _damaged() from error
    whole = all(len(found[tile.level or 0, tile.index]) == tile.width * merkle.HASH_BYTES for tile in edge)
    if root != head.root or not whole or published.size != head.size:
        raise _damaged()
    return head.size, {tile.level or 0: found[tile.level or 0, tile.index] for tile in edge}


def _damaged() -> Refused:
    return Refused(
        "log.damaged",
        "The stored log is not the one that was signed last, so nothing is signed on top of it.",
        mend="run zgoda audit export and zgoda audit verify to see where",
    )
