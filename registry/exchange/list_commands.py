"""`zgoda list`: do-not-call and do-not-mail lists, imported and shown."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from registry.exchange import list_imports, list_states
from registry.exchange.bars import bar
from registry.exchange.list_imports import Listed
from registry.kit import clock
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, emit, prints_result, runs

_READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group("list")
def lists() -> None:
    """Lists of people who want no advertising: a Member State's, and each controller's own."""


@lists.command("import")
@click.argument("name", metavar="LIST")
@click.argument("file", type=_READABLE)
@click.option("--column", metavar="NAME", help="The column of a CSV; left out, FILE has one entry a line.")
@click.option("--dated", type=click.DateTime(["%Y-%m-%d"]), help="Of which day the list is; left out, today.")
@click.option("--full", "whole", is_flag=True, help="FILE is the whole list: who is not in it is taken off.")
@click.option("--allow-shrink", "shrink", is_flag=True, help="Even if more than half of the list goes.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would come of it.")
@click.option("--with-values", is_flag=True, help="Put the entries into the reject file: personal data.")
@prints_result
@runs
async def import_list(
    terminal: Terminal,
    name: str,
    file: Path,
    column: str | None,
    dated: datetime | None,
    whole: bool,
    shrink: bool,
    dry_run: bool,
    with_values: bool,
) -> None:
    """Import LIST of policies/lists.toml from FILE: e-mail addresses or telephone numbers.

    They are kept as keyed codes, never as they are, and hold for whoever has the address or number now or later.
    Entries that cannot be read are in FILE.rejects.csv. Importing a file again changes nothing.
    """
    async with terminal.open() as workspace:
        with bar(file.name) as show:
            done = await list_imports.run(
                workspace,
                terminal.caller(),
                name,
                file,
                column=column,
                dated=dated.date() if dated else None,
                whole=whole,
                shrink=shrink,
                dry_run=dry_run,
                with_values=with_values,
                progress=lambda entries, read, size: show(read, size, f"{entries:,} entries"),
            )
    emit(terminal, done.told(), _summary(done))


@lists.command("show")
@prints_result
@runs
async def show(terminal: Terminal) -> None:
    """Show every list: how many are on it, of which day it is, and what follows when it is too old."""
    async with terminal.open() as workspace:
        async with workspace.database.begin(terminal.caller()) as session:
            states = await list_states.states(session, workspace.policies, clock.now())
    table = Table(box=None, pad_edge=False)
    for heading in ("list", "country", "stops", "entries", "of", "fresh until", "state"):
        table.add_column(heading)
    for state in states:
        table.add_row(
            state.id,
            state.country or "",
            ", ".join(state.channels),
            f"{state.entries:,}",
            _day(state.dated),
            _day(state.fresh_until),
            state.told,
        )
    emit(terminal, {"lists": [state.as_json() for state in states]}, table)


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _summary(done: Listed) -> str:
    did = "Would list" if done.dry_run else "Listed"
    rejected = sum(done.rejected.values())
    lines = [
        f"{did} {done.listed} new of {done.entries} entries; {done.unlisted} taken off, {rejected} rejected."
    ]
    if not done.dry_run:
        lines.append(f"Persons who have one of these addresses now: {done.affected}.")
    lines += [f"  {reason}: {number}" for reason, number in sorted(done.rejected.items())]
    if done.rejects is not None:
        lines.append(f"Rejected entries: {done.rejects}")
    return "\n".join(lines)
