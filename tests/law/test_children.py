"""Children (GDPR art. 8): over the API, to the mailbox, by the age of their country on the day of the grant."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.kit import clock
from registry.policy import ages
from registry.policy.ages import coming_of_age, of_age_on
from tests.law.requests import YES
from tests.law.test_sending import sent
from tests.persons import CALLER, reason

KID = "kid@example.test"
BY_KID = {"email": KID}


def born(years: int, days: int = 0) -> str:
    """A date of birth of somebody who is `years` years and `days` days old today."""
    today = clock.now().date()
    day = (
        today.replace(year=today.year - years)
        if (today.month, today.day) != (2, 29)
        else date(today.year - years, 2, 28)
    )
    return (day - timedelta(days=days)).isoformat()


async def child(admin: httpx.AsyncClient, birth_date: str, country: str = "LV") -> UUID:
    body = {
        "identifiers": [{"kind": "email", "value": KID}],
        "source": "form",
        "country": country,
        "subscriber": "natural",
        "fields": {"birth_date": birth_date},
    }
    made = await admin.post("/api/v1/contacts", json=body)
    assert made.status_code == 201, made.text
    return UUID(made.json()["id"])


def grant(**more: Any) -> dict[str, Any]:
    return {**YES, "subject": BY_KID, **more}


def agreed(**more: Any) -> dict[str, Any]:
    """A parent's authority, as it must be told."""
    return {
        "subject": BY_KID,
        "kind": "parental_authority",
        "controller": "nordwind",
        "occurred_at": clock.now().isoformat(),
        "source": "form",
        "evidence": {"holder": "Anna, mother", "method": "signed form with a copy of the register"},
        **more,
    }


