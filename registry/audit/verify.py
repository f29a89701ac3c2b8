"""Checks an exported log with the log's key and nothing else, and says where somebody changed it."""

import base64
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from registry.audit import body, checkpoint, merkle, note, tiles
from registry.audit.checkpoint import Checkpoint

FORMAT = "zgoda-audit-export-1"
MAX_LINE = 2_000_000
MAX_TOLD = 1_000
_VERBATIM = re.compile(rb'\{"index":(\d{1,18}),"id":(\d{1,19}),"hash":"([A-Za-z0-9+/]{43}=)","entry":(.*)\}')
_GENERATION = re.compile(r"(.+/log)(/\d+)?")


class ExportBroken(ValueError):
    """The file is not a whole export; the text says where it stops making sense."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One place that was changed: a leaf, or the leaves `first` to `last` when it cannot be told more closely."""

    first: int
    last: int
    reason: str
    entry_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        where = {"leaf": self.first} if self.first == self.last else {"from": self.first, "to": self.last}
        return {**where, "entry": self.entry_id, "reason": self.reason}

    def line(self) -> str:
        place = f"leaf {self.first}" if self.first == self.last else f"leaves {self.first} to {self.last}"
        return (
            f"{place}: {self.reason}"
            if self.entry_id is None
            else f"{place} (entry {self.entry_id}): {self.reason}"
        )


@dataclass(slots=True)
class Report:
    """What was found. `verified` only if the head is signed, the leaves make its root, and nothing was changed."""

    origin: str
    size: int
    root: bytes
    since: int | None = None
    entries: int = 0
    verified: bool = False
    tampered: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "verified": self.verified,
            "origin": self.origin,
            "size": self.size,
            "root": base64.b64encode(self.root).decode(),
            "entries": self.entries,
            "since": self.since,
            "tampered": [each.as_json() for each in self.tampered],
        }


def verify(file: BinaryIO, verifier: note.Verifier, since: Checkpoint | None = None) -> Report:
    """Read an export to its end; `since` is an earlier checkpoint that the caller kept (see `earlier`).

    ExportBroken: cut off or not an export. NoteInvalid, CheckpointInvalid: the newest checkpoint is not signed
    with this key.
    """
    lines = _lines(file)
    header = next(lines, (0, b""))[1]
    value = _object(header, 1)
    if value.get("format") != FORMAT or not isinstance(value.get("checkpoint"), str):
        raise ExportBroken("line 1: this is not an export of a log")
    head = checkpoint.open_signed(value["checkpoint"].encode(), verifier)
    checking = _Checking(verifier, head, since)
    for number, line in lines:
        checking.read(number, line)
    return checking.finish()


