"""What the API takes and gives about decisions."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from registry.contacts.schemas import Subject
from registry.gate.model import Decision

Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


class Ask(Struct, frozen=True, forbid_unknown_fields=True):
    """May this subject, or how many of this audience, be processed for a purpose, on a channel, now?"""

    purpose: Word
    channel: Word
    subject: Subject | None = None
    audience: Literal["all"] | None = None
    """Everybody in the base: counts by reason instead of a decision."""
    identifier: UUID | None = None
    """Only this one of the person's identifiers; without it, the permitted one that was verified last."""
    at: datetime | None = None
    """As it stood then, with an offset; by the rules of this release and the policies on record at `known_at`."""
    known_at: datetime | None = None
    """By what was on record then; left out, it is `at`. Only with `at`."""


class Answer(Struct, frozen=True):
    """A decision. `reason` is `permit` or why not; it is stable for ever."""

    decision_id: UUID
    outcome: Literal["permit", "deny", "defer"]
    reason: str
    basis: str | None
    channel_ground: str | None
    identifier: UUID | None
    evidence: UUID | None
    policy: str | None
    not_before: datetime | None
    as_of: datetime

    @classmethod
    def of(cls, decision: Decision) -> "Answer":
        return cls(
            decision_id=decision.id,
            outcome=decision.outcome.value,
            reason=decision.reason,
            basis=decision.basis.value if decision.basis else None,
            channel_ground=decision.channel_ground.value if decision.channel_ground else None,
            identifier=decision.identifier,
            evidence=decision.evidence,
            policy=decision.policy,
            not_before=decision.not_before,
            as_of=decision.as_of,
        )


class Counts(Struct, frozen=True):
    """The audience by reason: persons, not addresses."""

    persons: int
    permitted: int
    blocked: dict[str, int]
    """Persons by the reason that blocks them."""
    purpose: str
    channel: str
    as_of: datetime
