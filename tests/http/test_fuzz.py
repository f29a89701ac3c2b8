"""Whatever is sent to whatever route of our own document: never a 5xx, never an answer that the document omits."""

import asyncio
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from registry.access.workspace import Workspace
from registry.app import area_routers, create_app
from registry.kit.database import Database
from registry.kit.http.openapi import document
from registry.kit.journal import FileJournal
from tests import installation
from tests.http.routes import WHY, bearer, key, person

CHECKED = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@cache
def described() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(document(area_routers(), "Zgoda", "0"))
    return found


OPERATIONS = [
    (method.upper(), path, operation)
    for path, item in described()["paths"].items()
    for method, operation in item.items()
    if "{place}" not in path  # a path of any depth, which OpenAPI cannot describe
]


class Server:
    """The real application in a loop of its own, because a fuzzer calls it synchronously."""

    def __init__(self, workspace: Workspace) -> None:
        self.runner = asyncio.Runner()
        self.workspace = workspace
        transport = httpx.ASGITransport(app=create_app(workspace), raise_app_exceptions=False)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8400")
        self.client.headers.update(bearer(self.runner.run(key(workspace, "admin"))))
        self.known = self.runner.run(person(self.client, "known@example.test", first_name="Known"))

    def send(self, **request: Any) -> httpx.Response:
        return self.runner.run(self.client.request(**request))

    def close(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.run(self.workspace.database.close())
        self.runner.close()


@pytest.fixture(scope="module")
def running(server: installation.Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    from registry.keys.ring import FileKeyRing
    from registry.kit.config import Settings

    folder = tmp_path_factory.mktemp("fuzz")
    name, urls = server.create()
    ring = FileKeyRing(server.keys)
    database = Database(urls, settle=installation.settling(ring), journal=FileJournal(folder / "journal"))
    made = Server(Workspace(Settings(data=folder), database, ring, installation.policies()))
    yield made
    made.close()
    server.drop(name)


MODES = [
    (method, path, mode)
    for method, path, operation in OPERATIONS
    for mode in GenerationMode
    # Where nothing but a word in the path is asked for, nothing can be given wrongly.
    if mode is GenerationMode.POSITIVE
    or "requestBody" in operation
    or any(parameter["in"] != "path" for parameter in operation["parameters"])
]


@pytest.mark.parametrize(("method", "path", "mode"), MODES)
def test_no_request_breaks_the_server_or_the_document(running, method, path, mode):
    operation = schemathesis.openapi.from_dict(described())[path][method]

    @settings(
        max_examples=15, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode), known=st.booleans())
    def fuzz(case, known):
        if known:
            about(case, running.known)
        request = case.as_transport_kwargs(base_url="http://127.0.0.1:8400")
        request["headers"] = {**WHY, **encoded(request.pop("headers"))}
        for header in ("Authorization", "authorization"):
            request["headers"].pop(header, None)
        request.pop("cookies", None)
        data = request.pop("data", None)
        if data is not None:
            request["content"] = data
        try:
            answer = running.send(**request)
        except (UnicodeEncodeError, httpx.InvalidURL):
            return  # the client itself cannot put this on the wire
        case.validate_response(answer, checks=CHECKED)
        # A page that is not there is told to a person, as a page.
        if answer.status_code >= 400 and (answer.status_code, path[:3]) != (404, "/p/"):
            assert answer.headers["content-type"] == "application/problem+json"

    fuzz()


def about(case: Any, contact: str) -> None:
    """Let the request be about somebody and something that exist, so that it comes further."""
    if "contact_id" in case.path_parameters:
        case.path_parameters["contact_id"] = contact
    if isinstance(case.body, dict) and "subject" in case.body:
        case.body |= {"subject": {"id": contact}, "purpose": "newsletter", "channel": "email"}


def encoded(headers: Any) -> dict[str, bytes]:
    return {name: value.encode("latin-1", "replace") for name, value in dict(headers).items()}
