"""What the API takes and gives about acts of consent and other grounds."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from registry.contacts.schemas import Source, Subject
from registry.standing.permits import FlyingPermit, OpenPermit

Name = Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9_-]{0,62})$")]
Word = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Text = Annotated[str, Meta(min_length=1, max_length=2000)]

Kind = Literal["request", "grant", "confirm", "refuse", "withdraw", "object", "invalidate", "correct"]


class NoticeShown(Struct, frozen=True, forbid_unknown_fields=True):
    """The text that the person saw: a version of the purpose's notice, in a language."""

    version: Annotated[int, Meta(ge=1, le=32000)]
    locale: Annotated[str, Meta(pattern="^[a-z]{2}$")]


class NewAct(Struct, frozen=True, forbid_unknown_fields=True):
    """What a person did, at first hand: on a form or page of the controller's own, or face to face."""

    subject: Subject
    kind: Kind
    purpose: Name
    """`*` is all marketing of `controller`, and only for refuse, withdraw and object."""
    channel: Name
    """`*` is every channel, and only for refuse, withdraw and object."""
    source: Source
    controller: Word | None = None
    identifier: UUID | None = None
    """The id of one of the person's identifiers. A grant is for one address; a "no" without one is for all."""
    act: Annotated[str, Meta(max_length=64)] | None = None
    """How a grant was given: ticked, clicked, typed, signed, spoken, replied, switched_on."""
    acted_at: datetime | None = None
    """When, with an offset; left out, it is now. It may lie in the past and never in the future.

    Where the person said no before, a grant must tell it (`consent.undated`).
    """
    notice: NoticeShown | None = None
    refers_to: UUID | None = None
    """The `request` entry that a `confirm` confirms; the entry that `invalidate` or `correct` is about."""
    bundled_with: Annotated[list[Word], Meta(max_length=20)] = []
    """What the same control also accepted; anything here makes it no consent (GDPR art. 7(2))."""
    evidence: Annotated[dict[Word, Text], Meta(max_length=30)] = {}
    """Form, page, address, agent and whatever else shows it; kept sealed under the person's key."""
    cause: Literal["complaint"] | None = None
    """A report as spam: then it is an objection to all marketing of the controller, on every channel."""
    authority: UUID | None = None
    """Of a child's grant: the id of the ground `parental_authority` by which a parent agreed (GDPR art. 8)."""
    grade: Literal["unknown", "attested"] | None = None
    """Only for `correct`: how well the entry is really shown, which is worse than it says."""


class RecordedEntry(Struct, frozen=True):
    """An entry as it stands in the ledger now."""

    id: UUID
    contact: UUID
    seq: int
    recorded_at: datetime


class RecordedAct(Struct, frozen=True):
    """The entries that an act became: one, or for a "no" by address one for everybody who has it."""

    entries: list[RecordedEntry]
    relay_queue_hours: int | None = None
    """After a "no": for so many hours the mail relay may still deliver what it had accepted before."""
    permits_voided: list[OpenPermit] = []
    """Permits of engines outside that were open at that instant, and are void since."""
    permits_in_flight: list[FlyingPermit] = []
    """Permits that were redeemed in the five minutes before: their messages may be out, or on the way."""


class NewGround(Struct, frozen=True, forbid_unknown_fields=True):
    """A fact other than consent that a basis or a channel ground rests on."""

    subject: Subject
    kind: Literal[
        "sale",
        "contract",
        "requested",
        "balancing",
        "vital_interest",
        "public_task",
        "parental_authority",
        "activity",
    ]
    controller: Word
    occurred_at: datetime
    source: Source
    identifier: UUID | None = None
    """The address that was got in the sale, by the id of the person's identifier."""
    products: Annotated[list[Word], Meta(max_length=100)] = []
    opt_out_offered: bool = False
    """An opt-out was offered when the address was collected (Directive 2002/58/EC art. 13(2))."""
    collected_in_sale: bool = False
    ends_at: datetime | None = None
    evidence: Annotated[dict[Word, Text], Meta(max_length=30)] = {}
    """What shows it, kept sealed. `parental_authority` needs `holder` (who agreed) and `method` (how that is known)."""


class RecordedGround(Struct, frozen=True):
    """The ground's id."""

    id: UUID


class Entry(Struct, frozen=True):
    """One entry of the ledger. What shows it (evidence) stays sealed; the DPO's package opens it."""

    id: UUID
    seq: int
    kind: str
    grade: Literal["unknown", "attested", "first_party"]
    controller: str
    purpose: str
    channel: str
    identifier: UUID | None
    acted_at: datetime | None
    recorded_at: datetime
    refers_to: UUID | None
    act: str | None
    notice: NoticeShown | None
    policy: str
    source: str
    has_evidence: bool


class History(Struct, frozen=True):
    """A page of a person's ledger, oldest first. `next` is the cursor of the page after, if there is one."""

    entries: list[Entry]
    next: int | None
