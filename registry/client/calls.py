"""Every call as a value: method, path, body, and how its answer is read; both clients send the same ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Generic, Literal, NamedTuple, TypeVar
from uuid import UUID

import msgspec

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
from registry.client.problems import Unexpected
from registry.client.subjects import Subject

T = TypeVar("T")

LARGEST_BATCH = 1_000

Kind = Literal["request", "grant", "confirm", "refuse", "withdraw", "object"]

_ENCODE = msgspec.json.Encoder().encode


class Question(NamedTuple):
    """One question of a batch."""

    subject: Subject
    purpose: str
    channel: str
    identifier: UUID | None = None


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call. `writes` ones carry an Idempotency-Key, theirs or `key`; `params` are those of the address."""

    method: Literal["GET", "POST"]
    path: str
    answer: type[T]
    body: bytes | None = field(default=None, repr=False)
    params: Mapping[str, str] = field(default_factory=dict)
    writes: bool = False
    key: str | None = None

    def read(self, status: int, content: bytes) -> T:
        """The answer as a value; Unexpected when it is none."""
        try:
            return msgspec.json.decode(content, type=self.answer)
        except ValueError:
            # The error's own text may quote the answer.
            raise Unexpected("answer.unreadable", "The answer has another shape.", status=status) from None


def _post(
    path: str, answer: type[T], body: Mapping[str, Any], *, writes: bool = False, key: str | None = None
) -> Call[T]:
    told = {name: value for name, value in body.items() if value is not None}
    return Call("POST", path, answer, _ENCODE(told), writes=writes, key=key)


def check(
    subject: Subject, purpose: str, channel: str, identifier: UUID | None, at: datetime | None
) -> Call[Decision]:
    return _post("/api/v1/decisions", Decision, {
        "subject": subject.told(), "purpose": purpose, "channel": channel, "identifier": identifier, "at": at,
    })  # fmt: skip


def count(purpose: str, channel: str) -> Call[Counts]:
    return _post("/api/v1/decisions", Counts, {"audience": "all", "purpose": purpose, "channel": channel})


def batch(questions: Sequence[Question]) -> Call[Decisions]:
    """The common case, one purpose and channel for all, is told once."""
    scopes = {(one.purpose, one.channel) for one in questions}
    if len(scopes) == 1 and all(one.identifier is None for one in questions):
        ((purpose, channel),) = scopes
        body: dict[str, Any] = {
            "purpose": purpose,
            "channel": channel,
            "subjects": [one.subject.told() for one in questions],
        }
    else:
        body = {"questions": [_question(one) for one in questions]}
    return _post("/api/v1/decisions/batch", Decisions, body)


def _question(asked: Question) -> dict[str, Any]:
    told = {"subject": asked.subject.told(), "purpose": asked.purpose, "channel": asked.channel}
    return told if asked.identifier is None else {**told, "identifier": asked.identifier}


def record(
    kind: Kind,
    subject: Subject,
    purpose: str,
    channel: str,
    source: str,
    *,
    controller: str | None = None,
    identifier: UUID | None = None,
    act: str | None = None,
    acted_at: datetime | None = None,
    notice: tuple[int, str] | None = None,
    refers_to: UUID | None = None,
    evidence: Mapping[str, str] | None = None,
    idempotency_key: str | None = None,
) -> Call[Recorded]:
    return _post("/api/v1/consents", Recorded, {
        "kind": kind, "subject": subject.told(), "purpose": purpose, "channel": channel, "source": source,
        "controller": controller, "identifier": identifier, "act": act, "acted_at": acted_at,
        "notice": None if notice is None else {"version": notice[0], "locale": notice[1]},
        "refers_to": refers_to, "evidence": None if evidence is None else dict(evidence),
    }, writes=True, key=idempotency_key)  # fmt: skip


def hash_of(content: bytes | None, content_hash: str | None) -> str:
    """The SHA-256 of what is to be handed over, in hex; ValueError unless exactly one of the two is given."""
    if (content is None) == (content_hash is None):
        raise ValueError("a permit is for one content: give it, or its hash")
    return sha256(content).hexdigest() if content is not None else content_hash or ""


def issue_permit(
    subject: Subject,
    purpose: str,
    channel: str,
    content_hash: str,
    identifier: UUID | None,
    expires_in: float | None,
) -> Call[PermitAnswer]:
    return _post("/api/v1/permits", PermitAnswer, {
        "subject": subject.told(), "purpose": purpose, "channel": channel, "content_hash": content_hash,
        "identifier": identifier, "expires_in": expires_in,
    })  # fmt: skip


def redeem_permit(token: str, content_hash: str) -> Call[Redeemed]:
    return _post("/api/v1/permits/redeem", Redeemed, {"token": token, "content_hash": content_hash})


def void_permit(permit: UUID | str) -> Call[PermitStanding]:
    named = {"permit": permit} if isinstance(permit, UUID) else {"token": permit}
    return _post("/api/v1/permits/void", PermitStanding, named, writes=True)


def ledger(contact: UUID, after: int, limit: int) -> Call[Page]:
    params = {"after": str(after), "limit": str(limit)}
    return Call("GET", f"/api/v1/contacts/{contact}/consents", Page, params=params)
