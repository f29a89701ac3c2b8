"""Requests of persons over HTTP: access, restriction and erasure."""

from typing import Any

import httpx
import pytest

from tests.http.routes import WHY, key
from tests.persons import CALLER, reason
from tests.subject_requests.test_erasure import lived


async def post(client: httpx.AsyncClient, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.post("/api/v1/subject-requests", json=body, headers=headers)


async def test_access_over_http_is_given_and_never_kept(workspace: Any, admin: httpx.AsyncClient) -> None:
    await lived(workspace)
    subject = {"email": "anna.kalnina@example.test"}
    answer = await post(admin, {"kind": "access", "subject": subject}, **{"Idempotency-Key": "once"})
    assert answer.status_code == 200, answer.text
    assert "192.0.2.7" in answer.text and answer.headers["cache-control"] == "no-store"
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM idempotency_key") == 0


async def test_restriction_over_http_holds_at_once_and_is_lifted(
    workspace: Any, admin: httpx.AsyncClient
) -> None:
    anna = await lived(workspace)
    body = {"kind": "restriction", "subject": {"id": str(anna)}, "because": "objection"}
    answer = await post(admin, body)
    assert answer.json()["state"] == "restricted"
    assert await reason(workspace, anna) == "contact.restricted"
    answer = await post(admin, {**body, "lift": True})
    assert answer.json()["state"] == "lifted"
    assert await reason(workspace, anna) == "permit"
    journal = "".join(path.read_text() for path in workspace.settings.journal_folder.iterdir())
    assert '"what": "restriction"' in journal and '"what": "restriction_lifted"' in journal


async def test_erasure_over_http_is_done_once(workspace: Any, admin: httpx.AsyncClient) -> None:
    anna = await lived(workspace)
    body = {"kind": "erasure", "subject": {"external": "C-1"}}
    first = await post(admin, body, **{"Idempotency-Key": "e-1"})
    assert first.status_code == 200 and first.json()["state"] == "erased"
    again = await post(admin, body, **{"Idempotency-Key": "e-1"})
    assert again.json() == first.json()
    by_id = await post(admin, {"kind": "erasure", "subject": {"id": str(anna)}})
    assert by_id.json()["already"] is True and by_id.json()["id"] == first.json()["id"]
    gone = await post(admin, {"kind": "access", "subject": {"id": str(anna)}})
    assert (gone.status_code, gone.json()["code"]) == (410, "contact.erased")
    unknown = await post(admin, {"kind": "erasure", "subject": {"external": "C-1"}})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "contact.unknown")


@pytest.mark.parametrize("kind", ["access", "restriction", "erasure"])
async def test_only_those_whose_role_lists_it_may_ask(
    workspace: Any, client: httpx.AsyncClient, kind: str
) -> None:
    anna = await lived(workspace)
    body = {"kind": kind, "subject": {"id": str(anna)}}
    for role, status in (("dpo", 200), ("marketer", 403), ("engine", 403), ("write", 403), ("auditor", 403)):
        if status == 200:
            continue
        answer = await post(client, body, Authorization=f"Bearer {await key(workspace, role)}", **WHY)
        assert answer.status_code == status, (role, answer.text)
    dpo = {"Authorization": f"Bearer {await key(workspace, 'dpo')}"}
    without = await post(client, body, **dpo)
    assert (without.status_code, without.json()["code"]) == (400, "purpose.missing")
    assert (await post(client, body, **dpo, **WHY)).status_code == 200
