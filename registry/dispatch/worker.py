"""Dispatchers: each claims, hands over, and claims again, over SMTP connections of its own, until told to stop."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from registry.access.workspace import Workspace
from registry.dispatch import claiming, handoff, recovery
from registry.dispatch.channels.contract import Transport
from registry.dispatch.claiming import Office
from registry.dispatch.owner import Owner, owner
from registry.kit.database import Role
from registry.kit.logging import log

# Measured on two cores: 3 x 16 hands over twice as many messages a second as 4 x 8.
DISPATCHERS = 3
CONNECTIONS = 16
IDLE_SECONDS = 0.2
RECOVERY_SECONDS = 5.0
UNREACHABLE_SECONDS = (1.0, 15.0)
_LOG = log("dispatch")


@dataclass(slots=True)
class Progress:
    """How many messages came to which state since the start, and which channels have nobody at the other end."""

    states: dict[str, int] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    def add(self, states: Mapping[str, int]) -> None:
        for state, number in states.items():
            self.states[state] = self.states.get(state, 0) + number

    def unreachable(self, channel: str) -> None:
        """Say once that nobody answers, however many dispatchers find it out."""
        if channel not in self.silent:
            self.silent.add(channel)
            _LOG.error(
                "channel.unreachable",
                channel=channel,
                mend="check --smtp or ZGODA_SMTP; messages stay queued",
            )

    def reachable(self, channel: str) -> None:
        """Say once that somebody answers again."""
        if channel in self.silent:
            self.silent.discard(channel)
            _LOG.info("channel.reachable", channel=channel)


async def run(workspace: Workspace, stop: asyncio.Event) -> None:
    """Hand over what is due until `stop` is set; raises what the database raises, having let go of everything.

    Whoever starts this again starts under a new name, and first finds what the old one left in hand. Without an
    SMTP address (`--smtp`, ZGODA_SMTP) nothing leaves and messages stay queued.
    """
    if workspace.settings.smtp is None:
        _LOG.info("dispatch.off", mend="set ZGODA_SMTP or --smtp to send mail")
        await stop.wait()
        return
    ways = [handoff.transport("email", workspace.settings.smtp, CONNECTIONS) for _ in range(DISPATCHERS)]
    await dispatch(workspace, {"email": ways}, stop)


async def dispatch(
    workspace: Workspace,
    ways: Mapping[str, Sequence[Transport]],
    stop: asyncio.Event,
    *,
    progress: Progress | None = None,
) -> None:
    """Run one dispatcher for each transport, under one name."""
    progress = progress or Progress()
    database = workspace.database
    async with owner(database.urls.of(Role.APP)) as ourselves:
        office = Office(database, workspace.ring, workspace.policies, ourselves.name, {})
        progress.add(await recovery.recover(database, workspace.ring, workspace.policies, ourselves.name))
        try:
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(_watch(workspace, ourselves, stop))
                dispatchers = [
                    group.create_task(_dispatcher(office, channel, way, stop, progress))
                    for channel, some in ways.items()
                    for way in some
                ]
                await asyncio.wait(dispatchers)
                watch.cancel()
        finally:
            await asyncio.gather(
                *(way.close() for some in ways.values() for way in some), return_exceptions=True
            )


async def _watch(workspace: Workspace, ourselves: Owner, stop: asyncio.Event) -> None:
    """See that our name still holds, and take over from workers that are gone."""
    while not stop.is_set():
        await _pause(stop, RECOVERY_SECONDS)
        await ourselves.check()
        states = await recovery.recover(
            workspace.database, workspace.ring, workspace.policies, ourselves.name
        )
        if states:
            _LOG.warning("messages.recovered", **states)


async def _dispatcher(
    office: Office, channel: str, way: Transport, stop: asyncio.Event, progress: Progress
) -> None:
    wait = UNREACHABLE_SECONDS[0]
    while not stop.is_set():
        # Connections first: what is claimed while nobody answers would only have to go back.
        free = await way.ready()
        if free == 0:
            progress.unreachable(channel)
            await _pause(stop, wait)
            wait = min(wait * 2, UNREACHABLE_SECONDS[1])
            continue
        progress.reachable(channel)
        wait = UNREACHABLE_SECONDS[0]
        claimed = await claiming.claim(office, channel, free)
        if not claimed:
            await _pause(stop, IDLE_SECONDS)
            continue
        progress.add(handoff.by_state(await handoff.hand_over(office, way, claimed)))


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        pass
