"""What the API takes and gives about do-not-call and do-not-mail lists."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

Value = Annotated[str, Meta(min_length=1, max_length=320)]


class NewListings(Struct, frozen=True, forbid_unknown_fields=True):
    """Addresses whose owners asked not to be advertised to."""

    entries: Annotated[list[Value], Meta(min_length=1, max_length=1000)]
    """E-mail addresses and telephone numbers; a number without a country code is one of the list's country."""


class MadeListings(Struct, frozen=True):
    """How many were not on the list before, and how many persons have one of these addresses now."""

    listed: int
    persons: int


class ListShown(Struct, frozen=True):
    """One list as it stands."""

    id: str
    kind: str
    country: str | None
    channels: list[str]
    entries: int
    dated: date | None
    """Of which day the latest import was."""
    fresh_until: date | None
    usable: bool
    """False where nothing may rest on a national exemption, because the list is too old or was never imported."""


class ListsShown(Struct, frozen=True):
    """Every list of the policies."""

    lists: list[ListShown]
