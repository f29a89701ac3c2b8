"""Lists of people who want no advertising, a Member State's or the controller's own (do-not-call, do-not-mail)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal

from pydantic import Field

from registry.policy.words import DAYS_LIMIT, Country, Locale, Model, Name, Text


class AddressList(Model):
    """A list, and what being on it stops: marketing by these channels, unless the person consented to it."""

    id: Name
    title: dict[Locale, Text] = Field(min_length=1)
    kind: Literal["national", "own"]
    country: Country | None = None
    channels: tuple[Name, ...] = Field(min_length=1)
    # Whose marketing it stops; of a national list everybody's.
    controllers: tuple[Name, ...] = ()
    # The latest whole import may be so many days old; after that nothing is marketed on these channels in that country.
    fresh_for_days: int | None = Field(default=None, ge=1, le=DAYS_LIMIT)
    source: Text


def latest(imports: Sequence[tuple[datetime, date]], at: datetime) -> date | None:
    """Of which day the list was at `at`: that of the whole import before it, by which its entries are; None if none.

    `imports` are when it was imported whole and of which day it was then. An import made later counts even if of an
    earlier day: what it left out is on the list no more.
    """
    return max((one for one in imports if one[0] <= at), default=(None, None))[1]


def fresh_until(told: AddressList, imports: Sequence[tuple[datetime, date]], at: datetime) -> date | None:
    """The last day on which the list, as it had been imported by `at`, is fresh enough; None if it never was.

    `imports` as for `latest`. A list without a term stays fresh.
    """
    day = latest(imports, at)
    if day is None:
        return None
    return date.max if told.fresh_for_days is None else day + timedelta(days=told.fresh_for_days)


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
