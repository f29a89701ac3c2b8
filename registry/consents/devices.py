"""Devices that consent for themselves: tracking is allowed or refused by a device, and by nobody who uses it.

A device is a subject like a person, with a gate row, keys and entries under its own id, and never a person's: so a
"no" of a browser stays with the browser, whoever signs in there (Directive 2002/58/EC art. 5(3)).
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from registry.contacts.identifiers import Identifier, Kind
from registry.contacts.queries import Reference
from registry.keys import blind, epochs, persons
from registry.keys.columns import DEVICE_VALUE
from registry.keys.persons import PersonKeys
from registry.keys.ring import Epoch, KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse, NotFound
from registry.kit.ids import new_id
from registry.kit.sealing import Unopenable
from registry.policy.model import PolicySet
from registry.standing import service as standing
from registry.standing.model import ContactState

# `gate_row.kind` of a device; a person's is 0.
SUBJECT_KIND = 1
# The kind under which a device is indexed as a subject; as an identifier of some person it is `Kind.DEVICE`.
_INDEXED_AS = 64


class DeviceUnknown(NotFound):
    """Nothing is on record of that device, or it was erased."""

    def __init__(self) -> None:
        super().__init__("device.unknown", "There is no such device.")


def decide(policies: PolicySet, purpose: str) -> bool:
    """Whether devices, and not persons, say yes and no to the purpose."""
    known = policies.purposes.get(purpose)
    return known is not None and known.subject == "device"


async def find(session: Session, ring: KeyRing, identifiers: Iterable[Identifier]) -> dict[Identifier, UUID]:
    """The devices on record among these."""
    wanted = {
        blind.index(epoch, _INDEXED_AS, one.value): one
        for one in set(identifiers)
        if one.kind is Kind.DEVICE
        for epoch in ring.live()
    }
    if not wanted:
        return {}
    rows = await session.all(
        "SELECT value, identifier_id FROM identifier_index WHERE value = ANY(%b::bytea[])", (list(wanted),)
    )
    return {wanted[bytes(row.value)]: row.identifier_id for row in rows}


async def resolve(session: Session, ring: KeyRing, reference: Reference) -> UUID | None:
    """The device that a reference names, by `device:ID` or by our id, or None."""
    if reference.contact_id is not None:
        found: UUID | None = await session.value(
            "SELECT contact_id FROM device WHERE contact_id = %s", (reference.contact_id,)
        )
        return found
    if reference.identifier is None or reference.identifier.kind is not Kind.DEVICE:
        return None
    return (await find(session, ring, [reference.identifier])).get(reference.identifier)


async def enter(session: Session, ring: KeyRing, reference: Reference) -> UUID:
    """The device that a reference names, put on record if it is new; locked from here on.

    Misuse `subject.no_device` for a reference to a person; DeviceUnknown for an id that is no device's.
    """
    if reference.contact_id is None and (
        reference.identifier is None or reference.identifier.kind is not Kind.DEVICE
    ):
        raise Misuse(
            "subject.no_device",
            "The purpose is allowed or refused by devices, and this names a person.",
            field="subject",
            mend="name the device",
        )
    known = await resolve(session, ring, reference)
    if known is None and reference.identifier is not None:
        known = await _made(session, ring, reference.identifier)
    if known is None:
        raise DeviceUnknown
    if known not in session.fresh:
        locked = await standing.lock(session, [known])
        if known not in locked or locked[known].state != ContactState.ACTIVE:
            raise DeviceUnknown
    return known


async def _made(session: Session, ring: KeyRing, identifier: Identifier) -> UUID:
    """A new device; of two who make the same at once the index lets one win, and both go on with that."""
    proposed = decided = new_id()
    for epoch in await epochs.writable(session, ring):
        value = blind.index(epoch, _INDEXED_AS, identifier.value)
        written = await session.execute(
            "INSERT INTO identifier_index (epoch, value, identifier_id) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (epoch.number, value, decided),
        )
        if not written.rowcount:
            decided = await session.value(
                "SELECT identifier_id FROM identifier_index WHERE epoch = %s AND value = %s",
                (epoch.number, value),
            )
    if decided != proposed:
        return decided
    await session.execute("INSERT INTO gate_row (subject_id, kind) VALUES (%s, %s)", (proposed, SUBJECT_KIND))
    session.fresh.add(proposed)
    session.stale.add(proposed)
    keys = (await persons.create(session, ring, [proposed]))[proposed]
    await session.execute(
        "INSERT INTO device (contact_id, value) VALUES (%s, %s)",
        (proposed, keys.seal(DEVICE_VALUE, identifier.value.encode())),
    )
    return proposed


async def reindex(session: Session, epoch: Epoch, subjects: Sequence[PersonKeys]) -> int:
    """Index those of these subjects that are devices under `epoch`, from their sealed values; how many rows."""
    keys = {one.contact_id: one for one in subjects}
    rows = await session.all(
        "SELECT contact_id, value FROM device WHERE contact_id = ANY(%b::uuid[])", (list(keys),)
    )
    written = 0
    for row in rows:
        try:
            value = keys[row.contact_id].open(DEVICE_VALUE, bytes(row.value)).decode()
        except Unopenable:
            continue  # only another class of its keys was kept
        done = await session.execute(
            "INSERT INTO identifier_index (epoch, value, identifier_id) VALUES (%s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (epoch.number, blind.index(epoch, _INDEXED_AS, value), row.contact_id),
        )
        written += done.rowcount
    return written


async def unindexed(session: Session, epoch: Epoch, limit: int) -> list[UUID]:
    """Devices that are indexed under an earlier epoch and not under this one."""
    rows = await session.all(
        "SELECT DISTINCT d.contact_id FROM device d JOIN identifier_index o ON o.identifier_id = d.contact_id"
        " WHERE o.epoch < %(n)s AND NOT EXISTS (SELECT FROM identifier_index i"
        " WHERE i.identifier_id = d.contact_id AND i.epoch = %(n)s) LIMIT %(limit)s",
        {"n": epoch.number, "limit": limit},
    )
    return [row.contact_id for row in rows]


async def erase(session: Session, subject: UUID) -> dict[str, int]:
    """Delete which device a subject is, and how it is found, in a session of the retention role."""
    gone = await session.execute("DELETE FROM device WHERE contact_id = %s", (subject,))
    if gone.rowcount:
        await session.execute("DELETE FROM identifier_index WHERE identifier_id = %s", (subject,))
    return {"device": gone.rowcount}
