"""An address changes: grants end with the old one, every no goes along, and the new one is nobody's until verified."""

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.contacts.service import AddressErased
from registry.kit.errors import Misuse, NotFound
from registry.kit.ids import new_id
from registry.policy.model import Grade
from registry.subject_requests import erasure
from tests import persons
from tests.merging import people
from tests.persons import CALLER, act, make, reason

OLD, NEW = "email:old@example.org", "email:new@example.org"


@pytest.mark.law("LP-23")
async def test_no_consent_passes_to_the_new_address_and_it_is_not_verified(workspace: Workspace) -> None:
    person = await make(workspace, "old@example.org")
    await act(workspace, OLD, EntryKind.GRANTED)
    done = await people.change(workspace, person, OLD, NEW)
    assert await reason(workspace, person) == "consent.missing"
    assert await reason(workspace, OLD) == "contact.unknown"
    assert await reason(workspace, NEW) == "consent.missing"
    async with workspace.database.begin(CALLER) as session:
        row = await session.one(
            "SELECT verified_at, valid_to FROM assignment WHERE id = %s", (done.identifier,)
        )
        ended = await session.value("SELECT valid_to FROM assignment WHERE id = %s", (done.ended[0],))
    assert (row.verified_at, row.valid_to) == (None, None)
    assert ended is not None


@pytest.mark.law("LP-23")
@pytest.mark.parametrize("reference", [OLD, "person"])
async def test_no_resubscription_by_a_change_of_address(workspace: Workspace, reference: str) -> None:
    person = await make(workspace, "old@example.org")
    await act(workspace, str(person) if reference == "person" else OLD, EntryKind.WITHDRAWN)
    await people.change(workspace, person, OLD, NEW)
    assert await reason(workspace, NEW) == "consent.withdrawn"
    held = await people.assignment(workspace, person, NEW)
    await act(
        workspace,
        person,
        EntryKind.GRANTED,
        grade=Grade.ATTESTED,
        assignment_id=held,
        acted_at=persons.at("2026-01-01"),
        act="imported",
    )
    assert await reason(workspace, NEW) == "consent.withdrawn"
    await act(workspace, NEW, EntryKind.GRANTED)
    assert await reason(workspace, NEW) == "permit"


@pytest.mark.law("LP-23")
async def test_what_somebody_else_refused_at_the_old_address_goes_along_too(workspace: Workspace) -> None:
    one, other = await make(workspace, "old@example.org"), await make(workspace, "old@example.org")
    # The household's "no": it binds both, and is the address's.
    await act(workspace, OLD, EntryKind.OBJECTED, "product-updates")
    await people.change(workspace, one, OLD, NEW)
    await persons.sale(workspace, NEW)
    assert await reason(workspace, one, "product-updates") == "purpose.objected"
    assert await reason(workspace, other, "product-updates") != "permit"


async def test_the_other_addresses_of_the_person_stay_as_they_were(workspace: Workspace) -> None:
    person = await make(workspace, "old@example.org", "kept@example.org")
    await act(workspace, "email:kept@example.org", EntryKind.GRANTED)
    held = await people.assignment(workspace, person, OLD)
    await act(workspace, person, EntryKind.WITHDRAWN, assignment_id=held)
    await people.change(workspace, person, OLD, NEW)
    assert await reason(workspace, "email:kept@example.org") == "permit"
    assert await reason(workspace, NEW) == "consent.withdrawn"


@pytest.mark.law("LP-22")
async def test_a_record_made_twice_of_the_new_address_is_bound_as_well(workspace: Workspace) -> None:
    person = await make(workspace, "old@example.org")
    await act(workspace, OLD, EntryKind.WITHDRAWN)
    await people.change(workspace, person, OLD, NEW)
    twin = await make(workspace, "new@example.org")
    held = await people.assignment(workspace, twin, NEW)
    await act(
        workspace,
        twin,
        EntryKind.GRANTED,
        grade=Grade.ATTESTED,
        assignment_id=held,
        acted_at=persons.at("2026-01-01"),
        act="imported",
    )
    assert await reason(workspace, twin) == "address.suppressed"


async def test_in_every_record_of_a_merged_person(workspace: Workspace) -> None:
    one, other = await make(workspace, "old@example.org"), await make(workspace, "old@example.org")
    held = await people.assignment(workspace, other, OLD)
    await act(workspace, other, EntryKind.WITHDRAWN, assignment_id=held)
    await people.merge(workspace, one, other)
    done = await people.change(workspace, one, OLD, NEW)
    assert len(done.ended) == 2
    assert await reason(workspace, NEW) == "consent.withdrawn"
    assert await people.resolved(workspace, OLD) == []


async def test_what_cannot_change_is_refused_by_its_name(workspace: Workspace) -> None:
    person = await make(workspace, "old@example.org", external="E1")
    with pytest.raises(Misuse, match=r"identifier\.unchanged"):
        await people.change(workspace, person, OLD, "email:OLD@example.org")
    with pytest.raises(Misuse, match=r"identifier\.not_an_address"):
        await people.change(workspace, person, "external:E1", "external:E2")
    with pytest.raises(NotFound, match=r"identifier\.unknown"):
        await people.change(workspace, person, NEW, OLD)
    with pytest.raises(NotFound):
        await people.change(workspace, new_id(), OLD, NEW)


async def test_to_an_address_that_somebody_was_erased_from_the_persons_own_word_leads(
    workspace: Workspace,
) -> None:
    gone, person = await make(workspace, "new@example.org"), await make(workspace, "old@example.org")
    await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(gone))
    )
    with pytest.raises(AddressErased):
        await people.change(workspace, person, OLD, NEW)
    await people.change(workspace, person, OLD, NEW, by_person=True)
    assert await people.resolved(workspace, NEW) == [person]


async def test_back_to_the_first_address_nothing_is_revived(workspace: Workspace) -> None:
    person = await make(workspace, "old@example.org")
    await act(workspace, OLD, EntryKind.GRANTED)
    await people.change(workspace, person, OLD, NEW)
    await people.change(workspace, person, NEW, OLD)
    assert await reason(workspace, person) == "consent.missing"
