"""Copies of the policies that ship, for tests that break them."""

import re
import shutil
from pathlib import Path

from registry.kit.shipped import folder as shipped_folder
from registry.policy import loader
from registry.policy.documents import Problem

NEWSLETTER = "purposes/newsletter/policy.toml"


def copied(to: Path) -> Path:
    """A copy of the shipped policies in `to`, without collection points, whose texts lean on everything else."""
    without = shutil.ignore_patterns("collection")
    return Path(shutil.copytree(shipped_folder("policies"), to / "policies", ignore=without))


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


def rest_on_interest(folder: Path, purpose: str) -> None:
    """Move a purpose from consent to legitimate interests, with everything that the checks ask for then."""
    replace(
        folder,
        f"purposes/{purpose}/policy.toml",
        'basis = "consent"',
        'basis = "legitimate_interests"\nbalancing = "product-letters"',
    )
    for notice in (folder / "purposes" / purpose).glob("notice.*.md"):
        notice.write_text(notice.read_text(encoding="utf-8").replace("withdrawal =", "objection ="), "utf-8")


def end(folder: Path, purpose: str) -> None:
    """Take a purpose out, and every field that was for it alone."""
    shutil.rmtree(folder / "purposes" / purpose)
    path = folder / "fields.toml"
    kept = []
    for table in re.split(r"(?m)^(?=\[\w+\]$)", path.read_text(encoding="utf-8")):
        without = (
            table.replace(f'"{purpose}", ', "").replace(f', "{purpose}"', "").replace(f'"{purpose}"', "")
        )
        if "purposes = []" not in without:
            kept.append(without)
    path.write_text("".join(kept), encoding="utf-8")
