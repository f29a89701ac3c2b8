"""The checker would see it: each wrong way of locking is found within a thousand interleavings."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.installation import Server
from tests.races import legs
from tests.races.contest import Contest, contest
from tests.races.judging import Findings
from tests.races.mutants import MUTANTS

ENOUGH = 1_000
WAVE = 25


@pytest_asyncio.fixture(scope="module")
async def race(server: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Contest]:
    """The processes of one race, which go wrong in one way after the other: starting them takes longer than most."""
    folder = tmp_path_factory.mktemp("mutants")
    async with legs.stage(server, folder / "stage") as workspace, contest(workspace, folder, seed=7) as made:
        yield made


@pytest.mark.law("LP-16")
@pytest.mark.parametrize("name", MUTANTS)
async def test_there_is_no_order_for_what_a_wrong_way_does(race: Contest, name: str) -> None:
    await race.go_wrong(name)
    found = Findings()
    while not found.rejected and found.interleavings < ENOUGH:
        found.add(await race.wave(WAVE))
    assert found.rejected, f"{name} went unseen through {found.interleavings} interleavings"
    print(f"{name}: within {found.interleavings} interleavings\n{found.rejected[0]}")
