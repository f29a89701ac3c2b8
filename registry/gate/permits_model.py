"""Permits as values: what is asked for, what comes of it, and every reason of a redemption's own. No session."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple
from uuid import UUID

from registry.contacts.queries import Reference
from registry.gate.model import Decision, Outcome
from registry.kit.errors import NotFound
from registry.standing.permits import Permit, PermitState

DEFAULT_SECONDS = 60.0
LONGEST_SECONDS = 900.0

UNKNOWN = "permit.unknown"
# Why a redemption is refused before the gate is asked, and what that means. Public: add, never rename.
REASONS = {
    UNKNOWN: "There is no such permit, or its person was erased.",
    "permit.redeemed": "The permit was redeemed before; it holds once.",
    "permit.refused": "The permit was to be redeemed before, and the gate said no.",
    "permit.voided": "Somebody said no since the permit was issued, or gave it back.",
    "permit.expired": "The permit's time is over.",
    "permit.content_changed": "The content is not the one that the permit was issued for.",
}
ENDED = {
    PermitState.REDEEMED: "permit.redeemed",
    PermitState.REFUSED: "permit.refused",
    PermitState.VOIDED: "permit.voided",
}


StateWord = Literal["open", "redeemed", "refused", "voided", "expired"]
_STATES: dict[PermitState, StateWord] = {
    PermitState.REDEEMED: "redeemed",
    PermitState.REFUSED: "refused",
    PermitState.VOIDED: "voided",
}


class PermitUnknown(NotFound):
    """There is no such permit, or not within this key's reach."""

    def __init__(self) -> None:
        super().__init__(
            "permit.unknown",
            "There is no such permit.",
            mend="give the token or the id as it was issued; zgoda permit list shows those that are open",
        )


class Wanted(NamedTuple):
    """A permit that somebody asks for. `content_hash` is the SHA-256 (32 bytes) of what will be handed over."""

    reference: Reference
    purpose: str
    channel: str
    content_hash: bytes
    assignment_id: UUID | None = None
    seconds: float = DEFAULT_SECONDS


@dataclass(frozen=True, slots=True)
class Issued:
    """The gate's decision, and with a permit the token, which is shown this once."""

    decision: Decision
    id: UUID | None = None
    token: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Redemption:
    """Whether the message may be handed over now. `decision` is None where there was no permit to decide about."""

    outcome: Outcome
    reason: str
    id: UUID | None = None
    decision: Decision | None = None

    @property
    def permitted(self) -> bool:
        return self.outcome is Outcome.PERMIT


Reaches = Callable[[str], bool]


def state_of(permit: Permit) -> StateWord:
    """The word for what became of a permit; `expired` for one whose time was over before anything else."""
    if permit.state is PermitState.OPEN:
        return "expired" if permit.expired else "open"
    return _STATES[permit.state]
