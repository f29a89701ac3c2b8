"""Writes to the ledger: what persons did, and the facts that other bases rest on."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.consents import address_refusals, authority, owning, proof, terms
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry, acted_at, validate
from registry.keys import persons
from registry.keys.columns import ENTRY_EVIDENCE
from registry.keys.ring import KeyRing
from registry.kit.database import Session
from registry.kit.ids import new_id
from registry.policy.model import PolicySet
from registry.standing import permits
from registry.standing import service as standing
from registry.standing.permits import No

_STEPS = frozenset({EntryKind.REQUESTED, EntryKind.CONFIRMED})
_CLOCK = "SELECT clock_timestamp()"
_EVIDENCE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it stands in the ledger; `repeated` when its origin was there already (then `id` is that one).

    `digest` goes into the log with whatever made the entry, so that the entry can be proven; empty when repeated.
    """

    id: UUID
    contact_id: UUID
    seq: int
    recorded_at: datetime
    repeated: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A request that waits for its confirmation, or the confirmation; `session.steps` keeps it to the commit edge."""

    id: UUID
    entry: NewEntry
    recorded_at: datetime


def ask(session: Session, contact_id: UUID) -> None:
    """Put ahead what `record`, and its audit entry, will ask about a person who is locked: it goes with others."""
    session.ahead[_CLOCK] = session.ask(_CLOCK)
    persons.ask(session, contact_id)


async def record(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    entries: Sequence[NewEntry],
    at_addresses: Sequence[NewEntry] = (),
) -> list[Recorded]:
    """Append entries, in the order given. The persons are locked (`contacts.service.lock`) by the caller.

    `at_addresses` are no entries, but what these say at further addresses (`address_refusals.record`).

    Refuses, before anything is written: unknown purpose or channel, an act that is no consent (LP-01), a grant
    bundled with something else (LP-05), a grant without its address, one from the future, a parent's authority
    that is none (`authority.check`), a confirmation after its request's term (`terms.check`).
    """
    if not entries:
        return []
    ahead = session.ahead.pop(_CLOCK, None) or session.ask(_CLOCK)
    recorded_at: datetime = (await ahead.all())[0][0]
    for entry in entries:
        validate(policies, entry, recorded_at)
    await authority.check(session, policies, entries)
    await terms.check(session, policies, entries, recorded_at)
    entries = await owning.by_owner(session, entries)
    known = await _known_origins(session, entries)
    fresh: list[NewEntry] = []
    places: list[tuple[UUID, bytes] | None] = []
    for entry in entries:
        key = (entry.contact_id, entry.origin) if entry.origin is not None else None
        if key is not None and key in known:
            places.append(key)
            continue
        if key is not None:
            known[key] = None
        places.append(None)
        fresh.append(entry)
    written = await _append(session, ring, policies, fresh, recorded_at)
    voiding = permits.ask_void(session, _noes(policies, fresh), "consent.taken_away")
    # What is told a second time is no newer for that, and takes nothing away that was given since.
    told = known.get(places[0]) if places[0] is not None else None
    if told is None:
        await address_refusals.record(session, policies, [*fresh, *at_addresses], recorded_at)
    else:
        await address_refusals.record(session, policies, fresh, recorded_at)
        await address_refusals.record(session, policies, at_addresses, told.recorded_at)
    if voiding is not None:
        # Whoever tells of it finds it in the session.
        await voiding.all()
    results = iter(written)
    by_origin = {
        (e.contact_id, e.origin): w for e, w in zip(fresh, written, strict=True) if e.origin is not None
    }
    outcome = []
    for place in places:
        if place is None:
            outcome.append(next(results))
        else:
            row = known[place]
            outcome.append(row if row is not None else by_origin[place])
    return outcome


def _noes(policies: PolicySet, entries: Sequence[NewEntry]) -> list[No]:
    """What these entries take away from the persons themselves; the "no" of their addresses is told apart."""
    return [
        No(
            contact_id=entry.contact_id,
            assignment_id=entry.assignment_id,
            controller=entry.controller_in(policies),
            purpose=entry.purpose,
            channel=entry.channel,
        )
        for entry in entries
        if entry.kind.takes_away or entry.kind is EntryKind.INVALIDATED
    ]


async def repeat(
    session: Session, ring: KeyRing, policies: PolicySet, entries: Sequence[NewEntry]
) -> list[Recorded]:
    """Append takings-away that stand on record already, of another record or another address of the same person.

    They were validated when they were made; what was taken away stays so also where the policy has changed since.
    """
    if not entries:
        return []
    recorded_at: datetime = await session.value(_CLOCK)
    return await _append(session, ring, policies, entries, recorded_at)


async def _known_origins(
    session: Session, entries: Sequence[NewEntry]
) -> dict[tuple[UUID, bytes], Recorded | None]:
    fresh = session.fresh
    wanted = [(e.contact_id, e.origin) for e in entries if e.origin is not None and e.contact_id not in fresh]
    if not wanted:
        return {}
    rows = await session.all(
        "SELECT contact_id, origin, id, seq, recorded_at FROM consent_entry"
        " WHERE contact_id = ANY(%b::uuid[]) AND origin = ANY(%b::bytea[])",
        (list({contact_id for contact_id, _ in wanted}), [origin for _, origin in wanted]),
    )
    return {
        (row.contact_id, bytes(row.origin)): Recorded(row.id, row.contact_id, row.seq, row.recorded_at, True)
        for row in rows
    }


async def _append(
    session: Session,
    ring: KeyRing,
    policies: PolicySet,
    entries: Sequence[NewEntry],
    recorded_at: datetime,
) -> list[Recorded]:
    if not entries:
        return []
    seqs = await standing.next_seqs(session, Counter(entry.contact_id for entry in entries))
    sealers = await persons.load(session, ring, {e.contact_id for e in entries if e.evidence})
    rows, written = [], []
    for entry in entries:
        entry_id, seq = new_id(), seqs[entry.contact_id]
        seqs[entry.contact_id] = seq + 1
        evidence = None
        if entry.evidence:
            plain = _EVIDENCE.encode(entry.evidence).encode()
            evidence = sealers[entry.contact_id].seal(ENTRY_EVIDENCE, plain)
        purpose = policies.purposes.get(entry.purpose)
        controller = entry.controller or (purpose.controller if purpose else "")
        rows.append(
            (
                entry.contact_id,
                seq,
                entry_id,
                int(entry.kind),
                int(entry.grade),
                controller,
                entry.purpose,
                entry.channel,
                entry.assignment_id,
                acted_at(entry, recorded_at),
                recorded_at,
                entry.refers_to,
                entry.act,
                entry.notice_version,
                entry.notice_locale,
                purpose.version if purpose else "",
                entry.source,
                session.caller.actor,
                entry.origin,
                evidence,
                entry.point,
                entry.point_version,
                entry.authority,
            )
        )
        covered = proof.facts(
            dict(zip(_ENTRY_COLUMNS, rows[-1], strict=True)),
            shown(policies, entry),
            evidence,
            _form(policies, entry),
        )
        written.append(Recorded(entry_id, entry.contact_id, seq, recorded_at, digest=proof.digest(covered)))
        if entry.kind in _STEPS or (entry.kind is EntryKind.GRANTED and purpose and purpose.double_opt_in):
            session.steps.append(Step(entry_id, entry, recorded_at))
        if entry.kind.takes_away:
            session.takings.append(
                {
                    "what": entry.kind.name.lower(),
                    "entry": str(entry_id),
                    "contact": str(entry.contact_id),
                    "controller": controller,
                    "purpose": entry.purpose,
                    "channel": entry.channel,
                    "assignment": str(entry.assignment_id) if entry.assignment_id else None,
                    "address": str(entry.on_address) if entry.on_address else None,
                    "at": recorded_at.isoformat(),
                }
            )
    await session.add("consent_entry", _ENTRY_COLUMNS, rows)
    session.stale.update(entry.contact_id for entry in entries)
    return written


def shown(policies: PolicySet, entry: NewEntry) -> bytes | None:
    """The hash of the notice's text that the entry says was shown, or None."""
    for notice in policies.notices.get(entry.purpose, ()):
        if (notice.version, notice.locale) == (entry.notice_version, entry.notice_locale):
            return notice.hash
    return None


def _form(policies: PolicySet, entry: NewEntry) -> bytes | None:
    """The hash of the form, of the version at which the entry was made, or None."""
    for point in policies.collection.get(entry.point or "", ()):
        if point.version == entry.point_version:
            return point.hash
    return None


_ENTRY_COLUMNS = (
    "contact_id",
    "seq",
    "id",
    "kind",
    "grade",
    "controller",
    "purpose",
    "channel",
    "assignment_id",
    "acted_at",
    "recorded_at",
    "refers_to",
    "act",
    "notice_version",
    "notice_locale",
    "policy",
    "source",
    "actor",
    "origin",
    "evidence",
    "point",
    "point_version",
    "authority",
)
