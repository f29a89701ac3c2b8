"""Writes a seeded Mailchimp export with the truth about it, so that tests and the demo import like everybody."""

from __future__ import annotations

import csv
import io
import json
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import IO

from registry.exchange.people import FIRST_DAY, Holding, Person, Standing, reason_at, truth_of, units

MERGE = ("Email Address", "First Name", "Last Name", "CUSTOMER_ID", "City", "Country", "Language")
STANDARD = (
    "MEMBER_RATING", "OPTIN_TIME", "OPTIN_IP", "CONFIRM_TIME", "CONFIRM_IP", "LATITUDE", "LONGITUDE", "GMTOFF",
    "DSTOFF", "TIMEZONE", "CC", "REGION", "LAST_CHANGED", "LEID", "EUID", "NOTES", "TAGS",
)  # fmt: skip
EXTRA: dict[Standing, tuple[str, ...]] = {
    "subscribed": (),
    "unsubscribed": (
        "UNSUB_TIME", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "UNSUB_REASON", "UNSUB_REASON_OTHER",
    ),
    "cleaned": ("CLEAN_TIME", "CLEAN_CAMPAIGN_TITLE", "CLEAN_CAMPAIGN_ID"),
}  # fmt: skip
MEMBERS: dict[Standing, str] = {
    standing: f"{standing}_members_export_0a1b2c3d4e.csv"
    for standing in ("subscribed", "unsubscribed", "cleaned")
}
MAPPING = """\
# How `zgoda import` reads the Mailchimp export beside this file.
purpose = "newsletter"
channel = "email"
source = "Mailchimp audience export, zgoda sample seed {seed}"

[columns]
email = "Email Address"
external_id = "CUSTOMER_ID"
locale = "Language"
country = "Country"
opt_in_time = "OPTIN_TIME"
opt_in_address = "OPTIN_IP"
confirm_time = "CONFIRM_TIME"
withdrawn_time = "UNSUB_TIME"
cleaned_time = "CLEAN_TIME"

[fields]
first_name = "First Name"
last_name = "Last Name"
city = "City"

# With all four of these, and opt-in time and address in the row, the evidence is graded "attested".
[attested]
notice = 1
form = "newsletter-signup"
time_zone = "UTC"
attested_by = "Sample data officer"
"""
_SHUFFLED = 2_000
_EPOCH = (2026, 11, 1, 0, 0, 0)
_NOTES = (
    "",
    "",
    "",
    "",
    "",
    "",
    "met at the fair, stand 12",
    'asked for the "big" catalogue',
    "first line\nsecond",
)


@dataclass(slots=True)
class Figures:
    """Counts for truth.json: persons, but for `rows` and `rejected`, which are rows."""

    rows: int = 0
    persons: int = 0
    permitted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    blocked: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Files:
    """What is being written; rows of the smaller files wait on disk, because a zip takes one file at a time."""

    rows: dict[Standing, IO[str]]
    people: IO[str]
    addresses: IO[str]
    figures: Figures = field(default_factory=Figures)
    separators: dict[int, str] = field(default_factory=dict)

    def item(self, file: IO[str], text: str) -> None:
        file.write(self.separators.get(id(file), "\n") + text)
        self.separators[id(file)] = ",\n"


def write(people: int, seed: int, out: Path) -> Figures:
    """The zip at `out`, `out`.mapping.toml and `out`.truth.json: the same bytes for the same arguments.

    Memory does not grow with `people`. Times lie between 2024-01-01 and 2026-10-31, but for rows meant to be refused.
    """
    with ExitStack() as stack:

        def scratch() -> IO[str]:
            return stack.enter_context(
                tempfile.TemporaryFile(
                    "w+", encoding="utf-8", errors="surrogateescape", newline="", dir=out.parent
                )
            )

        files = _Files({standing: scratch() for standing in MEMBERS}, scratch(), scratch())
        _spread(units(people, seed), Random(f"zgoda rows {seed}"), files)
        with zipfile.ZipFile(out, "w") as archive:
            for standing, name in MEMBERS.items():
                info = zipfile.ZipInfo(name, _EPOCH)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                with archive.open(info, "w") as member:
                    _copy(files.rows[standing], member)
        with Path(f"{out}.truth.json").open("wb") as truth:
            truth.write(b'{"people": [')
            _copy(files.people, truth)
            truth.write(b'\n],\n"addresses": {')
            _copy(files.addresses, truth)
            truth.write(b'\n},\n"counts": ' + json.dumps(told(files.figures), indent=1).encode() + b"}\n")
    Path(f"{out}.mapping.toml").write_text(MAPPING.format(seed=seed), encoding="utf-8")
    return files.figures


def told(figures: Figures) -> dict[str, object]:
    """The figures as truth.json has them."""
    return {
        "rows": figures.rows,
        "imported": figures.persons,
        "rejected": figures.rejected.total(),
        "rejected_by": dict(sorted(figures.rejected.items())),
        "unknown_origin": figures.blocked["consent.unknown_origin"],
        "permitted": figures.permitted,
        "blocked": dict(sorted(figures.blocked.items())),
    }


def _copy(source: IO[str], target: IO[bytes]) -> None:
    """Surrogates stand for the bytes that are wrong on purpose."""
    source.seek(0)
    while block := source.read(1 << 16):
        target.write(block.encode("utf-8", "surrogateescape"))


