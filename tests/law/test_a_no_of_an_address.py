"""The "no" of an address binds whoever has it, whatever the class; an objection is lifted at first hand alone."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.policy.model import Basis, Grade, PurposeClass
from tests.exchange.files import mailchimp, row
from tests.exchange.loading import load_rows
from tests.merging import people
from tests.persons import CALLER, act, check, make, reason, sale

ANNA = "anna@example.test"
BY_ADDRESS = f"email:{ANNA}"


def changed(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, purpose: str, **update: Any) -> Workspace:
    """The same installation with one purpose that says something else."""
    purposes = dict(workspace.policies.purposes)
    purposes[purpose] = purposes[purpose].model_copy(update=update)
    told = workspace.policies.model_copy(update={"purposes": purposes})
    monkeypatch.setattr("tests.installation.policies", lambda: told)
    return replace(workspace, policies=told)


async def loaded(workspace: Workspace, folder: Path, **record: str) -> None:
    folder.mkdir()
    mapping = mailchimp(fields={"first_name": "First Name"})
    await load_rows(workspace, folder, mapping, subscribed=[row(ANNA, **record)])


async def unheld(workspace: Workspace, kind: EntryKind, purpose: str) -> None:
    """A "no" by an address that nobody has here: there is no entry, only the address's."""
    with pytest.raises(IndexError):
        await act(workspace, BY_ADDRESS, kind, purpose)


@pytest.mark.law("LP-22")
@pytest.mark.parametrize("class_", [PurposeClass.SERVICE, PurposeClass.REQUESTED])
async def test_a_file_revives_no_consent_that_an_address_took_back(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, class_: PurposeClass
) -> None:
    now = changed(workspace, monkeypatch, "newsletter", class_=class_)
    await unheld(now, EntryKind.WITHDRAWN, "newsletter")
    await loaded(now, tmp_path / "older", id="C1")
    assert await reason(now, "external:C1") == "address.suppressed"


@pytest.mark.law("LP-23")
async def test_a_second_record_revives_no_consent_that_is_no_marketing(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = changed(workspace, monkeypatch, "newsletter", class_=PurposeClass.SERVICE)
    await loaded(now, tmp_path / "first", id="C1")
    assert await reason(now, "external:C1") == "permit"
    await act(now, BY_ADDRESS, EntryKind.WITHDRAWN)
    await loaded(now, tmp_path / "second", id="C2")
    assert await reason(now, "external:C2") == "address.suppressed"


@pytest.mark.parametrize("basis", [Basis.LEGITIMATE_INTERESTS, Basis.PUBLIC_TASK])
async def test_an_objection_of_an_address_stops_an_interest_that_is_no_marketing(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, basis: Basis
) -> None:
    now = changed(workspace, monkeypatch, "product-updates", class_=PurposeClass.SERVICE, basis=basis)
    await unheld(now, EntryKind.OBJECTED, "product-updates")
    person = await make(now, ANNA)
    assert await reason(now, person, "product-updates") == "address.suppressed"


@pytest.mark.law("LP-19")
async def test_an_address_that_wants_no_marketing_gets_its_service(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = changed(workspace, monkeypatch, "product-updates", class_=PurposeClass.SERVICE)
    with pytest.raises(IndexError):
        await act(now, BY_ADDRESS, EntryKind.OBJECTED, "*", "*", controller="nordwind")
    person = await make(now, ANNA)
    assert await reason(now, person, "product-updates") == "permit"


@pytest.mark.law("LP-23")
@pytest.mark.parametrize("purpose", ["newsletter", "product-updates"])
@pytest.mark.parametrize("said", ["newsletter", "*"])
async def test_an_objection_by_one_record_is_lifted_by_no_file_for_another(
    workspace: Workspace, purpose: str, said: str
) -> None:
    await make(workspace, ANNA, external="C1")
    about = purpose if said == "newsletter" else "*"
    await act(workspace, "external:C1", EntryKind.OBJECTED, about, "*", controller="nordwind")
    await make(workspace, "an.na+shop@example.test", external="C2")
    held = (await check(workspace, "external:C2", purpose)).identifier
    assert await reason(workspace, "external:C2", purpose) == "address.suppressed"
    await act(workspace, "external:C2", EntryKind.GRANTED, purpose, grade=Grade.ATTESTED, assignment_id=held)
    assert await reason(workspace, "external:C2", purpose) == "address.suppressed"
    await act(workspace, "external:C2", EntryKind.GRANTED, purpose, assignment_id=held)
    assert await reason(workspace, "external:C2", purpose) == "permit"


async def test_a_withdrawal_by_one_record_is_lifted_by_a_later_yes_for_another(workspace: Workspace) -> None:
    await make(workspace, ANNA, external="C1")
    await act(workspace, "external:C1", EntryKind.WITHDRAWN, channel="*")
    await make(workspace, "an.na+shop@example.test", external="C2")
    held = (await check(workspace, "external:C2")).identifier
    assert await reason(workspace, "external:C2") == "address.suppressed"
    await act(workspace, "external:C2", EntryKind.GRANTED, grade=Grade.ATTESTED, assignment_id=held)
    assert await reason(workspace, "external:C2") == "permit"


@pytest.mark.law("LP-23")
@pytest.mark.parametrize("kind", [EntryKind.OBJECTED, EntryKind.WITHDRAWN])
async def test_an_objection_of_an_address_goes_along_as_one(workspace: Workspace, kind: EntryKind) -> None:
    await unheld(workspace, kind, "newsletter")
    person = await make(workspace, ANNA)
    assert await reason(workspace, person) == "address.suppressed"
    await people.change(workspace, person, BY_ADDRESS, "email:new@example.test")
    async with workspace.database.begin(CALLER) as session:
        carried = await session.value("SELECT kind FROM consent_entry WHERE contact_id = %s", (person,))
        kept = await session.all("SELECT objection FROM address_refusal ORDER BY recorded_at")
    assert EntryKind(carried) is kind
    assert [one.objection for one in kept] == [kind is EntryKind.OBJECTED] * 2


@pytest.mark.law("LP-33")
async def test_a_yes_that_was_lifted_at_an_old_address_lifts_nothing_at_the_new_one(
    workspace: Workspace,
) -> None:
    """Product letters rest on an interest: what lifted the objection was a consent, and that stays where it was."""
    person = await make(workspace, ANNA)
    held: UUID | None = (await check(workspace, person, "product-updates")).identifier
    await act(workspace, person, EntryKind.OBJECTED, "product-updates", assignment_id=held)
    await act(workspace, BY_ADDRESS, EntryKind.GRANTED, "product-updates")
    assert await reason(workspace, person, "product-updates") == "permit"
    await people.change(workspace, person, BY_ADDRESS, "email:new@example.test")
    await sale(workspace, "email:new@example.test")
    assert await reason(workspace, person, "product-updates") == "purpose.objected"
