"""Arrays as the protocol's binary form has them, made whole: for hot statements, many times as fast as the driver."""

import struct
from collections.abc import Iterable
from uuid import UUID

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format

_HEAD = struct.Struct(">iiiii")
_EMPTY = struct.Struct(">iii")
_LENGTH = struct.Struct(">i").pack
_UUID_OID, _UUID_ARRAY_OID = 2950, 2951
_BYTEA_OID, _BYTEA_ARRAY_OID = 17, 1001
_SIXTEEN = _LENGTH(16)


class UuidArray(bytes):
    """A uuid[] parameter, for `%b`."""

    __slots__ = ()


class ByteaArray(bytes):
    """A bytea[] parameter, for `%b`."""

    __slots__ = ()


def uuids(values: Iterable[UUID]) -> UuidArray:
    """These ids as one parameter; none of them is null."""
    # Not `.bytes`: the property costs as much as all the rest.
    return UuidArray(_array(_UUID_OID, [_SIXTEEN + value.int.to_bytes(16, "big") for value in values]))


def blobs(values: Iterable[bytes]) -> ByteaArray:
    """These byte strings as one parameter; none of them is null."""
    return ByteaArray(_array(_BYTEA_OID, [_LENGTH(len(value)) + value for value in values]))


def _array(oid: int, items: list[bytes]) -> bytes:
    # Dimensions, flag for nulls, type of the elements, length, lower bound (array_recv in PostgreSQL's arrayfuncs.c).
    if not items:
        return _EMPTY.pack(0, 0, oid)
    return _HEAD.pack(1, 0, oid, len(items), 1) + b"".join(items)


class _UuidArrayDumper(Dumper):
    format = Format.BINARY
    oid = _UUID_ARRAY_OID

    def dump(self, obj: UuidArray) -> bytes:
        return obj


class _ByteaArrayDumper(Dumper):
    format = Format.BINARY
    oid = _BYTEA_ARRAY_OID

    def dump(self, obj: ByteaArray) -> bytes:
        return obj


psycopg.adapters.register_dumper(UuidArray, _UuidArrayDumper)
psycopg.adapters.register_dumper(ByteaArray, _ByteaArrayDumper)
