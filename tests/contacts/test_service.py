"""Persons under concurrent writers: unique where it must be, shared where people share."""

import asyncio
from typing import Any

import pytest

from registry.contacts import queries, service
from registry.contacts.identifiers import Kind, Mode, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.kit.errors import Misuse
from registry.standing import service as standing
from tests.persons import CALLER, make, reason


async def test_an_external_id_names_one_person_also_when_many_write_at_once(workspace: Any) -> None:
    outcomes = await asyncio.gather(
        *(make(workspace, f"p{n}@example.test", external="C-1") for n in range(12)), return_exceptions=True
    )
    made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(made) == 1
    assert {type(outcome).__name__ for outcome in outcomes if isinstance(outcome, BaseException)} <= {
        "IdentifierTaken",
        "UniqueViolation",
    }
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM contact") == 1
        reference = queries.parse_reference("external:C-1")
        assert await queries.resolve(session, workspace.ring, reference) == made


async def test_an_address_is_shared_by_whoever_has_it(workspace: Any) -> None:
    people = await asyncio.gather(*(make(workspace, "home@example.test", external=f"C{n}") for n in range(6)))
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM identifier WHERE kind = 1") == 1
        rows = await session.all("SELECT mode FROM assignment WHERE kind = 1")
        found = await queries.resolve(
            session, workspace.ring, queries.parse_reference("email:HOME@example.test")
        )
    assert {row.mode for row in rows} == {Mode.SHARED}
    assert found == sorted(people)


async def test_an_undeclared_field_is_refused_and_named(workspace: Any) -> None:
    with pytest.raises(Misuse, match=r"field\.undeclared") as refused:
        await make(workspace, "anna@example.test", fields={"shoe_size": "38"})
    assert refused.value.field == "fields.shoe_size"
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM contact") == 0


async def test_an_ended_address_is_looked_up_no_more(workspace: Any) -> None:
    person = await make(workspace, "old@example.test")
    async with workspace.database.begin(CALLER) as session:
        await service.lock(session, [person])
        (held,) = await queries.assignments(session, person)
        await service.end_assignment(session, person, held.id)
    assert await reason(workspace, "email:old@example.test") == "contact.unknown"
    assert await reason(workspace, person) == "address.missing"


async def test_a_dead_address_stops_every_class(workspace: Any) -> None:
    person = await make(workspace, "dead@example.test")
    async with workspace.database.begin(CALLER) as session:
        addresses = await queries.address_ids(session, [person])
        await service.lock(session, [person])
        await standing.bury_addresses(session, addresses)
    for purpose in ("newsletter", "order-messages", "request-answers"):
        assert await reason(workspace, person, purpose) == "address.dead"


@pytest.mark.law("LP-44")
async def test_a_new_person_without_facts_gets_nothing_but_legal_notices(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    for name, purpose in workspace.policies.purposes.items():
        told = await reason(workspace, person, name)
        assert (told == "permit") == (purpose.class_.value == "legal_notice"), name


async def test_values_lie_in_no_table_in_plain(workspace: Any) -> None:
    await make(
        workspace, "anna.canary@example.test", external="CANARY-7", fields={"first_name": "Annacanary"}
    )
    async with workspace.database.begin(CALLER) as session:
        for table in ("contact", "identifier", "identifier_index", "assignment", "contact_field", "address"):
            for row in await session.all(f"SELECT to_jsonb(t)::text FROM {table} t"):
                assert "canary" not in row[0].lower()
                assert b"canary".hex() not in row[0].lower()


async def test_an_identifier_given_again_is_the_same_assignment(workspace: Any) -> None:
    person = await make(workspace, "anna@example.test")
    again = NewIdentifier(normalise(Kind.EMAIL, "ANNA@example.test"))
    async with workspace.database.begin(CALLER) as session:
        await service.lock(session, [person])
        (held,) = await queries.assignments(session, person)
        assert await service.assign(session, workspace.ring, [(person, again, "test")]) == [held.id]


async def test_many_are_made_in_one_call(workspace: Any) -> None:
    contacts = [
        NewContact([NewIdentifier(normalise(Kind.EMAIL, f"p{n}@example.test"))], "test", {"first_name": "P"})
        for n in range(300)
    ]
    async with workspace.database.begin(CALLER) as session:
        ids = await service.create(session, workspace.ring, workspace.policies, contacts)
    assert ids == [contact.id for contact in contacts]
    assert await reason(workspace, "email:p299@example.test") == "consent.missing"
