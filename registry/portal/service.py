"""What a person does through the link in a message."""

from dataclasses import dataclass

from registry.audit import entries as audit
from registry.consents import service as consents
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import queries as contacts
from registry.contacts import service as persons
from registry.dispatch import outbox
from registry.dispatch.tokens import OneClick
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.policy.model import Controller, Grade, PolicySet, Purpose
from registry.portal import linked
from registry.standing import permits

SOURCE = "one-click"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What was recorded. `on_the_way` messages left us, or may have, and can still arrive."""

    locale: str | None
    on_the_way: int


def purpose_of(policies: PolicySet, token: OneClick) -> Purpose:
    """The purpose that a token is about; the policies know it (`linked.policies_for`)."""
    name = next(name for name, number in policies.purpose_ids.items() if number == token.purpose_id)
    return policies.purposes[name]


def controller_of(policies: PolicySet, purpose: Purpose | None) -> Controller | None:
    """Who answers for a purpose."""
    return policies.controllers[purpose.controller] if purpose else None


async def withdraw(
    session: Session, ring: KeyRing, policies: PolicySet, token: OneClick
) -> Withdrawal | None:
    """Record the person's "no" to the purpose and that of the address (GDPR art. 7(3), RFC 8058).

    In force when the transaction commits. None, and nothing is changed, when the person was erased. The person's "no"
    holds at every address of theirs; the address's holds for all who share it. A purpose that was retired is said no
    to as well, for the day it comes back; PurposeUnread where the policies do not know it.
    """
    policies = await linked.policies_for(session, policies, token.purpose_id)
    purpose = purpose_of(policies, token)
    person = await contacts.contact(session, token.contact_id)
    if person is None:
        return None
    address_id = await session.value(
        "SELECT address_id FROM assignment WHERE contact_id = %s AND id = %s",
        (token.contact_id, token.assignment_id),
    )
    try:
        await persons.lock(session, [token.contact_id], [address_id] if address_id else [])
    except persons.ContactGone:
        return None  # erased at this very moment
    entry = NewEntry(
        contact_id=token.contact_id,
        kind=EntryKind.WITHDRAWN,
        purpose=purpose.id,
        channel="email",
        grade=Grade.FIRST_PARTY,
        source=SOURCE,
        act="clicked",
        on_address=address_id,
        cause="one_click",
    )
    (recorded,) = await consents.record(session, ring, policies, [entry])
    await audit.append(
        session,
        ring,
        "consent.withdraw",
        subjects=[token.contact_id],
        kinds=("consent",),
        detail={
            "purpose": purpose.id,
            "channel": "email",
            "digests": [recorded.digest],
            "by": SOURCE,
            **permits.told(session),
        },
    )
    on_the_way = await outbox.pending(session, token.contact_id)
    return Withdrawal(person.locale, on_the_way.get(outbox.UNKNOWN, 0) + len(session.in_flight))
