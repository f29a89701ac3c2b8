"""A restriction of one record is the person's when records are merged, since when it began, and stays with both."""

from uuid import UUID

import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.standing import service as standing
from registry.subject_requests import restriction
from tests.merging import people
from tests.persons import CALLER, act, make, reason

GRANTED = EntryKind.GRANTED


async def restrict(workspace: Workspace, person: UUID) -> None:
    async with workspace.database.begin(CALLER) as session:
        await standing.lock(session, [person])
        await standing.restrict(session, person, "accuracy")


async def test_a_restriction_of_either_holds_for_the_person_and_after_parting_for_both(
    workspace: Workspace,
) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await act(workspace, "email:b@example.org", GRANTED)
    await restrict(workspace, one)
    merge = await people.merge(workspace, other, one)
    assert await reason(workspace, other) == "contact.restricted"
    await people.unmerge(workspace, merge.id)
    assert await reason(workspace, other) == "contact.restricted"
    merge = await people.merge(workspace, other, one)
    async with workspace.database.begin(CALLER) as session:
        await restriction.lift(session, workspace.ring, people.parse_reference(str(one)))
    assert await reason(workspace, other) == "permit"


@pytest.mark.parametrize("turned", [False, True])
async def test_a_yes_given_since_the_restriction_counts_after_a_merge_as_it_would_have_for_one_record(
    workspace: Workspace, turned: bool
) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await act(workspace, "email:b@example.org", GRANTED, "product-updates")
    await restrict(workspace, one)
    await act(workspace, "email:b@example.org", GRANTED)
    merge = await people.merge(workspace, *((one, other) if turned else (other, one)))
    for _ in range(2):
        assert await reason(workspace, "email:b@example.org") == "permit"
        assert await reason(workspace, "email:b@example.org", "product-updates") == "contact.restricted"
        await people.unmerge(workspace, merge.id)
        assert await reason(workspace, "email:b@example.org") == "permit"
        assert await reason(workspace, "email:b@example.org", "product-updates") == "contact.restricted"
        merge = await people.merge(workspace, one, other)
    async with workspace.database.begin(CALLER) as session:
        began = await session.all(
            "SELECT DISTINCT restricted_at FROM gate_row WHERE subject_id IN (%s, %s)", (one, other)
        )
        # Taken over once, whatever came after.
        assert await session.value("SELECT count(*) FROM restriction") == 2
    assert len(began) == 1


async def test_of_two_restrictions_the_later_holds_for_both_and_goes_on_after_parting(
    workspace: Workspace,
) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await restrict(workspace, other)
    await act(workspace, "email:b@example.org", GRANTED)
    assert await reason(workspace, other) == "permit"
    await restrict(workspace, one)
    merge = await people.merge(workspace, other, one)
    assert await reason(workspace, other) == "contact.restricted"
    await people.unmerge(workspace, merge.id)
    assert await reason(workspace, other) == "contact.restricted"
    async with workspace.database.begin(CALLER) as session:
        await restriction.lift(session, workspace.ring, people.parse_reference(str(other)))
    assert await reason(workspace, other) == "permit"


async def test_a_restriction_begins_for_all_records_at_one_instant(workspace: Workspace) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await people.merge(workspace, one, other)
    await restrict(workspace, one)
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all(
            "SELECT g.restricted_at AS stands, r.restricted_at AS recorded FROM gate_row g"
            " JOIN restriction r ON r.contact_id = g.subject_id WHERE g.subject_id IN (%s, %s)",
            (one, other),
        )
    assert len(rows) == 2
    assert len({at for row in rows for at in (row.stands, row.recorded)}) == 1
