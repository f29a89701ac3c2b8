"""Checks share statements, and nothing else: none is stale, none is answered before it is kept."""

import asyncio
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from registry.consents.ledger import EntryKind
from registry.contacts.queries import Reference, parse_reference
from registry.gate import checks as module
from registry.gate.checks import Check, Checks
from registry.kit.errors import Refused
from registry.kit.ids import new_id
from tests.persons import CALLER, act, make

EMAIL = "ilze@example.org"


@pytest.fixture
def checks(workspace):
    return Checks(workspace.database, workspace.ring, workspace.policies)


@pytest.fixture
def sizes(monkeypatch):
    """How many checks were answered together, each time."""
    told = []
    answer = module.answer

    async def counted(session, ring, policies, asked):
        told.append(len(asked))
        return await answer(session, ring, policies, asked)

    monkeypatch.setattr(module, "answer", counted)
    return told


def check(reference: str | UUID, purpose: str = "newsletter", request: str | None = None) -> Check:
    caller = replace(CALLER, request_id=request or str(new_id()))
    return Check(caller, parse_reference(str(reference)), purpose, "email")


async def value(workspace, statement, *params):
    async with workspace.database.begin(CALLER) as session:
        return await session.value(statement, params)


async def test_an_answer_is_kept_and_logged_before_it_is_told(workspace, checks):
    person = await make(workspace, EMAIL)
    answers = await asyncio.gather(*(checks.ask(check(person)) for _ in range(30)))
    assert {answer.reason for answer in answers} == {"consent.missing"}
    assert len({answer.id for answer in answers}) == 30
    kept = await value(
        workspace, "SELECT count(*) FROM decision WHERE id = ANY(%s)", [answer.id for answer in answers]
    )
    opened = await value(
        workspace,
        "SELECT count(*) FROM audit_opening o JOIN audit_entry e ON e.id = o.entry_id"
        " WHERE o.contact_id = %s AND position('decision.check' IN convert_from(e.body, 'UTF8')) > 0",
        person,
    )
    assert (kept, opened) == (30, 30)


async def test_every_check_has_an_entry_of_its_own_caller(workspace, checks):
    person = await make(workspace, EMAIL)
    requests = [f"request-{number}" for number in range(20)]
    await asyncio.gather(*(checks.ask(check(person, request=request)) for request in requests))
    async with workspace.database.begin(CALLER) as session:
        bodies = [
            bytes(row.body).decode() for row in await session.all("SELECT body FROM audit_entry ORDER BY id")
        ]
    for request in requests:
        assert sum(f'"request":"{request}"' in body for body in bodies) == 1


async def test_many_who_ask_at_once_share_few_statements(workspace, checks, sizes):
    person = await make(workspace, EMAIL)
    await asyncio.gather(*(checks.ask(check(person)) for _ in range(200)))
    assert sum(sizes) == 200
    assert len(sizes) <= 4


async def test_a_lane_leaves_the_half_of_many_to_one_that_has_nothing_to_do(workspace, checks, sizes):
    """Or all would wait for the database together, and nobody would work here meanwhile."""
    person = await make(workspace, EMAIL)
    await asyncio.gather(checks.ask(check(person)), checks.ask(check(person)))
    await asyncio.sleep(0.01)
    sizes.clear()
    await asyncio.gather(*(checks.ask(check(person)) for _ in range(300)))
    assert sorted(sizes) == [150, 150]
    sizes.clear()
    await asyncio.gather(*(checks.ask(check(person)) for _ in range(module.WORTH_SHARING - 1)))
    assert sizes == [module.WORTH_SHARING - 1]


async def test_no_answer_is_older_than_its_question(workspace, checks):
    person = await make(workspace, EMAIL)
    identifier = await value(workspace, "SELECT id FROM assignment WHERE contact_id = %s", person)
    stop = asyncio.Event()

    async def others():
        while not stop.is_set():
            await checks.ask(check(person))

    busy = [asyncio.create_task(others()) for _ in range(8)]
    for _ in range(10):
        await act(workspace, person, EntryKind.GRANTED, assignment_id=identifier)
        assert (await checks.ask(check(person))).permitted
        await act(workspace, person, EntryKind.WITHDRAWN)
        assert (await checks.ask(check(person))).reason == "consent.withdrawn"
    stop.set()
    await asyncio.gather(*busy)


async def test_a_question_that_cannot_be_answered_is_nobody_elses_fault(workspace, checks):
    person = await make(workspace, EMAIL)
    wrong = check(person)._replace(caller=replace(CALLER, reason="call jan@example.org"))
    asked = [checks.ask(check(person)), checks.ask(wrong), checks.ask(check(person))]
    first, second, third = await asyncio.gather(*asked, return_exceptions=True)
    assert (first.reason, third.reason) == ("consent.missing", "consent.missing")
    assert isinstance(second, Refused)
    assert second.code == "reason.personal_data"


async def test_a_lost_connection_costs_its_batch_and_no_later_one(workspace, checks):
    person = await make(workspace, EMAIL)
    await checks.ask(check(person))
    await value(
        workspace,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user",
    )
    with pytest.raises(psycopg.OperationalError):
        await checks.ask(check(person))
    assert (await checks.ask(check(person))).reason == "consent.missing"


async def test_an_unseated_log_keeps_no_decision(workspace, checks):
    person = await make(workspace, EMAIL)
    await value(workspace, "UPDATE audit_state SET system_identifier = 'another' RETURNING 1")
    with pytest.raises(Refused) as refused:
        await checks.ask(check(person))
    assert refused.value.code == "log.unseated"
    assert await value(workspace, "SELECT count(*) FROM decision") == 0


async def test_an_answer_to_nobody_known_is_kept_as_well(workspace, checks):
    answers = await asyncio.gather(
        checks.ask(check("email:nobody@example.org")),
        checks.ask(Check(CALLER, Reference(new_id(), None), "newsletter", "email")),
        checks.ask(check("email:nobody@example.org", "no-such-purpose")),
    )
    assert [answer.reason for answer in answers] == ["contact.unknown", "contact.unknown", "purpose.unknown"]
    assert await value(workspace, "SELECT count(*) FROM decision") == 3


async def test_a_question_about_an_unknown_purpose_is_still_logged_under_its_person(workspace, checks):
    person = await make(workspace, EMAIL)
    assert (await checks.ask(check(person, "no-such-purpose"))).reason == "purpose.unknown"
    assert await value(workspace, "SELECT count(*) FROM audit_opening WHERE contact_id = %s", person) == 1
