"""Which records were of one person at an earlier time, by the merges that were on record then."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from registry.kit.database import Session


async def as_of(
    session: Session, contact_ids: Collection[UUID], known_at: datetime
) -> dict[UUID, tuple[UUID, ...]]:
    """By person of several records, under each of them that was asked about: all of them, the surviving one first."""
    into: dict[UUID, UUID] = {}
    asked: set[UUID] = set()
    waiting = set(contact_ids)
    while waiting:
        asked |= waiting
        rows = await session.all(
            "SELECT contact_id, surviving_id FROM contact_merge"
            " WHERE (contact_id = ANY(%(ids)b::uuid[]) OR surviving_id = ANY(%(ids)b::uuid[]))"
            " AND merged_at <= %(known)s AND (unmerged_at IS NULL OR unmerged_at > %(known)s)",
            {"ids": list(waiting), "known": known_at},
        )
        into |= {row.contact_id: row.surviving_id for row in rows}
        waiting = {one for row in rows for one in (row.contact_id, row.surviving_id)} - asked
    records: dict[UUID, set[UUID]] = {}
    for one in {*into, *into.values()}:
        records.setdefault(_last(one, into), set()).add(one)
    return {
        one: (surviving, *sorted(known - {surviving}))
        for surviving, known in records.items()
        for one in known
        if one in asked
    }


def _last(one: UUID, into: dict[UUID, UUID]) -> UUID:
    while one in into:
        one = into[one]
    return one
