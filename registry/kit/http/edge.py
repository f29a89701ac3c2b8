"""The outermost layer: request ids, security headers and one event a request, on every answer, 404 included."""

import re
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any

from litestar import Litestar
from litestar.types import HTTPResponseStartEvent, Message, Receive, Scope, Send

from registry.kit.http.admission import Admission
from registry.kit.http.shortcut import Sent, short_ways, take
from registry.kit.ids import new_name
from registry.kit.logging import often

# 1 MB: the largest JSON body that a route takes unless it says otherwise. Imports raise it for themselves.
BODY_LIMIT = 1_000_000

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
)
_TRANSPORT = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
# On every answer, unless it says something else itself.
_ALWAYS = [*SECURITY_HEADERS, (b"cache-control", b"no-store")]
_ALWAYS_NAMED = frozenset(name for name, _ in _ALWAYS)
_JSON = (b"content-type", b"application/json")

# A request id is written to the log of events and to the audit log, so nothing that could be an address or a
# telephone number passes for one.
_REQUEST_ID = re.compile(rb"(?![0-9._-]{7,}$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# What goes back to whoever sent it, and nowhere else.
_ECHOED = re.compile(rb"[\x20-\x7e]{1,1000}")


def request_id(scope: Scope) -> str:
    """The id of this request: the caller's `X-Request-ID` if it has the shape of one, else ours."""
    state = scope.setdefault("state", {})
    found: str | None = state.get("request_id")
    if found is None:
        for name, given in scope["headers"]:
            if name == b"x-request-id" and _REQUEST_ID.fullmatch(given):
                found = given.decode("ascii")
                break
        else:
            found = new_name()
        state["request_id"] = found
    return found


def _sent(scope: Scope) -> bytes | None:
    """The caller's `X-Request-ID`, whatever it says."""
    for name, given in scope["headers"]:
        if name == b"x-request-id" and _ECHOED.fullmatch(given):
            return given
    return None


class Edge(Litestar):
    """Litestar with what must hold for every answer, whether or not a route was found."""

    transport_secure = False
    """Whether persons reach us by https, so that browsers may be told to insist on it."""
    echoing: tuple[str, ...] = ()
    """Paths whose standard has every `X-Request-ID` sent back as it came, in the answer's header alone."""
    admit: Callable[[Scope, Admission], Awaitable[None]] | None = None
    """Lets a request in that takes a short way; without it nothing does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._answered = often("http", "request.answered")
        self.short_ways = short_ways(self.routes)

    async def __call__(self, scope: Any, receive: Receive | Any, send: Send | Any) -> None:
        """ASGI entry; see Litestar."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        began = perf_counter()
        # The server shares one state among requests when a lifespan put something in it.
        scope["state"] = dict(scope.get("state") or {})
        way = self.short_ways.get(scope["path"])
        if way is not None and self.admit is not None:
            scope["app"] = scope["litestar_app"] = self
            sent, receive = await take(way, self.admit, scope, receive)
            if sent is not None:
                await self._send(scope, send, sent, began)
                return
        await super().__call__(scope, receive, self._finishing(scope, send, began))

    async def _send(self, scope: Scope, send: Send, sent: Sent, began: float) -> None:
        """What `_finishing` does, for an answer that is whole and names none of the headers that all have."""
        identity, shown = self._identified(scope)
        length = b"%d" % len(sent.body)
        headers = [_JSON, (b"content-length", length), *sent.headers, (b"x-request-id", shown), *_ALWAYS]
        if self.transport_secure:
            headers.append(_TRANSPORT)
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": sent.body, "more_body": False})
        scope["path_template"] = scope["path"]
        self._tell(scope, 200, identity, perf_counter() - began)

    def _identified(self, scope: Scope) -> tuple[str, bytes]:
        """The request's id, and as the answer's header shows it."""
        identity = request_id(scope)
        shown = identity.encode("ascii")
        if self.echoing and scope["path"].startswith(self.echoing):
            shown = _sent(scope) or shown
        return identity, shown

    def _finishing(self, scope: Scope, send: Send, began: float) -> Callable[[Message], Any]:
        identity, shown = self._identified(scope)
        status = 0

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                self._dress(message, shown)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._tell(scope, status, identity, perf_counter() - began)

        return finish

    def _dress(self, message: HTTPResponseStartEvent, shown: bytes) -> None:
        headers = [*message.get("headers", ()), (b"x-request-id", shown)]
        named = {name.lower() for name, _ in headers}
        headers += _ALWAYS if named.isdisjoint(_ALWAYS_NAMED) else [p for p in _ALWAYS if p[0] not in named]
        if self.transport_secure:
            headers.append(_TRANSPORT)
        message["headers"] = headers

    def _tell(self, scope: Scope, status: int, identity: str, seconds: float) -> None:
        """One event a request: the template of the path and never the path, no query, no address of the caller."""
        self._answered(
            {
                "method": scope.get("method"),
                "route": scope.get("path_template", "unmatched"),
                "status": status,
                "ms": round(seconds * 1000, 1),
                "request_id": identity,
                "actor": scope["state"].get("actor"),
            }
        )
