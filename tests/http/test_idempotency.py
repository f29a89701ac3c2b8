"""The same POST twice is done once: also at the same moment, and never for two different requests."""

import asyncio

import pytest

from tests.http.routes import GRANT, bearer, key, person

EMAIL = "olga.ivanova@example.test"
GRANTED = {**GRANT, "subject": {"email": EMAIL}}


async def entries(admin, made):
    return (await admin.get(f"/api/v1/contacts/{made}/consents")).json()["entries"]


async def test_a_repeat_gets_the_same_answer_and_changes_nothing(admin):
    made = await person(admin, EMAIL)
    first = await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "a-1"})
    second = await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "a-1"})
    assert first.status_code == second.status_code == 201
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert len(await entries(admin, made)) == 1


async def test_repeats_at_the_same_moment_are_one(admin):
    made = await person(admin, EMAIL)
    answers = await asyncio.gather(
        *(admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "b-1"}) for _ in range(8))
    )
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert len(await entries(admin, made)) == 1


async def test_the_same_key_with_another_body_is_refused(admin):
    made = await person(admin, EMAIL)
    await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "c-1"})
    other = await admin.post(
        "/api/v1/consents", json={**GRANTED, "source": "page"}, headers={"Idempotency-Key": "c-1"}
    )
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key.reused")
    assert len(await entries(admin, made)) == 1


async def test_the_same_key_of_somebody_else_is_another(admin, workspace):
    made = await person(admin, EMAIL)
    other = bearer(await key(workspace, "admin"))
    await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "d-1"})
    await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "d-1", **other})
    assert len(await entries(admin, made)) == 2


async def test_a_refused_request_may_be_repeated_once_it_is_right(admin):
    first = await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "e-1"})
    assert first.status_code == 404
    await person(admin, EMAIL)
    second = await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": "e-1"})
    assert second.status_code == 201


async def test_a_repeated_check_is_asked_anew(admin):
    """An answer of the gate is about now: an old yes must not come back after a no."""
    body = {"subject": {"email": EMAIL}, "purpose": "newsletter", "channel": "email"}
    first = await admin.post("/api/v1/decisions", json=body, headers={"Idempotency-Key": "f-1"})
    second = await admin.post("/api/v1/decisions", json=body, headers={"Idempotency-Key": "f-1"})
    assert first.json()["decision_id"] != second.json()["decision_id"]


@pytest.mark.parametrize("bad", ["", "a b", "x" * 256, "kl\xf3cz"])
async def test_a_key_of_the_wrong_shape_is_refused(admin, bad):
    answer = await admin.post(
        "/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": bad.encode("latin-1")}
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


async def test_neither_key_nor_body_is_kept(admin, session):
    await person(admin, EMAIL)
    await admin.post("/api/v1/consents", json=GRANTED, headers={"Idempotency-Key": f"for-{EMAIL}"})
    rows = await session.all("SELECT * FROM idempotency_key")
    assert len(rows) == 1
    assert EMAIL not in str(rows)
