"""Writes rows in the text form of COPY, for the few types that hot tables have: three times as fast as the driver."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any
from uuid import UUID

LINES = 400
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}


def _text(value: str) -> str:
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], value) if _SPECIAL.search(value) else value


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): lambda value: "\\N",
    bool: lambda value: "t" if value else "f",
    int: str,
    str: _text,
    bytes: lambda value: "\\\\x" + value.hex(),
    UUID: lambda value: "%032x" % value.int,  # noqa: UP031  # a third faster than an f-string
    # Sentinels and the time of a transaction come again and again.
    datetime: lru_cache(maxsize=4096)(str),
}


def _array(value: Sequence[str]) -> str:
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in value)
    return _text("{" + ",".join(f'"{item}"' for item in quoted) + "}")


def writes(value: object) -> bool:
    """Whether values of this type have a text form here; enumerations and arrays of text are learnt when met."""
    kind = type(value)
    if kind in _WRITERS:
        return True
    if isinstance(value, int):
        _WRITERS[kind] = lambda number: str(int(number))
    elif isinstance(value, str):
        _WRITERS[kind] = lambda text: _text(str(text))
    elif isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        _WRITERS[kind] = _array
    return kind in _WRITERS


def lines(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Rows as lines of COPY. TypeError for a value that `writes` does not take."""
    for row in rows:
        try:
            yield "\t".join([_WRITERS[type(value)](value) for value in row])
        except KeyError:
            if not all(writes(value) for value in row):
                raise TypeError("a value of a type that COPY is not taught here") from None
            yield "\t".join([_WRITERS[type(value)](value) for value in row])


def pieces(lines: Iterable[str]) -> Iterator[str]:
    """Lines put together in pieces of some tens of KB."""
    several = iter(lines)
    while taken := list(islice(several, LINES)):
        taken.append("")
        yield "\n".join(taken)
