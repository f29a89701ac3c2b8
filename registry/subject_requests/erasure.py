"""Erasure (GDPR art. 17): everything about one person goes in one transaction, and their keys with it."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from registry.audit import entries as audit
from registry.consents import devices
from registry.contacts import naming
from registry.contacts import subject as contacts
from registry.contacts.naming import Named
from registry.contacts.queries import Reference
from registry.keys import subject as keys
from registry.keys.columns import KeyClass
from registry.keys.ring import KeyRing
from registry.kit.caller import Caller
from registry.kit.database import Database, Role, Session
from registry.kit.errors import NotFound
from registry.kit.ids import new_id
from registry.policy.model import PolicySet
from registry.standing import merged, permits
from registry.standing import service as standing
from registry.standing import subject as standing_subject
from registry.standing.model import ContactState
from registry.standing.permits import FlyingPermit, No, OpenPermit
from registry.subject_requests import intake
from registry.subject_requests.areas import AREAS

# The points of GDPR art. 17(1): no longer needed, consent withdrawn, objection, unlawful, owed by law, a child's data.
Ground = Literal["a", "b", "c", "d", "e", "f"]


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure leaves. `certified_at` is when the last key that could read a backup was destroyed."""

    id: UUID
    contact_id: UUID
    erased_at: datetime
    certified_at: datetime | None
    counts: dict[str, int]
    already: bool = False
    # Permits that were open, and that had been redeemed shortly before.
    voided: tuple[OpenPermit, ...] = ()
    in_flight: tuple[FlyingPermit, ...] = ()


async def erase_person(
    database: Database,
    ring: KeyRing,
    policies: PolicySet,
    caller: Caller,
    reference: Reference,
    ground: Ground | None = None,
) -> Erased:
    """Erase in a transaction of its own; when it returns, the journal has it. Raises as `intake.person`."""

    async def work(session: Session) -> Erased:
        return await erase(session, ring, policies, reference, ground)

    for _ in range(5):
        try:
            return await database.run(caller, work, role=Role.RETENTION)
        except psycopg.errors.ForeignKeyViolation:
            # Somebody gave one of the person's identifiers to another person at this very moment.
            await asyncio.sleep(0.05)
    return await database.run(caller, work, role=Role.RETENTION)


async def erase(
    session: Session, ring: KeyRing, policies: PolicySet, reference: Reference, ground: Ground | None = None
) -> Erased:
    """Erase one person, in a session of the retention role; `already` when they had been before.

    `ground` is the point of art. 17(1) that was invoked, for the log: none of them is asked to be shown, least of all
    that the data were collected from a child (point f).

    Their gate row is locked first: a message that is being handed over is waited for, and none begins after.
    What stays: the gate row's state, the addresses' keyed MACs with their "no", the record of the erasure, and
    the log's entries, which nothing ties to the person any more (LP-70, LP-73, LP-80). Of a person of whom there are
    several records all of them go, and what is told is of the one that stood for them.
    """
    if reference.contact_id is not None and (done := await find(session, reference.contact_id)):
        return done
    contact_id, named = await _whom(session, ring, reference)
    locked = await standing.lock(session, [contact_id])
    if locked[contact_id].state == ContactState.ERASED:
        if named is not None:
            naming.again(session, ring, named)  # another may have the address still
        if done := await find(session, contact_id):
            return done  # somebody else was first
    records = await merged.of_person(session, contact_id)
    addresses = {record: await standing_subject.address_ids(session, record) for record in records}
    await standing.lock_addresses(session, [one for ids in addresses.values() for one in ids])
    if named is not None:
        naming.again(session, ring, named)
    # They are deleted with the rest; whoever asked for the erasure is told which ones.
    await permits.void(session, [No(contact_id)], "contact.erase")
    done, *others = [
        await _erase(session, ring, policies, record, addresses[record], ground) for record in records
    ]
    counts: Counter[str] = Counter(done.counts)
    for other in others:
        counts.update(other.counts)
    voided, in_flight = tuple(session.voided), tuple(session.in_flight)
    return replace(done, counts=dict(counts), voided=voided, in_flight=in_flight)


