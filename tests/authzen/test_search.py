"""AuthZEN searches: whom, for what and by which channel, page by page, with everything that was read in the log."""

import base64
import json

import pytest

from registry.consents.ledger import EntryKind
from tests.http.routes import key, logged
from tests.persons import act, make, sale

NEWSLETTER = {"type": "purpose", "id": "newsletter"}
BY_EMAIL = {"name": "email"}
WHOM = {"subject": {"type": "contact"}, "action": BY_EMAIL, "resource": NEWSLETTER}


def contact(one):
    return {"type": "contact", "id": str(one)}


@pytest.fixture
async def people(workspace):
    """Seven persons, of whom every second may be written to; one has two addresses."""
    made = []
    for number in range(7):
        address = f"p{number}@example.test"
        more = ["second@example.test"] if number == 2 else []
        made.append(await make(workspace, address, *more))
        if number % 2 == 0:
            await act(workspace, f"email:{address}", EntryKind.GRANTED)
    return made


async def collected(results):
    return [one async for one in results]


async def test_subjects_are_found_whatever_the_size_of_a_page(pep, people):
    expected = [contact(one) for one in people[::2]]
    for limit in (None, 1, 2, 3, 4, 100, 10**9):
        assert await collected(pep.found("subject", limit, **WHOM)) == expected


async def test_whoever_is_found_is_permitted(pep, people):
    async for one in pep.found("subject", **WHOM):
        assert (await pep.evaluate(one, BY_EMAIL, NEWSLETTER))["decision"] is True


async def test_the_last_page_has_an_empty_token_and_page_comes_first(pep, people):
    told = await pep.search("subject", **WHOM)
    assert told["page"] == {"next_token": "", "count": 4}
    first = await pep.search("subject", **WHOM, page={"limit": 4})
    assert first["page"] == {"next_token": "", "count": 4}


async def test_the_id_of_what_is_searched_for_is_ignored(pep, people):
    searched = {**WHOM, "subject": {"type": "contact", "id": "ignored"}}
    assert (await pep.search("subject", **searched))["page"]["count"] == 4
    first = await pep.search("subject", **searched, page={"limit": 1})
    again = await pep.search("subject", **WHOM, page={"token": first["page"]["next_token"]})
    assert again["results"] == [contact(people[2])]
    found = await pep.search(
        "action", subject=contact(people[0]), resource=NEWSLETTER, action={"name": "sms"}
    )
    assert found["results"] == [{"name": "email"}]
    found = await pep.search(
        "resource", subject=contact(people[0]), action=BY_EMAIL, resource={"type": "purpose", "id": 7}
    )
    assert NEWSLETTER in found["results"]


UNKNOWN = [
    ("subject", {**WHOM, "subject": {"type": "email"}}),
    ("subject", {**WHOM, "subject": {"type": "user"}}),
    ("subject", {**WHOM, "action": {"name": "pigeon"}}),
    ("subject", {**WHOM, "action": {"name": "call"}}),
    ("subject", {**WHOM, "resource": {"type": "purpose", "id": "no-such"}}),
    ("subject", {**WHOM, "resource": {"type": "document", "id": "newsletter"}}),
    ("resource", {"subject": {"type": "user", "id": "alice"}, "action": BY_EMAIL, "resource": {"type": "purpose"}}),
    ("resource", {"subject": {"type": "contact", "id": "x"}, "action": BY_EMAIL, "resource": {"type": "purpose"}}),
    ("resource", {"subject": {"type": "email", "id": "no@one.test"}, "action": BY_EMAIL,
                  "resource": {"type": "purpose"}}),
    ("resource", {"subject": {"type": "email", "id": "p0@example.test"}, "action": {"name": "pigeon"},
                  "resource": {"type": "purpose"}}),
    ("resource", {"subject": {"type": "email", "id": "p0@example.test"}, "action": BY_EMAIL,
                  "resource": {"type": "document"}}),
    ("action", {"subject": {"type": "user", "id": "alice"}, "resource": NEWSLETTER}),
    ("action", {"subject": {"type": "email", "id": "p0@example.test"}, "resource": {"type": "purpose", "id": "-"}}),
]  # fmt: skip


async def test_unknown_types_and_ids_find_nothing_and_are_no_error(pep, people):
    for what, body in UNKNOWN:
        told = await pep.search(what, **body)
        assert told == {"page": {"next_token": "", "count": 0}, "results": []}, body


async def test_an_entity_that_is_asked_with_needs_its_id(pep, people):
    bare = {"type": "contact"}
    for what, body in (
        ("subject", {**WHOM, "resource": {"type": "purpose"}}),
        ("subject", {**WHOM, "action": {}}),
        ("subject", {**WHOM, "subject": {}}),
        ("subject", {name: value for name, value in WHOM.items() if name != "subject"}),
        ("subject", {name: value for name, value in WHOM.items() if name != "action"}),
        ("resource", {"subject": bare, "action": BY_EMAIL, "resource": {"type": "purpose"}}),
        ("resource", {"subject": contact(people[0]), "resource": {"type": "purpose"}}),
        ("action", {"subject": bare, "resource": NEWSLETTER}),
        ("action", {"subject": contact(people[0]), "resource": {"type": "purpose"}}),
        ("subject", {**WHOM, "page": {"limit": -1}}),
        ("subject", {**WHOM, "page": {"limit": "10"}}),
        # A page of nothing whose token leads to the same place would be read for ever.
        ("subject", {**WHOM, "page": {"limit": 0}}),
        ("subject", {**WHOM, "page": 3}),
        ("subject", {**WHOM, "page": {"token": 3}}),
    ):
        answer = await pep.post(f"search_{what}", body)
        assert answer.status_code == 400, body


