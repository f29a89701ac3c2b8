"""Puts addresses on do-not-call and do-not-mail lists, and lets everybody who has one of them feel it at once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import address_refusals
from registry.consents.ledger import ANY, EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import queries
from registry.contacts import service as contacts
from registry.contacts.identifiers import Identifier, Kind
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import NotFound, Refused
from registry.kit.ids import NIL
from registry.policy.lists import AddressList
from registry.policy.model import Grade, PolicySet
from registry.standing import listings, permits
from registry.standing import service as standing
from registry.standing.listings import LeftOut

_ADDRESS_KINDS = {"email": Kind.EMAIL, "phone": Kind.PHONE}
# How often a portion is done again when somebody gets one of its addresses meanwhile.
TRIES = 5


class Moved(Exception):
    """Somebody got one of the addresses between the look and the lock: the portion is to be done again."""


def known(policies: PolicySet, name: str) -> AddressList:
    """The list of that name; NotFound `list.unknown`."""
    found = policies.lists.get(name)
    if found is None:
        raise NotFound("list.unknown", "There is no such list.", field="list", mend="see zgoda list show")
    return found


def kinds_of(policies: PolicySet, told: AddressList) -> frozenset[Kind]:
    """What the list holds: e-mail addresses, numbers, or both, by the channels that it stops."""
    wanted = {policies.channels[name].address for name in told.channels if name in policies.channels}
    return frozenset(kind for word, kind in _ADDRESS_KINDS.items() if word in wanted)


def region_of(policies: PolicySet, told: AddressList) -> str | None:
    """The country of numbers that name none: the list's, or its one controller's."""
    if told.country is not None:
        return told.country
    countries = {
        policies.controllers[name].country for name in told.controllers if name in policies.controllers
    }
    return countries.pop() if len(countries) == 1 else None


async def enlist(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    told: AddressList,
    identifiers: Collection[Identifier],
    listed_at: datetime,
    *,
    renew: bool = False,
) -> tuple[int, int]:
    """Put addresses on a list, in the caller's transaction: (how many were not on it, persons who have one of them).

    On a controller's own list it is that address's "no" as well, to everything that the list stops: whoever asked
    us is not written to on the strength of a consent given before (GDPR art. 21(3)). `renew` as for
    `standing.listings.enlist`. Moved when the transaction has to be done again.
    """
    wanted = {(int(one.kind), one.broad): one.kind for one in identifiers}
    address_of = await standing.addresses(session, ring, wanted)
    ids = set(address_of.values())
    holders = await queries.sharers(session, ids)
    await contacts.lock(session, holders, ids)
    if await queries.sharers(session, ids) != holders:
        raise Moved
    fresh = await listings.enlist(session, told.id, ids, listed_at, renew=renew)
    if told.kind == "own" and fresh:
        await _refuse(
            session, policies, told, {address_of[key]: wanted[key] for key in address_of}, fresh, listed_at
        )
    await audit.append(
        session,
        ring,
        "list.import",
        subjects=sorted(holders),
        kinds=sorted({kind.name.lower() for kind in wanted.values()}),
        detail={"list": told.id, "entries": len(ids), "listed": len(fresh), **permits.told(session)},
    )
    return len(fresh), len(holders)


async def _refuse(
    session: Session,
    policies: PolicySet,
    told: AddressList,
    kind_of: dict[UUID, Kind],
    fresh: Collection[UUID],
    listed_at: datetime,
) -> None:
    """The "no" of addresses that came on a controller's own list, by each channel that the list stops."""
    entry = NewEntry(
        NIL,
        EntryKind.OBJECTED,
        ANY,
        ANY,
        Grade.ATTESTED,
        f"list:{told.id}",
        acted_at=listed_at,
        cause="listed",
    )
    recorded_at: datetime = await session.value("SELECT clock_timestamp()")
    refusals = [
        replace(entry, controller=controller, channel=channel, on_address=address_id)
        for address_id in sorted(fresh)
        for controller in told.controllers or tuple(policies.controllers)
        for channel in told.channels
        if channel in policies.channels
        and _ADDRESS_KINDS.get(policies.channels[channel].address) is kind_of[address_id]
    ]
    await address_refusals.record(session, policies, refusals, recorded_at)


async def strike(
    session: Session, ring: KeyRing, name: str, address_ids: Collection[UUID], left_out: LeftOut
) -> int:
    """Take off a list those of these addresses that a whole file left out; how many. Moved as for `enlist`."""
    holders = await queries.sharers(session, address_ids)
    await contacts.lock(session, holders, address_ids)
    if await queries.sharers(session, address_ids) != holders:
        raise Moved
    struck = await listings.unlist(session, name, address_ids, left_out)
    await audit.append(
        session, ring, "list.unlist", subjects=sorted(holders), detail={"list": name, "unlisted": struck}
    )
    return struck


def contended() -> Refused:
    """Others kept changing the same persons through every try."""
    return Refused(
        "list.contended", "Others keep changing who has these addresses.", mend="run the import again"
    )
