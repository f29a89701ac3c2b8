"""The short way to a check says what the long one says, and takes only what it may."""

import asyncio
import json

import psycopg
import pytest

from registry.gate import express
from registry.gate.checks import Checks
from registry.kit.http import shortcut
from tests.persons import make

EMAIL = "ilze@example.org"


@pytest.fixture
def asked(monkeypatch):
    """How many requests took the short way."""
    found = []
    check_of = express.check_of

    def counted(scope, ask):
        found.append(ask)
        return check_of(scope, ask)

    monkeypatch.setattr(express, "check_of", counted)
    return found


def question(person, **change):
    return {"subject": {"id": str(person)}, "purpose": "newsletter", "channel": "email", **change}


def the_long_way(body):
    """A request that is too long for the short way."""
    return {
        "content": json.dumps(body).encode() + b" " * shortcut.LARGEST,
        "headers": {"Content-Type": "application/json"},
    }


async def test_a_plain_check_takes_it(workspace, admin, asked):
    person = await make(workspace, EMAIL)
    answer = await admin.post("/api/v1/decisions", json=question(person))
    assert (answer.status_code, answer.json()["reason"], len(asked)) == (200, "consent.missing", 1)
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_both_ways_answer_alike(workspace, admin, asked):
    person = await make(workspace, EMAIL)
    short = await admin.post("/api/v1/decisions", json=question(person))
    long = await admin.post("/api/v1/decisions", **the_long_way(question(person)))
    assert len(asked) == 1
    told = [
        {name: text for name, text in answer.json().items() if name not in ("decision_id", "as_of")}
        for answer in (short, long)
    ]
    assert told[0] == told[1]
    assert list(short.json()) == list(long.json())
    assert short.headers["content-type"] == long.headers["content-type"]
    assert set(short.headers) == set(long.headers)


@pytest.mark.parametrize(
    "change",
    [{"at": "2026-01-01T00:00:00Z"}, {"subject": None, "audience": "all"}, {"colour": "red"}, {"channel": 1}],
)
async def test_whatever_is_unusual_goes_on_to_the_route_with_its_body(workspace, admin, asked, change):
    person = await make(workspace, EMAIL)
    answer = await admin.post("/api/v1/decisions", json=question(person, **change))
    assert answer.status_code in (200, 400)
    assert answer.status_code == 200 or "colour" in answer.text or "channel" in answer.text
    assert not asked


async def test_a_body_in_pieces_arrives_whole(workspace, admin, asked):
    person = await make(workspace, EMAIL)
    body = json.dumps(question(person)).encode()

    async def pieces():
        yield body[:10]
        yield body[10:]

    answer = await admin.post(
        "/api/v1/decisions", content=pieces(), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["reason"]) == (200, "consent.missing")


async def test_a_body_too_long_for_it_arrives_whole_as_well(workspace, admin, asked):
    person = await make(workspace, EMAIL)
    body = json.dumps(question(person)).encode() + b" " * 500_000

    async def pieces():
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    answer = await admin.post(
        "/api/v1/decisions", content=pieces(), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["reason"], asked) == (200, "consent.missing", [])


async def test_nobody_gets_in_by_it(workspace, client, asked, monkeypatch):
    person = await make(workspace, EMAIL)

    async def ask(*_):
        raise AssertionError("asked")

    monkeypatch.setattr(Checks, "ask", ask)
    answer = await client.post("/api/v1/decisions", json=question(person))
    assert (answer.status_code, answer.json()["code"], asked) == (401, "credential.missing", [])


async def test_a_purpose_out_of_scope_is_refused_as_on_the_long_way(workspace, client):
    from registry.access import service
    from tests.persons import CALLER

    person = await make(workspace, EMAIL)
    async with workspace.database.begin(CALLER) as session:
        _, key = await service.create_key(
            session, workspace.ring, "engine", "test", purposes=["order-messages"]
        )
    client.headers["Authorization"] = f"Bearer {key}"
    short = await client.post("/api/v1/decisions", json=question(person))
    long = await client.post("/api/v1/decisions", **the_long_way(question(person)))
    for answer in (short, long):
        assert (answer.status_code, answer.json()["code"]) == (403, "purpose.out_of_scope")


async def test_what_goes_wrong_on_it_is_told_as_on_the_long_way_and_not_tried_again(
    workspace, admin, monkeypatch
):
    person = await make(workspace, EMAIL)
    tried = []

    async def gone(*_):
        tried.append(1)
        raise psycopg.OperationalError("the connection is gone")

    monkeypatch.setattr(Checks, "ask", gone)
    answers = [
        await admin.post("/api/v1/decisions", json=question(person)),
        await admin.post("/api/v1/decisions", **the_long_way(question(person))),
    ]
    assert [(one.status_code, one.json()["code"]) for one in answers] == [(503, "database.unavailable")] * 2
    assert len(tried) == 2


@pytest.mark.parametrize(
    "headers", [{"host": "a host"}, {"content-type": "application/json5"}, {"content-type": "text/plain"}]
)
async def test_what_is_not_plainly_json_to_a_host_does_not_take_it(workspace, admin, asked, headers):
    person = await make(workspace, EMAIL)
    body = json.dumps(question(person)).encode()
    sent = {"content-type": "application/json", **headers}
    await admin.post("/api/v1/decisions", content=body, headers=sent)
    assert not asked


async def test_only_the_method_that_the_route_takes_takes_it(admin, asked):
    assert (await admin.get("/api/v1/decisions")).status_code == 405
    assert not asked


def scope(*headers):
    return {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/api/v1/decisions", "raw_path": b"/api/v1/decisions", "query_string": b"", "root_path": "",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 1), "headers": [(b"host", b"127.0.0.1"), *headers],
    }  # fmt: skip


async def spoken(app, *headers):
    """The status of an answer to somebody who sends headers and never the body."""
    came = asyncio.Queue()
    task = asyncio.create_task(app(scope(*headers), asyncio.Event().wait, came.put))
    try:
        return (await asyncio.wait_for(came.get(), 5))["status"]
    finally:
        task.cancel()


@pytest.mark.parametrize("kind", [b"application/json", b"application/json;charset=utf-8"])
async def test_who_may_not_come_in_is_told_before_the_body_is_there(app, kind):
    assert await spoken(app, (b"content-type", kind), (b"content-length", b"100")) == 401


async def test_two_kinds_of_content_go_the_long_way(admin, workspace, asked):
    person = await make(workspace, EMAIL)
    headers = [("Content-Type", "text/plain"), ("Content-Type", "application/json")]
    await admin.post("/api/v1/decisions", content=json.dumps(question(person)).encode(), headers=headers)
    assert asked == []
