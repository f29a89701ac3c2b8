"""A sender of the races: what a dispatcher of the product does, with a diary, and a bell for who acts against it."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import psycopg

from registry.access.workspace import Workspace
from registry.dispatch import claiming, handoff
from registry.dispatch.channels.contract import Handed, Parcel, Result, Transport
from registry.dispatch.claiming import Claimed, Office
from registry.dispatch.outbox import Outcome
from registry.dispatch.owner import owner
from tests.races.bells import bell, heard, pack, unpack
from tests.races.history import Diary, Pace, now
from tests.races.stage import PERSON

IDLE_SECONDS = 0.01
# Between a claim and its hand-over, in hand-overs: the longer, the more often the "no" comes first.
HESITATION = 1.5


class Sender:
    """Lanes that claim and hand over, as `registry.dispatch.worker` does."""

    def __init__(self, workspace: Workspace, orders: dict[str, Any], diary: Diary) -> None:
        self._workspace = workspace
        self._orders = orders
        self._diary = diary
        self._pace = Pace()
        self._chance = random.Random(f"{orders['seed']}/sender/{orders['index']}")
        self._bell = bell(orders["senders"][orders["index"]])
        # How many actors have not finished with what a lane claimed last.
        self._acting = [0] * orders["lanes"]
        self._quiet = [asyncio.Event() for _ in range(orders["lanes"])]
        self._spans: dict[str, tuple[int, int]] = {}
        self._busy = 0

    async def run(self, stop: asyncio.Event) -> None:
        lanes = self._orders["lanes"]
        async with owner(self._workspace.database.urls.app) as ourselves:
            office = Office(
                self._workspace.database, self._workspace.ring, self._workspace.policies, ourselves.name, {}
            )
            loop = asyncio.get_running_loop()
            loop.add_reader(self._bell, self._heard)
            await asyncio.gather(*(self._lane(office, lane, stop) for lane in range(lanes)))
            loop.remove_reader(self._bell)

    def _heard(self) -> None:
        for datagram in heard(self._bell):
            _, lane, _ = unpack(datagram)
            self._acting[lane] -= 1
            if not self._acting[lane]:
                self._quiet[lane].set()

    async def _lane(self, office: Office, lane: int, stop: asyncio.Event) -> None:
        way = Watched(
            handoff.transport("email", self._orders["smtp"], self._orders["width"]), self._spans, self._chance
        )
        await way.open()
        while not stop.is_set():
            self._busy += 1
            claimed = await claiming.claim(office, "email", await way.ready())
            if claimed:
                self._ring_bell(lane, claimed)
                await asyncio.sleep(self._chance.uniform(0, HESITATION * self._pace.seconds))
                await self._hand_over(office, way, claimed)
                # Whoever acts keeps up with us: an act that comes late races with nothing.
                await self._quiet[lane].wait()
            self._busy -= 1
            if not claimed:
                await asyncio.sleep(IDLE_SECONDS)
        await way.close()

    def _ring_bell(self, lane: int, claimed: list[Claimed]) -> None:
        datagram = pack(self._orders["index"], lane, [one.contact_id for one in claimed])
        self._acting[lane] = len(self._orders["actors"])
        self._quiet[lane].clear()
        for actor in self._orders["actors"]:
            self._bell.sendto(datagram, actor)

    async def _hand_over(self, office: Office, way: Transport, claimed: list[Claimed]) -> None:
        invoked = now()
        raised = None
        outcomes: dict[UUID, Outcome] = {}
        try:
            outcomes = {one.message_id: one for one in await handoff.hand_over(office, way, claimed)}
        except psycopg.Error as error:
            # Only where something is wrong: nobody would take these out of our hand while we live.
            raised = f"raised.{error.sqlstate}"
            await self._let_go(claimed)
        responded = now()
        self._pace.took(invoked, responded)
        for one in claimed:
            outcome = outcomes.get(one.id)
            begun, ended = self._spans.pop(one.draft.recipient, (None, None)) if one.draft else (None, None)
            self._diary.write(
                str(one.contact_id),
                invoked,
                responded,
                {
                    "kind": "handoff",
                    "message": str(one.id),
                    "recipient": one.draft.recipient if one.draft else None,
                    "state": outcome.state if outcome else raised or "gone",
                    "reason": outcome.reason if outcome else None,
                    "begun": begun,
                    "ended": ended,
                },
            )

    async def _let_go(self, claimed: Sequence[Claimed]) -> None:
        async with self._workspace.database.begin(PERSON) as session:
            await session.execute(
                "UPDATE message SET state = 'failed', worker = NULL WHERE id = ANY(%s) AND state = 'handing_off'",
                ([one.id for one in claimed],),
            )

    async def drain(self) -> int:
        """Wait until nothing is in hand."""
        while self._busy:
            await asyncio.sleep(0.002)
        return 0


class Watched:
    """A transport that notes when each message began and ended, and dawdles before and after."""

    def __init__(self, inner: Transport, spans: dict[str, tuple[int, int]], chance: random.Random) -> None:
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
        begun = now()
        result = await self._inner.hand(parcel)
        if isinstance(result, Handed):
            self._spans[parcel.recipient] = (begun, now())
        await asyncio.sleep(self._chance.uniform(0, 0.002))
        return result
