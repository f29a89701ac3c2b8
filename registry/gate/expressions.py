"""The SQL that a rule becomes when it is asked about columns: SQLAlchemy writes it, and no number stays a parameter."""

import re
from collections.abc import Iterable
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, bindparam, false, literal_column, true
from sqlalchemy import case as when_then
from sqlalchemy import column as named
from sqlalchemy import table as rows_of
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.types import DateTime, SmallInteger, Uuid

from registry.gate.model import Facts

Expression = ColumnElement[Any]

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
_INSTANT = DateTime(timezone=True)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")
# Facts are instants, by their names, and small numbers else; the others are asked about by statements of our own.
_TYPES: dict[str, Any] = {
    field.name: _INSTANT if field.name.endswith(("_at", "_until")) else SmallInteger()
    for field in fields(Facts)
} | {"purpose_id": SmallInteger(), "channel_id": SmallInteger(), "contact_id": Uuid()}
_GATE_STATE = rows_of("gate_state", *(named(name, kind) for name, kind in _TYPES.items()))

TRUE, FALSE = true(), false()


def column(name: str) -> Any:
    """A column of `gate_state`."""
    return _GATE_STATE.c[name]


def instant(name: str) -> Any:
    """The parameter of a statement that stands for an instant."""
    return bindparam(name, None, type_=_INSTANT)


def case(whens: Iterable[tuple[Expression, int | Expression]], otherwise: int | Expression) -> Any:
    """A CASE of numbers; a WHEN that can never hold is left out."""
    said = [(when, _number(code)) for when, code in whens if text_of(when) != "false"]
    return when_then(*said, else_=_number(otherwise)) if said else _number(otherwise)


def _number(code: int | Expression) -> Expression:
    return literal_column(str(int(code))) if isinstance(code, int) else code


def text_of(expression: Expression) -> str:
    """SQL text in which every number and every fixed instant stands as a constant; what changes stays a parameter.

    So the text is the same from one question to the next: compiled once here, and planned once there.
    """
    compiled = expression.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    known = compiled.params

    def written(found: re.Match[str]) -> str:
        value = known[found[1]]
        if isinstance(value, datetime):
            return f"('{value.isoformat()}'::timestamptz)"
        return found[0] if value is None else f"({int(value)})"

    return _PLACEHOLDER.sub(written, str(compiled))
