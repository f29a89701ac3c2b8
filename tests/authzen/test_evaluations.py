"""Several AuthZEN evaluations at once: defaults by whole object, three semantics, errors that stay in their place."""

import pytest

from registry.consents.ledger import EntryKind
from registry.gate import evidence
from tests.http.routes import key, logged
from tests.persons import act, make

NEWSLETTER = {"type": "purpose", "id": "newsletter"}
CLUB = {"type": "purpose", "id": "club-letter"}
BY_EMAIL = {"name": "email"}


def contact(one):
    return {"type": "contact", "id": str(one)}


@pytest.fixture
async def people(workspace):
    """Three persons; the first and the third may be written to."""
    made = []
    for number in range(3):
        address = f"p{number}@example.test"
        made.append(await make(workspace, address))
        if number != 1:
            await act(workspace, f"email:{address}", EntryKind.GRANTED)
    return made


async def decisions(workspace):
    async with workspace.database.held(None) as session:
        return await session.all("SELECT * FROM decision ORDER BY id")


def told(answers):
    return [one["decision"] for one in answers]


async def test_every_question_is_answered_in_its_order(pep, people):
    answers = await pep.evaluations(
        evaluations=[{"subject": contact(one), "action": BY_EMAIL, "resource": NEWSLETTER} for one in people]
    )
    assert told(answers) == [True, False, True]
    assert [one["context"]["reason"] for one in answers] == ["permit", "consent.missing", "permit"]


async def test_defaults_are_whole_objects_and_never_merged(pep, people):
    answers = await pep.evaluations(
        subject=contact(people[0]),
        action=BY_EMAIL,
        resource=NEWSLETTER,
        context={"time": "now"},
        evaluations=[
            {},
            {"subject": contact(people[1])},
            {"resource": CLUB},
            {"action": {"name": "sms"}},
            {"subject": {"type": "contact"}},
            {"resource": {"id": "newsletter"}},
            {"subject": None},
        ],
    )
    assert told(answers) == [True, False, False, False, False, False, True]
    assert [one["context"].get("error", {}).get("status") for one in answers] == [
        None, None, None, None, 400, 400, None,
    ]  # fmt: skip
    assert answers[4]["context"]["error"]["message"] == "An evaluation needs subject.id."


SEMANTICS = [
    ("execute_all", [0, 1, 2], [True, False, True]),
    ("deny_on_first_deny", [0, 1, 2], [True, False]),
    ("deny_on_first_deny", [0, 2], [True, True]),
    ("permit_on_first_permit", [1, 0, 2], [False, True]),
    ("permit_on_first_permit", [1, 1], [False, False]),
    (None, [0, 1, 2], [True, False, True]),
]


async def test_a_semantic_cuts_the_answer_off_behind_the_item_that_decided(pep, workspace, people):
    kept = 0
    for semantic, order, expected in SEMANTICS:
        options = {} if semantic is None else {"options": {"evaluations_semantic": semantic, "other": 1}}
        answers = await pep.evaluations(
            action=BY_EMAIL,
            resource=NEWSLETTER,
            evaluations=[{"subject": contact(people[number])} for number in order],
            **options,
        )
        assert told(answers) == expected, semantic
        # What was not answered was not decided either.
        kept += len(expected)
        assert len(await decisions(workspace)) == kept


async def test_an_error_counts_as_a_denial(pep, workspace, people):
    items = [
        {"subject": contact(people[0])},
        {"subject": {"type": "contact"}},
        {"subject": contact(people[2])},
    ]
    for semantic, expected in (
        ("execute_all", [True, False, True]),
        ("deny_on_first_deny", [True, False]),
        ("permit_on_first_permit", [True]),
    ):
        answers = await pep.evaluations(
            action=BY_EMAIL,
            resource=NEWSLETTER,
            evaluations=items,
            options={"evaluations_semantic": semantic},
        )
        assert told(answers) == expected
    answers = await pep.evaluations(
        action=BY_EMAIL,
        resource=NEWSLETTER,
        evaluations=items[1:],
        options={"evaluations_semantic": "permit_on_first_permit"},
    )
    assert told(answers) == [False, True]


async def test_nothing_but_errors_is_an_answer_too(pep, workspace):
    answers = await pep.evaluations(evaluations=[{}, {"subject": {}}])
    assert told(answers) == [False, False]
    assert await decisions(workspace) == []


async def test_a_purpose_out_of_reach_is_an_error_of_its_item(workspace, client, people):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine', purposes=['newsletter'])}"
    body = {
        "subject": contact(people[0]),
        "action": BY_EMAIL,
        "evaluations": [{"resource": CLUB}, {"resource": NEWSLETTER}],
    }
    answer = (await client.post("/access/v1/evaluations", json=body)).json()["evaluations"]
    assert told(answer) == [False, True]
    assert answer[0]["context"]["error"]["status"] == 403


async def test_without_evaluations_it_is_one_question(pep, people):
    body = {"subject": contact(people[0]), "action": BY_EMAIL, "resource": NEWSLETTER}
    single = await pep.post("access_evaluation", body)
    for more in ({}, {"evaluations": []}, {"evaluations": None}):
        answer = await pep.post("access_evaluations", {**body, **more})
        assert answer.status_code == 200
        assert answer.content == single.content


async def test_what_pertains_to_the_whole_request_is_a_400(pep, people):
    item = {"subject": contact(people[0]), "action": BY_EMAIL, "resource": NEWSLETTER}
    for body in (
        {"evaluations": item},
        {"evaluations": [item, 1]},
        {"evaluations": [item, []]},
        {"evaluations": [{**item, "subject": "contact"}]},
        {"evaluations": [{**item, "action": {"name": 1}}]},
        {"subject": 1, "evaluations": [item]},
        {"evaluations": [item], "options": {"evaluations_semantic": "first_wins"}},
        {"evaluations": [item], "options": {"evaluations_semantic": 1}},
        {"evaluations": [item], "options": "execute_all"},
        {"evaluations": [item] * 1001},
    ):
        answer = await pep.post("access_evaluations", body)
        assert answer.status_code == 400, body


async def test_the_decisions_are_on_record_and_their_digests_in_the_log(pep, workspace, people):
    for number in (3, 500, 1000):
        before = len(await decisions(workspace))
        asked = (people * number)[:number]
        async with logged(workspace) as entries:
            answers = await pep.evaluations(
                action=BY_EMAIL,
                resource=NEWSLETTER,
                evaluations=[{"subject": contact(one)} for one in asked],
            )
        assert len(answers) == number
        rows = (await decisions(workspace))[before:]
        assert sorted(row.contact_id for row in rows) == sorted(asked)
        # One entry for every 500, with a digest of each decision.
        assert len(entries()) == -(-number // 500)
        told = [one for entry in entries() for one in entry["detail"]["digests"]]
        assert sorted(told) == sorted(evidence.digest(evidence.facts_of_row(row)) for row in rows)
        for entry in entries():
            assert (entry["action"], entry["detail"]["purposes"]) == ("decision.check", ["newsletter"])
            assert len(entry["subjects"]) == 3


async def test_the_same_questions_twice_have_the_same_bytes(pep, people):
    body = {
        "action": BY_EMAIL, "resource": NEWSLETTER, "evaluations": [{"subject": contact(one)} for one in people],
    }  # fmt: skip
    first, second = [await pep.post("access_evaluations", body) for _ in range(2)]
    assert first.content == second.content
