"""When a message may go and how many: quiet hours by the person's own clock, caps by controller and channel. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator

from registry.policy.words import Country, Model, Name

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@cache
def known_zones() -> frozenset[str]:
    """The names of the IANA database; looked up once, for the look-up walks a folder."""
    return frozenset(available_timezones())


class Part(IntEnum):
    """When on a day somebody would rather be reached; the numbers are stored."""

    ANY = 0
    MORNING = 1
    AFTERNOON = 2
    EVENING = 3


# From the first hour to before the second, by the person's clock.
PARTS = {Part.ANY: (0, 24), Part.MORNING: (6, 12), Part.AFTERNOON: (12, 18), Part.EVENING: (18, 22)}


class Quiet(Model):
    """Hours in which nothing leaves on some channels, by the clock of the person; `from_` may be after `until`."""

    channels: tuple[Name, ...] = Field(min_length=1)
    from_: time = Field(alias="from")
    until: time
    # Days that are quiet as a whole, by name.
    days: tuple[str, ...] = ()
    classes: tuple[str, ...] = ("marketing",)

    @field_validator("days")
    @classmethod
    def _weekdays(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [day for day in value if day not in WEEKDAYS]:
            raise ValueError(f"unknown day {', '.join(unknown)}")
        return value

    def holds(self, local: datetime) -> bool:
        """Whether it is quiet at this local time."""
        if WEEKDAYS[local.weekday()] in self.days:
            return True
        clock = local.time()
        if self.from_ <= self.until:
            return self.from_ <= clock < self.until
        return clock >= self.from_ or clock < self.until


class Cap(Model):
    """At most so many marketing messages of one controller by one channel in so many days."""

    controller: Name
    channel: Name
    messages: int = Field(ge=1, le=1_000_000)
    days: int = Field(ge=1, le=366)


class Schedule(Model):
    """`schedule.toml`: which clock a country's people live by, quiet hours, caps."""

    zones: dict[Country, str] = {}
    quiet: tuple[Quiet, ...] = ()
    caps: tuple[Cap, ...] = ()

    @field_validator("zones")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := sorted(set(value.values()) - known_zones()):
            raise ValueError(f"unknown time zone {', '.join(unknown)}")
        return value

    def names(self) -> tuple[str, ...]:
        """Every zone that is named, once, in a fixed order."""
        return tuple(sorted(set(self.zones.values())))

    def of_channel(self, channel: str, class_: str) -> Iterator[Quiet]:
        """The quiet hours that a class of purpose keeps on a channel."""
        return (one for one in self.quiet if channel in one.channels and class_ in one.classes)


def is_quiet(rules: tuple[Quiet, ...], zone: str, at: datetime) -> bool:
    """Whether one of the rules holds there and then."""
    local = at.astimezone(ZoneInfo(zone))
    return any(rule.holds(local) for rule in rules)


def is_in_part(part: Part, zone: str, at: datetime) -> bool:
    """Whether it is that part of the day there."""
    begins, ends = PARTS[part]
    return begins <= at.astimezone(ZoneInfo(zone)).hour < ends


def next_time(rules: tuple[Quiet, ...], part: Part, zone: str, at: datetime) -> datetime:
    """The first time from `at` on at which nothing is quiet and it is that part of the day, in UTC.

    `at` itself, or a quarter of an hour's beginning; eight days on at the latest.
    """
    when = at
    for _ in range(8 * 24 * 4):
        if not is_quiet(rules, zone, when) and is_in_part(part, zone, when):
            return when
        when = when.astimezone(UTC).replace(minute=when.minute // 15 * 15, second=0, microsecond=0)
        when += timedelta(minutes=15)
    return when


def clock_of(zone_id: int, part: Part) -> int:
    """Time zone and preferred part of the day as one small number for the gate's table."""
    return zone_id * len(Part) + part


def capped_until(counts: dict[date, int], cap: Cap) -> datetime | None:
    """When a person who got `counts` messages a day (UTC) may get the next one; None when not capped.

    A day counts until it is `cap.days` days old.
    """
    total = 0
    for day in sorted(counts, reverse=True):
        total += counts[day]
        if total >= cap.messages:
            return datetime.combine(day + timedelta(days=cap.days), time(), UTC)
    return None
