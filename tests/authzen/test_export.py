"""A whole audience as lines: everybody once, totals at the end, and the log first."""

import asyncio
import json
import tracemalloc

import httpx
import pytest

from registry.cli import zgoda
from registry.consents.ledger import EntryKind
from registry.gate import audience, export
from registry.gate.export import Export, Wanted
from registry.gate.model import Outcome
from registry.kit import clock
from registry.kit.ids import NIL
from registry.kit.terminal import guard
from tests.http.routes import WHY, key, logged
from tests.persons import CALLER, act, check, make

PATH = "/api/v1/decisions/export?purpose=newsletter&channel=email"


@pytest.fixture
async def people(workspace):
    """Nine persons in every state; one has two addresses."""
    made = []
    for number in range(9):
        address = f"p{number}@example.test"
        more = ["second@example.test"] if number == 2 else []
        made.append(await make(workspace, address, *more))
        if number % 3 != 1:
            await act(workspace, f"email:{address}", EntryKind.GRANTED)
        if number % 3 == 2:
            await act(workspace, f"email:{address}", EntryKind.WITHDRAWN)
    return made


@pytest.fixture
def small(monkeypatch):
    """Chunks of four persons."""
    monkeypatch.setattr(export, "CHUNK", 4)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


async def test_everybody_is_told_once_with_the_answer_of_the_gate(admin, workspace, people, small):
    answer = await admin.get(PATH)
    assert answer.headers["content-type"] == "application/x-ndjson"
    head, *told, tail = lines(answer.text)
    assert (head["purpose"], head["channel"]) == ("newsletter", "email")
    assert [one["contact"] for one in told] == [str(one) for one in people]
    for one, person in zip(told, people, strict=True):
        decision = await check(workspace, person)
        assert (one["outcome"], one["reason"]) == (decision.outcome.value, decision.reason)
        assert one["identifier"] == str(decision.identifier)
    assert (tail["complete"], tail["persons"], tail["listed"]) == (True, 9, 9)
    counts = (
        await admin.post(
            "/api/v1/decisions", json={"audience": "all", "purpose": "newsletter", "channel": "email"}
        )
    ).json()
    assert counts["permitted"] == tail["reasons"].pop("permit")
    assert counts["blocked"] == tail["reasons"]


async def test_only_those_with_an_outcome_or_a_reason_are_listed_and_all_are_counted(admin, people, small):
    for query, expected in (
        ("&outcome=permit", people[::3]),
        ("&outcome=deny&reason=consent.missing", people[1::3]),
        ("&reason=permit", people[::3]),
        ("&outcome=defer", []),
        ("&outcome=permit&reason=consent.missing", []),
    ):
        _, *told, tail = lines((await admin.get(PATH + query)).text)
        assert [one["contact"] for one in told] == [str(one) for one in expected]
        assert (tail["persons"], tail["listed"]) == (9, len(expected))


async def test_a_stream_that_was_cut_goes_on_behind_the_last_person(admin, people, small):
    _, *rest, tail = lines((await admin.get(f"{PATH}&after={people[4]}")).text)
    assert [one["contact"] for one in rest] == [str(one) for one in people[5:]]
    assert tail["persons"] == 4


async def test_nobody_is_told_before_the_log_has_them(workspace, people, small):
    running = Export.of(
        workspace.database, workspace.ring, workspace.policies, CALLER, Wanted("newsletter", "email")
    )
    named = 0
    async with logged(workspace) as all_entries:
        async for piece in running.pieces():
            named += sum("contact" in line for line in lines(piece))
            async with workspace.database.held(CALLER) as session:
                opened = await session.value("SELECT count(*) FROM audit_opening o JOIN audit_entry e ON"
                    " e.id = o.entry_id WHERE position('decision.bulk'::bytea IN e.body) > 0")  # fmt: skip
            assert opened >= named
    *chunks, end = all_entries()
    assert [one["detail"]["persons"] for one in chunks] == [4, 4, 1]
    assert [len(one["subjects"]) for one in chunks] == [4, 4, 1]
    assert end["detail"] == {
        "export": True, "purpose": "newsletter", "channel": "email", "persons": 9, "listed": 9, "complete": True,
    }  # fmt: skip
    assert not any(str(one) in json.dumps(all_entries()) for one in people)


async def test_only_those_who_were_listed_are_in_the_read_set(workspace, people, small):
    wanted = Wanted("newsletter", "email", Outcome.PERMIT)
    running = Export.of(workspace.database, workspace.ring, workspace.policies, CALLER, wanted)
    async with logged(workspace) as entries:
        assert len([piece async for piece in running.pieces()]) == 4
    assert sum(len(one["subjects"]) for one in entries()) == 3


