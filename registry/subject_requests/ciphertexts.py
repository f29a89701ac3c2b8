"""Finds wrapped keys and sealed values among arbitrary bytes: in heap pages, TOAST chunks, WAL, and text dumps."""

import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from registry.keys import persons
from registry.keys.persons import WRAP_HEADER, WRAP_MAGIC, PersonKeys
from registry.keys.ring import Epoch
from registry.kit import sealing
from registry.kit.sealing import HEADER, MAGIC, Unopenable

_WRAPPED = re.compile(re.escape(WRAP_MAGIC) + b"\x01")
_SEALED = re.compile(re.escape(MAGIC) + bytes([sealing.VERSION]))
# As pg_dump writes bytea in text.
_IN_HEX = re.compile(MAGIC[:2].hex().encode() + rb"4[7b]01[0-9a-f]{72,}")
# PostgreSQL cuts long values into chunks of this many bytes (TOAST_MAX_CHUNK_SIZE with 8 kB pages).
_CHUNK = 1996
_CHUNK_HEADER = struct.Struct("<III")  # chunk_id, chunk_seq, length word of a varlena
_LONGEST = 1 << 24

Keys = dict[UUID, list[PersonKeys]]


def wrapped_keys(buffer: memoryview, epochs: Mapping[int, Iterable[Epoch]]) -> Iterator[PersonKeys]:
    """Every person's keys that lie wrapped in the buffer and that one of the epochs opens."""
    for source in _sources(buffer):
        for found in _WRAPPED.finditer(source):
            start = found.start()
            head = bytes(source[start : start + WRAP_HEADER.size])
            if len(head) < WRAP_HEADER.size:
                continue
            _, _, number, _, length, _ = WRAP_HEADER.unpack(head)
            if length > _LONGEST:
                continue
            for epoch in epochs.get(number, ()):
                try:
                    yield persons.unwrap(epoch, bytes(source[start : start + WRAP_HEADER.size + length]))
                except Unopenable:
                    continue


def sealed_values(
    buffer: memoryview, keys: Mapping[UUID, Iterable[PersonKeys]], opened: set[bytes]
) -> Iterator[tuple[sealing.Parts, bytes]]:
    """Every sealed value in the buffer that one of the keys opens, with its plaintext.

    `opened` holds the nonces of values that need not be opened again, and is added to.
    """
    for source in _sources(buffer):
        for found in _SEALED.finditer(source):
            start = found.start()
            head = bytes(source[start : start + HEADER.size])
            if len(head) < HEADER.size:
                continue
            _, _, _, _, contact, length, nonce = HEADER.unpack(head)
            held = keys.get(UUID(bytes=contact), ())
            if nonce in opened or not held or length > _LONGEST:
                continue
            for blob in _readings(source, start, HEADER.size + length):
                read = _open(blob, held)
                if read is not None:
                    opened.add(nonce)
                    yield read
                    break


def count_sealed(buffer: memoryview) -> int:
    """How many sealed values there are in the buffer, openable or not, copies included."""
    return sum(1 for source in _sources(buffer) for _ in _SEALED.finditer(source))


def _open(blob: bytes, keys: Iterable[PersonKeys]) -> tuple[sealing.Parts, bytes] | None:
    try:
        parts = sealing.parse(blob)
    except Unopenable:
        return None
    for one in keys:
        try:
            return parts, one.open_any(parts)
        except Unopenable:
            continue
    return None


def _sources(buffer: memoryview) -> Iterator[memoryview]:
    """The buffer itself, and every value in it that was written down in hex."""
    yield buffer
    for found in _IN_HEX.finditer(buffer):
        digits = found.group()
        yield memoryview(bytes.fromhex(digits[: len(digits) // 2 * 2].decode()))


def _readings(source: memoryview, start: int, length: int) -> Iterator[bytes]:
    """The blob as it lies there, and, if it is long enough to have been cut, as its chunks make it."""
    yield bytes(source[start : start + length])
    if length > _CHUNK and start >= _CHUNK_HEADER.size:
        chunk_id, number, _ = _CHUNK_HEADER.unpack_from(source, start - _CHUNK_HEADER.size)
        if number == 0 and (joined := _joined(source, chunk_id, length)) is not None:
            yield joined


def _joined(source: memoryview, chunk_id: int, length: int) -> bytes | None:
    pieces = []
    for number, start in enumerate(range(0, length, _CHUNK)):
        size = min(_CHUNK, length - start)
        header = _CHUNK_HEADER.pack(chunk_id, number, (size + 4) << 2)
        found = re.search(re.escape(header), source)
        if found is None:
            return None
        pieces.append(bytes(source[found.end() : found.end() + size]))
    return b"".join(pieces)


def collect(people: Iterable[PersonKeys], into: Keys | None = None) -> Keys:
    """Keys by person; a person may have several sets, of before and after some were destroyed."""
    found: Keys = defaultdict(list) if into is None else into
    for one in people:
        if one not in found[one.contact_id]:
            found[one.contact_id].append(one)
    return found
