"""What one person agreed to and refused, with what was shown to them then; told, and deleted."""

import json
from collections.abc import Collection
from typing import Any
from uuid import UUID

from registry.consents import devices
from registry.consents.ledger import EntryKind
from registry.keys.columns import DEVICE_VALUE, ENTRY_EVIDENCE, GROUND_EVIDENCE, KeyClass, SealedColumn
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.policy.model import Grade

TABLES = ("consent_entry", "ground", "contact_merge", "device")


async def export(session: Session, ring: KeyRing, contact_id: UUID, keys: PersonKeys) -> dict[str, Any]:
    """Every entry with its evidence and the text of the notice that was shown, and every ground."""
    entries = await session.all(
        "SELECT e.id, e.seq, e.kind, e.grade, e.controller, e.purpose, e.channel, e.assignment_id, e.acted_at,"
        " e.recorded_at, e.refers_to, e.act, e.notice_version, e.notice_locale, e.policy, e.source, e.evidence,"
        " e.point, e.point_version, e.authority, n.body AS notice FROM consent_entry e LEFT JOIN notice n"
        " ON n.purpose = e.purpose AND n.version = e.notice_version AND n.locale = e.notice_locale"
        " WHERE e.contact_id = %s ORDER BY e.seq",
        (contact_id,),
    )
    grounds = await session.all(
        "SELECT id, seq, kind, controller, assignment_id, products, opt_out_offered, collected_in_sale, occurred_at,"
        " ends_at, recorded_at, source, evidence FROM ground WHERE contact_id = %s ORDER BY seq",
        (contact_id,),
    )
    merges = await session.all(
        "SELECT id, contact_id, surviving_id, reason, merged_at, unmerged_at FROM contact_merge"
        " WHERE contact_id = %(id)s OR surviving_id = %(id)s ORDER BY id",
        {"id": contact_id},
    )
    # One row at most, and none for a person: a device is a subject of its own.
    device = await session.all("SELECT value, created_at FROM device WHERE contact_id = %s", (contact_id,))
    return {
        "entries": [
            {
                **one._asdict(),
                "kind": EntryKind(one.kind).name.lower(),
                "grade": Grade(one.grade).name.lower(),
                "evidence": _opened(keys, ENTRY_EVIDENCE, one.evidence),
            }
            for one in entries
        ],
        "grounds": [
            {**one._asdict(), "evidence": _opened(keys, GROUND_EVIDENCE, one.evidence)} for one in grounds
        ],
        "merges": [one._asdict() for one in merges],
        "device": [
            {"value": keys.open(DEVICE_VALUE, bytes(one.value)).decode(), "created_at": one.created_at}
            for one in device
        ],
    }


def _opened(keys: PersonKeys, column: SealedColumn, sealed: bytes | None) -> Any:
    return None if sealed is None else json.loads(keys.open(column, bytes(sealed)))


async def erase(session: Session, contact_id: UUID, kept: Collection[KeyClass] = ()) -> dict[str, int]:
    """Delete the ledger of one person, in a session of the retention role.

    Where the policy keeps `proof` it stays, sealed and dated, under an id that leads nowhere; the gate never
    reads it, for there is no person to it any more.
    """
    counts = dict.fromkeys(TABLES, 0)
    # That two records were one person's proves nothing about any of them.
    merges = await session.execute(
        "DELETE FROM contact_merge WHERE contact_id = %(id)s OR surviving_id = %(id)s", {"id": contact_id}
    )
    counts["contact_merge"] = merges.rowcount
    counts |= await devices.erase(session, contact_id)
    if KeyClass.PROOF not in kept:
        for table in ("consent_entry", "ground"):
            deleted = await session.execute(f"DELETE FROM {table} WHERE contact_id = %s", (contact_id,))
            counts[table] = deleted.rowcount
    return counts
