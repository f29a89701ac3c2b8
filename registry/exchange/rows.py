"""Makes of a record what it says about a person, or the reason why it cannot be taken. Pure."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Callable
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import TypeVar

from registry.contacts import coming_of_age
from registry.contacts.identifiers import Identifier, Kind, normalise
from registry.exchange import times
from registry.exchange.archives import GONE, Standing
from registry.exchange.mapping import Mapping
from registry.exchange.reading import Sheet
from registry.exchange.records import Record
from registry.kit.errors import Misuse


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was not taken: where it stands and why, never what is in it."""

    file: str
    row: int
    reason: str
    cells: tuple[str, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Row:
    """What one row says about one person at one address; times are aware."""

    file: str
    number: int
    standing: Standing
    address: Identifier = field(repr=False)
    others: tuple[Identifier, ...] = field(default=(), repr=False)
    external: Identifier | None = field(default=None, repr=False)
    fields: dict[str, str] = field(default_factory=dict, repr=False)
    locale: str | None = None
    country: str | None = None
    # Opt-in time, and the network address that it came from; both together are evidence.
    opted_in: datetime | None = None
    opted_in_from: str | None = field(default=None, repr=False)
    verified_at: datetime | None = None
    left: datetime | None = None
    # Why parts of a row with a "no" could not be read; it was taken without them.
    dropped: tuple[str, ...] = ()
    cells: tuple[str, ...] = field(default=(), repr=False)

    @property
    def addresses(self) -> tuple[Identifier, ...]:
        return self.others if self.is_by_id else (self.address, *self.others)

    @property
    def is_by_id(self) -> bool:
        """Whether it is told by the person's own id alone, in place of an address: only a "no" is."""
        return self.address.kind is Kind.EXTERNAL

    @property
    def has_evidence(self) -> bool:
        """Opt-in time and address; a confirmation time alone never."""
        return self.standing == "subscribed" and self.opted_in is not None and self.opted_in_from is not None

    @property
    def names(self) -> tuple[str, str]:
        """First and last name in the form in which names are compared; empty where not told."""
        return comparable(self.fields.get("first_name", "")), comparable(self.fields.get("last_name", ""))


def comparable(name: str) -> str:
    """A name without what writing it differently changes: case, spaces, Unicode form."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def names_conflict(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two (first, last) name two persons; a missing name conflicts with none."""
    return any(a and b and a != b for a, b in zip(one, other, strict=True))


_Cell = Callable[[str], str]
Told = TypeVar("Told")


class _Rejected(Exception):  # the name says the fact
    """args[0] is the reason."""


def _code(text: str) -> str | None:
    """A two-letter code of a language or a country, or None."""
    return text if len(text) == 2 and text.isascii() and text.isalpha() else None


class RowReader:
    """Reads records under one mapping. `lengths`: the greatest length of each field, from the catalogue."""

    def __init__(self, mapping: Mapping, kind: Kind, lengths: Dictionary[str, int], now: datetime) -> None:
        self._mapping = mapping
        self._kind = kind
        self._lengths = lengths
        self._latest = now + times.AHEAD
        attestation = mapping.attestation
        self._zone: tzinfo = UTC
        if attestation is not None and attestation.zone.key not in ("UTC", "Etc/UTC"):
            self._zone = attestation.zone
        self._form = mapping.file.time_format
        self._address_key = "phone" if kind is Kind.PHONE else "email"
        status = mapping.status
        self._standings: dict[str, Standing] = {}
        if status is not None:
            lists: tuple[tuple[Standing, tuple[str, ...]], ...] = (
                ("subscribed", status.subscribed),
                ("unsubscribed", status.unsubscribed),
                ("complained", status.complained),
                ("cleaned", status.cleaned),
            )
            self._standings = {value.strip().casefold(): name for name, values in lists for value in values}

    def read(self, sheet: Sheet, record: Record) -> Row | Reject | None:
        """The row, why it is none, or None for a blank line."""
        cells = record.cells
        if record.problem is None and not any(cells):
            return None
        try:
            problem = record.problem or ("row.column_count" if len(cells) != sheet.width else None)
            if problem is not None:
                return self._salvaged(sheet, record, problem)
            return self._row(sheet, record)
        except _Rejected as rejected:
            return Reject(sheet.name, record.number, rejected.args[0], tuple(cells))

    def _salvaged(self, sheet: Sheet, record: Record, problem: str) -> Row:
        """A "no" is taken from a broken row as long as it says whose; anything else is not."""
        standing = self._standing_in(sheet, record)
        if standing is None or standing not in GONE:
            raise _Rejected(problem)
        try:
            address = self._identifier(self._cell(sheet, record, self._address_key), self._kind)
        except _Rejected:
            raise _Rejected(problem) from None
        if not address.value.isprintable() or not address.value.isascii():
            raise _Rejected(problem)
        return Row(sheet.name, record.number, standing, address, dropped=(problem,))

    def _standing_in(self, sheet: Sheet, record: Record) -> Standing | None:
        """What a broken row says of its person. Where cells are missing or too many, a time may be another's."""
        if sheet.standing is not None:
            return sheet.standing

        def cell(key: str) -> str:
            return self._cell(sheet, record, key)

        if len(record.cells) != sheet.width:
            return self._standings.get(cell("status.column").casefold())
        return self._standing(sheet, cell)

    def _row(self, sheet: Sheet, record: Record) -> Row:
        def cell(key: str) -> str:
            return self._cell(sheet, record, key)

        standing = self._standing(sheet, cell)
        address, dropped = self._whose(cell, standing)
        row = Row(sheet.name, record.number, standing, address, dropped=dropped, cells=tuple(record.cells))
        if (other := self._read(row, partial(self._other, cell))) is not None:
            row.others = (other,)
        row.external = self._read(row, partial(self._external, cell))
        for name in self._mapping.fields:
            if told := self._read(row, partial(self._field, cell, name)):
                row.fields[name] = told
        row.locale = _code(cell("locale").partition("_")[0].partition("-")[0].lower())
        row.country = _code(cell("country").upper())
        if standing in GONE:
            row.left = self._read(row, partial(self._when_left, cell, standing))
        else:
            self._evidence(row, cell)
        return row

    def _whose(self, cell: _Cell, standing: Standing) -> tuple[Identifier, tuple[str, ...]]:
        """The address; of a person who said no and whose address cannot be read, their own id, and why it is that."""
        try:
            return self._identifier(cell(self._address_key), self._kind, "address.missing"), ()
        except _Rejected as rejected:
            if standing not in GONE or standing == "cleaned":
                raise
            try:
                return self._identifier(cell("external_id"), Kind.EXTERNAL), rejected.args
            except _Rejected:
                raise rejected from None

    @staticmethod
    def _read(row: Row, part: Callable[[], Told | None]) -> Told | None:
        """What a part of the row tells, if anything. What cannot be read costs a yes its row, and never a "no"."""
        try:
            return part()
        except _Rejected as rejected:
            if row.standing not in GONE:
                raise
            row.dropped += (rejected.args[0],)
            return None

    def _field(self, cell: _Cell, name: str) -> str | None:
        text = cell(f"fields.{name}")
        if len(text) > self._lengths.get(name, 0):
            raise _Rejected("field.too_long")
        if text and name == coming_of_age.BIRTH_DATE and not self._is_birth_date(text):
            raise _Rejected("field.date_invalid")
        return text or None

    def _is_birth_date(self, text: str) -> bool:
        try:
            coming_of_age.read(text, self._latest.date())
        except ValueError:
            return False
        return True

    def _standing(self, sheet: Sheet, cell: _Cell) -> Standing:
        """The gravest of what is said: nobody who is told to have left is taken for a subscriber."""
        if sheet.standing is not None:
            return sheet.standing
        standing: Standing = "subscribed"
        if self._mapping.status is not None:
            told = self._standings.get(cell("status.column").casefold())
            if told is None:
                raise _Rejected("status.unknown")
            standing = told
        if standing == "complained":
            return standing
        if cell("cleaned_time"):
            return "cleaned"
        return "unsubscribed" if standing == "subscribed" and cell("withdrawn_time") else standing

    def _evidence(self, row: Row, cell: _Cell) -> None:
        row.opted_in = self._time(cell("opt_in_time"))
        confirmed = self._time(cell("confirm_time"))
        row.verified_at = confirmed or row.opted_in
        if text := cell("opt_in_address"):
            try:
                row.opted_in_from = str(ipaddress.ip_address(text))
            except ValueError:
                row.opted_in_from = None

    def _time(self, text: str) -> datetime | None:
        if not text:
            return None
        try:
            told = times.read(text, self._zone, self._form)
        except times.Unreadable:
            raise _Rejected("time.invalid") from None
        if told is not None and told > self._latest:
            raise _Rejected("time.in_future")
        return told

    def _when_left(self, cell: _Cell, standing: Standing) -> datetime | None:
        """A "no" whose time cannot be read is a "no" without a time: it counts from now on."""
        try:
            told = times.read(
                cell("cleaned_time" if standing == "cleaned" else "withdrawn_time"),
                self._zone,
                self._form,
                late=True,
            )
        except times.Unreadable:
            raise _Rejected("time.invalid") from None
        if told is not None and told > self._latest:
            raise _Rejected("time.in_future")
        return told

    def _other(self, cell: _Cell) -> Identifier | None:
        kind, key = (Kind.EMAIL, "email") if self._kind is Kind.PHONE else (Kind.PHONE, "phone")
        text = cell(key)
        return self._identifier(text, kind) if text else None

    def _external(self, cell: _Cell) -> Identifier | None:
        text = cell("external_id")
        return self._identifier(text, Kind.EXTERNAL) if text else None

    def _identifier(self, text: str, kind: Kind, missing: str = "identifier.invalid") -> Identifier:
        if not text:
            raise _Rejected(missing)
        try:
            return normalise(kind, text, self._mapping.file.phone_region)
        except Misuse as error:
            raise _Rejected(error.code) from None

    @staticmethod
    def _cell(sheet: Sheet, record: Record, key: str) -> str:
        place = sheet.places.get(key)
        return "" if place is None or place >= len(record.cells) else record.cells[place].strip()
