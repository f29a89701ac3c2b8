"""`python -m tests.races.process ORDERS`: one sender or one actor of a race, a process of its own.

A sender does what a dispatcher of the product does, and tells every actor whose messages it claimed. An actor acts
when it hears of its persons. Both write down what happened, and when.
"""

import asyncio
import json
import random
import socket
import sys
from collections import Counter
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import UUID

from registry.access.workspace import Workspace
from registry.dispatch import claiming, handoff
from registry.dispatch.channels.contract import Handed, Parcel, Result, Transport
from registry.dispatch.claiming import Claimed, Office
from registry.dispatch.owner import owner
from registry.gate.checks import Checks
from registry.keys.ring import FileKeyRing
from registry.kit import server_settings
from registry.kit.config import Settings
from registry.kit.database import Database, Urls
from registry.kit.journal import FileJournal
from tests import installation
from tests.races import acts, casting, mutants
from tests.races.acts import Scene, Stage
from tests.races.history import Diary, now
from tests.races.plans import Script, plan

IDLE_SECONDS = 0.01
# Between a claim and its hand-over: the longer, the more often the "no" comes first.
HESITATION = 0.04


def pack(sender: int, lane: int, people: Sequence[UUID]) -> bytes:
    """Whose lane claimed messages of these persons, as a datagram."""
    return bytes([sender, lane]) + b"".join(one.bytes for one in people)


def unpack(datagram: bytes) -> tuple[int, int, list[UUID]]:
    people = [UUID(bytes=datagram[place : place + 16]) for place in range(2, len(datagram), 16)]
    return datagram[0], datagram[1], people


def bell(path: str) -> socket.socket:
    """A socket that is rung by datagrams."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    made.bind(path)
    made.setblocking(False)  # the library's own way
    return made


def heard(ringing: socket.socket) -> Iterator[bytes]:
    """Every datagram that has come."""
    with suppress(BlockingIOError):
        while True:
            yield ringing.recv(1 << 16)


class Sender:
    """Lanes that claim and hand over, as `registry.dispatch.worker` does."""

    def __init__(self, workspace: Workspace, orders: dict[str, Any], diary: Diary) -> None:
        self._workspace = workspace
        self._orders = orders
        self._diary = diary
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
                await asyncio.sleep(self._chance.uniform(0, HESITATION))
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
        outcomes = {one.message_id: one for one in await handoff.hand_over(office, way, claimed)}
        responded = now()
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
                    "state": outcome.state if outcome else "gone",
                    "reason": outcome.reason if outcome else None,
                    "begun": begun,
                    "ended": ended,
                },
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


class Actor:
    """Acts about persons whose messages were claimed just now."""

    def __init__(self, workspace: Workspace, orders: dict[str, Any], diary: Diary) -> None:
        checks = Checks(workspace.database, workspace.ring, workspace.policies)
        self._stage = Stage(workspace, checks)
        self._orders = orders
        self._diary = diary
        self._scenes: dict[UUID, tuple[int, Scene]] = {}
        self._rounds: Counter[UUID] = Counter()
        self._running: set[asyncio.Task[None]] = set()
        self._failed: list[BaseException] = []
        self._bell = bell(orders["actors"][orders["index"]])

    async def run(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        loop.add_reader(self._bell, self._heard)
        await stop.wait()
        loop.remove_reader(self._bell)

    def scenes(self, path: Path) -> None:
        """Learn who plays in the next wave."""
        self._scenes, self._rounds = {}, Counter()
        self._stage.tokens.clear()
        for line in path.read_text().splitlines():
            number, told = json.loads(line)
            scene = casting.scene_of(told)
            self._scenes[scene.contact] = (number, scene)

    def _heard(self) -> None:
        for datagram in heard(self._bell):
            self._spawn(self._round(*unpack(datagram)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)

    async def _round(self, sender: int, lane: int, people: list[UUID]) -> None:
        scripts = [script for contact in people for script in self._ours(contact)]
        await asyncio.gather(*(self._play(scene, script) for scene, script in scripts))
        self._bell.sendto(pack(sender, lane, ()), self._orders["senders"][sender])

    def _ours(self, contact: UUID) -> list[tuple[Scene, Script]]:
        """What we do in the round that begins for a person now."""
        known = self._scenes.get(contact)
        if known is None:
            return []
        number, scene = known
        rounds = plan(self._orders["seed"], number).rounds
        which = self._rounds[contact]
        self._rounds[contact] += 1
        if which >= len(rounds):
            return []
        # Each actor of a round in another process, and a person's permits always in the same one.
        return [
            (scene, script)
            for place, script in enumerate(rounds[which])
            if (number + place) % len(self._orders["actors"]) == self._orders["index"]
        ]

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if (error := task.exception()) is not None:
            self._failed.append(error)

    async def _play(self, scene: Scene, script: Script) -> None:
        for step in script:
            await asyncio.sleep(step.after)
            invoked = now()
            try:
                answer = await acts.ACTS[step.act](self._stage, scene)
            except acts.Nothing:
                continue
            self._diary.write(str(scene.contact), invoked, now(), answer)

    async def drain(self) -> int:
        """Wait until everything that was begun is done; raises what an act raised."""
        self._heard()
        while self._running:
            await asyncio.wait(set(self._running))
            self._heard()
        if self._failed:
            raise self._failed[0]
        return sum(self._rounds.values())


async def _serve(orders: dict[str, Any]) -> None:
    # The suite's server gives up crash safety for speed.
    server_settings.REQUIREMENTS = server_settings.SILENCE
    settings = Settings(data=Path(orders["data"]))
    database = Database(
        Urls(*orders["urls"]), settle=installation.settle, journal=FileJournal(settings.journal_folder)
    )
    await database.open()
    workspace = Workspace(settings, database, FileKeyRing(settings.data / "keys"), installation.policies())
    if orders["mutant"]:
        mutants.MUTANTS[orders["mutant"]].apply()
    diary = Diary(Path(orders["diary"]))
    role = (Sender if orders["role"] == "sender" else Actor)(workspace, orders, diary)
    stop = asyncio.Event()
    running = asyncio.create_task(role.run(stop))
    print("ready", flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).split():
        if line[0] == "scenes" and isinstance(role, Actor):
            role.scenes(Path(line[1]))
        if running.done():
            break
        done = await role.drain() if line[0] == "drain" else 0
        diary.flush()
        print(done, flush=True)
    stop.set()
    await running
    await database.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
