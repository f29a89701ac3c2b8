"""Reads a list of addresses or numbers, one a line or from one column of a CSV, as a stream of identifiers."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from registry.contacts.identifiers import Identifier, Kind, normalise
from registry.exchange.encodings import MARKED, detect
from registry.exchange.records import LINE_LIMIT, Record, records, sniff
from registry.exchange.rows import Reject
from registry.kit.errors import Misuse, Refused

_CHUNK = 1 << 20


@dataclass(slots=True)
class ListFile:
    """A checked file. `place` is the column that is read; without a header every line is an entry."""

    path: Path
    encoding: str
    delimiter: str
    place: int
    header: bool
    size: int
    _open: IO[bytes] | None = None

    def position(self) -> int:
        """Bytes read so far, of `size`."""
        return self._open.tell() if self._open is not None and not self._open.closed else 0

    def entries(self, kinds: frozenset[Kind], region: str | None) -> Iterator[Identifier | Reject]:
        """Each entry, or why it is none; `region` is for numbers without a country code. Blank lines are left out."""
        with self.path.open("rb") as raw:
            self._open = raw
            text = io.TextIOWrapper(raw, self.encoding, errors=MARKED, newline="")
            for record in records(text, self.delimiter):
                header = self.header and record.number == 1
                blank = not any(cell.strip() for cell in record.cells)
                if record.problem is None and (header or blank):
                    continue
                yield self._entry(record, kinds, region)

    def _entry(self, record: Record, kinds: frozenset[Kind], region: str | None) -> Identifier | Reject:
        def reject(reason: str) -> Reject:
            return Reject(self.path.name, record.number, reason, tuple(record.cells))

        if record.problem is not None:
            return reject(record.problem)
        if self.place >= len(record.cells):
            return reject("row.column_count")
        text = record.cells[self.place].strip().lstrip("\ufeff")
        kind = Kind.EMAIL if "@" in text else Kind.PHONE
        if not text:
            return reject("address.missing")
        if kind not in kinds:
            return reject("address.kind_unlisted")
        try:
            return normalise(kind, text, region)
        except Misuse as error:
            return reject(error.code)


def open_list(path: Path, column: str | None) -> ListFile:
    """Check a file: encoding and, with `column`, the header. Refused or Misuse in one line otherwise."""
    try:
        with path.open("rb") as raw:
            encoding, size = detect(iter(lambda: raw.read(_CHUNK), b""))
        with path.open("rb") as raw, io.TextIOWrapper(raw, encoding, errors=MARKED, newline="") as text:
            line = text.readline(LINE_LIMIT).lstrip("\ufeff")
    except OSError as error:
        raise Refused("file.unreadable", f"{path.name}: {error.strerror or 'cannot be read'}.") from None
    if column is None:
        return ListFile(path, encoding, _delimiter(line), 0, False, size)
    delimiter = sniff(line)
    names = [name.strip().strip('"') for name in line.rstrip("\r\n").split(delimiter)]
    same = _matches(names, lambda name: name == column) or _matches(
        names, lambda name: name.casefold() == column.casefold()
    )
    if len(same) != 1:
        # The names are not repeated: without a header they would be somebody's data.
        told = "the header has it twice" if same else f"its first line has {len(names)} columns"
        raise Misuse(
            "column.missing", f'{path.name} has no one column "{column}".', field="--column", mend=told
        )
    return ListFile(path, encoding, delimiter, same[0], True, size)


def _matches(names: list[str], fits: Callable[[str], bool]) -> list[int]:
    return [place for place, name in enumerate(names) if fits(name)]


def _delimiter(line: str) -> str:
    """Of a file that is one entry a line nothing parts cells; a file with several columns needs its column named."""
    delimiter = sniff(line)
    if delimiter in line:
        raise Misuse(
            "column.missing",
            "The file has several columns.",
            field="--column",
            mend="name the column that holds the addresses or numbers: --column NAME",
        )
    return delimiter