def earlier(raw: bytes, verifier: note.Verifier) -> Checkpoint:
    """A checkpoint that was kept, of this log or of the name it had before a restore.

    NoteInvalid or CheckpointInvalid: it is not one that this log's key signed.
    """
    name = raw.partition(b"\n")[0].decode(errors="replace")
    ours, theirs = _GENERATION.fullmatch(verifier.name), _GENERATION.fullmatch(name)
    if ours is not None and theirs is not None and ours[1] == theirs[1]:
        verifier = note.Verifier(name, verifier.public)
    return checkpoint.open_signed(raw, verifier)


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A leaf whose hash is told in several ways that differ: from its bytes, from its row, from its tile."""

    index: int
    entry_id: int | None
    hashes: tuple[bytes | None, bytes | None, bytes | None]

    def judged(self, truth: bytes | None) -> Finding:
        actual = self.hashes[0]
        if actual is None:
            reason = "the entry is gone"
        elif truth is None:
            reason = "the entry does not fit the hash kept of it"
        else:
            reason = "the hash kept of the entry was changed" if actual == truth else "the entry was changed"
        return Finding(self.index, self.index, reason, self.entry_id)


class _Checking:
    """Three trees grow side by side: of the entries as they are, of the hashes in their rows, and of the tiles.

    At every signed size one of them should have the signed root, and that one says what was changed in the others.
    """

    def __init__(self, verifier: note.Verifier, head: Checkpoint, since: Checkpoint | None) -> None:
        self.verifier = verifier
        self.head = head
        self.since = since
        self.report = Report(head.origin, head.size, head.root, None if since is None else since.size)
        self.trees = [merkle.Frontier() for _ in range(3)]
        self.tile: list[bytes] = []
        self.suspects: list[_Leaf] = []
        self.size = 0
        self.anchor = 0  # every leaf below it was judged under a signed root
        self.lost = False

    def read(self, number: int, line: bytes) -> None:
        match = _VERBATIM.fullmatch(line)
        if match is not None:
            stored = _decoded(number, match[3].decode())
            self._leaf(number, int(match[1]), int(match[2]), stored, match[4])
            return
        value = _object(line, number)
        match value:
            case {"tile": str(), "hashes": str(hashes)}:
                self._take_tile(number, hashes)
            case {"checkpoint": str(signed)}:
                self._passed(signed.encode())
            case {"index": int(index), "id": entry_id, "missing": True}:
                self._leaf(number, index, entry_id if isinstance(entry_id, int) else None, None, None)
            case {"index": int(index), "id": int(entry_id), "hash": str(kept), "bytes": str(raw)}:
                self._leaf(number, index, entry_id, _decoded(number, kept), _decoded(number, raw))
            case _:
                raise ExportBroken(f"line {number}: no such line belongs into an export")

    def finish(self) -> Report:
        if self.size < self.head.size:
            raise ExportBroken(f"the file ends after leaf {self.size} of {self.head.size}")
        self._judge(self.head.size, self.head.root)
        for each in self.suspects:
            self._tell(each.judged(None))
        report = self.report
        if self.since is not None and self.since.size > self.head.size:
            self._tell(Finding(self.head.size, self.since.size - 1, "these leaves were signed and are gone"))
        report.verified = not report.tampered and not self.lost
        return report

    def _take_tile(self, number: int, hashes: str) -> None:
        held = _decoded(number, hashes)
        self.tile = [each for each in tiles.split(held) if len(each) == merkle.HASH_BYTES]

    def _leaf(
        self, number: int, index: int, entry_id: int | None, stored: bytes | None, raw: bytes | None
    ) -> None:
        if index < self.size or index >= self.head.size:
            raise ExportBroken(f"line {number}: leaf {index} is out of place")
        while self.size < index:  # a line was taken out
            self._append(None, None, None)
        if raw is not None:
            self.report.entries += 1
        self._append(entry_id, stored, raw)

    def _append(self, entry_id: int | None, stored: bytes | None, raw: bytes | None) -> None:
        index, place = self.size, self.size % tiles.WIDTH
        tiled = self.tile[place] if place < len(self.tile) else None
        hashes = None if raw is None else merkle.leaf_hash(raw), stored, tiled
        if raw is None or not hashes[0] == stored == tiled:
            self.suspects.append(_Leaf(index, entry_id, hashes))
        elif (wrong := _unfit(raw)) is not None:
            self._tell(Finding(index, index, wrong, entry_id))
        known = next((each for each in reversed(hashes) if each is not None), merkle.EMPTY_ROOT)
        for tree, each in zip(self.trees, hashes, strict=True):
            tree.append(each or known)
        self.size += 1
        if place == tiles.WIDTH - 1:
            self.tile = []
        if self.since is not None and self.since.size == self.size:
            self._judge(self.size, self.since.root, kept=True)

    def _passed(self, raw: bytes) -> None:
        size = self.size
        try:
            signed = earlier(raw, self.verifier)
            if signed.size != size:
                raise ExportBroken("the checkpoint is of another size")
        except ValueError as error:
            last = max(0, size - 1)
            self._tell(Finding(last, last, f"the checkpoint signed here was changed: {error}"))
            return
        self._judge(size, signed.root)

    def _judge(self, size: int, root: bytes, *, kept: bool = False) -> None:
        """Compare the trees with a signed root of this size, and settle what was suspected since the last one."""
        if self.lost:
            return
        suspects, self.suspects = self.suspects, []
        place = next((n for n, tree in enumerate(self.trees) if tree.root() == root), None)
        for each in suspects:
            self._tell(each.judged(None if place is None else each.hashes[place]))
        if place is None and kept:
            reason = "the log is not the one that the earlier checkpoint signed"
            self._tell(Finding(0, size - 1, reason))
        elif place is None:
            reason = "changed, and so were the hashes kept of them"
            self._tell(Finding(self.anchor, max(self.anchor, size - 1), reason))
        elif suspects:
            self.trees = [deepcopy(self.trees[place]) for _ in self.trees]
        self.lost = place is None  # then no later root can be compared; the suspicions still are told
        self.anchor = size

    def _tell(self, finding: Finding) -> None:
        if len(self.report.tampered) < MAX_TOLD:
            self.report.tampered.append(finding)


def _decoded(number: int, text: str) -> bytes:
    try:
        return note.decode_base64(text)
    except ValueError as error:
        raise ExportBroken(f"line {number}: {error}") from error


def _unfit(raw: bytes) -> str | None:
    try:
        body.canonical(raw)
    except ValueError as error:
        return str(error)
    return None


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if not line.endswith(b"\n"):
            raise ExportBroken(f"line {number}: the file is cut off")
        yield number, line[:-1]


def _object(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ExportBroken(f"line {number}: this is not a line of an export")
    return value
