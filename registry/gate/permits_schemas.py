"""What the API takes and gives about permits."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from registry.contacts.schemas import Subject
from registry.gate.permits_model import (
    DEFAULT_SECONDS,
    LONGEST_SECONDS,
    Issued,
    Redemption,
    StateWord,
    state_of,
)
from registry.gate.schemas import Answer, Word
from registry.standing.permits import Permit

Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Token = Annotated[str, Meta(min_length=1, max_length=200)]


class NewPermit(Struct, frozen=True, forbid_unknown_fields=True):
    """May one message with this content be handed over to this person, by an engine outside, soon?"""

    subject: Subject
    purpose: Word
    channel: Word
    content_hash: Hash
    """SHA-256 of the bytes that will be handed over, in lower-case hex."""
    identifier: UUID | None = None
    """For this one of the person's identifiers; without it, the permitted one that was verified last."""
    expires_in: Annotated[float, Meta(ge=1, le=LONGEST_SECONDS)] = DEFAULT_SECONDS
    """Seconds until it is over, at most 900. The shorter, the less is in flight when somebody says no."""


class IssuedPermit(Struct, frozen=True):
    """A permit. The token is shown this once."""

    id: UUID
    token: str
    identifier: UUID | None
    expires_at: datetime


class PermitAnswer(Struct, frozen=True):
    """The gate's decision, and the permit that follows from it; none when it is a deny or a defer."""

    decision: Answer
    permit: IssuedPermit | None

    @classmethod
    def of(cls, issued: Issued) -> "PermitAnswer":
        permit = None
        if issued.id is not None and issued.token is not None and issued.expires_at is not None:
            permit = IssuedPermit(issued.id, issued.token, issued.decision.identifier, issued.expires_at)
        return cls(Answer.of(issued.decision), permit)


class Redeem(Struct, frozen=True, forbid_unknown_fields=True):
    """The message is about to be handed over: is it still permitted?"""

    token: Token
    content_hash: Hash
    """SHA-256 of the very bytes that are handed over now."""


class Redeemed(Struct, frozen=True):
    """Whether to hand it over now. Only `permit` is a yes, and it is said once."""

    outcome: Literal["permit", "deny", "defer"]
    reason: str
    permit: UUID | None
    decision: Answer | None
    """What the gate said; `reason` begins with `permit.` where it was not asked."""

    @classmethod
    def of(cls, done: Redemption) -> "Redeemed":
        answer = Answer.of(done.decision) if done.decision is not None else None
        return cls(done.outcome.value, done.reason, done.id, answer)


class VoidPermit(Struct, frozen=True, forbid_unknown_fields=True):
    """A permit that is not needed, named by its token or by its id."""

    token: Token | None = None
    permit: UUID | None = None


class PermitStanding(Struct, frozen=True):
    """What became of a permit."""

    id: UUID
    state: StateWord
    purpose: str
    channel: str
    expires_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, permit: Permit) -> "PermitStanding":
        state = state_of(permit)
        return cls(permit.id, state, permit.purpose, permit.channel, permit.expires_at, permit.ended_at)
