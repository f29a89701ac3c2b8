"""The scan: what of a person can still be found in bytes, raw or opened with any key that still exists (LP-70).

It looks at files and trusts nothing that wrote them: heap, indexes, TOAST, WAL, temporary files, logs, copies and
dumps in text. It does not unpack archives, nor values that PostgreSQL compressed (WAL with `wal_compression`).
"""

import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from time import perf_counter
from uuid import UUID

import psycopg

from registry.keys import exports
from registry.keys.columns import COLUMNS, SealedColumn
from registry.keys.exports import ExportUnusable
from registry.keys.ring import Epoch, parse_epoch
from registry.kit import postgres
from registry.kit.config import Settings
from registry.subject_requests import ciphertexts, streams
from registry.subject_requests.ciphertexts import Keys
from registry.subject_requests.needles import Needles, forms

# A key file, or an export of a ring with many epochs, is smaller.
_KEY_FILE_LIMIT = 1 << 20
_PLAIN_BUFFER = 1 << 20
_FINDINGS_OF_A_VALUE = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """A text to look for. With an `owner` it counts in opened values only in theirs: others may be called alike."""

    text: str
    owner: UUID | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a text is: in which file, and how it lies there or which sealed column it was opened from."""

    place: Path
    how: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A sealed value that a key opened."""

    place: Path
    contact: UUID
    column: SealedColumn
    plain: bytes


Owners = Mapping[str, set[UUID | None]]


@dataclass(slots=True)
class Residue:
    """What a scan found. `values` counts the texts that were looked for, `found` has those that are there."""

    values: int
    found: dict[str, list[Finding]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    opened: int = 0
    persons: int = 0
    epochs: list[int] = field(default_factory=list)
    unreadable: list[Path] = field(default_factory=list)
    seconds: float = 0.0


def scan(places: Iterable[Path], wanted: Iterable[Wanted | str], epochs: Iterable[Epoch] = ()) -> Residue:
    """Look for texts in files and folders, with these epoch keys and every one that lies in the files themselves.

    A text of fewer than five bytes is looked for in opened values alone: in random bytes it is met by chance.
    """
    began = perf_counter()
    asked = [one if isinstance(one, Wanted) else Wanted(one) for one in wanted if one]
    owners: dict[str, set[UUID | None]] = defaultdict(set)
    for one in asked:
        owners[one.text].add(one.owner)
    residue = Residue(len(owners))
    paths = streams.files(places)
    held: dict[int, list[Epoch]] = defaultdict(list)
    for epoch in [*epochs, *_keys_in(paths)]:
        if epoch not in held[epoch.number]:
            held[epoch.number].append(epoch)
    residue.epochs = sorted(held)
    needles = Needles(owners)
    keys = _raw_pass(paths, needles, held, residue)
    residue.persons = len(keys)
    _opened_pass(paths, needles, keys, owners, residue)
    residue.missing = [text for text in owners if text not in residue.found]
    residue.seconds = perf_counter() - began
    return residue


def _raw_pass(
    paths: Sequence[Path], needles: Needles, epochs: Mapping[int, Sequence[Epoch]], residue: Residue
) -> Keys:
    """Texts that lie there in clear, and every person's keys that can be unwrapped."""
    keys = ciphertexts.collect(())
    seen: set[int] = set()
    readable = _readable(paths, residue)
    for path, buffer in streams.streams(readable):
        residue.files += 1
        residue.bytes += len(buffer)
        for text, form, _ in needles.search(buffer, seen):
            _note(residue, text, Finding(path, f"raw, {form}"))
        ciphertexts.collect(ciphertexts.wrapped_keys(buffer, epochs), keys)
    return keys


def _opened_pass(
    paths: Sequence[Path], needles: Needles, keys: Keys, owners: Owners, residue: Residue
) -> None:
    """Texts in sealed values that some key opens."""
    if not keys:
        return
    whole: dict[str, list[str]] = defaultdict(list)
    for text in owners:
        whole[text.casefold()].append(text)
    batch: list[Opened] = []
    size = 0
    opened: set[bytes] = set()
    for path, buffer in streams.streams(p for p in paths if p not in residue.unreadable):
        for parts, plain in ciphertexts.sealed_values(buffer, keys, opened):
            one = Opened(path, UUID(bytes=parts.contact), COLUMNS[parts.column], plain)
            for text in {text for value in _values(plain) for text in whole.get(value.casefold(), ())}:
                _note_opened(residue, owners, text, one)
            batch.append(one)
            size += len(plain) + 1
            if size >= _PLAIN_BUFFER:
                _search_opened(batch, needles, owners, residue)
                batch, size = [], 0
    _search_opened(batch, needles, owners, residue)
    residue.opened = len(opened)


def _values(plain: bytes) -> Iterable[str]:
    """The value itself, and if it is JSON every text in it, however it was escaped."""
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return
    yield text
    if text[:1] in "{[":
        with suppress(ValueError):
            left = [json.loads(text)]
            while left:
                one = left.pop()
                if isinstance(one, str):
                    yield one
                elif isinstance(one, dict):
                    left += one.values()
                elif isinstance(one, list):
                    left += one


def _search_opened(batch: Sequence[Opened], needles: Needles, owners: Owners, residue: Residue) -> None:
    """Texts that are a part of an opened value."""
    joined = b"\n".join(one.plain for one in batch)
    ends = list(accumulate(len(one.plain) + 1 for one in batch))
    for text, form, place in needles.search(joined):
        if _note_opened(residue, owners, text, batch[bisect_right(ends, place)]):
            continue
        # That one is somebody else's who is called alike; is there another?
        sought = next(
            way for way, name in forms(text).items() if name == form and joined.startswith(way, place)
        )
        while (place := joined.find(sought, place + 1)) >= 0:
            if _note_opened(residue, owners, text, batch[bisect_right(ends, place)]):
                break


def _note_opened(residue: Residue, owners: Owners, text: str, one: Opened) -> bool:
    ours = None in owners[text] or one.contact in owners[text]
    if ours:
        _note(residue, text, Finding(one.place, f"opened, {one.column.table}.{one.column.column}"))
    return ours


def _note(residue: Residue, text: str, finding: Finding) -> None:
    findings = residue.found.setdefault(text, [])
    if len(findings) < _FINDINGS_OF_A_VALUE and finding not in findings:
        findings.append(finding)


def _readable(paths: Sequence[Path], residue: Residue) -> Iterable[Path]:
    for path in paths:
        try:
            path.open("rb").close()
        except FileNotFoundError:
            continue  # gone since the folder was listed
        except OSError:
            residue.unreadable.append(path)  # the second pass leaves it out too
        else:
            yield path


def _keys_in(paths: Iterable[Path]) -> Iterable[Epoch]:
    """Epoch keys that lie among the files: a copy of a folder may hold more than anybody remembers."""
    for path in paths:
        with suppress(OSError):
            if path.stat().st_size > _KEY_FILE_LIMIT:
                continue
            content = path.read_bytes()
            if b'"kek"' in content:
                with suppress(ValueError, KeyError, TypeError):
                    yield parse_epoch(content)
            elif b"zgoda-key-export" in content:
                with suppress(ExportUnusable):
                    yield from exports.parse(content).epochs.values()


def checkpoint(settings: Settings) -> bool:
    """Have the database write what it holds in memory into its files; False when it does not let us.

    Call it before a scan, for otherwise the newest rows lie in the WAL alone.
    """
    if settings.embedded:
        url = postgres.cluster_of(settings.data).superuser_url
    else:
        url = settings.database_url or ""
    with psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute("CHECKPOINT")
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True
