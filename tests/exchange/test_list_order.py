"""A list of one day and a file of another, in whichever order they come, or two at once."""

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

from registry.access.workspace import Workspace
from registry.kit import clock
from tests.exchange.test_lists import CALLS, LIST, NUMBER, caller_of, calling, load, told, zgoda_list
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


async def shown(workspace: Workspace) -> tuple[int, str | None, str | None, bool]:
    """Entries, day, last fresh day and usability of the list, as `zgoda list show` tells them."""
    _, states = await zgoda_list(workspace, "show")
    (state,) = [one for one in states["lists"] if one["id"] == LIST]
    return state["entries"], state["dated"], state["fresh_until"], state["usable"]


async def test_an_older_whole_list_takes_nobody_off_and_an_older_part_of_it_only_adds(
    workspace: Workspace, tmp_path: Path
) -> None:
    newer, older, part = (tmp_path / name for name in ("newer.txt", "older.txt", "part.txt"))
    newer.write_text("\n".join(f"+3247000000{n}" for n in range(4)))
    older.write_text("\n".join(f"+3247000000{n}" for n in range(3)))
    part.write_text("+32470000009")
    today = clock.now().date()
    day = today - timedelta(days=1)
    fresh = (str(day), str(day + timedelta(days=31)), True)
    assert (await zgoda_list(workspace, "import", LIST, str(newer), "--full", "--dated", str(day)))[0] == 0
    before = await shown(workspace)
    assert before == (4, *fresh)
    for more in ((), ("--dry-run",), ("--allow-shrink",)):
        for ago in (1, 2000):
            dated = str(day - timedelta(days=ago))
            code, said = await zgoda_list(
                workspace, "import", LIST, str(older), "--full", "--dated", dated, *more
            )
            assert (code, said["code"], said["field"]) == (1, "list.older", "--dated")
            assert said["mend"]
            assert await shown(workspace) == before
    code, said = await zgoda_list(workspace, "import", LIST, str(part), "--dated", "2020-01-01")
    assert (code, said["listed"], said["unlisted"]) == (0, 1, 0)
    assert await shown(workspace) == (5, *fresh)
    # Of the same day, a file put right takes off.
    code, said = await zgoda_list(workspace, "import", LIST, str(older), "--full", "--dated", str(day))
    assert (code, said["unlisted"]) == (0, 2)
    assert await shown(workspace) == (3, *fresh)


async def test_a_second_whole_import_of_a_list_at_the_same_time_is_refused_and_a_part_is_not(
    workspace: Workspace, tmp_path: Path
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("+32470999998")
    said: list[tuple[int, dict[str, Any]]] = []

    def meanwhile(*_: int) -> None:
        def both() -> None:
            said.append(told(workspace, "import", LIST, str(other), "--full", "--allow-shrink"))
            said.append(told(workspace, "import", LIST, str(other)))

        (beside := threading.Thread(target=both)).start()
        beside.join(30)

    await load(workspace, tmp_path, NUMBER, whole=True, progress=meanwhile)
    (refused, why), (added, _) = said
    assert (refused, why["code"], added) == (1, "list.busy", 0)
    # The one that was running took off neither what it named nor what was added beside it.
    assert (await shown(workspace))[0] == 2
    await load(workspace, tmp_path, NUMBER, whole=True)
    assert (await shown(workspace))[0] == 1
