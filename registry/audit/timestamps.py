"""Instants as the log and its proofs write them."""

from datetime import UTC, datetime


def stamp(instant: datetime) -> str:
    """RFC 3339 in UTC with microseconds: 2026-01-31T12:00:00.000000Z."""
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
