"""Two policies over the gate's rows in one pass of SQL: everybody's answer by the one and by the other."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.types import SmallInteger

from registry.gate import rules
from registry.gate.facts import GATE_STATE, INSTANT, Statement, columns, sql_text
from registry.gate.model import PERMIT, Moment
from registry.policy.model import PolicySet, Purpose

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

    condition: ColumnElement[bool]
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
    scoped = (GATE_STATE.c.purpose_id == literal(purpose_id, SmallInteger)) & (
        GATE_STATE.c.channel_id == literal(channel_id, SmallInteger)
    )
    # Most persons have one address: only the others need to be brought together.
    single = select(_both(before, after).label("both"), GATE_STATE.c.contact_id).where(
        scoped, GATE_STATE.c.addresses == literal(1, SmallInteger)
    )
    several = (
        select(
            (func.max(_code(before)) * literal_column(str(_BASE)) + func.max(_code(after))).label("both"),
            GATE_STATE.c.contact_id,
        )
        .where(scoped, GATE_STATE.c.addresses > literal(1, SmallInteger))
        .group_by(GATE_STATE.c.contact_id)
    )
    differs = f"every.both / {_BASE} <> every.both %% {_BASE}"
    text = (
        f"SELECT every.both / {_BASE} AS old, every.both %% {_BASE} AS new, count(*) AS persons,"
        f" min(every.contact_id::text) FILTER (WHERE {differs}) AS first,"
        f" max(every.contact_id::text) FILTER (WHERE {differs}) AS last"
        f" FROM ({sql_text(union_all(single, several))}) AS every GROUP BY every.both"
    )
    return Statement(text, dict(params))


def _whens(side: Side, params: dict[str, datetime]) -> list[_When]:
    """The branches of one policy's CASE; instants that both policies share are one parameter."""
    said = {field.name: getattr(side.moment, field.name) for field in fields(Moment)}
    instants = {name: value for name, value in said.items() if isinstance(value, datetime)}
    named = {name: _parameter(name, value, params) for name, value in instants.items()}
    moment = replace(side.moment, **named)
    conditions = [
        (rule.condition(columns(), moment), rules.CODES[rule.reason]) for rule in rules.table(side.purpose)
    ]
    return [_When(condition, code, sql_text(condition)) for condition, code in conditions]


def _parameter(name: str, value: datetime, params: dict[str, datetime]) -> Any:
    known = next((key for key, held in params.items() if held == value and key.startswith(name)), None)
    if known is None:
        known = f"{name}_{len(params)}"
        params[known] = value
    return bindparam(known, None, type_=INSTANT)


def _code(whens: list[_When]) -> Any:
    """As the gate has it: the permit is the last WHEN, of facts that are in their range, and ELSE is a deny."""
    facts = columns()
    known = (facts.contact_state == 0) & (facts.address_state == 1)
    return case(
        *((when.condition, literal_column(str(when.code))) for when in whens),
        (known, literal_column(str(rules.CODES[PERMIT]))),
        else_=literal_column(str(rules.FALLEN_THROUGH)),
    )


def _both(before: list[_When], after: list[_When]) -> Any:
    """Both codes as one number: what both policies refuse by the same first rules is worked out once."""
    shared = 0
    for one, other in zip(before, after, strict=False):
        if one[1:] != other[1:]:
            break
        shared += 1
    apart = _code(before[shared:]) * literal_column(str(_BASE)) + _code(after[shared:])
    if not shared:
        return apart
    return case(
        *((when.condition, literal_column(str(when.code * _BASE + when.code))) for when in before[:shared]),
        else_=apart,
    )
