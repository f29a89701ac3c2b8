"""LP-45: each change and each read of personal data is one entry in the log, and none of it names anybody."""

import json
from uuid import UUID

import pytest

from registry.audit import queries
from registry.audit.sealer import seal
from tests.http.routes import GRANT, bearer, key, logged, person

EMAIL, NAME = "katarzyna.zielinska@example.test", "Katarzyna"
NEVER = (EMAIL, NAME, "zielinska", "198.51.100.7")

CALLS = {
    "contact.create": ("POST", "/api/v1/contacts", {"identifiers": [{"kind": "email", "value": "new-" + EMAIL}], "source": "form", "fields": {"first_name": NAME}}),
    "contact.update": ("POST", "/api/v1/contacts", {"identifiers": [{"kind": "email", "value": EMAIL}], "source": "form", "fields": {"city": NAME}}),
    "contact.lookup": ("POST", "/api/v1/contacts/lookup", {"kind": "email", "value": EMAIL}),
    "contact.read": ("GET", "/api/v1/contacts/{id}", None),
    "consent.read": ("GET", "/api/v1/contacts/{id}/consents", None),
    "consent.grant": ("POST", "/api/v1/consents", {**GRANT, "subject": {"email": EMAIL}, "evidence": {"address": "198.51.100.7"}}),
    "consent.refuse": ("POST", "/api/v1/consents", {**GRANT, "kind": "refuse", "subject": {"email": EMAIL}}),
    "consent.withdraw": ("POST", "/api/v1/consents", {**GRANT, "kind": "withdraw", "subject": {"email": EMAIL}}),
    "consent.object": ("POST", "/api/v1/consents", {**GRANT, "kind": "object", "subject": {"email": EMAIL}}),
    "ground.record": ("POST", "/api/v1/grounds", {"kind": "sale", "controller": "nordwind", "occurred_at": "2026-01-10T12:00:00Z", "source": "shop", "subject": {"email": EMAIL}}),
    "decision.check": ("POST", "/api/v1/decisions", {"subject": {"email": EMAIL}, "purpose": "newsletter", "channel": "email"}),
    "decision.bulk": ("POST", "/api/v1/decisions", {"audience": {}, "purpose": "newsletter", "channel": "email"}),
}  # fmt: skip


@pytest.mark.law("LP-45")
@pytest.mark.parametrize("action", CALLS)
async def test_each_call_is_one_entry_that_names_nobody(admin, workspace, action):
    made = await person(admin, EMAIL, first_name=NAME)
    method, path, body = CALLS[action]
    async with logged(workspace) as found:
        answer = await admin.request(
            method, path.replace("{id}", made), json=body, headers={"X-Request-ID": "request-17"}
        )
        assert answer.status_code < 300, answer.text
    (entry,) = found()
    assert entry["action"] == action
    assert entry["actor"].startswith("key:")
    assert entry["purpose"] == "operation"
    assert entry["reason"] == "test"
    assert entry["request"] == "request-17"
    assert entry["kinds"]
    text = json.dumps(entry, ensure_ascii=False)
    assert not [secret for secret in (*NEVER, made) if secret in text]


@pytest.mark.law("LP-45")
@pytest.mark.parametrize("action", ["contact.read", "consent.grant", "decision.check"])
async def test_an_entry_can_be_opened_as_being_about_the_person_and_is_in_the_tree(
    admin, workspace, caller, action
):
    from registry.audit import service as proofs

    made = await person(admin, EMAIL, first_name=NAME)
    method, path, body = CALLS[action]
    await admin.request(method, path.replace("{id}", made), json=body)
    async with workspace.database.begin(caller) as session:
        last = await session.value("SELECT max(id) FROM audit_entry")
    await seal(workspace.database, workspace.ring)
    async with workspace.database.begin(caller) as session:
        evidence = await proofs.prove(session, workspace.ring, last, UUID(made))
        head = await queries.latest(session)
    assert evidence.opening is not None
    assert json.loads(evidence.entry)["action"] == action
    assert head is not None
    assert head.size > 0


@pytest.mark.law("LP-45")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/consents", {**GRANT, "subject": {"email": EMAIL}, "act": "scrolled"}),
        ("POST", "/api/v1/contacts", {"identifiers": [{"kind": "email", "value": EMAIL}], "source": "f", "fields": {"x": "y"}}),
        ("GET", "/api/v1/contacts/0190d9a0-0000-7000-8000-000000000000", None),
    ],
)  # fmt: skip
async def test_a_refused_call_changes_nothing_and_is_no_entry(admin, workspace, method, path, body):
    await person(admin, EMAIL)
    async with logged(workspace) as found:
        assert (await admin.request(method, path, json=body)).status_code >= 400
    assert found() == []


@pytest.mark.law("LP-45")
async def test_making_and_revoking_a_key_is_logged_without_its_name(workspace, caller):
    from registry.access import service

    async with logged(workspace) as found:
        async with workspace.database.begin(caller) as session:
            record, _ = await service.create_key(
                session, workspace.ring, "write", "Katarzyna's laptop", (), ("newsletter",)
            )
        async with workspace.database.begin(caller) as session:
            await service.revoke_key(session, workspace.ring, record.id)
    assert [entry["action"] for entry in found()] == ["apikey.create", "apikey.revoke"]
    assert "Katarzyna" not in json.dumps(found())


@pytest.mark.law("LP-45")
async def test_the_entry_says_purpose_and_reason_of_the_caller(admin, workspace):
    made = await person(admin, EMAIL)
    async with logged(workspace) as found:
        await admin.get(f"/api/v1/contacts/{made}", headers=bearer(await key(workspace, "dpo")))
    read = [entry for entry in found() if entry["action"] == "contact.read"]
    assert [(entry["purpose"], entry["reason"]) for entry in read] == [("support", "ticket 4711")]
