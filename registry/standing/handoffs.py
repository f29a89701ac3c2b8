"""How many marketing messages a person was handed, by controller, channel and day: what caps are counted from."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from registry.kit.database import Session


class Handed(NamedTuple):
    """A marketing message of a controller that a person was handed by a channel."""

    contact_id: UUID
    controller: str
    channel: str


async def count(session: Session, handed: Sequence[Handed]) -> dict[Handed, dict[date, int]]:
    """Count these messages today (UTC); the persons' counts by day, these included. Their gate rows are locked."""
    if not handed:
        return {}
    wanted = sorted(Counter(handed).items())
    session.ask(
        "INSERT INTO handoff_count (contact_id, controller, channel, day, messages)"
        " SELECT w.contact_id, w.controller, w.channel, (clock_timestamp() AT TIME ZONE 'UTC')::date, w.n"
        " FROM unnest(%b::uuid[], %b::text[], %b::text[], %b::int[]) AS w(contact_id, controller, channel, n)"
        " ON CONFLICT (contact_id, controller, channel, day)"
        " DO UPDATE SET messages = handoff_count.messages + EXCLUDED.messages",
        (
            [one.contact_id for one, _ in wanted],
            [one.controller for one, _ in wanted],
            [one.channel for one, _ in wanted],
            [n for _, n in wanted],
        ),
    )
    found: dict[Handed, dict[date, int]] = defaultdict(dict)
    for row in await session.all(
        "SELECT contact_id, controller, channel, day, messages FROM handoff_count"
        " WHERE contact_id = ANY(%b::uuid[])",
        ([one.contact_id for one, _ in wanted],),
    ):
        found[Handed(row.contact_id, row.controller, row.channel)][row.day] = row.messages
    return {one: found[one] for one, _ in wanted}
