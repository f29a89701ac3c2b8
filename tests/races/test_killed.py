"""kill -9 of the real server in the middle of a campaign: nobody gets a mail twice, and none is lost unseen."""

import asyncio
import json
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.dispatch.sink import Behaviour, Sink, sink
from registry.kit.config import Settings
from registry.opening import opened
from tests.dispatch.people import CALLER, campaign, persons

PEOPLE = 400
KILLS = 3
# What one server has in hand at most: 3 dispatchers of 16 connections.
IN_HAND = 48


async def _zgoda(data: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registry", "--data", str(data), *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


@asynccontextmanager
async def _serving(data: Path, server: Sink) -> AsyncIterator[asyncio.subprocess.Process]:
    """`zgoda serve` as a process of its own, once it says that it answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registry", "--data", str(data), "serve", "--port", "0", "--smtp", server.url,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while b"serve.started" not in (line := await process.stderr.readline()):
                assert line, "the server did not start"
        drain = asyncio.create_task(process.stderr.read())
        yield process
        drain.cancel()
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def _states(workspace: Workspace) -> dict[str, set[str]]:
    """Message ids (the left part of the Message-ID) by state."""
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT id, state FROM message")
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.state, set()).add(row.id.hex)
    return found


def _taken(server: Sink) -> Counter[str]:
    """How often the server took each message, by the left part of the Message-ID."""
    return Counter(
        mail.content.split(b"Message-ID: <", 1)[1].split(b"@", 1)[0].decode() for mail in server.received()
    )


@pytest.mark.crash
async def test_a_killed_server_sends_nothing_twice_and_loses_nothing_unseen(
    data_folder: Path, tmp_path: Path
) -> None:
    assert json.loads(await _zgoda(data_folder, "init", "--json"))["admin_key"]
    chance = random.Random(8058)
    slow = Behaviour(latency=0.02)
    async with (
        opened(Settings(data=data_folder)) as workspace,
        sink(tmp_path / "mail", behaviour=slow) as server,
    ):
        await persons(workspace, [f"p{number}@example.org" for number in range(PEOPLE)])
        campaign_id = await campaign(workspace)
        for _ in range(KILLS):
            before = server.count()
            async with _serving(data_folder, server) as process:
                async with asyncio.timeout(30):
                    while server.count() == before < PEOPLE:
                        await asyncio.sleep(0.005)
                await asyncio.sleep(chance.uniform(0, 0.15))
                process.send_signal(signal.SIGKILL)
                await process.wait()
        async with _serving(data_folder, server), asyncio.timeout(60):
            while True:
                async with workspace.database.begin(CALLER) as session:
                    if (await campaigns.show(session, campaign_id)).state == campaigns.DONE:
                        break
                await asyncio.sleep(0.1)
        states, taken = await _states(workspace), _taken(server)
    assert set(taken.values()) == {1}
    assert set(states) <= {"handed_over", "unknown"}
    assert sum(map(len, states.values())) == PEOPLE
    # Whoever is shown as handed over got it; whoever got it is shown as handed over or unknown.
    assert states["handed_over"] <= set(taken)
    assert set(taken) <= states["handed_over"] | states.get("unknown", set())
    assert len(states.get("unknown", ())) <= KILLS * IN_HAND
