"""`zgoda policy`: what a folder of policies says, and what is wrong with it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from registry.kit import clock
from registry.kit.shipped import folder as shipped_folder
from registry.kit.terminal import Terminal, emit, prints_result, runs
from registry.policy import loader
from registry.policy.documents import Problem
from registry.policy.model import PolicySet

FolderCheck = Callable[[Path, PolicySet], Sequence[Problem]]
# What areas above know to be wrong with a folder; the command line names them.
_MORE: list[FolderCheck] = []


def register(group: click.Group) -> None:
    """Add `policy` to the command line."""
    group.add_command(policy)


def also_check(check: FolderCheck) -> None:
    """Let `zgoda policy check` run this check too, on folders that can be read."""
    if check not in _MORE:
        _MORE.append(check)


@click.group()
def policy() -> None:
    """Check and list the policies: purposes, notices, channels, national rules."""


@policy.command("check")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@prints_result
@runs
async def check(terminal: Terminal, folder: Path | None) -> int:
    """Check FOLDER (or the policies in use): every problem with file, line and mend."""
    place = folder or terminal.settings.policies or shipped_folder("policies")
    policies, problems = await asyncio.to_thread(loader.examine, place, clock.now().date())
    # What follows from a problem that is told already is not told again.
    if policies is not None and not problems:
        for more in _MORE:
            problems = [*problems, *await asyncio.to_thread(more, place, policies)]
    lines = [f"{place / problem.file}:{problem.line}: {problem.text}; {problem.mend}" for problem in problems]
    purposes = len(policies.purposes) if policies else 0
    result = {
        "folder": str(place),
        "valid": not problems,
        "purposes": purposes,
        "problems": [{"file": p.file, "line": p.line, "problem": p.text, "mend": p.mend} for p in problems],
    }
    text = "\n".join(lines) if lines else f"{place}: {purposes} purposes, no problem"
    emit(terminal, result, text)
    return 1 if problems else 0


@policy.command("list")
@prints_result
@runs
async def list_(terminal: Terminal) -> None:
    """The purposes in use: who answers for them, on what they rest, and which version."""
    policies = await asyncio.to_thread(loader.load, terminal.settings.policies)
    rows = [_row(policies, name) for name in sorted(policies.purposes)]
    table = Table(box=None, pad_edge=False)
    for column in ("purpose", "controller", "class", "basis", "channels", "languages", "version"):
        table.add_column(column)
    for row in rows:
        table.add_row(
            row["purpose"],
            row["controller"],
            row["class"],
            row["basis"],
            ", ".join(row["channels"]),
            ", ".join(row["locales"]),
            row["version"][:12],
        )
    emit(terminal, {"purposes": rows}, table)


def _row(policies: PolicySet, name: str) -> dict[str, Any]:
    purpose = policies.purposes[name]
    return {
        "purpose": name,
        "controller": purpose.controller,
        "class": purpose.class_.value,
        "basis": purpose.basis.value,
        "channels": list(purpose.channels),
        "grounds": [ground.value for ground in purpose.grounds],
        "least_grade": purpose.least_grade.name.lower(),
        "locales": list(purpose.locales),
        "notice_version": purpose.notice_version,
        "title": purpose.title,
        "version": purpose.version,
    }
