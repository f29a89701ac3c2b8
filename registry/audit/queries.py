"""What is read from the log's tables."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from registry.audit import checkpoint, merkle, note, tiles
from registry.audit.checkpoint import Checkpoint
from registry.keys.ring import KeyRing
from registry.kit.database import Row, Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class State:
    """Where the log stands: its base name and generation, its window's lower edge, its seat, and the cluster's."""

    base: str
    generation: int
    prev_xmin: int
    floor_id: int
    seat: str
    cluster: str
    horizon: int

    @property
    def origin(self) -> str:
        """The log's name; after a restore it goes on under another, for a name is never signed for two trees."""
        return self.base if self.generation == 1 else f"{self.base}/{self.generation}"

    @property
    def seated(self) -> bool:
        """Whether transaction ids of this cluster go on from those in the log."""
        return self.seat == self.cluster and self.prev_xmin <= self.horizon


async def state(session: Session) -> State:
    """The log's state beside the cluster's, in one snapshot."""
    row = await session.one(
        "SELECT s.origin, s.generation, s.prev_xmin::text AS prev_xmin, s.floor_id, s.system_identifier AS seat,"
        " c.system_identifier::text AS cluster, pg_snapshot_xmin(pg_current_snapshot())::text AS horizon"
        " FROM audit_state AS s, pg_control_system() AS c"
    )
    return State(
        row.origin, row.generation, int(row.prev_xmin), row.floor_id, row.seat, row.cluster, int(row.horizon)
    )


async def signer(session: Session, ring: KeyRing) -> note.Ed25519Signer:
    """Who signs this log's checkpoints now."""
    return note.Ed25519Signer((await state(session)).origin, ring.signing)


async def latest(session: Session) -> Checkpoint | None:
    """The newest checkpoint as it was published; None before the first. Its signature is not looked at."""
    row = await session.first("SELECT size, root, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1")
    return None if row is None else _checkpoint(row)


async def checkpoints(session: Session, above: int, limit: int) -> list[Checkpoint]:
    """Checkpoints of more than `above` leaves, smallest first."""
    rows = await session.all(
        "SELECT size, root, note FROM audit_checkpoint WHERE size > %s ORDER BY size LIMIT %s", (above, limit)
    )
    return [_checkpoint(row) for row in rows]


def _checkpoint(row: Row) -> Checkpoint:
    return Checkpoint(row.note.partition("\n")[0], row.size, bytes(row.root), row.note)


def trusted(published: Checkpoint, ring: KeyRing) -> Checkpoint:
    """What our own key signed in this checkpoint. NoteInvalid or CheckpointInvalid when it is not ours."""
    verifier = note.Ed25519Signer(published.origin, ring.signing).verifier
    return checkpoint.open_signed(published.note.encode(), verifier)


async def hash_tiles(session: Session, wanted: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """The hashes of tiles by (level, index); those that do not exist are left out."""
    pairs = sorted(set(wanted))
    if not pairs:
        return {}
    rows = await session.all(
        "SELECT level, tile_index, hashes FROM audit_tile AS t"
        " JOIN unnest(%s::smallint[], %s::bigint[]) AS w(level, tile_index) USING (level, tile_index)",
        ([level for level, _ in pairs], [index for _, index in pairs]),
    )
    return {(row.level, row.tile_index): bytes(row.hashes) for row in rows}


async def with_nodes(session: Session, compute: Callable[[merkle.Node], T]) -> T:
    """`compute` over the log's tree, with the tiles that it asks for fetched in one query.

    LookupError: the stored tiles do not reach as far as the tree.
    """
    wanted: set[tuple[int, int]] = set()

    def ask(level: int, index: int) -> bytes:
        tile_level, tile_index, _, _ = tiles.home(level, index)
        wanted.add((tile_level, tile_index))
        return merkle.EMPTY_ROOT

    compute(ask)
    return compute(tiles.reader(await hash_tiles(session, wanted)))


async def entries(session: Session, first: int, count: int) -> list[Row]:
    """Rows (leaf_index, entry_id, hash, body) in the order of the log; body is None if the entry is gone."""
    return await session.all(
        "SELECT l.leaf_index, l.entry_id, l.hash, e.body FROM audit_leaf AS l"
        " LEFT JOIN audit_entry AS e ON e.id = l.entry_id"
        " WHERE l.leaf_index >= %s AND l.leaf_index < %s ORDER BY l.leaf_index",
        (first, first + count),
    )


async def sealed_entry(session: Session, entry_id: int) -> Row | None:
    """(body, leaf_index) of an entry; leaf_index is None while it is not sealed."""
    return await session.first(
        "SELECT e.body, l.leaf_index FROM audit_entry AS e LEFT JOIN audit_leaf AS l ON l.entry_id = e.id"
        " WHERE e.id = %s",
        (entry_id,),
    )


async def openings(session: Session, contact_id: UUID, entry_ids: Sequence[int] | None = None) -> list[Row]:
    """(entry_id, position, nonce) of a person's openings, oldest entry first; nonces are sealed."""
    return await session.all(
        "SELECT entry_id, position, nonce FROM audit_opening WHERE contact_id = %(contact)s"
        " AND (%(entries)s::bigint[] IS NULL OR entry_id = ANY(%(entries)s)) ORDER BY entry_id, position",
        {"contact": contact_id, "entries": None if entry_ids is None else list(entry_ids)},
    )


async def commitments_of(session: Session, entry_id: int) -> list[bytes]:
    """The commitments of an entry about more than 500; empty for every other."""
    stored = await session.value("SELECT hashes FROM audit_commitment WHERE entry_id = %s", (entry_id,))
    return [] if stored is None else tiles.split(bytes(stored))


async def about(session: Session, contact_id: UUID, above: int = 0) -> AsyncIterator[Row]:
    """(entry_id, body) of every entry about a person that can still be tied to them, oldest first."""
    while True:
        rows = await session.all(
            "SELECT e.id AS entry_id, e.body FROM audit_entry AS e WHERE e.id > %s AND EXISTS"
            " (SELECT FROM audit_opening AS o WHERE o.contact_id = %s AND o.entry_id = e.id)"
            " ORDER BY e.id LIMIT 1000",
            (above, contact_id),
        )
        for row in rows:
            yield row
        if len(rows) < 1000:
            return
        above = rows[-1].entry_id


# After a restore the log holds entries with ids of transactions that this cluster has yet to reach: they lie
# below the floor, and the upper bound keeps the search away from them.
_UNSEALED = (
    " FROM audit_state AS s CROSS JOIN LATERAL (SELECT id, recorded_at FROM audit_entry"
    " WHERE xid >= s.prev_xmin AND xid < pg_snapshot_xmax(pg_current_snapshot()) AND id > s.floor_id"
)


async def unsealed(session: Session, last: int) -> bool:
    """Whether an entry with an id up to `last` is committed and not sealed."""
    return bool(
        await session.value(f"SELECT EXISTS (SELECT {_UNSEALED} AND id <= %s LIMIT 1) AS e)", (last,))
    )


async def unsealed_age(session: Session) -> float:
    """Seconds since the oldest entry that is not sealed was appended; 0 when all are. The lag metric."""
    age = await session.value(
        "SELECT extract(epoch FROM clock_timestamp() - e.recorded_at)::float8"
        f"{_UNSEALED} ORDER BY xid, id LIMIT 1) AS e"
    )
    return 0.0 if age is None else max(0.0, float(age))
