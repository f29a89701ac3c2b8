"""Fifty dispatchers in a process of their own, each with its transactions and its connections to the relay."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.dispatch import handoff, worker
from registry.keys.ring import FileKeyRing
from registry.kit.config import Settings
from registry.kit.database import Database, Session
from registry.opening import opened


async def _send(data: Path, url: str, senders: int, width: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(Settings(data=data)) as ours:

        async def settle(session: Session) -> None:
            await projection.settle(session, ours.policies)

        # A connection for each, so that nobody waits for one and everybody for locks alone.
        database = Database(ours.database.urls, settle=settle, size=senders + 2)
        await database.open()
        assert isinstance(ours.ring, FileKeyRing)
        workspace = Workspace(ours.settings, database, ours.ring, ours.policies)
        ways = [handoff.transport("email", url, width) for _ in range(senders)]
        await worker.dispatch(workspace, {"email": ways}, stop)
        await database.close()


def main() -> None:
    """`python -m tests.benchmarks.senders ORDERS`: hands over what is due until it is told to stop."""
    orders = json.loads(sys.argv[1])
    asyncio.run(_send(Path(orders["data"]), orders["url"], orders["senders"], orders["width"]))


if __name__ == "__main__":
    main()
