"""From everything recorded about a person to the rows that the gate reads. Pure, and the only way to make them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from registry.consents import grounds as facts
from registry.consents import parental
from registry.consents.grounds import Ground
from registry.consents.ledger import ANY, Entry, Scope, Standing, acts, fold
from registry.contacts.identifiers import Kind
from registry.kit.clock import FAR_FUTURE, FAR_PAST, NEVER
from registry.kit.ids import NIL
from registry.policy.model import Basis, Grade, PolicySet, Purpose, Subscriber, jurisdiction
from registry.policy.schedule import Part, capped_until, clock_of
from registry.standing.model import AddressState, Consent, ContactState, GateState, Mark, Parental

# What no entry of the controller adds up to.
_NOTHING = Standing(Consent.MISSING, Mark.NO, NIL)
_KIND_OF = {"email": Kind.EMAIL, "phone": Kind.PHONE}


@dataclass(frozen=True, slots=True)
class AddressRefusal:
    """An address's "no"; it binds everybody who has the address."""

    controller: str
    purpose: str
    channel: str
    acted_at: datetime
    recorded_at: datetime
    # Said by a person about all their addresses, of which this was one that nobody shared.
    of_person: bool = False
    # An objection (art. 21) takes a grant at first hand, whoever of the two said it; so does what is not known.
    objection: bool = True


@dataclass(frozen=True, slots=True)
class Address:
    """An e-mail address or phone number that the person has now."""

    assignment_id: UUID
    address_id: UUID
    kind: Kind
    verified_at: datetime | None = None
    dead: bool = False
    refusals: tuple[AddressRefusal, ...] = ()
    # Taken up again after a person was erased from it: only a grant at first hand opens it to marketing.
    reopened: bool = False
    # The do-not-call and do-not-mail lists that it is on.
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """Everything that the gate's rows about one person follow from."""

    contact_id: UUID
    country: str | None = None
    subscriber: Subscriber = Subscriber.UNKNOWN
    state: ContactState = ContactState.ACTIVE
    restricted_at: datetime | None = None
    addresses: Sequence[Address] = ()
    entries: Sequence[Entry] = ()
    grounds: Sequence[Ground] = ()
    # Tracking is allowed by devices and everything else by persons; neither passes to the other.
    device: bool = False
    time_zone: str | None = None
    preferred_part: Part = Part.ANY
    # By each rule on the age of consent of the person's country: since when it holds, when it makes them of age.
    coming_of_age: tuple[tuple[date, date], ...] = ()
    # The same with what was known before: from and until when it was on record, the rule's day, the day of age.
    ages_on_record: tuple[tuple[datetime, datetime, date, date], ...] = ()
    # Marketing messages handed over, by controller and channel, a day (UTC).
    handed: Mapping[tuple[str, str], dict[date, int]] = field(default_factory=dict)
    # Other records of the same person, merged with this one, which stands for all (`merged_rows`).
    merged: Sequence["Person"] = ()

    def record(self, contact_id: UUID) -> "Person":
        """The one of the person's records that has this id; this one where none has."""
        return next((one for one in self.merged if one.contact_id == contact_id), self)


class Of(NamedTuple):
    """What one row is about: a purpose on a channel at an address, None where there is none or none is needed."""

    purpose: Purpose
    channel: str
    address: Address | None
    kind: Kind | None
    addresses: int


def scopes(policies: PolicySet, person: Person) -> Iterator[Of]:
    """Each live purpose, channel and current address; one without address where there is none."""
    by_kind: dict[Kind, list[Address]] = {}
    for address in person.addresses:
        by_kind.setdefault(address.kind, []).append(address)
    for purpose in policies.purposes.values():
        if (purpose.subject == "device") is not person.device:
            continue
        for channel in purpose.channels:
            kind = _KIND_OF.get(policies.channels[channel].address)
            held: Sequence[Address | None] = (by_kind.get(kind) if kind else None) or (None,)
            for one in held:
                yield Of(purpose, channel, one, kind, len(held))


def rows(policies: PolicySet, person: Person, at: datetime) -> Iterator[GateState]:
    """A row for each of `scopes`.

    `at` ends terms of contracts only; every other term is compared when the question is asked.
    """
    return (row(policies, person, scope, at) for scope in scopes(policies, person))


def row(policies: PolicySet, person: Person, of: Of, at: datetime) -> GateState:
    """One row of the gate's table."""
    purpose, channel, address, kind, addresses = of
    where = jurisdiction(person.country, person.subscriber)
    assignment_id = address.assignment_id if address else None
    standing = _NOTHING
    if any(entry.controller == purpose.controller for entry in person.entries):
        standing = fold(person.entries, scope(purpose, channel, assignment_id))
    carried = facts.carries_basis(purpose, person.grounds, at)
    soft = facts.soft_opt_in(purpose, person.grounds, assignment_id) if assignment_id else None
    evidence = standing.evidence
    if evidence == NIL:
        for ground in (soft, carried):
            if isinstance(ground, Ground):
                evidence = ground.id
                break
    if kind is None:
        address_state = AddressState.CURRENT
    elif address is None:
        address_state = AddressState.MISSING
    else:
        address_state = AddressState.DEAD if address.dead else AddressState.CURRENT
    valid_until = FAR_FUTURE
    if isinstance(carried, Ground) and carried.ends_at is not None:
        valid_until = carried.ends_at
    if purpose.basis is Basis.LEGITIMATE_INTERESTS:
        valid_until = min(valid_until, _balanced_until(policies, purpose))
    return GateState(
        contact_id=person.contact_id,
        assignment_id=assignment_id or NIL,
        address_id=address.address_id if address else NIL,
        evidence=evidence,
        restricted_at=person.restricted_at or NEVER,
        consented_at=standing.consented_at,
        valid_until=valid_until,
        verified_at=(address.verified_at if address else None) or FAR_PAST,
        active_at=_active_at(purpose, person, standing),
        capped_until=_capped_until(policies, purpose, channel, person),
        seq=standing.seq,
        purpose_id=policies.purpose_ids[purpose.id],
        channel_id=policies.channel_ids[channel],
        contact_state=person.state,
        address_state=address_state,
        addresses=addresses,
        suppressed=_suppressed(purpose, channel, address, standing),
        objected=standing.objected,
        consent=standing.consent,
        grade=standing.grade,
        notice_version=standing.notice_version,
        basis_facts=Mark.YES if carried else Mark.NO,
        soft_opt_in=Mark.YES if soft else Mark.NO,
        parental=_parental(policies, purpose, person, standing),
        listed=_listed(policies, purpose, channel, address),
        clock=clock(policies, person),
        jurisdiction=where,
    )


