"""Policy files with their lines: the TOML reader gives none, and an error without a line is half an error."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from registry.kit.errors import Refused

KeyPath = tuple[str | int, ...]

_HEADER = re.compile(r"^\[(\[?)([^\[\]]+)\]\]?\s*(?:#.*)?$")
_KEY = re.compile(
    r"""^((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)$")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong in a policy folder, where, and what to do about it; `file` is relative to the folder."""

    file: str
    line: int
    text: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}; {self.mend}"


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem in what the files say together: `path` is the key in `file` whose line is looked up."""

    file: str
    path: KeyPath
    text: str
    mend: str


class PolicyInvalid(Refused):
    """The policies cannot be used; `problems` names every place and its mend."""

    title = "Policy invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        more = f" (and {len(problems) - 1} more: zgoda policy check)" if len(problems) > 1 else ""
        super().__init__(
            "policy.invalid", f"{first.file}:{first.line}: {first.text}.{more}", mend=first.mend, status=500
        )
        self.problems = tuple(problems)


@dataclass(slots=True)
class Document:
    """One file: its text, what it says, and where. `first_line` is where its TOML begins."""

    file: str
    text: str
    data: dict[str, Any] = field(default_factory=dict)
    body: str = ""
    first_line: int = 1

    def line_of(self, path: KeyPath) -> int:
        """The line of a key, or of the nearest table around it."""
        best, depth = self.first_line, 0
        table: KeyPath = ()
        counts: dict[KeyPath, int] = {}
        for number, raw in enumerate(self.text.splitlines(), self.first_line):
            line = raw.strip()
            if header := _HEADER.match(line):
                table = _parts(header[2])
                if header[1]:
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                found = table
            elif key := _KEY.match(line):
                found = (*table, *_parts(key[1]))
            else:
                continue
            if found == path:
                return number
            if len(found) > depth and path[: len(found)] == found:
                best, depth = number, len(found)
        return best


def _parts(dotted: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def read(folder: Path, file: str, problems: list[Problem]) -> Document | None:
    """One TOML file of the folder; None, and a problem, when it is missing or is not TOML in UTF-8."""
    text = text_of(folder, file, problems)
    return None if text is None else _parsed(Document(file, text), problems)


def read_notice(folder: Path, file: str, problems: list[Problem]) -> Document | None:
    """A notice: TOML between two lines of `+++`, then the text exactly as it is shown."""
    text = text_of(folder, file, problems)
    if text is None:
        return None
    opening, _, rest = text.partition("\n")
    front, closing, body = rest.partition("\n+++\n")
    if opening != "+++" or not closing:
        problems.append(
            Problem(file, 1, "a notice begins with its front matter", "put TOML between two lines of +++")
        )
        return None
    return _parsed(Document(file, front, body=body, first_line=2), problems)


def text_of(folder: Path, file: str, problems: list[Problem]) -> str | None:
    """A file's text, its lines ended alike; None, and a problem, when it is missing or is not UTF-8."""
    try:
        return (folder / file).read_bytes().decode("utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        problems.append(Problem(file, 1, "the file is missing", "add it"))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.append(Problem(file, line, "the text is not UTF-8", "save it as UTF-8"))
    return None


def _parsed(document: Document, problems: list[Problem]) -> Document | None:
    try:
        document.data = tomllib.loads(document.text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        line = document.first_line + len(document.text.splitlines()) - 1
        if at := _AT_LINE.search(message):
            line = int(at[1]) + document.first_line - 1
            message = message[: at.start()].strip()
        problems.append(
            Problem(document.file, line, f"not TOML: {message}", "mend the syntax (toml.io/en/v1.0.0)")
        )
        return None
    return document


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The known name that `name` was probably meant to be."""
    found = get_close_matches(name, known, n=1, cutoff=0.6)
    return found[0] if found else None
