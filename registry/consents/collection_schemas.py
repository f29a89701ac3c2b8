"""What the API takes and gives at collection points."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from registry.consents.schemas import Text, Word
from registry.contacts.schemas import Subject, Value
from registry.standing.permits import FlyingPermit, OpenPermit

Version = Annotated[int, Meta(ge=1, le=32000)]
Locale = Annotated[str, Meta(pattern="^[a-z]{2}$")]
Answer = bool | Annotated[str, Meta(max_length=100_000)]
ControlId = Annotated[str, Meta(min_length=1, max_length=63)]
Answered = Annotated[dict[ControlId, Answer], Meta(max_length=200)]


class Submission(Struct, frozen=True, forbid_unknown_fields=True):
    """One form that somebody filled in and sent."""

    version: Version
    """Which version of the form they saw."""
    locale: Locale
    """In which language they saw it."""
    controls: Answered
    """What they left at each control: `true`, an answer's id or a text. What was left alone is left out."""
    acts: Annotated[dict[ControlId, Annotated[str, Meta(max_length=64)]], Meta(max_length=200)] = {}
    """How they answered, where the control does not say it: ticked, clicked, typed, signed, spoken, replied."""
    presented: Answered = {}
    """What the page showed before anybody touched it; a consent that was on then is refused."""
    subject: Subject | None = None
    """Somebody who is known already, such as one who is signed in."""
    device: Value | None = None
    """The browser, at a form that asks for a device's consent: then it is the device that says yes or no."""
    acted_at: datetime | None = None
    """When they sent it, with an offset; left out, it is now."""
    products: Annotated[list[Word], Meta(max_length=100)] = []
    """What was sold, at a form of a sale."""
    evidence: Annotated[dict[Word, Text], Meta(max_length=30)] = {}
    """Network address, browser, page and whatever else shows it; kept sealed under the person's key."""


class SubmittedEntry(Struct, frozen=True):
    """One answer as it was recorded. Without an id it is kept as the "no" of an address that nobody has here."""

    purpose: str
    channel: str
    kind: Literal["requested", "granted", "refused"]
    id: UUID | None


class Submitted(Struct, frozen=True):
    """What the submission became. A control that was left alone is no entry; nobody is stored for nothing."""

    contact: UUID | None
    created: bool
    entries: list[SubmittedEntry]
    grounds: list[UUID]
    relay_queue_hours: int | None = None
    """After a "no": for so many hours the mail relay may still deliver what it had accepted before."""
    permits_voided: list[OpenPermit] = []
    permits_in_flight: list[FlyingPermit] = []


class ShownOption(Struct, frozen=True):
    """One of the answers of a control."""

    id: str
    label: str


class ShownControl(Struct, frozen=True):
    """One control, as it is to be shown: nothing is on or chosen beforehand unless `default` says so."""

    id: str
    kind: Literal["checkbox", "radio", "select", "text", "email", "phone", "button"]
    label: str
    required: bool
    submits: bool
    step: int
    prominence: Literal["primary", "secondary", "link"]
    default: bool | str
    options: list[ShownOption]


class ShownNotice(Struct, frozen=True):
    """The notice of a purpose, to be reachable from the form."""

    purpose: str
    version: int
    body: str


class ShownPoint(Struct, frozen=True):
    """A form as a person is to see it, in one language."""

    id: str
    version: int
    locale: str
    controller: str
    hash: str
    """SHA-256 of the whole version, in every language, as hexadecimal digits."""
    controls: list[ShownControl]
    information: str
    """What GDPR art. 13 asks to be told, as Markdown."""
    notices: list[ShownNotice]
