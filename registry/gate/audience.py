"""Everybody's answers in one statement, or some thousand at a time: counts by reason, and who gets which."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from registry.gate import rules
from registry.gate.facts import Scope, Statement, code_of, instants, scope_of, within
from registry.gate.model import PERMIT, Moment
from registry.policy.model import PolicySet, Purpose

# Most persons have one address: only the others need to be brought together.
SINGLE, SEVERAL = "gate_state.addresses = (1)::smallint", "gate_state.addresses > (1)::smallint"
_BEHIND = "gate_state.contact_id > %(after)s::uuid"
_IN_ORDER = "gate_state.contact_id, code DESC, gate_state.verified_at DESC, gate_state.assignment_id"
_DISTINCT = "DISTINCT ON (gate_state.contact_id)"


def counted(policies: PolicySet, purpose: Purpose, channel: str, at: datetime) -> Statement:
    """The whole base in one statement: persons by code. Rows: code, persons."""
    moment = Moment.of(policies, purpose, channel, at)
    text = _counted_text(scope_of(policies, purpose, channel, moment))
    return Statement(text, instants(moment))


@lru_cache(maxsize=512)
def _counted_text(scope: Scope) -> str:
    code, rows = code_of(scope, given_first=True), within(scope.purpose_id, scope.channel_id)
    single = f"SELECT {code} AS code FROM gate_state WHERE {rows} AND {SINGLE}"
    several = f"SELECT max({code}) AS code FROM gate_state WHERE {rows} AND {SEVERAL} GROUP BY gate_state.contact_id"
    return f"SELECT every.code, count(*) AS persons FROM ({single} UNION ALL {several}) AS every GROUP BY every.code"


def chunk(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, after: UUID, size: int
) -> Statement:
    """The next `size` persons after the contact id `after`, in the order of their ids, with their answers.

    Rows: contact_id, code, assignment_id.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _chunk_text(scope_of(policies, purpose, channel, moment))
    return Statement(text, {**instants(moment), "after": after, "size": size})


@lru_cache(maxsize=512)
def _chunk_text(scope: Scope) -> str:
    return f"{_answers(scope)} LIMIT %(size)s::bigint"


def _answers(scope: Scope) -> str:
    """Each person's one answer (contact_id, code, assignment_id) behind the contact id `after`, in order of ids."""
    return f"SELECT {_DISTINCT} {_answer(scope, code_of(scope))} ORDER BY {_IN_ORDER}"


def _answer(scope: Scope, code: str) -> str:
    return (
        f"gate_state.contact_id, {code} AS code, gate_state.assignment_id FROM gate_state"
        f" WHERE {within(scope.purpose_id, scope.channel_id)} AND {_BEHIND}"
    )


def packed(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, after: UUID, size: int
) -> Statement:
    """The same as `chunk` in one row of three columns, which spares whoever reads millions a row for each.

    Columns: contacts, codes, assignments; the values in their binary form one after the other (16, 2 and 16 bytes
    each), null when nobody is left.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _packed_text(scope_of(policies, purpose, channel, moment), size)
    return Statement(text, {**instants(moment), "after": after})


@lru_cache(maxsize=512)
def _packed_text(scope: Scope, size: int) -> str:
    # Arrays would take three times as long to build and to send.
    columns = {"contacts": "uuid_send(contact_id)", "codes": "int2send(code::int2)"}
    columns["assignments"] = "uuid_send(assignment_id)"
    packed = ", ".join(f"string_agg({value}, ''::bytea) AS {name}" for name, value in columns.items())
    return f"SELECT {packed} FROM ({_parted_text(scope, size)}) AS answers"


def _parted_text(scope: Scope, size: int) -> str:
    """The rows of `chunk`: those with one address, who need not be sorted, and the few others, by one order."""
    rows = _answer(scope, code_of(scope, given_first=True))
    single = f"SELECT {rows} AND {SINGLE} ORDER BY gate_state.contact_id"
    several = f"SELECT {_DISTINCT} {rows} AND {SEVERAL} ORDER BY {_IN_ORDER}"
    every = f"SELECT * FROM ({single}) AS single UNION ALL SELECT * FROM ({several}) AS several"
    # A size that the planner knows: it plans the statement once, and not again for each piece.
    return f"SELECT * FROM ({every}) AS every ORDER BY every.contact_id LIMIT {size:d}"


def permitted(
    policies: PolicySet, purpose: Purpose, channel: str, at: datetime, after: UUID, size: int
) -> Statement:
    """The next `size` persons after the contact id `after` who are permitted, in the order of their ids.

    Rows: contact_id.
    """
    moment = Moment.of(policies, purpose, channel, at)
    text = _permitted_text(scope_of(policies, purpose, channel, moment))
    return Statement(text, {**instants(moment), "after": after, "size": size})


@lru_cache(maxsize=512)
def _permitted_text(scope: Scope) -> str:
    return (
        f"SELECT every.contact_id FROM ({_answers(scope)}) AS every WHERE every.code = {rules.CODES[PERMIT]}"
        " ORDER BY every.contact_id LIMIT %(size)s::bigint"
    )
