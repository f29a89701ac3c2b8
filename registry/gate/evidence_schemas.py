"""What the API gives about a decision that was kept."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct


class DecidedMessage(Struct, frozen=True):
    """The message that the decision was about, as far as it got."""

    id: UUID
    campaign: UUID | None
    state: str
    reason: str | None
    attempted_at: datetime | None
    handed_at: datetime | None
    content_sha256: str | None


class Act(Struct, frozen=True):
    """The entry of the ledger that the decision rests on, or that said no."""

    id: UUID
    contact: UUID
    kind: str
    grade: str
    acted_at: datetime | None
    recorded_at: datetime
    act: str | None
    source: str
    notice_version: int | None
    notice_locale: str | None


class Fact(Struct, frozen=True):
    """The recorded fact other than consent that the decision rests on."""

    id: UUID
    contact: UUID
    kind: str
    controller: str
    occurred_at: datetime
    ends_at: datetime | None
    recorded_at: datetime
    source: str


class PolicyOfThen(Struct, frozen=True):
    """The version of the policy by which it was decided, and who put it into force."""

    version: str
    author: str
    reason: str
    recorded_at: datetime


class Kept(Struct, frozen=True):
    """A decision as it was kept, with what it rested on; nothing is worked out anew."""

    id: UUID
    contact: UUID | None
    """None where nobody, or several persons, fitted the question."""
    kind: str
    """What asked: check, handoff, permit and others; `reconstructed`: worked out after a crash, as of the attempt."""
    reconstructed: bool
    purpose: str
    channel: str
    identifier: UUID | None
    outcome: Literal["permit", "deny", "defer"]
    reason: str
    article: str | None
    """The provision behind the reason of a deny or a defer."""
    basis: str | None
    channel_ground: str | None
    evidence: UUID | None
    decided_at: datetime
    policy: PolicyOfThen | None
    entry: Act | None
    ground: Fact | None
    message: DecidedMessage | None
