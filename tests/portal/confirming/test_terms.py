"""The term of a request for confirmation: one reminder, and then it goes, with whoever is known for nothing else."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.dispatch import confirmations
from registry.kit.database import Role
from registry.subject_requests import erasure, lapsing
from tests.persons import CALLER, act, make, reason
from tests.portal.confirming.requesting import ANNA, CLUB, YES, asked, of_club
from tests.portal.letters import delivered, path_in, rows, text_of


@pytest.mark.law("LP-24")
async def test_the_term_bites_at_the_instant_with_no_job(
    workspace: Workspace,
    client: httpx.AsyncClient,
    anna: UUID,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = await asked(workspace, tmp_path)
    (request,) = await rows(workspace, "SELECT recorded_at FROM consent_entry")
    second = request.recorded_at.replace(microsecond=0)
    from registry.kit import clock

    monkeypatch.setattr(clock, "now", lambda: second + timedelta(days=7))
    for answer in (await client.get(path), await client.post(path, data=YES)):
        assert answer.status_code == 200
        assert "not valid any more" in answer.text
        assert '<form method="post">' not in answer.text
    assert await of_club(workspace) == "consent.unconfirmed"
    monkeypatch.setattr(clock, "now", lambda: second + timedelta(days=7, seconds=-1))
    # The database's own clock is not moved, and a grant from the future is refused: only the page is asked.
    assert '<form method="post">' in (await client.get(path)).text


@pytest.mark.law("LP-24")
async def test_one_reminder_at_half_of_the_term_and_never_a_second(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    now = datetime.now(UTC)
    assert await confirmations.remind(workspace, now + timedelta(days=3)) == 0
    assert await confirmations.remind(workspace, now + timedelta(days=3, hours=13)) == 1
    (mail,) = await delivered(workspace, tmp_path)
    assert path_in(mail) == path
    assert "only reminder" in text_of(mail)
    for days in (4, 5, 6):
        assert await confirmations.remind(workspace, now + timedelta(days=days)) == 0
    (kept,) = await rows(workspace, "SELECT letters, reminded_at FROM confirmation")
    assert kept.letters == 2
    assert kept.reminded_at is not None


async def test_nobody_is_reminded_who_confirmed_or_said_no_or_got_no_letter(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    later = datetime.now(UTC) + timedelta(days=4)
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    assert await confirmations.remind(workspace, later) == 0, "the letter has not left yet"
    (mail,) = await delivered(workspace, tmp_path)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    assert await confirmations.remind(workspace, later) == 0
    assert path_in(mail)


async def test_a_letter_whose_request_was_taken_back_does_not_leave(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    assert await delivered(workspace, tmp_path) == []
    (message,) = await rows(workspace, "SELECT state, reason FROM message")
    assert tuple(message) == ("failed", "request.settled")


@pytest.mark.law("LP-24")
async def test_at_its_term_the_request_goes_and_the_person_with_it(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    now = datetime.now(UTC)
    assert await lapsing.sweep(workspace, now + timedelta(days=6, hours=23)) == lapsing.Swept(0, 0)
    assert await lapsing.sweep(workspace, now + timedelta(days=7, minutes=1)) == lapsing.Swept(1, 1)
    for table in ("consent_entry", "confirmation", "message", "message_attempt", "contact", "assignment"):
        assert await rows(workspace, f"SELECT 1 FROM {table}") == [], table
    assert await rows(workspace, "SELECT 1 FROM decision") == []
    assert await lapsing.sweep(workspace, now + timedelta(days=8)) == lapsing.Swept(0, 0)
    assert (await client.post(path, data=YES)).status_code == 200


@pytest.mark.law("LP-24")
async def test_whoever_is_known_for_something_else_stays(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    await act(workspace, ANNA, EntryKind.GRANTED, "newsletter")
    await asked(workspace, tmp_path)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=8)) == lapsing.Swept(1, 0)
    (kept,) = await rows(workspace, "SELECT purpose FROM consent_entry")
    assert kept.purpose == "newsletter"
    assert await of_club(workspace) == "consent.missing"
    assert await reason(workspace, ANNA) == "permit"
    assert await rows(workspace, "SELECT 1 FROM message") == []


async def test_a_customer_with_a_number_of_another_system_stays(workspace: Workspace, tmp_path: Path) -> None:
    await make(workspace, "anna@example.org", external="1001", country="PL")
    await asked(workspace, tmp_path)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=8)) == lapsing.Swept(1, 0)
    assert len(await rows(workspace, "SELECT 1 FROM contact")) == 1


async def test_a_no_outlives_the_request_that_it_ended(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    await asked(workspace, tmp_path)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=8)) == lapsing.Swept(1, 0)
    assert await of_club(workspace) in ("consent.withdrawn", "address.suppressed")


async def test_a_confirmed_request_never_lapses(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await client.post(path, data=YES)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=100)) == lapsing.Swept(0, 0)
    assert await of_club(workspace) == "permit"


async def test_a_sweep_that_was_killed_is_finished_by_the_next(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anna", "ewa", "olga"):
        await make(workspace, f"{name}@example.org", country="PL")
        await act(workspace, f"email:{name}@example.org", EntryKind.REQUESTED, CLUB)
    whole, calls = erasure.erase, 0

    async def dying(*given: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        done = await whole(*given, **more)
        if calls == 2:
            raise KeyboardInterrupt
        return done

    later = datetime.now(UTC) + timedelta(days=8)
    monkeypatch.setattr(lapsing.erasure, "erase", dying)
    with pytest.raises(KeyboardInterrupt):
        await lapsing.sweep(workspace, later)
    assert len(await rows(workspace, "SELECT 1 FROM consent_entry")) == 2, (
        "the second one was rolled back whole"
    )
    monkeypatch.setattr(lapsing.erasure, "erase", whole)
    assert await lapsing.sweep(workspace, later) == lapsing.Swept(2, 2)
    assert await rows(workspace, "SELECT 1 FROM contact") == []
    assert len(await rows(workspace, "SELECT 1 FROM erasure")) == 3


async def test_only_the_retention_role_can_clear_a_request_away(workspace: Workspace, anna: UUID) -> None:
    import psycopg

    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    with pytest.raises(psycopg.Error):
        async with workspace.database.begin(CALLER) as session:
            await session.execute("DELETE FROM consent_entry")
    async with workspace.database.begin(CALLER, Role.RETENTION) as session:
        assert await session.value("SELECT count(*) FROM consent_entry") == 1
