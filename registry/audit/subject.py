"""What the log holds about one person, and how the ties between them are cut."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.audit import queries
from registry.keys.columns import KeyClass
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session

TABLES = ("audit_opening",)


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """Every entry about a person: when, what, for which purpose and why, which kinds of data (GDPR art. 15).

    Dates and purposes of consultations are the person's to know; who of the staff looked is not (CJEU C-579/21).
    """
    found = []
    async for row in queries.about(session, contact_id):
        entry = json.loads(bytes(row.body))
        told = {name: entry.get(name) for name in ("at", "action", "purpose", "reason", "kinds")}
        found.append({"entry": row.entry_id, **told})
    return {"entries": found}


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete a person's openings, in a session of the retention role.

    The entries stay, with commitments that nobody can open any more, so no old proof breaks (GDPR art. 17, 5(2)).
    """
    if KeyClass.AUDIT in kept:
        return {"audit_opening": 0}
    deleted = await session.execute("DELETE FROM audit_opening WHERE contact_id = %s", (contact_id,))
    return {"audit_opening": deleted.rowcount}
