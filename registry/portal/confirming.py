"""The second step of a double opt-in: the link in the letter confirms one request, once, until its term."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from registry.consents import acts, merged_rows, projection, standing_rows
from registry.consents.ledger import Entry, EntryKind
from registry.consents.standing_rows import Person
from registry.consents.validation import NewEntry
from registry.contacts import service as persons
from registry.contacts.queries import Reference
from registry.contacts.service import ContactGone
from registry.dispatch.tokens import Confirmation
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound, Refused
from registry.policy.model import Grade, PolicySet, Purpose
from registry.standing.model import Consent, Mark

SOURCE = "confirmation"
FORM = "confirmation/1"


class Outcome(Enum):
    """What became of a confirmation."""

    CONFIRMED = "confirmed"
    ALREADY = "already"
    TAKEN_BACK = "taken_back"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The outcome, and the address that the request was for."""

    outcome: Outcome
    assignment_id: UUID | None = None


def is_over(purpose: Purpose, token: Confirmation, at: datetime) -> bool:
    """Whether the term of the request had passed at `at`."""
    requested_at = datetime.fromtimestamp(token.requested_at, UTC)
    return at >= requested_at + timedelta(days=purpose.confirm_within_days)


async def confirm(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    token: Confirmation,
    at: datetime,
    evidence: Mapping[str, Any],
) -> Confirmed:
    """Record `confirmed` for the request that the token names; nothing is changed for any other outcome.

    In force when the transaction commits. The request is read under the person's lock: a "no" that came before is
    seen, and two presses of the button make one entry.
    """
    try:
        await persons.lock(session, [token.contact_id])
    except ContactGone:
        return Confirmed(Outcome.CLOSED)
    request = await session.first(
        "SELECT seq, controller, purpose, channel, assignment_id, notice_version, notice_locale, point, point_version,"
        " authority FROM consent_entry WHERE contact_id = %s AND id = %s",
        (token.contact_id, token.entry_id),
    )
    purpose = policies.purposes.get(request.purpose) if request else None
    if request is None or purpose is None or policies.purpose_ids.get(purpose.id) != token.purpose_id:
        return Confirmed(Outcome.CLOSED)
    (whole,) = await projection.load(session, [token.contact_id])
    person = whole.record(token.contact_id)
    confirmed = _confirmed(person.entries, token.entry_id)
    if confirmed and _stands(policies, whole, purpose, request, at):
        return Confirmed(Outcome.ALREADY, request.assignment_id)
    scope = standing_rows.scope(purpose, request.channel, request.assignment_id)
    for later in person.entries:
        if later.kind.takes_away and later.seq > request.seq and scope.covered_by_no(later):
            return Confirmed(Outcome.TAKEN_BACK, request.assignment_id)
        if later.kind is EntryKind.INVALIDATED and later.refers_to == token.entry_id:
            return Confirmed(Outcome.CLOSED)
    if confirmed or is_over(purpose, token, at):
        return Confirmed(Outcome.CLOSED)
    entry = NewEntry(
        contact_id=token.contact_id,
        kind=EntryKind.CONFIRMED,
        purpose=purpose.id,
        channel=request.channel,
        grade=Grade.FIRST_PARTY,
        source=SOURCE,
        assignment_id=request.assignment_id,
        acted_at=at,
        act="clicked",
        notice_version=request.notice_version,
        notice_locale=request.notice_locale,
        refers_to=token.entry_id,
        evidence=evidence,
        point=request.point,
        point_version=request.point_version,
        authority=request.authority,
    )
    try:
        await acts.act(session, ring, policies, Reference(token.contact_id, None), entry)
    except Refused as error:
        # The address is theirs no more, or the term of the request ended meanwhile.
        if isinstance(error, ContactGone) or not (
            isinstance(error, NotFound) or error.code == "request.settled"
        ):
            raise
        return Confirmed(Outcome.CLOSED)
    # Whoever opened the letter has the mailbox.
    await session.execute(
        "UPDATE assignment SET verified_at = clock_timestamp()"
        " WHERE contact_id = %s AND id = %s AND verified_at IS NULL",
        (token.contact_id, request.assignment_id),
    )
    return Confirmed(Outcome.CONFIRMED, request.assignment_id)


def _confirmed(entries: Sequence[Entry], entry_id: UUID) -> bool:
    return any(one.kind is EntryKind.CONFIRMED and one.refers_to == entry_id for one in entries)


def _stands(policies: PolicySet, person: Person, purpose: Purpose, request: Any, at: datetime) -> bool:
    """Whether the yes that was confirmed is one still: nobody is told that they get what they have stopped."""
    asked = policies.purpose_ids[purpose.id], policies.channel_ids[request.channel], request.assignment_id
    return any(
        row.consent == Consent.GIVEN
        and row.valid_until > at
        and Mark.YES not in (row.suppressed, row.objected)
        for row in merged_rows.rows(policies, person, at)
        if (row.purpose_id, row.channel_id, row.assignment_id) == asked
    )
