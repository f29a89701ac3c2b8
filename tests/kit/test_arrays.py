"""Lists are written as the driver would write them, only faster."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer
from psycopg.types.array import ListBinaryDumper

from registry.kit import arrays

ONE, TWO = UUID(int=1), UUID(int=2)


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
