"""What was taken away does not come back by a second record, a second file, a second restriction or an erasure."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import parse_reference
from registry.contacts.service import NewContact, NewIdentifier
from registry.kit.journal import FileJournal
from registry.policy.model import Grade
from registry.standing import service as standing
from registry.subject_requests import erasure
from tests.exchange.files import row
from tests.exchange.loading import load_rows
from tests.persons import CALLER, act, check, make, reason, sale

ANNA = "anna@example.test"
BY_ADDRESS = f"email:{ANNA}"


async def restrict(workspace: Workspace, person: Any) -> None:
    async with workspace.database.begin(CALLER) as session:
        await contacts.lock(session, [person])
        await standing.restrict(session, person, "accuracy")


async def test_a_further_restriction_counts_against_what_was_allowed_since(workspace: Workspace) -> None:
    person = await make(workspace, ANNA)
    await act(workspace, BY_ADDRESS, EntryKind.GRANTED)
    await restrict(workspace, person)
    assert await reason(workspace, person) == "contact.restricted"
    await act(workspace, BY_ADDRESS, EntryKind.GRANTED)
    assert await reason(workspace, person) == "permit"
    await restrict(workspace, person)
    assert await reason(workspace, person) == "contact.restricted"


async def test_a_grant_that_ran_ahead_of_our_clock_does_not_outlive_a_restriction(
    workspace: Workspace,
) -> None:
    person = await make(workspace, ANNA)
    await act(workspace, BY_ADDRESS, EntryKind.GRANTED, acted_at=datetime.now(UTC) + timedelta(seconds=4))
    await restrict(workspace, person)
    assert await reason(workspace, person) == "contact.restricted"


@pytest.mark.law("LP-74")
async def test_an_erased_address_that_is_made_anew_takes_no_old_yes(
    workspace: Workspace, tmp_path: Path
) -> None:
    await load_rows(workspace, tmp_path, subscribed=[row(ANNA, id="C1")])
    assert await reason(workspace, BY_ADDRESS) == "permit"
    reference = parse_reference("external:C1")
    await erasure.erase_person(workspace.database, workspace.ring, workspace.policies, CALLER, reference)
    again = NewContact([NewIdentifier(normalise(Kind.EMAIL, ANNA), by_person=True)], "shop", country="LV")
    async with workspace.database.begin(CALLER) as session:
        await contacts.create(session, workspace.ring, workspace.policies, [again])
    await load_rows(workspace, tmp_path, subscribed=[row(ANNA)])
    assert await reason(workspace, BY_ADDRESS) == "address.suppressed"
    await act(workspace, BY_ADDRESS, EntryKind.GRANTED)
    assert await reason(workspace, BY_ADDRESS) == "permit"


@pytest.mark.law("LP-22")
async def test_another_file_with_an_undated_no_is_heard_and_the_same_file_is_not_twice(
    workspace: Workspace, tmp_path: Path
) -> None:
    first = [row(ANNA, id="C1", UNSUB_TIME="")]
    await load_rows(workspace, tmp_path, unsubscribed=first)
    assert await reason(workspace, BY_ADDRESS) == "address.suppressed"
    await act(workspace, BY_ADDRESS, EntryKind.GRANTED)
    await load_rows(workspace, tmp_path, unsubscribed=first)
    assert await reason(workspace, BY_ADDRESS) == "permit"
    await load_rows(workspace, tmp_path, unsubscribed=[*first, row("b@example.test")])
    assert await reason(workspace, BY_ADDRESS) == "address.suppressed"


@pytest.mark.law("LP-22")
@pytest.mark.law("LP-23")
async def test_a_no_by_id_holds_for_a_second_record_of_the_person(
    workspace: Workspace, tmp_path: Path
) -> None:
    await load_rows(workspace, tmp_path, subscribed=[row(ANNA, id="C1")])
    await act(workspace, "external:C1", EntryKind.WITHDRAWN)
    assert await reason(workspace, "external:C1") == "consent.withdrawn"
    await load_rows(workspace, tmp_path, subscribed=[row(ANNA, id="C2", OPTIN_TIME="2025-02-02 10:00:00")])
    assert await reason(workspace, "external:C2") == "address.suppressed"
    # A yes that was said after the no counts for whoever said it.
    held = (await check(workspace, "external:C2")).identifier
    await act(workspace, "external:C2", EntryKind.GRANTED, grade=Grade.ATTESTED, assignment_id=held)
    assert await reason(workspace, "external:C2") == "permit"
    assert await reason(workspace, "external:C1") == "consent.withdrawn"


@pytest.mark.law("LP-22")
async def test_a_no_from_an_address_that_nobody_has_waits_for_it(
    workspace: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(IndexError):  # nothing was entered for anybody
        await act(workspace, BY_ADDRESS, EntryKind.OBJECTED, "newsletter")
    await load_rows(workspace, tmp_path, subscribed=[row(ANNA, id="C1")])
    assert await reason(workspace, BY_ADDRESS) == "address.suppressed"


async def test_an_invalidated_grant_lifted_nothing(workspace: Workspace) -> None:
    person = await make(workspace, ANNA)
    await sale(workspace, BY_ADDRESS)
    await act(workspace, person, EntryKind.OBJECTED, "product-updates")
    lifting = await act(workspace, BY_ADDRESS, EntryKind.GRANTED, "product-updates")
    assert await reason(workspace, person, "product-updates") == "permit"
    await act(workspace, BY_ADDRESS, EntryKind.INVALIDATED, "product-updates", refers_to=lifting.id)
    assert await reason(workspace, person, "product-updates") == "purpose.objected"


async def test_nobody_is_told_that_a_journal_was_written_which_was_not(tmp_path: Path) -> None:
    journal = FileJournal(tmp_path / "journal")
    await journal([{"what": "first"}])
    write = journal._write

    def full(records: list[dict[str, Any]]) -> None:
        raise OSError(28, "No space left on device")

    journal._write = full  # type: ignore[method-assign]
    told = await asyncio.gather(*(journal([{"what": str(n)}]) for n in range(5)), return_exceptions=True)
    assert all(isinstance(one, OSError) for one in told)
    journal._write = write  # type: ignore[method-assign]
    leaving = asyncio.create_task(journal([{"what": "cancelled"}]))
    staying = asyncio.create_task(journal([{"what": "staying"}]))
    await asyncio.sleep(0)
    leaving.cancel()
    await staying
    text = "".join(path.read_text() for path in journal.folder.iterdir())
    assert "staying" in text


@pytest.mark.law("LP-78")
@pytest.mark.parametrize("address", [ANNA, "AN.NA+shop@example.test"])
async def test_a_restriction_does_not_end_by_being_recorded_twice(workspace: Workspace, address: str) -> None:
    person = await make(workspace, ANNA)
    await act(workspace, BY_ADDRESS, EntryKind.GRANTED)
    await restrict(workspace, person)
    other = NewContact([NewIdentifier(normalise(Kind.EMAIL, address))], "shop", country="LV")
    async with workspace.database.begin(CALLER) as session:
        (second,) = await contacts.create(session, workspace.ring, workspace.policies, [other])
    assert isinstance(second, UUID)
    assert await reason(workspace, second) == "contact.restricted"
    assert await reason(workspace, second, "product-updates") == "contact.restricted"


@pytest.mark.law("LP-74")
@pytest.mark.parametrize("first", ["anna@gmail.com", "an.na+news@googlemail.com"])
async def test_one_providers_two_names_are_one_mailbox(workspace: Workspace, first: str) -> None:
    await make(workspace, first)
    await act(workspace, f"email:{first}", EntryKind.OBJECTED)
    again = "a.nna@googlemail.com" if first.endswith("@gmail.com") else "anna@gmail.com"
    second = await make(workspace, again)
    assert await reason(workspace, second) in ("address.suppressed", "purpose.objected")
