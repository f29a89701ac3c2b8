"""The client for programs that wait: one call after another, over kept connections."""

import time
from collections.abc import Iterable, Iterator
from copy import copy
from datetime import datetime
from typing import Any, Self, Unpack
from uuid import UUID

import httpx

from registry.client import calls, sending
from registry.client.answers import (
    Counts,
    Decision,
    Entry,
    Page,
    PermitAnswer,
    PermitStanding,
    Recorded,
    Redeemed,
)
from registry.client.calls import LARGEST_BATCH, Call, Kind, Question, T
from registry.client.sending import EVERYTHING, Told
from registry.client.subjects import Subject
from registry.client.trying import AGAIN, Retries


class Client:
    """Zgoda over HTTP. Threads may share it; use it as a context manager, or close it.

    `key` is an API key; `purpose` and `reason` say why persons' data are read, and stand in the log of every call.
    `source` is from where acts are known, unless a call says otherwise. `timeout` is in seconds, for connecting, for
    each piece of an answer, and so on (an `httpx.Timeout` sets them apart). `transport` is for tests and proxies.

    Every call raises a `ZgodaError`: by status and code as the server said it, or `Unreachable` when none came.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        purpose: str | None = None,
        reason: str | None = None,
        source: str = "client",
        timeout: float | httpx.Timeout = 10.0,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._why = sending.why(purpose, reason)
        self._source = source
        self._retries = retries or Retries()
        self._owned = True
        self._http = httpx.Client(
            base_url=sending.base(url), headers=sending.standing(key), timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; of a client made by `because` they are its elder's."""
        if self._owned:
            self._http.close()

    def because(self, purpose: str, reason: str) -> Self:
        """The same client, over the same connections, with another purpose and reason for what it reads."""
        other = copy(self)
        other._why = sending.why(purpose, reason)  # noqa: SLF001  # a copy of ourselves
        other._owned = False  # noqa: SLF001  # as above
        return other

    def check(
        self,
        subject: Subject,
        purpose: str,
        channel: str,
        *,
        identifier: UUID | None = None,
        at: datetime | None = None,
    ) -> Decision:
        """May this person be processed for this purpose, on this channel, now (or at `at`, as known then)?

        A "no" is an answer and no error: read `permitted`. Kept, with what it rests on, before it is told.
        """
        return self._send(calls.check(subject, purpose, channel, identifier, at))

    def check_many(self, questions: Iterable[Question]) -> list[Decision]:
        """The answers to many questions, in their order; sent a thousand at a time."""
        asked, answers = list(questions), list[Decision]()
        for start in range(0, len(asked), LARGEST_BATCH):
            told = self._send(calls.batch(asked[start : start + LARGEST_BATCH]))
            answers += told.decisions
        return answers

    def count(self, purpose: str, channel: str) -> Counts:
        """How many of the whole base are permitted, and how many are blocked, by reason."""
        return self._send(calls.count(purpose, channel))

    def request(self, subject: Subject, purpose: str, channel: str, **told: Unpack[Told]) -> Recorded:
        """The person asked for it and has still to confirm (double opt-in)."""
        return self._record("request", subject, purpose, channel, told)

    def grant(self, subject: Subject, purpose: str, channel: str, **told: Unpack[Told]) -> Recorded:
        """The person consented, for one address; say how (`act`) and to which text (`notice`)."""
        return self._record("grant", subject, purpose, channel, told)

    def confirm(self, subject: Subject, purpose: str, channel: str, **told: Unpack[Told]) -> Recorded:
        """The person confirmed the request that `refers_to` names."""
        return self._record("confirm", subject, purpose, channel, told)

    def withdraw(
        self, subject: Subject, purpose: str = EVERYTHING, channel: str = EVERYTHING, **told: Unpack[Told]
    ) -> Recorded:
        """The person withdrew, in force when this returns; left out, all marketing of `controller` everywhere."""
        return self._record("withdraw", subject, purpose, channel, told)

    def object(
        self, subject: Subject, purpose: str = EVERYTHING, channel: str = EVERYTHING, **told: Unpack[Told]
    ) -> Recorded:
        """The person objected (GDPR art. 21), in force when this returns."""
        return self._record("object", subject, purpose, channel, told)

    def refuse(
        self, subject: Subject, purpose: str = EVERYTHING, channel: str = EVERYTHING, **told: Unpack[Told]
    ) -> Recorded:
        """The person said no when asked."""
        return self._record("refuse", subject, purpose, channel, told)

    def issue_permit(
        self,
        subject: Subject,
        purpose: str,
        channel: str,
        content: bytes | None = None,
        *,
        content_hash: str | None = None,
        identifier: UUID | None = None,
        expires_in: float | None = None,
    ) -> PermitAnswer:
        """Ask for a permit to hand over this content, which stays here: only its SHA-256 is sent.

        `expires_in` is in seconds, 60 unless said otherwise. Its `permit` is None when the gate says no.
        """
        hashed = calls.hash_of(content, content_hash)
        return self._send(calls.issue_permit(subject, purpose, channel, hashed, identifier, expires_in))

    def redeem_permit(
        self, token: str, content: bytes | None = None, *, content_hash: str | None = None
    ) -> Redeemed:
        """Ask at the moment of sending, and hand over at once if it is `permitted`.

        A yes is said once. Where the answer to it was lost, the next attempt is told `permit.redeemed`: ask for
        another permit.
        """
        return self._send(calls.redeem_permit(token, calls.hash_of(content, content_hash)))

    def void_permit(self, permit: UUID | str) -> PermitStanding:
        """Give a permit back, by its id or by its token (text)."""
        return self._send(calls.void_permit(permit))

    def ledger_page(self, contact: UUID, after: int = 0, limit: int = 100) -> Page:
        """A page of a person's ledger, oldest first: what is above `after`. Needs a purpose and a reason."""
        return self._send(calls.ledger(contact, after, limit))

    def ledger(self, contact: UUID, page: int = 100) -> Iterator[Entry]:
        """A person's whole ledger, oldest first, read a page at a time. Needs a purpose and a reason."""
        after: int | None = 0
        while after is not None:
            read = self.ledger_page(contact, after, page)
            yield from read.entries
            after = read.next

    def _record(self, kind: Kind, subject: Subject, purpose: str, channel: str, told: Told) -> Recorded:
        key = told.pop("idempotency_key", None)
        said: Any = {"source": self._source, **told}
        return self._send(calls.record(kind, subject, purpose, channel, **said), key)

    def _send(self, call: Call[T], idempotency_key: str | None = None) -> T:
        headers = sending.headers(call, self._why, idempotency_key)
        attempt = 1
        while True:
            try:
                answer = self._http.request(
                    call.method, call.path, content=call.body, params=call.params, headers=headers
                )
            except httpx.TransportError as error:
                pause = self._retries.pause(attempt)
                if pause is None:
                    raise sending.unreachable(error) from None
            else:
                pause = self._retries.pause(attempt, answer.headers) if answer.status_code in AGAIN else None
                if pause is None:
                    return sending.read(call, answer)
            time.sleep(pause)
            attempt += 1
