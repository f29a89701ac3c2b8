"""The register of balancing tests: why an interest is not overridden by those of the person (GDPR art. 6(1)(f))."""

from datetime import UTC, date, datetime, time, timedelta

from pydantic import Field

from registry.policy.words import Model, Name


class BalancingTest(Model):
    """One signed test. Without one, no purpose rests on legitimate interest; one that is overdue has no effect."""

    id: Name
    interest: str = Field(min_length=20)
    necessity: str = Field(min_length=20)
    balance: str = Field(min_length=20)
    safeguards: tuple[str, ...] = Field(min_length=1)
    signed_by: str = Field(min_length=1)
    signed_on: date
    review_by: date

    @property
    def ends_at(self) -> datetime:
        """The end of the day (UTC) by which the test is looked at again: from then on nothing rests on it."""
        return datetime.combine(self.review_by + timedelta(days=1), time(), UTC)
