"""What a client must do when the line is bad, and what it must never show."""

import asyncio
import inspect
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.client import (
    AsyncClient,
    Client,
    Decision,
    Page,
    Recorded,
    Retries,
    ServerFailed,
    Unavailable,
    Unexpected,
    Unreachable,
    by_email,
)
from tests.http.routes import key
from tests.persons import make

ANNA = by_email("anna@example.test")
ENTRY = {"id": "0190d9a0-0000-7000-8000-000000000000", "contact": "0190d9a0-0000-7000-8000-000000000000",
         "seq": 1, "recorded_at": "2026-01-01T00:00:00Z"}  # fmt: skip
RECORDED = httpx.Response(201, json={"entries": [ENTRY], "something_new": 1})
BUSY = {
    "status": 503,
    "title": "Unavailable",
    "code": "database.unavailable",
    "detail": "The database is away.",
}
QUICK = Retries(attempts=3, first=0.001)

Line = Callable[[httpx.Request], httpx.Response]


def saying(*answers: httpx.Response | Exception) -> tuple[Line, list[httpx.Request]]:
    """A line that gives these answers in turn, and what was sent over it."""
    left, sent = list(answers), list[httpx.Request]()

    def line(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

    return line, sent


async def withdraw(kind: str, line: Line, **more: Any) -> Any:
    if kind == "waiting":
        client = Client("http://zgoda.test", "key", transport=httpx.MockTransport(line), **more)
        return await asyncio.to_thread(client.withdraw, ANNA, controller="nordwind")
    async with AsyncClient(
        "http://zgoda.test", "key", transport=httpx.MockTransport(line), **more
    ) as awaited:
        return await awaited.withdraw(ANNA, controller="nordwind")


both = pytest.mark.parametrize("kind", ["waiting", "awaited"])


@both
@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("silent"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(503, json=BUSY),
        httpx.Response(502, text="<html>proxy</html>"),
    ],
)
async def test_a_bad_line_is_tried_again_under_the_same_key(kind: str, failure: Any) -> None:
    line, sent = saying(failure, failure, RECORDED)
    recorded = await withdraw(kind, line, retries=QUICK)
    assert recorded.entries[0].seq == 1
    keys = {request.headers["Idempotency-Key"] for request in sent}
    assert (len(sent), len(keys)) == (3, 1)
    assert len({request.content for request in sent}) == 1


@both
async def test_it_gives_up_and_says_how(kind: str) -> None:
    line, sent = saying(*[httpx.ConnectError("refused")] * 3)
    with pytest.raises(Unreachable) as caught:
        await withdraw(kind, line, retries=QUICK)
    assert (len(sent), caught.value.code, caught.value.status) == (3, "server.unreachable", None)
    line, sent = saying(*[httpx.Response(503, json=BUSY)] * 3)
    with pytest.raises(Unavailable, match=r"database\.unavailable"):
        await withdraw(kind, line, retries=QUICK)
    line, sent = saying(httpx.Response(504, text="late"))
    with pytest.raises(Unavailable, match=r"http\.504"):
        await withdraw(kind, line, retries=Retries(attempts=1))


@both
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 413, 422, 500, 418])
async def test_what_a_repeat_cannot_mend_is_not_repeated(kind: str, status: int) -> None:
    told = {**BUSY, "status": status, "code": "some.code"}
    line, sent = saying(httpx.Response(status, json=told))
    with pytest.raises(Exception, match=r"some\.code") as caught:
        await withdraw(kind, line, retries=QUICK)
    assert len(sent) == 1
    assert isinstance(caught.value, ServerFailed) == (status == 500)
    assert isinstance(caught.value, Unexpected) == (status == 418)


@both
@pytest.mark.parametrize("answer", [b"", b"<html>", b'{"entries": 7}'])
async def test_an_answer_of_another_shape_is_no_success(kind: str, answer: bytes) -> None:
    line, _ = saying(httpx.Response(201, content=answer))
    with pytest.raises(Unexpected, match=r"answer\.unreadable"):
        await withdraw(kind, line)


def test_the_server_says_how_long_to_wait() -> None:
    patient = Retries(attempts=9, first=0.1, longest=5)
    assert 0.5 <= (patient.pause(1, {"retry-after": "1"}) or 0) <= 1
    assert 2.5 <= (patient.pause(1, {"retry-after": "3600"}) or 0) <= 5
    assert 0.05 <= (patient.pause(1, {"retry-after": "soon"}) or 0) <= 0.1
    assert 0.2 <= (patient.pause(3) or 0) <= 0.4
    assert patient.pause(9) is None


class LosesAnswers(httpx.AsyncBaseTransport):
    """The server gets the request and carries it out; of its first answers nothing comes back."""

    def __init__(self, inner: httpx.AsyncBaseTransport, times: int) -> None:
        self.inner, self.times = inner, times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self.inner.handle_async_request(request)
        if self.times:
            self.times -= 1
            raise httpx.ReadError("the line broke", request=request)
        return answer