async def record(admin: httpx.AsyncClient, body: dict[str, Any], to: str = "consents") -> Any:
    answer = await admin.post(f"/api/v1/{to}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.law("LP-28")
@pytest.mark.parametrize(
    ("country", "day", "age"),
    [
        ("DK", "2023-12-31", 13),
        ("DK", "2024-01-01", 15),
        ("LV", "2026-01-01", 13),
        ("AT", "2026-01-01", 14),
        ("FR", "2026-01-01", 15),
        ("PL", "2026-01-01", 16),
        ("SI", "2023-01-25", 16),
        ("SI", "2023-01-26", 15),
        ("XX", "2026-01-01", 16),
        (None, "2026-01-01", 16),
    ],
)
def test_the_age_is_the_countrys_on_that_day(
    workspace: Workspace, country: str | None, day: str, age: int
) -> None:
    of_that_day = date.fromisoformat(day)
    birth = date(of_that_day.year - 30, 6, 1)
    coming = coming_of_age(workspace.policies.ages, country, birth)
    assert of_age_on(coming, of_that_day) == ages.birthday(birth, age)


@pytest.mark.law("LP-28")
async def test_fourteen_in_denmark_was_of_age_in_2023_and_is_not_since_2024(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await child(admin, "2009-06-01", "DK")
    await record(admin, grant(acted_at="2024-01-01T09:00:00Z"))
    assert await reason(workspace, person) == "consent.parental_missing"
    async with workspace.database.begin(CALLER) as session:
        version = await session.value("SELECT policy FROM consent_entry WHERE contact_id = %s", (person,))
        table = await session.value(
            "SELECT body->'ages' FROM policy_version WHERE version = %s AND purpose = 'newsletter'",
            (version,),
        )
    # The entry names the version of the policy that it was made under, and that holds the table of ages.
    assert {"country": "DK", "age": 15, "since": "2024-01-01"}.items() <= next(
        rule for rule in reversed(table) if rule["country"] == "DK"
    ).items()
    other = await admin.post(
        "/api/v1/contacts",
        json={
            "identifiers": [{"kind": "email", "value": "older@example.test"}],
            "source": "form",
            "country": "DK",
            "subscriber": "natural",
            "fields": {"birth_date": "2009-06-01"},
        },
    )
    await record(admin, grant(subject={"email": "older@example.test"}, acted_at="2023-12-31T09:00:00Z"))
    assert await reason(workspace, UUID(other.json()["id"])) == "permit"


@pytest.mark.law("LP-29")
async def test_a_childs_yes_without_a_parent_leads_to_no_mail_and_with_one_to_mail(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    person = await child(admin, born(12))
    await record(admin, grant())
    assert await reason(workspace, person) == "consent.parental_missing"
    assert await sent(workspace, tmp_path / "without") == []
    ground = (await record(admin, agreed(), "grounds"))["id"]
    # What a parent says afterwards mends no earlier yes: the yes is asked for again.
    assert await reason(workspace, person) == "consent.parental_missing"
    await record(admin, grant(authority=ground))
    assert await reason(workspace, person) == "permit"
    assert await sent(workspace, tmp_path / "with") == [KID]
    package = (
        await admin.post("/api/v1/subject-requests", json={"kind": "access", "subject": BY_KID})
    ).json()
    told = str(package["package"])
    assert "Anna, mother" in told
    assert "signed form with a copy of the register" in told


@pytest.mark.law("LP-29")
@pytest.mark.parametrize("missing", [("holder",), ("method",), ("holder", "method")])
async def test_an_authority_that_tells_not_who_or_how_is_none(
    admin: httpx.AsyncClient, missing: tuple[str, ...]
) -> None:
    await child(admin, born(12))
    evidence = {k: v for k, v in agreed()["evidence"].items() if k not in missing}
    refused = await admin.post("/api/v1/grounds", json=agreed(evidence=evidence))
    assert (refused.status_code, refused.json()["code"]) == (400, "ground.evidence_missing")
    assert all(name in refused.json()["mend"] for name in missing)


@pytest.mark.law("LP-29")
async def test_only_an_authority_of_this_person_this_controller_and_before_counts(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await child(admin, born(12))
    mine = (await record(admin, agreed(), "grounds"))["id"]
    polanas = (await record(admin, agreed(controller="polana"), "grounds"))["id"]
    sale = (await record(admin, agreed(kind="sale", evidence={}), "grounds"))["id"]
    other = {"identifiers": [{"kind": "email", "value": "x@example.test"}], "source": "form"}
    await admin.post("/api/v1/contacts", json=other)
    theirs = (await record(admin, agreed(subject={"email": "x@example.test"}), "grounds"))["id"]
    for authority in (polanas, sale, theirs, str(person)):
        refused = await admin.post("/api/v1/consents", json=grant(authority=authority))
        assert (refused.status_code, refused.json()["code"]) == (400, "authority.unknown")
    early = (clock.now() - timedelta(hours=1)).isoformat()
    refused = await admin.post("/api/v1/consents", json=grant(authority=mine, acted_at=early))
    assert (refused.status_code, refused.json()["code"]) == (400, "authority.later")
    assert await reason(workspace, person) == "consent.missing"


@pytest.mark.law("LP-30")
async def test_what_a_parent_agreed_to_stands_when_the_child_comes_of_age_and_is_theirs_alone_from_then(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    # Of age since yesterday; the parent agreed a month ago.
    person = await child(admin, born(13, 1))
    then = (clock.now() - timedelta(days=30)).isoformat()
    ground = (await record(admin, agreed(occurred_at=then), "grounds"))["id"]
    await record(admin, grant(authority=ground, acted_at=then))
    assert await reason(workspace, person) == "permit"
    # The person confirms it alone, changes it alone, takes it back alone.
    await record(admin, grant())
    assert await reason(workspace, person) == "permit"
    no = {
        "subject": {"id": str(person)},
        "kind": "withdraw",
        "purpose": "newsletter",
        "channel": "email",
        "source": "page",
    }
    await record(admin, no)
    assert await reason(workspace, person) == "consent.withdrawn"
    await record(admin, grant(acted_at=clock.now().isoformat()))
    assert await reason(workspace, person) == "permit"
    assert await sent(workspace, tmp_path) == [KID]


@pytest.mark.law("LP-30")
async def test_that_it_was_a_childs_data_is_ground_enough_to_have_it_erased(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await child(admin, born(13, 1))
    then = (clock.now() - timedelta(days=30)).isoformat()
    ground = (await record(admin, agreed(occurred_at=then), "grounds"))["id"]
    await record(admin, grant(authority=ground, acted_at=then))
    answer = await admin.post(
        "/api/v1/subject-requests", json={"kind": "erasure", "subject": BY_KID, "ground": "f"}
    )
    assert (answer.status_code, answer.json()["state"]) == (200, "erased")
    assert await reason(workspace, person) in ("contact.unknown", "contact.erased")
    async with workspace.database.begin(CALLER) as session:
        for table in ("coming_of_age", "ground", "contact_field", "consent_entry"):
            assert await session.value(f"SELECT count(*) FROM {table}") == 0
        bodies = [str(row.body) for row in await session.all("SELECT body FROM audit_entry")]
    assert any("17(1)(f)" in body for body in bodies)
