"""How many messages of one process are handed over at once: whoever says no waits for those that hold the locks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# As many as three dispatchers of sixteen connections have in hand, which is the most that two cores are better for.
AT_ONCE = 48


class Turns:
    """Turns for messages, first come first served; those who wait hold no lock and no connection."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._at_once = at_once
        self._free = asyncio.Semaphore(at_once)
        # One takes all that it needs before the next takes any: two halves would wait for each other.
        self._door = asyncio.Lock()

    @asynccontextmanager
    async def taken(self, messages: int) -> AsyncIterator[None]:
        """Turns for so many messages, for the time of the block; for more than there are, all of them."""
        wanted, taken = min(messages, self._at_once), 0
        try:
            async with self._door:
                while taken < wanted:
                    await self._free.acquire()
                    taken += 1
            yield
        finally:
            for _ in range(taken):
                self._free.release()