async def test_a_write_whose_answer_was_lost_counts_once(workspace: Workspace, app: Any) -> None:
    contact = await make(workspace, "anna@example.test")
    line = LosesAnswers(httpx.ASGITransport(app=app), 2)
    async with AsyncClient(
        "http://zgoda.test",
        await key(workspace, "admin"),
        purpose="test",
        reason="test",
        retries=QUICK,
        transport=line,
    ) as client:
        granted = await client.grant(ANNA, "newsletter", "email", act="ticked", notice=(1, "en"))
        entries = [entry async for entry in client.ledger(contact)]
    assert [entry.id for entry in entries] == [granted.entries[0].id]


async def test_a_redemption_whose_answer_was_lost_is_no_yes(workspace: Workspace, app: Any) -> None:
    await make(workspace, "anna@example.test")
    line = LosesAnswers(httpx.ASGITransport(app=app), 0)
    made = await key(workspace, "admin")
    async with AsyncClient("http://zgoda.test", made, retries=QUICK, transport=line) as client:
        await client.grant(ANNA, "newsletter", "email", act="ticked", notice=(1, "en"))
        permit = (await client.issue_permit(ANNA, "newsletter", "email", b"hello")).permit
        assert permit is not None
        line.times = 1
        assert (await client.redeem_permit(permit.token, b"hello")).reason == "permit.redeemed"


async def test_a_callers_own_key_is_the_one_that_is_sent() -> None:
    line, sent = saying(RECORDED)
    async with AsyncClient("http://zgoda.test", "key", transport=httpx.MockTransport(line)) as client:
        await client.withdraw(ANNA, controller="nordwind", idempotency_key="order-7")
    assert sent[0].headers["Idempotency-Key"] == "order-7"
    assert "idempotency_key" not in json.loads(sent[0].content)


async def test_an_answer_is_no_truth_value() -> None:
    deny = {
        "decision_id": ENTRY["id"],
        "outcome": "deny",
        "reason": "consent.missing",
        "as_of": "2026-01-01T00:00:00Z",
    }
    line, _ = saying(
        httpx.Response(200, json=deny), httpx.Response(200, json={"outcome": "deny", "reason": "x"})
    )
    async with AsyncClient("http://zgoda.test", "key", transport=httpx.MockTransport(line)) as client:
        decision = await client.check(ANNA, "newsletter", "email")
        redeemed = await client.redeem_permit("token", b"hello")
    for answer in (decision, redeemed):
        with pytest.raises(TypeError, match="permitted"):
            bool(answer)
        assert answer.permitted is False


async def test_nothing_that_is_printed_names_a_person_or_a_secret() -> None:
    permit = {
        "id": ENTRY["id"],
        "token": "zgoda_permit_secret",
        "identifier": None,
        "expires_at": "2026-01-01T00:00:00Z",
    }
    decision = {
        "decision_id": ENTRY["id"],
        "outcome": "permit",
        "reason": "permit",
        "as_of": "2026-01-01T00:00:00Z",
    }
    line, _ = saying(
        httpx.Response(200, json={"decision": decision, "permit": permit}),
        httpx.ConnectError("to anna@example.test"),
    )
    async with AsyncClient(
        "http://zgoda.test",
        "zgoda_key_secret",
        transport=httpx.MockTransport(line),
        retries=Retries(attempts=1),
    ) as client:
        told = await client.issue_permit(ANNA, "newsletter", "email", b"hello")
        with pytest.raises(Unreachable) as caught:
            await client.check(ANNA, "newsletter", "email")
    shown = f"{told!r} {ANNA!r} {client!r} {caught.value!r} {caught.value}"
    assert "secret" not in shown and "anna@" not in shown
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("reason", ["", "naïve", "two\nlines"])
def test_a_reason_that_no_header_can_carry_is_refused_at_once(reason: str) -> None:
    with pytest.raises(ValueError, match="Zgoda-Reason"):
        Client("http://zgoda.test", "key", purpose="support", reason=reason)


def test_both_clients_say_the_same() -> None:
    def said(kind: type) -> dict[str, Any]:
        methods = inspect.getmembers(kind, inspect.isfunction)
        return {
            name: (inspect.signature(method).parameters, inspect.getdoc(method))
            for name, method in methods
            if not name.startswith("_")
        }

    waiting, awaited = said(Client), said(AsyncClient)
    assert waiting.pop("close")[1] == awaited.pop("aclose")[1]
    assert {name: (list(p), doc) for name, (p, doc) in waiting.items()} == {
        name: (list(p), doc) for name, (p, doc) in awaited.items()
    }


def test_a_method_tells_its_answer_and_refuses_what_it_does_not_know() -> None:
    for kind in (Client, AsyncClient):
        for name, answer in (("check", Decision), ("object", Recorded), ("ledger_page", Page)):
            method = getattr(kind, name)
            assert inspect.signature(method).return_annotation is answer
            assert (method.__name__, method.__qualname__) == (name, f"{kind.__name__}.{name}")
            assert inspect.iscoroutinefunction(method) is (kind is AsyncClient)
        with pytest.raises(TypeError, match="patience"):
            kind("http://zgoda.test", "key", patience=1)  # type: ignore[call-arg]


def test_it_stands_alone() -> None:
    """Where the server's packages are not there, the client is imported all the same."""
    program = (
        "import sys, registry.client; print([m for m in sys.modules if m.startswith('registry')"
        " and not m.startswith('registry.client') or m.split('.')[0] in"
        " ('litestar', 'psycopg', 'sqlalchemy', 'pydantic', 'cryptography')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['registry']"
