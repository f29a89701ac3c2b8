"""What the log holds about one person, and how the ties between them are cut."""

import json
from typing import Any
from uuid import UUID

from registry.audit import queries
from registry.kit.database import Session


async def export(session: Session, contact_id: UUID) -> list[dict[str, Any]]:
    """Every entry about a person: when, what, for which purpose and why, which kinds of data (GDPR art. 15)."""
    found = []
    async for row in queries.about(session, contact_id):
        entry = json.loads(bytes(row.body))
        told = {name: entry.get(name) for name in ("at", "action", "actor", "purpose", "reason", "kinds")}
        found.append({"entry": row.entry_id, **told})
    return found


async def erase(session: Session, contact_id: UUID) -> int:
    """Delete a person's openings, in a session of the retention role; returns how many there were.

    The entries stay, with commitments that nobody can open any more, so no old proof breaks (GDPR art. 17, 5(2)).
    """
    deleted = await session.execute("DELETE FROM audit_opening WHERE contact_id = %s", (contact_id,))
    return deleted.rowcount
