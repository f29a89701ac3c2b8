"""Signals that machines send for people: `Sec-GPC: 1` is an objection to what the policy maps to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from uuid import UUID

from registry.audit import entries as audit
from registry.consents import devices, service
from registry.consents.ledger import ANY, EntryKind
from registry.consents.service import Recorded
from registry.consents.validation import NewEntry
from registry.contacts import naming
from registry.contacts import service as persons
from registry.contacts.naming import Contended, Named
from registry.contacts.queries import Reference
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.errors import Misuse
from registry.policy.model import Grade, PolicySet, Purpose
from registry.standing import permits

# Global Privacy Control: only this value means anything.
GPC = "1"


@dataclass(frozen=True, slots=True)
class Signal:
    """What a browser sent: from which device, and whose browser it is known to be."""

    value: str | None
    source: str
    device: Reference | None = None
    subject: Reference | None = None
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """Whether any purpose yields to the signal, and the objections that it became; a repeated one adds nothing."""

    honoured: bool
    objections: tuple[tuple[str, Recorded], ...] = ()

    @property
    def fresh(self) -> list[Recorded]:
        return [one for _, one in self.objections if not one.repeated]


async def hear(session: Session, ring: KeyRing, policies: PolicySet, signal: Signal) -> Heard:
    """Record an objection of the device, and of the persons if they are known, to each purpose that says `gpc`.

    Once for each: a signal that comes with every page says the same each time, and a yes that was given after it,
    for this very purpose, stands. Entry `signal.record`, also when nothing was added. Whoever the signal names and
    nobody knows is passed over, so that the device's objection is not lost with them.
    """
    if signal.device is None and signal.subject is None:
        raise Misuse("subject.missing", "Nobody is named.", field="device", mend="name the device")
    made: list[tuple[str, Recorded]] = []
    said = signal.value == GPC
    mapped = [purpose for purpose in policies.purposes.values() if purpose.gpc] if said else []
    for_devices = [purpose for purpose in mapped if purpose.subject == "device"]
    for_persons = [purpose for purpose in mapped if purpose.subject == "contact"]
    named = await naming.look(session, ring, signal.subject) if signal.subject and for_persons else None
    people = named.people if named is not None else ()
    known = await devices.resolve(session, ring, signal.device) if signal.device and for_devices else None
    if people or known is not None:
        # All gate rows at once, then the addresses, as everywhere.
        await _lock(session, ring, named, [*people, *([known] if known is not None else [])])
    if signal.device is not None and for_devices:
        subject = await devices.enter(session, ring, signal.device)
        made += await _object(session, ring, policies, signal, for_devices, [subject])
    made += await _object(session, ring, policies, signal, for_persons, people)
    heard = Heard(bool(mapped), tuple(made))
    await audit.append(
        session,
        ring,
        "signal.record",
        subjects=[one.contact_id for _, one in made],
        kinds=("consent",),
        detail={
            "signal": "gpc" if said else "none",
            "digests": [one.digest for one in heard.fresh],
            **permits.told(session),
        },
    )
    return heard


async def _lock(session: Session, ring: KeyRing, named: Named | None, subjects: Sequence[UUID]) -> None:
    """Lock device and persons; Contended when somebody else is named by then, or one of them was erased meanwhile."""
    try:
        await persons.lock(session, subjects)
    except persons.ContactGone:
        raise Contended from None
    if named is not None:
        naming.again(session, ring, named)


async def _object(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    signal: Signal,
    purposes: Sequence[Purpose],
    subjects: Sequence[UUID],
) -> list[tuple[str, Recorded]]:
    entries = [
        NewEntry(
            contact_id=subject,
            kind=EntryKind.OBJECTED,
            purpose=purpose.id,
            channel=ANY,
            grade=Grade.FIRST_PARTY,
            source=signal.source,
            origin=sha256(b"Sec-GPC\0" + purpose.id.encode()).digest(),
            evidence={**signal.evidence, "signal": f"Sec-GPC: {GPC}"},
            cause="gpc",
        )
        for subject in subjects
        for purpose in purposes
    ]
    recorded = await service.record(session, ring, policies, entries)
    return [(entry.purpose, one) for entry, one in zip(entries, recorded, strict=True)]


@dataclass(frozen=True, slots=True)
class Statement:
    """What `/.well-known/gpc.json` says of this installation."""

    gpc: bool
    last_update: date


async def statement(session: Session, policies: PolicySet) -> Statement:
    """Whether any purpose yields to the signal, and since when the policies say what they say now."""
    mapped = [purpose.version for purpose in policies.purposes.values() if purpose.gpc]
    versions = mapped or [purpose.version for purpose in policies.purposes.values()]
    at: datetime | None = await session.value(
        "SELECT max(recorded_at) FROM policy_version WHERE version = ANY(%s)", (versions,)
    )
    return Statement(bool(mapped), at.date() if at else date.min)
