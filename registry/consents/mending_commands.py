"""`zgoda consent invalidate|correct`: what was found out about an entry afterwards."""

from datetime import datetime
from uuid import UUID

import click

from registry.consents import mending
from registry.consents.mending import Correction, Mend
from registry.consents.service import Recorded
from registry.contacts.queries import parse_reference
from registry.kit.instants import INSTANT
from registry.kit.terminal import Terminal, emit, prints_result, runs
from registry.policy.model import Grade

_GRADES = {"unknown": Grade.UNKNOWN, "attested": Grade.ATTESTED}


@click.command("invalidate")
@click.argument("ref")
@click.argument("entry_id", metavar="ENTRY", type=click.UUID)
@click.option("--reason", "because", required=True, help="Why it never was a consent; kept sealed.")
@click.option("--source", default="operator", show_default=True, help="From where it is known.")
@prints_result
@runs
async def invalidate(terminal: Terminal, ref: str, entry_id: UUID, because: str, source: str) -> None:
    """Record that ENTRY of REF, a yes, never was valid. It counts for nothing from then on, whatever its date."""
    recorded = await _mend(terminal, ref, Mend(entry_id, because, source))
    emit(terminal, _told(recorded), f"invalidated: {entry_id} (entry {recorded.id})")


@click.command("correct")
@click.argument("ref")
@click.argument("entry_id", metavar="ENTRY", type=click.UUID)
@click.option("--reason", "because", required=True, help="What was found out; kept sealed.")
@click.option("--acted-at", type=INSTANT, help="When it was really given: earlier than the entry says.")
@click.option("--notice", type=click.IntRange(1), help="Under which older version of the notice.")
@click.option("--locale", help="In which language that was shown.")
@click.option("--grade", type=click.Choice(sorted(_GRADES)), help="How well it is shown: worse than it says.")
@click.option("--source", default="operator", show_default=True, help="From where it is known.")
@prints_result
@runs
async def correct(
    terminal: Terminal,
    ref: str,
    entry_id: UUID,
    because: str,
    acted_at: datetime | None,
    notice: int | None,
    locale: str | None,
    grade: str | None,
    source: str,
) -> None:
    """Record that ENTRY of REF was less than it says: earlier, of an older text, or with weaker evidence.

    The entry stays as it is; what is less counts. Nothing can be made better in this way.
    """
    correction = Correction(acted_at, notice, locale, _GRADES[grade] if grade else None)
    recorded = await _mend(terminal, ref, Mend(entry_id, because, source, correction))
    emit(terminal, _told(recorded), f"corrected: {entry_id} (entry {recorded.id})")


async def _mend(terminal: Terminal, ref: str, wanted: Mend) -> Recorded:
    async with terminal.open() as workspace:
        recorded: Recorded = await workspace.database.run(
            terminal.caller(),
            lambda s: mending.mend(s, workspace.ring, workspace.policies, parse_reference(ref), wanted),
        )
        return recorded


def _told(recorded: Recorded) -> dict[str, object]:
    return {
        "id": str(recorded.id),
        "contact": str(recorded.contact_id),
        "seq": recorded.seq,
        "recorded_at": recorded.recorded_at.isoformat(),
    }
