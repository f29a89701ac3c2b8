"""AuthZEN: who may ask, about what, and how the endpoints are found."""

import httpx

from tests.authzen.asking import GOOD, PATHS, kept, question
from tests.http.routes import key


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
