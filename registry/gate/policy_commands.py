"""`zgoda policy test|diff|apply`: the worked cases, what a change would do to whom, and the change itself."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import click

from registry.access.workspace import Workspace
from registry.gate import cases, policy_diff, policy_members_file, policy_report
from registry.gate.cases import Played
from registry.gate.policy_changes import Difference
from registry.gate.policy_members import Naming
from registry.kit import clock
from registry.kit.errors import Misuse
from registry.kit.instants import INSTANT
from registry.kit.shipped import folder as shipped_folder
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, emit, note, prints_result, progress, reads_persons, runs
from registry.policy import commands as policy_commands
from registry.policy import in_force, loader
from registry.policy.documents import PolicyInvalid
from registry.policy.in_force import Bundle, Change
from registry.policy.model import PolicySet

CURRENT, SHIPPED = "current", "shipped"

# `zgoda policy check` plays the worked cases too, of which the area below cannot know.
policy_commands.also_check(cases.failures)
check = policy_commands.check


@click.command("test")
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@prints_result
@runs
async def test(terminal: Terminal, folder: Path | None) -> int:
    """Play the worked cases of FOLDER (or of the folder that the settings name) and tell which do not come out."""
    place = folder or terminal.settings.policies or shipped_folder("policies")
    policies = await asyncio.to_thread(loader.load, place)
    played, unreadable = await asyncio.to_thread(cases.play_all, place, policies)
    failed = [one for one in played if one.differs]
    rows = [
        {
            "purpose": name,
            "cases": sum(one.purpose == name for one in played),
            "failed": sum(one.purpose == name for one in failed),
        }
        for name in policies.purposes
    ]
    result = {
        "folder": str(place),
        "purposes": rows,
        "failures": [_failure(place, one) for one in failed],
        "unreadable": [str(problem) for problem in unreadable],
    }
    if terminal.json:
        emit(terminal, result, "")
    else:
        emit(terminal, result, _cases_table(rows))
        for one in failed:
            emit(terminal, result, _told(place, one))
        for problem in unreadable:
            emit(terminal, result, f"{place / problem.file}:{problem.line}: {problem.text}; {problem.mend}")
    return 1 if failed or unreadable else 0


def _failure(place: Path, one: Played) -> dict[str, Any]:
    return {
        "file": str(place / cases.file_of(one.purpose)),
        "line": one.case.line,
        "case": one.case.name,
        "expected": one.expected,
        "got": one.got,
        "differs": list(one.differs),
    }


def _told(place: Path, one: Played) -> str:
    where = f"{place / cases.file_of(one.purpose)}:{one.case.line}"
    return f"{where}: “{one.case.name}” expected {one.expected}, got {one.got}: {', '.join(one.differs)}"


def _cases_table(rows: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("purpose")
    for column in ("cases", "failed"):
        table.add_column(column, justify="right")
    for row in rows:
        failed = f"[red]{row['failed']}[/red]" if row["failed"] else "0"
        table.add_row(row["purpose"], str(row["cases"]), failed)
    table.add_row("", str(sum(row["cases"] for row in rows)), str(sum(row["failed"] for row in rows)))
    return table


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--at", type=INSTANT, help="Answers as of this time; now unless said.")
@click.option(
    "--members",
    "target",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="Write whose answers change there, a line each (.csv: CSV, else JSON lines; - is standard output).",
)
@reads_persons
@runs
async def diff(terminal: Terminal, old: str, new: str, at: datetime | None, target: Path | None) -> None:
    """Who would be answered differently by NEW than by OLD, and why; nothing is changed.

    OLD and NEW are folders; `current` is what is in force, `shipped` what came with this release. With --members
    everybody is named whose answer for a purpose on a channel would be another one; the log has them first.
    """
    piped = target == policy_members_file.STDOUT
    if piped and terminal.json:
        raise Misuse(
            "output.shared",
            "The comparison and its members cannot both go to standard output.",
            field="--members",
            mend="name a file",
        )
    async with AsyncExitStack() as stack:
        write = None if target is None else stack.enter_context(policy_members_file.opened(target))
        workspace = await stack.enter_async_context(terminal.open())
        before, after = await _named(workspace, old), await _named(workspace, new)
        naming = None
        if write is not None:
            naming = Naming(workspace.database, workspace.ring, terminal.caller(), write, progress)
        found = await _difference(terminal, workspace, before, after, at or clock.now(), naming)
    told, text = policy_report.as_json(old, new, found), policy_report.for_people(old, new, found)
    if naming is not None:
        note(f"{naming.told:,} answers named" + ("" if piped else f" in {target}"))
        told["members"] = {"file": str(target), "answers": naming.told}
    if piped:
        note(text)
    else:
        emit(terminal, told, text)


async def _named(workspace: Workspace, word: str) -> PolicySet:
    if word == CURRENT:
        return workspace.policies
    return await asyncio.to_thread(loader.load, None if word == SHIPPED else Path(word))


async def _difference(
    terminal: Terminal,
    workspace: Workspace,
    old: PolicySet,
    new: PolicySet,
    at: datetime,
    naming: Naming | None = None,
) -> Difference:
    began = perf_counter()
    with ExitStack() as stack:

        def counting(label: str, total: int) -> Callable[[int], None]:
            note("the gate's rows cannot tell: " + label)
            return stack.enter_context(progress(label, total))

        found = await policy_diff.difference(
            workspace.database, workspace.ring, terminal.caller(), old, new, at, counting, naming
        )
    note(f"compared in {perf_counter() - began:.1f} s")
    return found


@click.command("apply")
@click.argument("folder")
@click.option(
    "--author", required=True, metavar="NAME", help="Who answers for the change; recorded for good."
)
@click.option("--reason", required=True, metavar="TEXT", help="Why it is made; recorded for good.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--skip-diff", is_flag=True, help="Do not look first at who is answered differently.")
@prints_result
@runs
async def apply(terminal: Terminal, folder: str, author: str, reason: str, yes: bool, skip_diff: bool) -> int:
    """Put the policies of FOLDER (or `shipped`) in force: checked, tested, compared, then recorded for good.

    Doing it again changes nothing. Servers that run take them up within a second or two.
    """
    if not yes and (terminal.json or not sys.stdin.isatty()):
        raise Misuse("confirmation.missing", "Nobody is there to be asked.", field="--yes", mend="say --yes")
    for name, told, mend in (
        ("--author", author, "name who answers for the change"),
        ("--reason", reason, "say why it is made"),
    ):
        if not told.strip():
            raise Misuse("field.empty", "It is recorded for good and says nothing.", field=name, mend=mend)
    bundle = await asyncio.to_thread(Bundle.of, None if folder == SHIPPED else _existing(folder))
    policies = await asyncio.to_thread(_lawful, bundle)
    change = Change(bundle, author.strip(), reason.strip())
    found: Difference | None = None
    try:
        async with terminal.open() as workspace:
            async with workspace.database.begin(terminal.caller()) as session:
                now = await in_force.current(session)
            if now is not None and now.hash == bundle.hash:
                same = {"applied": False, "set": now.number, "author": now.author, "reason": now.reason}
                emit(terminal, same, f"Set {now.number} says the same already; nothing was changed.")
                return 0
            change = Change(bundle, change.author, change.reason, now.number if now else 0)
            if not skip_diff:
                found = await _difference(terminal, workspace, workspace.policies, policies, clock.now())
    except PolicyInvalid as unusable:
        note(
            f"{unusable.line()}\nWhat is in force cannot be read by this release, so nobody can be compared."
        )
    if found is not None and not terminal.json:
        emit(terminal, {}, policy_report.for_people(CURRENT, folder, found))
    if not yes:
        click.confirm("Put these policies in force?", abort=True, err=True)
    async with terminal.opened(terminal.settings, change=change) as workspace:
        number = workspace.policies.number
    result = {
        "applied": True,
        "set": number,
        "author": change.author,
        "reason": change.reason,
        "difference": policy_report.as_json(CURRENT, folder, found) if found else None,
    }
    emit(terminal, result, f"Set {number} is in force, by {change.author}: {change.reason}")
    return 0


def _existing(folder: str) -> Path:
    place = Path(folder)
    if not place.is_dir():
        raise Misuse("folder.unknown", f"{folder} is no folder.", field="FOLDER")
    return place


def _lawful(bundle: Bundle) -> PolicySet:
    """The policies, once they were checked as of today and their cases came out; PolicyInvalid names the rest."""
    with bundle.unpacked() as place:
        policies, problems = loader.examine(place, clock.now().date())
        if policies is not None and not problems:
            problems = cases.failures(place, policies)
    if policies is None or problems:
        raise PolicyInvalid(problems)
    return policies
