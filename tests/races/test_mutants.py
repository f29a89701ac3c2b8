"""The checker would see it: each wrong way of locking is found within a thousand interleavings."""

from pathlib import Path

import pytest

from registry.access.workspace import Workspace
from tests.races.contest import contest
from tests.races.judging import Findings
from tests.races.mutants import MUTANTS

ENOUGH = 1_000
WAVE = 50


@pytest.mark.law("LP-16")
@pytest.mark.parametrize("name", MUTANTS)
async def test_there_is_no_order_for_what_a_wrong_way_does(
    workspace: Workspace, tmp_path: Path, name: str
) -> None:
    found = Findings()
    async with contest(workspace, tmp_path / "race", seed=7, mutant=name) as race:
        while not found.rejected and found.interleavings < ENOUGH:
            found.add(await race.wave(WAVE))
    assert found.rejected, f"{name} went unseen through {found.interleavings} interleavings"
    print(f"{name}: within {found.interleavings} interleavings\n{found.rejected[0]}")
