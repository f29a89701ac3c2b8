"""Lists are written as the driver would write them, only faster."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.array import ListBinaryDumper

from registry.kit import arrays

ONE, TWO = UUID(int=1), UUID(int=2)
MOMENT = datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def driver(values):
    dumper = ListBinaryDumper(list, Transformer())
    return bytes(dumper.upgrade(values, PyFormat.BINARY).dump(values))


@settings(deadline=None)
@given(st.lists(st.uuids(), min_size=1))
def test_ids_are_written_as_the_driver_writes_them(values):
    assert arrays.uuids(values) == driver(values)


@settings(deadline=None)
@given(st.lists(st.binary(), min_size=1))
def test_byte_strings_are_written_as_the_driver_writes_them(values):
    assert arrays.blobs(values) == driver(values)


@settings(deadline=None)
@given(st.one_of(st.lists(st.uuids(), min_size=1), st.lists(st.binary(), min_size=1)))
def test_it_is_this_dumper_that_is_asked(values):
    arrays.teach_driver()
    transformer = Transformer()
    assert type(transformer.get_dumper(values, PyFormat.BINARY)) is arrays._ListDumper
    assert transformer.dump_sequence([values], [PyFormat.BINARY]) == [driver(values)]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), min_size=1))
def test_texts_are_written_as_the_driver_writes_them(values):
    assert arrays.texts(values) == driver(values)


@settings(deadline=None)
@given(st.lists(st.datetimes(timezones=st.just(UTC)), min_size=1))
def test_instants_are_written_as_the_driver_writes_them(values):
    assert arrays.instants(values) == driver(values)


@pytest.mark.parametrize(
    ("kind", "written", "values"),
    [
        ("uuid[]", arrays.uuids([ONE, TWO]), [ONE, TWO]),
        ("bytea[]", arrays.blobs([b"", b"x"]), [b"", b"x"]),
        ("int4[]", arrays.numbers([0, -1, 2**31 - 1]), [0, -1, 2**31 - 1]),
        ("text[]", arrays.texts(["", "zażółć"]), ["", "zażółć"]),
        ("timestamptz[]", arrays.instants([MOMENT]), [MOMENT]),
        ("text[]", arrays.texts([]), []),
    ],
)
async def test_the_driver_takes_what_is_written_already(session, kind, written, values):
    assert await session.value(f"SELECT %b::{kind}", (written,)) == values


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("uuid[]", [ONE, TWO]),
        ("uuid[]", [ONE, None]),
        ("uuid[]", [[ONE, TWO], [TWO, ONE]]),
        ("uuid[]", []),
        ("bytea[]", [b"", b"\x00\xff"]),
        ("bytea[]", [b"a", None]),
        ("bytea[]", [[b"a"], [b"b"]]),
        ("text[]", ["a", None]),
    ],
)
async def test_the_database_reads_back_what_was_written(session, kind, values):
    assert await session.value(f"SELECT %b::{kind}", (values,)) == values
