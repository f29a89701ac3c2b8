"""Quiet hours by the person's own clock, and caps by days."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from registry.policy.schedule import PARTS, Cap, Part, Quiet, Schedule, capped_until, is_quiet, next_time

NIGHT = Quiet(channels=("sms",), from_=time(21), until=time(8), days=("sunday",))
YEAR_BEGINS, YEAR_ENDS = datetime(2026, 1, 1), datetime(2027, 1, 1)  # noqa: DTZ001  # hypothesis adds the zone
ZONES = st.sampled_from(["Europe/Riga", "Europe/Warsaw", "Europe/Lisbon", "UTC", "America/New_York"])


def test_a_night_goes_over_midnight() -> None:
    monday = datetime(2026, 6, 1, tzinfo=UTC)
    assert [NIGHT.holds(monday.replace(hour=hour)) for hour in (20, 21, 23, 0, 7, 8)] == [
        False,
        True,
        True,
        True,
        True,
        False,
    ]


def test_a_day_is_quiet_as_a_whole() -> None:
    assert NIGHT.holds(datetime(2026, 5, 31, 12, tzinfo=UTC))


def test_the_same_instant_is_quiet_in_riga_and_not_in_lisbon() -> None:
    at = datetime(2026, 6, 1, 19, tzinfo=UTC)
    assert is_quiet((NIGHT,), "Europe/Riga", at)
    assert not is_quiet((NIGHT,), "Europe/Lisbon", at)


@given(st.datetimes(YEAR_BEGINS, YEAR_ENDS, timezones=st.just(UTC)), ZONES)
def test_what_waits_for_the_end_of_the_quiet_goes_then_and_not_before(at: datetime, zone: str) -> None:
    until = next_time((NIGHT,), Part.ANY, zone, at)
    assert not is_quiet((NIGHT,), zone, until)
    step = until - timedelta(minutes=15)
    while step > at:
        assert is_quiet((NIGHT,), zone, step)
        step -= timedelta(minutes=15)


def test_the_clock_change_moves_no_quiet_hour() -> None:
    # In the night to 29 March 2026 clocks in Riga went from three to four.
    quiet = Quiet(channels=("sms",), from_=time(21), until=time(8))
    until = next_time((quiet,), Part.ANY, "Europe/Riga", datetime(2026, 3, 28, 20, tzinfo=UTC))
    assert until.astimezone(ZoneInfo("Europe/Riga")).time() == time(8)


@given(st.dictionaries(st.dates(date(2026, 1, 1), date(2026, 3, 1)), st.integers(1, 4)), st.integers(1, 6))
def test_a_cap_ends_when_fewer_than_it_allows_are_left_in_its_days(
    counts: dict[date, int], most: int
) -> None:
    cap = Cap(controller="nordwind", channel="email", messages=most, days=7)

    def within(at: datetime) -> int:
        return sum(n for day, n in counts.items() if at.date() - timedelta(days=7) < day <= at.date())

    until = capped_until(counts, cap)
    last = datetime.combine(max(counts, default=date(2026, 1, 1)), time(12), UTC)
    assert (until is not None and until > last) == (within(last) >= most)
    if until is not None and until > last:
        assert within(until) < most
        assert within(until - timedelta(seconds=1)) >= most


def test_an_unknown_zone_or_day_is_refused() -> None:
    with pytest.raises(ValidationError, match="Europe/Rigga"):
        Schedule(zones={"LV": "Europe/Rigga"})
    with pytest.raises(ValidationError, match="sundai"):
        Quiet(channels=("sms",), from_=time(21), until=time(8), days=("sundai",))


@given(st.datetimes(YEAR_BEGINS, YEAR_ENDS, timezones=st.just(UTC)), ZONES, st.sampled_from(list(Part)))
def test_what_waits_for_a_part_of_the_day_goes_in_it(at: datetime, zone: str, part: Part) -> None:
    when = next_time((NIGHT,), part, zone, at)
    begins, ends = PARTS[part]
    assert at <= when <= at + timedelta(days=3)
    assert begins <= when.astimezone(ZoneInfo(zone)).hour < ends
    assert not is_quiet((NIGHT,), zone, when)
