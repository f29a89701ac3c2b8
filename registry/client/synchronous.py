"""The client for programs that wait: one call after another, over kept connections."""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Concatenate, Self, Unpack
from uuid import UUID

import httpx

from registry.client import described, sending
from registry.client.answers import Decision, Entry
from registry.client.calls import Call, Question, T
from registry.client.described import Clerk, Options, P


def _waits(said: Callable[Concatenate[Clerk, P], Call[T]]) -> "Callable[Concatenate[Client, P], T]":
    def sends(self: "Client", /, *args: P.args, **named: P.kwargs) -> T:
        return self._send(said(self, *args, **named))

    return described.method(said, sends, "Client")


class Client(Clerk):
    """Zgoda over HTTP. Threads may share it; use it as a context manager, or close it.

    `key` is an API key; `transport` is for tests and proxies; for the rest see `Options`.

    Every call raises a `ZgodaError`: by status and code as the server said it, or `Unreachable` when none came.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**options)
        self._http = httpx.Client(
            base_url=sending.base(url),
            headers=sending.standing(key),
            timeout=self._timeout,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; of a client made by `because` they are its elder's."""
        if self._owned:
            self._http.close()

    check = _waits(described.check)
    count = _waits(described.count)
    request = _waits(described.request)
    grant = _waits(described.grant)
    confirm = _waits(described.confirm)
    withdraw = _waits(described.withdraw)
    object = _waits(described.object_)
    refuse = _waits(described.refuse)
    issue_permit = _waits(described.issue_permit)
    redeem_permit = _waits(described.redeem_permit)
    void_permit = _waits(described.void_permit)
    ledger_page = _waits(described.ledger_page)

    def check_many(self, questions: Iterable[Question]) -> list[Decision]:
        """The answers to many questions, in their order; sent a thousand at a time."""
        parts = [self._send(part) for part in described.check_many(questions)]
        return [decision for part in parts for decision in part.decisions]

    def ledger(self, contact: UUID, page: int = 100) -> Iterator[Entry]:
        """A person's whole ledger, oldest first, read a page at a time. Needs a purpose and a reason."""
        after: int | None = 0
        while after is not None:
            read = self.ledger_page(contact, after, page)
            yield from read.entries
            after = read.next

    def _send(self, call: Call[T]) -> T:
        headers = sending.headers(call, self._why)
        for attempt in itertools.count(1):
            came = self._try(call, headers)
            pause = sending.pause(self._retries, attempt, came)
            if pause is None:
                break
            time.sleep(pause)
        return sending.read(call, came)

    def _try(self, call: Call[T], headers: dict[str, str]) -> httpx.Response | httpx.TransportError:
        try:
            return self._http.request(
                call.method, call.path, content=call.body, params=call.params, headers=headers
            )
        except httpx.TransportError as error:
            return error
