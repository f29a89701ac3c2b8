"""Turns of messages: no more at once than there are, in the order of coming, and given back by whoever gives up."""

import asyncio

import pytest

from registry.dispatch.turns import Turns


async def _many(turns: Turns, sizes: list[int]) -> tuple[int, list[int]]:
    """The most messages at once, and which came in which order."""
    now = most = 0
    order: list[int] = []

    async def one(place: int, size: int) -> None:
        nonlocal now, most
        async with turns.taken(size):
            order.append(place)
            now += size
            most = max(most, now)
            await asyncio.sleep(0)
            now -= size

    async with asyncio.timeout(5):
        await asyncio.gather(*(one(place, size) for place, size in enumerate(sizes)))
    return most, order


@pytest.mark.parametrize("sizes", [[1] * 20, [3, 3, 3, 3], [1, 4, 1, 4, 2, 3], [4] * 5])
async def test_no_more_are_at_once_than_there_are_turns(sizes: list[int]) -> None:
    most, order = await _many(Turns(4), sizes)
    assert most <= 4
    assert order == sorted(order), "a wide one is not passed over for narrow ones"


async def test_more_than_there_are_take_all_turns() -> None:
    most, _ = await _many(Turns(2), [5, 1])
    assert most == 5


async def test_whoever_gives_up_takes_none_along() -> None:
    turns = Turns(2)
    async with turns.taken(1):

        async def wide() -> None:
            async with turns.taken(2):
                raise AssertionError("there were not two")

        waiting = asyncio.create_task(wide())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    most, order = await _many(turns, [2, 2])
    assert (most, order) == (2, [0, 1])
