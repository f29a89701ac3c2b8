"""What one person asked for before; told, and deleted."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.keys.columns import KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session

# `erasure` holds what an erasure leaves: an id that leads nowhere, and counts. It is never erased.
TABLES = ("subject_request", "erasure")


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """The person's requests, with when they came and when they were done."""
    rows = await session.all(
        "SELECT id, kind, state, reason, received_at, completed_at FROM subject_request"
        " WHERE contact_id = %s ORDER BY received_at, id",
        (contact_id,),
    )
    return {"requests": [row._asdict() for row in rows]}


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete a person's requests, in a session of the retention role."""
    deleted = await session.execute("DELETE FROM subject_request WHERE contact_id = %s", (contact_id,))
    return {"subject_request": deleted.rowcount}
