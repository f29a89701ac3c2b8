"""What a person has chosen towards one controller, as the preference centre shows it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from registry.access.masking import outline
from registry.audit import entries as audit
from registry.consents import projection, standing_rows
from registry.consents.ledger import EntryKind, Standing, fold
from registry.consents.standing_rows import Of, Person
from registry.contacts import queries as contacts
from registry.contacts.identifiers import Kind
from registry.dispatch.letters import PREFERENCES_DAYS
from registry.dispatch.tokens import Preferences
from registry.gate import service as gate
from registry.gate.model import Decision, Outcome, Question
from registry.keys import persons as person_keys
from registry.keys.columns import ASSIGNMENT_VALUE
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.policy.model import Basis, Controller, PolicySet, Purpose
from registry.subject_requests import intake
from registry.subject_requests.intake import Filed

# Uses that a person can say no to, whatever their class: consent (art. 7(3)), interests and public tasks (art. 21(1)).
_REFUSABLE = frozenset({Basis.CONSENT, Basis.LEGITIMATE_INTERESTS, Basis.PUBLIC_TASK})


class Word(StrEnum):
    """How a choice stands."""

    YES = "yes"
    WAITING = "waiting"
    ENDED = "ended"
    REFUSED = "refused"
    NEVER = "never"
    STOPPED = "stopped"


# The gate's reasons, as far as they are the person's own doing; every other "no" was never a yes.
_WORDS = {
    "consent.unconfirmed": Word.WAITING,
    "consent.refused": Word.REFUSED,
    "consent.withdrawn": Word.REFUSED,
    "purpose.objected": Word.REFUSED,
    "address.suppressed": Word.REFUSED,
    "consent.expired": Word.ENDED,
    "consent.notice_outdated": Word.ENDED,
    "address.missing": Word.STOPPED,
    "address.dead": Word.STOPPED,
    "address.listed": Word.STOPPED,
    "contact.restricted": Word.STOPPED,
    "consent.parental_missing": Word.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One purpose on one channel at one address. `since` and `until` belong to the word; `reason` is the gate's."""

    purpose: Purpose
    channel: str
    assignment_id: UUID | None
    address: str | None
    word: Word
    reason: str
    since: datetime | None = None
    until: datetime | None = None
    # Another mailbox than the one that the link was sent to: who holds the link need not hold that one.
    elsewhere: bool = False

    @property
    def can_take(self) -> bool:
        """Whether there is something to say no to: what rests on no consent can be objected to before it begins."""
        return (
            self.word in (Word.YES, Word.WAITING)
            or (self.word is Word.STOPPED and self.reason != "address.missing")
            or (self.word is Word.NEVER and self.purpose.basis is not Basis.CONSENT)
        )

    @property
    def can_give(self) -> bool:
        """Whether a yes is to be had here, and is not there yet; what needs a letter is had by e-mail alone."""
        return (
            self.word in (Word.ENDED, Word.REFUSED, Word.NEVER)
            and self.purpose.notice_version is not None
            and not (self.purpose.double_opt_in and self.channel != "email")
            and not self.elsewhere
        )


@dataclass(frozen=True, slots=True)
class Choices:
    """What the page shows. `address` is masked; `access` is the request for a copy that waits, if one does."""

    controller: Controller
    address: str
    choices: tuple[Choice, ...]
    access: Filed | None


def controller_of(policies: PolicySet, token: Preferences) -> Controller:
    """The controller that a token is about; the policies know its purpose (`linked.policies_for`)."""
    name = next(name for name, number in policies.purpose_ids.items() if number == token.purpose_id)
    return policies.controllers[policies.purposes[name].controller]


def refusable(policies: PolicySet, controller: Controller) -> tuple[Purpose, ...]:
    """The purposes of a controller that a person can say no to."""
    return tuple(
        purpose
        for purpose in policies.purposes_of(controller.id)
        if purpose.subject == "contact" and (purpose.is_marketing or purpose.basis in _REFUSABLE)
    )


