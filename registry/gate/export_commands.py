"""`zgoda decision export`: a whole audience as lines of JSON."""

import sys
from uuid import UUID

import click

from registry.gate.export import Export, Wanted
from registry.gate.model import Outcome
from registry.kit.terminal import Terminal, naming, progress, reads_persons, runs


@click.command("export")
@click.argument("purpose_id", metavar="PURPOSE")
@click.argument("channel")
@click.option("--outcome", type=click.Choice([one.value for one in Outcome]), help="Only these persons.")
@click.option("--because", metavar="CODE", help="Only persons with this reason, such as consent.withdrawn.")
@click.option("--after", type=click.UUID, help="Go on behind this contact, where a file was cut off.")
@reads_persons
@runs
async def export(
    terminal: Terminal,
    purpose_id: str,
    channel: str,
    outcome: str | None,
    because: str | None,
    after: UUID | None,
) -> None:
    """Everybody with the gate's answer for PURPOSE on CHANNEL, one JSON object a line.

    The first line is the question, the last one the totals: a file without them was cut off.
    """
    with naming("--because"):
        wanted = Wanted(purpose_id, channel, None if outcome is None else Outcome(outcome), because, after)
    async with terminal.open() as workspace:
        running = Export.of(workspace.database, workspace.ring, workspace.policies, terminal.caller(), wanted)
        total = await running.size() if sys.stderr.isatty() else None
        with progress("Persons", total) as advance:
            seen = 0
            async for piece in running.pieces():
                sys.stdout.buffer.write(piece)
                advance(running.reasons.total() - seen)
                seen = running.reasons.total()
        sys.stdout.buffer.flush()
