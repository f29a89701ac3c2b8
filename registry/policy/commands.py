"""`zgoda policy`: what a folder of policies says, and what is wrong with it."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from registry.kit import clock
from registry.kit.errors import Refused
from registry.kit.shipped import folder as shipped_folder
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, emit, prints_result, runs
from registry.policy import in_force, loader
from registry.policy.documents import Problem
from registry.policy.in_force import Recorded
from registry.policy.model import PolicySet

FolderCheck = Callable[[Path, PolicySet], Sequence[Problem]]
# What areas above know to be wrong with a folder; the command line names them.
_MORE: list[FolderCheck] = []


def also_check(check: FolderCheck) -> None:
    """Let `zgoda policy check` run this check too, on folders that can be read."""
    if check not in _MORE:
        _MORE.append(check)


@click.command("check")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@prints_result
@runs
async def check(terminal: Terminal, folder: Path | None) -> int:
    """Check FOLDER (or the folder that the settings name): every problem with file, line and mend."""
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


@click.command("list")
@prints_result
@runs
async def list_(terminal: Terminal) -> None:
    """The purposes in force: who answers for them, on what they rest, and which version."""
    policies, told = await _in_force(terminal)
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
    emit(terminal, {"set": told, "purposes": rows}, table)


async def _in_force(terminal: Terminal) -> tuple[PolicySet, dict[str, Any] | None]:
    """What is in force, or what would be, where nothing was initialised yet."""
    try:
        async with terminal.open() as workspace:
            async with workspace.database.begin(terminal.caller()) as session:
                sets = await in_force.history(session)
            return workspace.policies, _set(sets[0]) if sets else None
    except Refused as refused:
        if refused.code != "data.not_initialised":
            raise
    return await asyncio.to_thread(loader.load, terminal.settings.policies), None


@click.command("history")
@prints_result
@runs
async def history(terminal: Terminal) -> None:
    """Every set of policies that was put in force: when, by whom and why; the one in force first."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        rows = [_set(one) for one in await in_force.history(session)]
    table = Table(box=None, pad_edge=False)
    for column in ("set", "in force since", "from", "author", "reason"):
        table.add_column(column)
    for row in rows:
        since = row["recorded_at"][:16].replace("T", " ")
        table.add_row(str(row["set"]), since, row["origin"], row["author"], row["reason"])
    emit(terminal, {"sets": rows}, table)


@click.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--set", "number", type=click.IntRange(min=1), help="Of `zgoda policy history`; the one in force."
)
@prints_result
@runs
async def export(terminal: Terminal, folder: Path, number: int | None) -> None:
    """Write the files of a set that was put in force into FOLDER, which must not hold any."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        found = await in_force.recorded(session, number)
    if folder.exists() and any(folder.iterdir()):
        raise Refused("folder.not_empty", f"{folder} is not empty.", mend="name another folder")
    for name, text in found.bundle.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    files = len(found.bundle.files)
    result = {"folder": str(folder), "set": found.number, "files": files}
    emit(terminal, result, f"{files} files of set {found.number} in {folder}")


def _set(one: Recorded) -> dict[str, Any]:
    return {
        "set": one.number,
        "hash": one.hash,
        "origin": one.origin,
        "author": one.author,
        "reason": one.reason,
        "recorded_at": one.recorded_at.isoformat(),
    }


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