def scope(purpose: Purpose, channel: str, assignment_id: UUID | None) -> Scope:
    """The ledger's scope for one question."""
    return Scope(
        controller=purpose.controller,
        purpose=purpose.id,
        is_marketing=purpose.is_marketing,
        by_consent=purpose.basis is Basis.CONSENT,
        least_grade=purpose.least_grade,
        double_opt_in=purpose.double_opt_in,
        channel=channel,
        assignment_id=assignment_id,
        confirm_within=timedelta(days=purpose.confirm_within_days),
    )


def _balanced_until(policies: PolicySet, purpose: Purpose) -> datetime:
    """Until when the balancing test of an interest holds; one that nobody wrote carries nothing (art. 6(1)(f))."""
    test = policies.balancing.get(purpose.balancing or "")
    return test.ends_at if test else FAR_PAST


def zone(policies: PolicySet, person: Person) -> str | None:
    """The person's own time zone, else that of their country; None where neither is known."""
    return person.time_zone or policies.schedule.zones.get(person.country or "")


def clock(policies: PolicySet, person: Person) -> int:
    """By which clock the person lives, else the controller's, and which part of the day they prefer."""
    name = zone(policies, person)
    return clock_of(policies.zone_ids.get(name, 0) if name else 0, person.preferred_part)


def _active_at(purpose: Purpose, person: Person, standing: Standing) -> datetime:
    """When somebody who consented was last heard of by the controller; the consent itself counts."""
    if standing.consent is not Consent.GIVEN:
        return FAR_PAST
    acted = [
        entry.acted_at
        for entry in acts(person.entries)
        if entry.controller == purpose.controller and entry.grade is Grade.FIRST_PARTY and entry.acted_at
    ]
    return max(standing.consented_at, facts.last_active(purpose.controller, person.grounds), *acted)


def _parental(policies: PolicySet, purpose: Purpose, person: Person, standing: Standing) -> Parental:
    # Nothing on record then is an age that was not known, and says nothing against what is known now.
    then = parental.known_at(standing.recorded_at, person.ages_on_record)
    ages = [person.coming_of_age, *([then] if then else [])]
    asking = parental.Asking(purpose.controller, purpose.offered_to_children)
    return parental.of(asking, standing, ages, person.grounds, zone(policies, person))


def _listed(policies: PolicySet, purpose: Purpose, channel: str, address: Address | None) -> Mark:
    for name in address.lists if address else ():
        known = policies.lists.get(name)
        # A list that the policy knows no more is one whose scope is not known: it stops everything.
        if known is None or (
            channel in known.channels and (not known.controllers or purpose.controller in known.controllers)
        ):
            return Mark.YES
    return Mark.NO


def _capped_until(policies: PolicySet, purpose: Purpose, channel: str, person: Person) -> datetime:
    counts = person.handed.get((purpose.controller, channel))
    if not counts or not purpose.is_marketing:
        return FAR_PAST
    ends = (
        capped_until(counts, cap)
        for cap in policies.schedule.caps
        if cap.controller == purpose.controller and cap.channel == channel
    )
    return max((end for end in ends if end is not None), default=FAR_PAST)


def covers(refusal: AddressRefusal, purpose: Purpose, channel: str) -> bool:
    """Whether an address's "no" is about this purpose and channel; one to `*` is about marketing."""
    return (
        refusal.controller == purpose.controller
        and (refusal.purpose == purpose.id or (refusal.purpose == ANY and purpose.is_marketing))
        and refusal.channel in (ANY, channel)
    )


def _suppressed(purpose: Purpose, channel: str, address: Address | None, standing: Standing) -> Mark:
    """Whether the address's "no" stands for this person: only the person's own later grant at first hand lifts it.

    A "no" of a person to all their addresses is lifted by any later act that counts, as it would be in the ledger,
    unless it is an objection; of the person who said it the ledger tells.
    """
    if address is None:
        return Mark.NO
    by_consent = purpose.basis is Basis.CONSENT
    first_hand = standing.consent is Consent.GIVEN and standing.grade is Grade.FIRST_PARTY
    found = Mark.NO
    # An old yes is no more one than an advertisement is welcome: both ended with the erasure.
    if address.reopened and (purpose.is_marketing or by_consent):
        if not first_hand:
            return Mark.YES
        found = Mark.LIFTED
    for refusal in address.refusals:
        if not covers(refusal, purpose, channel):
            continue
        if refusal.of_person and standing.consent in (Consent.WITHDRAWN, Consent.REFUSED):
            continue
        any_grade = refusal.of_person and by_consent and not refusal.objection
        lifted = (
            (first_hand or (any_grade and standing.consent is Consent.GIVEN))
            and standing.consented_at > refusal.acted_at
            and standing.recorded_at > refusal.recorded_at
        )
        if not lifted:
            return Mark.YES
        found = Mark.LIFTED
    return found
