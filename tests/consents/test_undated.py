"""A "yes" whose time nobody told counts as now, and ends no "no"."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import ANY, EntryKind
from registry.contacts.queries import Reference
from registry.subject_requests import restriction
from tests import persons as p
from tests.law.requests import YES
from tests.merging.people import assignment, merge

AT = "anna@example.org"


async def _withdraw(workspace: Workspace, anna: UUID) -> None:
    await p.act(workspace, anna, EntryKind.WITHDRAWN)


async def _refuse(workspace: Workspace, anna: UUID) -> None:
    await p.act(workspace, anna, EntryKind.REFUSED)


async def _object_to_all(workspace: Workspace, anna: UUID) -> None:
    controller = workspace.policies.purposes["newsletter"].controller
    await p.act(workspace, anna, EntryKind.OBJECTED, ANY, ANY, controller=controller)


async def _withdraw_at_the_address(workspace: Workspace, _: UUID) -> None:
    """By whoever shares it, before Anna is told apart from them."""
    await p.act(workspace, f"email:{AT}", EntryKind.WITHDRAWN)


async def _withdraw_by_another_record(workspace: Workspace, anna: UUID) -> None:
    again = await p.make(workspace, "work@example.org")
    await p.act(workspace, again, EntryKind.WITHDRAWN)
    await merge(workspace, anna, again)


async def _restrict(workspace: Workspace, anna: UUID) -> None:
    async with workspace.database.begin(p.CALLER) as session:
        await restriction.restrict(session, workspace.ring, Reference(anna, None), "accuracy")


async def _yes(client: httpx.AsyncClient, **more: Any) -> tuple[int, dict[str, Any]]:
    answer = await client.post("/api/v1/consents", json={**YES, "subject": {"email": AT}, **more})
    return answer.status_code, answer.json()


@pytest.mark.law("LP-22")
@pytest.mark.parametrize(
    "say_no",
    [_withdraw, _refuse, _object_to_all, _withdraw_at_the_address, _withdraw_by_another_record, _restrict],
)
async def test_after_a_no_only_a_yes_with_its_time_counts(
    workspace: Workspace, admin: httpx.AsyncClient, say_no: Callable[[Workspace, UUID], Awaitable[None]]
) -> None:
    anna = await p.make(workspace, AT)
    # Nobody said no yet.
    assert (await _yes(admin))[0] == 201
    await say_no(workspace, anna)
    before = await p.reason(workspace, f"email:{AT}")
    assert before != "permit"
    status, told = await _yes(admin)
    assert (status, told["code"], told["field"]) == (409, "consent.undated", "/acted_at")
    assert await p.reason(workspace, f"email:{AT}") == before
    # One of an earlier time is kept, and lifts nothing.
    assert (await _yes(admin, acted_at="2026-01-10T10:00:00Z"))[0] == 201
    assert await p.reason(workspace, f"email:{AT}") == before
    assert (await _yes(admin))[0] == 409


@pytest.mark.law("LP-22")
async def test_who_said_yes_again_says_it_undated_as_before(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    anna = await p.make(workspace, AT)
    await _withdraw(workspace, anna)
    assert (await _yes(admin, acted_at=datetime.now(UTC).isoformat()))[0] == 201
    assert await p.reason(workspace, anna) == "permit"
    assert (await _yes(admin))[0] == 201


@pytest.mark.law("LP-22")
async def test_an_objection_to_an_interest_stands_again_after_the_yes_so_that_the_next_tells_its_time_too(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    anna = await p.make(workspace, AT)
    await p.act(workspace, anna, EntryKind.OBJECTED, "product-updates")
    await p.act(workspace, f"email:{AT}", EntryKind.GRANTED, "product-updates")
    assert (await _yes(admin, purpose="product-updates"))[1]["code"] == "consent.undated"


@pytest.mark.law("LP-22")
async def test_a_no_to_something_else_asks_for_no_time(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    anna = await p.make(workspace, AT, "work@example.org")
    at_work = await assignment(workspace, anna, "email:work@example.org")
    await p.act(workspace, anna, EntryKind.WITHDRAWN, "club-letter")
    await p.act(workspace, anna, EntryKind.WITHDRAWN, assignment_id=at_work)
    assert (await _yes(admin))[0] == 201
    assert (await _yes(admin, identifier=str(at_work)))[0] == 409


@pytest.mark.law("LP-22")
async def test_a_confirmation_is_no_way_around(workspace: Workspace, admin: httpx.AsyncClient) -> None:
    anna = await p.make(workspace, AT)
    await _withdraw(workspace, anna)
    status, told = await _yes(admin, kind="request")
    assert status == 201
    said = {"kind": "confirm", "refers_to": told["entries"][0]["id"]}
    assert (await _yes(admin, **said))[1]["code"] == "consent.undated"
    assert (await _yes(admin, **said, acted_at=datetime.now(UTC).isoformat()))[0] == 201
