"""LP-45: each change and each read of personal data is one entry in the log, and none of it names anybody."""

import asyncio
import json
from uuid import UUID

import pytest

from registry.access import service
from registry.audit import evidence, queries
from registry.audit import service as proofs
from registry.audit.sealer import seal
from tests.http.routes import GRANT, admissions, bearer, key, logged, person

EMAIL, NAME = "katarzyna.zielinska@example.test", "Katarzyna"
NEVER = (EMAIL, NAME, "zielinska", "198.51.100.7")

TO = {"subject": {"email": EMAIL}}
NEW = {"source": "form", "fields": {"first_name": NAME}}
SALE = {"kind": "sale", "controller": "nordwind", "occurred_at": "2026-01-10T12:00:00Z", "source": "shop"}
SIGNED = "{{ controller.name }}, {{ controller.address }}"
LETTER = {
    "subject": "News",
    "text": SIGNED + " {{ unsubscribe_url }}",
    "html": f"<p>{SIGNED} <a href='{{{{ unsubscribe_url }}}}'>No</a></p>",
}
SCOPE = {"purpose": "newsletter", "channel": "email"}
EVALUATION = {
    "subject": {"type": "email", "id": EMAIL},
    "action": {"name": "email"},
    "resource": {"type": "purpose", "id": "newsletter"},
}
UNKNOWN = "0190d9a0-0000-7000-8000-000000000000"


def at(email):
    return {"identifiers": [{"kind": "email", "value": email}]}


# By the tag of the entry that the call leaves.
CALLS = {
    "contact.create": ("POST", "/api/v1/contacts", {**at(f"new-{EMAIL}"), **NEW}),
    "contact.update": ("POST", "/api/v1/contacts", {**at(EMAIL), **NEW}),
    "contact.lookup": ("POST", "/api/v1/contacts/lookup", {"kind": "email", "value": EMAIL}),
    "contact.read": ("GET", "/api/v1/contacts/{id}", None),
    "consent.read": ("GET", "/api/v1/contacts/{id}/consents", None),
    "consent.prove": ("GET", "/api/v1/contacts/{id}/consents/{entry}/proof", None),
    "consent.receipt": ("GET", "/api/v1/contacts/{id}/consents/{entry}/receipt", None),
    "collection.submit": (
        "POST",
        "/api/v1/collection/newsletter-footer/submissions",
        {
            "version": 1,
            "locale": "en",
            "controls": {"email": EMAIL, "first-name": NAME, "newsletter": True, "send": True},
            "evidence": {"address": "198.51.100.7"},
        },
    ),
    "signal.record": (
        "POST",
        "/api/v1/signals",
        {"device": EMAIL, "subject": {"email": EMAIL}, "sec_gpc": "1", "source": "site"},
    ),
    "consent.grant": ("POST", "/api/v1/consents", {**GRANT, **TO, "evidence": {"address": "198.51.100.7"}}),
    "consent.refuse": ("POST", "/api/v1/consents", {**GRANT, **TO, "kind": "refuse"}),
    "consent.withdraw": ("POST", "/api/v1/consents", {**GRANT, **TO, "kind": "withdraw"}),
    "consent.object": ("POST", "/api/v1/consents", {**GRANT, **TO, "kind": "object"}),
    "ground.record": ("POST", "/api/v1/grounds", {**SALE, **TO}),
    "decision.check": ("POST", "/api/v1/decisions", {**SCOPE, **TO}),
    "decision.bulk": ("POST", "/api/v1/decisions", {**SCOPE, "audience": "all"}),
    "decision.check of a batch": ("POST", "/api/v1/decisions/batch", {**SCOPE, "subjects": [TO["subject"]]}),
    "decision.check by AuthZEN": ("POST", "/access/v1/evaluation", {**EVALUATION}),
    "decision.check of several": ("POST", "/access/v1/evaluations", {"evaluations": [EVALUATION]}),
    "decision.bulk of persons": (
        "POST",
        "/access/v1/search/subject",
        {**EVALUATION, "subject": {"type": "contact"}},
    ),
    "decision.bulk of purposes": ("POST", "/access/v1/search/resource", {**EVALUATION}),
    "decision.bulk of channels": ("POST", "/access/v1/search/action", {**EVALUATION}),
    "decision.bulk as lines": (
        "GET",
        "/api/v1/decisions/export?purpose=newsletter&channel=email&outcome=permit",
        None,
    ),
    "permit.issue": ("POST", "/api/v1/permits", {**SCOPE, **TO, "content_hash": "00" * 32}),
    "permit.redeem": ("POST", "/api/v1/permits/redeem", {"token": "{token}", "content_hash": "00" * 32}),
    "permit.void": ("POST", "/api/v1/permits/void", {"token": "{token}"}),
    "contact.export": ("POST", "/api/v1/subject-requests", {**TO, "kind": "access"}),
    "contact.restrict": ("POST", "/api/v1/subject-requests", {**TO, "kind": "restriction"}),
    "contact.erase": ("POST", "/api/v1/subject-requests", {**TO, "kind": "erasure"}),
    "contact.update of preferences": (
        "POST",
        "/api/v1/contacts/{id}/preferences",
        {"part_of_day": "morning"},
    ),
    "contact.merge": (
        "POST",
        "/api/v1/contacts/{id}/merge",
        {"other": {"id": "{other}"}, "reason": "the same card at the till"},
    ),
    "contact.unmerge": ("POST", "/api/v1/contacts/{id}/unmerge", {"merge": "{merge}"}),
    "contact.change_address": (
        "POST",
        "/api/v1/contacts/{id}/identifiers/{identifier}/change",
        {"value": f"new-{EMAIL}", "source": "page"},
    ),
    "decision.read": ("GET", "/api/v1/decisions/{decision}", None),
    "decision.read of a proof": ("GET", "/api/v1/decisions/{decision}/proof", None),
    "list.import": ("POST", "/api/v1/lists/own-nordwind/entries", {"entries": [EMAIL]}),
    "campaign.create": (
        "POST",
        "/api/v1/campaigns",
        {**SCOPE, "template": {"locales": {"en": LETTER}, "fallback": "en"}},
    ),
}


