"""The gate over HTTP: the fixed fields, a deny for anything unknown, counts for an audience."""

import asyncio

import pytest

from tests.http.routes import GRANT, bearer, key, person

EMAIL = "ilze.berzina@example.test"
FIELDS = {
    "decision_id", "outcome", "reason", "basis", "channel_ground", "identifier", "evidence", "policy", "not_before",
    "as_of",
}  # fmt: skip


def question(**change):
    return {"subject": {"email": EMAIL}, "purpose": "newsletter", "channel": "email", **change}


async def test_a_decision_has_the_fields_that_others_build_on(admin):
    await person(admin, EMAIL)
    answer = (await admin.post("/api/v1/decisions", json=question())).json()
    assert set(answer) == FIELDS
    assert EMAIL not in str(answer)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"subject": {"email": "nobody@example.test"}}, "contact.unknown"),
        ({"subject": {"id": "0190d9a0-0000-7000-8000-000000000000"}}, "contact.unknown"),
        ({"subject": {"external": "C-404"}}, "contact.unknown"),
        ({"purpose": "newsleter"}, "purpose.unknown"),
        ({"channel": "pigeon"}, "channel.unknown"),
        ({"at": "2001-01-01T00:00:00Z"}, "purpose.unknown"),
    ],
)
async def test_an_unknown_anything_is_a_deny(admin, change, reason):
    await person(admin, EMAIL)
    answer = await admin.post("/api/v1/decisions", json=question(**change))
    assert answer.status_code == 200, answer.text
    assert (answer.json()["outcome"], answer.json()["reason"]) == ("deny", reason)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"subject": None}, "/subject"),
        ({"audience": "all"}, "/subject"),
        (
            {"subject": None, "audience": "all", "identifier": "0190d9a0-0000-7000-8000-000000000000"},
            "/identifier",
        ),
        ({"subject": None, "audience": "all", "purpose": "newsleter"}, "/purpose"),
        ({"at": "2026-01-01T00:00:00"}, "/at"),
        ({"purpose": "News Letter"}, "/purpose"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_question_of_the_wrong_shape_names_the_field(admin, change, field):
    answer = await admin.post("/api/v1/decisions", json=question(**change))
    assert answer.status_code == 400
    assert answer.json()["field"] == field


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00+99:00", "2026-01-01T00:00:00 Europe/Riga"])
async def test_an_instant_with_a_wrong_time_zone_is_told_how_to_be_written(admin, at):
    answer = await admin.post("/api/v1/decisions", json=question(at=at))
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")
    assert "2026-01-31T09:30:00Z" in answer.json()["mend"]
    assert at not in answer.text


async def test_many_checks_at_once_each_get_their_own_answer(admin):
    people = [await person(admin, f"p{n}@example.test") for n in range(6)]
    for n in (0, 2, 4):
        await admin.post("/api/v1/consents", json={**GRANT, "subject": {"email": f"p{n}@example.test"}})
    answers = await asyncio.gather(
        *(admin.post("/api/v1/decisions", json=question(subject={"id": p})) for p in people * 5)
    )
    assert [a.json()["outcome"] for a in answers] == ["permit", "deny"] * 15
    assert len({a.json()["decision_id"] for a in answers}) == 30


async def test_an_audience_is_counted_by_reason(admin):
    for n in range(4):
        await person(admin, f"p{n}@example.test")
    await admin.post("/api/v1/consents", json={**GRANT, "subject": {"email": "p0@example.test"}})
    body = {"audience": "all", "purpose": "newsletter", "channel": "email"}
    counts = (await admin.post("/api/v1/decisions", json=body)).json()
    assert (counts["persons"], counts["permitted"], counts["blocked"]) == (4, 1, {"consent.missing": 3})


async def test_what_stood_at_an_earlier_time_is_answered_from_the_ledger(admin):
    made = await person(admin, EMAIL)
    card = (await admin.get(f"/api/v1/contacts/{made}")).json()
    granted = (
        await admin.post(
            "/api/v1/consents",
            json={**GRANT, "subject": {"id": made}, "identifier": card["identifiers"][0]["id"]},
        )
    ).json()
    before = (await admin.post("/api/v1/decisions", json=question(at=card["created_at"]))).json()
    after = (
        await admin.post("/api/v1/decisions", json=question(at=granted["entries"][0]["recorded_at"]))
    ).json()
    assert before["outcome"] == "deny"
    assert after["outcome"] == "permit"


async def test_an_engine_asks_about_its_purposes_only(admin, workspace):
    await person(admin, EMAIL)
    engine = bearer(await key(workspace, "engine", purposes=["newsletter"]))
    allowed = await admin.post("/api/v1/decisions", json=question(), headers=engine)
    assert allowed.status_code == 200
    for body in (
        question(purpose="club-letter"),
        {"audience": "all", "purpose": "club-letter", "channel": "email"},
    ):
        refused = await admin.post("/api/v1/decisions", json=body, headers=engine)
        assert (refused.status_code, refused.json()["code"]) == (403, "purpose.out_of_scope")


async def test_an_address_that_two_have_is_ambiguous(admin):
    await person(admin, EMAIL, first_name="Ilze")
    await person(admin, EMAIL, first_name="Jānis")
    assert (await admin.post("/api/v1/decisions", json=question())).json()["reason"] == "contact.ambiguous"


async def test_checking_needs_no_headers_of_why(admin):
    del admin.headers["Zgoda-Purpose"]
    del admin.headers["Zgoda-Reason"]
    assert (await admin.post("/api/v1/decisions", json=question())).status_code == 200
