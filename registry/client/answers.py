"""What the server answers, as values. Members that a newer server adds are passed over."""

from datetime import datetime
from typing import Literal, NoReturn
from uuid import UUID

from msgspec import Struct

Outcome = Literal["permit", "deny", "defer"]


class _Answered(Struct, frozen=True):
    """An answer with a property `permitted`, which must be read: as a truth value every answer would be a yes."""

    def __bool__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is no yes and no no: ask its `permitted`")


class Decision(_Answered, frozen=True):
    """The gate's answer. `reason` is `permit`, or why not; it is stable for ever."""

    decision_id: UUID
    outcome: Outcome
    reason: str
    as_of: datetime
    basis: str | None = None
    channel_ground: str | None = None
    identifier: UUID | None = None
    """The address that was decided about, by the id of the person's identifier."""
    evidence: UUID | None = None
    """The entry or ground that the answer rests on."""
    policy: str | None = None
    not_before: datetime | None = None
    """When to ask again, for a `defer`."""

    @property
    def permitted(self) -> bool:
        """Whether the answer is yes, now."""
        return self.outcome == "permit"


class Decisions(Struct, frozen=True):
    """The answers to a batch, in the order of its questions."""

    decisions: list[Decision]


class Counts(Struct, frozen=True):
    """A whole audience by reason: persons, not addresses."""

    persons: int
    permitted: int
    blocked: dict[str, int]
    purpose: str
    channel: str
    as_of: datetime


class RecordedEntry(Struct, frozen=True):
    """An entry as it stands in the ledger."""

    id: UUID
    contact: UUID
    seq: int
    recorded_at: datetime


# These two, and others here, are what the server's own types of these names put on the wire, written again on purpose:
# the client imports nothing of the server, and is read where an older or a newer one answers.
class OpenPermit(Struct, frozen=True):
    """A permit that was open when somebody said no, and is void since."""

    id: UUID
    purpose: str
    channel: str
    expires_at: datetime


class FlyingPermit(Struct, frozen=True):
    """A permit that was redeemed shortly before somebody said no: its message may be out, or on the way."""

    id: UUID
    purpose: str
    channel: str
    redeemed_at: datetime


class Recorded(Struct, frozen=True):
    """What an act became: one entry, or for a "no" by address one for everybody who has it."""

    entries: list[RecordedEntry]
    relay_queue_hours: int | None = None
    """After a "no": for so many hours a mail relay may still deliver what it had accepted before."""
    permits_voided: list[OpenPermit] = []
    permits_in_flight: list[FlyingPermit] = []


class IssuedPermit(Struct, frozen=True):
    """A permit; the token is shown this once."""

    id: UUID
    token: str
    expires_at: datetime
    identifier: UUID | None = None

    def __repr__(self) -> str:
        return f"IssuedPermit(id={self.id!r}, expires_at={self.expires_at!r})"


class PermitAnswer(Struct, frozen=True):
    """The decision, and the permit if it was a yes."""

    decision: Decision
    permit: IssuedPermit | None = None


class Redeemed(_Answered, frozen=True):
    """Whether to hand the message over now. `reason` begins with `permit.` where the gate was not asked."""

    outcome: Outcome
    reason: str
    permit: UUID | None = None
    decision: Decision | None = None

    @property
    def permitted(self) -> bool:
        """Whether the answer is yes: hand over now, and once."""
        return self.outcome == "permit"


class PermitStanding(Struct, frozen=True):
    """What became of a permit."""

    id: UUID
    state: Literal["open", "redeemed", "refused", "voided", "expired"]
    purpose: str
    channel: str
    expires_at: datetime
    ended_at: datetime | None = None


class Notice(Struct, frozen=True):
    """A version of a purpose's notice, in a language."""

    version: int
    locale: str


class Entry(Struct, frozen=True):
    """One entry of a person's ledger."""

    id: UUID
    seq: int
    kind: str
    grade: str
    controller: str
    purpose: str
    channel: str
    recorded_at: datetime
    policy: str
    source: str
    identifier: UUID | None = None
    acted_at: datetime | None = None
    refers_to: UUID | None = None
    act: str | None = None
    notice: Notice | None = None
    has_evidence: bool = False


class Page(Struct, frozen=True):
    """A page of a person's ledger, oldest first; `next` is the cursor of the page after, if there is one."""

    entries: list[Entry]
    next: int | None = None
