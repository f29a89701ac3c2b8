"""`zgoda contact export|restrict|erase` and `zgoda keys rotate`."""

import os
from pathlib import Path
from typing import cast

import click

from registry.contacts.queries import parse_reference
from registry.keys.ring import FileKeyRing
from registry.kit.errors import Refused
from registry.kit.terminal import Terminal, emit, note, prints_result, progress, reads_persons, runs
from registry.subject_requests import erasure, package, restriction, rotation
from registry.subject_requests.restriction import REASONS, Because


@click.command("export")
@click.argument("ref")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write it there, mode 0600.")
@reads_persons
@runs
async def export(terminal: Terminal, ref: str, out: Path | None) -> None:
    """Give everything stored about the person REF as JSON, with what they are to be told (GDPR art. 15)."""
    reference = parse_reference(ref)
    if out is not None and out.exists():
        raise Refused("file.exists", f"{out} exists.", field="--out")
    async with terminal.open() as workspace:
        async with workspace.database.begin(terminal.caller()) as session:
            made = await package.make(session, workspace.ring, workspace.policies, reference)
    text = package.encode(made)
    if out is None:
        emit(terminal, made, text)
        return
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    told = {"file": str(out), "contact": made["contact"], "items": made["items"], "bytes": out.stat().st_size}
    emit(terminal, told, f"{made['items']} items to {out}")


@click.command("restrict")
@click.argument("ref")
@click.option("--because", type=click.Choice(REASONS), default="accuracy", help="GDPR art. 18(1)(a) to (d).")
@click.option("--lift", is_flag=True, help="End the restriction; the person was told before.")
@prints_result
@runs
async def restrict(terminal: Terminal, ref: str, because: str, lift: bool) -> None:
    """Restrict the processing of the person REF (GDPR art. 18)."""
    reference = parse_reference(ref)
    async with terminal.open() as workspace:
        async with workspace.database.begin(terminal.caller()) as session:
            contact_id, request_id = await (
                restriction.lift(session, workspace.ring, reference)
                if lift
                else restriction.restrict(session, workspace.ring, reference, cast(Because, because))
            )
    state = "lifted" if lift else "restricted"
    told = {"contact": str(contact_id), "request": str(request_id), "state": state}
    emit(terminal, told, f"{contact_id}: {state}")


@click.command("erase")
@click.argument("ref")
@prints_result
@runs
async def erase(terminal: Terminal, ref: str) -> None:
    """Erase the person REF (GDPR art. 17). This cannot be undone; `zgoda keys rotate` makes backups follow."""
    reference = parse_reference(ref)
    async with terminal.open() as workspace:
        done = await erasure.erase_person(
            workspace.database, workspace.ring, workspace.policies, terminal.caller(), reference
        )
    told = {
        "contact": str(done.contact_id),
        "erasure": str(done.id),
        "erased_at": done.erased_at.isoformat(),
        "certified_at": done.certified_at.isoformat() if done.certified_at else None,
        "already": done.already,
        "counts": done.counts,
    }
    said = "was erased before, on" if done.already else "erased,"
    if done.certified_at:
        backups = f"no backup can be read since {done.certified_at:%Y-%m-%d %H:%M} UTC"
    else:
        backups = "backups follow with zgoda keys rotate"
    emit(terminal, told, f"{done.contact_id} {said} {done.erased_at:%Y-%m-%d %H:%M} UTC; {backups}.")


@click.group()
def keys() -> None:
    """The key ring: epochs, and the export that goes to a safe place."""


@keys.command("rotate")
@click.option(
    "--export",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the new key export goes; else into the exports of the data folder. Keep it away from backups.",
)
@prints_result
@runs
async def rotate(terminal: Terminal, target: Path | None) -> None:
    """Wrap everybody's keys under a new epoch and destroy the old one: what was erased is gone from backups too.

    The server goes on meanwhile. Cut off, it is ended by running it again.
    """
    chosen = target or terminal.settings.exports_folder / "keys.json"
    async with terminal.open() as workspace:
        if not isinstance(workspace.ring, FileKeyRing):
            raise Refused("keys.elsewhere", "The key ring is not in the data folder.")
        work = rotation.Rotation(workspace.database, workspace.ring, workspace.policies, terminal.caller())
        async with workspace.database.begin(terminal.caller()) as session:
            total = await session.value("SELECT count(*) FROM person_key")
        with progress("Wrapping keys anew", total) as advance:
            done = await rotation.rotate(work, chosen, advance)
    for moved in done.moved:
        note(f"An earlier key export is not at {moved} any more: destroy it where it is now.")
    told = {
        "epoch": done.epoch,
        "destroyed": done.destroyed,
        "rewrapped": done.rewrapped,
        "certified": done.certified,
        "export": str(done.export),
        "moved": [str(path) for path in done.moved],
        "resumed": done.resumed,
    }
    emit(
        terminal,
        told,
        f"Epoch {done.epoch}: {done.rewrapped} persons; destroyed {done.destroyed or 'none'};"
        f" {done.certified} erasures are complete everywhere.\nKey export: {done.export}",
    )


def register(group: click.Group) -> None:
    """Add the commands of this area to `zgoda` and to its group `contact`."""
    contact = group.commands.get("contact")
    if not isinstance(contact, click.Group):
        contact = click.Group("contact", help="Persons: what is stored of them.")
        group.add_command(contact)
    for command in (export, restrict, erase):
        contact.add_command(command)
    group.add_command(keys)
