"""A race in waves: real processes on a real database, over real SMTP, and a verdict about every person's history."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from registry.access.workspace import Workspace
from registry.dispatch.sink import Behaviour, Sink, sink
from registry.gate import service as gate
from registry.gate.model import Question
from tests.dispatch.people import CALLER, campaign
from tests.races import casting, judging
from tests.races.history import Reader, now
from tests.races.judging import Findings
from tests.races.plans import Plan, plan
from tests.races.stage import CHANNEL, PURPOSE, Scene

SENDERS = 2
ACTORS = 2
LANES = 2
WIDTH = 4
SLOW = Behaviour(latency=0.003)
PATIENCE = 300


class ProcessBroken(Exception):
    """A process of the race ended with an error; its last words are the message."""


class Player:
    """A process of the race, and its diary."""

    def __init__(self, process: asyncio.subprocess.Process, diary: Path, errors: Path) -> None:
        self._process = process
        self._errors = errors
        self.diary = Reader(diary)

    async def told(self, order: str) -> int:
        """Give an order, and wait until it is done."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{order}\n".encode())
        return int(await self.said())

    async def said(self) -> str:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE)
        if not line:
            await self._process.wait()
            self.require_alive()
        return line.decode().strip()

    def require_alive(self) -> None:
        """Raises ProcessBroken where the process has ended."""
        if self._process.returncode is not None:
            raise ProcessBroken(self._errors.read_text()[-4000:])

    async def end(self) -> None:
        if self._process.returncode is None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                await asyncio.wait_for(self._process.wait(), 20)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()


class Contest:
    """Processes that wait for the next wave. Memory is that of one wave, however many there are."""

    def __init__(
        self, workspace: Workspace, folder: Path, seed: int, server: Sink, players: Sequence[Player]
    ) -> None:
        self._workspace = workspace
        self._folder = folder
        self._seed = seed
        self._mailbox = Reader(server.mailbox)
        self._senders, self._actors = players[:SENDERS], players[SENDERS:]
        self._next = 0

    async def go_wrong(self, mutant: str) -> None:
        """From the next wave on everybody does it in this wrong way, and in no other."""
        await asyncio.gather(*(one.told(f"wrong {mutant}") for one in [*self._senders, *self._actors]))

    async def wave(self, size: int) -> Findings:
        """Prepare so many persons, let it happen, and judge."""
        numbers = range(self._next, self._next + size)
        self._next += size
        plans = {number: plan(self._seed, number) for number in numbers}
        scenes = await casting.cast(self._workspace, plans)
        path = self._folder / "scenes"
        path.write_text("\n".join(json.dumps([n, casting.told(scene)]) for n, scene in scenes.items()) + "\n")
        await asyncio.gather(*(actor.told(f"scenes {path}") for actor in self._actors))
        await self._let_go(scenes, plans)
        await self._settled()
        await asyncio.gather(*(one.told("drain") for one in [*self._senders, *self._actors]))
        # What is left of everybody's standing, when all is quiet.
        lines = await self._asked(list(scenes.values()))
        for player in [*self._senders, *self._actors]:
            lines += player.diary.new()
        return judging.judge(lines, list(self._mailbox.new()))

    async def _let_go(self, scenes: dict[int, Scene], plans: dict[int, Plan]) -> None:
        for count in range(max(one.messages for one in plans.values())):
            people = [scene.contact for n, scene in scenes.items() if plans[n].messages > count]
            await campaign(self._workspace, contact_ids=people)

    async def _settled(self) -> None:
        """Every message is out of the queue and out of every hand."""
        async with asyncio.timeout(PATIENCE):
            while True:
                for player in [*self._senders, *self._actors]:
                    player.require_alive()
                async with self._workspace.database.begin(CALLER) as session:
                    if not await session.value(
                        "SELECT 1 FROM message WHERE state IN ('queued', 'handing_off') LIMIT 1"
                    ):
                        return
                await asyncio.sleep(0.03)

    async def _asked(self, scenes: Sequence[Scene]) -> list[dict[str, Any]]:
        asked = [Question(one.contact, PURPOSE, CHANNEL, one.assignment) for one in scenes]
        invoked = now()
        async with self._workspace.database.begin(CALLER) as session:
            decisions = await gate.decide(session, self._workspace.policies, asked)
        told = {"kind": "check", "invoked": invoked, "responded": now()}
        return [
            {**told, "key": str(one.contact_id), "permitted": one.permitted, "reason": one.reason}
            for one in decisions
        ]


@asynccontextmanager
async def contest(workspace: Workspace, folder: Path, *, seed: int = 1) -> AsyncIterator[Contest]:
    """Start senders, actors and a mail server; they end with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(sink(folder / "mail", behaviour=SLOW))
        # Not in the test's folder: the path of a socket must be short.
        bells = Path(stack.enter_context(TemporaryDirectory(prefix="zgoda-race-", dir="/tmp")))
        urls = workspace.database.urls
        orders = {
            "data": str(workspace.settings.data),
            "urls": [urls.owner, urls.app, urls.retention],
            "smtp": server.url,
            "seed": seed,
            "senders": [str(bells / f"s{index}") for index in range(SENDERS)],
            "actors": [str(bells / f"a{index}") for index in range(ACTORS)],
            "lanes": LANES,
            "width": WIDTH,
        }
        roles = [("sender", index) for index in range(SENDERS)] + [
            ("actor", index) for index in range(ACTORS)
        ]
        players = [await _player(stack, folder, orders, role, index) for role, index in roles]
        await asyncio.gather(*(player.said() for player in players))
        yield Contest(workspace, folder, seed, server, players)


async def _player(
    stack: AsyncExitStack, folder: Path, orders: dict[str, Any], role: str, index: int
) -> Player:
    name = f"{role}{index}"
    diary, errors = folder / f"{name}.jsonl", folder / f"{name}.err"
    told = {**orders, "role": role, "index": index, "diary": str(diary)}
    with errors.open("ab") as last_words:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.races.process", json.dumps(told),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=last_words,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
    player = Player(process, diary, errors)
    stack.push_async_callback(player.end)
    return player