async def test_purposes_and_channels_of_a_person_are_found_page_by_page(pep, workspace, people):
    person = {"type": "email", "id": "p0@example.test"}
    await sale(workspace, people[0])
    by_email = await collected(
        pep.found("resource", 1, subject=person, action=BY_EMAIL, resource={"type": "purpose"})
    )
    assert NEWSLETTER in by_email
    for one in by_email:
        assert (await pep.evaluate(person, BY_EMAIL, one))["decision"] is True
    others = {"type": "purpose"} and [{"type": "purpose", "id": name} for name in workspace.policies.purposes]
    for one in others:
        permitted = (await pep.evaluate(person, BY_EMAIL, one))["decision"]
        assert permitted is (one in by_email)
    channels = await collected(pep.found("action", 1, subject=person, resource=NEWSLETTER))
    assert channels == [{"name": "email"}]


async def test_purposes_that_the_key_does_not_reach_are_not_found(workspace, client, people):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine', purposes=['club-letter'])}"
    body = {"subject": contact(people[0]), "action": BY_EMAIL, "resource": {"type": "purpose"}}
    answer = await client.post("/access/v1/search/resource", json=body)
    assert answer.json()["results"] == []
    refused = await client.post("/access/v1/search/subject", json=WHOM)
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose.out_of_scope")
    refused = await client.post(
        "/access/v1/search/action", json={"subject": contact(people[0]), "resource": NEWSLETTER}
    )
    assert refused.status_code == 403


async def test_a_token_is_good_for_its_own_question_only(pep, people):
    first = {**WHOM, "context": {"time": "now"}, "page": {"limit": 2, "properties": {"sort": "id"}}}
    token = (await pep.search("subject", **first))["page"]["next_token"]
    rest = [contact(one) for one in people[4::2]]

    def then(page=None, **change):
        return {**WHOM, **change, "page": {"token": token, **(page or {})}}

    for same in (
        then(),
        then(context={"time": "now"}),
        then({"limit": 2}),
        then({"limit": 2, "properties": {"sort": "id"}}, context={"time": "now"}),
    ):
        assert (await pep.search("subject", **same))["results"] == rest
    for changed in (
        then({"limit": 3}),
        then({"properties": {"sort": "name"}}),
        then(context={"time": "then"}),
        then(context={}),
        then(action={"name": "sms"}),
        then(action={"name": "email", "properties": {"a": 1}}),
        then(resource={"type": "purpose", "id": "club-letter"}),
        then(subject={"type": "email"}),
        then(subject={"type": "contact", "properties": {"a": 1}}),
    ):
        answer = await pep.post("search_subject", changed)
        assert (answer.status_code, answer.json()["code"]) == (400, "page.changed"), changed
    other = {"subject": contact(people[0]), "resource": NEWSLETTER, "page": {"token": token}}
    assert (await pep.post("search_action", other)).json()["code"] == "page.changed"


async def test_a_parameter_that_was_not_there_on_the_page_before_is_a_change(pep, people):
    token = (await pep.search("subject", **WHOM, page={"limit": 1}))["page"]["next_token"]
    answer = await pep.post("search_subject", {**WHOM, "context": {}, "page": {"token": token}})
    assert answer.json()["code"] == "page.changed"


async def test_a_token_that_was_altered_or_made_up_is_refused(pep, people):
    token = (await pep.search("subject", **WHOM, page={"limit": 1}))["page"]["next_token"]
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    altered = []
    for place in range(0, len(raw), 7):
        changed = bytearray(raw)
        changed[place] ^= 1
        altered.append(base64.urlsafe_b64encode(changed).decode().rstrip("="))
    for made_up in (*altered, token[:-4], token + "AAAA", "x", "é", "=" * 8, "A" * 5000):
        answer = await pep.post("search_subject", {**WHOM, "page": {"token": made_up}})
        assert (answer.status_code, answer.json()["code"]) == (400, "page.invalid")


async def test_what_was_read_is_in_the_log_and_names_nobody(pep, workspace, people):
    async with logged(workspace) as entries:
        await pep.search("subject", **WHOM, page={"limit": 3})
        await pep.search(
            "resource", subject=contact(people[0]), action=BY_EMAIL, resource={"type": "purpose"}
        )
        await pep.search("action", subject=contact(people[1]), resource=NEWSLETTER)
    first, second, third = entries()
    assert {one["action"] for one in entries()} == {"decision.bulk"}
    assert first["detail"] == {"search": "subject", "purpose": "newsletter", "channel": "email", "persons": 3}
    assert [len(one["subjects"]) for one in entries()] == [3, 1, 1]
    assert (second["detail"]["search"], third["detail"]["search"]) == ("resource", "action")
    assert not any(str(one) in json.dumps(entries()) for one in people)


async def test_searching_needs_the_right_to_look_at_many(workspace, client, people):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'write')}"
    assert (await client.post("/access/v1/search/subject", json=WHOM)).status_code == 403
