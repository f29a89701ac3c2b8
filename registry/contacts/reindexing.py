"""Blind indexes written anew under another epoch, from the sealed values themselves."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from registry.keys import blind
from registry.keys.columns import ASSIGNMENT_VALUE
from registry.keys.persons import PersonKeys
from registry.keys.ring import Epoch
from registry.kit.database import Session
from registry.kit.sealing import Unopenable


async def reindex(session: Session, epoch: Epoch, people: Sequence[PersonKeys]) -> int:
    """Index every identifier that these persons have or had under `epoch`; how many rows were new."""
    keys = {one.contact_id: one for one in people}
    rows = await session.all(
        "SELECT contact_id, identifier_id, kind, value FROM assignment WHERE contact_id = ANY(%s)",
        (list(keys),),
    )
    return await _write(session, epoch, keys, rows)


async def unindexed(session: Session, epoch: Epoch, limit: int) -> list[UUID]:
    """Persons with an identifier that is indexed under an earlier epoch and not under this one."""
    rows = await session.all(
        "SELECT DISTINCT s.contact_id FROM assignment s JOIN identifier_index o ON o.identifier_id = s.identifier_id"
        " JOIN person_key k ON k.contact_id = s.contact_id"
        " WHERE o.epoch < %(n)s AND NOT EXISTS (SELECT FROM identifier_index i"
        " WHERE i.identifier_id = s.identifier_id AND i.epoch = %(n)s) LIMIT %(limit)s",
        {"n": epoch.number, "limit": limit},
    )
    return [row.contact_id for row in rows]


async def _write(
    session: Session,
    epoch: Epoch,
    keys: Mapping[UUID, PersonKeys],
    rows: Sequence[tuple[UUID, UUID, int, bytes]],
) -> int:
    values: dict[bytes, UUID] = {}
    for contact_id, identifier_id, kind, sealed in rows:
        try:
            normalised = keys[contact_id].open(ASSIGNMENT_VALUE, bytes(sealed)).decode()
        except Unopenable:
            continue  # only another class of this person's keys was kept
        values[blind.index(epoch, kind, normalised)] = identifier_id
    ordered = sorted(values)
    written = await session.execute(
        "INSERT INTO identifier_index (epoch, value, identifier_id)"
        " SELECT %s, value, id FROM unnest(%s::bytea[], %s::uuid[]) AS w(value, id) ON CONFLICT DO NOTHING",
        (epoch.number, ordered, [values[value] for value in ordered]),
    )
    return written.rowcount