# Counts without persons, and entries of the log, which name persons as commitments only.
READS_NOBODY = {
    ("GET", "/api/v1/campaigns/{campaign_id}"),
    ("GET", "/api/v1/lists"),
    ("GET", "/log/tile/entries/{place}"),
}


@pytest.mark.law("LP-45")
async def test_no_route_is_forgotten_here(app):
    called = {
        (
            method,
            path.partition("?")[0]
            .replace("{id}", "{contact_id}")
            .replace("{entry}", "{entry_id}")
            .replace("{identifier}", "{identifier_id}")
            .replace("{decision}", "{decision_id}")
            .replace("own-nordwind", "{name}")
            .replace("newsletter-footer", "{point}"),
        )
        for method, path, _ in CALLS.values()
    }
    asked = {route for route, admission in admissions(app).items() if not admission.public}
    assert asked == called | READS_NOBODY


@pytest.mark.law("LP-45")
@pytest.mark.parametrize("action", CALLS)
async def test_each_call_is_one_entry_that_names_nobody(admin, workspace, action):
    made = await person(admin, EMAIL, first_name=NAME)
    method, path, body = CALLS[action]
    if "{entry}" in path:
        granted = await admin.post("/api/v1/consents", json={**GRANT, **TO})
        path = path.replace("{entry}", granted.json()["entries"][0]["id"])
    if "{identifier}" in path:
        card = (await admin.get(f"/api/v1/contacts/{made}")).json()
        path = path.replace("{identifier}", card["identifiers"][0]["id"])
    if "{decision}" in path:
        asked = await admin.post("/api/v1/decisions", json={**SCOPE, **TO})
        path = path.replace("{decision}", asked.json()["decision_id"])
    if "merge" in path:
        body = await _merging(admin, made, body)
    if body is not None and body.get("token") == "{token}":
        await admin.post("/api/v1/consents", json={**GRANT, **TO})
        issued = await admin.post("/api/v1/permits", json={**SCOPE, **TO, "content_hash": "00" * 32})
        body = {**body, "token": issued.json()["permit"]["token"]}
    async with logged(workspace) as found:
        answer = await admin.request(
            method, path.replace("{id}", made), json=body, headers={"X-Request-ID": "request-17"}
        )
        assert answer.status_code < 300, answer.text
    (entry,) = found()
    # Several routes leave the same tag.
    assert entry["action"] == action.partition(" ")[0]
    assert entry["actor"].startswith("key:")
    assert entry["purpose"] == "operation"
    assert entry["reason"] == "test"
    assert entry["request"] == "request-17"
    text = json.dumps(entry, ensure_ascii=False)
    assert not [secret for secret in (*NEVER, made) if secret in text]


async def _merging(admin, made, body):
    """The body with a second record, or with the merge that brought it in."""
    other = await person(admin, f"second-{EMAIL}")
    told = {"other": {"id": other}, "reason": "the same card at the till"}
    if "other" in body:
        return told
    merge = await admin.post(f"/api/v1/contacts/{made}/merge", json=told)
    return {"merge": merge.json()["id"]}


@pytest.mark.law("LP-45")
@pytest.mark.parametrize("action", ["contact.read", "consent.grant", "decision.check"])
async def test_an_entry_can_be_opened_as_being_about_the_person_and_is_in_the_tree(
    admin, workspace, caller, action
):
    made = await person(admin, EMAIL, first_name=NAME)
    method, path, body = CALLS[action]
    await admin.request(method, path.replace("{id}", made), json=body)
    async with workspace.database.begin(caller) as session:
        last = await session.value("SELECT max(id) FROM audit_entry")
    await sealed(workspace, caller, last)
    async with workspace.database.begin(caller) as session:
        proven = await proofs.prove(session, workspace.ring, last, UUID(made))
        verifier = (await queries.signer(session, workspace.ring)).verifier
    assert proven.opening is not None
    assert evidence.verify(proven, verifier).entry["action"] == action


async def sealed(workspace, caller, entry_id):
    """Seal until the entry is in the tree: another test's long transaction may hold the horizon for a while."""
    for _ in range(100):
        await seal(workspace.database, workspace.ring)
        async with workspace.database.begin(caller) as session:
            if (await queries.sealed_entry(session, entry_id)).leaf_index is not None:
                return
        await asyncio.sleep(0.1)
    raise AssertionError("the entry was not sealed within 10 s")


@pytest.mark.law("LP-45")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/consents", {**GRANT, **TO, "act": "scrolled"}),
        ("POST", "/api/v1/contacts", {**at(EMAIL), **NEW, "fields": {"x": "y"}}),
        ("GET", f"/api/v1/contacts/{UNKNOWN}", None),
    ],
)
async def test_a_refused_call_changes_nothing_and_is_no_entry(admin, workspace, method, path, body):
    await person(admin, EMAIL)
    async with logged(workspace) as found:
        assert (await admin.request(method, path, json=body)).status_code >= 400
    assert found() == []


@pytest.mark.law("LP-45")
async def test_making_and_revoking_a_key_is_logged_without_its_name(workspace, caller):
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
