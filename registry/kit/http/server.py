"""uvicorn's protocol with one thing more: an answer that is whole goes out in one piece.

uvicorn looks at every header by two regular expressions, at every answer, and ours have a dozen; what
stands in them is ours and the same every time. Whoever finds no `WHOLE` in the scope sends as ASGI says.
"""

from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from registry.kit.http.shortcut import WHOLE


class Protocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=Protocol)`."""

    def on_headers_complete(self) -> None:
        """The parser's callback; the request's task was made by it, and has not begun."""
        super().on_headers_complete()
        # None as long as a connection only ever asked for another protocol.
        cycle: RequestResponseCycle | None = cast(Any, self.cycle)
        if cycle is not None and cycle.scope is self.scope:
            # ASGI lets an extension be any object; uvicorn's type says a dictionary.
            self.scope["extensions"] = {WHOLE: partial(_whole, cycle)}  # type: ignore[dict-item]


def _whole(cycle: RequestResponseCycle, headers: bytes, body: bytes) -> bool:
    """What `RequestResponseCycle.send` does for the two messages of a plain answer over a connection that stays.

    It writes no access log: every request is an event of ours.
    """
    if cycle.response_started or not cycle.keep_alive or cycle.flow.write_paused:
        return False
    if cycle.disconnected:
        return True
    cycle.response_started = True
    cycle.waiting_for_100_continue = False
    common = b"".join([b"%b: %b\r\n" % header for header in cycle.default_headers])
    cycle.transport.write(b"HTTP/1.1 200 OK\r\n%b%b\r\n%b" % (common, headers, body))
    cycle.response_complete = True
    cycle.message_event.set()
    cycle.on_response()
    return True
