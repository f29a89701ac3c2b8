"""Fills campaigns that were made over HTTP, or whose filling was cut off: part of the worker."""

import asyncio

from registry.access.workspace import Workspace
from registry.campaigns import service
from registry.kit.caller import WORKER, Caller

LOOK_SECONDS = 0.5


async def run(workspace: Workspace, stop: asyncio.Event) -> None:
    """Fill whatever waits for it until `stop` is set."""
    caller = Caller(WORKER, "campaign", "fill the outbox")
    while not stop.is_set():
        async with workspace.database.begin(caller) as session:
            waiting = await service.unfilled(session)
        for campaign_id in waiting:
            await service.fill(workspace.database, workspace.ring, workspace.policies, campaign_id, caller)
        try:
            await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
        except TimeoutError:
            continue