async def _erase(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    contact_id: UUID,
    address_ids: Sequence[UUID],
    ground: Ground | None,
) -> Erased:
    """One record, in every area; its rows are locked."""
    await contacts.wait_for_writers(session, contact_id)
    held_under = await keys.last_epoch(session, contact_id)
    kept = kept_classes(policies)
    counts: dict[str, int] = {}
    for area in AREAS.values():
        counts |= await area.erase(session, contact_id, kept)
    if kept:
        await keys.keep_only(session, ring, contact_id, kept)
    erasure_id = new_id()
    # What was written of the person under a later epoch than this cannot be: their keys are locked, and gone.
    epoch = max(ring.current.number, held_under or 0)
    erased_at: datetime = await session.value(
        "INSERT INTO erasure (contact_id, id, epoch, counts) VALUES (%s, %s, %s, %s) RETURNING erased_at",
        (contact_id, erasure_id, epoch, Jsonb(counts)),
    )
    session.takings.append(
        {
            "what": "erasure",
            "erasure": str(erasure_id),
            "contact": str(contact_id),
            "macs": await standing_subject.macs(session, address_ids),
            "at": erased_at.isoformat(),
        }
    )
    # Last, when there is no key any more under which its opening could be kept.
    await audit.append(
        session,
        ring,
        "contact.erase",
        subjects=[contact_id],
        detail={
            "erasure": str(erasure_id),
            **({"ground": f"17(1)({ground})"} if ground else {}),
            **permits.told(session),
        },
    )
    return Erased(erasure_id, contact_id, erased_at, None, counts)


async def _whom(session: Session, ring: KeyRing, reference: Reference) -> tuple[UUID, Named | None]:
    """The person and how they were named, or the device that a reference names when nobody answers to it."""
    try:
        return await intake.look(session, ring, reference)
    except NotFound:
        if (device := await devices.resolve(session, ring, reference)) is None:
            raise
        return device, None


async def find(session: Session, contact_id: UUID) -> Erased | None:
    """The erasure of a person, or None."""
    row = await session.first(
        "SELECT id, contact_id, erased_at, certified_at, counts FROM erasure WHERE contact_id = %s",
        (contact_id,),
    )
    if row is None:
        return None
    return Erased(row.id, row.contact_id, row.erased_at, row.certified_at, row.counts, already=True)


def kept_classes(policies: PolicySet) -> frozenset[KeyClass]:
    """The retention classes that the policy keeps when a person is erased.

    `hold` is kept only while a hold stands (art. 17(3)(b)), and none can be set yet.
    """
    return frozenset(
        KeyClass[one.id.name]
        for one in policies.retention.values()
        if one.kept_on_erasure and KeyClass[one.id.name] is not KeyClass.HOLD
    )


async def sweep(session: Session, policies: PolicySet, contact_ids: Iterable[UUID]) -> int:
    """Delete what somebody wrote about erased persons while they were being erased: a decision, its tie in the log.

    In a session of the retention role; returns the number of rows.
    """
    kept = kept_classes(policies)
    swept = 0
    for contact_id in contact_ids:
        for area in AREAS.values():
            counts = await area.erase(session, contact_id, kept)
            swept += sum(counts.values())
    return swept


async def uncertified(session: Session) -> list[UUID]:
    """Persons whose erasure is not complete in every backup yet."""
    rows = await session.all("SELECT contact_id FROM erasure WHERE certified_at IS NULL ORDER BY contact_id")
    return [row.contact_id for row in rows]


async def certify(session: Session, before: int) -> int:
    """Certify the erasures of persons whose keys were only ever wrapped under epochs before this one."""
    done = await session.execute(
        "UPDATE erasure SET certified_at = clock_timestamp() WHERE certified_at IS NULL AND epoch < %s",
        (before,),
    )
    return done.rowcount
