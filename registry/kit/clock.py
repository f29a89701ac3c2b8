"""Time: aware, in UTC, with sentinels where there is none."""

from datetime import UTC, date, datetime

# PostgreSQL's infinity cannot be read by the driver, so "never" and "always" are two dates that no fact can have.
FAR_PAST = datetime(1900, 1, 1, tzinfo=UTC)
# Before FAR_PAST: a restriction that never was precedes even a consent that never was.
NEVER = datetime(1899, 1, 1, tzinfo=UTC)
FAR_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)
FAR_PAST_DAY = date(1900, 1, 1)


def now() -> datetime:
    """The present instant, aware, UTC."""
    return datetime.now(UTC)


def require_aware(instant: datetime, field: str) -> datetime:
    """Return `instant` in UTC; refuse one without an offset, for its meaning would be a guess."""
    if instant.tzinfo is None:
        from registry.kit.errors import Misuse

        raise Misuse("time.naive", "A time needs an offset.", field=field, mend="write 2026-01-31T12:00:00Z")
    return instant.astimezone(UTC)
