"""`zgoda contact export|restrict|erase`, `zgoda request list`, `zgoda retention sweep` and `zgoda keys rotate`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast, get_args
from uuid import UUID

import click

from registry.audit import entries as audit
from registry.contacts.queries import parse_reference
from registry.keys.ring import FileKeyRing
from registry.kit.database import Session
from registry.kit.errors import Refused
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, as_json, emit, note, prints_result, progress, reads_persons, runs
from registry.subject_requests import erasure, intake, lapsing, package, restriction, rotation
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
        made = await workspace.database.run(
            terminal.caller(), lambda s: package.make(s, workspace.ring, workspace.policies, reference)
        )
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

        async def work(session: Session) -> tuple[UUID, UUID, dict[str, Any]]:
            contact_id, request_id = await (
                restriction.lift(session, workspace.ring, reference)
                if lift
                else restriction.restrict(session, workspace.ring, reference, cast(Because, because))
            )
            return contact_id, request_id, _ended(session.voided, session.in_flight)

        contact_id, request_id, ended = await workspace.database.run(terminal.caller(), work)
    state = "lifted" if lift else "restricted"
    told = {"contact": str(contact_id), "request": str(request_id), "state": state, **ended}
    emit(terminal, told, f"{contact_id}: {state}" + _said(ended))


@click.command("erase")
@click.argument("ref")
@click.option(
    "--ground", type=click.Choice(get_args(erasure.Ground)), help="The point of GDPR art. 17(1), for the log."
)
@prints_result
@runs
async def erase(terminal: Terminal, ref: str, ground: erasure.Ground | None) -> None:
    """Erase the person REF (GDPR art. 17). This cannot be undone; `zgoda keys rotate` makes backups follow."""
    reference = parse_reference(ref)
    async with terminal.open() as workspace:
        done = await erasure.erase_person(
            workspace.database, workspace.ring, workspace.policies, terminal.caller(), reference, ground
        )
    told = {
        "contact": str(done.contact_id),
        "erasure": str(done.id),
        "erased_at": done.erased_at.isoformat(),
        "certified_at": done.certified_at.isoformat() if done.certified_at else None,
        "already": done.already,
        "counts": done.counts,
        **(ended := _ended(done.voided, done.in_flight)),
    }
    said = "was erased before, on" if done.already else "erased,"
    if done.certified_at:
        backups = f"no backup can be read since {done.certified_at:%Y-%m-%d %H:%M} UTC"
    else:
        backups = "backups follow with zgoda keys rotate"
    emit(
        terminal,
        told,
        f"{done.contact_id} {said} {done.erased_at:%Y-%m-%d %H:%M} UTC; {backups}." + _said(ended),
    )


def _ended(voided: Sequence[Any], in_flight: Sequence[Any]) -> dict[str, list[Any]]:
    """Permits of engines outside that a "no" put an end to, and those that it came too late for."""
    return {
        "permits_voided": [as_json(one) for one in voided],
        "permits_in_flight": [as_json(one) for one in in_flight],
    }


def _said(ended: dict[str, list[Any]]) -> str:
    voided, flying = (
        ", ".join(one["id"] for one in ended[name]) for name in ("permits_voided", "permits_in_flight")
    )
    text = f"\nPermits that were open and are void now: {voided}" if voided else ""
    return (
        f"{text}\nPermits redeemed just before, whose messages may still arrive: {flying}" if flying else text
    )


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


@click.group()
def request() -> None:
    """Requests of persons that came in over their page."""


@request.command("list")
@reads_persons
@runs
async def list_requests(terminal: Terminal) -> None:
    """Show the requests that wait for an answer, with the last day for it (GDPR art. 12(3))."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        waiting = await intake.waiting_of(session)
        await audit.append(
            session,
            workspace.ring,
            "request.read",
            subjects=[one.contact_id for one in waiting],
            kinds=("request",),
        )
    told = [
        {
            "request": str(one.id),
            "contact": str(one.contact_id),
            "kind": one.kind,
            "received_at": one.received_at.isoformat(),
            "due": one.due.isoformat(),
        }
        for one in waiting
    ]
    table = Table("contact", "kind", "received", "answer by")
    for one in waiting:
        table.add_row(str(one.contact_id), one.kind, f"{one.received_at:%Y-%m-%d %H:%M}", one.due.isoformat())
    emit(terminal, {"requests": told}, table)


@click.group()
def retention() -> None:
    """Terms after which data go."""


@retention.command("sweep")
@prints_result
@runs
async def sweep(terminal: Terminal) -> None:
    """Delete the requests for a confirmation whose term is over; a running server does it every ten minutes.

    The person goes with the request when nothing else is known of them. Cut off, it is ended by running it again.
    """
    async with terminal.open() as workspace:
        swept = await lapsing.sweep(workspace, caller=terminal.caller())
    told = {"requests": swept.requests, "persons": swept.persons}
    emit(terminal, told, f"{swept.requests} unconfirmed requests deleted, {swept.persons} persons with them.")
