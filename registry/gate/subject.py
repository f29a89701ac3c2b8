"""The decisions about one person; told, and deleted."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.keys.columns import KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session

TABLES = ("decision",)


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """Every decision that was kept: what was asked, what was answered, on what it rested."""
    rows = await session.all(
        "SELECT id, kind, purpose, channel, assignment_id, outcome, reason, basis, channel_ground, evidence, policy,"
        " message_id, decided_at FROM decision WHERE contact_id = %s ORDER BY decided_at, id",
        (contact_id,),
    )
    return {"source": "answers of the gate", "decisions": [row._asdict() for row in rows]}


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete a person's decisions, in a session of the retention role."""
    deleted = await session.execute("DELETE FROM decision WHERE contact_id = %s", (contact_id,))
    return {"decision": deleted.rowcount}
