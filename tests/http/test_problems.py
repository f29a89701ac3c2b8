"""Every error is a problem document with the same few fields, and repeats nothing of what was sent."""

import httpx
import msgspec
import psycopg
import pytest
from litestar import get, post
from litestar.params import JSONBody

from registry.kit.errors import Misuse, Refused
from registry.kit.http.edge import BODY_LIMIT, Edge
from registry.kit.http.problems import HANDLERS, MEDIA_TYPE

SECRET = "jan.kowalski@example.test"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    kind: str
    size: int = 0


class Body(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    parts: list[Inner] = []


@post("/things")
async def make(data: JSONBody[Body]) -> dict[str, str]:
    return {"name": data.name}


@get("/things/{thing:uuid}")
async def refuse() -> None:
    raise Refused("thing.taken", "Somebody has it.", field="/name", mend="choose another")


@get("/misuse")
async def misuse() -> None:
    raise Misuse("thing.odd", "That is no thing.")


@get("/broken")
async def broken() -> None:
    raise ValueError(SECRET)


@get("/gone")
async def gone() -> None:
    raise psycopg.OperationalError(f"connection to {SECRET} failed")


@pytest.fixture
async def toy():
    app = Edge(
        [make, refuse, misuse, broken, gone],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=BODY_LIMIT,
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


ID = "0190d9a0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", f"/things/{ID}", None, 409, "thing.taken"),
        ("GET", "/misuse", None, 400, "thing.odd"),
        ("GET", "/nowhere", None, 404, "route.unknown"),
        ("GET", f"/things/{SECRET}", None, 404, "route.unknown"),
        ("DELETE", "/things", None, 405, "method.unsupported"),
        ("GET", "/broken", None, 500, "server.failed"),
        ("GET", "/gone", None, 503, "database.unavailable"),
        ("POST", "/things", b"{", 400, "request.malformed"),
        ("POST", "/things", b"\xff\xfe\x00", 400, "request.malformed"),
        ("POST", "/things", b"[" * 100_000, 400, "request.malformed"),
        ("POST", "/things", b"", 400, "request.invalid"),
        ("POST", "/things", b"[]", 400, "request.invalid"),
        ("POST", "/things", b'"' + b"x" * BODY_LIMIT + b'"', 413, "request.too_large"),
    ],
)
async def test_every_error_is_a_problem(toy, method, path, content, status, code):
    answer = await toy.request(method, path, content=content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == MEDIA_TYPE
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code
    assert problem["type"] == f"urn:zgoda:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": 7}, "/name"),
        ({"name": "a", "extra": 1}, "/extra"),
        ({"name": "a", "parts": [{"kind": "b", "size": "c"}]}, "/parts/0"),
        ({"name": "a", "parts": [{"size": 1}]}, "/parts/0/kind"),
    ],
)
async def test_a_wrong_field_is_named_by_its_pointer(toy, body, pointer):
    problem = (await toy.post("/things", json=body)).json()
    assert problem["errors"][0]["pointer"].startswith(pointer)
    assert problem["field"] == problem["errors"][0]["pointer"]


async def test_a_name_that_the_client_made_up_is_not_repeated(toy):
    answer = await toy.post("/things", json={"name": "a", SECRET: 1})
    assert answer.status_code == 400
    assert SECRET not in answer.text


async def test_a_field_too_many_that_looks_like_one_is_named(toy):
    answer = await toy.post("/things", json={"name": "a", "emial": 1})
    assert answer.json()["field"] == "/emial"


async def test_405_says_what_is_supported(toy):
    assert "POST" in (await toy.delete("/things")).headers["allow"]


async def test_503_says_when_to_come_back(toy):
    assert (await toy.get("/gone")).headers["retry-after"] == "1"
