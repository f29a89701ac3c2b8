"""The "no" of an address: it binds everybody who has it, now or later, and outlives every assignment."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry, acted_at
from registry.contacts import queries as contacts
from registry.kit.database import Session
from registry.policy.model import Basis, PolicySet
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
    kept: dict[tuple[UUID, str, str, str], NewEntry] = {}
    for entry in entries:
        if entry.on_address is not None and entry.kind.takes_away:
            key = (entry.on_address, entry.controller_in(policies), entry.purpose, entry.channel)
            # Of several for one scope the objection: it is the graver.
            if key not in kept or entry.kind is EntryKind.OBJECTED:
                kept[key] = entry
    if not kept:
        return
    ids = list({key[0] for key in kept})
    macs = session.ask("SELECT id, mac FROM address WHERE id = ANY((SELECT %b::uuid[])::uuid[])", (ids,))
    for (address_id, controller, purpose, channel), entry in kept.items():
        standing.refuse_address(
            session,
            address_id,
            controller=controller,
            purpose=purpose,
            channel=channel,
            cause=entry.cause,
            objection=_objects(policies, entry),
            acted_at=acted_at(entry, recorded_at) or recorded_at,
            recorded_at=recorded_at,
        )
    noes = [No(address_id=key[0], controller=key[1], purpose=key[2], channel=key[3]) for key in kept]
    permits.ask_void(session, noes, "address.refused")
    session.stale.update(await contacts.sharers(session, ids))
    known = {row.id: row.mac.hex() for row in await macs.all()}
    session.takings += [
        {
            "what": "address_refusal",
            "mac": known.get(address_id),
            "controller": controller,
            "purpose": purpose,
            "channel": channel,
            "objection": _objects(policies, entry),
            "at": recorded_at.isoformat(),
        }
        for (address_id, controller, purpose, channel), entry in kept.items()
    ]


def _objects(policies: PolicySet, entry: NewEntry) -> bool:
    """Whether a "no" is an objection (GDPR art. 21), as every one is to what rests on no consent."""
    purpose = policies.purposes.get(entry.purpose)
    return entry.kind is EntryKind.OBJECTED or (purpose is not None and purpose.basis is not Basis.CONSENT)
