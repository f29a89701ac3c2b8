"""`zgoda decision counts`: how many persons, by reason, now or as it stood at an earlier time."""

from datetime import datetime

import click

from registry.gate import past_counts, recalling, service
from registry.kit import clock
from registry.kit.errors import Misuse
from registry.kit.instants import INSTANT
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, emit, prints_result, progress, runs


@click.command("counts")
@click.argument("purpose_id", metavar="PURPOSE")
@click.argument("channel")
@click.option("--at", type=INSTANT, help="As it stood then.")
@click.option("--known-at", type=INSTANT, help="By what was on record then; left out, by what was at --at.")
@prints_result
@runs
async def counts(
    terminal: Terminal, purpose_id: str, channel: str, at: datetime | None, known_at: datetime | None
) -> None:
    """How many persons may be processed for PURPOSE on CHANNEL, and how many not, by reason.

    Now it takes a moment; at an earlier time every person's record is read.
    """
    require_complete(at, known_at)
    async with terminal.open() as workspace:
        database, ring, policies = workspace.database, workspace.ring, workspace.policies
        if at is None:
            as_of = clock.now()
            async with database.begin(terminal.caller()) as session:
                found = await service.bulk(session, ring, policies, purpose_id, channel)
        else:
            as_of = at
            recalling.require_past(at, known_at)
            async with database.begin(terminal.caller()) as session:
                total = await past_counts.persons(session)
            with progress("persons", total) as advance:
                found = await past_counts.count(
                    database,
                    ring,
                    policies,
                    terminal.caller(),
                    purpose_id,
                    channel,
                    at,
                    known_at,
                    advance=advance,
                )
    persons = sum(found.values())
    permitted = found.pop("permit", 0)
    result = {
        "persons": persons,
        "permitted": permitted,
        "blocked": found,
        "purpose": purpose_id,
        "channel": channel,
        "as_of": as_of.isoformat(),
        "known_at": (known_at or as_of).isoformat(),
    }
    table = Table("persons", "reason", title=f"{purpose_id} on {channel}", title_justify="left")
    table.add_row(f"{permitted:,}", "permit")
    for reason, number in sorted(found.items(), key=lambda one: -one[1]):
        table.add_row(f"{number:,}", reason)
    emit(terminal, result, table)


def require_complete(at: datetime | None, known_at: datetime | None) -> None:
    """Misuse `time.incomplete` for what is known without the time that it is known of."""
    if known_at is not None and at is None:
        raise Misuse(
            "time.incomplete",
            "What is known is asked of a time.",
            field="--known-at",
            mend="name --at as well",
        )
