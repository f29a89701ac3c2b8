"""A list of one day and a file of another, in whichever order they come."""

from datetime import timedelta
from pathlib import Path

from registry.access.workspace import Workspace
from registry.kit import clock
from tests.exchange.test_lists import CALLS, caller_of, calling, load
from tests.persons import CALLER, reason

__all__ = ["calling"]


async def test_a_whole_file_takes_nobody_off_whom_a_file_of_a_later_day_listed(
    calling: Workspace, tmp_path: Path
) -> None:
    """In whichever order the two come, and also who was on the list before the later file named them."""
    fresh, again, gone, other = (f"+3247000000{n}" for n in range(4))
    today = clock.now().date()
    first, between, last = (today - timedelta(days=ago) for ago in (9, 6, 3))
    persons = {number: await caller_of(calling, number) for number in (fresh, again, gone)}

    async def states() -> list[str]:
        return [await reason(calling, person, CALLS, "call") for person in persons.values()]

    await load(calling, tmp_path, again, gone, other, whole=True, dated=first)
    for new in (1, 0):
        assert (await load(calling, tmp_path, fresh, again, dated=last)).listed == new
    assert await states() == ["address.listed"] * 3
    named = clock.now()
    assert (await load(calling, tmp_path, other, whole=True, dated=between)).unlisted == 1
    assert await states() == ["address.listed", "address.listed", "permit"]
    # The other way round: what the later one adds after it stays as well, whenever the whole one comes again.
    assert (await load(calling, tmp_path, fresh, gone, dated=last)).listed == 1
    assert (await load(calling, tmp_path, other, whole=True, dated=between)).unlisted == 0
    assert await states() == ["address.listed"] * 3
    async with calling.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT l.recorded_at, l.unlisted_at FROM address_listing l JOIN assignment a USING (address_id)"
            " WHERE a.contact_id = %s ORDER BY l.recorded_at",
            (persons[again],),
        )
    # Listed anew once, and never off the list between.
    assert [row.unlisted_at for row in rows] == [rows[1].recorded_at, None]
    assert rows[1].recorded_at < named
    # A whole file of that later day, or of one after it, is the newest there is.
    assert (await load(calling, tmp_path, other, whole=True, dated=last, shrink=True)).unlisted == 3
    assert await states() == ["permit"] * 3
