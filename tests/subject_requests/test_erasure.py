"""Erasure: everything of one person goes at once, nothing of anybody else's, and it can be proven."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from registry.audit import export
from registry.audit import queries as log
from registry.audit import service as proofs
from registry.consents.ledger import EntryKind
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import parse_reference, resolve
from registry.contacts.service import AddressErased, NewContact, NewIdentifier
from registry.keys import persons
from registry.kit import clock
from registry.kit.database import Role
from registry.kit.errors import NotFound
from registry.standing import service as standing
from registry.subject_requests import erasure, intake
from tests.persons import CALLER, act, make, reason, sale
from tests.subject_requests.catalog import contact_tables, rows_about

ANNA = "anna.kalnina@example.test"


async def erase(workspace: Any, reference: Any) -> erasure.Erased:
    return await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(reference))
    )


async def lived(workspace: Any, address: str = ANNA, external: str = "C-1") -> Any:
    """A person with something in every table that a service can fill."""
    person = await make(
        workspace, address, external=external, fields={"first_name": "Anna", "city": "Rīga", "locale": "lv"}
    )
    await act(workspace, f"email:{address}", EntryKind.GRANTED, evidence={"ip": "192.0.2.7"})
    await sale(workspace, f"external:{external}", evidence={"order": "4711"})
    await reason(workspace, f"email:{address}")
    return person


@pytest.mark.law("LP-70")
async def test_nothing_is_left_of_the_erased_and_all_of_the_others(workspace: Any) -> None:
    anna, bob = await lived(workspace), await lived(workspace, "bob@example.test", "C-2")
    kept = await rows_about(workspace, bob)
    assert (await rows_about(workspace, anna)).keys() >= {
        "contact", "assignment", "contact_field", "consent_entry", "ground", "decision", "gate_state", "person_key",
        "audit_opening",
    }  # fmt: skip
    done = await erase(workspace, "email:" + ANNA)
    assert done.counts["consent_entry"] == 1
    assert done.counts["assignment"] == done.counts["identifier"] == done.counts["identifier_index"] == 2
    left = await rows_about(workspace, anna)
    assert set(left) == {"gate_row", "erasure"}
    assert await rows_about(workspace, bob) == kept
    async with workspace.database.begin(CALLER) as session:
        keys = await persons.load(session, workspace.ring, [anna, bob])
        assert set(keys) == {bob}
        row = await session.one(
            "SELECT state, restricted_at, restriction FROM gate_row WHERE subject_id = %s", (anna,)
        )
        assert tuple(row) == (1, None, None)
        assert await session.value("SELECT count(*) FROM identifier") == 2
        assert await session.value("SELECT count(*) FROM identifier_index") == 2
    assert await reason(workspace, anna) == "contact.erased"
    assert await reason(workspace, "email:" + ANNA) == "contact.unknown"
    assert await reason(workspace, "external:C-1") == "contact.unknown"
    assert await reason(workspace, "email:bob@example.test") == "permit"


async def test_every_table_that_names_a_person_is_counted(workspace: Any) -> None:
    done = await erase(workspace, await lived(workspace))
    tables = {table for table, _ in await contact_tables(workspace)} - {"erasure", "gate_row"}
    assert tables <= set(done.counts)


async def test_erasing_again_says_so_and_changes_nothing(workspace: Any) -> None:
    anna = await lived(workspace)
    first = await erase(workspace, anna)
    again = await erase(workspace, anna)
    assert again.already and again.id == first.id and again.erased_at == first.erased_at
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM erasure") == 1
    with pytest.raises(NotFound, match=r"contact\.unknown"):
        await erase(workspace, "email:" + ANNA)


async def test_two_who_erase_at_once_do_it_once(workspace: Any) -> None:
    anna = await lived(workspace)
    both = await asyncio.gather(erase(workspace, anna), erase(workspace, anna))
    assert {one.id for one in both} == {both[0].id}
    assert sorted(one.already for one in both) == [False, True]


@pytest.mark.law("LP-73")
async def test_what_stays_is_a_keyed_mac_with_scope_and_date(workspace: Any) -> None:
    anna = await lived(workspace)
    await act(workspace, "email:" + ANNA, EntryKind.WITHDRAWN)
    await erase(workspace, anna)
    async with workspace.database.begin(CALLER) as session:
        (address,) = await session.all("SELECT * FROM address")
        assert address.erased_at is not None
        (refusal,) = await session.all("SELECT * FROM address_refusal")
    assert set(refusal._fields) == {
        "address_id", "id", "controller", "purpose", "channel", "cause", "objection", "acted_at", "recorded_at"
    }  # fmt: skip
    assert refusal.purpose == "newsletter"


@pytest.mark.law("LP-74")
@pytest.mark.parametrize("again", [ANNA, "Anna.Kalnina@EXAMPLE.test", "annakalnina+shop@example.test"])
async def test_an_address_of_the_erased_is_not_taken_up_again_however_it_is_typed(
    workspace: Any, again: str
) -> None:
    await erase(workspace, await lived(workspace))
    with pytest.raises(AddressErased):
        await make(workspace, again)
    assert await reason(workspace, "email:" + again) == "contact.unknown"


async def test_the_person_may_come_back_by_their_own_act(workspace: Any) -> None:
    await erase(workspace, await lived(workspace))
    new = NewContact([NewIdentifier(normalise(Kind.EMAIL, ANNA), by_person=True)], "form", country="LV")
    async with workspace.database.begin(CALLER) as session:
        await contacts.create(session, workspace.ring, workspace.policies, [new])
    # To marketing the address opens by a grant at first hand alone.
    assert await reason(workspace, "email:" + ANNA) == "address.suppressed"
    await act(workspace, "email:" + ANNA, EntryKind.GRANTED)
    assert await reason(workspace, "email:" + ANNA) == "permit"


async def test_the_others_of_a_household_stay_as_they_were(workspace: Any) -> None:
    anna = await make(workspace, ANNA, external="C-1")
    peter = await make(workspace, ANNA, external="C-2")
    assignment = await _assignment(workspace, peter)
    await act(workspace, peter, EntryKind.GRANTED, assignment_id=assignment)
    assert await reason(workspace, peter) == "permit"
    await erase(workspace, anna)
    assert await reason(workspace, peter) == "permit"
    # What comes again about Peter is his; a third person is not let in.
    async with workspace.database.begin(CALLER) as session:
        await contacts.lock(session, [peter])
        again = (peter, NewIdentifier(normalise(Kind.EMAIL, ANNA)), "import")
        assert await contacts.assign(session, workspace.ring, [again]) == [assignment]
    with pytest.raises(AddressErased):
        await make(workspace, ANNA, external="C-3")


@pytest.mark.law("LP-74")
@pytest.mark.parametrize("minutes", [-5, 5])
async def test_what_came_first_does_not_hang_on_a_process_whose_clock_is_wrong(
    workspace: Any, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    wrong = clock.now() + timedelta(minutes=minutes)
    new = NewContact([NewIdentifier(normalise(Kind.EMAIL, ANNA), by_person=True)], "form", country="LV")
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: wrong)
        anna, peter = await lived(workspace), await make(workspace, ANNA, external="C-2")
    await erase(workspace, anna)
    async with workspace.database.begin(CALLER) as session:
        # What the gate reads of him is written anew.
        await contacts.lock(session, [peter])
    assert await reason(workspace, peter) == "consent.missing"
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: wrong)
        async with workspace.database.begin(CALLER) as session:
            (again,) = await contacts.create(session, workspace.ring, workspace.policies, [new])
    assert await reason(workspace, again) == "address.suppressed"


async def _assignment(workspace: Any, person: Any) -> Any:
    async with workspace.database.begin(CALLER) as session:
        return await session.value("SELECT id FROM assignment WHERE contact_id = %s AND kind = 1", (person,))


@pytest.mark.law("LP-80")
async def test_the_erasure_can_be_proven_and_leads_to_nobody(workspace: Any) -> None:
    anna = await lived(workspace)
    done = await erase(workspace, anna)
    # Another test's transaction may hold the horizon of the shared server for a while.
    await export.sealed_through_now(workspace.database, workspace.ring, CALLER)
    async with workspace.database.begin(CALLER) as session:
        rows = await session.all("SELECT id, body FROM audit_entry ORDER BY id")
        assert all(str(anna).encode() not in bytes(row.body) for row in rows)
        (entry,) = (row for row in rows if str(done.id).encode() in bytes(row.body))
        body = json.loads(bytes(entry.body))
        assert body["action"] == "contact.erase"
        assert body["detail"] == {"erasure": str(done.id)}
        evidence = await proofs.prove(session, workspace.ring, entry.id)
        assert evidence.entry == bytes(entry.body)
        assert [row async for row in log.about(session, anna)] == []
        with pytest.raises(NotFound, match=r"opening\.missing"):
            await proofs.prove(session, workspace.ring, entry.id, anna)


async def test_the_journal_has_it_before_it_is_answered_with_ids_and_macs_alone(workspace: Any) -> None:
    anna = await lived(workspace)
    done = await erase(workspace, anna)
    lines = [
        json.loads(line)
        for path in workspace.settings.journal_folder.iterdir()
        for line in path.read_text().splitlines()
    ]
    (line,) = (one for one in lines if one["what"] == "erasure")
    assert line["contact"] == str(anna) and line["erasure"] == str(done.id)
    assert len(line["macs"]) == 1 and len(bytes.fromhex(line["macs"][0])) == 32
    assert not any("anna" in path.read_text().lower() for path in workspace.settings.journal_folder.iterdir())


async def test_it_waits_for_a_message_that_is_being_handed_over(workspace: Any) -> None:
    anna = await lived(workspace)
    async with workspace.database.begin(CALLER) as handing:
        await standing.lock_for_handoff(handing, [anna], [])
        waiting = asyncio.create_task(erase(workspace, anna))
        await asyncio.sleep(0.2)
        assert not waiting.done()
    assert not (await waiting).already


async def test_a_queued_message_goes_with_the_person(workspace: Any) -> None:
    anna = await lived(workspace)
    async with workspace.database.begin(CALLER) as session:
        await session.execute(
            "INSERT INTO message (id, contact_id, purpose, channel, class, state)"
            " VALUES (gen_random_uuid(), %s, 'newsletter', 'email', 'marketing', 'queued')",
            (anna,),
        )
    done = await erase(workspace, anna)
    assert done.counts["message"] == 1


async def test_proof_is_kept_where_the_policy_says_so_and_opens_nothing_else(workspace: Any) -> None:
    anna = await lived(workspace)
    policies = workspace.policies
    proof = next(one for one in policies.retention.values() if one.id == "proof")
    keeping = policies.model_copy(
        update={
            "retention": {**policies.retention, proof.id: proof.model_copy(update={"kept_on_erasure": True})}
        }
    )
    await erasure.erase_person(
        workspace.database, workspace.ring, keeping, CALLER, parse_reference(str(anna))
    )
    from registry.keys.columns import ENTRY_EVIDENCE, KeyClass

    async with workspace.database.begin(CALLER) as session:
        keys = (await persons.load(session, workspace.ring, [anna]))[anna]
        assert [one for one in KeyClass if keys.has(one)] == [KeyClass.PROOF]
        evidence = await session.value("SELECT evidence FROM consent_entry WHERE contact_id = %s", (anna,))
        assert json.loads(keys.open(ENTRY_EVIDENCE, bytes(evidence))) == {"ip": "192.0.2.7"}
    assert await reason(workspace, anna) == "contact.erased"


async def test_an_address_that_several_have_names_nobody_to_erase(workspace: Any) -> None:
    await make(workspace, ANNA, external="C-1")
    await make(workspace, ANNA, external="C-2")
    with pytest.raises(Exception, match=r"contact\.ambiguous"):
        await erase(workspace, "email:" + ANNA)


async def test_the_application_role_cannot_erase(workspace: Any) -> None:
    anna = await lived(workspace)
    with pytest.raises(Exception, match="permission denied"):
        async with workspace.database.begin(CALLER) as session:
            await erasure.erase(session, workspace.ring, workspace.policies, parse_reference(str(anna)))
    async with workspace.database.begin(CALLER) as session:
        assert await resolve(session, workspace.ring, parse_reference("email:" + ANNA)) == [anna]


async def test_an_erased_id_says_so_to_other_requests(workspace: Any) -> None:
    anna = await lived(workspace)
    await erase(workspace, anna)
    async with workspace.database.begin(CALLER, Role.RETENTION) as session:
        with pytest.raises(intake.ContactErased):
            await intake.person(session, workspace.ring, parse_reference(str(anna)))
