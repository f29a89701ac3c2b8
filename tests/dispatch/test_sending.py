"""From a campaign to a mailbox, over the real database and a real SMTP server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.campaigns.schemas import Campaign
from registry.dispatch import handoff, worker
from registry.dispatch.sink import Behaviour, Sink, sink
from registry.dispatch.worker import Progress
from tests.dispatch.people import CALLER, PLAIN, campaign, persons


@asynccontextmanager
async def sending(workspace: Workspace, server: Sink) -> AsyncIterator[None]:
    """A worker that runs for the time of the block."""
    stop = asyncio.Event()
    ways = [handoff.transport("email", server.url, 4) for _ in range(2)]
    task = asyncio.create_task(worker.dispatch(workspace, {"email": ways}, stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def shown(workspace: Workspace, campaign_id: UUID) -> Campaign:
    async with workspace.database.begin(CALLER) as session:
        return await campaigns.show(session, campaign_id)


async def done(workspace: Workspace, campaign_id: UUID, seconds: float = 20) -> Campaign:
    """Wait until nothing of a campaign is due or in hand."""
    async with asyncio.timeout(seconds):
        while (found := await shown(workspace, campaign_id)).state != campaigns.DONE:
            await asyncio.sleep(0.05)
    return found


async def test_reaches_everybody_who_agreed_and_nobody_else(workspace: Workspace, tmp_path: Path) -> None:
    yes = [f"yes{n}@example.org" for n in range(40)]
    await persons(workspace, yes)
    await persons(workspace, [f"no{n}@example.org" for n in range(10)], granted=False)
    campaign_id = await campaign(workspace)
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        found = await done(workspace, campaign_id)
        assert sorted(server.recipients()) == sorted(yes)
        assert found.permitted == 40
        assert found.blocked == {"consent.missing": 10}
        assert found.messages == {"handed_over": 40}
        mail = message_from_bytes(next(server.received()).content, policy=default)
    controller = workspace.policies.controllers[workspace.policies.purposes["newsletter"].controller]
    body = mail.get_body(("plain",))
    assert body is not None
    assert controller.name in body.get_content()
    assert mail["List-Unsubscribe"].startswith(f"<{workspace.settings.base_url}/p/u/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