def is_fresh(token: Preferences, at: datetime) -> bool:
    """Whether a link still shows what was chosen, and lets something be agreed to."""
    issued_at = datetime.fromtimestamp(token.issued_at, UTC)
    return issued_at <= at + timedelta(minutes=5) and at < issued_at + timedelta(days=PREFERENCES_DAYS)


async def read(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    controller: Controller,
    token: Preferences,
    at: datetime,
) -> Choices | None:
    """What the person has chosen towards a controller; None without such a person, or with the link's address ended.

    Appends `consent.read` to the log: whoever holds the link reads personal data.
    """
    keys = (await person_keys.load(session, ring, [token.contact_id])).get(token.contact_id)
    found = await projection.load(session, [token.contact_id])
    if keys is None or not found:
        return None
    person = found[0].record(token.contact_id)
    if all(address.assignment_id != token.assignment_id for address in person.addresses):
        return None
    addresses = await _addresses(session, person, keys)
    wanted = refusable(policies, controller)
    scopes = [of for of in standing_rows.scopes(policies, person) if of.purpose in wanted]
    questions = [
        Question(
            person.contact_id, of.purpose.id, of.channel, of.address.assignment_id if of.address else None
        )
        for of in scopes
    ]
    decisions = await gate.decide(session, policies, questions, at)
    waiting = [one for one in await intake.waiting_of(session, token.contact_id) if one.kind == "access"]
    await audit.append(
        session,
        ring,
        "consent.read",
        subjects=[token.contact_id],
        kinds=("consent", "email"),
        keys={token.contact_id: keys},
    )
    return Choices(
        controller,
        addresses[token.assignment_id],
        tuple(_choices(person, scopes, decisions, addresses, token.assignment_id, at)),
        waiting[0] if waiting else None,
    )


async def _addresses(session: Session, person: Person, keys: PersonKeys) -> dict[UUID, str]:
    """The person's current addresses, masked, by assignment."""
    current = {address.assignment_id for address in person.addresses}
    return {
        row.id: outline(Kind(row.kind).name.lower(), keys.open(ASSIGNMENT_VALUE, row.value).decode())
        for row in await contacts.assignments(session, person.contact_id)
        if row.id in current
    }


def _choices(
    person: Person,
    scopes: Sequence[Of],
    decisions: Sequence[Decision],
    addresses: dict[UUID, str],
    here: UUID,
    at: datetime,
) -> Iterator[Choice]:
    for of, decision in zip(scopes, decisions, strict=True):
        assignment_id = of.address.assignment_id if of.address else None
        standing = fold(person.entries, standing_rows.scope(of.purpose, of.channel, assignment_id))
        word, since, until = state(of.purpose, decision, standing, person, at)
        yield Choice(
            of.purpose,
            of.channel,
            assignment_id,
            addresses.get(assignment_id) if assignment_id else None,
            word,
            decision.reason,
            since,
            until,
            of.address is not None and of.address.kind is Kind.EMAIL and assignment_id != here,
        )


def state(
    purpose: Purpose, decision: Decision, standing: Standing, person: Person, at: datetime
) -> tuple[Word, datetime | None, datetime | None]:
    """How a choice stands, since when, and until when something can be done about it. Pure."""
    evidence = next((entry for entry in person.entries if entry.id == standing.evidence), None)
    given = evidence is not None and evidence.kind in (EntryKind.GRANTED, EntryKind.CONFIRMED)
    if decision.outcome is not Outcome.DENY:
        return Word.YES, standing.consented_at if given else None, None
    word = _WORDS.get(decision.reason, Word.NEVER)
    if word is Word.WAITING:
        if evidence is None:
            return Word.NEVER, None, None
        until = evidence.recorded_at + timedelta(days=purpose.confirm_within_days)
        return (Word.WAITING, evidence.recorded_at, until) if until > at else (Word.NEVER, None, None)
    if word is Word.REFUSED:
        said_no = evidence is not None and evidence.kind.takes_away
        return word, evidence.recorded_at if said_no and evidence else None, None
    if word is Word.ENDED:
        return word, standing.consented_at, None
    return word, None, None


def identifier(text: str | None) -> UUID | None:
    """The id of an address from a form; None for none, and for what is no id."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None
