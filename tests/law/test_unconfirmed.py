"""What a file tells of a double opt-in goes at its term unless confirmed here, and nobody is written to (LP-24)."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.dispatch import confirmations
from registry.kit import clock
from registry.policy.model import Grade
from registry.subject_requests import lapsing
from registry.subject_requests.lapsing import Swept
from tests.exchange.files import ATTESTED, mailchimp, row
from tests.exchange.loading import load_rows
from tests.persons import act, check, make, reason
from tests.portal.letters import delivered, rows

ANNA = "anna@example.test"
CLUB = "club-letter"


async def imported(workspace: Workspace, tmp_path: Path, *subscribed: dict[str, Any]) -> datetime:
    """Addresses that a file says opted in; returns the instant before the term of that."""
    told = mailchimp(purpose=CLUB, fields={"first_name": "First Name"}, attested={**ATTESTED, "notice": 3})
    await load_rows(workspace, tmp_path, told, subscribed=list(subscribed))
    return clock.now() + timedelta(days=workspace.policies.purposes[CLUB].confirm_within_days, minutes=-1)


@pytest.mark.law("LP-24")
@pytest.mark.parametrize("unproven", [{}, {"OPTIN_TIME": "", "OPTIN_IP": ""}])
async def test_a_yes_of_a_file_goes_at_its_term_and_its_person_stays(
    workspace: Workspace, tmp_path: Path, unproven: dict[str, str]
) -> None:
    term = await imported(workspace, tmp_path, row(ANNA, **unproven), row("b@example.test", **unproven))
    assert await reason(workspace, f"email:{ANNA}", CLUB) == "consent.unconfirmed"
    assert await confirmations.remind(workspace, term - timedelta(days=1)) == 0
    assert await lapsing.sweep(workspace, term) == Swept(0, 0)
    assert await lapsing.sweep(workspace, term + timedelta(minutes=2)) == Swept(2, 0)
    for table in ("consent_entry", "confirmation", "message"):
        assert await rows(workspace, f"SELECT 1 FROM {table}") == [], table
    assert len(await rows(workspace, "SELECT 1 FROM contact")) == 2
    assert await reason(workspace, f"email:{ANNA}", CLUB) == "consent.missing"
    assert await delivered(workspace, tmp_path) == []


@pytest.mark.law("LP-24")
async def test_one_that_was_confirmed_here_stays(workspace: Workspace) -> None:
    person = await make(workspace, ANNA, country="PL")
    held = (await check(workspace, person, CLUB)).identifier
    told = await act(workspace, person, EntryKind.GRANTED, CLUB, grade=Grade.ATTESTED, assignment_id=held)
    await act(workspace, person, EntryKind.CONFIRMED, CLUB, assignment_id=held, refers_to=told.id)
    assert await lapsing.sweep(workspace, clock.now() + timedelta(days=365)) == Swept(0, 0)
    assert len(await rows(workspace, "SELECT 1 FROM consent_entry")) == 2
