"""Records that are merged are one person with the "no" of all; parted, each goes on with the "no" of both (LP-23)."""

import pytest

from registry.access.workspace import Workspace
from registry.audit import queries as log
from registry.consents import projection
from registry.consents.ledger import EntryKind
from registry.consents.merging import MergedAlready, MergeUndone, MergeUnknown
from registry.gate import service as gate
from registry.kit.errors import Misuse, NotFound
from registry.kit.ids import new_id
from registry.policy.model import Grade
from registry.subject_requests import erasure, package
from tests import persons
from tests.merging import people
from tests.persons import CALLER, act, check, make, reason

GRANTED, WITHDRAWN = EntryKind.GRANTED, EntryKind.WITHDRAWN


async def test_a_yes_survives_a_merge_with_a_record_that_says_nothing(workspace: Workspace) -> None:
    one, other = await make(workspace, "jan@example.org"), await make(workspace, "jan.k@example.com")
    await act(workspace, "email:jan@example.org", GRANTED)
    await people.merge(workspace, other, one)
    assert await reason(workspace, other) == "permit"
    assert await reason(workspace, one) == "permit"
    assert await reason(workspace, "email:jan@example.org") == "permit"
    assert await reason(workspace, "email:jan.k@example.com") == "consent.missing"


@pytest.mark.law("LP-23")
@pytest.mark.parametrize("kind", [WITHDRAWN, EntryKind.OBJECTED, EntryKind.REFUSED])
@pytest.mark.parametrize("survivor", ["yes", "no"])
async def test_a_no_of_either_ends_the_yes_of_the_other_whatever_the_dates(
    workspace: Workspace, kind: EntryKind, survivor: str
) -> None:
    said_no, said_yes = await make(workspace, "old@example.org"), await make(workspace, "new@example.org")
    await act(workspace, said_no, kind)
    await act(workspace, "email:new@example.org", GRANTED)
    assert await reason(workspace, said_yes) == "permit"
    surviving, merged = (said_yes, said_no) if survivor == "yes" else (said_no, said_yes)
    await people.merge(workspace, surviving, merged)
    expected = {
        WITHDRAWN: "consent.withdrawn",
        EntryKind.OBJECTED: "purpose.objected",
        EntryKind.REFUSED: "consent.refused",
    }[kind]
    for reference in (said_no, said_yes, "email:new@example.org"):
        assert await reason(workspace, reference) == expected


@pytest.mark.law("LP-22")
async def test_an_import_after_the_merge_revives_nothing(workspace: Workspace) -> None:
    one = await make(workspace, "a@example.org", external="E1")
    other = await make(workspace, "b@example.org", external="E2")
    await act(workspace, one, WITHDRAWN, "*", "*", controller="nordwind")
    await people.merge(workspace, one, other)
    held = await people.assignment(workspace, other, "email:b@example.org")
    await act(
        workspace,
        "external:E2",
        GRANTED,
        grade=Grade.ATTESTED,
        assignment_id=held,
        acted_at=persons.at("2026-10-01"),
        act="imported",
    )
    assert await reason(workspace, other) == "consent.withdrawn"


async def test_a_person_is_counted_once_and_asked_about_by_every_reference(workspace: Workspace) -> None:
    one = await make(workspace, "a@example.org", external="E1")
    other = await make(workspace, "b@example.org", external="E2")
    await act(workspace, "email:b@example.org", GRANTED)
    await people.merge(workspace, one, other)
    async with workspace.database.begin(CALLER) as session:
        counts = await gate.bulk(session, workspace.ring, workspace.policies, "newsletter", "email")
    assert counts == {"permit": 1}
    for reference in ("external:E1", "external:E2", str(one), str(other), "email:b@example.org"):
        assert await reason(workspace, reference) == "permit"


async def test_two_records_of_one_address_are_one_person_there_and_no_longer_ambiguous(
    workspace: Workspace,
) -> None:
    one, other = await make(workspace, "same@example.org"), await make(workspace, "same@example.org")
    held = await people.assignment(workspace, other, "email:same@example.org")
    await act(workspace, other, GRANTED, assignment_id=held)
    assert await reason(workspace, "email:same@example.org") == "contact.ambiguous"
    await people.merge(workspace, one, other)
    assert await reason(workspace, "email:same@example.org") == "permit"
    assert len(await people.resolved(workspace, "email:same@example.org")) == 1
    await act(workspace, "email:same@example.org", WITHDRAWN)
    assert await reason(workspace, one) != "permit"
    assert await reason(workspace, other) != "permit"


@pytest.mark.law("LP-23")
async def test_parting_keeps_the_no_with_both_and_each_yes_with_its_address(workspace: Workspace) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await act(workspace, one, WITHDRAWN)
    await act(workspace, "email:b@example.org", GRANTED)
    await act(workspace, "email:b@example.org", GRANTED, "product-updates")
    merge = await people.merge(workspace, one, other)
    done = await people.unmerge(workspace, merge.id)
    assert done.carried == 1
    assert await reason(workspace, one) == "consent.withdrawn"
    assert await reason(workspace, other) == "consent.withdrawn"
    assert await reason(workspace, other, "product-updates") == "permit"
    assert await reason(workspace, one, "product-updates") != "permit"


