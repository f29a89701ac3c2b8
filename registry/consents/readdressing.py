"""A person's address changes: the old one ends with its grants, and what was refused there goes with the person."""

from uuid import UUID

from msgspec import Struct

from registry.audit import entries as audit
from registry.consents import address_refusals, carrying, projection, service
from registry.consents.service import Recorded
from registry.consents.standing_rows import Address, Person
from registry.contacts import queries
from registry.contacts import service as contacts
from registry.contacts.identifiers import Identifier, Kind, normalise
from registry.contacts.service import NewIdentifier
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound
from registry.policy.model import PolicySet
from registry.standing import merged, permits
from registry.standing import service as standing
from registry.standing.permits import No, OpenPermit

SOURCE = "change-of-address"
_KINDS = {Kind.EMAIL: "an e-mail address", Kind.PHONE: "a phone number"}


class Changed(Struct, frozen=True):
    """The identifiers that ended, the one that came instead, and how many a "no" it took over."""

    contact: UUID
    ended: list[UUID]
    identifier: UUID
    carried: int
    permits_voided: list[OpenPermit] = []


async def change_address(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    contact_id: UUID,
    assignment_id: UUID,
    value: str,
    *,
    source: str,
    by_person: bool = False,
) -> Changed:
    """End one of a person's e-mail addresses or numbers and open another; entry `contact.change_address`.

    No grant passes to the new address, which nobody verified yet; every "no" does: the person's own and that of the
    old address (GDPR art. 5(1)(d), 7(3)). Misuse for an identifier that is none or the same, NotFound
    `identifier.unknown`, and what `contacts.service.assign` refuses: an address that somebody was erased from takes
    the person's own word (`by_person`).
    """
    kind, country = await _kind(session, contact_id, assignment_id)
    try:
        identifier = normalise(kind, value, country)
    except Misuse as error:
        mend = f"the kind may not change: give {_KINDS[kind]}; the value is not repeated here"
        raise Misuse(error.code, error.detail, field="value", mend=mend) from None
    key = (int(identifier.kind), identifier.broad)
    new_address_id = (await standing.addresses(session, ring, [key]))[key]
    await contacts.lock(session, [contact_id], [new_address_id])
    owner, old = await _held(session, contact_id, assignment_id)
    known = await queries.identifier_ids(session, ring, [identifier])
    identifier_of_old = await session.value(
        "SELECT identifier_id FROM assignment WHERE contact_id = %s AND id = %s",
        (owner.contact_id, assignment_id),
    )
    if known.get(identifier) == identifier_of_old:
        raise Misuse("identifier.unchanged", "That is the address that the person has.", field="value")
    (opened,) = await contacts.assign(
        session, ring, [(owner.contact_id, NewIdentifier(identifier, by_person=by_person), source)]
    )
    ending = await _same(session, owner.contact_id, old, opened)
    recorded = await _carry(session, ring, policies, ending, opened, new_address_id)
    for record, address in ending:
        await contacts.end_assignment(session, record.contact_id, address.assignment_id)
    voided = await permits.void(
        session,
        [No(record.contact_id, assignment_id=address.assignment_id) for record, address in ending],
        "contact.change_address",
    )
    await audit.append(
        session,
        ring,
        "contact.change_address",
        subjects=sorted({record.contact_id for record, _ in ending}),
        kinds=(identifier.kind.name.lower(), "standing"),
        detail={
            "opened": str(opened),
            "ended": sorted(str(address.assignment_id) for _, address in ending),
            "digests": [one.digest for one in recorded],
            **permits.told(session),
        },
    )
    return Changed(
        owner.contact_id, [address.assignment_id for _, address in ending], opened, len(recorded), voided
    )


async def find(session: Session, ring: KeyRing, contact_id: UUID, identifier: Identifier) -> UUID:
    """The id under which a person has an identifier now; NotFound `identifier.unknown`."""
    known = await queries.identifier_ids(session, ring, [identifier])
    records = await merged.of_person(session, contact_id)
    found: UUID | None = await session.value(
        "SELECT id FROM assignment WHERE contact_id = ANY(%b::uuid[]) AND identifier_id = %s AND valid_to IS NULL"
        " ORDER BY id LIMIT 1",
        (list(records), known.get(identifier)),
    )
    if found is None:
        raise _unknown()
    return found


def _unknown() -> NotFound:
    return NotFound("identifier.unknown", "The person has no such identifier now.", field="identifier")


async def _kind(session: Session, contact_id: UUID, assignment_id: UUID) -> tuple[Kind, str | None]:
    """What kind of address it is, and the country by which a number without a prefix is read."""
    records = await merged.of_person(session, contact_id)
    row = await session.first(
        "SELECT s.kind, c.country FROM assignment s JOIN contact c ON c.id = s.contact_id"
        " WHERE s.contact_id = ANY(%b::uuid[]) AND s.id = %s AND s.valid_to IS NULL",
        (list(records), assignment_id),
    )
    if row is None:
        raise _unknown()
    if not Kind(row.kind).is_address:
        raise Misuse(
            "identifier.not_an_address",
            "Only an e-mail address or a phone number can change; the others name one person for good.",
            field="identifier",
        )
    return Kind(row.kind), row.country


async def _held(session: Session, contact_id: UUID, assignment_id: UUID) -> tuple[Person, Address]:
    """The record that has the address, and the address; the person is locked."""
    for whole in await projection.load(session, [contact_id]):
        for record in (whole, *whole.merged):
            for address in record.addresses:
                if address.assignment_id == assignment_id:
                    return record, address
    raise _unknown()


async def _same(
    session: Session, contact_id: UUID, old: Address, opened: UUID
) -> list[tuple[Person, Address]]:
    """Everywhere where the person has the old address, however it is written: in every record of theirs."""
    (whole,) = await projection.load(session, [contact_id])
    return [
        (record, address)
        for record in (whole, *whole.merged)
        for address in record.addresses
        if (address.kind, address.address_id) == (old.kind, old.address_id)
        and address.assignment_id != opened
    ]


async def _carry(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    ending: list[tuple[Person, Address]],
    opened: UUID,
    new_address_id: UUID,
) -> list[Recorded]:
    """Record at the new address what was refused at the old one; at one that nobody else has, by the address too."""
    records = merged.locked_records(session, ending[0][0].contact_id)
    holder: UUID = await session.value(
        "SELECT contact_id FROM assignment WHERE contact_id = ANY(%b::uuid[]) AND id = %s",
        (list(records), opened),
    )
    entries = [
        no
        for record, address in ending
        for no in carrying.to_address(policies, record, address, (holder, opened), SOURCE)
    ]
    recorded = await service.repeat(session, ring, policies, entries)
    if await queries.sharers(session, [new_address_id]) <= set(records):
        # At an address that nobody shares it is the address's too: also for a record of it that is made twice.
        (whole,) = await projection.load(session, [holder])
        said = [no for record in (whole, *whole.merged) for no in carrying.everywhere(record, holder, SOURCE)]
        await address_refusals.record_of_person(session, policies, [*entries, *said], new_address_id)
    return recorded
