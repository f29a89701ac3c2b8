"""Acts that happen in the same microsecond, and persons who act a thousand times."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents import projection, service
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts import service as contacts
from registry.policy.model import Grade
from tests.http.routes import WHY
from tests.persons import CALLER, check, make

NOW = datetime.now(UTC) - timedelta(days=1)
ACTS = 1_000


async def newsletter(workspace: Workspace, person: UUID) -> tuple[NewEntry, NewEntry]:
    """A grant and a withdrawal of one person, both at the same instant."""
    async with workspace.database.begin(CALLER) as session:
        assignment_id = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (person,))
    policy = workspace.policies.purposes["newsletter"]
    grant = NewEntry(
        person, EntryKind.GRANTED, "newsletter", "email", Grade.FIRST_PARTY, "test", assignment_id=assignment_id,
        acted_at=NOW, act="ticked", notice_version=policy.notice_version, notice_locale="en",
    )  # fmt: skip
    no = NewEntry(person, EntryKind.WITHDRAWN, "newsletter", "email", Grade.ATTESTED, "test", acted_at=NOW)
    return grant, no


async def record(workspace: Workspace, person: UUID, entries: list[NewEntry]) -> list[service.Recorded]:
    async with workspace.database.begin(CALLER) as session:
        await contacts.lock(session, [person])
        return await service.record(session, workspace.ring, workspace.policies, entries)


async def test_two_grants_in_one_microsecond_are_two_entries_and_one_yes(workspace: Workspace) -> None:
    anna = await make(workspace, "anna@example.test")
    grant, _ = await newsletter(workspace, anna)
    first, second = await record(workspace, anna, [grant, grant])
    assert first.recorded_at == second.recorded_at
    assert (second.seq, first.id != second.id) == (first.seq + 1, True)
    decision = await check(workspace, anna)
    assert (decision.reason, decision.evidence) == ("permit", second.id)


@pytest.mark.parametrize("order", [("grant", "no"), ("no", "grant"), ("grant", "no", "grant")])
async def test_a_yes_and_a_no_in_one_microsecond_are_a_no(workspace: Workspace, order: Any) -> None:
    anna = await make(workspace, "anna@example.test")
    grant, no = await newsletter(workspace, anna)
    await record(workspace, anna, [{"grant": grant, "no": no}[word] for word in order])
    assert not (await check(workspace, anna)).permitted


async def test_a_thousand_entries_are_told_page_by_page_and_the_answer_stays_right(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    anna = await make(workspace, "anna@example.test")
    grant, no = await newsletter(workspace, anna)
    start = NOW - timedelta(days=5)
    acts = [
        replace(no if number % 2 else grant, acted_at=start + timedelta(seconds=number))
        for number in range(ACTS)
    ]
    recorded = await record(workspace, anna, acts)
    assert (await check(workspace, anna)).reason == "consent.withdrawn"
    (last,) = await record(workspace, anna, [replace(grant, acted_at=start + timedelta(seconds=ACTS))])
    decision = await check(workspace, anna)
    assert (decision.reason, decision.evidence) == ("permit", last.id)
    told, after, pages = [], 0, 0
    while after is not None:
        url = f"/api/v1/contacts/{anna}/consents?after={after}&limit=300"
        page = (await admin.get(url, headers=WHY)).json()
        told += [entry["id"] for entry in page["entries"]]
        after, pages = page["next"], pages + 1
    assert (pages, told) == (4, [*(str(one.id) for one in recorded), str(last.id)])
    # Worked out anew from all thousand it is the same row.
    async with workspace.database.begin(CALLER) as session:
        before = await session.all("SELECT * FROM gate_state ORDER BY purpose_id, channel_id")
        session.stale.add(anna)
        await projection.settle(session, workspace.policies)
        assert await session.all("SELECT * FROM gate_state ORDER BY purpose_id, channel_id") == before
