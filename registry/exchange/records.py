"""Splits text into CSV records one by one, so that a broken row costs itself and never its neighbours."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

from registry.exchange.encodings import BROKEN, SUSPECT

LINE_LIMIT = 1 << 18
# How far to look for the end of an endless field before each of its lines is taken for a row of its own.
SEARCH_LINES, SEARCH_CHARACTERS = 20_000, 4 << 20
_TOO_LONG = "\0too long"


@dataclass(slots=True)
class Record:
    """One record; `number` counts from 1 for the header, as spreadsheets do. `problem` is why it cannot be taken."""

    number: int
    cells: list[str]
    problem: str | None = None


class _LineTooLong(Exception):  # the name says the fact
    pass


class _Lines:
    """Physical lines for the CSV parser, which can be given back when they turn out to belong to no one record."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._returned: deque[str] = deque()
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self.take()
        if line is _TOO_LONG:
            raise _LineTooLong
        return line

    def take(self) -> str:
        if self._returned:
            line = self._returned.popleft()
        else:
            line = self._text.readline(LINE_LIMIT)
            if not line:
                raise StopIteration
            if len(line) == LINE_LIMIT and line[-1] not in "\r\n":
                while (more := self._text.readline(LINE_LIMIT)) and more[-1] not in "\r\n":
                    pass
                line = _TOO_LONG
        self.taken.append(line)
        return line

    def give_back(self, lines: list[str]) -> None:
        self._returned.extendleft(reversed(lines))

    def is_unclosed(self) -> bool:
        """Whether an odd number of quotes was taken: quoted fields that end have an even one."""
        return sum(line.count('"') for line in self.taken) % 2 == 1

    def search_end(self) -> None:
        """Take lines until the open quote is closed, or give back what was taken for it."""
        size = sum(map(len, self.taken))
        while len(self.taken) < SEARCH_LINES and size < SEARCH_CHARACTERS:
            try:
                line = self.take()
            except StopIteration:
                break
            if line.count('"') % 2:
                return
            size += len(line)
        self.give_back(self.taken[1:])


def records(text: TextIO, delimiter: str) -> Iterator[Record]:
    """Every record of a text, the header first, blank lines as records without cells.

    Problems: `row.too_long`, `field.too_long`, `row.quotes_broken`, `row.encoding_broken`,
    `row.control_character`; then `cells` is a best effort from the first line.
    """
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 0
    while True:
        number += 1
        lines.taken.clear()
        problem = None
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _LineTooLong:
            problem = "row.too_long"
            lines.give_back(lines.taken[1:])
        except csv.Error as error:
            problem = "field.too_long" if str(error).startswith("field larger") else "row.quotes_broken"
            if lines.is_unclosed():
                if problem == "field.too_long":
                    lines.search_end()
                else:
                    lines.give_back(lines.taken[1:])
        if problem is not None:
            first = lines.taken[0]
            yield Record(number, [] if first is _TOO_LONG else _rough(first, delimiter), problem)
            continue
        for line in lines.taken:
            if found := SUSPECT.search(line):
                problem = "row.encoding_broken" if BROKEN.match(found[0]) else "row.control_character"
                break
        yield Record(number, cells, problem)


def _rough(line: str, delimiter: str) -> list[str]:
    return [cell.strip('" \r\n') for cell in line[:4096].split(delimiter)]


def sniff(header: str) -> str:
    """The delimiter of a header line: the one of comma, semicolon and tab that stands most often outside quotes."""
    counts = {",": 0, ";": 0, "\t": 0}
    quoted = False
    for letter in header:
        if letter == '"':
            quoted = not quoted
        elif not quoted and letter in counts:
            counts[letter] += 1
    return max(counts, key=lambda delimiter: counts[delimiter])
