"""Look-ups of persons by identifier, by reference, and of what belongs to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from registry.contacts.identifiers import Identifier, Kind, normalise
from registry.keys import blind
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.kit.session import Asked, Check, Row


@dataclass(frozen=True, slots=True)
class Holder:
    """A person who has an identifier now."""

    contact_id: UUID
    assignment_id: UUID
    identifier_id: UUID
    address_id: UUID | None
    mode: int


async def identifier_ids(
    session: Session, ring: KeyRing, identifiers: Iterable[Identifier]
) -> dict[Identifier, UUID]:
    """The known identifiers among these, asked under every epoch that lives."""
    return await identifier_ids_at(session, indexed(ring, identifiers))


def indexed(ring: KeyRing, identifiers: Iterable[Identifier]) -> dict[bytes, Identifier]:
    """The blind index values of these identifiers, under every epoch that lives."""
    epochs = ring.live()
    return {
        blind.index(epoch, identifier.kind, identifier.value): identifier
        for identifier in set(identifiers)
        for epoch in epochs
    }


async def identifier_ids_at(session: Session, wanted: Mapping[bytes, Identifier]) -> dict[Identifier, UUID]:
    """The known identifiers among these, whose index values the caller has worked out."""
    if not wanted:
        return {}
    rows = await session.all(
        "SELECT value, identifier_id FROM identifier_index WHERE value = ANY(%b::bytea[])", (list(wanted),)
    )
    return {wanted[value]: identifier_id for value, identifier_id in rows}


async def holders(
    session: Session, ring: KeyRing, identifiers: Iterable[Identifier]
) -> dict[Identifier, list[Holder]]:
    """Who has each of these identifiers now, eldest assignment first; an unknown one has nobody."""
    wanted = set(identifiers)
    known = await identifier_ids(session, ring, wanted)
    by_id = await holders_of(session, known.values())
    return {one: by_id.get(known[one], []) if one in known else [] for one in wanted}


async def holders_of(session: Session, identifier_ids: Iterable[UUID]) -> dict[UUID, list[Holder]]:
    """Who has these identifiers now, by identifier row, eldest assignment first.

    Records that were merged are one person: of those that have the same identifier the eldest is told.
    """
    wanted = list(identifier_ids)
    by_id: dict[UUID, list[Holder]] = {}
    if wanted:
        for holder in told_holders(await session.all(_HOLDERS.format("%b::uuid[]"), (wanted,))):
            by_id.setdefault(holder.identifier_id, []).append(holder)
    return by_id


_HOLDERS = (
    "SELECT s.contact_id, s.id, s.identifier_id, s.address_id, s.mode, g.merged_into FROM assignment s"
    " LEFT JOIN gate_row g ON g.subject_id = s.contact_id AND g.merged_into IS NOT NULL"
    " WHERE s.identifier_id = ANY({}) AND s.valid_to IS NULL ORDER BY s.id"
)
_HOLDERS_AT = _HOLDERS.format(
    "ARRAY(SELECT identifier_id FROM identifier_index WHERE value = ANY(%b::bytea[]))"
)


def ask_holders(
    session: Session, ring: KeyRing, identifier: Identifier, *, check: Check | None = None
) -> Asked:
    """Who has an identifier now, in one statement that goes with the next; `told_holders` reads its rows."""
    return session.ask(_HOLDERS_AT, (list(indexed(ring, [identifier])),), check=check)


def told_holders(rows: Iterable[Row]) -> list[Holder]:
    """The holders in these rows; of a person's records that have the same identifier the first is told."""
    holders: list[Holder] = []
    seen: set[tuple[UUID, UUID]] = set()
    for row in rows:
        if row.merged_into is not None:
            if (row.identifier_id, row.merged_into) in seen:
                continue
            seen.add((row.identifier_id, row.merged_into))
        holders.append(Holder(*row[:5]))
    return holders


_PREFIXES = {"email": Kind.EMAIL, "phone": Kind.PHONE, "external": Kind.EXTERNAL, "device": Kind.DEVICE}


@dataclass(frozen=True, slots=True)
class Reference:
    """A REF: our id, or an identifier of some kind."""

    contact_id: UUID | None
    identifier: Identifier | None

    @property
    def by_address(self) -> bool:
        return self.identifier is not None and self.identifier.kind.is_address


