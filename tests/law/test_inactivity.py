"""Validity and inactivity end a consent at their instant, with no job and no write (GDPR art. 5(1)(e); C5)."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.gate import past
from registry.gate.model import Question
from registry.kit import clock
from tests.persons import CALLER, act, make, reason

ANNA = "email:anna@example.test"
YEAR = timedelta(days=365)
INSTANT = timedelta(microseconds=1)


@pytest.fixture
def lapsing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Policies under which consent to the newsletter lapses after a year without a sign of life."""
    purposes = dict(workspace.policies.purposes)
    purposes["newsletter"] = purposes["newsletter"].model_copy(update={"inactive_after_days": 365})
    told = workspace.policies.model_copy(update={"purposes": purposes})
    monkeypatch.setattr("tests.installation.policies", lambda: told)
    return replace(workspace, policies=told)


async def told_at(workspace: Workspace, person: UUID, at: datetime) -> str:
    """The answer at a time, from the ledger as it was known then or will be if nothing more comes."""
    async with workspace.database.begin(CALLER) as session:
        question = Question(person, "newsletter", "email")
        return (await past.explain(session, workspace.policies, question, at)).reason


async def rows(workspace: Workspace) -> list[Any]:
    async with workspace.database.begin(CALLER) as session:
        return await session.all("SELECT * FROM gate_state ORDER BY purpose_id, channel_id, assignment_id")


async def test_consent_lapses_at_the_instant_and_nothing_is_written(lapsing: Workspace) -> None:
    person = await make(lapsing, "anna@example.test")
    given = clock.now() - timedelta(days=30)
    await act(lapsing, ANNA, EntryKind.GRANTED, acted_at=given)
    before = await rows(lapsing)
    end = given + YEAR
    assert await told_at(lapsing, person, end - INSTANT) == "permit"
    assert await told_at(lapsing, person, end) == "consent.expired"
    assert await rows(lapsing) == before


async def test_who_was_last_heard_of_a_year_ago_is_not_written_to_now(lapsing: Workspace) -> None:
    person = await make(lapsing, "anna@example.test")
    await act(lapsing, ANNA, EntryKind.GRANTED, acted_at=clock.now() - YEAR)
    assert await reason(lapsing, person) == "consent.expired"
    # A new yes is a sign of life, and a consent.
    await act(lapsing, ANNA, EntryKind.GRANTED)
    assert await reason(lapsing, person) == "permit"


@pytest.mark.parametrize(
    ("kind", "controller", "alive"),
    [
        ("activity", "nordwind", True),
        ("sale", "nordwind", True),
        ("requested", "nordwind", False),
        ("balancing", "nordwind", False),
        ("activity", "polana", False),
    ],
)
async def test_what_counts_as_a_sign_of_life(
    lapsing: Workspace, admin: httpx.AsyncClient, kind: str, controller: str, alive: bool
) -> None:
    person = await make(lapsing, "anna@example.test")
    await act(lapsing, ANNA, EntryKind.GRANTED, acted_at=clock.now() - 2 * YEAR)
    body = {
        "subject": {"email": "anna@example.test"},
        "kind": kind,
        "controller": controller,
        "occurred_at": (clock.now() - timedelta(days=1)).isoformat(),
        "source": "shop",
    }
    answer = await admin.post("/api/v1/grounds", json=body)
    assert answer.status_code == 201, answer.text
    assert await reason(lapsing, person) == ("permit" if alive else "consent.expired")


async def test_a_sign_of_life_permits_nothing_by_itself(lapsing: Workspace, admin: httpx.AsyncClient) -> None:
    person = await make(lapsing, "anna@example.test")
    body = {
        "subject": {"email": "anna@example.test"},
        "kind": "activity",
        "controller": "nordwind",
        "occurred_at": clock.now().isoformat(),
        "source": "shop",
    }
    assert (await admin.post("/api/v1/grounds", json=body)).status_code == 201
    assert await reason(lapsing, person) == "consent.missing"
    assert await reason(lapsing, person, "product-updates") == "channel.ground_missing"
    await act(lapsing, ANNA, EntryKind.GRANTED)
    await act(lapsing, ANNA, EntryKind.WITHDRAWN)
    await admin.post("/api/v1/grounds", json=body)
    assert await reason(lapsing, person) != "permit"


async def test_what_others_did_with_the_record_is_no_sign_of_life(
    lapsing: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await make(lapsing, "anna@example.test", external="C1")
    await act(lapsing, ANNA, EntryKind.GRANTED, acted_at=clock.now() - 2 * YEAR)
    body = {"identifiers": [{"kind": "external", "value": "C1"}], "source": "crm", "fields": {"city": "Riga"}}
    assert (await admin.post("/api/v1/contacts", json=body)).status_code == 200
    await admin.get(f"/api/v1/contacts/{person}")
    assert await reason(lapsing, person) == "consent.expired"
