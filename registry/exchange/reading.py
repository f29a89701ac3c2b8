"""Reads an export as one stream of records, each with its place, after checking what can be checked before."""

from __future__ import annotations

import difflib
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from registry.exchange.archives import Part, Standing, parts_of
from registry.exchange.encodings import MARKED, detect
from registry.exchange.mapping import Columns, Format, Mapping
from registry.exchange.records import LINE_LIMIT, Record, records, sniff
from registry.kit.errors import Misuse, Refused

# Names as near as this are misspellings; less near ones are columns of another meaning.
_MISSPELT = 0.8
# Columns that only some of Mailchimp's three files have; whoever said no is heard without a time, too.
_ONLY_SUBSCRIBED = frozenset({"opt_in_time", "opt_in_address", "confirm_time"})
_OPTIONAL = frozenset({"withdrawn_time", "cleaned_time"})


@dataclass(frozen=True, slots=True)
class Sheet:
    """One CSV text with what is known before its first row: encoding, delimiter, and where each column stands."""

    part: Part
    encoding: str
    delimiter: str
    width: int
    size: int
    # By mapping key: "email", "fields.first_name"...
    places: dict[str, int]

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def standing(self) -> Standing | None:
        return self.part.standing


@dataclass(slots=True)
class Export:
    """A checked file: its sheets in the order of reading, and the digest that tells it from others (32 bytes)."""

    sheets: list[Sheet]
    digest: bytes
    size: int
    _done: int = 0
    _open: IO[bytes] | None = field(default=None, repr=False)

    def records(self, start: int = 0) -> Iterator[tuple[int, Sheet, Record]]:
        """(ordinal over all sheets, sheet, record) from the ordinal `start` on, headers left out."""
        ordinal = -1
        self._done = 0
        for sheet in self.sheets:
            with sheet.part.open() as raw:
                self._open = raw
                text = io.TextIOWrapper(raw, sheet.encoding, errors=MARKED, newline="")
                for record in records(text, sheet.delimiter):
                    if record.number == 1:
                        continue
                    ordinal += 1
                    if ordinal >= start:
                        yield ordinal, sheet, record
                self._open = None
            self._done += sheet.size

    def position(self) -> int:
        """Bytes read so far, of `size`."""
        return self._done + (self._open.tell() if self._open is not None and not self._open.closed else 0)


def open_export(path: Path, mapping: Mapping, form: Format) -> Export:
    """Check a file against its mapping. Refused or Misuse with one line that says what is wrong with either."""
    try:
        sheets = [_sheet(part, mapping) for part in parts_of(path, form)]
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise Refused("file.unreadable", f"{path.name}: {error.strerror or 'cannot be read'}.") from None
    return Export(sheets, digest, sum(sheet.size for sheet in sheets))


def _sheet(part: Part, mapping: Mapping) -> Sheet:
    encoding, size = detect(part.chunks())
    encoding = mapping.file.encoding or encoding
    with part.open() as raw, io.TextIOWrapper(raw, encoding, errors=MARKED, newline="") as text:
        line = text.readline(LINE_LIMIT).lstrip("\ufeff")
    if not line.strip():
        raise Refused("file.empty", f"{part.name} has no header.")
    delimiter = mapping.file.delimiter or sniff(line)
    with part.open() as raw, io.TextIOWrapper(raw, encoding, errors=MARKED, newline="") as text:
        header = next(records(text, delimiter))
    names = [name.strip().lstrip("\ufeff") for name in header.cells]
    return Sheet(part, encoding, delimiter, len(names), size, _places(part, names, mapping))


def _places(part: Part, names: list[str], mapping: Mapping) -> dict[str, int]:
    columns = {f"columns.{key}": name for key, name in mapping.columns if name is not None}
    columns |= {f"fields.{key}": name for key, name in mapping.fields.items()}
    if mapping.status is not None:
        columns["status.column"] = mapping.status.column
    places = {}
    for key, name in columns.items():
        place = _place(part, names, name, key)
        bare = key.removeprefix("columns.")
        if place is not None:
            places[bare] = place
        elif bare == "email" and _is_assumed(mapping, bare):
            raise Refused(
                "column.missing",
                f'{part.name} has no column "{name}", and the mapping names none for the e-mail address.',
                field=key,
                mend=f'{_near(name, names, columns)}; write {key} = "..."',
            )
        elif not (_dispensable(part, bare) or _is_assumed(mapping, bare)):
            raise Refused(
                "column.missing",
                f'{part.name} has no column "{name}", which the mapping names as {key}.',
                field=key,
                mend=f"{_near(name, names, columns)}; correct {key} or leave it out",
            )
    return places


def _is_assumed(mapping: Mapping, key: str) -> bool:
    """Whether a column's name is the format's, and not the mapping's: without it nothing is known of what it tells."""
    return key in Columns.model_fields and key not in mapping.columns.model_fields_set


def _near(name: str, names: list[str], columns: dict[str, str]) -> str:
    """The name in the file that may be meant by a misspelt one; not one that the mapping has for something else."""
    sought, elsewhere = name.casefold(), {one.casefold() for one in columns.values()}
    free = {one.casefold(): one for one in names if one.casefold() not in elsewhere}
    for near in difflib.get_close_matches(sought, free, cutoff=_MISSPELT):
        # CONFIRM_TIME and CONFIRM_IP are near, and two things: what a column holds is said by its last word.
        if difflib.get_close_matches(_last_word(sought), [_last_word(near)]):
            return f'did you mean "{free[near]}"'
    return f"the file has {len(names)} columns"


def _last_word(name: str) -> str:
    words: list[str] = re.findall(r"[^\W_]+", name)
    return words[-1] if words else name


def _place(part: Part, names: list[str], name: str, key: str) -> int | None:
    found = [place for place, given in enumerate(names) if given == name]
    found = found or [place for place, given in enumerate(names) if given.casefold() == name.casefold()]
    if len(found) > 1:
        raise Misuse("column.ambiguous", f'{part.name} has the column "{name}" twice.', field=key)
    return found[0] if found else None


def _dispensable(part: Part, key: str) -> bool:
    if part.standing is None:
        return False
    return key in _OPTIONAL or (key in _ONLY_SUBSCRIBED and part.standing != "subscribed")
