"""The rule table as SQL over `gate_state`: the one source of every live answer, for one person or ten million."""

from dataclasses import fields
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Column, MetaData, Select, Table, case, func, literal, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import BigInteger, DateTime, SmallInteger, Uuid

from registry.gate import rules
from registry.gate.model import PERMIT, Facts, Moment
from registry.policy.model import PolicySet, Purpose

_INSTANT = DateTime(timezone=True)

GATE_STATE = Table(
    "gate_state",
    MetaData(),
    Column("contact_id", Uuid, primary_key=True),
    Column("assignment_id", Uuid, primary_key=True),
    Column("address_id", Uuid, nullable=False),
    Column("evidence", Uuid, nullable=False),
    Column("restricted_at", _INSTANT, nullable=False),
    Column("consented_at", _INSTANT, nullable=False),
    Column("valid_until", _INSTANT, nullable=False),
    Column("verified_at", _INSTANT, nullable=False),
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
    Column("jurisdiction", SmallInteger, nullable=False),
)


class Statement(NamedTuple):
    """SQL text with named parameters."""

    text: str
    params: dict[str, Any]


_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


def _compiled(statement: Any) -> Statement:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return Statement(str(compiled), dict(compiled.params))


def answer(purpose: Purpose, moment: Moment) -> Any:
    """The code of the reason as one CASE: the permit is its last WHEN, and ELSE is a deny."""
    columns = Facts(**{field.name: GATE_STATE.c[field.name] for field in fields(Facts)})
    whens = [(rule.condition(columns, moment), rules.CODES[rule.reason]) for rule in rules.table(purpose)]
    # Every fact in its range: what no rule refused is a permit only if it is something we know.
    known = (columns.contact_state == 0) & (columns.address_state == 1)
    return case(
        *((condition, literal_column(str(code))) for condition, code in whens),
        (known, literal_column(str(rules.CODES[PERMIT]))),
        else_=literal_column(str(rules.FALLEN_THROUGH)),
    )


def _scoped(policies: PolicySet, purpose: Purpose, channel: str) -> Any:
    return (GATE_STATE.c.purpose_id == literal(policies.purpose_ids[purpose.id], SmallInteger)) & (
        GATE_STATE.c.channel_id == literal(policies.channel_ids[channel], SmallInteger)
    )


def asked(policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> Statement:
    """Answers for the persons in the arrays `contacts` and `assignments` (nil: the best address), in order.

    Rows: n (from 1), state (gate row, null when unknown), code, assignment_id, address_id, evidence, soft_opt_in,
    jurisdiction. The best address is the permitted one verified last; else that whose reason comes latest.
    """
    inner = _compiled(
        select(
            answer(purpose, Moment.of(policies, purpose, channel, at)).label("code"),
            GATE_STATE.c.assignment_id,
            GATE_STATE.c.address_id,
            GATE_STATE.c.evidence,
            GATE_STATE.c.soft_opt_in,
            GATE_STATE.c.jurisdiction,
            GATE_STATE.c.verified_at,
        ).where(_scoped(policies, purpose, channel))
    )
    text = (
        "SELECT q.n, r.state, g.code, g.assignment_id, g.address_id, g.evidence, g.soft_opt_in, g.jurisdiction"
        " FROM unnest(%(contacts)s::uuid[], %(assignments)s::uuid[]) WITH ORDINALITY AS q(contact, assignment, n)"
        " LEFT JOIN gate_row r ON r.subject_id = q.contact"
        f" LEFT JOIN LATERAL ({inner.text} AND gate_state.contact_id = q.contact"
        " AND (q.assignment = '00000000-0000-0000-0000-000000000000' OR gate_state.assignment_id = q.assignment)"
        " ORDER BY code DESC, verified_at DESC, assignment_id LIMIT 1) g ON true ORDER BY q.n"
    )
    return Statement(text, inner.params)


def counted(policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> Statement:
    """The whole base in one statement: persons by code. Rows: code, persons."""
    code = answer(purpose, Moment.of(policies, purpose, channel, at)).label("code")
    scoped = _scoped(policies, purpose, channel)
    # Most persons have one address: only the others need to be brought together.
    single = select(code).where(scoped, GATE_STATE.c.addresses == literal(1, SmallInteger))
    several = (
        select(func.max(code).label("code"))
        .where(scoped, GATE_STATE.c.addresses > literal(1, SmallInteger))
        .group_by(GATE_STATE.c.contact_id)
    )
    every = union_all(single, several).subquery()
    return _compiled(select(every.c.code, func.count().label("persons")).group_by(every.c.code))


def members(policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> Select[Any]:
    """One row a person: contact_id, code, assignment_id, evidence, in contact order; refine with `.where`."""
    code = answer(purpose, Moment.of(policies, purpose, channel, at)).label("code")
    return (
        select(
            GATE_STATE.c.contact_id,
            code,
            GATE_STATE.c.assignment_id,
            GATE_STATE.c.address_id,
            GATE_STATE.c.evidence,
            GATE_STATE.c.soft_opt_in,
            GATE_STATE.c.jurisdiction,
        )
        .where(_scoped(policies, purpose, channel))
        .ext(distinct_on(GATE_STATE.c.contact_id))
        .order_by(
            GATE_STATE.c.contact_id, code.desc(), GATE_STATE.c.verified_at.desc(), GATE_STATE.c.assignment_id
        )
    )


def chunk(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, after: Any, size: int
) -> Statement:
    """The next `size` persons after the contact id `after`, with their answers."""
    statement = members(policies, purpose, channel, at).where(GATE_STATE.c.contact_id > after).limit(size)
    return _compiled(statement)
