"""Arrays made by hand are what the driver would have made of the lists."""

from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.adapt import PyFormat, Transformer

from registry.kit import arrays


@settings(deadline=None)
@given(st.lists(st.uuids(), min_size=1))
def test_ids_are_written_as_the_driver_writes_them(ids):
    assert arrays.uuids(ids) == driver(ids)


@settings(deadline=None)
@given(st.lists(st.binary(), min_size=1))
def test_byte_strings_are_written_as_the_driver_writes_them(values):
    assert arrays.blobs(values) == driver(values)


def driver(values):
    (written,) = Transformer().dump_sequence([values], [PyFormat.BINARY])
    return bytes(written)


async def test_the_database_reads_them_back_empty_ones_too(session):
    ids, values = [arrays.UUID(int=1), arrays.UUID(int=2)], [b"", b"\x00\xff"]
    row = await session.one(
        "SELECT %(ids)b::uuid[] AS ids, %(values)b::bytea[] AS values, %(none)b::uuid[] AS none",
        {"ids": arrays.uuids(ids), "values": arrays.blobs(values), "none": arrays.uuids([])},
    )
    assert (row.ids, [bytes(value) for value in row.values], row.none) == (ids, values, [])
