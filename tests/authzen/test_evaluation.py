"""One AuthZEN evaluation: who may be named and how, what it rests on, and what the specification demands of HTTP."""

import json
from uuid import UUID, uuid4

import httpx
import pytest

from registry.consents.ledger import EntryKind
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.kit.ids import NIL
from tests.http.routes import key, logged
from tests.persons import CALLER, act, make

EMAIL = "ilze.berzina@example.test"
NEWSLETTER = {"type": "purpose", "id": "newsletter"}
BY_EMAIL = {"name": "email"}


def contact(one):
    return {"type": "contact", "id": str(one)}


def question(one, **change):
    return {"subject": contact(one), "action": BY_EMAIL, "resource": NEWSLETTER, **change}


@pytest.fixture
async def ilze(workspace):
    made = await make(workspace, EMAIL, external="C-1001")
    await act(workspace, f"email:{EMAIL}", EntryKind.GRANTED)
    return made


async def kept(workspace):
    async with workspace.database.held(None) as session:
        return await session.all("SELECT * FROM decision ORDER BY decided_at, id")


async def test_a_yes_says_what_it_rests_on(pep, workspace, ilze):
    told = await pep.evaluate(contact(ilze), BY_EMAIL, NEWSLETTER)
    assert told["decision"] is True
    context = told["context"]
    assert (context["reason"], context["outcome"]) == ("permit", "permit")
    assert (context["basis"], context["channel_ground"]) == ("consent", "consent")
    assert context["policy"] == workspace.policies.purposes["newsletter"].version
    assert UUID(context["identifier"]) and UUID(context["evidence"])
    assert "not_before" not in context


async def test_a_no_is_an_answer_with_its_reason(pep, workspace, ilze):
    await act(workspace, ilze, EntryKind.WITHDRAWN)
    told = await pep.evaluate(contact(ilze), BY_EMAIL, NEWSLETTER)
    assert told["decision"] is False
    assert (told["context"]["reason"], told["context"]["outcome"]) == ("consent.withdrawn", "deny")


SUBJECTS = [
    ({"type": "email", "id": EMAIL}, True),
    ({"type": "email", "id": EMAIL.upper()}, True),
    ({"type": "external", "id": "C-1001"}, True),
    ({"type": "external", "id": "C-1002"}, False),
    ({"type": "email", "id": "nobody at all"}, False),
    ({"type": "phone", "id": "12"}, False),
    ({"type": "contact", "id": "not-an-id"}, False),
    ({"type": "contact", "id": ""}, False),
    ({"type": "user", "id": "alice"}, False),
]


async def test_persons_are_named_by_our_id_or_by_what_they_are_known_by(pep, ilze):
    for subject, decision in SUBJECTS:
        told = await pep.evaluate(subject, BY_EMAIL, NEWSLETTER)
        assert told["decision"] is decision, subject
        assert told["context"]["reason"] == ("permit" if decision else "contact.unknown"), subject


UNKNOWN = [
    ({"name": "pigeon"}, NEWSLETTER, "channel.unknown"),
    ({"name": EMAIL}, NEWSLETTER, "channel.unknown"),
    (BY_EMAIL, {"type": "purpose", "id": "newsleter"}, "purpose.unknown"),
    (BY_EMAIL, {"type": "document", "id": "newsletter"}, "purpose.unknown"),
    ({"name": "process"}, {"type": "purpose", "id": "newsletter"}, "consent.missing"),
]


async def test_a_person_is_known_by_a_device_too(pep, workspace):
    new = NewContact([NewIdentifier(normalise(kind, text)) for kind, text in (
        (Kind.EMAIL, EMAIL), (Kind.DEVICE, "browser-7f"))], "test")  # fmt: skip
    async with workspace.database.begin(CALLER) as session:
        await contacts.create(session, workspace.ring, workspace.policies, [new])
    await act(workspace, f"email:{EMAIL}", EntryKind.GRANTED)
    assert (await pep.evaluate({"type": "device", "id": "browser-7f"}, BY_EMAIL, NEWSLETTER))[
        "decision"
    ] is True
    other = await pep.evaluate({"type": "device", "id": "browser-80"}, BY_EMAIL, NEWSLETTER)
    assert (other["decision"], other["context"]["reason"]) == (False, "contact.unknown")


