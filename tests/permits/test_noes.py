"""Whoever says no is told which permits were open at that instant, and none of them permits anything afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents import acts, merging
from registry.consents.ledger import EntryKind
from registry.consents.validation import NewEntry
from registry.contacts.queries import Reference, parse_reference
from registry.dispatch.tokens import OneClick
from registry.kit.database import Session
from registry.kit.ids import NIL
from registry.policy.model import Grade
from registry.portal import service as portal
from registry.standing import permits as standing
from registry.standing import service as rows
from registry.subject_requests import restriction
from tests.http.routes import logged
from tests.permits.engines import EMAIL, issue, redeem, subscriber, token
from tests.persons import CALLER, act, make

No = Callable[[Session, Workspace, UUID], Awaitable[Any]]


def _entry(kind: EntryKind, purpose: str = "newsletter", channel: str = "email", **more: Any) -> NewEntry:
    return NewEntry(NIL, kind, purpose, channel, Grade.FIRST_PARTY, "test", **more)


def _says(kind: EntryKind, purpose: str, channel: str, by: str = "email", **more: Any) -> No:
    async def said(session: Session, workspace: Workspace, contact_id: UUID) -> None:
        reference = parse_reference(f"email:{EMAIL}") if by == "email" else Reference(contact_id, None)
        entry = _entry(kind, purpose, channel, **more)
        await acts.act(session, workspace.ring, workspace.policies, reference, entry)

    return said


async def _one_click(session: Session, workspace: Workspace, contact_id: UUID) -> None:
    assignment_id = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (contact_id,))
    clicked = OneClick(contact_id, assignment_id, workspace.policies.purpose_ids["newsletter"])
    await portal.withdraw(session, workspace.ring, workspace.policies, clicked)


async def _restriction(session: Session, workspace: Workspace, contact_id: UUID) -> None:
    await restriction.restrict(session, workspace.ring, Reference(contact_id, None), "accuracy")


async def _dead_address(session: Session, workspace: Workspace, contact_id: UUID) -> None:
    address_id = await session.value("SELECT address_id FROM assignment WHERE contact_id = %s", (contact_id,))
    await rows.lock(session, [contact_id], [address_id])
    await rows.bury_addresses(session, [address_id])


async def _invalidation(session: Session, workspace: Workspace, contact_id: UUID) -> None:
    grant = await session.value("SELECT id FROM consent_entry WHERE contact_id = %s", (contact_id,))
    entry = _entry(EntryKind.INVALIDATED, refers_to=grant)
    await acts.act(session, workspace.ring, workspace.policies, Reference(contact_id, None), entry)


MARKETING = {"controller": "nordwind"}
NOES: dict[str, No] = {
    "withdraw": _says(EntryKind.WITHDRAWN, "newsletter", "email"),
    "withdraw by id": _says(EntryKind.WITHDRAWN, "newsletter", "email", by="id"),
    "refuse": _says(EntryKind.REFUSED, "newsletter", "email"),
    "object": _says(EntryKind.OBJECTED, "newsletter", "*"),
    "object to all marketing": _says(EntryKind.OBJECTED, "*", "*", **MARKETING),
    "one click": _one_click,
    "restriction": _restriction,
    "a dead address": _dead_address,
    "invalidation": _invalidation,
}


@pytest.mark.parametrize("name", NOES)
async def test_a_no_voids_what_it_covers_and_tells_it(workspace: Workspace, name: str) -> None:
    anna = await subscriber(workspace)
    used, still = await issue(workspace), await issue(workspace)
    assert used.token is not None and still.token is not None
    assert (await redeem(workspace, used.token)).permitted
    async with workspace.database.begin(CALLER) as session:
        await NOES[name](session, workspace, anna)
        assert [one.id for one in session.voided] == [still.id]
        assert [one.id for one in session.in_flight] == [used.id]
        (voided,) = session.voided
    assert (voided.purpose, voided.channel, voided.expires_at) == ("newsletter", "email", still.expires_at)
    assert (await redeem(workspace, still.token)).reason == "permit.voided"
    assert not (await issue(workspace)).decision.permitted


@pytest.mark.parametrize(
    "no",
    [
        _says(EntryKind.WITHDRAWN, "product-updates", "email"),
        _says(EntryKind.OBJECTED, "*", "*", controller="polana"),
        _says(EntryKind.WITHDRAWN, "order-messages", "sms"),
    ],
)
async def test_a_no_to_something_else_leaves_a_permit_open(workspace: Workspace, no: No) -> None:
    anna = await subscriber(workspace)
    given = await token(workspace)
    async with workspace.database.begin(CALLER) as session:
        await no(session, workspace, anna)
        assert session.voided == []
    assert (await redeem(workspace, given)).permitted


@pytest.mark.parametrize("name", ["object to all marketing", "restriction", "withdraw"])
async def test_what_the_law_owes_a_person_is_not_voided(workspace: Workspace, name: str) -> None:
    anna = await subscriber(workspace)
    letter = await issue(workspace, purpose="request-answers")
    assert letter.token is not None, letter.decision.reason
    async with workspace.database.begin(CALLER) as session:
        await NOES[name](session, workspace, anna)
        assert session.voided == []
    assert (await redeem(workspace, letter.token)).permitted


async def test_a_no_at_one_address_leaves_the_other_ones_permit(workspace: Workspace) -> None:
    anna = await subscriber(workspace, EMAIL, "anna.second@example.test")
    await act(workspace, "email:anna.second@example.test", EntryKind.GRANTED)
    first = await token(workspace)
    second = await issue(workspace, "email:anna.second@example.test")
    assert second.token is not None
    identifier = second.decision.identifier
    async with workspace.database.begin(CALLER) as session:
        entry = replace(_entry(EntryKind.WITHDRAWN), assignment_id=identifier)
        await acts.act(session, workspace.ring, workspace.policies, Reference(anna, None), entry)
        assert [one.id for one in session.voided] == [second.id]
    assert (await redeem(workspace, second.token)).reason == "permit.voided"
    assert (await redeem(workspace, first)).permitted


async def test_who_shares_the_address_says_no_for_its_permits_too(workspace: Workspace) -> None:
    anna = await subscriber(workspace)
    issued = await issue(workspace, anna)
    assert issued.token is not None
    bob = await make(workspace, EMAIL)
    async with workspace.database.begin(CALLER) as session:
        await _one_click(session, workspace, bob)
        assert [one.id for one in session.voided] == [issued.id]
    assert (await redeem(workspace, issued.token)).reason == "permit.voided"


async def test_a_no_of_one_record_voids_the_permits_of_every_record_of_the_person(
    workspace: Workspace,
) -> None:
    anna = await subscriber(workspace)
    other = await make(workspace, "anna.work@example.test")
    async with workspace.database.begin(CALLER) as session:
        await merging.merge(session, workspace.ring, workspace.policies, other, anna, "same passport")
    issued = await issue(workspace, other)
    assert issued.token is not None, issued.decision.reason
    async with workspace.database.begin(CALLER) as session:
        await _says(EntryKind.WITHDRAWN, "newsletter", "email", by="id")(session, workspace, anna)
        assert [one.id for one in session.voided] == [issued.id]
    assert (await redeem(workspace, issued.token)).reason == "permit.voided"


async def test_merging_voids_what_was_open_for_either(workspace: Workspace) -> None:
    anna = await subscriber(workspace)
    other = await make(workspace, "anna.work@example.test")
    issued = await issue(workspace, anna)
    assert issued.token is not None
    async with workspace.database.begin(CALLER) as session:
        done = await merging.merge(session, workspace.ring, workspace.policies, other, anna, "same passport")
    assert [one.id for one in done.permits_voided] == [issued.id]
    assert (await redeem(workspace, issued.token)).reason == "permit.voided"


async def test_what_was_over_or_redeemed_long_ago_is_not_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = await subscriber(workspace)
    await issue(workspace, seconds=0.1)
    assert (await redeem(workspace, await token(workspace))).permitted
    monkeypatch.setattr(standing, "IN_FLIGHT", standing.IN_FLIGHT * 0)
    await asyncio.sleep(0.15)
    async with workspace.database.begin(CALLER) as session:
        await NOES["withdraw"](session, workspace, anna)
        assert (session.voided, session.in_flight) == ([], [])


async def test_the_log_says_how_many_were_voided_and_not_which(workspace: Workspace) -> None:
    anna = await subscriber(workspace)
    issued = await issue(workspace)
    async with logged(workspace) as entries:
        async with workspace.database.begin(CALLER) as session:
            await NOES["withdraw"](session, workspace, anna)
    (entry,) = entries()
    assert entry["detail"]["permits_voided"] == 1
    assert str(issued.id) not in str(entry)


async def test_an_issue_that_comes_with_a_no_is_told_or_refused(workspace: Workspace) -> None:
    """Never a permit that is open after the acknowledgement and was not told: the issue holds the same lock."""
    for number in range(40):
        address = f"p{number}@example.test"
        anna = await subscriber(workspace, address)

        async def no(anna: UUID = anna) -> list[UUID]:
            async def work(session: Session) -> list[UUID]:
                entry = _entry(EntryKind.WITHDRAWN)
                await acts.act(session, workspace.ring, workspace.policies, Reference(anna, None), entry)
                return [one.id for one in session.voided]

            return await workspace.database.run(CALLER, work)

        issued, told = await asyncio.gather(issue(workspace, anna), no())
        assert told == ([issued.id] if issued.id else [])
    async with workspace.database.begin(CALLER) as session:
        assert await standing.open_ones(session, None, 100) == []
