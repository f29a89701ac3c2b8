"""The routes of permits, as an engine outside calls them."""

from hashlib import sha256
from typing import Any

import httpx
import pytest

from registry.access.workspace import Workspace
from tests.http.routes import GRANT, bearer, key, person

EMAIL = "anna@example.test"
CONTENT = sha256(b"the message").hexdigest()
ASKED = {"subject": {"email": EMAIL}, "purpose": "newsletter", "channel": "email", "content_hash": CONTENT}
TO = {"subject": {"email": EMAIL}}


@pytest.fixture
async def anna(admin: httpx.AsyncClient) -> str:
    made = await person(admin, EMAIL)
    assert (await admin.post("/api/v1/consents", json={**GRANT, **TO})).status_code == 201
    return made


async def issue(client: httpx.AsyncClient, **more: Any) -> Any:
    answer = await client.post("/api/v1/permits", json={**ASKED, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def redeem(client: httpx.AsyncClient, token: str, **headers: str) -> Any:
    body = {"token": token, "content_hash": CONTENT}
    answer = await client.post("/api/v1/permits/redeem", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_an_engine_gets_a_permit_and_redeems_it(
    workspace: Workspace, admin: httpx.AsyncClient, client: httpx.AsyncClient, anna: str
) -> None:
    client.headers.update(bearer(await key(workspace, "engine")))
    told = await issue(client, expires_in=120)
    assert told["decision"]["outcome"] == "permit"
    assert told["permit"]["token"].startswith("zgoda_permit_")
    assert told["permit"]["identifier"] == told["decision"]["identifier"] is not None
    done = await redeem(client, told["permit"]["token"])
    assert (done["outcome"], done["reason"], done["permit"]) == ("permit", "permit", told["permit"]["id"])
    assert done["decision"]["decision_id"] != told["decision"]["decision_id"]


async def test_a_deny_is_an_answer_without_a_permit(admin: httpx.AsyncClient) -> None:
    told = await issue(admin)
    assert told["decision"]["reason"] == "contact.unknown"
    assert told["permit"] is None


async def test_a_repeat_is_refused_also_under_the_same_idempotency_key(
    admin: httpx.AsyncClient, anna: str
) -> None:
    """The answer of the first was lost; a withdrawal may have been acknowledged since."""
    token = (await issue(admin))["permit"]["token"]
    header = {"Idempotency-Key": "once"}
    assert (await redeem(admin, token, **header))["outcome"] == "permit"
    assert (await redeem(admin, token, **header))["reason"] == "permit.redeemed"


async def test_a_repeated_issue_keeps_no_token(
    workspace: Workspace, admin: httpx.AsyncClient, anna: str
) -> None:
    admin.headers["Idempotency-Key"] = "same"
    first, second = await issue(admin), await issue(admin)
    assert first["permit"]["token"] != second["permit"]["token"]


@pytest.mark.parametrize("kind", ["withdraw", "object", "refuse"])
async def test_the_answer_to_a_no_tells_the_permits(admin: httpx.AsyncClient, anna: str, kind: str) -> None:
    used, still = await issue(admin), await issue(admin)
    await redeem(admin, used["permit"]["token"])
    answer = await admin.post("/api/v1/consents", json={**GRANT, **TO, "kind": kind})
    told = answer.json()
    assert told["permits_voided"] == [
        {
            "id": still["permit"]["id"],
            "purpose": "newsletter",
            "channel": "email",
            "expires_at": still["permit"]["expires_at"],
        }
    ]
    assert [one["id"] for one in told["permits_in_flight"]] == [used["permit"]["id"]]
    assert (await redeem(admin, still["permit"]["token"]))["reason"] == "permit.voided"


@pytest.mark.parametrize("kind", ["restriction", "erasure"])
async def test_so_does_the_answer_to_a_restriction_and_an_erasure(
    admin: httpx.AsyncClient, anna: str, kind: str
) -> None:
    used, still = await issue(admin), await issue(admin)
    await redeem(admin, used["permit"]["token"])
    told = (await admin.post("/api/v1/subject-requests", json={**TO, "kind": kind})).json()
    assert [one["id"] for one in told["permits_voided"]] == [still["permit"]["id"]]
    assert [one["id"] for one in told["permits_in_flight"]] == [used["permit"]["id"]]


async def test_a_permit_is_given_back_by_its_token_or_its_id(admin: httpx.AsyncClient, anna: str) -> None:
    by_token, by_id = (await issue(admin))["permit"], (await issue(admin))["permit"]
    for body, permit in (({"token": by_token["token"]}, by_token), ({"permit": by_id["id"]}, by_id)):
        for _ in range(2):
            answer = await admin.post("/api/v1/permits/void", json=body)
            assert (answer.status_code, answer.json()["state"]) == (200, "voided")
        assert (await redeem(admin, permit["token"]))["reason"] == "permit.voided"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "permit.unnamed"),
        (
            {"token": "zgoda_permit_x", "permit": "0190d9a0-0000-7000-8000-000000000000"},
            400,
            "permit.unnamed",
        ),
        ({"token": "zgoda_permit_x"}, 404, "permit.unknown"),
        ({"permit": "0190d9a0-0000-7000-8000-000000000000"}, 404, "permit.unknown"),
    ],
)
async def test_a_permit_to_give_back_is_named_in_one_way(
    admin: httpx.AsyncClient, body: Any, status: int, code: str
) -> None:
    answer = await admin.post("/api/v1/permits/void", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    "wrong",
    [
        {"content_hash": "abc"},
        {"content_hash": CONTENT.upper()},
        {"expires_in": 0},
        {"expires_in": 901},
        {"audience": "all"},
    ],
)
async def test_what_is_wrong_is_refused_by_name(admin: httpx.AsyncClient, anna: str, wrong: Any) -> None:
    answer = await admin.post("/api/v1/permits", json={**ASKED, **wrong})
    assert answer.status_code == 400
    assert answer.json()["field"] == f"/{next(iter(wrong))}"


async def test_keys_reach_their_own_purposes_alone(
    workspace: Workspace, admin: httpx.AsyncClient, client: httpx.AsyncClient, anna: str
) -> None:
    permit = (await issue(admin))["permit"]
    client.headers.update(bearer(await key(workspace, "engine", controllers=("polana",))))
    assert (await client.post("/api/v1/permits", json=ASKED)).json()["code"] == "purpose.out_of_scope"
    assert (await redeem(client, permit["token"]))["reason"] == "permit.unknown"
    body = {"permit": permit["id"]}
    assert (await client.post("/api/v1/permits/void", json=body)).status_code == 404
    client.headers.update(bearer(await key(workspace, "write")))
    assert (await client.post("/api/v1/permits", json=ASKED)).json()["code"] == "action.forbidden"
