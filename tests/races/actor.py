"""An actor of the races: everybody who says no, or yes again, or asks, about persons whose messages were claimed."""

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from uuid import UUID

from registry.access.workspace import Workspace
from registry.gate.checks import Checks
from tests.races import acts, casting
from tests.races.bells import bell, heard, pack, unpack
from tests.races.history import Diary, Pace, now
from tests.races.plans import Script, plan
from tests.races.stage import Nothing, Scene, Stage


class Actor:
    """Acts about persons whose messages were claimed just now."""

    def __init__(self, workspace: Workspace, orders: dict[str, Any], diary: Diary) -> None:
        checks = Checks(workspace.database, workspace.ring, workspace.policies)
        self._stage = Stage(workspace, checks)
        self._orders = orders
        self._diary = diary
        self._pace = Pace()
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
            await asyncio.sleep(step.after * self._pace.seconds)
            invoked = now()
            try:
                answer = await acts.ACTS[step.act](self._stage, scene)
            except Nothing:
                continue
            responded = now()
            self._pace.took(invoked, responded)
            self._diary.write(str(scene.contact), invoked, responded, answer)

    async def drain(self) -> int:
        """Wait until everything that was begun is done; raises what an act raised."""
        self._heard()
        while self._running:
            await asyncio.wait(set(self._running))
            self._heard()
        if self._failed:
            raise self._failed[0]
        return sum(self._rounds.values())
