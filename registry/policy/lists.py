"""Lists of people who want no advertising, a Member State's or the controller's own (do-not-call, do-not-mail)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import Field

from registry.policy.words import Country, Locale, Model, Name


class AddressList(Model):
    """A list, and what being on it stops: marketing by these channels, unless the person consented to it."""

    id: Name
    title: dict[Locale, str] = Field(min_length=1)
    kind: Literal["national", "own"]
    country: Country | None = None
    channels: tuple[Name, ...] = Field(min_length=1)
    # Whose marketing it stops; of a national list everybody's.
    controllers: tuple[Name, ...] = ()
    # The latest whole import may be so many days old; after that nothing is marketed on these channels in that country.
    fresh_for_days: int | None = Field(default=None, ge=1)
    source: str = Field(min_length=1)


def fresh_until(told: AddressList, imports: Sequence[tuple[datetime, date]], at: datetime) -> date | None:
    """The last day on which the list, as it had been imported by `at`, is fresh enough; None if it never was.

    `imports` are when it was imported and of which day it was then. A list without a term stays fresh.
    """
    days = [dated for imported_at, dated in imports if imported_at <= at]
    if not days:
        return None
    return date.max if told.fresh_for_days is None else max(days) + timedelta(days=told.fresh_for_days)


def stale_countries(
    lists: Iterable[AddressList],
    imports: Mapping[str, Sequence[tuple[datetime, date]]],
    channel: str,
    at: datetime,
) -> frozenset[str]:
    """Where nothing may rest on a national exemption for this channel, because a list to look at is not there."""
    stale = set()
    for told in lists:
        if told.kind == "national" and told.country is not None and channel in told.channels:
            until = fresh_until(told, imports.get(told.id, ()), at)
            if until is None or until < at.date():
                stale.add(told.country)
    return frozenset(stale)
