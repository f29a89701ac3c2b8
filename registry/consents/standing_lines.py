"""The gate's rows in the form in which they are written by the million: rows that differ by ids alone are made once."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from operator import attrgetter

from registry.consents import merged_rows
from registry.consents.ledger import ANY, EntryKind
from registry.consents.standing_rows import Address, Person, clock, row, scopes
from registry.kit import copying
from registry.kit.clock import FAR_PAST
from registry.kit.ids import NIL
from registry.policy.model import PolicySet
from registry.standing.model import ContactState, GateState

COLUMNS = tuple(field.name for field in fields(GateState))
_values = attrgetter(*COLUMNS)
_OWN = ("contact_id", "assignment_id", "address_id", "verified_at")
_VERIFIED = COLUMNS.index("verified_at")
assert COLUMNS[:3] == _OWN[:3]

Key = tuple[str, str, bool | None, int, str | None, int, int]


def lines(policies: PolicySet, people: Iterable[Person], at: datetime) -> Iterator[str]:
    """`standing_rows.rows` of these persons as lines of COPY."""
    known: dict[Key, tuple[str, str]] = {}
    for person in people:
        if person.merged:
            yield from (_line(_values(one)) for one in merged_rows.rows(policies, person, at))
            continue
        contact = _text(person.contact_id)
        plain = not (
            person.grounds or person.restricted_at or person.handed or person.state is not ContactState.ACTIVE
        )
        lives_by = clock(policies, person)
        bearing = {(entry.controller, entry.purpose) for entry in person.entries}
        bearing |= {(e.controller, ANY) for e in person.entries if e.kind is EntryKind.INVALIDATED}
        written: dict[int, tuple[str, str, str]] = {}
        for scope in scopes(policies, person):
            address = scope.address
            purpose = scope.purpose
            told = (purpose.controller, purpose.id) in bearing or (purpose.controller, ANY) in bearing
            if told or not plain or _remarkable(address):
                yield _line(_values(row(policies, person, scope, at)))
                continue
            # Nothing that this person or this address did bears on this purpose: the rest is the same for many.
            key = (
                purpose.id,
                scope.channel,
                address.dead if address else None,
                scope.addresses,
                person.country,
                person.subscriber,
                lives_by,
            )
            parts = known.get(key)
            if parts is None:
                cells = _line(_values(row(policies, person, scope, at))).split("\t")
                parts = known[key] = "\t".join(cells[3:_VERIFIED]), "\t".join(cells[_VERIFIED + 1 :])
            if (own := written.get(id(address))) is None:
                own = written[id(address)] = _own(address)
            yield f"{contact}\t{own[0]}\t{own[1]}\t{parts[0]}\t{own[2]}\t{parts[1]}"


def _remarkable(address: Address | None) -> bool:
    return address is not None and bool(address.refusals or address.reopened or address.lists)


def _own(address: Address | None) -> tuple[str, str, str]:
    if address is None:
        return _text(NIL), _text(NIL), _text(FAR_PAST)
    return _text(address.assignment_id), _text(address.address_id), _text(address.verified_at or FAR_PAST)


def _line(values: Iterable[object]) -> str:
    return next(copying.lines([tuple(values)]))


def _text(value: object) -> str:
    return _line((value,))
