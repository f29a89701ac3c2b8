"""A person's ledger as it is shown: page by page, by `seq`, each page an entry in the log."""

from typing import Any, Literal, cast
from uuid import UUID

from registry.audit import entries
from registry.consents import devices
from registry.consents.ledger import EntryKind
from registry.consents.schemas import Entry, History, NoticeShown
from registry.contacts import queries as contacts
from registry.contacts.queries import Reference
from registry.contacts.reading import ContactUnknown
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.policy.model import Grade

PAGE = 100
PAGE_LIMIT = 500


async def page(
    session: Session, ring: KeyRing, contact_id: UUID, after: int = 0, limit: int = PAGE
) -> History:
    """Up to `limit` entries with `seq` above `after`; entry `consent.read`. Raises ContactUnknown (404)."""
    reference = Reference(contact_id, None)
    if await contacts.contact(session, contact_id) is None and (
        await devices.resolve(session, ring, reference) is None
    ):
        raise ContactUnknown
    rows = await session.all(
        "SELECT id, seq, kind, grade, controller, purpose, channel, assignment_id, acted_at, recorded_at,"
        " refers_to, act, notice_version, notice_locale, policy, source, evidence IS NOT NULL AS has_evidence"
        " FROM consent_entry WHERE contact_id = %s AND seq > %s ORDER BY seq LIMIT %s",
        (contact_id, after, limit + 1),
    )
    shown = rows[:limit]
    await entries.append(
        session,
        ring,
        "consent.read",
        subjects=[contact_id],
        kinds=["consent"],
        detail={"entries": len(shown)},
    )
    return History([_entry(row) for row in shown], shown[-1].seq if len(rows) > limit else None)


def _entry(row: Any) -> Entry:
    notice = None
    if row.notice_version is not None:
        notice = NoticeShown(row.notice_version, row.notice_locale or "")
    return Entry(
        id=row.id,
        seq=row.seq,
        kind=EntryKind(row.kind).name.lower(),
        grade=cast(Literal["unknown", "attested", "first_party"], Grade(row.grade).name.lower()),
        controller=row.controller,
        purpose=row.purpose,
        channel=row.channel,
        identifier=row.assignment_id,
        acted_at=row.acted_at,
        recorded_at=row.recorded_at,
        refers_to=row.refers_to,
        act=row.act,
        notice=notice,
        policy=row.policy,
        source=row.source,
        has_evidence=row.has_evidence,
    )