async def test_an_unknown_action_or_resource_is_a_no(pep, workspace, ilze):
    for action, resource, reason in UNKNOWN:
        told = await pep.evaluate(contact(ilze), action, resource)
        assert (told["decision"], told["context"]["reason"]) == (False, reason)
    # What a caller made up may name somebody, so it is not what is kept.
    rows = await kept(workspace)
    assert len(rows) == len(UNKNOWN)
    for row in rows:
        assert {row.purpose, row.channel} <= {"newsletter", "email", "process", "?"}


async def test_the_decision_is_on_record_before_the_answer(pep, workspace, ilze):
    async with logged(workspace) as entries:
        answer = await pep.post("access_evaluation", question(ilze))
    (row,) = await kept(workspace)
    assert answer.headers["zgoda-decision"] == str(row.id)
    assert (row.contact_id, row.outcome, row.reason) == (ilze, "permit", "permit")
    (entry,) = entries()
    assert (entry["action"], entry["detail"]["decision"]) == ("decision.check", str(row.id))
    assert len(entry["subjects"]) == 1


async def test_nobody_is_on_record_as_nobody(pep, workspace):
    await pep.evaluate({"type": "email", "id": EMAIL}, BY_EMAIL, NEWSLETTER)
    (row,) = await kept(workspace)
    assert row.contact_id == NIL


async def test_the_same_question_twice_has_the_same_bytes(pep, ilze):
    first = await pep.post("access_evaluation", question(ilze))
    second = await pep.post("access_evaluation", question(ilze))
    assert first.content == second.content
    assert first.headers["zgoda-decision"] != second.headers["zgoda-decision"]


async def test_the_short_way_and_the_route_answer_alike(pep, ilze):
    body = json.dumps(question(ilze)).encode()
    short = await pep.post("access_evaluation", body)
    long = await pep.post("access_evaluation", body + b" " * 20_000)
    assert short.content == long.content
    assert set(short.headers) == set(long.headers)


async def test_unknown_members_are_ignored_everywhere(pep, ilze):
    entity = {
        **contact(ilze),
        "colour": "red",
        "properties": {"department": "Sales", "deep": {"a": [1, None]}},
    }
    told = await pep.evaluate(
        entity,
        {**BY_EMAIL, "colour": "red", "properties": {"method": "GET"}},
        {**NEWSLETTER, "colour": "red", "properties": {}},
        context={"time": "2026-10-26T01:22-07:00"},
        colour="red",
    )
    assert told["decision"] is True


