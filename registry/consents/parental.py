"""Whether a grant needed a parent (GDPR art. 8): by the rule of the day of the grant, where the person lives. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from registry.consents import grounds as facts
from registry.consents.grounds import Ground
from registry.consents.ledger import Standing
from registry.policy.ages import of_age_on
from registry.standing.model import Consent, Parental

# No clock on earth runs further behind UTC, or ahead of it.
_LAST, _FIRST = timedelta(hours=12), timedelta(hours=14)


def days(instant: datetime, zone: str | None) -> Iterator[date]:
    """The day that an instant fell on by this clock; every day that it may have been where the clock is not known."""
    try:
        known = ZoneInfo(zone) if zone else None
    except (ZoneInfoNotFoundError, ValueError):
        known = None
    if known is not None:
        yield instant.astimezone(known).date()
        return
    day, last = (instant - _LAST).date(), (instant + _FIRST).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


# By each rule on the age of consent: since when it holds, when it makes the person of age.
Coming = Sequence[tuple[date, date]]


def known_at(
    instant: datetime, on_record: Sequence[tuple[datetime, datetime, date, date]]
) -> tuple[tuple[date, date], ...]:
    """What was on record at an instant, of rows that say from when and until when they were."""
    return tuple((since, when) for began, ended, since, when in on_record if began <= instant < ended)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for the consent, and whether of children too."""

    controller: str
    offered_to_children: bool


def of(
    asking: Asking, standing: Standing, ages: Sequence[Coming], grounds: Iterable[Ground], zone: str | None
) -> Parental:
    """Whatever the age since: a late birthday mends nothing, and of the days that it may have been the worst counts.

    Somebody whose age is not known is taken for a child where the purpose is offered to children. `ages` are what is
    known now and what was known when the grant was recorded: who was a child by either was one, for another country or
    date of birth, told later, mends nothing.
    """
    if standing.consent is not Consent.GIVEN:
        return Parental.NOT_NEEDED
    # A date that was corrected is one of two that were claimed.
    claimed = (standing.consented_at, standing.latest_at)
    fell_on = {day for instant in claimed for day in days(instant, zone)}
    if all(_alone(coming, day, asking.offered_to_children) for coming in ages for day in fell_on):
        return Parental.NOT_NEEDED
    for ground in grounds:
        if ground.id == standing.authority and facts.authorises(
            ground, asking.controller, standing.consented_at
        ):
            return Parental.VERIFIED
    return Parental.NONE


def _alone(coming: Coming, day: date, offered_to_children: bool) -> bool:
    # One whose age is not known, where children are not addressed.
    when = of_age_on(coming, day)
    return not offered_to_children if when is None else when <= day
