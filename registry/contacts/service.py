"""Writes about persons: made, identified, described; many at a time, for an import is the same as one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.contacts import catalogue, queries
from registry.contacts.identifiers import Identifier, Mode
from registry.keys import blind, epochs, persons
from registry.keys.columns import ASSIGNMENT_VALUE
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound, Refused
from registry.kit.ids import new_id
from registry.policy.model import PolicySet, Subscriber
from registry.standing import merged
from registry.standing import service as standing
from registry.standing.model import ContactState


@dataclass(frozen=True, slots=True)
class NewIdentifier:
    """An identifier to give to a person. `by_person` says that the person gave it here, at first hand."""

    identifier: Identifier
    verified_at: datetime | None = None
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class NewContact:
    """A person to record. `source` says from where the data came (GDPR art. 14(2)(f))."""

    identifiers: Sequence[NewIdentifier]
    source: str
    fields: Mapping[str, str] = field(default_factory=dict)
    locale: str | None = None
    country: str | None = None
    subscriber: Subscriber = Subscriber.UNKNOWN
    id: UUID = field(default_factory=new_id)


class AddressErased(Refused):
    """The address belonged to somebody who was erased; only a grant at first hand opens it again."""

    def __init__(self) -> None:
        super().__init__(
            "address.erased",
            "A person was erased from this address; it takes a first-party grant to use it again.",
        )


class ContactGone(NotFound):
    """The person was erased since they were looked up; nothing may be written about them."""

    def __init__(self) -> None:
        super().__init__("contact.unknown", "There is no such contact.")


class IdentifierTaken(Refused):
    """External and device ids name one person."""

    def __init__(self) -> None:
        super().__init__("identifier.taken", "That identifier belongs to another person already.")


# Which addresses a person has can only change under the person's own lock, which was had in an earlier statement.
_LOCK_ADDRESSES = (
    "SELECT id FROM address WHERE id = ANY(ARRAY(SELECT address_id FROM assignment"
    " WHERE contact_id = ANY(%b::uuid[]) AND valid_to IS NULL AND address_id IS NOT NULL) || %b::uuid[])"
    " ORDER BY id FOR NO KEY UPDATE"
)


async def lock(
    session: Session, contact_ids: Iterable[UUID], identifiers: Iterable[UUID] = ()
) -> Mapping[UUID, Any]:
    """Lock these persons and all their current addresses (and further address rows), before any write.

    Whoever writes about a person holds the address rows too: an address's "no" that comes at the same moment
    is then either read by the projection or projected after it. The address rows' lock goes with the next statement
    and before it. ContactGone when one of them was erased: an erasure holds the same lock, so nothing is written
    about a person after it. Returns the gate rows by record.
    """
    ids = set(contact_ids)
    locked = await standing.lock(session, ids)
    if len(locked) < len(ids) or any(row.state != ContactState.ACTIVE for row in locked.values()):
        raise ContactGone
    session.ask(_LOCK_ADDRESSES, (list(locked), list(identifiers)))
    session.whole.update(locked)
    return locked


async def create(
    session: Session, ring: KeyRing, policies: PolicySet, contacts: Sequence[NewContact]
) -> list[UUID]:
    """Record persons with their identifiers and fields; ids in the order given.

    Refuses undeclared fields (Misuse `field.undeclared`), taken external ids and addresses of erased persons.
    """
    for contact in contacts:
        catalogue.check_fields(policies, contact.fields)
    ids = [contact.id for contact in contacts]
    await standing.register(session, ids)
    await session.copy(
        "contact",
        ("id", "locale", "country", "subscriber", "source"),
        ((c.id, c.locale, c.country, int(c.subscriber), c.source) for c in contacts),
    )
    keys = await persons.create(session, ring, ids)
    await assign(session, ring, [(c.id, new, c.source) for c in contacts for new in c.identifiers], keys=keys)
    await catalogue.write_fields(session, policies, keys, [(c.id, c.fields, c.source) for c in contacts])
    return ids


async def assign(
    session: Session,
    ring: KeyRing,
    wanted: Sequence[tuple[UUID, NewIdentifier, str]],
    *,
    keys: Mapping[UUID, PersonKeys] | None = None,
    address_of: Mapping[tuple[int, str], UUID] | None = None,
) -> list[UUID]:
    """Give identifiers to persons: (person, identifier, source) each; assignment ids in the order given.

    The persons are locked by the caller or new. An address that somebody has already becomes shared. `address_of`
    spares looking the address rows up when the caller did (`standing.service.addresses`).
    """
    if not wanted:
        return []
    if keys is None:
        keys = await persons.load(session, ring, {contact_id for contact_id, _, _ in wanted})
    identifiers = [new.identifier for _, new, _ in wanted]
    if address_of is None:
        broad = {(int(i.kind), i.broad) for i in identifiers if i.kind.is_address}
        address_of = await standing.addresses(session, ring, broad)
    await standing.lock_addresses(session, address_of.values())
    # With the address rows locked, by the clock that erasures are recorded by: what comes after one is later than it.
    since = session.ask("SELECT clock_timestamp()")
    erased = await standing.erased_addresses(session, address_of.values())
    known, new_ones = await _identifiers(session, ring, identifiers, address_of)
    held: dict[UUID, dict[UUID, UUID]] = {identifier_id: {} for identifier_id in known.values()}
    # What this transaction made nobody else can have.
    present = await queries.holders_of(session, [i for i in held if i not in new_ones])
    for identifier_id, holders in present.items():
        held[identifier_id] = {h.contact_id: h.assignment_id for h in holders}
    made: list[_Assignment] = []
    ids: list[UUID] = []
    shared: set[UUID] = set()
    for contact_id, new, source in wanted:
        identifier = new.identifier
        identifier_id = known[identifier]
        others = held[identifier_id]
        holder = merged.record_among(session, contact_id, others)
        if holder is None:
            holder = contact_id
            if others and not identifier.kind.is_address:
                raise IdentifierTaken
            if others:
                shared.add(identifier_id)
            others[contact_id] = new_id()
            address_id = address_of.get((int(identifier.kind), identifier.broad))
            if address_id in erased and not new.by_person:
                raise AddressErased
            made.append(_Assignment(contact_id, others[contact_id], identifier_id, address_id, new, source))
        ids.append(others[holder])
    if shared:
        await session.execute(
            "UPDATE assignment SET mode = %s WHERE identifier_id = ANY(%s) AND mode = %s AND valid_to IS NULL",
            (int(Mode.SHARED), list(shared), int(Mode.EXCLUSIVE)),
        )
    # A role address is nobody's, so who else has it says nothing.
    await standing.restrict_alike(
        session,
        {a.contact_id: a.address_id for a in made if a.address_id and not a.new.identifier.is_role},
    )
    await _write_assignments(session, keys, made, shared, (await since.all())[0][0])
    session.stale.update(assignment.contact_id for assignment in made)
    return ids


@dataclass(frozen=True, slots=True)
class _Assignment:
    contact_id: UUID
    id: UUID
    identifier_id: UUID
    address_id: UUID | None
    new: NewIdentifier
    source: str

    def mode(self, shared: set[UUID]) -> Mode:
        if self.new.identifier.is_role:
            return Mode.ROLE
        return Mode.SHARED if self.identifier_id in shared else Mode.EXCLUSIVE


_COLUMNS = (
    "contact_id",
    "id",
    "identifier_id",
    "address_id",
    "kind",
    "mode",
    "valid_from",
    "verified_at",
    "value",
    "source",
)


async def _write_assignments(
    session: Session,
    keys: Mapping[UUID, PersonKeys],
    made: Sequence[_Assignment],
    shared: set[UUID],
    since: datetime,
) -> None:
    await session.copy(
        "assignment",
        _COLUMNS,
        (
            (
                a.contact_id,
                a.id,
                a.identifier_id,
                a.address_id,
                int(a.new.identifier.kind),
                int(a.mode(shared)),
                since,
                a.new.verified_at,
                keys[a.contact_id].seal(ASSIGNMENT_VALUE, a.new.identifier.value.encode()),
                a.source,
            )
            for a in made
        ),
    )


async def _identifiers(
    session: Session,
    ring: KeyRing,
    identifiers: Sequence[Identifier],
    address_of: Mapping[tuple[int, str], UUID],
) -> tuple[dict[Identifier, UUID], set[UUID]]:
    """Identifier rows for all of these, and which of them are new; right also when two writers make the same."""
    wanted = queries.indexed(ring, identifiers)
    known = await queries.identifier_ids_at(session, wanted)
    missing = [identifier for identifier in dict.fromkeys(identifiers) if identifier not in known]
    if not missing:
        return known, set()
    proposed = {identifier: new_id() for identifier in missing}
    decided = dict(proposed)
    for epoch in await epochs.writable(session, ring):
        by_value = {blind.index(epoch, i.kind, i.value): i for i in missing}
        values = sorted((value, decided[i]) for value, i in by_value.items())
        written = await session.execute(
            "INSERT INTO identifier_index (epoch, value, identifier_id)"
            " SELECT %s, value, id FROM unnest(%b::bytea[], %b::uuid[]) AS w(value, id) ON CONFLICT DO NOTHING",
            (epoch.number, [value for value, _ in values], [new for _, new in values]),
        )
        # The oldest epoch decides whose identifier it is; under the next ones the same is written.
        if written.rowcount < len(values):
            decided |= await queries.identifier_ids_at(session, by_value)
    known |= decided
    made = [identifier for identifier in missing if decided[identifier] == proposed[identifier]]
    await session.copy(
        "identifier",
        ("id", "kind", "address_id"),
        ((proposed[i], int(i.kind), address_of.get((int(i.kind), i.broad))) for i in made),
    )
    return known, {proposed[identifier] for identifier in made}


async def end_assignment(session: Session, contact_id: UUID, assignment_id: UUID) -> None:
    """The person has this address no more; grants for it end with it."""
    await session.execute(
        "UPDATE assignment SET valid_to = clock_timestamp()"
        " WHERE contact_id = %s AND id = %s AND valid_to IS NULL",
        (contact_id, assignment_id),
    )
