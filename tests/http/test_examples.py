"""The document is valid and complete, and its examples are true: what it says to send is carried out as it stands."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import uuid4

import httpx
import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from registry.access.workspace import Workspace
from registry.app import area_examples, area_routers, healthz, readyz
from registry.audit.sealer import seal
from registry.kit import clock
from registry.kit.http import examples
from registry.kit.http.openapi import document
from tests.docs.problem_reference import problems
from tests.http.routes import GRANT

# What a program gets that is no text; an example of it could not be written down.
BYTES = {"application/octet-stream"}
# Answers only where the server lies below a path (ZGODA_BASE_URL), which the one of the tests does not.
ELSEWHERE = {"GET /.well-known/authzen-configuration/{place}"}


@cache
def described() -> dict[str, Any]:
    made = document([healthz, readyz, *area_routers()], "Zgoda", "0", area_examples())
    found: dict[str, Any] = json.loads(made)
    return found


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in described()["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def answers(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every answer of success with its media type."""
    for status, response in operation["responses"].items():
        if int(status) < 400:
            yield from response.get("content", {}).items()


def test_the_document_is_valid_openapi_3_1() -> None:
    assert described()["openapi"].startswith("3.1")
    assert [error.message for error in OpenAPIV31SpecValidator(described()).iter_errors()] == []


def test_every_body_that_is_sent_or_answered_has_an_example() -> None:
    without = []
    for name, operation in operations():
        bodies = dict(answers(operation))
        bodies |= {
            f"sent {kind}": body for kind, body in operation.get("requestBody", {}).get("content", {}).items()
        }
        without += [
            f"{name}: {kind}" for kind, body in bodies.items() if "examples" not in body and kind not in BYTES
        ]
    assert without == [], "add them to `examples` of the area"


def test_every_problem_has_an_example_of_its_own_status() -> None:
    schema = _resolved({"$ref": "#/components/schemas/Problem"})
    for name, response in described()["components"]["responses"].items():
        (example,) = response["content"]["application/problem+json"]["examples"].values()
        jsonschema.validate(example["value"], schema)
        assert name == f"Problem{example['value']['status']}"


def test_there_is_no_example_of_a_route_that_is_not_there() -> None:
    assert set(area_examples()) - {name for name, _ in operations()} == set()


def test_every_example_of_an_answer_has_the_shape_that_the_document_tells() -> None:
    wrong = []
    for name, operation in operations():
        for media, body in answers(operation):
            for example in body.get("examples", {}).values():
                if "json" not in media or "schema" not in body:
                    continue
                validator = jsonschema.Draft202012Validator(
                    _resolved(body["schema"]), format_checker=jsonschema.FormatChecker()
                )
                wrong += [f"{name}: {error.message}" for error in validator.iter_errors(example["value"])]
    assert wrong == []


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with the document's components at hand for its references."""
    return {**schema, "components": described()["components"]}


def test_every_code_that_a_route_is_said_to_answer_exists() -> None:
    known = set(problems()) | {"request.invalid"}
    for name, operation in operations():
        assert set(operation["x-problem-codes"]) - known == set(), name


UNKNOWN = "0190d9a0-0000-7000-8000-000000000000"


async def test_the_codes_of_plain_mistakes_are_the_ones_that_are_listed(admin: httpx.AsyncClient) -> None:
    """No key, an empty body, a body that is no JSON, an idempotency key of no shape, somebody who is not there."""
    unlisted = []
    nobody = {"subject": {"id": UNKNOWN}, "purpose": "newsletter", "channel": "email"}
    for name, operation in operations():
        method, path = name.split(" ")
        # Pages and the log answer in other words, and readiness, when there is none, in its own.
        if path.startswith(("/p/", "/log/", "/readyz")) or method == "HEAD":
            continue
        for parameter in operation["parameters"]:
            path = path.replace("{" + parameter["name"] + "}", UNKNOWN)
        tries: list[dict[str, Any]] = [{}, {"headers": {"Authorization": ""}}]
        if "requestBody" in operation:
            body = next(iter(operation["requestBody"]["content"]["application/json"]["examples"].values()))[
                "value"
            ]
            tries += [{"json": {}}, {"content": b"{", "headers": {"Content-Type": "application/json"}}]
            tries += [{"json": body, "headers": {"Idempotency-Key": "two words"}}]
            tries += [{"json": {**body, **{word: nobody[word] for word in nobody if word in body}}}]
        for tried in tries:
            answer = await admin.request(method, path, **tried)
            if not answer.is_success and answer.json()["code"] not in operation["x-problem-codes"]:
                unlisted.append(f"{name}: {answer.json()['code']}")
    assert sorted(set(unlisted)) == [], "add them to `problems` of the route's example"


