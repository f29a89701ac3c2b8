"""What a client can do, said once: each function here becomes a method of both clients, which only send.

It makes the call that the method sends, and its signature and text are the method's; so the two cannot differ.
"""

import inspect
from collections.abc import Callable, Iterable
from copy import copy
from datetime import datetime
from typing import Any, Concatenate, ParamSpec, Self, TypedDict, TypeVar, Unpack
from uuid import UUID

import httpx

from registry.client import calls, sending
from registry.client.answers import (
    Counts,
    Decision,
    Decisions,
    Page,
    PermitAnswer,
    PermitStanding,
    Recorded,
    Redeemed,
)
from registry.client.calls import LARGEST_BATCH, Call, Kind, Question, T
from registry.client.sending import EVERYTHING, Told
from registry.client.subjects import Subject
from registry.client.trying import Retries

P = ParamSpec("P")
Client = TypeVar("Client", bound="Clerk")
Answer = TypeVar("Answer")


class Options(TypedDict, total=False):
    """What a client may be told beside address and key.

    `purpose` and `reason` say why persons' data are read, and stand in the log of every call. `source` is from where
    acts are known ("client"), unless a call says otherwise. `timeout` is in seconds (10), for connecting, for each
    piece of an answer, and so on; an `httpx.Timeout` sets them apart. `retries` are those of `Retries()` if left out.
    """

    purpose: str | None
    reason: str | None
    source: str
    timeout: float | httpx.Timeout
    retries: Retries | None


class Clerk:
    """What both clients know: why they ask, for whom they speak, and how often they try."""

    def __init__(
        self,
        *,
        purpose: str | None = None,
        reason: str | None = None,
        source: str = "client",
        timeout: float | httpx.Timeout = 10.0,
        retries: Retries | None = None,
    ) -> None:
        self._why = sending.why(purpose, reason)
        self._source = source
        self._timeout = timeout
        self._retries = retries or Retries()
        self._owned = True

    @property
    def source(self) -> str:
        """From where acts are known, unless a call says otherwise."""
        return self._source

    def because(self, purpose: str, reason: str) -> Self:
        """The same client, over the same connections, with another purpose and reason for what it reads."""
        other = copy(self)
        other._why = sending.why(purpose, reason)  # noqa: SLF001  # a copy of ourselves
        other._owned = False  # noqa: SLF001  # as above
        return other


def method(
    described: Callable[Concatenate[Clerk, P], Call[T]],
    sends: Callable[Concatenate[Client, P], Answer],
    client: str,
) -> Callable[Concatenate[Client, P], Answer]:
    """`sends` as a method of `client`: name, text and parameters are of what it sends, and the answer is its result."""
    said = inspect.signature(described)
    (answer,) = getattr(said.return_annotation, "__args__", (said.return_annotation,))
    sends.__name__, sends.__doc__ = described.__name__.rstrip("_"), described.__doc__
    sends.__qualname__ = f"{client}.{sends.__name__}"
    sends.__annotations__ = {**described.__annotations__, "return": answer}
    sends.__signature__ = said.replace(return_annotation=answer)  # type: ignore[attr-defined]  # inspect's protocol
    return sends


def check(
    self: Clerk,
    subject: Subject,
    purpose: str,
    channel: str,
    *,
    identifier: UUID | None = None,
    at: datetime | None = None,
) -> Call[Decision]:
    """May this person be processed for this purpose, on this channel, now (or at `at`, as known then)?

    A "no" is an answer and no error: read `permitted`. Kept, with what it rests on, before it is told.
    """
    return calls.check(subject, purpose, channel, identifier, at)


def check_many(questions: Iterable[Question]) -> list[Call[Decisions]]:
    """The calls by which many questions are asked, a thousand at a time."""
    asked = list(questions)
    return [
        calls.batch(asked[start : start + LARGEST_BATCH]) for start in range(0, len(asked), LARGEST_BATCH)
    ]


def count(self: Clerk, purpose: str, channel: str) -> Call[Counts]:
    """How many of the whole base are permitted, and how many are blocked, by reason."""
    return calls.count(purpose, channel)


def request(
    self: Clerk, subject: Subject, purpose: str, channel: str, **told: Unpack[Told]
) -> Call[Recorded]:
    """The person asked for it and has still to confirm (double opt-in)."""
    return _record(self, "request", subject, purpose, channel, told)


def grant(self: Clerk, subject: Subject, purpose: str, channel: str, **told: Unpack[Told]) -> Call[Recorded]:
    """The person consented, for one address; say how (`act`) and to which text (`notice`)."""
    return _record(self, "grant", subject, purpose, channel, told)


def confirm(
    self: Clerk, subject: Subject, purpose: str, channel: str, **told: Unpack[Told]
) -> Call[Recorded]:
    """The person confirmed the request that `refers_to` names."""
    return _record(self, "confirm", subject, purpose, channel, told)


def withdraw(
    self: Clerk,
    subject: Subject,
    purpose: str = EVERYTHING,
    channel: str = EVERYTHING,
    **told: Unpack[Told],
) -> Call[Recorded]:
    """The person withdrew, in force when this returns; left out, all marketing of `controller` everywhere."""
    return _record(self, "withdraw", subject, purpose, channel, told)


def object_(
    self: Clerk,
    subject: Subject,
    purpose: str = EVERYTHING,
    channel: str = EVERYTHING,
    **told: Unpack[Told],
) -> Call[Recorded]:
    """The person objected (GDPR art. 21), in force when this returns."""
    return _record(self, "object", subject, purpose, channel, told)


def refuse(
    self: Clerk,
    subject: Subject,
    purpose: str = EVERYTHING,
    channel: str = EVERYTHING,
    **told: Unpack[Told],
) -> Call[Recorded]:
    """The person said no when asked."""
    return _record(self, "refuse", subject, purpose, channel, told)


def issue_permit(
    self: Clerk,
    subject: Subject,
    purpose: str,
    channel: str,
    content: bytes | None = None,
    *,
    content_hash: str | None = None,
    identifier: UUID | None = None,
    expires_in: float | None = None,
) -> Call[PermitAnswer]:
    """Ask for a permit to hand over this content, which stays here: only its SHA-256 is sent.

    `expires_in` is in seconds, 60 unless said otherwise. Its `permit` is None when the gate says no.
    """
    hashed = calls.hash_of(content, content_hash)
    return calls.issue_permit(subject, purpose, channel, hashed, identifier, expires_in)


def redeem_permit(
    self: Clerk, token: str, content: bytes | None = None, *, content_hash: str | None = None
) -> Call[Redeemed]:
    """Ask at the moment of sending, and hand over at once if it is `permitted`.

    A yes is said once. Where the answer to it was lost, the next attempt is told `permit.redeemed`: ask for
    another permit.
    """
    return calls.redeem_permit(token, calls.hash_of(content, content_hash))


def void_permit(self: Clerk, permit: UUID | str) -> Call[PermitStanding]:
    """Give a permit back, by its id or by its token (text)."""
    return calls.void_permit(permit)


def ledger_page(self: Clerk, contact: UUID, after: int = 0, limit: int = 100) -> Call[Page]:
    """A page of a person's ledger, oldest first: what is above `after`. Needs a purpose and a reason."""
    return calls.ledger(contact, after, limit)


def _record(
    self: Clerk, kind: Kind, subject: Subject, purpose: str, channel: str, told: Told
) -> Call[Recorded]:
    said: Any = {"source": self.source, **told}
    return calls.record(kind, subject, purpose, channel, **said)
