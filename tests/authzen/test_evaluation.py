"""AuthZEN: one evaluation, its answer, and what is refused."""

import json
from uuid import UUID

from registry.consents.ledger import EntryKind
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.kit.ids import NIL
from tests.authzen.asking import BY_EMAIL, EMAIL, GOOD, NEWSLETTER, PATHS, contact, kept, question
from tests.http.routes import logged
from tests.persons import CALLER, act, make


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


async def test_only_post_is_taken(client):
    for path in PATHS:
        for method in ("GET", "PUT", "DELETE", "PATCH"):
            answer = await client.request(method, f"/access/v1/{path}")
            assert answer.status_code == 405
            assert "POST" in answer.headers["allow"]


async def test_many_at_once_each_get_their_own_answer(workspace, pep, ilze):
    import asyncio

    other = await make(workspace, "other@example.test")
    answers = await asyncio.gather(
        *(pep.evaluate(contact(one), BY_EMAIL, NEWSLETTER) for one in (ilze, other) * 20)
    )
    assert [one["decision"] for one in answers] == [True, False] * 20
