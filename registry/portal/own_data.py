"""The way in for whoever has no link at hand: an address is typed, and a letter goes there if it is known."""

from dataclasses import dataclass
from uuid import UUID

from registry.audit import entries as audit
from registry.contacts import queries as contacts
from registry.contacts import service as persons
from registry.contacts.identifiers import Identifier
from registry.contacts.service import ContactGone
from registry.dispatch import letters
from registry.dispatch.letter_texts import Letter
from registry.dispatch.letters import NewLetter
from registry.dispatch.tokens import Preferences
from registry.keys.ring import KeyRing
from registry.kit import clock
from registry.kit.database import Session
from registry.policy.model import Controller, PolicySet
from registry.subject_requests import intake
from registry.subject_requests.intake import Filed

# Of a household that shares an address each has choices of their own; of an office's address nobody has.
SHARERS = 5


@dataclass(frozen=True, slots=True)
class Desk:
    """What sends the letters: the installation's keys, policies and public address."""

    ring: KeyRing
    policies: PolicySet
    base_url: str


def controllers(policies: PolicySet) -> list[Controller]:
    """The controllers that can send such a letter."""
    return [
        controller
        for controller in policies.controllers.values()
        if letters.purpose_for(policies, controller.id, Letter.PREFERENCES)
    ]


async def send_link(
    session: Session, desk: Desk, controller: Controller, identifier: Identifier, locale: str
) -> int:
    """Queue the letter for whoever has this address now; returns how many, which nobody outside may learn."""
    held = (await contacts.holders(session, desk.ring, [identifier]))[identifier][:SHARERS]
    if not held:
        return 0
    return await _send(session, desk, controller, [(h.contact_id, h.assignment_id) for h in held], locale)


async def send_fresh(
    session: Session, desk: Desk, controller: Controller, token: Preferences, locale: str
) -> int:
    """Queue the letter for the address that an old link was sent to, if it is still the person's."""
    current = await session.first(
        "SELECT 1 FROM assignment WHERE contact_id = %s AND id = %s AND valid_to IS NULL",
        (token.contact_id, token.assignment_id),
    )
    if current is None:
        return 0
    return await _send(session, desk, controller, [(token.contact_id, token.assignment_id)], locale)


async def _send(
    session: Session, desk: Desk, controller: Controller, held: list[tuple[UUID, UUID]], locale: str
) -> int:
    under = letters.purpose_for(desk.policies, controller.id, Letter.PREFERENCES)
    if under is None:
        return 0
    try:
        await persons.lock(session, [contact_id for contact_id, _ in held])
    except ContactGone:
        return 0
    # One allowance for the address, and so for all who share it: asked before the first is written.
    if not await letters.allowed(session, *held[0], Letter.PREFERENCES, clock.now()):
        return 0
    for contact_id, assignment_id in held:
        new = NewLetter(Letter.PREFERENCES, contact_id, assignment_id, under, locale=locale)
        await letters.queue(session, desk.ring, desk.policies, desk.base_url, new)
    await audit.append(
        session,
        desk.ring,
        "contact.lookup",
        subjects=[contact_id for contact_id, _ in held],
        kinds=("email",),
        detail={"found": len(held)},
    )
    return len(held)


async def ask_for_copy(session: Session, ring: KeyRing, token: Preferences) -> Filed | None:
    """File the request for a copy of everything (GDPR art. 15); None when the person was erased."""
    try:
        await persons.lock(session, [token.contact_id])
    except ContactGone:
        return None
    return await intake.file(session, ring, token.contact_id, "access")
