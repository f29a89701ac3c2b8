"""The day on which a person comes of age for consent follows every write of birth date and country (GDPR art. 8)."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.contacts import coming_of_age
from registry.contacts.queries import parse_reference
from registry.kit import clock
from registry.subject_requests import erasure
from tests.exchange.files import HEADER, archive, mailchimp, row, sheet
from tests.exchange.loading import load
from tests.persons import CALLER, make

BORN = "2012-02-29"


async def days(workspace: Workspace, person: UUID) -> dict[date, date]:
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT since, of_age_on FROM coming_of_age WHERE contact_id = %s", (person,)
        )
    return dict(rows)


def contact(**more: Any) -> dict[str, Any]:
    identifiers = [{"kind": "email", "value": "kid@example.test"}]
    return {"identifiers": identifiers, "source": "form", "fields": {"birth_date": BORN}, **more}


async def test_a_date_of_birth_is_followed_to_the_days_of_age_of_the_country(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    made = await admin.post("/api/v1/contacts", json=contact(country="DK"))
    assert made.status_code == 201, made.text
    person = UUID(made.json()["id"])
    assert await days(workspace, person) == {
        date.min: date(2028, 2, 29),
        date(2018, 5, 25): date(2025, 3, 1),
        date(2024, 1, 1): date(2027, 3, 1),
    }
    async with workspace.database.begin(CALLER) as session:
        plain = await session.all("SELECT plain, value FROM contact_field WHERE field = 'birth_date'")
    assert [row.plain for row in plain] == [None]
    assert BORN.encode() not in bytes(plain[0].value)


async def test_it_follows_a_later_country_and_a_corrected_date(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = UUID((await admin.post("/api/v1/contacts", json=contact())).json()["id"])
    assert await days(workspace, person) == {date.min: date(2028, 2, 29)}
    await admin.post("/api/v1/contacts", json=contact(country="LV", fields={}))
    assert (await days(workspace, person))[date(2018, 7, 5)] == date(2025, 3, 1)
    await admin.post("/api/v1/contacts", json=contact(fields={"birth_date": "2013-06-01"}))
    assert (await days(workspace, person))[date(2018, 7, 5)] == date(2026, 6, 1)


async def test_an_import_follows_it_too_and_a_row_with_no_date_is_rejected(
    workspace: Workspace, tmp_path: Path
) -> None:
    fields = {"birth_date": "BIRTHDAY"}
    rows = [
        row("kid@x.test", id="C1", BIRTHDAY=BORN, COUNTRY="SE"),
        row("no@x.test", id="C2", BIRTHDAY="29.2.2012"),
    ]
    columns = {"external_id": "CUSTOMER_ID", "country": "COUNTRY"}
    path = archive(tmp_path / "f.zip", subscribed=sheet(rows, (*HEADER, "BIRTHDAY", "COUNTRY")))
    done = await load(workspace, path, mailchimp(fields=fields, columns=columns))
    assert dict(done.counts.rejected) == {"field.date_invalid": 1}
    async with workspace.database.begin(CALLER) as session:
        found = await session.all("SELECT since, of_age_on FROM coming_of_age ORDER BY since")
    assert [tuple(one) for one in found] == [
        (date.min, date(2028, 2, 29)),
        (date(2018, 5, 25), date(2025, 3, 1)),
    ]


@pytest.mark.parametrize(
    "text", ["29.2.2012", "2012-02-30", "1899-12-31", "20120229", "2012-W09-3", "tomorrow"]
)
async def test_what_is_no_date_of_birth_is_refused_and_not_repeated(
    admin: httpx.AsyncClient, text: str
) -> None:
    if text == "tomorrow":
        text = (clock.now().date() + timedelta(days=1)).isoformat()
    answer = await admin.post("/api/v1/contacts", json=contact(fields={"birth_date": text}))
    assert (answer.status_code, answer.json()["code"]) == (400, "field.date_invalid")
    assert text not in answer.text


async def test_a_changed_table_of_ages_is_followed_for_everybody_on_record(workspace: Workspace) -> None:
    person = await make(workspace, "kid@example.test", country="LV", fields={"birth_date": BORN})
    raised = [
        rule.model_copy(update={"age": 15}) if rule.country == "LV" else rule
        for rule in workspace.policies.ages
    ]
    told = workspace.policies.model_copy(update={"ages": tuple(raised)})
    assert await coming_of_age.rebuild(workspace.database, workspace.ring, told, CALLER) == 1
    assert (await days(workspace, person))[date(2018, 7, 5)] == date(2027, 3, 1)


@pytest.mark.parametrize("broken", ["value = 'no longer sealed'", "value = NULL, plain = 'in the spring'"])
async def test_nobody_comes_of_age_by_a_date_of_birth_that_cannot_be_read(
    workspace: Workspace, broken: str
) -> None:
    person = await make(workspace, "kid@example.test", country="LV", fields={"birth_date": BORN})
    known = await days(workspace, person)
    assert known
    async with workspace.database.begin(CALLER) as session:
        await session.execute(f"UPDATE contact_field SET {broken} WHERE field = 'birth_date'")
    assert await coming_of_age.rebuild(workspace.database, workspace.ring, workspace.policies, CALLER) == 1
    assert await days(workspace, person) == known


async def test_the_days_are_gone_with_the_person(workspace: Workspace) -> None:
    person = await make(workspace, "kid@example.test", country="LV", fields={"birth_date": BORN})
    assert await days(workspace, person)
    reference = parse_reference(str(person))
    await erasure.erase_person(workspace.database, workspace.ring, workspace.policies, CALLER, reference)
    assert await days(workspace, person) == {}
