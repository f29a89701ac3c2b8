"""`zgoda decision show|prove|verify`: why somebody was written to, or was not."""

import json
from typing import IO
from uuid import UUID

import click

from registry.audit import note
from registry.audit.evidence import EvidenceInvalid
from registry.gate import evidence, evidence_documents
from registry.gate.evidence_schemas import Kept
from registry.kit.errors import Misuse, Refused
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, as_json, emit, prints_result, reads_persons, runs, terminal_of


@click.command("show")
@click.argument("decision_id", metavar="DECISION", type=click.UUID)
@reads_persons
@runs
async def show(terminal: Terminal, decision_id: UUID) -> None:
    """Show a decision as it was kept: reason, act relied on, policy of then, and what became of the message."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        kept = await evidence_documents.show(session, workspace.ring, decision_id)
    emit(terminal, as_json(kept), _table(kept))


def _table(kept: Kept) -> Table:
    table = Table(title=str(kept.id), title_justify="left", show_header=False)
    rows = {
        "decided": f"{kept.decided_at:%Y-%m-%d %H:%M:%S} UTC, {kept.kind}",
        "answer": f"{kept.outcome}: {kept.reason}" + (f" ({kept.article})" if kept.article else ""),
        "about": str(kept.contact) if kept.contact else "nobody, or several persons",
        "purpose": f"{kept.purpose} on {kept.channel}",
        "basis": " and ".join(filter(None, (kept.basis, kept.channel_ground))),
    }
    if kept.entry:
        acted = f"{kept.entry.acted_at:%Y-%m-%d %H:%M}" if kept.entry.acted_at else "undated"
        shown = f", notice {kept.entry.notice_version}" if kept.entry.notice_version else ""
        rows["act"] = f"{kept.entry.kind}, {acted}, {kept.entry.source}{shown} ({kept.entry.id})"
    if kept.ground:
        rows["fact"] = f"{kept.ground.kind}, {kept.ground.occurred_at:%Y-%m-%d} ({kept.ground.id})"
    if kept.policy:
        rows["policy"] = (
            f"{kept.policy.version}, since {kept.policy.recorded_at:%Y-%m-%d}: {kept.policy.reason}"
        )
    if kept.message:
        handed = f", {kept.message.handed_at:%Y-%m-%d %H:%M:%S} UTC" if kept.message.handed_at else ""
        rows["message"] = f"{kept.message.state}{handed} ({kept.message.id})"
    for name, text in rows.items():
        if text:
            table.add_row(name, text)
    return table


@click.command("prove")
@click.argument("decision_id", metavar="DECISION", type=click.UUID)
@reads_persons
@runs
async def prove(terminal: Terminal, decision_id: UUID) -> None:
    """Print what proves DECISION offline, as JSON: the decision, the act and the policy behind it, the signed log."""
    async with terminal.open() as workspace:
        document = await evidence_documents.prove(
            workspace.database, workspace.ring, terminal.caller(), decision_id
        )
    emit(terminal, document, json.dumps(document, ensure_ascii=False, indent=1))


@click.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option("--key", "vkey", required=True, metavar="VKEY", help="The log's verifier key, from zgoda init.")
@prints_result
@click.pass_context
def verify(ctx: click.Context, file: IO[bytes], vkey: str) -> None:
    """Verify what `zgoda decision prove` printed, with no database and no network."""
    try:
        document = json.load(file)
        held = evidence.verify(document, note.Verifier.parse(vkey.strip()))
    except note.KeyInvalid:
        raise Misuse("key.invalid", "That is no verifier key.", field="--key") from None
    except EvidenceInvalid as error:
        why = str(error)
        raise Refused("decision.unproven", f"{why[:1].upper()}{why[1:]}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused("decision.unproven", "The file is not what `decision prove` prints.") from None
    result = {
        "verified": True,
        "decision": dict(held.decision),
        "logged_at": held.logged_at,
        "rests_on": held.rests_on,
        "size": held.size,
        "leaf": held.leaf_index,
    }
    told = held.decision
    text = (
        f"verified: {told['outcome']} ({told['reason']}) for {told['purpose']} on {told['channel']}, decided"
        f" {told['decided_at']}, stands as leaf {held.leaf_index} under a head of {held.size}"
    )
    emit(terminal_of(ctx), result, text)
