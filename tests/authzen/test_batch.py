"""A thousand questions in one call: answers in order, each as the single check gives it, recorded before it leaves."""

import pytest

from registry.consents.ledger import EntryKind
from registry.gate import batch
from tests.http.routes import key, logged
from tests.persons import CALLER, act, make

ASKED = {"purpose": "newsletter", "channel": "email"}


@pytest.fixture
async def people(workspace):
    """Three persons; the first and the third may be written to."""
    made = []
    for number in range(3):
        address = f"p{number}@example.test"
        made.append(await make(workspace, address, external=f"C-{number}"))
        if number != 1:
            await act(workspace, f"email:{address}", EntryKind.GRANTED)
    return made


@pytest.fixture
async def engine(workspace, client):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine')}"
    return client


async def asked(client, body):
    answer = await client.post("/api/v1/decisions/batch", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["decisions"]


async def kept(workspace):
    async with workspace.database.held(CALLER) as session:
        return {row.id: row for row in await session.all("SELECT * FROM decision")}


async def test_answers_come_in_the_order_of_the_subjects(engine, people):
    subjects = [
        {"id": str(people[2])},
        {"email": "p1@example.test"},
        {"external": "C-0"},
        {"external": "C-9"},
        {"email": "no address at all"},
        {"phone": "1"},
        {"id": str(people[1])},
        {"email": "p0@example.test"},
    ]
    told = await asked(engine, {**ASKED, "subjects": subjects})
    assert [one["reason"] for one in told] == [
        "permit", "consent.missing", "permit", "contact.unknown", "contact.unknown", "contact.unknown",
        "consent.missing", "permit",
    ]  # fmt: skip


async def test_a_mixed_batch_says_purpose_and_channel_with_each_question(engine, people):
    subject = {"id": str(people[0])}
    told = await asked(
        engine,
        {
            "questions": [
                {**ASKED, "subject": subject},
                {**ASKED, "subject": subject, "channel": "sms"},
                {**ASKED, "subject": subject, "purpose": "club-letter"},
                {**ASKED, "subject": subject, "purpose": "no-such"},
                {**ASKED, "subject": subject, "channel": "pigeon"},
                {**ASKED, "subject": subject},
            ]
        },
    )
    assert [one["reason"] for one in told] == [
        "permit", "consent.missing", "consent.missing", "purpose.unknown", "channel.unknown", "permit",
    ]  # fmt: skip


async def test_each_answer_is_that_of_a_single_check(engine, people):
    (told,) = await asked(engine, {**ASKED, "subjects": [{"id": str(people[0])}]})
    single = (
        await engine.post("/api/v1/decisions", json={**ASKED, "subject": {"id": str(people[0])}})
    ).json()
    assert list(told) == list(single)
    for name in set(single) - {"decision_id", "as_of"}:
        assert told[name] == single[name]


async def test_a_question_may_be_about_one_address(engine, workspace):
    person = await make(workspace, "one@example.test", "two@example.test")
    await act(workspace, "email:two@example.test", EntryKind.GRANTED)
    (best,) = await asked(engine, {**ASKED, "subjects": [{"id": str(person)}]})
    other = await asked(
        engine,
        {
            "questions": [
                {**ASKED, "subject": {"id": str(person)}, "identifier": best["identifier"]},
                {**ASKED, "subject": {"email": "one@example.test"}},
            ]
        },
    )
    assert [one["reason"] for one in other] == ["permit", "consent.missing"]


async def test_a_thousand_are_on_record_with_their_entries_in_the_log(engine, workspace, people):
    subjects = [{"id": str(one)} for one in (people * 334)[:1000]]
    async with logged(workspace) as entries:
        told = await asked(engine, {**ASKED, "subjects": subjects})
    rows = await kept(workspace)
    assert len(rows) == 1000
    for one, subject in zip(told, subjects, strict=True):
        assert str(rows.pop(_id(one)).contact_id) == subject["id"]
    assert [len(one["detail"]["digests"]) for one in entries()] == [500, 500]
    assert [len(one["subjects"]) for one in entries()] == [3, 3]


def _id(one):
    from uuid import UUID

    return UUID(one["decision_id"])


async def test_nothing_is_told_that_is_not_on_record(engine, workspace, people, monkeypatch):
    """The log refuses the second entry: the first is gone with it, and there is no answer."""
    appended = batch.readsets.append

    async def broken(session, *given, **more):
        if await session.value("SELECT count(*) FROM decision"):
            raise RuntimeError("the log is full")
        return await appended(session, *given, **more)

    monkeypatch.setattr(batch.readsets, "append", broken)
    answer = await engine.post(
        "/api/v1/decisions/batch", json={**ASKED, "subjects": [{"id": str(people[0])}] * 600}
    )
    assert answer.status_code == 500
    assert await kept(workspace) == {}


async def test_a_decision_of_a_batch_can_be_proven(engine, workspace, people):
    """Its digest stands in the log's entry, as that of a single check does."""
    from registry.gate import evidence

    async with logged(workspace) as entries:
        (told, _) = await asked(engine, {**ASKED, "subjects": [{"id": str(one)} for one in people[:2]]})
    row = (await kept(workspace))[_id(told)]
    assert evidence.digest(evidence.facts_of_row(row)) in entries()[0]["detail"]["digests"]


WRONG = [
    ({}, "/subjects"),
    (ASKED, "/subjects"),
    ({**ASKED, "subjects": []}, "/subjects"),
    ({**ASKED, "subjects": [{"id": "x"}]}, "/subjects/0/id"),
    ({**ASKED, "subjects": [{"external": "C-1"}, {}]}, "/subjects/1"),
    ({**ASKED, "subjects": [{"external": "C-1", "email": "a@example.test"}]}, "/subjects/0"),
    ({**ASKED, "subjects": [{"id": "0190d9a0-0000-7000-8000-000000000000", "device": "d"}]}, "/subjects/0"),
    ({"purpose": "newsletter", "subjects": [{"external": "C-1"}]}, "/channel"),
    ({"channel": "email", "subjects": [{"external": "C-1"}]}, "/purpose"),
    ({**ASKED, "subjects": [{"external": "C-1"}] * 1001}, "/subjects"),
    ({"questions": [{**ASKED, "subject": {"external": "C-1"}}] * 1001}, "/questions"),
    ({"questions": [{**ASKED, "subject": {}}]}, "/questions/0/subject"),
    ({"questions": [{**ASKED}]}, "/questions/0/subject"),
    ({**ASKED, "questions": [{**ASKED, "subject": {"external": "C-1"}}]}, "/purpose"),
    ({**ASKED, "subjects": [{"external": "C-1"}], "questions": []}, "/questions"),
    ({**ASKED, "subjects": [{"external": "C-1"}], "colour": "red"}, "/colour"),
]  # fmt: skip


async def test_a_batch_of_the_wrong_shape_names_the_place(engine, workspace):
    for body, field in WRONG:
        answer = await engine.post("/api/v1/decisions/batch", json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, field), (body, answer.text)
    assert await kept(workspace) == {}


async def test_a_purpose_out_of_reach_refuses_the_whole(client, workspace, people):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine', purposes=['newsletter'])}"
    questions = [{**ASKED, "subject": {"id": str(one)}} for one in people]
    questions[2]["purpose"] = "club-letter"
    answer = await client.post("/api/v1/decisions/batch", json={"questions": questions})
    assert (answer.status_code, answer.json()["code"]) == (403, "purpose.out_of_scope")
    assert await kept(workspace) == {}
    del questions[2]
    assert (await client.post("/api/v1/decisions/batch", json={"questions": questions})).status_code == 200


async def test_an_idempotency_key_does_no_harm(engine, people):
    for _ in range(2):
        answer = await engine.post(
            "/api/v1/decisions/batch",
            json={**ASKED, "subjects": [{"id": str(people[0])}]},
            headers={"Idempotency-Key": "k"},
        )
        assert answer.status_code == 200
