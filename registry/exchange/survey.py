"""Which persons a batch of rows is about: what the database knows of them, in a handful of statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from registry.contacts import queries
from registry.contacts.identifiers import Identifier, Kind
from registry.contacts.queries import Holder
from registry.exchange.matching import Directory, Known, address_key
from registry.exchange.rows import Reject, Row, comparable
from registry.keys import blind, persons
from registry.keys.columns import FIELD_VALUE
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.ids import new_id
from registry.kit.sealing import Unopenable

_NAMES = ("first_name", "last_name")


@dataclass(slots=True)
class Survey:
    """Persons whom the rows may be about, and which addresses nobody may be given again."""

    directory: Directory[UUID]
    holders: dict[Identifier, list[Holder]]
    erased: set[tuple[int, str]] = field(default_factory=set)

    def holds(self, person: UUID, identifier: Identifier) -> bool:
        return any(holder.contact_id == person for holder in self.holders.get(identifier, ()))

    def is_closed(self, person: UUID | None, identifier: Identifier) -> bool:
        """Whether the address is an erased person's; who shared it and still has it keeps it."""
        if (int(identifier.kind), identifier.broad) not in self.erased:
            return False
        return person is None or not self.holds(person, identifier)

    def picture(self) -> dict[Identifier, frozenset[UUID]]:
        """Who has what, to see whether it changed before the lock was held."""
        return {one: frozenset(h.contact_id for h in held) for one, held in self.holders.items() if held}


@dataclass(slots=True)
class Plan:
    """Which row is about whom; `new` are the persons whom this batch adds."""

    placed: list[tuple[Row, UUID]] = field(default_factory=list)
    new: set[UUID] = field(default_factory=set)
    rejects: list[Reject] = field(default_factory=list)


def plan(seen: Survey, rows: Sequence[Row]) -> Plan:
    """Place each row, in order: a row can be about somebody whom an earlier one added."""
    made = Plan()
    for row in rows:
        known = seen.directory.match(row)
        if seen.is_closed(None if known is None else known.person, row.address):
            made.rejects.append(Reject(row.file, row.number, "address.erased", row.cells))
            continue
        if known is None and row.is_by_id:
            # Nobody has that id, so nobody is heard by it.
            made.rejects.append(Reject(row.file, row.number, row.dropped[0], row.cells))
            continue
        if known is None:
            known = Known(new_id())
            made.new.add(known.person)
        seen.directory.add(known, row)
        made.placed.append((row, known.person))
    return made


def identifiers_of(rows: Iterable[Row]) -> list[Identifier]:
    """Everything by which these rows can be matched."""
    found = {row.address: None for row in rows}
    found |= {row.external: None for row in rows if row.external is not None}
    return list(found)


async def look(session: Session, ring: KeyRing, rows: Sequence[Row]) -> Survey:
    """Who has the rows' identifiers now; names only of those whom an address alone might make the row's person."""
    holders = await queries.holders(session, ring, identifiers_of(rows))
    known: dict[UUID, Known[UUID]] = {}
    directory: Directory[UUID] = Directory()
    for identifier, held in holders.items():
        for holder in held:
            person = known.setdefault(holder.contact_id, Known(holder.contact_id))
            if identifier.kind is Kind.EXTERNAL:
                person.has_external = True
                directory.by_external[identifier.value] = person
            else:
                directory.by_address.setdefault(address_key(identifier), []).append(person)
    unsure = {
        person.person
        for row in rows
        if row.external is None or row.external.value not in directory.by_external
        for person in directory.by_address.get(address_key(row.address), ())
    }
    await _describe(session, ring, [known[person] for person in unsure])
    return Survey(directory, holders)


async def _describe(session: Session, ring: KeyRing, unsure: Collection[Known[UUID]]) -> None:
    if not unsure:
        return
    by_id = {known.person: known for known in unsure}
    for row in await session.all(
        "SELECT DISTINCT contact_id FROM assignment"
        " WHERE contact_id = ANY(%b::uuid[]) AND kind = %s AND valid_to IS NULL",
        (list(by_id), int(Kind.EXTERNAL)),
    ):
        by_id[row.contact_id].has_external = True
    keys = await persons.load(session, ring, by_id)
    for row in await session.all(
        "SELECT contact_id, field, value, plain FROM contact_field"
        " WHERE contact_id = ANY(%b::uuid[]) AND field = ANY(%s)",
        (list(by_id), list(_NAMES)),
    ):
        text = row.plain
        if text is None and row.contact_id in keys:
            try:
                text = keys[row.contact_id].open(FIELD_VALUE, row.value).decode()
            except Unopenable:
                text = None
        first, last = by_id[row.contact_id].names
        name = comparable(text or "")
        by_id[row.contact_id].names = (name, last) if row.field == "first_name" else (first, name)


async def closed(session: Session, ring: KeyRing, rows: Sequence[Row]) -> set[tuple[int, str]]:
    """The addresses in these rows from which a person was erased, without making rows for the others."""
    macs = {
        blind.suppression_mac(ring, one.kind, one.broad): (int(one.kind), one.broad)
        for row in rows
        for one in row.addresses
    }
    found = await session.all(
        "SELECT kind, mac FROM address WHERE mac = ANY(%b::bytea[]) AND erased_at IS NOT NULL", (list(macs),)
    )
    return {macs[row.mac] for row in found}
