"""Withdrawals against hand-offs, for as many persons as wanted, on a real database and over real SMTP.

The oracle looks from outside: the instants at which a message began and ended on the wire, by our side of the
connection and by the server's, against the instant at which the person's "no" was acknowledged. All of them are
read from the machine's monotonic clock.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from registry.access.workspace import Workspace
from registry.dispatch import claiming, handoff
from registry.dispatch.channels.contract import Handed, Parcel, Result, Transport
from registry.dispatch.claiming import Claimed, Office
from registry.dispatch.owner import owner
from registry.dispatch.sink import Sink
from registry.dispatch.tokens import OneClick
from registry.kit.caller import Caller
from registry.kit.database import Session
from registry.portal import service as portal
from registry.standing import service as standing
from tests.dispatch.people import CALLER, campaign, persons

WIDTH = 8
LANES = 4
PERSON = Caller("person", "operation", "race")


@dataclass
class Findings:
    """What was seen: messages that were on the wire, those that were not, and those that were on it too late."""

    interleavings: int = 0
    handed: int = 0
    stopped: int = 0
    late: list[str] = field(default_factory=list)


class Watched:
    """A transport that notes when each message began and ended, and dawdles before and after."""

    def __init__(
        self, inner: Transport, spans: dict[str, tuple[float, float]], chance: random.Random
    ) -> None:
        self._inner = inner
        self._spans = spans
        self._chance = chance

    @property
    def width(self) -> int:
        return self._inner.width

    async def open(self) -> None:
        await self._inner.open()

    async def ready(self) -> int:
        return await self._inner.ready()

    async def close(self) -> None:
        await self._inner.close()

    async def hand(self, parcel: Parcel) -> Result:
        await asyncio.sleep(self._chance.uniform(0, 0.004))
        begun = time.monotonic()
        result = await self._inner.hand(parcel)
        if isinstance(result, Handed):
            self._spans[parcel.recipient] = (begun, time.monotonic())
        await asyncio.sleep(self._chance.uniform(0, 0.002))
        return result


Refusal = Callable[[Session, Workspace, UUID, UUID], Awaitable[None]]


async def one_click(session: Session, workspace: Workspace, contact_id: UUID, assignment_id: UUID) -> None:
    """The link in a mail."""
    token = OneClick(contact_id, assignment_id, workspace.policies.purpose_ids["newsletter"])
    assert await portal.withdraw(session, workspace.ring, workspace.policies, token) is not None


async def restriction(session: Session, workspace: Workspace, contact_id: UUID, assignment_id: UUID) -> None:
    """A restriction of processing (GDPR art. 18)."""
    # The gate row alone: no address takes part in it.
    await standing.lock(session, [contact_id])
    await standing.restrict(session, contact_id, "accuracy disputed")


@dataclass(frozen=True)
class Rival:
    """Who says no against the message to `address`, and how."""

    contact_id: UUID
    assignment_id: UUID
    refuse: Refusal


async def prepare(workspace: Workspace, pairs: int) -> dict[str, Rival]:
    """Persons with a message each that is due, and who will say no: the person, or one who shares the address."""
    addresses = [f"p{number}@example.org" for number in range(pairs)]
    people = await persons(workspace, addresses)
    shared = addresses[::4]
    sharers = await persons(workspace, shared, granted=False)
    await campaign(workspace, contact_ids=people)
    assignments = await _assignments(workspace, [*people, *sharers])
    by_address = dict(zip(addresses, people, strict=True))
    other = dict(zip(shared, sharers, strict=True))
    rivals = {}
    for number, address in enumerate(addresses):
        who = other.get(address, by_address[address])
        rivals[address] = Rival(who, assignments[who], restriction if number % 4 == 1 else one_click)
    return rivals


async def _assignments(workspace: Workspace, people: Sequence[UUID]) -> dict[UUID, UUID]:
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT contact_id, id FROM assignment WHERE contact_id = ANY(%s)", (list(people),)
        )
    return {row.contact_id: row.id for row in rows}


async def race(
    workspace: Workspace, server: Sink, rivals: dict[str, Rival], *, seed: int = 1, until_red: bool = False
) -> Findings:
    """Let every message and the "no" against it happen at about the same moment, and judge."""
    chance = random.Random(seed)
    spans: dict[str, tuple[float, float]] = {}
    acknowledged: dict[str, float] = {}
    stop = asyncio.Event()

    async def refuse(address: str) -> None:
        rival = rivals[address]
        await asyncio.sleep(chance.uniform(0, 0.025))
        await workspace.database.run(
            PERSON, lambda session: rival.refuse(session, workspace, rival.contact_id, rival.assignment_id)
        )
        acknowledged[address] = time.monotonic()

    async def lane(office: Office) -> None:
        way = Watched(handoff.transport("email", server.url, WIDTH), spans, chance)
        await way.open()
        while not stop.is_set():
            claimed = await claiming.claim(office, "email", await way.ready())
            if not claimed:
                break
            addresses = [one.draft.recipient for one in claimed if one.draft]

            async def hand_over(claimed: list[Claimed] = claimed) -> None:
                await asyncio.sleep(chance.uniform(0, 0.010))
                await handoff.hand_over(office, way, claimed)

            await asyncio.gather(hand_over(), *(refuse(address) for address in addresses))
            if until_red and any(spans.get(a, (0, 0))[1] > acknowledged[a] for a in addresses):
                stop.set()
        await way.close()

    async with owner(workspace.database.urls.app) as ourselves:
        office = Office(workspace.database, workspace.ring, workspace.policies, ourselves.name, {})
        await asyncio.gather(*(lane(office) for _ in range(LANES)))
    return _judge(server, spans, acknowledged)


def _judge(server: Sink, spans: dict[str, tuple[float, float]], acknowledged: dict[str, float]) -> Findings:
    seen = {mail.recipients[0]: (mail.begun, mail.ended) for mail in server.received()}
    assert set(seen) == set(spans)
    findings = Findings(interleavings=len(acknowledged))
    for address, at in acknowledged.items():
        instants = (*spans.get(address, ()), *seen.get(address, ()))
        findings.handed += bool(instants)
        findings.stopped += not instants
        if instants and max(instants) > at:
            findings.late.append(address)
    return findings


async def states(workspace: Workspace) -> dict[str, int]:
    """Messages by state."""
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT state, count(*) AS n FROM message GROUP BY state")
    return {row.state: row.n for row in rows}
