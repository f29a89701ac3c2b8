"""Appending: one entry in the caller's transaction, tied to persons only by what can be erased."""

import json
from uuid import UUID

import psycopg
import pytest

from registry.audit import commitments, entries, export, queries, sealer, service, subject
from registry.keys import persons
from registry.keys.persons import PersonKeys
from registry.kit.caller import Caller
from registry.kit.database import Role
from registry.kit.errors import NotFound, Refused, Unavailable
from registry.kit.ids import new_id


async def body_of(session, entry_id):
    return bytes(await session.value("SELECT body FROM audit_entry WHERE id = %s", (entry_id,)))


async def people(session, ring, count) -> list[UUID]:
    ids = [new_id() for _ in range(count)]
    await persons.create(session, ring, ids)
    return ids


async def test_an_entry_says_who_when_why_and_what_kind(session, ring):
    (person,) = await people(session, ring, 1)
    entry_id = await entries.append(
        session, ring, "contact.read", subjects=[person], kinds=["email"], detail={"count": 1}
    )
    raw = await body_of(session, entry_id)
    said = json.loads(raw)
    assert said["action"] == "contact.read"
    assert (said["actor"], said["purpose"], said["reason"]) == ("operator", "operation", "test")
    assert said["request"] == session.caller.request_id
    assert said["kinds"] == ["email"]
    assert said["detail"] == {"count": 1}
    recorded = await session.value("SELECT recorded_at FROM audit_entry WHERE id = %s", (entry_id,))
    assert said["at"][:19] == recorded.strftime("%Y-%m-%dT%H:%M:%S")
    assert str(person).encode() not in raw
    assert person.hex.encode() not in raw


@pytest.mark.parametrize("count", [1, 2, 500, 501, 1200])
async def test_every_subject_can_be_opened_and_is_committed_to(session, ring, count):
    about = await people(session, ring, count)
    entry_id = await entries.append(session, ring, "import.batch", subjects=[*about, about[0]])
    said = json.loads(await body_of(session, entry_id))
    for person in {about[0], about[count // 2], about[-1]}:
        opened = await service.opening(session, ring, entry_id, person)
        commitments.verify(said["subjects"], opened)
    stored = await queries.openings(session, about[0], [entry_id])
    assert len(stored) == 1
    with pytest.raises(NotFound, match=r"opening\.missing"):
        await service.opening(session, ring, entry_id, new_id())


async def test_a_subject_without_keys_is_committed_to_and_never_opened(session, ring):
    (person,) = await people(session, ring, 1)
    stranger = new_id()
    entry_id = await entries.append(session, ring, "contact.read", subjects=[stranger, person])
    assert len(json.loads(await body_of(session, entry_id))["subjects"]) == 2
    assert await queries.openings(session, stranger) == []
    opened = await service.opening(session, ring, entry_id, person)
    assert opened.position == 1


async def test_keys_at_hand_are_used(session, ring):
    person = new_id()
    keys = {person: PersonKeys.generate(person)}
    entry_id = await entries.append(session, ring, "contact.create", subjects=[person], keys=keys)
    (row,) = await queries.openings(session, person)
    assert row.entry_id == entry_id


async def test_a_subject_named_in_the_detail_is_a_bug(session, ring):
    person = new_id()
    with pytest.raises(ValueError, match="names one of its subjects"):
        await entries.append(session, ring, "contact.read", subjects=[person], detail={"id": str(person)})


async def test_an_entry_goes_with_its_transaction(workspace, caller):
    database, ring = workspace.database, workspace.ring
    before = await count(workspace, caller)
    with pytest.raises(RuntimeError):
        async with database.begin(caller) as session:
            await entries.append(session, ring, "contact.read")
            raise RuntimeError
    assert await count(workspace, caller) == before


async def count(workspace, caller) -> int:
    async with workspace.database.begin(caller) as session:
        return await session.value("SELECT count(*) FROM audit_entry")


async def test_a_reason_with_an_address_stops_the_transaction(workspace):
    caller = Caller("operator", "operation", "jan@example.com asked")
    with pytest.raises(Refused, match=r"reason\.personal_data"):
        async with workspace.database.begin(caller) as session:
            await entries.append(session, workspace.ring, "contact.read")


FORBIDDEN = [
    "UPDATE audit_entry SET body = body",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "INSERT INTO audit_entry (xid, body) VALUES ('1', 'x')",
    "INSERT INTO audit_entry (recorded_at, body) VALUES (now(), 'x')",
    "UPDATE audit_leaf SET hash = hash",
    "DELETE FROM audit_leaf",
    "DELETE FROM audit_tile",
    "UPDATE audit_checkpoint SET root = root",
    "DELETE FROM audit_checkpoint",
    "UPDATE audit_commitment SET hashes = hashes",
    "DELETE FROM audit_commitment",
    "UPDATE audit_opening SET position = 1",
    "DELETE FROM audit_state",
]


@pytest.mark.parametrize("role", [Role.APP, Role.RETENTION])
async def test_no_role_of_ours_can_change_the_log(workspace, caller, role):
    for statement in FORBIDDEN:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with workspace.database.begin(caller, role) as session:
                await session.execute(statement)


async def test_the_application_cannot_cut_the_tie_to_a_person(workspace, caller):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with workspace.database.begin(caller) as session:
            await session.execute("DELETE FROM audit_opening")


@pytest.mark.law("LP-80")
async def test_after_an_erasure_proofs_hold_and_nobody_can_be_tied_to_the_entry(workspace, caller):
    database, ring = workspace.database, workspace.ring
    async with database.begin(caller) as session:
        (person,) = await people(session, ring, 1)
        entry_id = await entries.append(session, ring, "consent.grant", subjects=[person])
    await export.sealed_through_now(database, ring, caller)
    async with database.begin(caller) as session:
        before = await service.prove(session, ring, entry_id, person)
        keys = (await persons.load(session, ring, [person]))[person]
        told = await subject.export(session, ring, person, keys)
        assert [e["action"] for e in told["entries"]] == ["consent.grant"]
    async with database.begin(caller, Role.RETENTION) as session:
        assert await subject.erase(session, person) == {"audit_opening": 1}
        await session.execute("DELETE FROM person_key WHERE contact_id = %s", (person,))
        await entries.append(session, ring, "contact.erase", subjects=[person])
    await export.sealed_through_now(database, ring, caller)
    async with database.begin(caller) as session:
        after = await service.prove(session, ring, entry_id)
        assert after.entry == before.entry
        assert (await subject.export(session, ring, person, keys))["entries"] == []
        with pytest.raises(NotFound):
            await service.prove(session, ring, entry_id, person)


async def test_in_another_cluster_nothing_is_appended(workspace, caller, superuser):
    superuser("UPDATE audit_state SET system_identifier = '1'")
    with pytest.raises(Unavailable, match=r"log\.unseated"):
        async with workspace.database.begin(caller) as session:
            await entries.append(session, workspace.ring, "contact.read")
    with pytest.raises(Unavailable, match=r"log\.unseated"):
        await sealer.seal(workspace.database, workspace.ring)


async def test_below_the_transaction_ids_of_the_log_nothing_is_appended(workspace, caller, superuser):
    superuser("UPDATE audit_state SET prev_xmin = '9000000000'")
    with pytest.raises(Unavailable, match=r"log\.unseated"):
        async with workspace.database.begin(caller) as session:
            (person,) = await people(session, workspace.ring, 1)
            await entries.append(session, workspace.ring, "contact.read", subjects=[person])