async def test_a_no_recorded_while_merged_stays_with_both_and_a_yes_with_the_one_that_has_the_address(
    workspace: Workspace,
) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    merge = await people.merge(workspace, one, other)
    held = await people.assignment(workspace, other, "email:b@example.org")
    recorded = await act(workspace, one, GRANTED, assignment_id=held)
    assert recorded.contact_id == other
    await act(workspace, one, EntryKind.OBJECTED, "product-updates")
    await people.unmerge(workspace, merge.id)
    assert await reason(workspace, other) == "permit"
    assert await reason(workspace, one) == "consent.missing"
    for record in (one, other):
        assert await reason(workspace, record, "product-updates") == "purpose.objected"


@pytest.mark.law("LP-23")
async def test_merging_and_parting_launders_nothing_and_a_later_yes_counts_again(
    workspace: Workspace,
) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await act(workspace, "email:b@example.org", GRANTED)
    await act(workspace, one, WITHDRAWN)
    for _ in range(2):
        merge = await people.merge(workspace, other, one)
        await people.unmerge(workspace, merge.id)
    assert await reason(workspace, other) == "consent.withdrawn"
    await act(workspace, "email:b@example.org", GRANTED)
    assert await reason(workspace, other) == "permit"
    assert await reason(workspace, one) == "consent.withdrawn"


async def test_merges_chain_and_part_in_any_order(workspace: Workspace) -> None:
    first, second, third = [await make(workspace, f"{name}@example.org") for name in "abc"]
    await act(workspace, "email:c@example.org", GRANTED)
    inner = await people.merge(workspace, second, third)
    outer = await people.merge(workspace, first, third)
    assert outer.records == [first, second, third]
    assert await reason(workspace, first) == "permit"
    await act(workspace, first, EntryKind.OBJECTED)
    done = await people.unmerge(workspace, inner.id)
    assert done.surviving == [first, second]
    assert done.merged == [third]
    for record in (first, second, third):
        assert await reason(workspace, record) == "purpose.objected"
    await people.unmerge(workspace, outer.id)
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM gate_row WHERE merged_into IS NOT NULL") == 0


async def test_the_gates_rows_are_the_same_when_they_are_made_anew(workspace: Workspace) -> None:
    one, other = (
        await make(workspace, "a@example.org", "s@example.org"),
        await make(workspace, "b@example.org", "s@example.org"),
    )
    await act(workspace, "email:b@example.org", GRANTED)
    await act(workspace, one, EntryKind.OBJECTED, "product-updates")
    await people.merge(workspace, one, other)

    async def rows() -> list[tuple[object, ...]]:
        async with workspace.database.begin(CALLER) as session:
            found = await session.all("SELECT * FROM gate_state")
        return sorted(map(tuple, found), key=repr)

    before = await rows()
    assert {row[0] for row in before} == {one}
    await projection.rebuild(workspace.database, CALLER, chunk=1)
    assert await rows() == before


async def test_what_cannot_be_merged_or_parted_is_refused_by_its_name(workspace: Workspace) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    with pytest.raises(Misuse, match=r"contact\.same"):
        await people.merge(workspace, one, one)
    with pytest.raises(NotFound, match=r"contact\.unknown"):
        await people.merge(workspace, one, new_id())
    merge = await people.merge(workspace, one, other)
    with pytest.raises(MergedAlready):
        await people.merge(workspace, other, one)
    await people.unmerge(workspace, merge.id)
    with pytest.raises(MergeUndone):
        await people.unmerge(workspace, merge.id)
    with pytest.raises(MergeUnknown):
        await people.unmerge(workspace, new_id())


@pytest.mark.law("LP-70")
async def test_erasing_a_merged_person_erases_every_record(workspace: Workspace) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await people.merge(workspace, one, other)
    done = await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, people.parse_reference(str(other))
    )
    assert done.contact_id == one
    for record in (one, other):
        decision = await check(workspace, record)
        assert decision.reason == "contact.erased"
    async with workspace.database.begin(CALLER) as session:
        for table in ("contact", "assignment", "person_key", "contact_merge", "gate_state"):
            assert await session.value(f"SELECT count(*) FROM {table}") == 0, table


async def test_the_package_of_a_merged_person_holds_every_record(workspace: Workspace) -> None:
    one = await make(workspace, "a@example.org", fields={"first_name": "Anna"})
    other = await make(workspace, "b@example.org", fields={"first_name": "Ania"})
    merge = await people.merge(workspace, one, other)
    async with workspace.database.begin(CALLER) as session:
        made = await package.make(
            session, workspace.ring, workspace.policies, people.parse_reference("email:b@example.org")
        )
    assert made["contact"] == str(one)
    assert made["data"]["contacts"]["identifiers"][0]["value"] == "a@example.org"
    (merged,) = made["merged"]
    assert merged["contact"] == str(other)
    assert merged["data"]["contacts"]["identifiers"][0]["value"] == "b@example.org"
    assert made["data"]["consents"]["merges"][0]["id"] == str(merge.id)


async def test_merging_and_parting_leave_entries_in_the_log_that_name_nobody(workspace: Workspace) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    merge = await people.merge(workspace, one, other)
    await people.unmerge(workspace, merge.id)
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT body FROM audit_entry ORDER BY id")
    told = [bytes(row.body).decode() for row in rows]
    assert sum('"contact.merge"' in text for text in told) == 1
    assert sum('"contact.unmerge"' in text for text in told) == 1
    assert not any(str(person) in text for text in told for person in (one, other))
    assert log is not None
