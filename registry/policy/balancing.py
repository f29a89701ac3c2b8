"""The register of balancing tests: why an interest is not overridden by those of the person (GDPR art. 6(1)(f))."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated

from pydantic import Field, StringConstraints

from registry.policy.words import Day, Model, Name, Text

# Shorter than this, it weighs nothing.
_Weighed = Annotated[str, StringConstraints(strip_whitespace=True, min_length=20)]


class BalancingTest(Model):
    """One signed test. Without one, no purpose rests on legitimate interest; one that is overdue has no effect."""

    id: Name
    interest: _Weighed
    necessity: _Weighed
    balance: _Weighed
    safeguards: tuple[Text, ...] = Field(min_length=1)
    signed_by: Text
    signed_on: Day
    review_by: Day

    @property
    def ends_at(self) -> datetime:
        """The end of the day (UTC) by which the test is looked at again: from then on nothing rests on it."""
        return datetime.combine(self.review_by + timedelta(days=1), time(), UTC)
