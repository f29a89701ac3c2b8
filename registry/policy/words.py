"""What every policy document is made of: names, texts, days, countries, and a model that knows all its keys."""

from datetime import UTC, date, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Locale = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
# Something that somebody wrote: spaces alone say nothing, and what the law asks for would be missing.
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# Wide enough for every term, birth and review, and narrow enough to reckon with, a century to either side.
DAYS_LIMIT = 36_500
Day = Annotated[date, Field(ge=date(1800, 1, 1), lt=date(2200, 1, 1))]
Moment = Annotated[
    AwareDatetime, Field(ge=datetime(1800, 1, 1, tzinfo=UTC), lt=datetime(2200, 1, 1, tzinfo=UTC))
]


class Model(BaseModel):
    """A value that cannot change and refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)
