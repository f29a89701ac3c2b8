"""Times on the command line: ISO 8601 with an offset, because a time without one is a guess."""

from datetime import UTC, datetime

import click


class Instant(click.ParamType[datetime]):
    """A click type: `2026-01-31T12:00:00Z` as an aware datetime in UTC; wrong usage (exit 2) otherwise."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            instant = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail("a time is written as 2026-01-31T12:00:00Z", param, ctx)
        if instant.tzinfo is None:
            self.fail("a time needs an offset, such as 2026-01-31T12:00:00Z", param, ctx)
        return instant.astimezone(UTC)


INSTANT = Instant()
