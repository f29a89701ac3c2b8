"""Persons of whom there are several records: which records are of one person now.

`gate_row.merged_into` names the record that stands for the person, and is null where there is one record alone. It
changes only under the locks of all the rows concerned, so whoever holds one of them reads it as it is.
"""

from collections.abc import Collection, Iterable
from uuid import UUID

from registry.kit.database import Session

# The gate rows of these persons with those of every other record of theirs; parameter: ids.
RECORDS = (
    "ANY(%(ids)b::uuid[] || ARRAY(SELECT m.subject_id FROM gate_row o JOIN gate_row m ON m.merged_into = o.merged_into"
    " WHERE o.subject_id = ANY(%(ids)b::uuid[]) AND o.merged_into IS NOT NULL))"
)


async def records(session: Session, contact_ids: Collection[UUID]) -> dict[UUID, tuple[UUID, ...]]:
    """By person of several records, under each of them that was asked about: all of them, the surviving one first."""
    found: dict[UUID, list[UUID]] = {}
    surviving: dict[UUID, UUID] = {}
    for row in await session.all(
        "SELECT o.subject_id, o.merged_into, m.subject_id AS record FROM gate_row o"
        " JOIN gate_row m ON m.merged_into = o.merged_into"
        " WHERE o.subject_id = ANY(%b::uuid[]) AND o.merged_into IS NOT NULL ORDER BY m.subject_id",
        (list(contact_ids),),
    ):
        found.setdefault(row.subject_id, []).append(row.record)
        surviving[row.subject_id] = row.merged_into
    return {
        contact_id: tuple(sorted(of, key=lambda one: (one != surviving[contact_id], one)))
        for contact_id, of in found.items()
    }


async def of_person(session: Session, contact_id: UUID) -> tuple[UUID, ...]:
    """All records of the person of whom this is one, the surviving one first; itself alone where there is no other."""
    return (await records(session, [contact_id])).get(contact_id, (contact_id,))


async def stand_for(session: Session, contact_ids: Iterable[UUID], surviving_id: UUID | None) -> None:
    """Let one record stand for these, itself among them; None makes each a person again. The rows are locked."""
    ids = list(contact_ids)
    await session.execute(
        "UPDATE gate_row SET merged_into = %s WHERE subject_id = ANY(%b::uuid[])", (surviving_id, ids)
    )
    for contact_id in ids:
        if surviving_id is None:
            session.merged.pop(contact_id, None)
        else:
            session.merged[contact_id] = surviving_id


def record_among(session: Session, contact_id: UUID, holders: Collection[UUID]) -> UUID | None:
    """Which of these is the person's, their record or another of theirs; the person is locked or new. None for none."""
    if contact_id in holders:
        return contact_id
    person = session.merged.get(contact_id)
    if person is None:
        return None
    return next((one for one in holders if session.merged.get(one) == person), None)


def locked_records(session: Session, contact_id: UUID) -> tuple[UUID, ...]:
    """All records of a person whom this transaction has locked."""
    person = session.merged.get(contact_id)
    if person is None:
        return (contact_id,)
    return tuple(sorted(one for one, of in session.merged.items() if of == person))


async def restrict_alike(session: Session, contact_ids: Collection[UUID], merge_id: UUID) -> None:
    """A restriction of one record is the person's: the others take it over, since when it began (GDPR art. 18).

    The latest is the one that stands against most. What comes by a merge bears the merge's id: of these records it is
    known since they were merged, whenever it began. The rows are locked.
    """
    await session.execute(
        "WITH latest AS (SELECT restricted_at, restriction FROM gate_row"
        " WHERE subject_id = ANY(%(ids)b::uuid[]) AND restricted_at IS NOT NULL ORDER BY restricted_at DESC LIMIT 1),"
        " joined AS (UPDATE gate_row g SET restricted_at = l.restricted_at, restriction = l.restriction FROM latest l"
        " WHERE g.subject_id = ANY(%(ids)b::uuid[]) AND (g.restricted_at IS NULL OR g.restricted_at < l.restricted_at)"
        " RETURNING g.subject_id, g.restricted_at, g.restriction)"
        " INSERT INTO restriction (contact_id, id, reason, restricted_at)"
        " SELECT subject_id, %(merge)s, coalesce(restriction, ''), restricted_at FROM joined",
        {"ids": list(contact_ids), "merge": merge_id},
    )
