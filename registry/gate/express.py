"""The commonest request of all, one check as it stands now, answered without the framework's wrapping.

It runs behind admission and says what the route would say; whatever is the least unusual (another shape, another
time, an audience, a mistake) goes on to the route, with its body.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from registry.access.principals import Principal, Rights
from registry.contacts.referring import reference_of
from registry.gate.checks import Check, Checks
from registry.gate.schemas import Answer, Ask
from registry.kit.caller import Caller

# Bytes; no plain check is as long as a tenth of it.
LARGEST = 10_000
_DECODE = msgspec.json.Decoder(Ask).decode
_ENCODE = msgspec.json.Encoder().encode
_JSON = (b"content-type", b"application/json")


class Sent(NamedTuple):
    """An answer: its JSON, and headers beside those that every answer has."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


def short_way(answer: Callable[[Scope, bytes], Awaitable[Sent | None]]) -> Callable[[ASGIApp], ASGIApp]:
    """A middleware that lets `answer` reply to a POST of JSON; where it gives None the route does."""

    def shortened(app: ASGIApp) -> ASGIApp:
        async def answering(scope: Scope, receive: Receive, send: Send) -> None:
            if scope.get("method") != "POST" or not _plain(scope):
                await app(scope, receive, send)
                return
            pieces: list[Any] = []
            size = 0
            while True:
                piece: Any = await receive()
                pieces.append(piece)
                size += len(piece.get("body", b""))
                if size > LARGEST or not piece.get("more_body"):
                    break
            whole = size <= LARGEST and piece["type"] == "http.request"
            sent = None
            if whole:
                first = pieces[0]["body"] if len(pieces) == 1 else b"".join(one["body"] for one in pieces)
                sent = await answer(scope, first)
            if sent is None:
                await app(scope, _again(pieces, receive), send)
                return
            length = (b"content-length", str(len(sent.body)).encode())
            headers = [_JSON, length, *sent.headers]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": sent.body, "more_body": False})

        return answering

    return shortened


async def _checked(scope: Scope, body: bytes) -> Sent | None:
    """The answer to a plain check."""
    try:
        asked: Ask = _DECODE(body)
    except ValueError:
        return None
    if asked.subject is None or asked.audience is not None or asked.at or asked.known_at:
        return None
    checks: Checks = scope["litestar_app"].state.checks
    return Sent(_ENCODE(Answer.of(await checks.ask(check_of(scope, asked)))))


express = short_way(_checked)


def check_of(scope: Scope, asked: Ask) -> Check:
    """The check that a request about one subject asks for; Forbidden for a purpose that the key does not reach.

    A purpose that does not exist is answered, with a deny; one of others is nobody's to ask about.
    """
    state = scope["state"]
    rights: Rights = scope["litestar_app"].state.rights
    principal: Principal = state["principal"]
    rights.require(
        principal, "decision.check", purpose=asked.purpose if asked.purpose in rights.controllers else None
    )
    assert asked.subject is not None
    caller: Caller = state["caller"]
    return Check(caller, reference_of(asked.subject), asked.purpose, asked.channel, asked.identifier)


def _plain(scope: Scope) -> bool:
    is_json = False
    for name, value in scope["headers"]:
        if name == b"content-type":
            is_json = value.startswith(b"application/json")
    return is_json


def _again(pieces: list[Any], receive: Receive) -> Receive:
    """`receive` with what came already put back."""
    waiting = pieces[::-1]

    async def receiving() -> Any:
        return waiting.pop() if waiting else await receive()

    return receiving
