"""What the API takes and gives about campaigns."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Locale = Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]
Source = Annotated[str, Meta(min_length=1, max_length=300_000)]


class TemplateText(Struct, frozen=True, forbid_unknown_fields=True):
    """One locale of a template, in Liquid."""

    subject: Annotated[str, Meta(min_length=1, max_length=1000)]
    text: Source
    html: Source


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """A template in its locales; `fallback` serves whoever asked for another."""

    locales: Annotated[dict[Locale, TemplateText], Meta(min_length=1)]
    fallback: Locale | None = None


class NewCampaign(Struct, frozen=True, forbid_unknown_fields=True):
    """A campaign to send at once to everybody whom the gate permits."""

    purpose: Name
    channel: Name
    template: Template
    audience: Literal["all"] | Annotated[list[UUID], Meta(min_length=1, max_length=10_000)] = "all"
    """All persons, or those with these ids."""


class Campaign(Struct, frozen=True):
    """A campaign and what became of its messages."""

    id: UUID
    purpose: str
    channel: str
    state: str
    """`filling` while messages are queued, `sending` while any is due or in hand, else `done`."""
    created_at: datetime
    template: str
    """SHA-256 of the template."""
    permitted: int
    blocked: dict[str, int]
    """Persons whom the gate refused when the messages were queued, by reason."""
    messages: dict[str, int]
    """Messages by state; `blocked` here were refused at the hand-off itself."""
    reasons: dict[str, dict[str, int]]
    """Messages by state and reason, where there is one."""


def shown(campaign: Campaign) -> dict[str, Any]:
    """The campaign as plain values, for --json."""
    return {name: getattr(campaign, name) for name in campaign.__struct_fields__}
