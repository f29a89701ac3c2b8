"""Reading a person: opened with their keys, masked by role, and noted in the log in the same transaction."""

from collections.abc import Callable, Sequence
from typing import Any, cast
from uuid import UUID

from msgspec.structs import replace

from registry.access.masking import mask
from registry.access.principals import Role
from registry.audit import entries
from registry.contacts import queries, schemas
from registry.contacts.identifiers import Identifier, Kind, Mode
from registry.contacts.schemas import Card, Found, Holder, Preferences, ShownField, ShownIdentifier
from registry.keys import persons
from registry.keys.columns import ASSIGNMENT_VALUE, FIELD_VALUE, SealedColumn
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound
from registry.kit.sealing import Unopenable
from registry.policy.model import Subscriber
from registry.policy.schedule import Part
from registry.standing import merged


class ContactUnknown(NotFound):
    """Nobody here, or nobody any more: an erased person is not told apart from one who never was."""

    def __init__(self) -> None:
        super().__init__("contact.unknown", "There is no such contact.")


async def show(session: Session, ring: KeyRing, role: Role, contact_ids: Sequence[UUID]) -> list[Card]:
    """What is stored of these persons, as `role` sees it; one entry `contact.read` with the kinds that were shown.

    Of a person of several records the card is that of the one which stands for them, with what the others have.
    Raises ContactUnknown (404) when one of them is not there.
    """
    of = await merged.records(session, contact_ids)
    people = [of.get(contact_id, (contact_id,)) for contact_id in contact_ids]
    everybody = list(dict.fromkeys(record for records in people for record in records))
    keys = await persons.load(session, ring, everybody)
    cards = [
        _whole([await _card(session, role, record, keys.get(record)) for record in records])
        for records in people
    ]
    kinds: set[str] = {one.kind for card in cards for one in card.identifiers}
    kinds |= {name for card in cards for name in card.fields}
    await entries.append(
        session, ring, "contact.read", subjects=everybody, kinds=sorted(kinds) or ["contact"], keys=keys
    )
    return cards


def _whole(cards: list[Card]) -> Card:
    """One card of all records of a person, the first of which stands for the others."""
    first, *others = cards
    if not others:
        return first
    fields: dict[str, ShownField] = {}
    for card in reversed(cards):
        fields |= card.fields
    return replace(
        first,
        identifiers=[one for card in cards for one in card.identifiers],
        fields=fields,
        merged=[card.id for card in others],
    )


async def _card(session: Session, role: Role, contact_id: UUID, keys: PersonKeys | None) -> Card:
    row = await queries.contact(session, contact_id)
    if row is None or keys is None:
        raise ContactUnknown
    identifiers = [
        ShownIdentifier(
            id=one.id,
            kind=_kind(one.kind),
            value=_shown(role, _kind(one.kind), _opener(keys, ASSIGNMENT_VALUE, one.value)),
            mode=_mode(one.mode),
            valid_from=one.valid_from,
            valid_to=one.valid_to,
            verified_at=one.verified_at,
            source=one.source,
        )
        for one in await queries.assignments(session, contact_id)
    ]
    fields = {
        one.field: ShownField(
            value=_shown(role, one.field, _field_reader(keys, one.plain, one.value)),
            source=one.source,
            recorded_at=one.recorded_at,
        )
        for one in await queries.fields(session, [contact_id])
    }
    restricted_at = await session.value(
        "SELECT restricted_at FROM gate_row WHERE subject_id = %s", (contact_id,)
    )
    return Card(
        id=row.id,
        created_at=row.created_at,
        source=row.source,
        locale=row.locale,
        country=row.country,
        subscriber=cast(schemas.SubscriberKind, Subscriber(row.subscriber).name.lower()),
        restricted_at=restricted_at,
        preferences=Preferences(
            row.preferred_channel, cast(Any, Part(row.preferred_part).name.lower()), row.time_zone
        ),
        identifiers=identifiers,
        fields=fields,
    )


async def look_up(session: Session, ring: KeyRing, identifier: Identifier) -> Found:
    """Who has an identifier now; entry `contact.lookup` about those who were found. Nobody is no error."""
    held = (await queries.holders(session, ring, [identifier]))[identifier]
    found = [Holder(one.contact_id, one.assignment_id, _mode(one.mode)) for one in held]
    await entries.append(
        session,
        ring,
        "contact.lookup",
        subjects=[one.id for one in found],
        kinds=[_kind(identifier.kind)],
        detail={"found": len(found)},
    )
    return Found(found)


def _kind(number: int) -> schemas.IdentifierKind:
    return cast(schemas.IdentifierKind, Kind(number).name.lower())


def _mode(number: int) -> schemas.Mode:
    return cast(schemas.Mode, Mode(number).name.lower())


def _opener(keys: PersonKeys, column: SealedColumn, blob: bytes) -> Callable[[], str]:
    return lambda: keys.open(column, blob).decode()


def _field_reader(keys: PersonKeys, plain: str | None, blob: bytes | None) -> Callable[[], str]:
    return _opener(keys, FIELD_VALUE, blob) if blob is not None else lambda: plain or ""


def _shown(role: Role, field: str, read: Callable[[], str]) -> str | None:
    """The value masked for `role`; None when its key was destroyed."""
    try:
        return mask(role, field, read())
    except Unopenable:
        return None
