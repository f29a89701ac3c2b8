"""What is told of a person later changes no answer about before, and no child's yes (C13, LP-28, LP-29)."""

from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts import preferences, queries
from registry.kit import clock
from tests.past.test_knowing import then
from tests.persons import CALLER, act, make, reason, sale

KID = "kid@example.test"
BY = f"email:{KID}"


async def told(admin: httpx.AsyncClient, country: str | None, born: str | None = None) -> UUID:
    """The same person, as somebody told us of them."""
    body: dict[str, Any] = {"identifiers": [{"kind": "email", "value": KID}], "source": "form"}
    if country is not None:
        body["country"] = country
    if born is not None:
        body["fields"] = {"birth_date": born}
    answered = await admin.post("/api/v1/contacts", json=body)
    assert answered.is_success, answered.text
    return UUID(answered.json()["id"])


def years_ago(years: int) -> str:
    today = clock.now().date()
    return today.replace(year=today.year - years, day=min(today.day, 28)).isoformat()


@pytest.mark.law("LP-28", "LP-29")
@pytest.mark.parametrize(
    ("first", "then_told"),
    [(("PL", 14), ("LV", None)), (("PL", 14), (None, 30)), ((None, 14), ("LV", None))],
    ids=["another country", "another date of birth", "a country where none was known"],
)
async def test_what_is_told_later_mends_no_childs_yes(
    workspace: Workspace,
    admin: httpx.AsyncClient,
    first: tuple[str | None, int],
    then_told: tuple[str | None, int | None],
) -> None:
    """At 14 one consents alone in Latvia and not in Poland, nor where the country is not known."""
    person = await told(admin, first[0], years_ago(first[1]))
    await act(workspace, BY, EntryKind.GRANTED)
    assert await reason(workspace, person) == "consent.parental_missing"
    asked = clock.now()
    country, age = then_told
    assert await told(admin, country, years_ago(age) if age else None) == person
    assert await reason(workspace, person) == "consent.parental_missing"
    assert await then(workspace, asked, reference=BY) == "consent.parental_missing"
    # A yes of now is judged by what is known now.
    await act(workspace, BY, EntryKind.GRANTED)
    assert await reason(workspace, person) == "permit"


async def test_a_date_of_birth_that_is_told_later_was_not_known_before(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await told(admin, "PL")
    await act(workspace, BY, EntryKind.GRANTED)
    before = clock.now()
    await told(admin, None, years_ago(10))
    assert await reason(workspace, person) == "consent.parental_missing"
    assert await then(workspace, before, reference=BY) == "permit"
    assert await then(workspace, before, clock.now(), BY) == "consent.parental_missing"


async def test_a_country_that_is_told_later_was_not_known_before(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    """Soft opt-in is not known in Poland."""
    person = await make(workspace, KID, country="PL")
    await sale(workspace, BY)
    instants: list[datetime] = [clock.now()]
    for country in ("LV", "PL"):
        await told(admin, country)
        instants.append(clock.now())
    reasons = [await then(workspace, one, None, BY, "product-updates") for one in instants]
    assert reasons == ["channel.ground_missing", "permit", "channel.ground_missing"]
    async with workspace.database.begin(CALLER) as session:
        assert [row.country for row in await queries.earlier(session, person)] == ["PL", "LV"]


async def test_what_stays_as_it_was_leaves_nothing_behind(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await told(admin, "PL", years_ago(14))
    await told(admin, "PL", years_ago(14))
    async with workspace.database.begin(CALLER) as session:
        await preferences.prefer(session, workspace.ring, workspace.policies, person, channel="email")
        assert await queries.earlier(session, person) == []
        assert await queries.coming_of_age_earlier(session, person) == []
