"""Keeps `gate_state` equal to the ledger: written in the transaction of every entry, and rebuilt from nothing alike."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from registry.consents import merges
from registry.consents.grounds import Ground
from registry.consents.ledger import Entry, EntryKind
from registry.consents.standing_lines import COLUMNS, lines
from registry.consents.standing_rows import Address, AddressRefusal, Person
from registry.contacts.identifiers import Kind
from registry.kit import clock
from registry.kit.caller import Caller
from registry.kit.database import Database, Session
from registry.policy.model import Grade, PolicySet, Subscriber
from registry.policy.schedule import Part
from registry.standing import merged
from registry.standing.model import ContactState

# As it was restricted at an earlier time: of the restrictions that had begun, the last that had not been lifted.
_RESTRICTED = (
    "(SELECT max(r.restricted_at) FROM restriction r WHERE r.contact_id = g.subject_id"
    " AND r.restricted_at <= %(until)s AND (r.lifted_at IS NULL OR r.lifted_at > %(until)s))"
)
# What was said to be void, or corrected, is so from its beginning, whenever that was said.
_FROM_THE_BEGINNING = [int(EntryKind.INVALIDATED), int(EntryKind.CORRECTED)]


async def settle(session: Session, policies: PolicySet) -> None:
    """Write the gate's rows about every person locked in this transaction anew."""
    ids = session.stale
    if not ids:
        return
    people = await load(session, ids)
    at = clock.now()
    # Of a person of several records every row stands under the one that stands for them.
    written = {record.contact_id for person in people for record in (person, *person.merged)}
    known = [contact_id for contact_id in ids | written if contact_id not in session.fresh]
    if known:
        await session.execute("DELETE FROM gate_state WHERE contact_id = ANY(%b::uuid[])", (known,))
    await session.copy_lines("gate_state", COLUMNS, lines(policies, people, at))
    session.stale = set()


async def load(
    session: Session, ids: Collection[UUID], at: datetime | None = None, known_at: datetime | None = None
) -> list[Person]:
    """Everything recorded about these persons, each once with all their records.

    `at` and `known_at` (default: `at`) ask for what had happened by `at` as it was on record at `known_at`. Both are
    now when left out. Country, kind of subscriber, time zone and age have no history: they are told as they are now.
    """
    known = known_at or at or clock.FAR_FUTURE
    happened = at or clock.FAR_FUTURE
    if at is None:
        of = await merged.records(session, ids)
    else:
        of = await merges.as_of(session, ids, known)
    wanted = list({record for one in ids for record in of.get(one, (one,))})
    # What has one time only, that of its record, was there by the earlier of the two.
    asked: dict[str, Any] = {
        "ids": wanted,
        "at": happened,
        "known": known,
        "until": min(happened, known),
        "whole": _FROM_THE_BEGINNING,
    }
    contacts = await session.all(
        f"SELECT g.subject_id AS id, g.state, {_RESTRICTED if at else 'g.restricted_at'} AS restricted_at,"
        " c.country, coalesce(c.subscriber, 0) AS subscriber, c.time_zone,"
        " coalesce(c.preferred_part, 0) AS preferred_part, g.kind = 1 AS device,"
        " ARRAY(SELECT y.since FROM coming_of_age y WHERE y.contact_id = c.id ORDER BY y.since) AS since,"
        " ARRAY(SELECT y.of_age_on FROM coming_of_age y WHERE y.contact_id = c.id ORDER BY y.since) AS of_age_on"
        " FROM gate_row g LEFT JOIN contact c ON c.id = g.subject_id WHERE g.subject_id = ANY(%(ids)b::uuid[])"
        # A person without a row of their own was erased; a device never has one, and is there until it is forgotten.
        " AND (c.id IS NOT NULL OR (g.kind = 1 AND EXISTS (SELECT FROM device d WHERE d.contact_id = g.subject_id)))",
        asked,
    )
    entries: dict[UUID, list[Entry]] = defaultdict(list)
    for row in await session.all(
        "SELECT contact_id, id, seq, kind, grade, controller, purpose, channel, assignment_id, acted_at,"
        " recorded_at, refers_to, notice_version, authority FROM consent_entry"
        " WHERE contact_id = ANY(%(ids)b::uuid[]) AND recorded_at <= %(known)s"
        " AND (coalesce(acted_at, recorded_at) <= %(at)s OR kind = ANY(%(whole)s)) ORDER BY contact_id, seq",
        asked,
    ):
        entries[row[0]].append(Entry(row[1], row[2], EntryKind(row[3]), Grade(row[4]), *row[5:]))
    used = {entry.assignment_id for told in entries.values() for entry in told} if at else set()
    addresses = await _addresses(session, asked, used)
    grounds: dict[UUID, list[Ground]] = defaultdict(list)
    for row in await session.all(
        "SELECT contact_id, id, kind, controller, assignment_id, products, opt_out_offered, collected_in_sale,"
        " occurred_at, ends_at, recorded_at FROM ground WHERE contact_id = ANY(%(ids)b::uuid[])"
        " AND occurred_at <= %(at)s AND recorded_at <= %(known)s ORDER BY contact_id, seq",
        asked,
    ):
        grounds[row[0]].append(Ground(row[1], row[2], row[3], row[4], tuple(row[5]), *row[6:]))
    handed: dict[UUID, dict[tuple[str, str], dict[date, int]]] = defaultdict(lambda: defaultdict(dict))
    for row in await session.all(
        "SELECT contact_id, controller, channel, day, messages FROM handoff_count"
        " WHERE contact_id = ANY(%b::uuid[]) AND day <= %s",
        (wanted, asked["until"].date()),
    ):
        handed[row[0]][row[1], row[2]][row[3]] = row[4]
    records = {
        row.id: Person(
            contact_id=row.id,
            country=row.country,
            subscriber=Subscriber(row.subscriber),
            state=ContactState(row.state),
            restricted_at=row.restricted_at,
            addresses=addresses.get(row.id, ()),
            entries=entries.get(row.id, ()),
            grounds=grounds.get(row.id, ()),
            time_zone=row.time_zone,
            preferred_part=Part(row.preferred_part),
            coming_of_age=tuple(zip(row.since, row.of_age_on, strict=True)),
            handed=handed.get(row.id, {}),
            device=row.device,
        )
        for row in contacts
    }
    return _persons(records, of)


