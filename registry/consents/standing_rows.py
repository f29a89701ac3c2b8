"""From everything recorded about a person to the rows that the gate reads. Pure, and the only way to make them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from registry.consents import grounds as facts
from registry.consents.grounds import Ground
from registry.consents.ledger import ANY, Entry, Scope, Standing, fold
from registry.contacts.identifiers import Kind
from registry.kit.clock import FAR_FUTURE, FAR_PAST, NEVER
from registry.kit.ids import NIL
from registry.policy.model import Basis, Grade, PolicySet, Purpose, Subscriber, jurisdiction
from registry.standing.model import AddressState, Consent, ContactState, GateState, Mark

# What no entry of the controller adds up to.
_NOTHING = Standing(Consent.MISSING, False, NIL)
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
    return GateState(
        contact_id=person.contact_id,
        assignment_id=assignment_id or NIL,
        address_id=address.address_id if address else NIL,
        evidence=evidence,
        restricted_at=person.restricted_at or NEVER,
        consented_at=standing.consented_at,
        valid_until=valid_until,
        verified_at=(address.verified_at if address else None) or FAR_PAST,
        seq=standing.seq,
        purpose_id=policies.purpose_ids[purpose.id],
        channel_id=policies.channel_ids[channel],
        contact_state=person.state,
        address_state=address_state,
        addresses=addresses,
        suppressed=_suppressed(purpose, channel, address, standing),
        objected=Mark.YES if standing.objected else Mark.NO,
        consent=standing.consent,
        grade=standing.grade,
        notice_version=standing.notice_version,
        basis_facts=Mark.YES if carried else Mark.NO,
        soft_opt_in=Mark.YES if soft else Mark.NO,
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
    )


def _suppressed(purpose: Purpose, channel: str, address: Address | None, standing: Standing) -> Mark:
    """Whether the address's "no" stands for this person: only the person's own later grant at first hand lifts it.

    A "no" of a person to all their addresses is lifted by any later act that counts, as it would be in the ledger;
    of the person who said it the ledger tells.
    """
    first_hand = standing.consent is Consent.GIVEN and standing.grade is Grade.FIRST_PARTY
    if address is not None and address.reopened and not first_hand:
        return Mark.YES
    for refusal in address.refusals if address else ():
        covers = (
            refusal.controller == purpose.controller
            and (refusal.purpose == purpose.id or (refusal.purpose == ANY and purpose.is_marketing))
            and refusal.channel in (ANY, channel)
        )
        if refusal.of_person and standing.consent in (Consent.WITHDRAWN, Consent.REFUSED):
            continue
        lifted = (
            (first_hand or (refusal.of_person and standing.consent is Consent.GIVEN))
            and standing.consented_at > refusal.acted_at
            and standing.recorded_at > refusal.recorded_at
        )
        if covers and not lifted:
            return Mark.YES
    return Mark.NO
