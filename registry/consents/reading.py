"""Reads everything recorded about persons, in one statement: now, or as of an earlier time."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec

from registry.consents import merges
from registry.consents.grounds import Ground
from registry.consents.ledger import Entry, EntryKind
from registry.consents.standing_rows import Address, AddressRefusal, Person
from registry.contacts.identifiers import Kind
from registry.kit import clock
from registry.kit.database import Row, Session
from registry.kit.session import Asked
from registry.policy.model import Grade, Subscriber
from registry.policy.schedule import Part
from registry.standing import merged
from registry.standing.model import ContactState

# As it was restricted at an earlier time: of the restrictions that had begun, the last that had not been lifted. One
# that came by a merge has the merge's id, and was not known of this record before.
_RESTRICTED = (
    "(SELECT max(r.restricted_at) FROM restriction r WHERE r.contact_id = g.subject_id"
    " AND r.restricted_at <= %(until)s AND (r.lifted_at IS NULL OR r.lifted_at > %(until)s)"
    " AND NOT EXISTS (SELECT FROM contact_merge m WHERE m.id = r.id AND m.merged_at > %(known)s))"
)
# What was said to be void, or corrected, is so from its beginning, whenever that was said.
_FROM_THE_BEGINNING = [int(EntryKind.INVALIDATED), int(EntryKind.CORRECTED)]

# Lists of lists as JSON: one statement, one row a record, and a third of the time that rows of each table take.
_AGES = (
    "SELECT json_agg(json_build_array(y.since, y.of_age_on) ORDER BY y.since) FROM coming_of_age y"
    " WHERE y.contact_id = c.id"
)
_AGES_THEN = (
    "SELECT json_agg(json_build_array(y.since, y.of_age_on) ORDER BY y.since) FROM"
    " (SELECT since, of_age_on FROM coming_of_age WHERE contact_id = c.id AND recorded_at <= %(known)s UNION ALL"
    " SELECT since, of_age_on FROM coming_of_age_past WHERE contact_id = c.id AND recorded_at <= %(known)s"
    " AND known_until > %(known)s) AS y"
)
# The same with what was known before: from and until when each was on record.
_AGES_KNOWN = (
    "SELECT json_agg(json_build_array(y.recorded_at, y.known_until, y.since, y.of_age_on) ORDER BY y.since) FROM"
    " (SELECT recorded_at, timestamptz '9999-12-31Z' AS known_until, since, of_age_on FROM coming_of_age"
    " WHERE contact_id = c.id UNION ALL SELECT recorded_at, known_until, since, of_age_on FROM coming_of_age_past"
    " WHERE contact_id = c.id) AS y WHERE y.recorded_at <= %(known)s"
)
_ENTRIES = (
    "SELECT json_agg(json_build_array(e.id, e.seq, e.kind, e.grade, e.controller, e.purpose, e.channel,"
    " e.assignment_id, e.acted_at, e.recorded_at, e.refers_to, e.notice_version, e.authority) ORDER BY e.seq)"
    " FROM consent_entry e WHERE e.contact_id = g.subject_id AND e.recorded_at <= %(known)s"
    " AND (coalesce(e.acted_at, e.recorded_at) <= %(at)s OR e.kind = ANY(%(whole)s))"
)
_LISTS = (
    "SELECT json_agg(l.list) FROM address_listing l WHERE l.address_id = a.id AND l.listed_at <= %(at)s"
    " AND l.recorded_at <= %(known)s AND (l.unlisted_at IS NULL OR l.unlisted_at > %(until)s)"
)
_REFUSALS = (
    "SELECT json_agg(json_build_array(r.controller, r.purpose, r.channel, r.acted_at, r.recorded_at,"
    " r.cause = 'person', r.objection) ORDER BY r.id) FROM address_refusal r WHERE r.address_id = a.id"
    " AND r.acted_at <= %(at)s AND r.recorded_at <= %(known)s"
)
_ADDRESSES = (
    "SELECT json_agg(json_build_array(s.id, s.address_id, s.kind, s.verified_at, a.dead_at, a.erased_at, s.valid_from,"
    f" ({_REFUSALS}), ({_LISTS})) ORDER BY s.id) FROM assignment s JOIN address a ON a.id = s.address_id"
    " WHERE s.contact_id = g.subject_id AND s.valid_from <= %(known)s"
    " AND (s.valid_to IS NULL OR s.valid_to > %(until)s)"
)
_GROUNDS = (
    "SELECT json_agg(json_build_array(f.id, f.kind, f.controller, f.assignment_id, f.products, f.opt_out_offered,"
    " f.collected_in_sale, f.occurred_at, f.ends_at, f.recorded_at) ORDER BY f.seq) FROM ground f"
    " WHERE f.contact_id = g.subject_id AND f.occurred_at <= %(at)s AND f.recorded_at <= %(known)s"
)
_HANDED = (
    "SELECT json_agg(json_build_array(h.controller, h.channel, h.day, h.messages)) FROM handoff_count h"
    " WHERE h.contact_id = g.subject_id AND h.day <= %(day)s"
)
# Of the facts that were replaced later, those that were replaced first.
_FACTS_THEN = (
    " LEFT JOIN LATERAL (SELECT * FROM contact_past WHERE contact_id = c.id AND known_until > %(known)s"
    " ORDER BY known_until LIMIT 1) AS p ON true"
)
_RECORDED = (
    "SELECT g.subject_id, g.merged_into, g.state, {restricted} AS restricted_at, {country} AS country,"
    " coalesce({subscriber}, 0) AS subscriber, {time_zone} AS time_zone,"
    " coalesce({preferred_part}, 0) AS preferred_part, g.kind = 1 AS device,"
    f" json_build_array(({{ages}}), ({_AGES_KNOWN}), ({_ENTRIES}), ({_ADDRESSES}), ({_GROUNDS}), ({_HANDED}))::text"
    " AS told FROM gate_row g LEFT JOIN contact c ON c.id = g.subject_id{earlier} WHERE g.subject_id = {ids}"
    # A person without a row of their own was erased; a device never has one, and is there until it is forgotten.
    " AND (c.id IS NOT NULL OR (g.kind = 1 AND EXISTS (SELECT FROM device d WHERE d.contact_id = g.subject_id)))"
)
_FACTS = ("country", "subscriber", "time_zone", "preferred_part")
_NOW = _RECORDED.format(
    restricted="g.restricted_at", ids=merged.RECORDS, ages=_AGES, earlier="",
    **{name: f"c.{name}" for name in _FACTS},
)  # fmt: skip
_THEN = _RECORDED.format(
    restricted=_RESTRICTED, ids="ANY(%(ids)b::uuid[])", ages=_AGES_THEN, earlier=_FACTS_THEN,
    **{name: f"CASE WHEN p.contact_id IS NULL THEN c.{name} ELSE p.{name} END" for name in _FACTS},
)  # fmt: skip

_Refusal = tuple[str, str, str, datetime, datetime, bool, bool]
_Entry = tuple[
    UUID,
    int,
    EntryKind,
    Grade,
    str,
    str,
    str,
    UUID | None,
    datetime | None,
    datetime,
    UUID | None,
    int | None,
    UUID | None,
]
_Address = tuple[
    UUID,
    UUID,
    Kind,
    datetime | None,
    datetime | None,
    datetime | None,
    datetime,
    list[_Refusal] | None,
    list[str] | None,
]
_Ground = tuple[
    UUID,
    str,
    str,
    UUID | None,
    tuple[str, ...],
    bool,
    bool,
    datetime,
    datetime | None,
    datetime,
]
_Told = tuple[
    tuple[tuple[date, date], ...] | None,
    tuple[tuple[datetime, datetime, date, date], ...] | None,
    list[_Entry] | None,
    list[_Address] | None,
    list[_Ground] | None,
    list[tuple[str, str, date, int]] | None,
]
_read: Callable[[str], _Told] = msgspec.json.Decoder(_Told).decode


def ask(session: Session, ids: Collection[UUID]) -> Asked:
    """The question for everything recorded about these persons as it is now; `people` reads the answer."""
    return session.ask(_NOW, _asked(ids, clock.FAR_FUTURE, clock.FAR_FUTURE))


def people(rows: Iterable[Row]) -> list[Person]:
    """Each of the persons asked about once, with all their records."""
    records: dict[UUID, Person] = {}
    several: dict[UUID, list[UUID]] = defaultdict(list)
    for row in rows:
        records[row[0]] = _person(row, _read(row[9]))
        if row[1] is not None:
            several[row[1]].append(row[0])
    # The surviving record first.
    groups = [
        tuple(sorted(group, key=lambda one: (one != surviving, one))) for surviving, group in several.items()
    ]
    return _persons(records, groups)


async def load(
    session: Session, ids: Collection[UUID], at: datetime | None = None, known_at: datetime | None = None
) -> list[Person]:
    """Everything recorded about these persons, each once with all their records.

    `at` and `known_at` (default: `at`) ask for what had happened by `at` as it was on record at `known_at`; now when
    `at` is left out. Country, kind of subscriber, time zone and age are told as they were on record at `known_at`.
    """
    if at is None:
        return people(await ask(session, ids).all())
    known = known_at or at
    of = await merges.as_of(session, ids, known)
    asked = _asked({record for one in ids for record in of.get(one, (one,))}, at, known)
    told = [(row, _read(row[9])) for row in await session.all(_THEN, asked)]
    # An act that was done with an address shows that the person had it by then.
    used = {entry[7] for _, (_, _, entries, *_) in told for entry in entries or ()}
    records = {row[0]: _person(row, known, (asked, used)) for row, known in told}
    return _persons(records, {tuple(one for one in group if one in records) for group in of.values()})


def _asked(ids: Collection[UUID], at: datetime, known: datetime) -> dict[str, Any]:
    # What has one time only, that of its record, was there by the earlier of the two.
    until = min(at, known)
    return {
        "ids": list(ids),
        "at": at,
        "known": known,
        "until": until,
        "day": until.date(),
        "whole": _FROM_THE_BEGINNING,
    }


def _person(
    row: Row, told: _Told, then: tuple[Mapping[str, Any], Collection[UUID | None]] | None = None
) -> Person:
    ages, ages_known, entries, addresses, grounds, handed = told
    counts: dict[tuple[str, str], dict[date, int]] = {}
    for controller, channel, day, messages in handed or ():
        counts.setdefault((controller, channel), {})[day] = messages
    return Person(
        contact_id=row[0],
        country=row[4],
        subscriber=Subscriber(row[5]),
        state=ContactState(row[2]),
        restricted_at=row[3],
        addresses=[_address(one) for one in addresses or ()]
        if then is None
        else _addresses_then(addresses, *then),
        entries=[Entry(*one) for one in entries or ()],
        grounds=[Ground(*one) for one in grounds or ()],
        time_zone=row[6],
        preferred_part=Part(row[7]),
        coming_of_age=ages or (),
        ages_on_record=ages_known or (),
        handed=counts,
        device=row[8],
    )


def _address(told: _Address) -> Address:
    assignment_id, address_id, kind, verified_at, dead_at, erased_at, valid_from, refusals, lists = told
    return Address(
        assignment_id,
        address_id,
        kind,
        verified_at,
        dead_at is not None,
        tuple(AddressRefusal(*one) for one in refusals or ()),
        erased_at is not None and erased_at <= valid_from,
        tuple(lists or ()),
    )


def _addresses_then(
    told: Iterable[_Address] | None, asked: Mapping[str, Any], used: Collection[UUID | None]
) -> list[Address]:
    """The addresses as they were by then."""
    at, until = asked["at"], asked["until"]
    found = []
    for one in told or ():
        assignment_id, _, _, verified_at, dead_at, erased_at, valid_from, *_ = one
        if valid_from > until and assignment_id not in used:
            continue
        found.append(
            replace(
                _address(one),
                verified_at=verified_at if verified_at and verified_at <= at else None,
                dead=dead_at is not None and dead_at <= until,
                reopened=erased_at is not None and erased_at <= min(until, valid_from),
            )
        )
    return found


def _persons(records: Mapping[UUID, Person], groups: Iterable[tuple[UUID, ...]]) -> list[Person]:
    """Each person once: the record that stands for them, with the others."""
    several = sorted(group for group in groups if group)
    joined = {one for group in several for one in group}
    alone = [person for contact_id, person in records.items() if contact_id not in joined]
    return alone + [
        replace(records[group[0]], merged=tuple(records[one] for one in group[1:])) for group in several
    ]
