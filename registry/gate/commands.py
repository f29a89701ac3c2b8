"""`zgoda check`: asking the gate at the terminal of the server."""

from datetime import datetime
from uuid import UUID

import click

from registry.contacts.queries import parse_reference
from registry.gate.checks import Check, answer
from registry.gate.schemas import Answer
from registry.kit.instants import INSTANT
from registry.kit.terminal import Terminal, as_json, emit, prints_result, runs


@click.command()
@click.argument("ref")
@click.argument("purpose_id", metavar="PURPOSE")
@click.argument("channel")
@click.option("--at", type=INSTANT, help="As it stood then.")
@click.option("--known-at", type=INSTANT, help="By what was on record then; left out, by what was at --at.")
@click.option("--identifier", type=click.UUID, help="About this address only, by the identifier's id.")
@prints_result
@runs
async def check(
    terminal: Terminal,
    ref: str,
    purpose_id: str,
    channel: str,
    at: datetime | None,
    known_at: datetime | None,
    identifier: UUID | None,
) -> None:
    """May REF be processed for PURPOSE on CHANNEL? The answer, a deny too, is kept with what it rests on."""
    reference = parse_reference(ref)
    if at or known_at:
        from registry.gate.past_commands import require_complete

        require_complete(at, known_at)
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        ring, policies = workspace.ring, workspace.policies
        if at is None:
            asked = Check(terminal.caller(), reference, purpose_id, channel, identifier)
            (decision,) = await answer(session, ring, policies, [asked])
        else:
            from registry.gate import recalling

            decision = await recalling.recall(
                session, ring, policies, reference, purpose_id, channel, identifier, at, known_at
            )
    told = Answer.of(decision)
    rests = f", {told.basis}" if told.basis else ""
    emit(terminal, as_json(told), f"{told.outcome}: {told.reason}{rests} (decision {told.decision_id})")
