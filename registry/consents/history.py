"""A person's ledger as it is shown: page by page, by `seq`, each page an entry in the log."""

from typing import Any, Literal, cast
from uuid import UUID

from registry.access.principals import Scope
from registry.audit import entries
from registry.consents import devices
from registry.consents.ledger import ANY, EntryKind
from registry.consents.schemas import Entry, History, NoticeShown
from registry.contacts import queries as contacts
from registry.contacts.queries import Reference
from registry.contacts.reading import ContactUnknown
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound
from registry.policy.model import Grade

PAGE = 100
PAGE_LIMIT = 500


# Of a ledger what a narrowed key may read: entries about its purposes, and a "no" to all marketing of a controller.
WITHIN = (
    "(%(everything)s OR purpose = ANY(%(purposes)s)"
    f" OR (purpose = '{ANY}' AND controller = ANY(%(controllers)s)))"
)


def within(scope: Scope | None) -> dict[str, Any]:
    """The parameters of WITHIN."""
    return {
        "everything": scope is None,
        "purposes": sorted(scope.purposes) if scope else [],
        "controllers": sorted(scope.controllers) if scope else [],
    }


async def require_within(session: Session, contact_id: UUID, entry_id: UUID, scope: Scope | None) -> None:
    """NotFound `entry.unknown` for an entry that there is not, or not for this key."""
    if scope is not None and not await session.first(
        f"SELECT 1 FROM consent_entry WHERE contact_id = %(contact)s AND id = %(entry)s AND {WITHIN}",
        {"contact": contact_id, "entry": entry_id, **within(scope)},
    ):
        raise NotFound("entry.unknown", "The person has no such entry.")


async def page(
    session: Session,
    ring: KeyRing,
    contact_id: UUID,
    after: int = 0,
    limit: int = PAGE,
    scope: Scope | None = None,
) -> History:
    """Up to `limit` entries with `seq` above `after`, those within `scope`; entry `consent.read`.

    Raises ContactUnknown (404).
    """
    reference = Reference(contact_id, None)
    if await contacts.contact(session, contact_id) is None and (
        await devices.resolve(session, ring, reference) is None
    ):
        raise ContactUnknown
    rows = await session.all(
        "SELECT id, seq, kind, grade, controller, purpose, channel, assignment_id, acted_at, recorded_at,"
        " refers_to, act, notice_version, notice_locale, policy, source, evidence IS NOT NULL AS has_evidence"
        " FROM consent_entry WHERE contact_id = %(contact)s AND seq > %(after)s"
        f" AND {WITHIN} ORDER BY seq LIMIT %(limit)s",
        {"contact": contact_id, "after": after, "limit": limit + 1, **within(scope)},
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
