"""Imports, changes of address, merges, withdrawals, senders at once: nobody hears of a deadlock, the gate is right.

A few seconds in the suite; in the deep profile (`make check-deep`), or by ZGODA_TEST_SOAK_SECONDS, as long as is said.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.dispatch.sink import sink
from tests.dispatch.people import CALLER, campaign, persons
from tests.installation import Server
from tests.races import legs
from tests.races.soak import ADDRESSES

_DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
SECONDS = float(os.environ.get("ZGODA_TEST_SOAK_SECONDS", "300" if _DEEP else "4"))
ROLES = ("people", "people", "lists", "senders")
# In a soak of any length these happened.
WANTED = {"say", "click", "move", "import"}


@pytest.mark.parametrize("merges", [False, True], ids=["apart", "merged and parted"])
async def test_nobody_is_told_of_a_deadlock_and_the_gate_is_as_the_records_say(
    server: Server, tmp_path: Path, merges: bool
) -> None:
    folder = tmp_path / "soak"
    folder.mkdir()
    async with legs.stage(server, folder) as workspace:
        # Households: of every two the second has the address of another.
        people = await persons(workspace, [*ADDRESSES, *ADDRESSES[::2]])
        await campaign(workspace, contact_ids=people)
        async with sink(folder / "mail") as relay:
            told = await asyncio.gather(
                *(
                    _process(workspace, folder, relay.url, seed, role, merges)
                    for seed, role in enumerate(ROLES)
                )
            )
        done = sum((Counter(one["done"]) for one in told), Counter[str]())
        refused = sum((Counter(one["refused"]) for one in told), Counter[str]())
        deadlocks = await legs.deadlocks(workspace)
        print(
            f"{sum(done.values()):,} in {SECONDS:g} s: {dict(done)}; {dict(refused)}; {deadlocks} deadlocks"
        )
        assert [line for one in told for line in one["failed"]] == []
        # Who is merged while somebody waits for their lock brings a row that should have been locked earlier: the
        # database sees it, and the work is done again. Nothing else is ever locked out of order.
        assert deadlocks == 0 or merges
        assert set(done) >= (WANTED | {"merge"} if merges else WANTED)
        left = await _rows(workspace, "SELECT id FROM message WHERE state = 'handing_off'")
        assert left == []
        before = await _rows(workspace, "SELECT * FROM gate_state")
        await projection.rebuild(workspace.database, CALLER)
        assert await _rows(workspace, "SELECT * FROM gate_state") == before


async def _process(
    workspace: Workspace, folder: Path, smtp: str, seed: int, role: str, merges: bool
) -> dict[str, Any]:
    urls = workspace.database.urls
    own = folder / f"{role}{seed}"
    own.mkdir()
    orders = {
        "data": str(workspace.settings.data),
        "urls": [urls.owner, urls.app, urls.retention],
        "smtp": smtp,
        "seed": seed,
        "role": role,
        "merges": merges,
        "folder": str(own),
        "seconds": SECONDS,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.races.soak", json.dumps(orders),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=legs.ROOT,
    )  # fmt: skip
    try:
        said, errors = await asyncio.wait_for(process.communicate(), SECONDS + 120)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()[-4000:]
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


async def _rows(workspace: Workspace, statement: str) -> list[tuple[Any, ...]]:
    async with workspace.database.begin(CALLER) as session:
        return sorted(map(tuple, await session.all(statement)), key=repr)
