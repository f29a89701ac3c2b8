"""A process that has not read the policies in force yet issues and redeems nothing by those before."""

from pathlib import Path

import pytest

from registry.kit.config import Settings
from registry.opening import opened
from registry.policy.in_force import Bundle, Change, PolicyChanged
from registry.standing.permits import PermitState
from tests.permits.engines import issue, kept, redeem, subscriber
from tests.policy.folders import NEWSLETTER, copied, replace


def shorter(folder: Path) -> Change:
    """A newsletter whose grants hold for a shorter time."""
    replace(folder, NEWSLETTER, 'class = "marketing"', 'class = "marketing"\nvalid_for_days = 700')
    return Change(Bundle.of(folder), "A. Lawyer", "a shorter term")


@pytest.mark.law("LP-16")
async def test_nothing_is_redeemed_by_policies_that_are_in_force_no_more(
    settings: Settings, tmp_path: Path
) -> None:
    async with opened(settings) as before:
        await subscriber(before)
        issued = await issue(before)
        given = issued.token or ""
        async with opened(settings, change=shorter(copied(tmp_path))) as now:
            with pytest.raises(PolicyChanged) as refused:
                await redeem(before, given)
            assert refused.value.status == 503
            # Nothing became of it: whoever reads the policies in force decides.
            assert [row.state for row in await kept(before)] == [PermitState.OPEN]
            done = await redeem(now, given)
            assert done.permitted and done.decision is not None
            assert done.decision.policy != issued.decision.policy


async def test_nor_issued(settings: Settings, tmp_path: Path) -> None:
    async with opened(settings) as before:
        await subscriber(before)
        async with opened(settings, change=shorter(copied(tmp_path))) as now:
            with pytest.raises(PolicyChanged):
                await issue(before)
            assert await kept(now) == []
            assert (await issue(now)).token