async def test_every_request_is_carried_out_as_it_stands_there(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    """Erasures last; before each, somebody who agreed, with a permit, a decision and a campaign to talk about."""
    failed = []
    last = ("identifiers", "subject-requests")
    told = sorted(area_examples().items(), key=lambda one: [word in one[0] for word in last])
    for name, example in [one for one in told if one[0] not in ELSEWHERE]:
        for title, body in (example.requests or {"it": None}).items():
            there = await _prepared(workspace, admin)
            method, path = name.split(" ")
            for place, value in example.path.items():
                path = path.replace("{" + place + "}", str(value))
            path, sent = (_real(text, there) for text in (path, json.dumps(body)))
            asked = {"params": dict(example.query)} if method == "GET" else {"json": json.loads(sent)}
            answer = await admin.request(method, path, **asked)
            where = f"{name} ({title}): {answer.status_code} {answer.text[:300]}"
            if not answer.is_success:
                failed.append(where)
            elif "ndjson" not in answer.headers["content-type"] and "json" in answer.headers["content-type"]:
                shape = example.answers.get(title) or next(iter(example.answers.values()))
                if not set(shape) <= set(answer.json()):
                    failed.append(f"{where}: not the members of the example, {sorted(shape)}")
    assert failed == []


def _real(text: str, there: dict[str, str]) -> str:
    for shown, real in there.items():
        text = text.replace(shown, real)
    return text


async def _prepared(workspace: Workspace, client: httpx.AsyncClient) -> dict[str, str]:
    """Somebody as the examples have them; what stands for them in the examples, and what it is here."""

    async def post(path: str, **body: Any) -> Any:
        answer = await client.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()

    scope = {"subject": {"email": examples.EMAIL}, "purpose": "newsletter", "channel": "email"}
    identifiers = [
        {"kind": "email", "value": examples.EMAIL, "by_person": True},
        {"kind": "external", "value": "C-1001"},
    ]
    person = (await post("/api/v1/contacts", identifiers=identifiers, source="form", country="LV"))["id"]
    others = [
        (
            await post(
                "/api/v1/contacts", identifiers=[{"kind": "external", "value": str(uuid4())}], source="form"
            )
        )["id"]
        for _ in range(2)
    ]
    merged = await post(
        f"/api/v1/contacts/{person}/merge", other={"id": others[1]}, reason="asked at the desk"
    )
    # Last, for it counts after every "no" and restriction of the examples before.
    now = clock.now().isoformat()
    granted = (await post("/api/v1/consents", **{**GRANT, **scope, "acted_at": now}))["entries"][0]
    decision = await post("/api/v1/decisions", **scope)
    issued = await post("/api/v1/permits", **scope, content_hash=examples.CONTENT_HASH)
    permit = issued["permit"]
    assert permit is not None, issued["decision"]
    ((_, campaign),) = area_examples()["POST /api/v1/campaigns"].requests.items()
    started = await post("/api/v1/campaigns", **campaign)
    await seal(workspace.database, workspace.ring)
    return {
        examples.CONTACT: person,
        examples.OTHER_CONTACT: others[0],
        examples.MERGE: merged["id"],
        examples.ENTRY: granted["id"],
        examples.DECISION: decision["decision_id"],
        examples.IDENTIFIER: decision["identifier"],
        examples.PERMIT: permit["id"],
        examples.TOKEN: permit["token"],
        examples.CAMPAIGN: started["id"],
    }


@pytest.mark.parametrize("name", ["POST /api/v1/permits", "GET /api/v1/contacts/{contact_id}/consents"])
async def test_the_document_that_is_served_has_them(client: httpx.AsyncClient, name: str) -> None:
    method, path = name.lower().split(" ")
    served = (await client.get("/schema/openapi.json")).json()
    (content,) = served["paths"][path][method]["responses"]["200"]["content"].values()
    assert content["examples"]
