"""Reads the times of an export: what a clock showed somewhere, made an instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

# The ledger refuses a grant claimed further ahead of its clock than this.
AHEAD = timedelta(seconds=5)
_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
# How programs write "never": the zero of MySQL and that of Unix.
_ZEROS = ("0000-00-00", "1970-01-01 00:00:00", "1970-01-01T00:00:00")


class Unreadable(ValueError):  # the name says the fact
    """The text is no time, or one that cannot have been."""


def read(text: str, zone: tzinfo, form: str | None, *, late: bool = False) -> datetime | None:
    """The instant that `text` names, aware, in UTC; None where it names none.

    A time without an offset is one of `zone`; where that occurred twice, as clocks went back, the earlier
    one is taken, with `late` the later one. Raises Unreadable.
    """
    text = text.strip()
    if not text or text.startswith(_ZEROS):
        return None
    try:
        told = datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007  # the zone follows
        if told.tzinfo is None:
            told = told.replace(tzinfo=zone, fold=int(late))
        told = told if told.tzinfo is UTC else told.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable from None
    if told < _OLDEST:
        raise Unreadable
    return told
