"""The commonest requests, answered before the framework has routed and wrapped them, and never without admission.

A route that has a short way names it in its options, beside who may call it. What the short way does not answer
(another shape, a mistake) goes on to the route with its body; what it raises is raised there, so that a refusal is
told as always.
"""

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

from litestar.handlers import HTTPRouteHandler
from litestar.routes import BaseRoute
from litestar.types import Receive, Scope

from registry.kit.http.admission import CLOSED, OPTION, Admission

SHORT_WAY = "short_way"
RAISED = "raised"
"""Where in the state of a request its own error waits for the route to raise it."""

# Bytes; no plain question is as long as a tenth of it.
LARGEST = 10_000
_HOST = re.compile(rb"[A-Za-z0-9._-]+(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](:[0-9]{1,5})?")
_JSON = (b"application/json", b"application/json; charset=utf-8")


class Sent(NamedTuple):
    """An answer: its JSON, and headers beside those that every answer has."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


Answering = Callable[[Scope, bytes], Awaitable[Sent | None]]


class ShortWay(NamedTuple):
    """The route's admission, and what answers for it; None when it does not."""

    admission: Admission
    answer: Answering


class Taken(NamedTuple):
    """What came of a request: an answer, or None and a `receive` that gives the route the body again."""

    sent: Sent | None
    receive: Receive


def short_way(answer: Answering) -> dict[str, Any]:
    """The `opt=` of a POST handler, beside its admission, for which `answer` may answer JSON bodies."""
    return {SHORT_WAY: answer}


def short_ways(routes: Iterable[BaseRoute]) -> Mapping[str, ShortWay]:
    """The short ways of these routes by path."""
    found: dict[str, ShortWay] = {}
    for route in routes:
        for handler in getattr(route, "route_handlers", ()):
            if isinstance(handler, HTTPRouteHandler) and SHORT_WAY in handler.opt:
                admission = handler.opt.get(OPTION, CLOSED)
                found[route.path_format] = ShortWay(admission, handler.opt[SHORT_WAY])
    return found


async def take(
    way: ShortWay, admit: Callable[[Scope, Admission], Awaitable[None]], scope: Scope, receive: Receive
) -> Taken:
    """Answer a request by its short way, if it has the plain form of one: a small POST of JSON to a host."""
    if not _is_plain(scope):
        return Taken(None, receive)
    try:
        # Before the body, which nobody is waited for who may not come in.
        await admit(scope, way.admission)
    except Exception as error:  # the route's to raise, and its handlers' to tell
        scope["state"][RAISED] = error
        return Taken(None, receive)
    piece: Any = await receive()
    pieces = [piece]
    size = len(piece.get("body", b""))
    while size <= LARGEST and piece.get("more_body"):
        piece = await receive()
        pieces.append(piece)
        size += len(piece.get("body", b""))
    sent = None
    if size <= LARGEST and piece["type"] == "http.request":
        body = b"".join([one.get("body", b"") for one in pieces])
        try:
            sent = await way.answer(scope, body)
        except Exception as error:  # the route's to raise, and its handlers' to tell
            scope["state"][RAISED] = error
    return Taken(sent, _again(pieces, receive))


def _is_plain(scope: Scope) -> bool:
    if scope.get("method") != "POST":
        return False
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return len(kinds) == len(hosts) == 1 and kinds[0] in _JSON and _HOST.fullmatch(hosts[0]) is not None


def _again(pieces: list[Any], receive: Receive) -> Receive:
    """`receive` with what came already put back."""
    waiting = pieces[::-1]

    async def receiving() -> Any:
        return waiting.pop() if waiting else await receive()

    return receiving
