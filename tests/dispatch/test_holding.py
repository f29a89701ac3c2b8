"""A sender that loses its locks stops sending: nobody may be told "no more" while a mail is still being handed over."""

import asyncio
import time
from pathlib import Path

import psycopg
import pytest

from registry.access.workspace import Workspace
from registry.dispatch import claiming, handoff
from registry.dispatch.claiming import Office
from registry.dispatch.holding import while_held
from registry.dispatch.owner import owner
from registry.dispatch.sink import Behaviour, sink
from tests import installation
from tests.dispatch.people import CALLER, campaign, one_click, persons


def _end_senders(postgres: installation.Server, workspace: Workspace) -> int:
    """Have the server end every connection that holds a gate row."""
    database = psycopg.conninfo.conninfo_to_dict(workspace.database.urls.app)["dbname"]
    with psycopg.connect(postgres.superuser_url, autocommit=True) as connection:
        row = connection.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = %s"
            " AND state = 'idle in transaction' AND usename = 'zgoda_app'",
            (database,),
        ).fetchone()
    assert row is not None
    return int(row[0])


async def test_a_mail_is_cut_off_when_the_connection_with_the_locks_ends(
    workspace: Workspace, server: installation.Server, tmp_path: Path
) -> None:
    (person,) = await persons(workspace, ["anna@example.org"])
    await campaign(workspace)
    async with workspace.database.begin(CALLER) as session:
        assignment = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (person,))
    async with (
        sink(tmp_path / "mail", behaviour=Behaviour(latency=1.5)) as relay,
        owner(workspace.database.urls.app) as ourselves,
    ):
        office = Office(workspace.database, workspace.ring, workspace.policies, ourselves.name, {})
        way = handoff.transport("email", relay.url, 1)
        await way.open()
        claimed = await claiming.claim(office, "email", 1)
        assert len(claimed) == 1
        sending = asyncio.create_task(handoff.hand_over(office, way, claimed))
        await asyncio.sleep(0.4)
        assert _end_senders(server, workspace) == 1
        await workspace.database.run(CALLER, lambda s: one_click(s, workspace, person, assignment))
        acknowledged = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            await sending
        assert time.monotonic() - acknowledged < 1.0
        await asyncio.sleep(1.5)
        assert [mail for mail in relay.received() if mail.ended > acknowledged] == []
        await way.close()


async def test_what_was_done_by_then_is_told(workspace: Workspace) -> None:
    async def one(number: int) -> int:
        await asyncio.sleep(0.01 * number)
        return number

    async with workspace.database.begin(CALLER) as session:
        assert await while_held(session, [one(3), one(1)]) == [3, 1]
        assert await session.value("SELECT 1") == 1
        assert await while_held(session, []) == []
