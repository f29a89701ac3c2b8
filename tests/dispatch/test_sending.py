"""From a campaign to a mailbox, over the real database and a real SMTP server, when all goes well and when not."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.campaigns.schemas import Campaign
from registry.dispatch import claiming, composing, handoff, outbox, recovery, subject, worker
from registry.dispatch.channels.email.transport import SmtpTransport
from registry.dispatch.claiming import Office
from registry.dispatch.mime import content_hash
from registry.dispatch.owner import owner
from registry.dispatch.sink import Behaviour, Sink, sink
from registry.keys import persons as person_keys
from registry.keys.columns import MESSAGE_VALUES
from registry.kit.database import Role
from tests.dispatch.people import CALLER, PLAIN, TEMPLATE, campaign, persons


@asynccontextmanager
async def sending(workspace: Workspace, server: Sink, *, reply_seconds: float = 30) -> AsyncIterator[None]:
    """A worker that runs for the time of the block."""
    stop = asyncio.Event()
    ways = [SmtpTransport(server.url, 4, reply_seconds=reply_seconds) for _ in range(2)]
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


async def messages(workspace: Workspace) -> list[Any]:
    async with workspace.database.begin(CALLER) as session:
        return await session.all(
            'SELECT id, contact_id, content_hash, "values" AS sealed FROM message ORDER BY id'
        )


async def test_reaches_everybody_who_agreed_and_nobody_else(workspace: Workspace, tmp_path: Path) -> None:
    yes = [f"yes{n}@example.org" for n in range(40)]
    await persons(workspace, yes)
    await persons(workspace, [f"no{n}@example.org" for n in range(10)], granted=False)
    campaign_id = await campaign(workspace)
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        found = await done(workspace, campaign_id)
        assert sorted(server.recipients()) == sorted(yes)
        mail = message_from_bytes(next(server.received()).content, policy=default)
    assert found.permitted == 40
    assert found.blocked == {"consent.missing": 10}
    assert found.messages == {"handed_over": 40}
    controller = workspace.policies.controllers[workspace.policies.purposes["newsletter"].controller]
    body = mail.get_body(("plain",))
    assert body is not None
    assert controller.name in body.get_content()
    assert mail["From"].addresses[0].addr_spec == controller.sender_email
    assert mail["List-Unsubscribe"].startswith(f"<{workspace.settings.base_url}/p/u/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


async def test_whoever_says_no_in_between_is_blocked_at_the_hand_off(
    workspace: Workspace, tmp_path: Path
) -> None:
    people = await persons(workspace, ["yes@example.org", "no@example.org"])
    campaign_id = await campaign(workspace)
    async with workspace.database.begin(CALLER) as session:
        await handoff.standing.lock(session, [people[1]])
        await handoff.standing.restrict(session, people[1], "test")
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        found = await done(workspace, campaign_id)
        assert server.recipients() == ["yes@example.org"]
    assert found.messages == {"handed_over": 1, "blocked": 1}
    assert found.reasons == {"blocked": {"contact.restricted": 1}}
    async with workspace.database.begin(CALLER) as session:
        kept = await session.all(
            "SELECT outcome, reason FROM decision WHERE kind = 'handoff' ORDER BY outcome"
        )
    assert [tuple(row) for row in kept] == [("deny", "contact.restricted"), ("permit", "permit")]


async def test_what_was_sent_can_be_made_again_byte_for_byte(workspace: Workspace, tmp_path: Path) -> None:
    (contact_id,) = await persons(workspace, ["zoë.ā@example.org"], locale="lv")
    campaign_id = await campaign(workspace)
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        await done(workspace, campaign_id)
        (mail,) = server.received()
    (row,) = await messages(workspace)
    assert row.content_hash == content_hash(mail.content)
    async with workspace.database.begin(CALLER) as session:
        keys = (await person_keys.load(session, workspace.ring, [contact_id]))[contact_id]
        composer = await composing.of_campaign(session, campaign_id)
        told = await subject.export(session, workspace.ring, contact_id, keys)
    again = composer.again(row.id, contact_id, keys.open(MESSAGE_VALUES, row.sealed), workspace.ring.token)
    assert again == mail.content
    (message,) = told["messages"]
    assert message["content"]["subject"] == "News for Anna 0"
    token = mail.content.split(b"/p/u/")[1][:67].decode()
    assert token not in str(told)
    assert [attempt["result"] for attempt in message["attempts"]] == ["handed"]


async def test_an_erased_person_s_messages_go(workspace: Workspace, tmp_path: Path) -> None:
    (contact_id,) = await persons(workspace, ["anna@example.org"])
    await campaign(workspace)
    async with workspace.database.begin(CALLER, Role.RETENTION) as session:
        assert await subject.erase(session, contact_id) == {
            "message": 1,
            "message_attempt": 0,
            "confirmation": 0,
        }
    assert await messages(workspace) == []


async def test_refusals_of_the_server_are_kept_and_only_passing_ones_tried_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    await persons(workspace, ["bad@example.org", "later@example.org", "good@example.org"])
    campaign_id = await campaign(workspace)
    behaviour = Behaviour(reject="bad", defer="later")
    async with sink(tmp_path / "mail", behaviour=behaviour) as server, sending(workspace, server):
        async with asyncio.timeout(20):
            while sum((found := await shown(workspace, campaign_id)).messages.values()) < 3 or (
                found.messages.get("deferred", 0) + found.messages.get("handed_over", 0) < 2
            ):
                await asyncio.sleep(0.05)
        assert server.recipients() == ["good@example.org"]
    assert found.messages == {"handed_over": 1, "deferred": 1, "failed": 1}
    assert found.reasons == {"failed": {"smtp.550": 1}, "deferred": {"smtp.451": 1}}


@pytest.mark.parametrize("behaviour", [Behaviour(drop="p"), Behaviour(hang="p")], ids=["lost", "silent"])
async def test_marketing_without_an_answer_is_unknown_and_never_sent_again(
    workspace: Workspace, tmp_path: Path, behaviour: Behaviour
) -> None:
    await persons(workspace, ["p@example.org"])
    campaign_id = await campaign(workspace)
    async with sink(tmp_path / "mail", behaviour=behaviour) as server:
        async with sending(workspace, server, reply_seconds=0.3):
            found = await done(workspace, campaign_id)
            await asyncio.sleep(0.5)
        assert server.count() == 1
    assert found.messages == {"unknown": 1}
    assert found.reasons == {"unknown": {"smtp.no_reply": 1}}


async def test_a_legal_notice_without_an_answer_is_sent_again_under_the_same_id(
    workspace: Workspace, tmp_path: Path
) -> None:
    await persons(workspace, ["p@example.org"], granted=False)
    campaign_id = await campaign(workspace, PLAIN, "request-answers")
    async with sink(tmp_path / "mail", behaviour=Behaviour(drop="p")) as server:
        async with sending(workspace, server), asyncio.timeout(20):
            while server.count() < 2:
                await asyncio.sleep(0.05)
        first, second = list(server.received())[:2]
    assert (await shown(workspace, campaign_id)).messages.get("unknown") is None
    ids = [message_from_bytes(mail.content)["Message-ID"] for mail in (first, second)]
    assert ids[0] == ids[1]


async def test_without_a_server_nothing_is_lost_or_sent(workspace: Workspace, tmp_path: Path) -> None:
    await persons(workspace, [f"p{n}@example.org" for n in range(5)])
    campaign_id = await campaign(workspace)
    nowhere = Sink("smtp://127.0.0.1:9", tmp_path / "none", 0)
    async with sending(workspace, nowhere):
        await asyncio.sleep(0.5)
    assert (await shown(workspace, campaign_id)).messages == {"queued": 5}
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        assert (await done(workspace, campaign_id)).messages == {"handed_over": 5}
        assert server.count() == 5


async def test_a_dead_worker_s_messages_become_unknown_and_a_living_one_s_stay(
    workspace: Workspace, tmp_path: Path
) -> None:
    await persons(workspace, ["p@example.org"])
    campaign_id = await campaign(workspace)
    url = workspace.database.urls.app
    async with owner(url) as first:
        office = Office(workspace.database, workspace.ring, workspace.policies, first.name, {})
        (claimed,) = await claiming.claim(office, "email", 10)
        async with owner(url) as second:
            assert (
                await recovery.recover(workspace.database, workspace.ring, workspace.policies, second.name)
                == {}
            )
    async with owner(url) as third:
        counts = await recovery.recover(workspace.database, workspace.ring, workspace.policies, third.name)
    assert counts == {"unknown": 1}
    async with sink(tmp_path / "mail") as server:
        way = SmtpTransport(server.url, 1)
        await way.open()
        # The one who was taken for dead comes back: the message is not in its hand any more.
        assert await handoff.hand_over(office, way, [claimed]) == []
        await way.close()
        assert server.count() == 0
    found = await shown(workspace, campaign_id)
    assert found.reasons == {"unknown": {"worker.gone": 1}}
    async with workspace.database.begin(CALLER) as session:
        (kind,) = await session.all("SELECT kind, outcome FROM decision WHERE message_id = %s", (claimed.id,))
    assert tuple(kind) == ("reconstructed", "permit")


async def test_one_message_of_a_person_at_a_time(workspace: Workspace, tmp_path: Path) -> None:
    await persons(workspace, [f"p{n}@example.org" for n in range(30)])
    several = [await campaign(workspace) for _ in range(3)]
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        for campaign_id in several:
            assert (await done(workspace, campaign_id)).messages == {"handed_over": 30}
        assert server.count() == 90


async def test_the_database_gone_in_the_middle_sends_nothing_twice(
    workspace: Workspace, tmp_path: Path
) -> None:
    addresses = [f"p{n}@example.org" for n in range(150)]
    await persons(workspace, addresses)
    campaign_id = await campaign(workspace)
    async with sink(tmp_path / "mail", behaviour=Behaviour(latency=0.05)) as server:
        failures = 0
        for _ in range(3):
            try:
                async with sending(workspace, server):
                    await asyncio.sleep(0.25)
                    await _cut(workspace)
                    await asyncio.sleep(0.5)
            except (ExceptionGroup, psycopg.OperationalError):
                failures += 1
        async with sending(workspace, server):
            found = await done(workspace, campaign_id)
        got = server.recipients()
    assert failures
    assert len(got) == len(set(got))
    assert sum(found.messages.values()) == 150
    assert set(found.messages) <= {"handed_over", "unknown"}
    assert found.messages["handed_over"] <= len(got) <= 150


async def _cut(workspace: Workspace) -> None:
    """Every connection to the database is closed by the server, as in a failover."""
    async with workspace.database.begin(CALLER) as session:
        await session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = 'zgoda_app'"
        )


async def test_a_campaign_that_was_cut_off_while_filling_goes_on(workspace: Workspace) -> None:
    people = await persons(workspace, [f"p{n}@example.org" for n in range(25)])
    new = campaigns.NewCampaign("newsletter", "email", TEMPLATE, None)
    database, ring, policies = workspace.database, workspace.ring, workspace.policies
    async with database.begin(CALLER) as session:
        campaign_id = await campaigns.create(session, ring, policies, new, workspace.settings.base_url)
    async with database.begin(CALLER) as session:
        assert await campaigns._fill(session, ring, policies, campaign_id, 10)
        assert await campaigns.unfilled(session) == [campaign_id]
    await asyncio.gather(
        *(campaigns.fill(database, ring, policies, campaign_id, CALLER, chunk=10) for _ in range(3))
    )
    found = await shown(workspace, campaign_id)
    assert found.permitted == 25
    assert found.messages == {outbox.QUEUED: 25}
    assert {row.contact_id for row in await messages(workspace)} == set(people)
