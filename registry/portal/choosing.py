"""What a person changes on the page of their choices: one purpose, everything at once, or a yes."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.consents import acts, address_refusals
from registry.consents.ledger import ANY, EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import service as persons
from registry.contacts.identifiers import Kind, Mode
from registry.contacts.queries import Reference
from registry.dispatch import outbox
from registry.dispatch.tokens import Preferences
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound
from registry.policy.model import Basis, Controller, Grade, PolicySet, Purpose

SOURCE = "preferences"
FORM = "preferences/1"


async def take(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    token: Preferences,
    purpose: Purpose,
    channel: str,
    evidence: Mapping[str, Any],
) -> int:
    """Withdraw consent to a purpose on a channel, or object to it where it rests on something else.

    In force when the transaction commits, at every address of the person. Returns how many messages had left us and
    may still arrive. ContactGone when the person was erased.
    """
    by_consent = purpose.basis is Basis.CONSENT
    entry = NewEntry(
        contact_id=token.contact_id,
        kind=EntryKind.WITHDRAWN if by_consent else EntryKind.OBJECTED,
        purpose=purpose.id,
        channel=channel,
        grade=Grade.FIRST_PARTY,
        source=SOURCE,
        act="clicked",
        evidence=evidence,
        cause="withdrawn" if by_consent else "objected",
    )
    return await _take(session, ring, policies, token, entry)


async def take_all(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    token: Preferences,
    controller: Controller,
    evidence: Mapping[str, Any],
) -> int:
    """Object to all marketing of a controller on every channel, later purposes included (GDPR art. 21(2), (3))."""
    entry = NewEntry(
        contact_id=token.contact_id,
        kind=EntryKind.OBJECTED,
        purpose=ANY,
        channel=ANY,
        grade=Grade.FIRST_PARTY,
        source=SOURCE,
        controller=controller.id,
        act="clicked",
        evidence=evidence,
        cause="objected",
    )
    return await _take(session, ring, policies, token, entry)


async def _take(
    session: Session, ring: KeyRing, policies: PolicySet, token: Preferences, entry: NewEntry
) -> int:
    address_id: UUID | None = await session.value(
        "SELECT address_id FROM assignment WHERE contact_id = %s AND id = %s",
        (token.contact_id, token.assignment_id),
    )
    # One lock for all: `act` locks the same rows again, and whoever holds them waits for nobody.
    await persons.lock(session, [token.contact_id], [address_id] if address_id else [])
    # Whether somebody else has the address is known only under its lock: who joins it holds the row.
    held = session.ask(
        "SELECT 1 FROM assignment WHERE contact_id = %s AND id = %s AND address_id = %s AND mode = %s"
        " AND valid_to IS NULL",
        (token.contact_id, token.assignment_id, address_id, int(Mode.EXCLUSIVE)),
    )
    (recorded,) = await acts.act(session, ring, policies, Reference(token.contact_id, None), entry)
    if address_id is not None and entry.channel in (ANY, "email"):
        own = await held.all()
        if not own:
            # As with one-click: the address that the link was sent to gets no more of it, whoever shares it.
            await address_refusals.record(
                session,
                policies,
                [replace(entry, on_address=address_id, cause="one_click")],
                recorded.recorded_at,
            )
    on_the_way = await outbox.pending(session, token.contact_id)
    return on_the_way.get(outbox.UNKNOWN, 0) + len(session.in_flight)


async def give(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    token: Preferences,
    purpose: Purpose,
    channel: str,
    assignment_id: UUID | None,
    notice: tuple[int, str],
    at: datetime,
    evidence: Mapping[str, Any],
) -> EntryKind:
    """Consent to a purpose on a channel, for one address, on the notice of that version and language.

    By e-mail that is the address that the link was sent to, and no other: who holds the link need not hold another
    mailbox. Where the purpose asks for a second step it is a request, and the letter about it goes
    out by itself. Raises as `acts.act` does: NotFound when the address is the person's no more, ContactGone when they
    were erased.
    """
    needed = policies.channels[channel].address
    if needed == "none":
        assignment_id = None
    elif needed == "email":
        if assignment_id not in (None, token.assignment_id):
            raise NotFound("identifier.unknown", "The link is of another address.", field="identifier")
        assignment_id = token.assignment_id
    elif not await session.value(
        "SELECT 1 FROM assignment WHERE contact_id = %s AND id = %s AND kind = %s",
        (token.contact_id, assignment_id, int(Kind.PHONE)),
    ):
        raise NotFound("identifier.unknown", "The person has no such number.", field="identifier")
    kind = EntryKind.REQUESTED if purpose.double_opt_in else EntryKind.GRANTED
    version, locale = notice
    entry = NewEntry(
        contact_id=token.contact_id,
        kind=kind,
        purpose=purpose.id,
        channel=channel,
        grade=Grade.FIRST_PARTY,
        source=SOURCE,
        assignment_id=assignment_id,
        acted_at=at,
        act="clicked",
        notice_version=version,
        notice_locale=locale,
        evidence=evidence,
    )
    await acts.act(session, ring, policies, Reference(token.contact_id, None), entry)
    return kind
