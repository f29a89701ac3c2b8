"""The client for programs on an event loop; every call is the same as that of the other client, awaited."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any, Concatenate, Self, Unpack
from uuid import UUID

import httpx

from registry.client import described, sending
from registry.client.answers import Decision, Entry
from registry.client.calls import Call, Question, T
from registry.client.described import Clerk, Options, P


def _awaited(
    said: Callable[Concatenate[Clerk, P], Call[T]],
) -> "Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]":
    async def sends(self: "AsyncClient", /, *args: P.args, **named: P.kwargs) -> T:
        return await self._send(said(self, *args, **named))

    return described.method(said, sends, "AsyncClient")


class AsyncClient(Clerk):
    """Zgoda over HTTP, on an event loop. Use it as a context manager, or close it.

    `key` is an API key; `transport` is for tests and proxies; for the rest see `Options`.

    Every call raises a `ZgodaError`: by status and code as the server said it, or `Unreachable` when none came.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__(**options)
        self._http = httpx.AsyncClient(
            base_url=sending.base(url),
            headers=sending.standing(key),
            timeout=self._timeout,
            transport=transport,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give the connections back; of a client made by `because` they are its elder's."""
        if self._owned:
            await self._http.aclose()

    check = _awaited(described.check)
    count = _awaited(described.count)
    request = _awaited(described.request)
    grant = _awaited(described.grant)
    confirm = _awaited(described.confirm)
    withdraw = _awaited(described.withdraw)
    object = _awaited(described.object_)
    refuse = _awaited(described.refuse)
    issue_permit = _awaited(described.issue_permit)
    redeem_permit = _awaited(described.redeem_permit)
    void_permit = _awaited(described.void_permit)
    ledger_page = _awaited(described.ledger_page)

    async def check_many(self, questions: Iterable[Question]) -> list[Decision]:
        """The answers to many questions, in their order; sent a thousand at a time."""
        parts = [await self._send(part) for part in described.check_many(questions)]
        return [decision for part in parts for decision in part.decisions]

    async def ledger(self, contact: UUID, page: int = 100) -> AsyncIterator[Entry]:
        """A person's whole ledger, oldest first, read a page at a time. Needs a purpose and a reason."""
        after: int | None = 0
        while after is not None:
            read = await self.ledger_page(contact, after, page)
            for entry in read.entries:
                yield entry
            after = read.next

    async def _send(self, call: Call[T]) -> T:
        headers = sending.headers(call, self._why)
        for attempt in itertools.count(1):
            came = await self._try(call, headers)
            pause = sending.pause(self._retries, attempt, came)
            if pause is None:
                break
            await asyncio.sleep(pause)
        return sending.read(call, came)

    async def _try(self, call: Call[T], headers: dict[str, str]) -> httpx.Response | httpx.TransportError:
        try:
            return await self._http.request(
                call.method, call.path, content=call.body, params=call.params, headers=headers
            )
        except httpx.TransportError as error:
            return error
