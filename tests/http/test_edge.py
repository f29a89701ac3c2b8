"""What holds for every answer: security headers, request ids, one event a request without personal data."""

import json

import pytest
import structlog
from litestar import Litestar, get
from litestar.config.csrf import CSRFConfig
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.testing import AsyncTestClient

from registry.kit.http.edge import CONTENT_SECURITY_POLICY

WANTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cache-control": "no-store",
}


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/api/v1/contacts", "/readyz"])
async def test_every_answer_has_the_security_headers(client, path):
    answer = await client.get(path)
    for name, value in WANTED.items():
        assert answer.headers.get_list(name) == [value]
    assert len(answer.headers.get_list("x-request-id")) == 1


async def test_a_request_id_is_echoed(client):
    answer = await client.get("/healthz", headers={"X-Request-ID": "deploy-7"})
    assert answer.headers["x-request-id"] == "deploy-7"


@pytest.mark.parametrize(
    "given", ["jan@example.test", "+48600100200", "48600100200", "a b", "x" * 65, "600-100-200"]
)
async def test_a_request_id_that_could_name_a_person_is_replaced(client, given):
    answer = await client.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] != given


async def test_the_event_names_the_template_and_never_the_path(admin):
    secret = "0190d9a0-0000-7000-8000-00000000beef"
    with structlog.testing.capture_logs() as events:
        await admin.get(f"/api/v1/contacts/{secret}?email=jan@example.test")
        await admin.get("/nowhere/jan@example.test")
    answered = [event for event in events if event["event"] == "request.answered"]
    assert [event["route"] for event in answered] == ["/api/v1/contacts/{contact_id}", "unmatched"]
    assert answered[0]["actor"].startswith("key:")
    assert secret not in json.dumps(events)
    assert "jan@" not in json.dumps(events)


async def test_a_forwarded_host_is_not_believed(client):
    answer = await client.get("/schema/openapi.json", headers={"X-Forwarded-Host": "evil.test"})
    assert answer.status_code == 200
    assert "evil.test" not in answer.text


async def test_options_runs_no_code_of_ours(client):
    answer = await client.options("/api/v1/contacts")
    assert answer.status_code == 204
    assert "POST" in answer.headers["allow"]


@get("/", sync_to_thread=False)
def hello() -> str:
    return "hello"


async def test_the_frameworks_rate_limit_does_not_believe_x_forwarded_for():
    """CVE-2025-59152: should anybody put the limit in, a header does not lead around it."""
    limit = RateLimitConfig(rate_limit=("hour", 1))
    app = Litestar([hello], middleware=[limit.middleware], openapi_config=None)
    async with AsyncTestClient(app) as client:
        codes = [
            (await client.get("/", headers={"X-Forwarded-For": f"10.0.0.{n}"})).status_code for n in range(3)
        ]
    assert codes == [200, 429, 429]


async def test_the_frameworks_csrf_cookie_cannot_be_injected():
    """CVE-2026-48060: a token that the application did not sign is no token."""
    from litestar import post

    @post("/change", sync_to_thread=False)
    def change() -> str:
        return "changed"

    app = Litestar([hello, change], csrf_config=CSRFConfig(secret="s" * 32), openapi_config=None)
    async with AsyncTestClient(app) as client:
        forged = "f" * 128
        answer = await client.post(
            "/change", headers={"x-csrftoken": forged, "cookie": f"csrftoken={forged}"}
        )
    assert answer.status_code == 403
