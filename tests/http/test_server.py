"""An answer by the short way, over a real server, is the one that any other way would give."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest_asyncio
import structlog
import uvicorn
from litestar import Request, Response, post

from registry.access.guard import admission, admit
from registry.kit.errors import Misuse
from registry.kit.http.admission import PUBLIC
from registry.kit.http.edge import Edge
from registry.kit.http.problems import HANDLERS
from registry.kit.http.shortcut import Sent, short_way

ANSWER = b'{"said":"yes"}'


async def answered(_scope, body):
    if body == b"null":
        return None
    if body == b"0":
        raise Misuse("number.invalid", "No.")
    return Sent(ANSWER, ((b"zgoda-decision", b"1"),))


@post("/ask", opt={**PUBLIC, **short_way(answered)}, status_code=200)
async def ask(request: Request) -> Response[bytes]:
    """The long way."""
    assert await request.body() == b"null"
    return Response(ANSWER, media_type="application/json", headers={"zgoda-decision": "1"})


def application() -> Edge:
    made = Edge(
        route_handlers=[ask],
        middleware=[admission],
        exception_handlers=HANDLERS,
        openapi_config=None,
        logging_config=None,
    )
    made.admit = admit
    made.transport_secure = True
    return made


@pytest_asyncio.fixture
async def address() -> AsyncIterator[tuple[str, int]]:
    config = uvicorn.Config(
        application(), http="httptools", access_log=False, log_config=None, server_header=False
    )
    running = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    task = asyncio.create_task(running._serve(sockets=[listener]))
    yield listener.getsockname()
    running.should_exit = True
    await task


def request(body: bytes, *lines: str) -> bytes:
    head = ["POST /ask HTTP/1.1", "host: 127.0.0.1", "content-type: application/json", *lines]
    return "\r\n".join([*head, f"content-length: {len(body)}", "", ""]).encode() + body


async def exchange(
    address: tuple[str, int], *sent: bytes, answers: int
) -> tuple[list[tuple[bytes, bytes]], bool]:
    """Heads and bodies of what came back over one connection, and whether it was closed then."""
    reader, writer = await asyncio.open_connection(*address)
    for one in sent:
        writer.write(one)
    came = []
    for _ in range(answers):
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        size = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        came.append((head, await reader.readexactly(int(size.partition(b":")[2]))))
    try:
        closed = await asyncio.wait_for(reader.read(1), 0.2) == b""
    except TimeoutError:
        closed = False
    writer.close()
    return came, closed


async def test_an_answer_by_the_short_way_has_the_headers_of_any_other(address):
    async with httpx.AsyncClient(base_url=f"http://{address[0]}:{address[1]}") as client:
        short = await client.post("/ask", json={})
        long = await client.post("/ask", content=b"null", headers={"content-type": "application/json"})
    transport = httpx.ASGITransport(app=application())
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        plain = await client.post("/ask", json={})
    for other in (long, plain):
        assert (short.status_code, short.content) == (other.status_code, other.content)
        told = {name: value for name, value in other.headers.items() if name not in ("x-request-id", "date")}
        assert told == {name: short.headers[name] for name in told}
        assert set(short.headers) - {"date"} == set(other.headers) - {"date"}
    assert "date" in short.headers


async def test_a_connection_that_is_to_end_ends(address):
    ((head, body),), closed = await exchange(address, request(b"{}", "connection: close"), answers=1)
    assert b"connection: close" in head.lower()
    assert (body, closed) == (ANSWER, True)


async def test_questions_in_a_row_are_answered_in_a_row_and_the_connection_stays(address):
    three = [request(b"{}", f"x-request-id: number-{n}") for n in range(3)]
    came, closed = await exchange(address, b"".join(three), answers=3)
    assert [body for _, body in came] == [ANSWER] * 3
    assert [f"x-request-id: number-{n}".encode() in head for n, (head, _) in enumerate(came)] == [True] * 3
    assert not closed


async def test_a_body_that_is_announced_is_waited_for(address):
    reader, writer = await asyncio.open_connection(*address)
    head, _, body = request(b"{}", "expect: 100-continue").partition(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).startswith(b"HTTP/1.1 200 OK\r\n")
    assert await reader.readexactly(len(ANSWER)) == ANSWER
    writer.close()


async def test_whoever_hung_up_costs_nobody_anything(address):
    for _ in range(3):
        _, writer = await asyncio.open_connection(*address)
        writer.write(request(b"{}"))
        writer.transport.abort()
    ((_, body),), _ = await exchange(address, request(b"{}"), answers=1)
    assert body == ANSWER


async def test_whoever_hangs_up_in_the_middle_of_the_body_is_no_failure_of_ours(address):
    with structlog.testing.capture_logs() as events:
        for body in (b"{}", b"nul" + b" " * 20_000):
            _, writer = await asyncio.open_connection(*address)
            writer.write(request(body)[:-1])
            await asyncio.sleep(0.1)
            writer.transport.abort()
        await exchange(address, request(b"{}"), answers=1)
        await asyncio.sleep(0.2)
    told = [(event["event"], event.get("status")) for event in events]
    assert told.count(("request.answered", 400)) == 2
    assert "request.failed" not in [event for event, _ in told]


async def test_a_refusal_goes_the_usual_way(address):
    ((head, body),), closed = await exchange(address, request(b"0"), answers=1)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b'"number.invalid"' in body
    assert not closed
