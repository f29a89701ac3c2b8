"""Rows written by COPY come back as they were, whatever characters are in them."""

from datetime import UTC
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.access.workspace import Workspace
from registry.kit import copying
from registry.kit.caller import Caller
from registry.kit.database import Role


class Number(IntEnum):
    TWO = 2


class Word(StrEnum):
    YES = "yes\tno"


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
ROWS = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1) | st.just(Number.TWO),
    st.none() | TEXT | st.just(Word.YES),
    st.none() | st.binary(),
    st.none() | st.uuids(),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.none() | st.booleans(),
    st.none() | st.lists(TEXT).map(tuple),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=5))
async def test_what_is_copied_in_comes_back(workspace: Workspace, rows: list[tuple[Any, ...]]) -> None:
    async with workspace.database.begin(Caller("operator"), Role.OWNER) as session:
        await session.execute(
            "CREATE TEMP TABLE t (place int, a bigint, b text, c bytea, d uuid, e timestamptz, f boolean, g text[])"
            " ON COMMIT DROP"
        )
        columns = ("place", "a", "b", "c", "d", "e", "f", "g")
        await session.copy("t", columns, [(place, *row) for place, row in enumerate(rows)])
        found = await session.all("SELECT a, b, c, d, e, f, g FROM t ORDER BY place")
    assert [tuple(tuple(v) if isinstance(v, list) else v for v in row) for row in found] == rows


def test_a_type_without_a_text_form_is_refused() -> None:
    with pytest.raises(TypeError):
        list(copying.lines([(1, 1.5)]))
    assert list(copying.lines([(UUID(int=1), None)])) == ["0" * 31 + "1\t\\N"]
