"""At a form a person of several records is one, whichever record is named and whichever has the address."""

import pytest

from registry.consents.ledger import EntryKind
from tests import persons
from tests.application import client_of
from tests.collection.forms import checkout, installed
from tests.collection.test_submitting import EMAIL, FOOTER, SIGNUP, filled, signup
from tests.collection.test_versions import relabel_as_second, sale
from tests.merging import people
from tests.persons import CALLER


async def merged(workspace):
    """The record that has the address, and the younger one, which has it too and is merged with it."""
    elder = await persons.make(workspace, EMAIL)
    younger = await persons.make(workspace, EMAIL, external="1001")
    await people.merge(workspace, elder, younger)
    return elder, younger


async def test_a_yes_is_taken_by_whichever_record_the_person_is_named(admin, workspace):
    _, younger = await merged(workspace)
    answer = await admin.post(FOOTER, json=filled(subject={"id": str(younger)}))
    assert answer.status_code == 201, answer.text
    assert await persons.reason(workspace, younger) == "permit"


@pytest.mark.law("LP-23")
async def test_a_no_is_the_addresss_too_by_whichever_record_the_person_is_named(admin, workspace):
    _, younger = await merged(workspace)
    answer = await admin.post(SIGNUP, json=signup("decline", subject={"id": str(younger)}))
    assert answer.status_code == 201, answer.text
    async with workspace.database.begin(CALLER) as session:
        (refusal,) = await session.all("SELECT purpose FROM address_refusal")
        (entry,) = await session.all("SELECT kind, assignment_id FROM consent_entry")
    assert refusal.purpose == "club-letter"
    assert (entry.kind, entry.assignment_id is None) == (EntryKind.REFUSED, False)


@pytest.mark.law("LP-32")
async def test_a_sale_stands_with_the_record_that_has_the_address(workspace, folder):
    checkout(folder, opt_out=True)
    relabel_as_second(folder)
    elder, younger = await merged(workspace)
    async with client_of(await installed(workspace, folder)) as client:
        body = sale(products=["tents"]) | {"subject": {"id": str(younger)}}
        assert (await client.post(FOOTER, json=body)).status_code == 201
    async with workspace.database.begin(CALLER) as session:
        ground = await session.one("SELECT contact_id, assignment_id FROM ground")
        await session.execute("UPDATE contact SET country = 'LV', subscriber = 1")
        session.stale.update((elder, younger))
    assert (ground.contact_id, ground.assignment_id is None) == (elder, False)
    assert await persons.reason(workspace, younger, "product-updates") == "permit"