async def test_every_request_id_comes_back_as_it_was_sent(pep, ilze):
    for given in ("bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "a b", "48600100200", "x" * 300, "~!@#/=?"):
        answer = await pep.post("access_evaluation", question(ilze), **{"X-Request-ID": given})
        assert answer.headers.get_list("x-request-id") == [given]
    refused = await pep.post("access_evaluation", b"", **{"X-Request-ID": "a b"})
    assert (refused.status_code, refused.headers["x-request-id"]) == (400, "a b")


async def test_a_request_id_that_could_name_a_person_goes_into_no_log(pep, workspace, ilze):
    async with logged(workspace) as entries:
        await pep.post("access_evaluation", question(ilze), **{"X-Request-ID": "jan@example.test"})
    assert "jan@" not in json.dumps(entries())


async def test_a_charset_is_accepted(pep, ilze):
    for given in ("application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
        answer = await pep.post("access_evaluation", question(ilze), **{"Content-Type": given})
        assert answer.status_code == 200, given


async def test_a_body_that_is_not_said_to_be_json_is_refused(pep, ilze):
    for given in ("text/plain", "application/xml", "application/jsonx", "multipart/form-data", "", "json"):
        answer = await pep.post("access_evaluation", question(ilze), **{"Content-Type": given})
        assert (answer.status_code, answer.json()["code"]) == (400, "content_type.unsupported"), given


GOOD = {"subject": {"type": "contact", "id": str(uuid4())}, "action": BY_EMAIL, "resource": NEWSLETTER}


MALFORMED = [
        b"",
        b"   ",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"[" * 100_000,
        b'{"subject": "\xff"}',
        json.dumps([GOOD]).encode(),
        *(
            json.dumps({**GOOD, name: wrong}).encode()
            for name, wrongs in {
                "subject": (None, "contact", 7, [], {}, {"type": "contact"}, {"id": "1"}, {"type": 1, "id": "1"},
                            {"type": "contact", "id": 1}, {"type": "contact", "id": None}),
                "action": (None, "email", {}, {"name": 1}, {"name": None}),
                "resource": (None, {}, {"type": "purpose"}, {"id": "newsletter"}),
            }.items()
            for wrong in wrongs
        ),
        *(
            json.dumps({name: value for name, value in GOOD.items() if name != missing}).encode()
            for missing in GOOD
        ),
        json.dumps({**GOOD, "context": "now"}).encode(),
        json.dumps({**GOOD, "subject": {**GOOD["subject"], "properties": []}}).encode(),
]  # fmt: skip


async def test_what_is_malformed_missing_or_mistyped_is_a_400(pep):
    for body in MALFORMED:
        for endpoint in ("access_evaluation", "access_evaluations"):
            answer = await pep.post(endpoint, body)
            assert answer.status_code == 400, (endpoint, body[:100], answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]


PATHS = ("evaluation", "evaluations", "search/subject", "search/resource", "search/action")


async def test_only_post_is_taken(client):
    for path in PATHS:
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            answer = await client.request(method, f"/access/v1/{path}")
            assert answer.status_code == 405
            assert "POST" in answer.headers["allow"]


async def test_who_is_not_authenticated_is_told_how(client):
    for path in PATHS:
        for given in (None, "Bearer nonsense", "Basic dXNlcjpwYXNz"):
            headers = {} if given is None else {"Authorization": given}
            answer = await client.post(f"/access/v1/{path}", json=GOOD, headers=headers)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_key_asks_about_its_purposes_only(workspace, client, ilze):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine', purposes=['club-letter'])}"
    refused = await client.post("/access/v1/evaluation", json=question(ilze))
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose.out_of_scope")
    unknown = await client.post(
        "/access/v1/evaluation", json=question(ilze, resource={"type": "purpose", "id": "no-such"})
    )
    assert (unknown.status_code, unknown.json()["decision"]) == (200, False)
    assert not [row for row in await kept(workspace) if row.purpose == "newsletter"]


async def test_a_key_that_may_not_check_is_refused(workspace, client, ilze):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'write')}"
    for path in ("evaluation", "evaluations", "search/subject"):
        answer = await client.post(f"/access/v1/{path}", json=question(ilze))
        assert (answer.status_code, answer.json()["code"]) == (403, "action.forbidden")


async def test_many_at_once_each_get_their_own_answer(workspace, pep, ilze):
    import asyncio

    other = await make(workspace, "other@example.test")
    answers = await asyncio.gather(
        *(pep.evaluate(contact(one), BY_EMAIL, NEWSLETTER) for one in (ilze, other) * 20)
    )
    assert [one["decision"] for one in answers] == [True, False] * 20


async def test_discovery_names_every_endpoint_and_nothing_empty(client):
    answer = await client.get("/.well-known/authzen-configuration")
    base = "http://127.0.0.1:8400"
    assert answer.json() == {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
        "search_subject_endpoint": f"{base}/access/v1/search/subject",
        "search_resource_endpoint": f"{base}/access/v1/search/resource",
        "search_action_endpoint": f"{base}/access/v1/search/action",
    }
    assert "max-age" in answer.headers["cache-control"]


async def test_the_well_known_part_stands_between_host_and_path(workspace):
    from dataclasses import replace

    from registry.app import create_app

    base = "https://crm.example.test/pdp/zgoda"
    settings = workspace.settings.model_copy(update={"base_url": base})
    transport = httpx.ASGITransport(app=create_app(replace(workspace, settings=settings)))
    async with httpx.AsyncClient(transport=transport, base_url="https://crm.example.test") as client:
        there = await client.get("/.well-known/authzen-configuration/pdp/zgoda")
        assert there.json()["policy_decision_point"] == base
        assert there.json()["access_evaluation_endpoint"] == f"{base}/access/v1/evaluation"
        for elsewhere in ("", "/pdp", "/other"):
            refused = await client.get(f"/.well-known/authzen-configuration{elsewhere}")
            assert refused.status_code == 404