def parse_reference(text: str) -> Reference:
    """Read `<uuid>`, `email:...`, `phone:...`, `external:...`; Misuse `reference.invalid` otherwise."""
    prefix, colon, value = text.partition(":")
    if colon and prefix in _PREFIXES:
        try:
            return Reference(None, normalise(_PREFIXES[prefix], value))
        except Misuse as error:
            error.field = "ref"
            raise
    try:
        return Reference(UUID(text), None)
    except ValueError:
        raise Misuse(
            "reference.invalid",
            "A person is named by our id, email:ADDRESS, phone:NUMBER or external:ID.",
            field="ref",
            mend="put email:, phone: or external: before what is no id of ours",
        ) from None


async def resolve(session: Session, ring: KeyRing, reference: Reference) -> list[UUID]:
    """The persons whom a reference fits, in id order; none for an unknown or erased one."""
    if reference.contact_id is not None:
        found = await session.value("SELECT id FROM contact WHERE id = %s", (reference.contact_id,))
        return [found] if found else []
    assert reference.identifier is not None
    found_by = await holders(session, ring, [reference.identifier])
    return sorted({holder.contact_id for holder in found_by[reference.identifier]})


async def address_ids(session: Session, contact_ids: Sequence[UUID]) -> list[UUID]:
    """The address rows of these persons' current e-mail addresses and phone numbers."""
    rows = await session.all(
        "SELECT DISTINCT address_id FROM assignment"
        " WHERE contact_id = ANY(%b::uuid[]) AND valid_to IS NULL AND address_id IS NOT NULL",
        (list(contact_ids),),
    )
    return [row.address_id for row in rows]


async def sharers(session: Session, address_ids: Iterable[UUID]) -> set[UUID]:
    """Everybody who has one of these addresses now."""
    rows = await session.all(
        "SELECT DISTINCT contact_id FROM assignment"
        " WHERE address_id = ANY((SELECT %b::uuid[])::uuid[]) AND valid_to IS NULL",
        (list(address_ids),),
    )
    return {row.contact_id for row in rows}


async def assignments(session: Session, contact_id: UUID) -> list[Any]:
    """All identifiers that a person has or had, sealed values included."""
    return await session.all(
        "SELECT id, identifier_id, address_id, kind, mode, valid_from, valid_to, verified_at, value, source"
        " FROM assignment WHERE contact_id = %s ORDER BY id",
        (contact_id,),
    )


async def fields(session: Session, contact_ids: Sequence[UUID]) -> list[Any]:
    """The stored fields of these persons; `value` is sealed, `plain` is not."""
    return await session.all(
        "SELECT contact_id, field, value, plain, source, recorded_at FROM contact_field"
        " WHERE contact_id = ANY(%b::uuid[]) ORDER BY contact_id, field",
        (list(contact_ids),),
    )


async def coming_of_age(session: Session, contact_id: UUID) -> list[Any]:
    """Since when each rule on the age of consent holds, and when by it the person comes of age (GDPR art. 8)."""
    return await session.all(
        "SELECT since, of_age_on, recorded_at FROM coming_of_age WHERE contact_id = %s ORDER BY since",
        (contact_id,),
    )


async def earlier(session: Session, contact_id: UUID) -> list[Any]:
    """What was on record of the person before, and until when: country, kind of subscriber, time zone, part of day."""
    return await session.all(
        "SELECT known_until, country, subscriber, time_zone, preferred_part FROM contact_past"
        " WHERE contact_id = %s ORDER BY known_until",
        (contact_id,),
    )


async def coming_of_age_earlier(session: Session, contact_id: UUID) -> list[Any]:
    """What was on record before of when the person comes of age, from and until when it was."""
    return await session.all(
        "SELECT known_until, since, of_age_on, recorded_at FROM coming_of_age_past"
        " WHERE contact_id = %s ORDER BY known_until, since",
        (contact_id,),
    )


async def contact(session: Session, contact_id: UUID) -> Any | None:
    """The person's own row, or None."""
    return await session.first(
        "SELECT id, created_at, locale, country, subscriber, source, time_zone, preferred_channel, preferred_part"
        " FROM contact WHERE id = %s",
        (contact_id,),
    )
