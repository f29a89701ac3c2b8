"""How long somebody waits who says no while their mail is on its way: withdrawals under fifty senders."""

import asyncio
import json
import random
import sys
from functools import partial
from time import perf_counter
from uuid import UUID

from registry.dispatch.sink import Behaviour, sink
from registry.dispatch.tokens import OneClick
from registry.kit.caller import PERSON, Caller
from registry.kit.database import Session
from registry.portal import service as portal
from tests.benchmarks import installations, people, processes
from tests.benchmarks.figures import Figure, Goal
from tests.benchmarks.installations import CALLER, Place
from tests.benchmarks.processes import BenchmarkBroken
from tests.benchmarks.sizes import Sizes
from tests.dispatch.people import campaign

_GOAL = Goal(250, most=True)
SENDERS = 50
# Connections of one sender, and a relay's answer as from across a country.
_WIDTH = 4
_LATENCY = 0.02
_AT_ONCE = 4
_PERSON = Caller(PERSON, "operation", "one-click")


async def measure(sizes: Sizes) -> list[Figure]:
    """The 99th percentile of one-click withdrawals by persons whose mail is in a sender's hand at that moment."""
    async with installations.place() as place:
        persons = await people.subscribers(place, sizes.mailed_persons)
        await place.vacuum()
        async with place.workspace.database.begin(CALLER) as session:
            rows = await session.all("SELECT contact_id, id FROM assignment")
        assigned = {row.contact_id: row.id for row in rows}
        await campaign(place.workspace, contact_ids=persons)
        async with sink(place.folder / "mail", behaviour=Behaviour(latency=_LATENCY)) as relay:
            seconds, waited_for = await _said_no(place, relay.url, assigned, sizes.withdrawals)
    seconds.sort()
    at = {part: seconds[min(len(seconds) - 1, len(seconds) * part // 100)] * 1000 for part in (50, 99)}
    return [
        Figure(
            f"withdrawal under {SENDERS} senders, p99",
            at[99],
            "ms",
            goal=_GOAL,
            note=(
                f"{len(seconds):,} withdrawals, {_AT_ONCE} at a time, {waited_for:,} of them by persons whose mail was"
                f" in hand; {SENDERS} senders of {_WIDTH} connections to a relay that takes {_LATENCY * 1000:.0f} ms;"
                f" p50 {at[50]:.0f} ms, longest {seconds[-1] * 1000:.0f} ms"
            ),
        )
    ]


async def _withdraw(place: Place, token: OneClick, session: Session) -> None:
    await portal.withdraw(session, place.workspace.ring, place.workspace.policies, token)


async def _said_no(
    place: Place, url: str, assigned: dict[UUID, UUID], wanted: int
) -> tuple[list[float], int]:
    """Seconds of each withdrawal, and how many were by persons whose mail was in hand."""
    chance = random.Random(3)
    left = dict(assigned)
    seconds: list[float] = []
    in_hand = 0

    async def people_say_no() -> None:
        nonlocal in_hand
        while len(seconds) < wanted and left:
            async with place.workspace.database.begin(CALLER) as session:
                rows = await session.all("SELECT contact_id FROM message WHERE state = 'handing_off'")
            held = [row.contact_id for row in rows if row.contact_id in left]
            who = chance.choice(held or list(left))
            in_hand += bool(held)
            token = OneClick(who, left.pop(who), place.workspace.policies.purpose_ids["newsletter"])
            began = perf_counter()
            await place.workspace.database.run(_PERSON, partial(_withdraw, place, token))
            seconds.append(perf_counter() - began)

    orders = {"data": str(place.data), "url": url, "senders": SENDERS, "width": _WIDTH}
    command = [sys.executable, "-m", "tests.benchmarks.senders", json.dumps(orders)]
    async with processes.beside(command, place.log):
        await _until_sending(place)
        async with asyncio.timeout(300):
            await asyncio.gather(*(people_say_no() for _ in range(_AT_ONCE)))
    return seconds, in_hand


async def _until_sending(place: Place) -> None:
    for _ in range(600):
        async with place.workspace.database.begin(CALLER) as session:
            if await session.value("SELECT 1 FROM message WHERE state = 'handed_over' LIMIT 1"):
                return
        await asyncio.sleep(0.05)
    raise BenchmarkBroken(place.log.read_text(errors="replace")[-2000:])
