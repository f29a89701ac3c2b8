"""The rule table as SQL over `gate_state`: the one source of every live answer, for one person or ten million."""

import re
from dataclasses import fields, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Column,
    MetaData,
    Table,
    bindparam,
    case,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import BigInteger, DateTime, SmallInteger, Uuid

from registry.gate import rules
from registry.gate.model import PERMIT, Facts, Moment
from registry.gate.rules import Rule
from registry.kit.clock import FAR_PAST
from registry.policy.model import PolicySet, Purpose

INSTANT = DateTime(timezone=True)

GATE_STATE = Table(
    "gate_state",
    MetaData(),
    Column("contact_id", Uuid, primary_key=True),
    Column("assignment_id", Uuid, primary_key=True),
    Column("address_id", Uuid, nullable=False),
    Column("evidence", Uuid, nullable=False),
    Column("restricted_at", INSTANT, nullable=False),
    Column("consented_at", INSTANT, nullable=False),
    Column("valid_until", INSTANT, nullable=False),
    Column("verified_at", INSTANT, nullable=False),
    Column("active_at", INSTANT, nullable=False),
    Column("capped_until", INSTANT, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("purpose_id", SmallInteger, primary_key=True),
    Column("channel_id", SmallInteger, primary_key=True),
    Column("contact_state", SmallInteger, nullable=False),
    Column("address_state", SmallInteger, nullable=False),
    Column("addresses", SmallInteger, nullable=False),
    Column("suppressed", SmallInteger, nullable=False),
    Column("objected", SmallInteger, nullable=False),
    Column("consent", SmallInteger, nullable=False),
    Column("grade", SmallInteger, nullable=False),
    Column("notice_version", SmallInteger, nullable=False),
    Column("basis_facts", SmallInteger, nullable=False),
    Column("soft_opt_in", SmallInteger, nullable=False),
    Column("parental", SmallInteger, nullable=False),
    Column("listed", SmallInteger, nullable=False),
    Column("clock", SmallInteger, nullable=False),
    Column("jurisdiction", SmallInteger, nullable=False),
)


class Statement(NamedTuple):
    """SQL text with named parameters."""

    text: str
    params: dict[str, Any]


class _Asked(NamedTuple):
    """All that the text of a statement depends on: the rules, the scope, and the moment without its instants."""

    rules: tuple[Rule, ...]
    purpose_id: int
    channel_id: int
    moment: Moment


_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
_AT: Any = bindparam("at", None, type_=INSTANT)
_GIVEN_AFTER: Any = bindparam("given_after", None, type_=INSTANT)
_ACTIVE_AFTER: Any = bindparam("active_after", None, type_=INSTANT)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def _asked(policies: PolicySet, purpose: Purpose, channel: str, moment: Moment) -> _Asked:
    timeless = replace(moment, at=FAR_PAST, given_after=FAR_PAST, active_after=FAR_PAST)
    numbers = policies.purpose_ids[purpose.id], policies.channel_ids[channel]
    return _Asked(rules.table(purpose), *numbers, timeless)


def sql_text(statement: Any) -> str:
    """SQL text in which every number of the policy stands as a constant; what changes stays a parameter.

    So the text is the same from one question to the next: compiled once here, and planned once there.
    """
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    known = compiled.params

    def written(found: re.Match[str]) -> str:
        value = known[found[1]]
        return found[0] if value is None else f"({int(value)})"

    return _PLACEHOLDER.sub(written, str(compiled))


def columns() -> Facts:
    """The facts as the columns that hold them: what turns a rule's condition into SQL."""
    return Facts(**{field.name: GATE_STATE.c[field.name] for field in fields(Facts)})


def _code(asked: _Asked) -> Any:
    """The code of the reason as one CASE: the permit is its last WHEN, and ELSE is a deny."""
    facts = columns()
    moment = replace(asked.moment, at=_AT, given_after=_GIVEN_AFTER, active_after=_ACTIVE_AFTER)
    whens = [(rule.condition(facts, moment), rules.CODES[rule.reason]) for rule in asked.rules]
    # Every fact in its range: what no rule refused is a permit only if it is something we know.
    known = (facts.contact_state == 0) & (facts.address_state == 1)
    return case(
        *((condition, literal_column(str(code))) for condition, code in whens),
        (known, literal_column(str(rules.CODES[PERMIT]))),
        else_=literal_column(str(rules.FALLEN_THROUGH)),
    ).label("code")


def _scoped(asked: _Asked) -> Any:
    return (GATE_STATE.c.purpose_id == literal(asked.purpose_id, SmallInteger)) & (
        GATE_STATE.c.channel_id == literal(asked.channel_id, SmallInteger)
    )


def asked(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, *, keyed: bool = False
) -> Statement:
    """Answers for the persons in the arrays `contacts` and `assignments` (nil: the best address), in order.

    Rows: state (gate row, null when unknown), code, assignment_id, evidence, soft_opt_in, jurisdiction,
    clock, capped_until (null when past); with `keyed` also epoch and wrapped, the person's keys, which
    spares who logs the answers a second statement.
    The best address is the permitted one verified last; else that whose reason comes latest.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _asked_text(_asked(policies, purpose, channel, moment), keyed)
    return Statement(text, _instants(moment))


def _instants(moment: Moment) -> dict[str, Any]:
    """What changes from one question to the next."""
    return {"at": moment.at, "given_after": moment.given_after, "active_after": moment.active_after}


@lru_cache(maxsize=512)
def _asked_text(asked: _Asked, keyed: bool) -> str:
    inner = sql_text(
        select(
            _code(asked),
            GATE_STATE.c.assignment_id,
            GATE_STATE.c.evidence,
            GATE_STATE.c.soft_opt_in,
            GATE_STATE.c.jurisdiction,
            GATE_STATE.c.clock,
            GATE_STATE.c.capped_until,
            GATE_STATE.c.verified_at,
        ).where(_scoped(asked))
    )
    return (
        "SELECT r.state, g.code, g.assignment_id, g.evidence, g.soft_opt_in, g.jurisdiction, g.clock,"
        # Of use only while it lasts.
        " CASE WHEN g.capped_until > %(at)s THEN g.capped_until END AS capped_until"
        f"{', k.epoch, k.wrapped' if keyed else ''}"
        " FROM unnest(%(contacts)b::uuid[], %(assignments)b::uuid[]) WITH ORDINALITY AS q(contact, assignment, n)"
        " LEFT JOIN gate_row r ON r.subject_id = q.contact"
        f"{' LEFT JOIN person_key k ON k.contact_id = q.contact' if keyed else ''}"
        f" LEFT JOIN LATERAL ({inner} AND gate_state.contact_id = coalesce(r.merged_into, q.contact)"
        " AND (q.assignment = '00000000-0000-0000-0000-000000000000' OR gate_state.assignment_id = q.assignment)"
        " ORDER BY code DESC, verified_at DESC, assignment_id LIMIT 1) g ON true ORDER BY q.n"
    )


def counted(policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> Statement:
    """The whole base in one statement: persons by code. Rows: code, persons."""
    moment = Moment.of(policies, purpose, channel, at)
    text = _counted_text(_asked(policies, purpose, channel, moment))
    return Statement(text, _instants(moment))


@lru_cache(maxsize=512)
def _counted_text(asked: _Asked) -> str:
    code, scoped = _code(asked), _scoped(asked)
    # Most persons have one address: only the others need to be brought together.
    single = select(code).where(scoped, GATE_STATE.c.addresses == literal(1, SmallInteger))
    several = (
        select(func.max(code).label("code"))
        .where(scoped, GATE_STATE.c.addresses > literal(1, SmallInteger))
        .group_by(GATE_STATE.c.contact_id)
    )
    every = union_all(single, several).subquery()
    return sql_text(select(every.c.code, func.count().label("persons")).group_by(every.c.code))


def chunk(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, after: UUID, size: int
) -> Statement:
    """The next `size` persons after the contact id `after`, in the order of their ids, with their answers.

    Rows: contact_id, code, assignment_id.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _chunk_text(_asked(policies, purpose, channel, moment))
    return Statement(text, {**_instants(moment), "after": after, "size": size})


@lru_cache(maxsize=512)
def _chunk_text(asked: _Asked) -> str:
    return sql_text(_answers(asked).limit(bindparam("size", None, type_=BigInteger)))


def _answers(asked: _Asked) -> Any:
    """Each person's one answer (contact_id, code, assignment_id) behind the contact id `after`, in order of ids."""
    code = _code(asked)
    return (
        select(GATE_STATE.c.contact_id, code, GATE_STATE.c.assignment_id)
        .where(_scoped(asked), GATE_STATE.c.contact_id > bindparam("after", None, type_=Uuid))
        .ext(distinct_on(GATE_STATE.c.contact_id))
        .order_by(
            GATE_STATE.c.contact_id, code.desc(), GATE_STATE.c.verified_at.desc(), GATE_STATE.c.assignment_id
        )
    )


def packed(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, after: UUID, size: int
) -> Statement:
    """The same as `chunk` in one row of three columns, which spares whoever reads millions a row for each.

    Columns: contacts, codes, assignments; arrays in the protocol's binary form (see `kit.arrays.elements`), null
    when nobody is left.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _packed_text(_asked(policies, purpose, channel, moment))
    return Statement(text, {**_instants(moment), "after": after, "size": size})


@lru_cache(maxsize=512)
def _packed_text(asked: _Asked) -> str:
    return (
        "SELECT array_send(array_agg(contact_id)) AS contacts, array_send(array_agg(code::int2)) AS codes,"
        f" array_send(array_agg(assignment_id)) AS assignments FROM ({_chunk_text(asked)}) AS answers"
    )


def permitted(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, after: UUID, size: int
) -> Statement:
    """The next `size` persons after the contact id `after` who are permitted, in the order of their ids.

    Rows: contact_id.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _permitted_text(_asked(policies, purpose, channel, moment))
    return Statement(text, {**_instants(moment), "after": after, "size": size})


@lru_cache(maxsize=512)
def _permitted_text(asked: _Asked) -> str:
    every = _answers(asked).subquery()
    size = bindparam("size", None, type_=BigInteger)
    code = literal(rules.CODES[PERMIT], SmallInteger)
    return sql_text(
        select(every.c.contact_id).where(every.c.code == code).order_by(every.c.contact_id).limit(size)
    )
