"""Keeps `gate_state` equal to the ledger: written in the transaction of every entry, and rebuilt from nothing alike."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from registry.consents.grounds import Ground
from registry.consents.ledger import Entry, EntryKind
from registry.consents.standing_lines import COLUMNS, lines
from registry.consents.standing_rows import Address, AddressRefusal, Person
from registry.contacts.identifiers import Kind
from registry.kit import clock
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.policy.model import Grade, PolicySet, Subscriber
from registry.standing.model import ContactState


async def settle(session: Session, policies: PolicySet) -> None:
    """Write the gate's rows about every person locked in this transaction anew."""
    ids = session.stale
    if not ids:
        return
    people = await load(session, ids)
    at = clock.now()
    known = [contact_id for contact_id in ids if contact_id not in session.fresh]
    if known:
        await session.execute("DELETE FROM gate_state WHERE contact_id = ANY(%b::uuid[])", (known,))
    await session.copy_lines("gate_state", COLUMNS, lines(policies, people, at))
    session.stale = set()


async def load(session: Session, ids: Collection[UUID], known_at: datetime | None = None) -> list[Person]:
    """Everything recorded about these persons, as known at `known_at` (default: now)."""
    wanted = list(ids)
    until = known_at or clock.FAR_FUTURE
    contacts = await session.all(
        "SELECT g.subject_id AS id, g.state, g.restricted_at, c.country, c.subscriber"
        " FROM gate_row g JOIN contact c ON c.id = g.subject_id WHERE g.subject_id = ANY(%b::uuid[])",
        (wanted,),
    )
    addresses = await _addresses(session, wanted, until)
    entries: dict[UUID, list[Entry]] = defaultdict(list)
    for row in await session.all(
        "SELECT contact_id, id, seq, kind, grade, controller, purpose, channel, assignment_id, acted_at,"
        " recorded_at, refers_to, notice_version FROM consent_entry"
        " WHERE contact_id = ANY(%b::uuid[]) AND recorded_at <= %s ORDER BY contact_id, seq",
        (wanted, until),
    ):
        entries[row[0]].append(Entry(row[1], row[2], EntryKind(row[3]), Grade(row[4]), *row[5:]))
    grounds: dict[UUID, list[Ground]] = defaultdict(list)
    for row in await session.all(
        "SELECT contact_id, id, kind, controller, assignment_id, products, opt_out_offered, collected_in_sale,"
        " occurred_at, ends_at, recorded_at FROM ground"
        " WHERE contact_id = ANY(%b::uuid[]) AND recorded_at <= %s ORDER BY contact_id, seq",
        (wanted, until),
    ):
        grounds[row[0]].append(Ground(row[1], row[2], row[3], row[4], tuple(row[5]), *row[6:]))
    return [
        Person(
            contact_id=row.id,
            country=row.country,
            subscriber=Subscriber(row.subscriber),
            state=ContactState(row.state),
            restricted_at=row.restricted_at if row.restricted_at and row.restricted_at <= until else None,
            addresses=addresses.get(row.id, ()),
            entries=entries.get(row.id, ()),
            grounds=grounds.get(row.id, ()),
        )
        for row in contacts
    ]


async def _addresses(session: Session, ids: list[UUID], until: datetime) -> dict[UUID, list[Address]]:
    found = await session.all(
        "SELECT s.contact_id, s.id, s.address_id, s.kind, s.verified_at, a.dead_at, a.erased_at, s.valid_from"
        " FROM assignment s JOIN address a ON a.id = s.address_id"
        " WHERE s.contact_id = ANY(%b::uuid[]) AND s.valid_from <= %s"
        " AND (s.valid_to IS NULL OR s.valid_to > %s) ORDER BY s.contact_id, s.id",
        (ids, until, until),
    )
    refusals = await _refusals(session, {row.address_id for row in found}, until)
    by_contact: dict[UUID, list[Address]] = defaultdict(list)
    for row in found:
        by_contact[row.contact_id].append(
            Address(
                row.id,
                row.address_id,
                Kind(row.kind),
                row.verified_at,
                row.dead_at is not None and row.dead_at <= until,
                refusals.get(row.address_id, ()),
                row.erased_at is not None and row.erased_at <= min(until, row.valid_from),
            )
        )
    return by_contact


async def _refusals(
    session: Session, address_ids: Iterable[UUID], until: datetime
) -> dict[UUID, tuple[AddressRefusal, ...]]:
    found: dict[UUID, tuple[AddressRefusal, ...]] = {}
    for row in await session.all(
        "SELECT address_id, controller, purpose, channel, acted_at, recorded_at, cause = 'person' FROM address_refusal"
        " WHERE address_id = ANY(%b::uuid[]) AND recorded_at <= %s ORDER BY address_id, id",
        (list(address_ids), until),
    ):
        found[row[0]] = (*found.get(row[0], ()), AddressRefusal(*row[1:]))
    return found


async def rebuild(
    database: Database, caller: Caller, *, chunk: int = 500, progress: Any | None = None
) -> int:
    """Write every person's rows anew, some at a time: after a new purpose, or to show that nothing differs."""
    done, after = 0, UUID(int=0)
    while True:
        async with database.begin(caller) as session:
            found = await session.all(
                "SELECT subject_id FROM gate_row WHERE subject_id > %s AND kind = 0"
                " ORDER BY subject_id LIMIT %s FOR NO KEY UPDATE",
                (after, chunk),
            )
            ids = [row.subject_id for row in found]
            session.stale.update(ids)
        if not ids:
            return done
        done += len(ids)
        after = ids[-1]
        if progress is not None:
            progress(done)
        await asyncio.sleep(0)
