"""What is left at a form: the server works out from its controls who said what, and records no more than that."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests import persons
from tests.http.routes import bearer, key, logged
from tests.persons import CALLER

FOOTER = "/api/v1/collection/newsletter-footer/submissions"
SIGNUP = "/api/v1/collection/club-signup/submissions"
EMAIL = "anna.berzina@example.test"


def filled(email: str | None = EMAIL, **more: Any) -> dict[str, Any]:
    """The footer as somebody sends it who ticked the box."""
    controls: dict[str, Any] = {"newsletter": True, "send": True, **more.pop("controls", {})}
    if email is not None:
        controls["email"] = email
    return {"version": 1, "locale": "en", "controls": controls, **more}


def signup(answer: str | None, email: str = EMAIL, **more: Any) -> dict[str, Any]:
    controls: dict[str, Any] = {"email": email, "send": True}
    if answer is not None:
        controls["club-letter"] = answer
    return {"version": 1, "locale": "pl", "controls": controls, **more}


async def count(workspace, table: str) -> int:
    async with workspace.database.begin(CALLER) as session:
        return int(await session.value(f"SELECT count(*) FROM {table}"))


async def entries(workspace, contact: str) -> list[Any]:
    async with workspace.database.begin(CALLER) as session:
        return await session.all(
            "SELECT * FROM consent_entry WHERE contact_id = %s ORDER BY seq", (UUID(contact),)
        )


async def test_a_ticked_box_is_a_grant_that_carries_the_version_of_the_form(admin, workspace):
    answer = await admin.post(
        FOOTER,
        json=filled(
            controls={"first-name": "Anna"},
            evidence={"address": "198.51.100.7", "agent": "Firefox 140", "page": "/tents"},
        ),
    )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert told["created"] is True
    assert [(one["purpose"], one["channel"], one["kind"]) for one in told["entries"]] == [
        ("newsletter", "email", "granted")
    ]
    (entry,) = await entries(workspace, told["contact"])
    assert (entry.point, entry.point_version) == ("newsletter-footer", 1)
    assert (entry.act, entry.notice_version, entry.notice_locale) == ("ticked", 1, "en")
    assert entry.source == "point:newsletter-footer"
    assert entry.assignment_id is not None
    assert await persons.reason(workspace, f"email:{EMAIL}") == "permit"
    card = (await admin.get(f"/api/v1/contacts/{told['contact']}")).json()
    assert card["fields"]["first_name"]["value"] == "Anna"
    assert card["locale"] == "en"


@pytest.mark.law("LP-01")
async def test_a_box_that_was_left_alone_stores_nobody_and_says_nothing(admin, workspace):
    for controls in ({}, {"newsletter": False}):
        body = {"version": 1, "locale": "lv", "controls": {"email": EMAIL, "send": True, **controls}}
        answer = await admin.post(FOOTER, json=body)
        assert answer.status_code == 201
        assert answer.json()["contact"] is None
        assert answer.json()["entries"] == []
    assert await count(workspace, "contact") == 0
    assert await count(workspace, "address") == 0
    assert await persons.reason(workspace, f"email:{EMAIL}") == "contact.unknown"


@pytest.mark.law("LP-01")
@pytest.mark.parametrize("send", [{}, {"send": False}, {"send": ""}])
async def test_a_form_that_was_never_sent_is_no_yes(admin, workspace, send):
    body = {"version": 1, "locale": "en", "controls": {"email": EMAIL, "newsletter": True, **send}}
    answer = await admin.post(FOOTER, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "control.missing")
    assert answer.json()["field"] == "/controls/send"
    assert await count(workspace, "contact") == 0
    assert await count(workspace, "consent_entry") == 0


async def test_a_box_left_alone_by_somebody_known_changes_nothing(admin, workspace):
    made = await persons.make(workspace, EMAIL, fields={"first_name": "Anna"})
    body = {"version": 1, "locale": "lv", "controls": {"email": EMAIL, "first-name": "Other", "send": True}}
    assert (await admin.post(FOOTER, json=body)).json()["contact"] is None
    assert await entries(workspace, str(made)) == []
    card = (await admin.get(f"/api/v1/contacts/{made}")).json()
    assert card["fields"]["first_name"]["value"] == "Anna"


async def test_a_yes_to_what_takes_a_second_step_waits_for_it(admin, workspace):
    answer = await admin.post(SIGNUP, json=signup("accept"))
    told = answer.json()
    assert [one["kind"] for one in told["entries"]] == ["requested"]
    assert await persons.reason(workspace, f"email:{EMAIL}", "club-letter") == "consent.unconfirmed"


async def test_a_chosen_no_of_somebody_known_is_a_refusal_and_keeps_nothing_else(admin, workspace):
    made = await persons.make(workspace, EMAIL)
    body = signup("decline")
    body["controls"]["first-name"] = "Anna"
    told = (await admin.post(SIGNUP, json=body)).json()
    assert told["contact"] == str(made)
    assert [one["kind"] for one in told["entries"]] == ["refused"]
    assert told["relay_queue_hours"] is not None
    assert await persons.reason(workspace, f"email:{EMAIL}", "club-letter") == "address.suppressed"
    card = (await admin.get(f"/api/v1/contacts/{made}")).json()
    assert card["fields"] == {}


async def test_a_chosen_no_of_somebody_unknown_is_kept_by_the_address_alone(admin, workspace):
    told = (await admin.post(SIGNUP, json=signup("decline"))).json()
    assert told["contact"] is None
    assert told["entries"] == [{"purpose": "club-letter", "channel": "email", "kind": "refused", "id": None}]
    assert await count(workspace, "contact") == 0
    await persons.make(workspace, EMAIL)
    assert await persons.reason(workspace, f"email:{EMAIL}", "club-letter") == "address.suppressed"


async def test_an_answer_that_was_left_alone_is_no_entry(admin, workspace):
    made = await persons.make(workspace, EMAIL)
    told = (await admin.post(SIGNUP, json=signup(None))).json()
    assert told["entries"] == []
    assert await entries(workspace, str(made)) == []


async def test_a_later_yes_at_the_form_opens_a_refused_address_again(admin, workspace):
    made = await persons.make(workspace, EMAIL)
    await persons.act(workspace, f"email:{EMAIL}", persons.EntryKind.WITHDRAWN)
    assert await persons.reason(workspace, made) != "permit"
    assert (await admin.post(FOOTER, json=filled())).status_code == 201
    assert await persons.reason(workspace, made) == "permit"


@pytest.mark.law("LP-22")
async def test_a_yes_that_was_given_before_the_no_revives_nothing(admin, workspace):
    made = await persons.make(workspace, EMAIL)
    before = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    await persons.act(workspace, f"email:{EMAIL}", persons.EntryKind.WITHDRAWN)
    assert (await admin.post(FOOTER, json=filled(acted_at=before))).status_code == 201
    assert await persons.reason(workspace, made) != "permit"


@pytest.mark.law("LP-74")
async def test_an_erased_persons_address_is_opened_by_a_yes_at_first_hand_alone(admin, workspace):
    made = await persons.make(workspace, EMAIL)
    erased = await admin.post(
        "/api/v1/subject-requests", json={"subject": {"id": str(made)}, "kind": "erasure"}
    )
    assert erased.status_code < 300
    # A no, or nothing said, takes nobody up again.
    assert (await admin.post(SIGNUP, json=signup("decline"))).json()["contact"] is None
    told = (await admin.post(FOOTER, json=filled(email="Anna.Berzina+x@example.test"))).json()
    assert told["created"] is True
    assert await persons.reason(workspace, told["contact"]) == "permit"
    assert await persons.reason(workspace, told["contact"], "club-letter") == "address.suppressed"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (filled() | {"version": 2}, 400, "point.version_unknown"),
        (filled() | {"locale": "de"}, 400, "point.locale_unknown"),
        (filled(controls={"newsletter": "yes"}), 400, "control.value_unknown"),
        (filled(controls={"first-name": True}), 400, "control.value_unknown"),
        (filled(controls={"phone": "+37120000000"}), 400, "control.unknown"),
        (filled(email=None), 400, "control.missing"),
        (filled(email="nobody"), 400, "identifier.invalid"),
        (filled(products=["tents"]), 400, "point.no_sale"),
        (filled(acted_at="2099-01-01T00:00:00Z"), 400, "consent.acted_in_future"),
        (filled(acted_at="2026-01-01T00:00:00"), 400, None),
        (filled(subject={"external": "nobody"}), 404, "contact.unknown"),
    ],
)
async def test_what_the_form_did_not_offer_is_refused(admin, workspace, body, status, code):
    answer = await admin.post(FOOTER, json=body)
    assert answer.status_code == status, answer.text
    assert code is None or answer.json()["code"] == code
    assert EMAIL not in answer.text
    assert await count(workspace, "contact") == 0


async def test_an_answer_that_a_choice_does_not_have_is_refused(admin):
    answer = await admin.post(SIGNUP, json=signup("maybe"))
    assert (answer.status_code, answer.json()["code"]) == (400, "control.value_unknown")
    assert answer.json()["field"] == "/controls/club-letter"


async def test_a_form_that_nobody_published_is_not_found(admin):
    answer = await admin.post("/api/v1/collection/footer/submissions", json=filled())
    assert (answer.status_code, answer.json()["code"]) == (404, "point.unknown")


@pytest.mark.law("LP-01")
@pytest.mark.parametrize("act", ["default", "scrolled", "silence", "inactivity", "pre-ticked", ""])
async def test_an_act_that_is_none_is_refused(admin, workspace, act):
    answer = await admin.post(FOOTER, json=filled(acts={"newsletter": act}))
    assert (answer.status_code, answer.json()["code"]) == (400, "consent.act_invalid")
    assert await persons.reason(workspace, f"email:{EMAIL}") == "contact.unknown"


@pytest.mark.law("LP-02")
async def test_a_page_that_showed_the_box_ticked_is_refused(admin, workspace):
    answer = await admin.post(FOOTER, json=filled(presented={"newsletter": True}))
    assert (answer.status_code, answer.json()["code"]) == (409, "control.default_on")
    assert await count(workspace, "contact") == 0
    assert (await admin.post(FOOTER, json=filled(presented={"newsletter": False}))).status_code == 201


async def test_one_submission_is_one_entry_in_the_log_that_names_nobody(admin, workspace):
    async with logged(workspace) as found:
        told = (await admin.post(FOOTER, json=filled(evidence={"address": "198.51.100.7"}))).json()
    (entry,) = found()
    assert entry["action"] == "collection.submit"
    assert set(entry["kinds"]) == {"consent", "email"}
    assert len(entry["detail"]["digests"]) == 1
    text = str(entry)
    assert not [value for value in (EMAIL, "198.51.100.7", told["contact"]) if value in text]


async def test_the_same_submission_sent_twice_counts_once(admin, workspace):
    headers = {"Idempotency-Key": "0b1c"}
    first = await admin.post(FOOTER, json=filled(), headers=headers)
    again = await admin.post(FOOTER, json=filled(), headers=headers)
    assert first.json() == again.json()
    assert len(await entries(workspace, first.json()["contact"])) == 1


async def test_a_refused_submission_leaves_nothing_behind(admin, workspace):
    answer = await admin.post(FOOTER, json=filled(acted_at="2099-01-01T00:00:00Z"))
    assert answer.status_code == 400
    assert await count(workspace, "contact") == 0
    assert (
        await count(workspace, "audit_entry WHERE convert_from(body, 'UTF8') LIKE '%collection.submit%'") == 0
    )


async def test_somebody_who_is_signed_in_is_named_by_their_own_id(admin, workspace):
    made = await persons.make(workspace, external="1001")
    told = (await admin.post(FOOTER, json=filled(subject={"external": "1001"}))).json()
    assert (told["contact"], told["created"]) == (str(made), False)
    assert await persons.reason(workspace, made) == "permit"


async def test_a_key_that_does_not_reach_the_purpose_is_refused(client, workspace):
    polana = await key(workspace, "write", controllers=("polana",))
    answer = await client.post(FOOTER, json=filled(), headers=bearer(polana))
    assert (answer.status_code, answer.json()["code"]) == (403, "purpose.out_of_scope")
    assert (await client.post(SIGNUP, json=signup("accept"), headers=bearer(polana))).status_code == 201
    engine = await key(workspace, "engine")
    assert (await client.post(FOOTER, json=filled(), headers=bearer(engine))).status_code == 403


async def test_the_form_is_shown_with_nothing_chosen_and_all_that_must_be_told(client):
    shown = (await client.get("/api/v1/collection/newsletter-footer?locale=pl")).json()
    box = next(control for control in shown["controls"] if control["id"] == "newsletter")
    assert (box["kind"], box["default"], box["required"]) == ("checkbox", False, False)
    assert "SIA Nordwind" in shown["information"]
    assert "Zgodę można wycofać w każdej chwili" in shown["information"]
    assert [(notice["purpose"], notice["version"]) for notice in shown["notices"]] == [("newsletter", 1)]
    assert (await client.get("/api/v1/collection/newsletter-footer")).json()["locale"] == "lv"
    assert (await client.get("/api/v1/collection/nothing")).status_code == 404
