"""Two policies over the gate's rows in one pass of SQL: everybody's answer by the one and by the other."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import literal_column

from registry.gate import rules
from registry.gate.audience import SEVERAL, SINGLE
from registry.gate.expressions import Expression, case, instant, text_of
from registry.gate.facts import Known, Statement, columns, permitting, within
from registry.gate.model import Facts, Moment
from registry.policy.model import PolicySet, Purpose
from registry.standing.model import Consent

# Both codes in one number, so that a row's answers are worked out once.
_BASE = 4096
assert max(rules.CODES.values()) < _BASE


class Side(NamedTuple):
    """One of the two policies at the instant of the question."""

    policies: PolicySet
    purpose: Purpose
    moment: Moment

    @classmethod
    def of(cls, policies: PolicySet, purpose: str, channel: str, at: datetime) -> "Side":
        found = policies.purposes[purpose]
        return cls(policies, found, Moment.of(policies, found, channel, at))


class _When(NamedTuple):
    """One branch of a CASE, and what tells it from another policy's."""

    condition: Expression
    code: int
    text: str


def same(old: Side, new: Side) -> bool:
    """Whether no row can be answered differently: the same rules with the same thresholds."""
    params: dict[str, datetime] = {}
    return [when[1:] for when in _whens(old, params)] == [when[1:] for when in _whens(new, params)]


def counted(old: Side, new: Side, purpose_id: int, channel_id: int) -> Statement:
    """Persons by both codes over the whole base, in one scan. Rows: old, new, persons, first, last.

    `first` and `last` are the ids (text) of the earliest and latest person whose answer differs, as examples.
    """
    params: dict[str, datetime] = {}
    before, after = _whens(old, params), _whens(new, params)
    rows = f"FROM gate_state WHERE {within(purpose_id, channel_id)}"
    # Whoever has consented is asked less, as in a count (`facts.code_of`).
    facts = columns()
    given = replace(facts, consent=Known(Consent.GIVEN))
    both = case(
        [(facts.consent == Consent.GIVEN, _both(_whens(old, params, given), _whens(new, params, given)))],
        _both(before, after),
    )
    single = f"SELECT {text_of(both)} AS both, gate_state.contact_id {rows} AND {SINGLE}"
    several = (
        f"SELECT max({text_of(_code(before))}) * {_BASE} + max({text_of(_code(after))}) AS both, gate_state.contact_id"
        f" {rows} AND {SEVERAL} GROUP BY gate_state.contact_id"
    )
    differs = f"every.both / {_BASE} <> every.both %% {_BASE}"
    text = (
        f"SELECT every.both / {_BASE} AS old, every.both %% {_BASE} AS new, count(*) AS persons,"
        f" min(every.contact_id::text) FILTER (WHERE {differs}) AS first,"
        f" max(every.contact_id::text) FILTER (WHERE {differs}) AS last"
        f" FROM ({single} UNION ALL {several}) AS every GROUP BY every.both"
    )
    return Statement(text, dict(params))


def members(old: Side, new: Side, purpose_id: int, channel_id: int) -> Statement:
    """Everybody whose two answers differ, in the order of ids. Rows: contact_id, old, new."""
    params: dict[str, datetime] = {}
    was, now = (f"max({text_of(_code(_whens(side, params)))})" for side in (old, new))
    text = (
        f"SELECT gate_state.contact_id, {was} AS old, {now} AS new FROM gate_state"
        f" WHERE {within(purpose_id, channel_id)} GROUP BY gate_state.contact_id HAVING {was} <> {now}"
        " ORDER BY gate_state.contact_id"
    )
    return Statement(text, dict(params))


def _whens(side: Side, params: dict[str, datetime], facts: Facts | None = None) -> list[_When]:
    """The branches of one policy's CASE; instants that both policies share are one parameter."""
    said = {field.name: getattr(side.moment, field.name) for field in fields(Moment)}
    instants = {name: value for name, value in said.items() if isinstance(value, datetime)}
    named = {name: _parameter(name, value, params) for name, value in instants.items()}
    moment = replace(side.moment, **named)
    conditions = [
        (rule.condition(facts or columns(), moment), rules.CODES[rule.reason])
        for rule in rules.table(side.purpose)
    ]
    return [_When(condition, code, text_of(condition)) for condition, code in conditions]


def _parameter(name: str, value: datetime, params: dict[str, datetime]) -> Any:
    known = next((key for key, held in params.items() if held == value and key.startswith(name)), None)
    if known is None:
        known = f"{name}_{len(params)}"
        params[known] = value
    return instant(known)


def _code(whens: list[_When]) -> Any:
    """As the gate has it: the permit is the last WHEN, and ELSE is a deny."""
    conditions = [(when.condition, when.code) for when in whens]
    return case([*conditions, permitting(columns())], rules.FALLEN_THROUGH)


def _both(before: list[_When], after: list[_When]) -> Any:
    """Both codes as one number: what both policies refuse by the same first rules is worked out once."""
    shared = 0
    for one, other in zip(before, after, strict=False):
        if one[1:] != other[1:]:
            break
        shared += 1
    apart = _code(before[shared:]) * literal_column(str(_BASE)) + _code(after[shared:])
    return case([(when.condition, when.code * _BASE + when.code) for when in before[:shared]], apart)
