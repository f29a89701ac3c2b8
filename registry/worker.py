"""What runs beside the requests: sealer, dispatch, campaigns, reminders, terms; each started again when it fails."""

import asyncio
from collections.abc import Awaitable, Callable

from registry.access.workspace import Workspace
from registry.audit import sealer
from registry.campaigns import filling
from registry.dispatch import confirmations
from registry.dispatch import worker as dispatch
from registry.kit.logging import log
from registry.subject_requests import lapsing

_LONGEST_PAUSE = 30.0
_WORKER = log("worker")

Task = Callable[[Workspace, asyncio.Event], Awaitable[None]]


async def _seal(workspace: Workspace, stop: asyncio.Event) -> None:
    await sealer.run(workspace.database, workspace.ring, stop)


TASKS: dict[str, Task] = {
    "sealer": _seal,
    "dispatch": dispatch.run,
    "campaigns": filling.run,
    "confirmations": confirmations.run,
    "retention": lapsing.run,
}


async def run(workspace: Workspace, stop: asyncio.Event) -> None:
    """Run every task until `stop` is set, then let each finish what it has begun."""
    async with asyncio.TaskGroup() as group:
        for name, task in TASKS.items():
            group.create_task(_kept(name, task, workspace, stop), name=name)


async def _kept(name: str, task: Task, workspace: Workspace, stop: asyncio.Event) -> None:
    """Run a task again whenever it fails, later each time: a database that is gone comes back."""
    pause = 1.0
    clock = asyncio.get_running_loop()
    while not stop.is_set():
        began = clock.time()
        try:
            await task(workspace, stop)
        except Exception as error:
            _WORKER.error("task.failed", task=name, again_in=pause, exc_info=error)
        if clock.time() - began > _LONGEST_PAUSE:
            pause = 1.0
        await pause_or_stop(stop, pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def pause_or_stop(stop: asyncio.Event, seconds: float) -> None:
    """Wait `seconds`, or less when `stop` is set."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        pass