async def test_a_database_that_dies_on_the_way_leaves_a_stream_without_its_end(
    workspace, app, people, small, monkeypatch
):
    noted = Export._note
    done = []

    async def dying(self, read):
        if done:
            raise RuntimeError("gone")
        done.append(await noted(self, read))

    monkeypatch.setattr(Export, "_note", dying)
    made = await key(workspace, "admin")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {made}", **WHY}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8400") as client:
        told = lines((await client.get(PATH, headers=headers)).text)
    assert len(told) == 5
    assert "complete" not in told[-1]


async def test_what_cannot_be_asked_is_refused_before_the_first_line(admin, workspace, client):
    for query, code in (
        ("?purpose=no-such&channel=email", "purpose.unknown"),
        ("?purpose=newsletter&channel=pigeon", "channel.unknown"),
        ("?purpose=newsletter&channel=email&reason=no.such", "reason.unknown"),
        ("?purpose=newsletter", "request.invalid"),
        ("?purpose=newsletter&channel=email&outcome=maybe", "request.invalid"),
        ("?purpose=newsletter&channel=email&after=x", "request.invalid"),
    ):
        answer = await admin.get(f"/api/v1/decisions/export{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, code)
    narrow = {"Authorization": f"Bearer {await key(workspace, 'engine', purposes=['club-letter'])}", **WHY}
    refused = await client.get(PATH, headers=narrow)
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose.out_of_scope")


async def test_memory_stays_flat(workspace, people, monkeypatch):
    """Twenty times as many persons take no more memory: the same nine are read again and again."""
    rounds = []

    async def peak(number):
        packed = audience.packed
        left = number

        def again(policies, purpose, channel, at, after, size):
            nonlocal left
            left -= 1
            return packed(policies, purpose, channel, at, NIL if left > 0 else after, size)

        monkeypatch.setattr(export, "CHUNK", 9)
        monkeypatch.setattr(audience, "packed", again)
        running = Export.of(
            workspace.database, workspace.ring, workspace.policies, CALLER, Wanted("newsletter", "email")
        )
        tracemalloc.start()
        async for _ in running.pieces():
            pass
        rounds.append(running.reasons.total())
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        monkeypatch.setattr(audience, "packed", packed)
        return highest

    await peak(3)
    few, many = await peak(5), await peak(100)
    assert rounds[2] >= 15 * rounds[1]
    assert many < 2 * few


async def test_the_packed_form_says_what_the_rows_say(workspace, people):
    from registry.kit import arrays

    purpose, at = workspace.policies.purposes["newsletter"], clock.now()
    async with workspace.database.held(CALLER) as session:
        plain = audience.chunk(workspace.policies, purpose, "email", at, NIL, 7)
        rows = await session.all_binary(plain.text, plain.params)
        statement = audience.packed(workspace.policies, purpose, "email", at, NIL, 7)
        (packed,) = await session.all_binary(statement.text, statement.params)
        ids = arrays.split(packed.contacts, 16)
        assert ids == [row.contact_id.bytes for row in rows]
        assert arrays.split(packed.assignments, 16) == [row.assignment_id.bytes for row in rows]
        assert list(arrays.smallints(packed.codes)) == [row.code for row in rows]
        permitted = audience.permitted(workspace.policies, purpose, "email", at, NIL, 100)
        assert [
            row.contact_id for row in await session.all_binary(permitted.text, permitted.params)
        ] == people[::3]


async def test_the_command_writes_the_same_lines(workspace, settings, people, monkeypatch, capfdbinary):
    for name in ("data", "database_url", "app_url", "retention_url"):
        monkeypatch.setenv(f"ZGODA_{name.upper()}", str(getattr(settings, name)))
    asked = ["decision", "export", "newsletter", "email", "--outcome", "permit", "--reason", "ticket 4711"]
    async with logged(workspace) as entries:
        done = await asyncio.to_thread(guard, zgoda, asked)
    told, said = capfdbinary.readouterr()
    assert done == 0, said
    head, *rest, tail = lines(told)
    assert (head["outcome"], tail["complete"]) == ("permit", True)
    assert [one["contact"] for one in rest] == [str(one) for one in people[::3]]
    assert {one["reason"] for one in entries() if one["action"] == "decision.bulk"} == {"ticket 4711"}
    for wrong in (["no-such", "email"], ["newsletter", "email", "--because", "no.such"]):
        assert await asyncio.to_thread(guard, zgoda, ["decision", "export", *wrong]) == 2
