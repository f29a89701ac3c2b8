"""One person as a form or a shop tells of them: found by what is known, else made; noted in the log."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from registry.audit import entries
from registry.contacts import catalogue, coming_of_age, queries, service
from registry.contacts.identifiers import Identifier, Mode
from registry.contacts.service import NewContact
from registry.keys import persons
from registry.keys.columns import FIELD_VALUE
from registry.keys.persons import PersonKeys
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.sealing import Unopenable
from registry.policy.model import PolicySet, Subscriber
from registry.standing import service as standing

# Two people of a household have one address and two of these.
NAME_FIELDS = ("first_name", "last_name")


class IdentifiersDisagree(Refused):
    """Two identifiers of one request belong to two persons; which is meant cannot be guessed."""

    def __init__(self) -> None:
        super().__init__(
            "contact.ambiguous", "The identifiers belong to different persons.", field="identifiers"
        )


@dataclass(frozen=True, slots=True)
class Entered:
    """A person as they were found or made, with the kinds of data that were written; not yet noted in the log."""

    id: UUID
    created: bool
    kinds: tuple[str, ...]
    keys: Mapping[UUID, PersonKeys]


async def register(
    session: Session, ring: KeyRing, policies: PolicySet, new: NewContact
) -> tuple[UUID, bool]:
    """The person's id, and whether they are new; entry `contact.create` or `contact.update`.

    Finds, makes and refuses as `enter` does.
    """
    entered = await enter(session, ring, policies, new)
    action = "contact.create" if entered.created else "contact.update"
    await entries.append(session, ring, action, subjects=[entered.id], kinds=entered.kinds, keys=entered.keys)
    return entered.id, entered.created


async def enter(
    session: Session, ring: KeyRing, policies: PolicySet, new: NewContact, known: UUID | None = None
) -> Entered:
    """The person, found (or `known` to the caller) and added to, or made; locked from here on.

    An external, device or loyalty id names its one person. An address names somebody only if they alone have it
    and no name contradicts; otherwise a new person is made who shares it. Refuses what `service.create` refuses,
    and IdentifiersDisagree. The caller appends the one entry that tells of it.
    """
    catalogue.check_fields(policies, new.fields)
    if known is None:
        known = await match(session, ring, [one.identifier for one in new.identifiers], new.fields)
    kinds = {one.identifier.kind.name.lower() for one in new.identifiers} | set(new.fields)
    if known is None:
        (made,) = await service.create(session, ring, policies, [new])
        return Entered(made, True, tuple(sorted(kinds)), {})
    broad = {
        (int(one.identifier.kind), one.identifier.broad)
        for one in new.identifiers
        if one.identifier.kind.is_address
    }
    address_ids = (await standing.addresses(session, ring, broad)).values()
    await service.lock(session, [known], address_ids)
    keys = await persons.load(session, ring, [known])
    await service.assign(session, ring, [(known, one, new.source) for one in new.identifiers], keys=keys)
    await catalogue.write_fields(session, policies, keys, [(known, new.fields, new.source)])
    await session.execute(
        "UPDATE contact SET locale = coalesce(%s, locale), country = coalesce(%s, country),"
        " subscriber = CASE WHEN %s = 0 THEN subscriber ELSE %s END WHERE id = %s",
        (new.locale, new.country, int(new.subscriber), int(new.subscriber), known),
    )
    if new.country is not None:
        await coming_of_age.follow(session, policies, keys, [known])
    if new.subscriber is not Subscriber.UNKNOWN:
        kinds.add("subscriber")
    return Entered(known, False, tuple(sorted(kinds)), keys)


async def match(
    session: Session, ring: KeyRing, identifiers: Sequence[Identifier], fields: Mapping[str, str]
) -> UUID | None:
    """The one person whom these identifiers mean, or None. Raises IdentifiersDisagree."""
    held = await queries.holders(session, ring, identifiers)
    own = {
        one.contact_id
        for identifier in identifiers
        if not identifier.kind.is_address
        for one in held[identifier]
    }
    if len(own) > 1:
        raise IdentifiersDisagree
    if own:
        return own.pop()
    if any(not identifier.kind.is_address for identifier in identifiers):
        # An external id that nobody has: whoever has the address has another, or none that we may give them.
        return None
    alone = {
        held[identifier][0].contact_id
        for identifier in identifiers
        if len(held[identifier]) == 1 and held[identifier][0].mode != Mode.ROLE
    }
    if len(alone) != 1:
        return None
    (candidate,) = alone
    keys = (await persons.load(session, ring, [candidate])).get(candidate)
    if keys is None or await _named_otherwise(session, keys, candidate, fields):
        return None
    return candidate


async def _named_otherwise(
    session: Session, keys: PersonKeys, contact_id: UUID, fields: Mapping[str, str]
) -> bool:
    stored = {
        row.field: row for row in await queries.fields(session, [contact_id]) if row.field in NAME_FIELDS
    }
    for name in NAME_FIELDS:
        given, row = fields.get(name), stored.get(name)
        if not given or row is None:
            continue
        try:
            known = row.plain or keys.open(FIELD_VALUE, row.value).decode()
        except Unopenable:
            continue
        if _folded(known) != _folded(given):
            return True
    return False


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
