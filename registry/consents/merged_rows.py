"""The gate's rows about a person of whom there are several records: the most restrictive of what they add up to. Pure.

A "yes" stands at the address for which it was said, by the record that has it; every "no" of every record takes it
away, whatever the dates, and a record that says nothing takes nothing away.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from registry.consents import standing_rows
from registry.consents.ledger import Standing, fold
from registry.consents.standing_rows import Of, Person, row, scope, scopes
from registry.kit.ids import NIL
from registry.policy.model import PolicySet, Subscriber
from registry.standing.model import Consent, GateState, Mark

_NO = (Consent.REFUSED, Consent.WITHDRAWN)
# Of addresses that a record does not have: only what it said of all addresses bears on them.
_ELSEWHERE = NIL
# Country and kind of subscriber on which the records do not agree: unknown, which takes the strictest.
_NOWHERE = -1


def rows(policies: PolicySet, person: Person, at: datetime) -> Iterator[GateState]:
    """A row for each live purpose, channel and current address of any record; under the surviving record's id."""
    if not person.merged:
        yield from standing_rows.rows(policies, person, at)
        return
    handed = _handed((person, *person.merged))
    records = [replace(one, handed=handed, merged=()) for one in (person, *person.merged)]
    places: dict[tuple[str, str], dict[UUID, list[tuple[Person, Of]]]] = {}
    for record in records:
        for of in scopes(policies, record):
            key = of.address.address_id if of.address else NIL
            places.setdefault((of.purpose.id, of.channel), {}).setdefault(key, []).append((record, of))
    for by_address in places.values():
        if len(by_address) > 1:
            by_address.pop(NIL, None)  # another record has an address
        yield from _at_places(policies, person.contact_id, records, by_address, at)


def _at_places(
    policies: PolicySet,
    contact_id: UUID,
    records: Sequence[Person],
    by_address: dict[UUID, list[tuple[Person, Of]]],
    at: datetime,
) -> Iterator[GateState]:
    """The rows for one purpose and channel."""
    made: list[GateState] = []
    for address_id, holders in by_address.items():
        best = max((_restricted(policies, one, records, at) for one in holders), key=_merit)
        # Records that have the same address are the same person there, whichever of them is asked about.
        for _, of in holders[:1] if address_id == NIL else holders:
            if of.address is not None:
                best = replace(
                    best, assignment_id=of.address.assignment_id, verified_at=_verified(best, holders)
                )
            made.append(replace(best, contact_id=contact_id))
    for one in made:
        one.addresses = len(made)
    yield from made


def _restricted(
    policies: PolicySet, holder: tuple[Person, Of], records: Sequence[Person], at: datetime
) -> GateState:
    """What one record adds up to, with everything that the others say against it."""
    record, of = holder
    made = row(policies, record, of, at)
    for other in records:
        if other is record:
            continue
        if other.restricted_at is not None:
            made.restricted_at = max(made.restricted_at, other.restricted_at)
        if _differ(record, other):
            made.jurisdiction = _NOWHERE
        theirs = other.coming_of_age, other.ages_on_record
        if any(theirs) and theirs != (record.coming_of_age, record.ages_on_record):
            ages = theirs if other.coming_of_age else (record.coming_of_age, other.ages_on_record)
            older = row(policies, replace(record, coming_of_age=ages[0], ages_on_record=ages[1]), of, at)
            made.parental = max(made.parental, older.parental)
        for standing, suppressed in _said(policies, other, of, at):
            made.objected = _graver(made.objected, standing.objected)
            made.suppressed = _graver(made.suppressed, suppressed)
            if standing.consent in _NO:
                # Which of several: the graver reason would be told first by the rules too.
                made.consent = (
                    min(made.consent, standing.consent) if made.consent in _NO else standing.consent
                )
                made.evidence = standing.evidence
    return made


def _said(policies: PolicySet, other: Person, of: Of, at: datetime) -> Iterator[tuple[Standing, int]]:
    """What another record says about a scope, at each of its own assignments of the address or without any."""
    same = [
        one
        for one in other.addresses
        if of.address is not None and one.address_id == of.address.address_id and one.kind == of.kind
    ]
    if not same:
        nowhere = None if of.kind is None else _ELSEWHERE
        yield fold(other.entries, scope(of.purpose, of.channel, nowhere)), Mark.NO
    for one in same:
        suppressed = row(policies, other, of._replace(address=one), at).suppressed
        yield fold(other.entries, scope(of.purpose, of.channel, one.assignment_id)), suppressed


def _graver(one: int, other: int) -> Mark:
    return max(Mark(one), Mark(other), key=lambda mark: mark.gravity)


def _merit(made: GateState) -> tuple[object, ...]:
    """Of records that have one address the best is told: each was taken everything that any of them refused."""
    return (
        -Mark(made.suppressed).gravity,
        -Mark(made.objected).gravity,
        made.consent,
        made.basis_facts,
        made.soft_opt_in,
        -made.parental,
        made.grade,
        made.notice_version,
        made.consented_at,
        made.active_at,
    )


def _verified(best: GateState, holders: Sequence[tuple[Person, Of]]) -> datetime:
    """When the address was last verified by any record that has it."""
    known = (of.address.verified_at for _, of in holders if of.address is not None)
    return max((one for one in known if one is not None), default=best.verified_at)


def _differ(one: Person, other: Person) -> bool:
    countries = one.country != other.country and None not in (one.country, other.country)
    kinds = one.subscriber != other.subscriber and Subscriber.UNKNOWN not in (
        one.subscriber,
        other.subscriber,
    )
    return countries or kinds


def _handed(records: Sequence[Person]) -> dict[tuple[str, str], dict[date, int]]:
    """What the person was handed by any record: a cap is the person's."""
    added: dict[tuple[str, str], Counter[date]] = {}
    for record in records:
        for scope_, days in record.handed.items():
            added.setdefault(scope_, Counter()).update(days)
    return {scope_: dict(days) for scope_, days in added.items()}
