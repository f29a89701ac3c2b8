"""The commonest request of all, one check as it stands now, answered without the framework's wrapping.

It runs behind admission and says what the route would say; whatever is the least unusual (another shape, another
time, an audience, a mistake) goes on to the route, with its body.
"""

from typing import Any

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


def express(app: ASGIApp) -> ASGIApp:
    """The route `app` with a short way to it for plain checks."""

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
        asked = _asked(pieces, size)
        if asked is None:
            await app(scope, _again(pieces, receive), send)
            return
        checks: Checks = scope["litestar_app"].state.checks
        body = _ENCODE(Answer.of(await checks.ask(check_of(scope, asked))))
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [_JSON, length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return answering


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


def _asked(pieces: list[Any], size: int) -> Ask | None:
    """The question, if it came whole and is a plain check."""
    if size > LARGEST or pieces[-1]["type"] != "http.request":
        return None
    try:
        asked: Ask = _DECODE(
            pieces[0]["body"] if len(pieces) == 1 else b"".join(one["body"] for one in pieces)
        )
    except ValueError:
        return None
    return asked if asked.subject is not None and asked.audience is None and asked.at is None else None


def _again(pieces: list[Any], receive: Receive) -> Receive:
    """`receive` with what came already put back."""
    waiting = pieces[::-1]

    async def receiving() -> Any:
        return waiting.pop() if waiting else await receive()

    return receiving
