"""What is deferred is sent later and not lost: caps counted from what was handed over, hours by the person's clock."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio

from registry.access.workspace import Workspace
from registry.consents import projection
from registry.dispatch.sink import sink
from registry.gate import service as gate
from registry.gate.model import Decision, Outcome, Question
from registry.kit import clock
from registry.kit.database import Database
from registry.policy.schedule import Cap, Quiet, Schedule
from tests.dispatch.people import CALLER, campaign, persons
from tests.dispatch.test_sending import sending, shown


@pytest_asyncio.fixture
async def capped(workspace: Workspace) -> AsyncIterator[Workspace]:
    """Two newsletters a week and no more; none at an hour that the test chooses."""
    schedule = Schedule(
        zones={"LV": "Europe/Riga"},
        caps=(Cap(controller="nordwind", channel="email", messages=2, days=7),),
    )
    async for made in _with(workspace, schedule):
        yield made


async def _with(workspace: Workspace, schedule: Schedule) -> AsyncIterator[Workspace]:
    known = workspace.policies
    policies = known.model_copy(update={"schedule": schedule}).numbered(known.purpose_ids, known.channel_ids)
    database = Database(workspace.database.urls, settle=partial(projection.settle, policies=policies))
    await database.open()
    yield replace(workspace, database=database, policies=policies)
    await database.close()


async def _decide(workspace: Workspace, question: Question, at: datetime) -> Decision:
    async with workspace.database.begin(CALLER) as session:
        (answer,) = await gate.decide(session, workspace.policies, [question], at)
    return answer


async def test_the_third_letter_of_a_week_waits(capped: Workspace, tmp_path: Path) -> None:
    (person,) = await persons(capped, ["anna@example.org"])
    async with sink(tmp_path / "mail") as server, sending(capped, server):
        for _ in range(3):
            await campaign(capped)
        async with capped.database.begin(CALLER) as session:
            for _ in range(200):
                rows = await session.all("SELECT state, reason, due_at FROM message ORDER BY state")
                if [row.state for row in rows] == ["handed_over", "handed_over", "queued"] and rows[2].reason:
                    break
                await session.execute("SELECT pg_sleep(0.05)")
        assert server.count() == 2
    assert rows[2].reason == "frequency.cap_reached"
    answer = await _decide(capped, Question(person, "newsletter", "email"), clock.now())
    assert (answer.outcome, answer.reason) == (Outcome.DEFER, "frequency.cap_reached")
    # Both were handed over today, so for seven days from its beginning.
    today = clock.now().date()
    assert answer.not_before == datetime.combine(today + timedelta(days=7), time(), UTC) == rows[2].due_at
    later = await _decide(capped, Question(person, "newsletter", "email"), answer.not_before)
    assert later.permitted


async def test_a_rebuilt_table_keeps_the_cap(capped: Workspace, tmp_path: Path) -> None:
    (person,) = await persons(capped, ["anna@example.org"])
    async with sink(tmp_path / "mail") as server, sending(capped, server):
        for _ in range(2):
            sent = await campaign(capped)
            while (await shown(capped, sent)).state != "done":
                pass
    await projection.rebuild(capped.database, CALLER)
    answer = await _decide(capped, Question(person, "newsletter", "email"), clock.now())
    assert answer.reason == "frequency.cap_reached"


async def test_quiet_hours_go_by_the_clock_of_the_person(workspace: Workspace) -> None:
    night = Quiet(channels=("email",), from_=time(21), until=time(8))
    schedule = Schedule(zones={"LV": "Europe/Riga"}, quiet=(night,))
    async for made in _with(workspace, schedule):
        (person,) = await persons(made, ["anna@example.org"])
        question = Question(person, "newsletter", "email")
        # In two years, so that the grant stands; half past seven in the evening UTC is half past nine in Riga.
        evening = datetime(clock.now().year + 1, 1, 15, 19, 30, tzinfo=UTC)
        answer = await _decide(made, question, evening)
        assert (answer.outcome, answer.reason) == (Outcome.DEFER, "schedule.quiet_hours")
        assert answer.not_before == evening.replace(day=16, hour=6, minute=0)
        assert (await _decide(made, question, answer.not_before)).permitted
        assert (await _decide(made, question, evening.replace(hour=18))).permitted


@pytest.mark.parametrize("class_", ["requested", "legal_notice"])
def test_an_answer_or_a_notice_of_a_breach_keeps_no_hours(workspace: Workspace, class_: str) -> None:
    assert not any(class_ in rule.classes for rule in workspace.policies.schedule.quiet)
