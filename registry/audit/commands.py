"""`zgoda audit`: exporting the log, verifying an export without a database, going on after a restore."""

import base64
from pathlib import Path
from typing import Any

import click

from registry.audit import note, verify
from registry.audit.checkpoint import Checkpoint, CheckpointInvalid
from registry.audit.verify import ExportBroken, Report
from registry.kit.errors import Misuse, Refused
from registry.kit.terminal import Terminal, emit, prints_result, runs

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def audit() -> None:
    """The log of every change and every read, which anybody can verify."""


@audit.command("export")
@click.argument("file", type=_FILE)
@prints_result
@runs
async def export(terminal: Terminal, file: Path) -> None:
    """Write the whole log to FILE, with everything that was done before this command."""
    from registry.audit import export as exporting
    from registry.audit import queries

    async with terminal.open() as workspace:
        head = await exporting.export(workspace.database, workspace.ring, terminal.caller(), file)
        async with workspace.database.begin(terminal.caller()) as session:
            vkey = (await queries.signer(session, workspace.ring)).verifier.vkey
    result = {"file": str(file), **_shown(head), "vkey": vkey}
    emit(terminal, result, f"{head.size} entries to {file}\nVerify: zgoda audit verify {file} --key {vkey}")


@audit.command("verify")
@click.argument("file", type=_FILE)
@click.option("--key", "vkey", required=True, metavar="VKEY", help="The log's verifier key, from zgoda init.")
@click.option(
    "--since",
    type=_FILE,
    metavar="CHECKPOINT",
    help="A checkpoint file that you kept: was the log rewritten?",
)
@prints_result
@click.pass_context
def verify_(ctx: click.Context, file: Path, vkey: str, since: Path | None) -> None:
    """Verify an exported log, with no database and no network."""
    terminal: Terminal = ctx.obj
    try:
        verifier = note.Verifier.parse(vkey.strip())
    except note.KeyInvalid as error:
        raise Misuse("key.invalid", f"{_sentence(error)}.", field="--key") from None
    known = None if since is None else _kept(since, verifier)
    report = _verified(file, verifier, known)
    emit(terminal, report.as_json(), _told(report))
    if not report.verified:
        ctx.exit(1)


@audit.command("reseat")
@click.option("--published", type=_FILE, metavar="CHECKPOINT", help="The last checkpoint that was published.")
@prints_result
@runs
async def reseat(terminal: Terminal, published: Path | None) -> None:
    """Go on with the log after its dump was restored into another PostgreSQL cluster."""
    from registry.audit import queries, reseating

    async with terminal.open() as workspace:
        async with workspace.database.begin(terminal.caller()) as session:
            verifier = (await queries.signer(session, workspace.ring)).verifier
        last = None if published is None else _kept(published, verifier)
        head = await reseating.reseat(workspace.database, workspace.ring, terminal.caller(), last)
        vkey = note.Ed25519Signer(head.origin, workspace.ring.signing).verifier.vkey
    emit(
        terminal,
        {**_shown(head), "vkey": vkey},
        f"The log goes on as {head.origin}, {head.size} entries\n{vkey}",
    )


def _verified(file: Path, verifier: note.Verifier, since: Checkpoint | None) -> Report:
    try:
        with file.open("rb") as opened:
            return verify.verify(opened, verifier, since)
    except OSError as error:
        raise Misuse("file.unreadable", f"{file} cannot be read: {error.strerror}.", field="FILE") from None
    except ExportBroken as error:
        raise Refused("export.broken", f"{file} is not a whole export: {error}.") from None
    except (note.NoteInvalid, CheckpointInvalid) as error:
        raise Refused("checkpoint.invalid", f"{_sentence(error)}.", field="--key") from None


def _kept(path: Path, verifier: note.Verifier) -> Checkpoint:
    try:
        with path.open("rb") as opened:
            return verify.earlier(opened.read(note.MAX_NOTE_BYTES + 1), verifier)
    except OSError as error:
        raise Misuse("file.unreadable", f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise Refused("checkpoint.invalid", f"{path}: {error}.") from None


def _told(report: Report) -> str:
    if report.verified:
        since = "" if report.since is None else f", and extends the checkpoint of {report.since}"
        return f"Verified: {report.entries} entries of {report.origin}{since}."
    return "\n".join(["Not verified.", *(each.line() for each in report.tampered)])


def _shown(head: Checkpoint) -> dict[str, Any]:
    root = base64.b64encode(head.root).decode()
    return {"origin": head.origin, "size": head.size, "root": root, "checkpoint": head.note}


def _sentence(error: Exception) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
