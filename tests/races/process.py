"""`python -m tests.races.process ORDERS`: one sender or one actor of a race, a process of its own.

A sender does what a dispatcher of the product does, and tells every actor whose messages it claimed. An actor acts
when it hears of its persons. Both write down what happened, and when.
"""

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from registry.access.workspace import Workspace
from registry.keys.ring import FileKeyRing
from registry.kit import server_settings
from registry.kit.config import Settings
from registry.kit.database import Database, Urls
from registry.kit.journal import FileJournal
from tests import installation
from tests.races import mutants
from tests.races.actor import Actor
from tests.races.history import Diary
from tests.races.sender import Sender


async def _or_die(work: Coroutine[Any, Any, None]) -> None:
    """Whoever waits for us is to see that we are gone."""
    try:
        await work
    except Exception:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


async def _serve(orders: dict[str, Any]) -> None:
    # The suite's server gives up crash safety for speed.
    server_settings.REQUIREMENTS = server_settings.SILENCE
    settings = Settings(data=Path(orders["data"]))
    database = Database(
        Urls(*orders["urls"]), settle=installation.settle, journal=FileJournal(settings.journal_folder)
    )
    await database.open()
    workspace = Workspace(settings, database, FileKeyRing(settings.data / "keys"), installation.policies())
    wrong = pytest.MonkeyPatch()
    diary = Diary(Path(orders["diary"]))
    role = (Sender if orders["role"] == "sender" else Actor)(workspace, orders, diary)
    stop = asyncio.Event()
    running = asyncio.create_task(_or_die(role.run(stop)))
    print("ready", flush=True)
    while line := (await asyncio.to_thread(sys.stdin.readline)).split():
        if line[0] == "scenes" and isinstance(role, Actor):
            role.scenes(Path(line[1]))
        if line[0] == "wrong":
            # Nothing is under way: the wave before was drained.
            wrong.undo()
            mutants.MUTANTS[line[1]].apply(wrong)
        done = await role.drain() if line[0] == "drain" else 0
        diary.flush()
        print(done, flush=True)
    stop.set()
    await running
    await database.close()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
