"""What one person does, as one unit each: grant, withdraw, object, refuse, with lock, ledger and audit entry."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import address_refusals, devices, ground_service, owning, service, undated
from registry.consents.ground_service import NewGround
from registry.consents.ledger import EntryKind
from registry.consents.service import Recorded
from registry.consents.validation import NewEntry, validate
from registry.contacts import naming
from registry.contacts import service as persons
from registry.contacts.identifiers import Identifier, Mode
from registry.contacts.naming import Named
from registry.contacts.queries import Reference
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound, Refused
from registry.kit.session import Asked
from registry.policy.model import PolicySet
from registry.standing import merged, permits
from registry.standing import service as standing

_ACTIONS = {
    EntryKind.REQUESTED: "consent.request",
    EntryKind.GRANTED: "consent.grant",
    EntryKind.CONFIRMED: "consent.confirm",
    EntryKind.REFUSED: "consent.refuse",
    EntryKind.WITHDRAWN: "consent.withdraw",
    EntryKind.OBJECTED: "consent.object",
    EntryKind.INVALIDATED: "consent.invalidate",
    EntryKind.CORRECTED: "consent.correct",
}


class ContactAmbiguous(Refused):
    """Several persons fit; only a taking-away may bind all of them."""

    def __init__(self) -> None:
        super().__init__(
            "contact.ambiguous",
            "Several persons have this address.",
            mend="name one by our id or by external:ID",
        )


class NotRecorded(NotFound):
    """Nobody is on record of whom something shall be recorded."""

    def __init__(self) -> None:
        super().__init__(
            "contact.unknown",
            "There is no such contact.",
            field="subject",
            mend="make the contact first: POST /api/v1/contacts",
        )


async def one(session: Session, ring: KeyRing, reference: Reference) -> UUID:
    """The one person whom a reference fits; NotFound `contact.unknown`, Refused `contact.ambiguous`."""
    return only(await naming.look(session, ring, reference))


def only(named: Named) -> UUID:
    """The one person who is named; raises as `one`."""
    if not named.people:
        raise NotFound("contact.unknown", "There is no such contact.")
    if len(named.people) > 1:
        raise ContactAmbiguous
    return named.people[0]


async def subject(session: Session, ring: KeyRing, reference: Reference) -> UUID:
    """Whose entries a reference means: the one person, or the device where nobody answers to it; raises as `one`.

    For reading alone: what may be recorded about a device is decided by the purpose.
    """
    try:
        return await one(session, ring, reference)
    except NotFound:
        if (device := await devices.resolve(session, ring, reference)) is None:
            raise
        return device


async def _whom(session: Session, ring: KeyRing, reference: Reference) -> tuple[UUID, Named]:
    """The one person of whom something shall be recorded, locked; raises as `one`, and says how to record them."""
    if reference.contact_id is not None:
        # Our own id needs no looking up: nobody is there whose row cannot be locked.
        named = Named(reference, (reference.contact_id,))
    else:
        named = await naming.look(session, ring, reference)
    if not named.people:
        raise NotRecorded
    contact_id = only(named)
    await _lock(session, ring, named)
    return contact_id, named


async def act(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    reference: Reference,
    entry: NewEntry,
    *,
    timed: bool = True,
) -> list[Recorded]:
    """Record what a person did. `entry.contact_id` is filled in from the reference.

    `timed` is False where nobody told the time, and the entry has that of the call: Undated where a "no" stands.

    A "no" by address binds everybody who has it and the address itself; anything else needs exactly one person.
    A grant by address is for that address.
    """
    if devices.decide(policies, entry.purpose):
        return await _by_device(session, ring, policies, reference, entry)
    if entry.kind.takes_away:
        return await _take_away(session, ring, policies, reference, entry)
    contact_id, named = await _whom(session, ring, reference)
    service.ask(session, contact_id)
    assignment_id = entry.assignment_id or named.assignment_of(contact_id)
    if assignment_id is not None:
        await require_assignment(session, contact_id, assignment_id)
    filled = replace(entry, contact_id=contact_id, assignment_id=assignment_id)
    if not timed:
        await undated.refuse_after_no(session, policies, filled)
    recorded = await service.record(session, ring, policies, [filled])
    await _audit(session, ring, filled, recorded)
    return recorded


async def _by_device(
    session: Session, ring: KeyRing, policies: PolicySet, reference: Reference, entry: NewEntry
) -> list[Recorded]:
    """What a device said to a purpose of devices; it binds no person, whoever uses it, and no other device."""
    subject = await devices.enter(session, ring, reference)
    filled = replace(entry, contact_id=subject, assignment_id=None)
    recorded = await service.record(session, ring, policies, [filled])
    await _audit(session, ring, filled, recorded)
    return recorded


async def _take_away(
    session: Session, ring: KeyRing, policies: PolicySet, reference: Reference, entry: NewEntry
) -> list[Recorded]:
    if reference.contact_id is not None:
        named = Named(reference, (reference.contact_id,))
    else:
        named = await naming.look(session, ring, reference)
    found, address_id = named.people, named.address_id
    if not found and reference.identifier is not None and reference.by_address:
        await _refuse_unheld(session, ring, policies, named, reference.identifier, entry)
        return []
    if not found:
        raise NotRecorded
    await _lock(session, ring, named)
    if len(found) == 1:
        service.ask(session, found[0])
    own = None if address_id else _ask_own(session, found)
    if entry.assignment_id is not None:
        for contact_id in found:
            address_id = await require_assignment(session, contact_id, entry.assignment_id)
    filled = [replace(entry, contact_id=contact_id, on_address=address_id) for contact_id in found]
    at_addresses = [
        replace(entry, on_address=row.address_id, cause="person")
        for row in (await own.all() if own is not None and address_id is None else ())
    ]
    recorded = await service.record(session, ring, policies, filled, at_addresses)
    await _audit(session, ring, entry, recorded)
    return recorded


async def _lock(session: Session, ring: KeyRing, named: Named) -> None:
    """Lock persons, and nobody else: an id of ours may be a device's, of which no person's purpose knows.

    Contended when somebody else is named by then.
    """
    if named.reference.contact_id is not None:
        locked = await persons.lock(session, named.people)
    else:
        locked = await naming.lock(session, ring, named)
    if any(locked[one].kind == devices.SUBJECT_KIND for one in named.people):
        raise NotFound("contact.unknown", "There is no such contact.")


def _ask_own(session: Session, people: Sequence[UUID]) -> Asked:
    """The addresses of these persons at which a "no" of theirs to all of them holds: those that nobody shares.

    There it holds also for a record made twice.
    """
    records = [one for contact_id in people for one in merged.locked_records(session, contact_id)]
    return session.ask(
        "SELECT DISTINCT s.address_id FROM assignment s WHERE s.contact_id = ANY((SELECT %(ids)b::uuid[])::uuid[])"
        " AND s.valid_to IS NULL AND s.address_id IS NOT NULL AND (s.mode = %(exclusive)s"
        # Records that were merged share with nobody but each other.
        " OR s.mode = %(shared)s AND NOT EXISTS (SELECT FROM assignment o WHERE o.address_id = s.address_id"
        " AND o.valid_to IS NULL AND o.contact_id <> ALL(%(ids)b::uuid[])))",
        {"ids": records, "exclusive": int(Mode.EXCLUSIVE), "shared": int(Mode.SHARED)},
    )


async def _refuse_unheld(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    named: Named,
    identifier: Identifier,
    entry: NewEntry,
) -> None:
    """A "no" from an address that nobody has here: kept by its keyed MAC, for whoever gets it later."""
    at: datetime = await session.value("SELECT clock_timestamp()")
    validate(policies, entry, at)
    key = (int(identifier.kind), identifier.broad)
    address_id = (await standing.addresses(session, ring, [key]))[key]
    await standing.lock_addresses(session, [address_id])
    naming.again(session, ring, named)
    await address_refusals.record(session, policies, [replace(entry, on_address=address_id)], at)
    await _audit(session, ring, entry, [])


async def require_assignment(session: Session, contact_id: UUID, assignment_id: UUID) -> UUID | None:
    """The address row of one of the person's current identifiers; NotFound `identifier.unknown` otherwise.

    The person is locked; the identifier may be any of their records'.
    """
    row = await session.first(
        "SELECT address_id FROM assignment WHERE contact_id = ANY(%b::uuid[]) AND id = %s AND valid_to IS NULL",
        (list(merged.locked_records(session, contact_id)), assignment_id),
    )
    if row is None:
        raise NotFound("identifier.unknown", "The person has no such identifier now.", field="identifier")
    address_id: UUID | None = row.address_id
    return address_id


async def _audit(session: Session, ring: KeyRing, entry: NewEntry, recorded: Sequence[Recorded]) -> None:
    await audit.add(
        session,
        ring,
        _ACTIONS[entry.kind],
        subjects=[r.contact_id for r in recorded],
        kinds=("consent",),
        detail={
            "purpose": entry.purpose,
            "channel": entry.channel,
            "digests": [r.digest for r in recorded if r.digest],
            **permits.told(session),
        },
    )


async def record_ground(
    session: Session, ring: KeyRing, policies: PolicySet, reference: Reference, ground: NewGround
) -> UUID:
    """Record a fact about one person; a reference by address names the address that was got in a sale."""
    contact_id, named = await _whom(session, ring, reference)
    assignment_id = ground.assignment_id or named.assignment_of(contact_id)
    if assignment_id is not None:
        await require_assignment(session, contact_id, assignment_id)
        contact_id = await owning.holder(session, contact_id, assignment_id)
    filled = replace(ground, contact_id=contact_id, assignment_id=assignment_id)
    (ground_id,) = await ground_service.record(session, ring, policies, [filled])
    await audit.append(
        session,
        ring,
        "ground.record",
        subjects=[contact_id],
        kinds=("ground",),
        detail={"ground": str(ground_id), "kind": ground.kind, "controller": ground.controller},
    )
    return ground_id
