"""Whom a list names stands in the log before the list leaves: one committed entry for each piece of it."""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

from registry.audit import readsets
from registry.audit.body import JSON
from registry.keys import persons
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database

# Persons whom one entry is about at most.
CHUNK = 10_000
_KEYS = "SELECT contact_id, epoch, wrapped FROM person_key WHERE contact_id = ANY(%(contacts)b::uuid[])"


async def note(
    database: Database,
    ring: KeyRing,
    caller: Caller,
    action: str,
    read: Sequence[UUID],
    detail: Mapping[str, JSON],
) -> None:
    """Commit one entry with the read-set, on a connection of its own.

    Whoever was erased a moment ago has no keys and is left out.
    """
    async with database.held(caller) as session:
        rows = await session.all_binary(_KEYS, {"contacts": list(read)}) if read else []
        gathered = await asyncio.to_thread(_gather, ring, rows)
        await readsets.append(session, action, gathered, kinds=("standing",), detail=detail)


def _gather(ring: KeyRing, rows: list[tuple[UUID, int, bytes]]) -> readsets.ReadSet:
    return readsets.gather(list(persons.opened(ring, rows).values()))
