"""From which age a person consents alone (GDPR art. 8(1)), by country and day. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date

from pydantic import Field

from registry.policy.words import Country, Day, Model, Text

# Art. 8(1): where no Member State's law says otherwise, and so for a country that is not known.
STRICTEST = 16
LEAST = 13


class AgeRule(Model):
    """The age of consent of one country from a day on; the latest that has begun holds."""

    country: Country
    age: int = Field(ge=LEAST, le=STRICTEST)
    since: Day
    source: Text


def birthday(born: date, age: int) -> date:
    """The day on which somebody born on `born` is `age` years old; 29 February falls on 1 March."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)


def coming_of_age(rules: Iterable[AgeRule], country: str | None, born: date) -> tuple[tuple[date, date], ...]:
    """For each rule of the country, since when it holds and when it makes this person of age, earliest rule first.

    An unknown country, and the time before its first rule, take the strictest age.
    """
    known = sorted((rule for rule in rules if rule.country == country), key=lambda rule: rule.since)
    dated = [(date.min, STRICTEST), *((rule.since, rule.age) for rule in known)]
    return tuple((since, birthday(born, age)) for since, age in dated)


def of_age_on(coming: Sequence[tuple[date, date]], day: date) -> date | None:
    """When the person comes of age by the rule in force on `day`; None when the age is not known."""
    begun = [when for since, when in coming if since <= day]
    return begun[-1] if begun else None
