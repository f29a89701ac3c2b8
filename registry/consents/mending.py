"""What the controller finds out about an entry afterwards: that it never was valid, or that it was less than it says.

The ledger keeps the entry as it is and says so beside it. Neither can make a "yes" better, and neither touches a "no":
that ends by the person's own later act alone (GDPR art. 5(1)(d), 5(2), 7(1)).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import acts, service
from registry.consents.ledger import EntryKind
from registry.consents.service import Recorded
from registry.consents.validation import NewEntry
from registry.contacts import service as persons
from registry.contacts.queries import Reference
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound, Refused
from registry.policy.model import Grade, PolicySet
from registry.standing import merged, permits

_YES = frozenset({EntryKind.REQUESTED, EntryKind.GRANTED, EntryKind.CONFIRMED})


@dataclass(frozen=True, slots=True)
class Correction:
    """What was less than the entry says: given earlier, under an older text, or shown by weaker evidence."""

    acted_at: datetime | None = None
    notice_version: int | None = None
    notice_locale: str | None = None
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Mend:
    """An entry to be invalidated, or with `correction` to be corrected. `circumstances` are kept sealed."""

    entry_id: UUID
    reason: str
    source: str
    correction: Correction | None = None
    circumstances: Mapping[str, Any] | None = None
    # Where the caller names them, they must be the entry's own.
    purpose: str | None = None
    channel: str | None = None

    @property
    def kind(self) -> EntryKind:
        return EntryKind.INVALIDATED if self.correction is None else EntryKind.CORRECTED


class EntryIsNo(Refused):
    """A "no" is neither void nor mended by anybody but the person."""

    def __init__(self) -> None:
        super().__init__(
            "entry.is_no",
            "Only a yes can be invalidated or corrected.",
            mend="a no ends by the person's own later consent",
        )


class EntryInvalid(Refused):
    """The entry was invalidated before; there is nothing left to say of it."""

    def __init__(self) -> None:
        super().__init__("entry.invalidated", "That entry was invalidated already.")


async def mend(
    session: Session, ring: KeyRing, policies: PolicySet, reference: Reference, wanted: Mend
) -> Recorded:
    """Record what was found out about an entry; entry `consent.invalidate` or `consent.correct`.

    NotFound `entry.unknown`, EntryIsNo, EntryInvalid; Misuse `correction.loosens` for what would make the entry
    better, `correction.empty`, `reason.missing`, `entry.other_scope`.
    """
    if not wanted.reason.strip():
        raise Misuse(
            "reason.missing",
            "What was found out is missing.",
            field="evidence",
            mend="say it as `reason`; it is kept sealed",
        )
    contact_id = await acts.one(session, ring, reference)
    await persons.lock(session, [contact_id])
    row = await _entry(session, merged.locked_records(session, contact_id), wanted)
    correction = wanted.correction or Correction()
    if wanted.correction is not None:
        _require_stricter(wanted.correction, row)
    (recorded,) = await service.record(
        session,
        ring,
        policies,
        [
            NewEntry(
                contact_id=row.contact_id,
                kind=wanted.kind,
                purpose=row.purpose,
                channel=row.channel,
                grade=Grade(row.grade) if correction.grade is None else correction.grade,
                source=wanted.source,
                assignment_id=row.assignment_id,
                acted_at=correction.acted_at,
                controller=row.controller,
                notice_version=correction.notice_version,
                notice_locale=correction.notice_locale,
                refers_to=row.id,
                evidence={**(wanted.circumstances or {}), "reason": wanted.reason},
            )
        ],
    )
    await audit.append(
        session,
        ring,
        "consent.invalidate" if wanted.correction is None else "consent.correct",
        subjects=[row.contact_id],
        kinds=("consent",),
        detail={
            "purpose": row.purpose,
            "channel": row.channel,
            "digests": [recorded.digest],
            **permits.told(session),
        },
    )
    return recorded


async def _entry(session: Session, records: tuple[UUID, ...], wanted: Mend) -> Any:
    row = await session.first(
        "SELECT e.id, e.contact_id, e.kind, e.grade, e.controller, e.purpose, e.channel, e.assignment_id, e.acted_at,"
        " e.notice_version, EXISTS (SELECT FROM consent_entry i WHERE i.contact_id = e.contact_id"
        " AND i.refers_to = e.id AND i.kind = %s) AS invalid"
        " FROM consent_entry e WHERE e.contact_id = ANY(%b::uuid[]) AND e.id = %s",
        (int(EntryKind.INVALIDATED), list(records), wanted.entry_id),
    )
    if row is None:
        raise NotFound("entry.unknown", "The person has no such entry.", field="refers_to")
    if (wanted.purpose or row.purpose, wanted.channel or row.channel) != (row.purpose, row.channel):
        raise Misuse("entry.other_scope", "The entry is for another purpose or channel.", field="refers_to")
    if EntryKind(row.kind) not in _YES:
        raise EntryIsNo
    if row.invalid:
        raise EntryInvalid
    return row


def _require_stricter(correction: Correction, row: Any) -> None:
    if correction == Correction():
        raise Misuse(
            "correction.empty",
            "A correction says what is otherwise: when, under which text, or how well it is shown.",
            mend="name acted_at, notice or grade",
        )
    if correction.acted_at is not None and (row.acted_at is None or correction.acted_at > row.acted_at):
        raise _loosens("acted_at")
    if correction.notice_version is not None and correction.notice_version > (row.notice_version or 0):
        raise _loosens("notice")
    if correction.grade is not None and correction.grade > row.grade:
        raise _loosens("grade")


def _loosens(field: str) -> Misuse:
    return Misuse(
        "correction.loosens",
        "A correction can only make an entry weaker: earlier, of an older text, with weaker evidence.",
        field=field,
        mend="ask the person anew",
    )