def _spread(every: Iterable[list[Person]], random: Random, files: _Files) -> None:
    writers = {standing: csv.writer(file, lineterminator="\r\n") for standing, file in files.rows.items()}
    for standing, writer in writers.items():
        writer.writerow((*MERGE, *STANDARD, *EXTRA[standing]))
    for standing, text in _mixed(_written(every, random, files), random):
        files.figures.rows += 1
        files.rows[standing].write(text)


def _mixed(rows: Iterator[tuple[Standing, str]], random: Random) -> Iterator[tuple[Standing, str]]:
    """The rows out of order, so that the two rows of a person or a household fall into different batches."""
    waiting: list[tuple[Standing, str]] = []
    for row in rows:
        if len(waiting) < _SHUFFLED:
            waiting.append(row)
            continue
        place = random.randrange(_SHUFFLED)
        waiting[place], row = row, waiting[place]
        yield row
    random.shuffle(waiting)
    yield from waiting


def _written(every: Iterable[list[Person]], random: Random, files: _Files) -> Iterator[tuple[Standing, str]]:
    number = 0
    for unit in every:
        _judge(unit, files)
        for person in unit:
            for holding in person.holdings:
                number += 1
                cells = _cells(person, holding, number, random)
                yield holding.standing, _line(cells)
                if holding.written_twice:
                    yield holding.standing, _line([cells[0].lower(), *cells[1:]])
        if random.random() < 0.012:
            yield "subscribed", _broken(unit[0], number, random, files)


def _judge(unit: list[Person], files: _Files) -> None:
    addresses: dict[str, list[str | None]] = {}
    for person in unit:
        send_to, reason = truth_of(person, unit)
        for holding in person.holdings:
            addresses.setdefault(holding.address.lower(), []).append(reason_at(holding, unit))
        files.figures.persons += 1
        if reason is None:
            files.figures.permitted += 1
        else:
            files.figures.blocked[reason] += 1
        about = {
            "external_id": person.external_id,
            "addresses": [holding.address.lower() for holding in person.holdings],
            "permitted": reason is None,
            "reason": reason,
            "send_to": send_to,
        }
        files.item(files.people, json.dumps(about))
    for address, reasons in addresses.items():
        _tell(files, address, None if None in reasons else reasons[0])


def _tell(files: _Files, address: str, reason: str | None) -> None:
    files.item(
        files.addresses,
        f"{json.dumps(address)}: {json.dumps({'may_be_sent': reason is None, 'reason': reason})}",
    )


def _stamp(moment: datetime | None) -> str:
    return "" if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S")


def _cells(person: Person, holding: Holding, number: int, random: Random) -> list[str]:
    opted_in = "sometime in spring" if holding.spoilt_evidence else _stamp(holding.opted_in)
    cells = [
        holding.address, person.first_name, person.last_name, person.external_id or "", person.city,
        person.stock.country, person.stock.locale, str(random.randrange(1, 6)), opted_in, holding.origin,
        _stamp(holding.confirmed), holding.origin if holding.confirmed else "", "", "", "", "",
        person.stock.time_zone, person.stock.country, "", _stamp(holding.left or holding.verified_at),
        str(100_000_000 + number), f"{random.getrandbits(40):010x}", random.choice(_NOTES),
        random.choice(("", "", '"shop"', '"shop","fair 2025"')),
    ]  # fmt: skip
    if holding.standing == "unsubscribed":
        cells += [_stamp(holding.left), "Autumn letter", "c0ffee", "No longer interested", ""]
    elif holding.standing == "cleaned":
        cells += [_stamp(holding.left), "Autumn letter", "c0ffee"]
    return cells


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _broken(like: Person, number: int, random: Random, files: _Files) -> str:
    """A row that no import may take; its person is nobody else's, so that the truth stays simple."""
    address = f"broken{number}@{like.stock.domains[0]}"
    holding = Holding(address, opted_in=FIRST_DAY, origin="192.0.2.7")
    stranger = Person(
        f"B{number:07d}", like.first_name or "Ada", like.last_name, like.city, like.stock, [holding]
    )
    cells = _cells(stranger, holding, number, random)
    cells[22] = ""
    kind = random.randrange(8)
    if kind == 0:
        cells[0], reason = f"broken{number}.at.example", "identifier.invalid"
    elif kind == 1:
        cells[0], reason = "", "address.missing"
    elif kind == 2:
        cells, reason = [*cells, "one too many"] if random.random() < 0.5 else cells[:9], "row.column_count"
    elif kind == 3:
        cells[8], reason = random.choice(("yesterday", "2025-13-45 99:00:00", "45000.5")), "time.invalid"
    elif kind == 4:
        cells[8], reason = "2099-01-01 00:00:00", "time.in_future"
    elif kind == 5:
        cells[1], reason = cells[1][:1] + "\0" + cells[1][1:], "row.control_character"
    elif kind == 6:
        cells[2], reason = cells[2] + "\udcb3\udcf1", "row.encoding_broken"
    else:
        reason = "row.quotes_broken"
    files.figures.rejected[reason] += 1
    if reason not in ("identifier.invalid", "address.missing"):
        _tell(files, address, "contact.unknown")
    text = _line(cells)
    return text.replace(",", ',"Ann" of the fair,', 1) if reason == "row.quotes_broken" else text
