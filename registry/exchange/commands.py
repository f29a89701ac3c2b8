"""`zgoda sample` and `zgoda import`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from registry.exchange import imports, mapping, sample
from registry.exchange.bars import bar
from registry.exchange.counts import Counts
from registry.exchange.imports import Imported
from registry.kit.errors import Refused
from registry.kit.terminal import Terminal, emit, note, prints_result, runs

_READABLE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.command("sample")
@click.option("--people", required=True, type=click.IntRange(1, 50_000_000), help="How many persons.")
@click.option("--seed", default=1, show_default=True, type=int, help="The same seed gives the same bytes.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The zip to write."
)
@prints_result
@runs
async def make_sample(terminal: Terminal, people: int, seed: int, out: Path) -> None:
    """Write a Mailchimp export of invented people, its mapping, and the truth about it.

    OUT.mapping.toml is for `zgoda import`; OUT.truth.json says of every address whether it may be sent to and why.
    """
    try:
        figures = sample.write(people, seed, out)
    except OSError as error:
        raise Refused(
            "file.unwritable",
            f"{out}: {error.strerror or 'cannot be written'}.",
            field="--out",
            mend="name a file in a folder that exists and may be written to",
        ) from None
    told = {
        "file": str(out),
        "mapping": f"{out}.mapping.toml",
        "truth": f"{out}.truth.json",
        **sample.told(figures),
    }
    emit(
        terminal,
        told,
        f"{figures.persons} persons in {figures.rows} rows: {out}, with .mapping.toml and .truth.json",
    )


@click.command("import")
@click.argument("file", type=_READABLE)
@click.option(
    "--format", "form", required=True, type=click.Choice(["mailchimp", "csv"]), help="What FILE is."
)
@click.option(
    "--mapping", "mapping_file", required=True, type=_READABLE, help="The TOML file that explains FILE."
)
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would come of it.")
@click.option("--with-values", is_flag=True, help="Put the rows' values into the reject file: personal data.")
@prints_result
@runs
async def import_file(
    terminal: Terminal, file: Path, form: mapping.Format, mapping_file: Path, dry_run: bool, with_values: bool
) -> None:
    """Import contacts and their consents from FILE.

    Rows that cannot be taken are listed in FILE.rejects.csv with number and reason. After an interruption the same
    command goes on where it stopped; importing a file again changes nothing. Nobody who said no is brought back.
    """
    told = mapping.load(mapping_file, form)
    async with terminal.open() as workspace:
        with bar(file.name) as show:
            done = await imports.run(
                workspace,
                terminal.caller(),
                file,
                form,
                told,
                dry_run=dry_run,
                with_values=with_values,
                progress=_progress(show),
            )
    if done.missing_attestation and not terminal.json:
        note(
            "The mapping lacks attested."
            + ", attested.".join(done.missing_attestation)
            + ": nothing is evidence."
        )
    emit(terminal, done.told(), _summary(done))


def _summary(done: Imported) -> str:
    counts = done.counts
    did = "Would import" if done.dry_run else "Imported"
    persons = f"{counts.created} new persons, {counts.matched} rows about known ones"
    consents = f"{counts.granted} attested, {counts.unknown} of unknown origin (never sendable)"
    others = f"{counts.withdrawn} withdrawn, {counts.invalidated} invalid, {counts.repeated} known already"
    lines = [
        f"{did} {counts.rows} rows: {persons}, {counts.rejected.total()} rejected.",
        f"Consents: {consents}, {others}. Dead addresses: {counts.dead}.",
    ]
    lines += [f"  {reason}: {number}" for reason, number in sorted(counts.rejected.items())]
    if counts.dropped:
        lines.append('Taken from a row with a "no", but for what cannot be read:')
        lines += [f"  {reason}: {number}" for reason, number in sorted(counts.dropped.items())]
    if (counts.rejected or counts.dropped) and done.rejects is not None:
        lines.append(f"Rejected rows: {done.rejects}")
    return "\n".join(lines)


def _progress(show: Callable[[int, int, str], None]) -> imports.Progress:
    """Rows, rows a second since the import went on, and rejects."""
    start: list[Any] = []

    def advance(counts: Counts, done: int, total: int) -> None:
        start[:] = start or [time.monotonic(), counts.rows]
        rate = (counts.rows - start[1]) / max(time.monotonic() - start[0], 0.001)
        show(done, total, f"{counts.rows:,} rows, {rate:,.0f}/s, {counts.rejected.total():,} rejected")

    return advance
