"""The "no" of an address: it binds everybody who has it, now or later, and outlives every assignment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from registry.consents.validation import NewEntry, acted_at
from registry.contacts import queries as contacts
from registry.kit.database import Session
from registry.policy.model import PolicySet
from registry.standing import permits
from registry.standing import service as standing
from registry.standing.permits import No


async def record_of_person(
    session: Session, policies: PolicySet, entries: Sequence[NewEntry], address_id: UUID
) -> None:
    """Let takings-away of a person hold at an address that nobody but they have, also for a record made twice."""
    if entries:
        recorded_at: datetime = await session.value("SELECT clock_timestamp()")
        at_address = [replace(entry, on_address=address_id, cause="person") for entry in entries]
        await record(session, policies, at_address, recorded_at)


async def record(
    session: Session, policies: PolicySet, entries: Sequence[NewEntry], recorded_at: datetime
) -> None:
    """Record the "no" of addresses, once for each scope, and let it bind everybody who has them."""
    done: set[tuple[UUID, str, str, str]] = set()
    macs = await _macs(session, [e.on_address for e in entries if e.on_address])
    for entry in entries:
        if entry.on_address is None or not entry.kind.takes_away:
            continue
        controller = entry.controller_in(policies)
        key = (entry.on_address, controller, entry.purpose, entry.channel)
        if key in done:
            continue
        done.add(key)
        await standing.refuse_address(
            session,
            entry.on_address,
            controller=controller,
            purpose=entry.purpose,
            channel=entry.channel,
            cause=entry.cause,
            acted_at=acted_at(entry, recorded_at) or recorded_at,
            recorded_at=recorded_at,
        )
        session.takings.append(
            {
                "what": "address_refusal",
                "mac": macs.get(entry.on_address),
                "controller": controller,
                "purpose": entry.purpose,
                "channel": entry.channel,
                "at": recorded_at.isoformat(),
            }
        )
    if done:
        await permits.void(
            session,
            [No(address_id=key[0], controller=key[1], purpose=key[2], channel=key[3]) for key in done],
            "address.refused",
        )
        session.stale.update(await contacts.sharers(session, {key[0] for key in done}))


async def _macs(session: Session, address_ids: Sequence[UUID]) -> dict[UUID, str]:
    if not address_ids:
        return {}
    rows = await session.all("SELECT id, mac FROM address WHERE id = ANY(%b::uuid[])", (list(address_ids),))
    return {row.id: row.mac.hex() for row in rows}
