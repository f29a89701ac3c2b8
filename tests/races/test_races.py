"""No hand-off and no redemption begins or ends after a "no" was acknowledged, whoever says it and however.

`make check-deep` sets ZGODA_TEST_INTERLEAVINGS, and ZGODA_TEST_RACES: the file that it goes on from.
"""

import os
from pathlib import Path

import pytest

from tests.installation import Server
from tests.races import legs
from tests.races.history import NOES

INTERLEAVINGS = int(os.environ.get("ZGODA_TEST_INTERLEAVINGS", "2000"))
KEPT = os.environ.get("ZGODA_TEST_RACES")


@pytest.mark.law("LP-16")
async def test_every_history_could_have_been_one_thing_after_the_other(
    server: Server, tmp_path: Path
) -> None:
    kept = Path(KEPT) if KEPT else None
    found = await legs.run(server, tmp_path, INTERLEAVINGS, kept=kept)
    print(
        f"{found.interleavings:,} interleavings of {found.persons:,} persons; {sorted(found.operations.items())}"
    )
    assert not found.rejected, found.rejected[0]
    assert found.unwitnessed == []
    assert found.deadlocks == 0
    assert found.interleavings >= INTERLEAVINGS
    seen = found.operations
    # Both came first often enough for the answer to mean something.
    for often in ("handoff.handed_over", "handoff.blocked", "redeem.permit", "redeem.voided"):
        assert seen[often] > found.interleavings // 200, often
    assert set(seen) >= {*NOES, "gone", "grant", "check"}
    assert not [state for state in seen if state in ("handoff.unknown", "handoff.failed")]
    if kept:
        kept.unlink(missing_ok=True)
