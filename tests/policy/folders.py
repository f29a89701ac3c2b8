"""Copies of the policies that ship, for tests that break them."""

import shutil
from pathlib import Path

from registry.kit.shipped import folder as shipped_folder
from registry.policy import loader
from registry.policy.documents import Problem


def copied(to: Path) -> Path:
    """A copy of the shipped policies in `to`."""
    return Path(shutil.copytree(shipped_folder("policies"), to / "policies"))


def replace(folder: Path, file: str, old: str, new: str) -> None:
    """Change a text that must be there."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def problems(folder: Path) -> list[Problem]:
    """What is wrong in the folder."""
    return loader.examine(folder)[1]


def only(folder: Path) -> Problem:
    """The one problem in the folder."""
    found = problems(folder)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


def line_of(folder: Path, file: str, start: str) -> int:
    """The number of the line that starts so."""
    lines = (folder / file).read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(start))
