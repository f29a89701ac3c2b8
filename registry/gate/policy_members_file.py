"""Where the names of a comparison go: JSON lines or CSV, to a pipe or in a file that appears whole or not at all."""

import csv
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import msgspec

from registry.gate.policy_changes import Answered, effect
from registry.gate.policy_members import Write
from registry.kit.errors import Refused

STDOUT = Path("-")
COLUMNS = ("contact", "purpose", "channel", "from", "to", "effect")


@contextmanager
def opened(target: Path) -> Iterator[Write]:
    """A function that writes answers to `target` (`.csv`: CSV, else NDJSON; `-`: standard output), mode 0600.

    Refused `file.exists`, `file.unwritable`: before anything is looked at, or when the disk is full.
    """
    if target == STDOUT:
        yield _to_stdout
        return
    if target.exists():
        raise Refused("file.exists", f"{target} exists.", field="--members", mend="name another file")
    form, head = (_rows, _text([COLUMNS])) if target.suffix.lower() == ".csv" else (_lines, b"")
    with _writing(target):
        # Readable by its owner alone, and another name for each run.
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
    partial, file = Path(name), os.fdopen(handle, "wb")

    def write(some: Sequence[Answered]) -> None:
        with _writing(target):
            file.write(form(some))

    try:
        with _writing(target):
            file.write(head)
        yield write
        with _writing(target):
            file.flush()
            os.fsync(file.fileno())
            partial.replace(target)
    finally:
        # What could not be written stays in the buffer, and closing tries once more.
        with suppress(OSError):
            file.close()
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused(
            "file.unwritable",
            f"{target} cannot be written: {error.strerror}.",
            field="--members",
            mend="name a file in a folder that exists and may be written to",
        ) from None


def _to_stdout(some: Sequence[Answered]) -> None:
    sys.stdout.buffer.write(_lines(some))
    sys.stdout.buffer.flush()


def _lines(some: Sequence[Answered]) -> bytes:
    return b"".join(b'{"contact":"%b"%b' % (str(one.person).encode(), _rest(*one[1:])) for one in some)


@lru_cache(maxsize=1024)
def _rest(purpose: str, channel: str, before: str, after: str) -> bytes:
    """The line behind the person: the same for everybody who changes alike."""
    told = dict(zip(COLUMNS[1:], (purpose, channel, before, after, effect(before, after)), strict=True))
    return b"," + msgspec.json.encode(told)[1:] + b"\n"


def _rows(some: Sequence[Answered]) -> bytes:
    return _text([(*one, effect(one.before, one.after)) for one in some])


def _text(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
