"""Gathers what proves one entry of the ledger: the text shown, the evidence, its place in the log (art. 7(1))."""

import json
from typing import Any
from uuid import UUID

from registry.audit import entries, export, service
from registry.consents import proof
from registry.keys import persons
from registry.keys.columns import ENTRY_EVIDENCE
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.kit.errors import NotFound


async def prove(
    database: Database, ring: KeyRing, caller: Caller, contact_id: UUID, entry_id: UUID
) -> dict[str, Any]:
    """A document that `proof.verify` checks with nothing but the log's key; entry `consent.prove`.

    NotFound `entry.unknown`. Whatever was just recorded is sealed first.
    """
    await export.sealed_through_now(database, ring, caller)
    async with database.begin(caller) as session:
        made = await document(session, ring, contact_id, entry_id)
        await entries.append(
            session,
            ring,
            "consent.prove",
            subjects=[contact_id],
            kinds=("consent", "evidence"),
            detail={"entry": str(entry_id)},
        )
    return made


async def document(session: Session, ring: KeyRing, contact_id: UUID, entry_id: UUID) -> dict[str, Any]:
    """What `prove` gives, for whoever notes it in the log with more; the log is sealed through the entry."""
    row = await session.first(
        f"SELECT {', '.join('e.' + name for name in (*proof.COVERED, *proof.COVERED_IF_SAID))}, e.evidence,"
        " n.hash, n.body, n.version, n.locale, c.hash AS form_hash, c.body AS form"
        " FROM consent_entry e LEFT JOIN notice n ON n.purpose = e.purpose AND n.version = e.notice_version"
        " AND n.locale = e.notice_locale"
        " LEFT JOIN collection_point c ON c.point = e.point AND c.version = e.point_version"
        " WHERE e.contact_id = %s AND e.id = %s",
        (contact_id, entry_id),
    )
    if row is None:
        raise NotFound("entry.unknown", "The person has no such entry.")
    told = proof.facts(row._asdict(), row.hash, row.evidence, row.form_hash)
    digest = proof.digest(told)
    logged = await session.value(
        "SELECT o.entry_id FROM audit_opening o JOIN audit_entry a ON a.id = o.entry_id"
        " WHERE o.contact_id = %s AND position(convert_to(%s, 'UTF8') IN a.body) > 0 ORDER BY 1 LIMIT 1",
        (contact_id, digest),
    )
    if logged is None:
        raise NotFound("entry.unlogged", "The log has no entry that holds this one as it is now.")
    evidence = None
    if row.evidence is not None:
        keys = (await persons.load(session, ring, [contact_id]))[contact_id]
        evidence = json.loads(keys.open(ENTRY_EVIDENCE, bytes(row.evidence)))
    return {
        "format": proof.FORMAT,
        "contact": str(contact_id),
        "entry": told,
        "notice": row.body and {"version": row.version, "locale": row.locale, "body": row.body},
        "form": proof.form_shown(told, row.form) if row.form is not None else None,
        "evidence": evidence,
        "log": (await service.prove(session, ring, logged, contact_id)).as_json(),
    }
