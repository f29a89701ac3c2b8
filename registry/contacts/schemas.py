"""What the API takes and gives about persons."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

IdentifierKind = Literal["email", "phone", "external", "device", "loyalty"]
Value = Annotated[str, Meta(min_length=1, max_length=320)]
FieldName = Annotated[str, Meta(min_length=1, max_length=63)]
FieldValue = Annotated[str, Meta(max_length=100_000)]
Source = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._:/-]{0,99}$")]


Mode = Literal["exclusive", "shared", "role"]
SubscriberKind = Literal["unknown", "natural", "legal"]


class Subject(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom a request is about: exactly one of our id, an e-mail address, a telephone number, an external id,
    a device id.
    """

    id: UUID | None = None
    email: Value | None = None
    phone: Value | None = None
    external: Value | None = None
    device: Value | None = None
    """A browser or an app: the person whose it is, or the device itself where devices say yes and no."""


class NewIdentifier(Struct, frozen=True, forbid_unknown_fields=True):
    """An identifier to give to a person."""

    kind: IdentifierKind
    value: Value
    verified_at: datetime | None = None
    """When it was shown that the person reads what is sent there; with an offset."""
    by_person: bool = False
    """The person gave it here, at first hand: needed where somebody was erased from the address."""


class NewContact(Struct, frozen=True, forbid_unknown_fields=True):
    """A person to record, or to add to if one of the identifiers is known."""

    identifiers: Annotated[list[NewIdentifier], Meta(min_length=1, max_length=50)]
    source: Source
    """From where the data came (GDPR art. 14(2)(f)): a form, a shop, an import."""
    fields: dict[FieldName, FieldValue] = {}
    """Fields of the catalogue (policies/fields.toml); any other is refused."""
    locale: Annotated[str, Meta(pattern="^[a-z]{2}$")] | None = None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None = None
    subscriber: Literal["natural", "legal"] | None = None
    """Whose connection it is, in the sense of Directive 2002/58/EC; unknown takes the strictest rule."""


class Preferences(Struct, frozen=True, forbid_unknown_fields=True):
    """How the person would rather be reached; what is left out is preferred no more."""

    channel: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")] | None = None
    part_of_day: Literal["any", "morning", "afternoon", "evening"] = "any"
    """Marketing at other hours is deferred: 6 to 12, 12 to 18 or 18 to 22 by the person's clock."""
    time_zone: Annotated[str, Meta(max_length=64)] | None = None
    """The person's clock, such as Europe/Riga; left out, that of their country, else the controller's."""


class Registered(Struct, frozen=True):
    """The person's id, and whether it is new."""

    id: UUID
    created: bool


class Lookup(Struct, frozen=True, forbid_unknown_fields=True):
    """An identifier to look up; in the body, because a URL is logged along the way."""

    kind: IdentifierKind
    value: Value


class Holder(Struct, frozen=True):
    """Somebody who has the identifier now."""

    id: UUID
    identifier: UUID
    """The id of the identifier as this person's; a decision and a consent take it."""
    mode: Mode


class Found(Struct, frozen=True):
    """Everybody who has the identifier; an address may be shared."""

    contacts: list[Holder]


class ShownIdentifier(Struct, frozen=True):
    """An identifier of a person; `value` is masked unless the role sees this kind."""

    id: UUID
    kind: IdentifierKind
    value: str | None
    mode: Mode
    valid_from: datetime
    valid_to: datetime | None
    verified_at: datetime | None
    source: str


class ShownField(Struct, frozen=True):
    """A field of a person; `value` is masked unless the role sees this field."""

    value: str | None
    source: str
    recorded_at: datetime


class Card(Struct, frozen=True):
    """What is stored of a person, as the caller's role may see it."""

    id: UUID
    created_at: datetime
    source: str
    locale: str | None
    country: str | None
    subscriber: SubscriberKind
    restricted_at: datetime | None
    preferences: Preferences
    identifiers: list[ShownIdentifier]
    fields: dict[str, ShownField]
    merged: list[UUID] = []
    """Other records of the same person, whose identifiers, and fields that this one lacks, are among these."""
