"""Proofs from the living log: that an entry is in it, that it only grew, and whom an entry is about."""

from uuid import UUID

from registry.audit import commitments, merkle, proof, queries
from registry.audit.checkpoint import Checkpoint
from registry.audit.commitments import Opening
from registry.audit.evidence import Evidence
from registry.keys import persons
from registry.keys.columns import OPENING_NONCE
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound, Refused
from registry.kit.sealing import Unopenable


async def prove(session: Session, ring: KeyRing, entry_id: int, contact_id: UUID | None = None) -> Evidence:
    """All that proves an entry offline; with `contact_id` also that it is about that person.

    This reads personal data, so the caller appends an entry of its own.
    NotFound `entry.unknown`, `opening.missing` (not about them, or erased); Refused `entry.unsealed`: too new.
    """
    row = await queries.sealed_entry(session, entry_id)
    if row is None:
        raise NotFound("entry.unknown", "There is no such entry in the log.")
    included = await inclusion(session, row.leaf_index)
    opened = None if contact_id is None else await opening(session, ring, entry_id, contact_id)
    return Evidence(bytes(row.body), included.encode(), opened)


async def inclusion(session: Session, leaf_index: int | None) -> proof.TlogProof:
    """The proof that a leaf is under the newest checkpoint. Refused `entry.unsealed`: not yet."""
    head = await queries.latest(session)
    if leaf_index is None or head is None or leaf_index >= head.size:
        raise Refused("entry.unsealed", "The entry is not sealed yet.", mend="try again in a second")
    path = await queries.with_nodes(session, lambda node: merkle.inclusion(leaf_index, head.size, node))
    return proof.TlogProof(leaf_index, tuple(path), head.note)


async def consistency(session: Session, old: int, new: int | None = None) -> tuple[list[bytes], Checkpoint]:
    """The proof that the log of `new` leaves (default: the newest checkpoint) extends that of `old`.

    Misuse `size.unknown`: `old` is larger than `new`, or `new` was never signed.
    """
    head = await queries.latest(session) if new is None else await _checkpoint_of(session, new)
    if head is None or not 0 <= old <= head.size:
        raise Misuse("size.unknown", "The log has no checkpoint of that size.")
    size = head.size
    return await queries.with_nodes(session, lambda node: merkle.consistency(old, size, node)), head


async def _checkpoint_of(session: Session, size: int) -> Checkpoint | None:
    found = await queries.checkpoints(session, size - 1, 1)
    return found[0] if found and found[0].size == size else None


async def opening(session: Session, ring: KeyRing, entry_id: int, contact_id: UUID) -> Opening:
    """What shows that an entry is about a person. NotFound `opening.missing`: it is not, or they were erased."""
    missing = NotFound("opening.missing", "Nothing ties this entry to this person.")
    rows = await queries.openings(session, contact_id, [entry_id])
    keys = (await persons.load(session, ring, [contact_id])).get(contact_id)
    if not rows or keys is None:
        raise missing
    row = rows[0]
    try:
        nonce = keys.open(OPENING_NONCE, bytes(row.nonce))
    except Unopenable as error:
        raise missing from error
    path = commitments.path_to(row.position, await queries.commitments_of(session, entry_id))
    return Opening(contact_id, row.position, nonce, path)