def _persons(records: Mapping[UUID, Person], of: Mapping[UUID, tuple[UUID, ...]]) -> list[Person]:
    """Each person once: the record that stands for them, with the others."""
    if not of:
        return list(records.values())
    several = {tuple(one for one in known if one in records) for known in of.values()}
    joined = {one for known in several for one in known}
    whole = [
        replace(records[known[0]], merged=tuple(records[one] for one in known[1:]))
        for known in sorted(several)
        if known
    ]
    return [*(person for contact_id, person in records.items() if contact_id not in joined), *whole]


async def _addresses(
    session: Session, asked: Mapping[str, Any], used: Collection[UUID | None]
) -> dict[UUID, list[Address]]:
    """The addresses by record. An act that was done with an address shows that the person had it by then."""
    found = await session.all(
        "SELECT s.contact_id, s.id, s.address_id, s.kind, s.verified_at, a.dead_at, a.erased_at, s.valid_from,"
        " ARRAY(SELECT l.list FROM address_listing l WHERE l.address_id = a.id AND l.listed_at <= %(at)s"
        " AND l.recorded_at <= %(known)s AND (l.unlisted_at IS NULL OR l.unlisted_at > %(until)s)) AS lists"
        " FROM assignment s JOIN address a ON a.id = s.address_id"
        " WHERE s.contact_id = ANY(%(ids)b::uuid[]) AND s.valid_from <= %(known)s"
        " AND (s.valid_to IS NULL OR s.valid_to > %(until)s) ORDER BY s.contact_id, s.id",
        asked,
    )
    until = asked["until"]
    refusals = await _refusals(session, {row.address_id for row in found}, asked)
    by_contact: dict[UUID, list[Address]] = defaultdict(list)
    for row in found:
        if row.valid_from > until and row.id not in used:
            continue
        by_contact[row.contact_id].append(
            Address(
                row.id,
                row.address_id,
                Kind(row.kind),
                row.verified_at if row.verified_at and row.verified_at <= asked["at"] else None,
                row.dead_at is not None and row.dead_at <= until,
                refusals.get(row.address_id, ()),
                row.erased_at is not None and row.erased_at <= min(until, row.valid_from),
                tuple(row.lists),
            )
        )
    return by_contact


async def _refusals(
    session: Session, address_ids: Iterable[UUID], asked: Mapping[str, Any]
) -> dict[UUID, tuple[AddressRefusal, ...]]:
    found: dict[UUID, tuple[AddressRefusal, ...]] = {}
    for row in await session.all(
        "SELECT address_id, controller, purpose, channel, acted_at, recorded_at, cause = 'person' FROM address_refusal"
        " WHERE address_id = ANY(%b::uuid[]) AND acted_at <= %s AND recorded_at <= %s ORDER BY address_id, id",
        (list(address_ids), asked["at"], asked["known"]),
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
                "SELECT subject_id FROM gate_row WHERE subject_id > %s"
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
