"""What a batch or a list has left in the log proves what it says: whose it was, and what was decided."""

from uuid import UUID

import pytest

from registry.audit import evidence as log
from registry.audit import queries
from registry.audit import service as proofs
from registry.consents.ledger import EntryKind
from registry.gate import evidence, evidence_documents
from registry.kit.database import Session
from tests.dispatch.people import persons
from tests.http.routes import key
from tests.http.test_logged import sealed
from tests.persons import CALLER, act, make

ASKED = {"purpose": "newsletter", "channel": "email"}


async def verifier(workspace):
    async with workspace.database.begin(CALLER) as session:
        return (await queries.signer(session, workspace.ring)).verifier


async def last_entry(workspace):
    async with workspace.database.begin(CALLER) as session:
        found = await session.value("SELECT max(id) FROM audit_entry")
    await sealed(workspace, CALLER, found)
    return found


@pytest.mark.law("LP-45")
async def test_each_of_many_on_a_page_is_shown_to_have_been_read(workspace, client):
    """More than 500: the entry holds a root, and the commitments lie beside it."""
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine')}"
    people = await persons(workspace, [f"p{number}@example.org" for number in range(505)])
    body = {
        "subject": {"type": "contact"},
        "action": {"name": "email"},
        "resource": {"type": "purpose", "id": "newsletter"},
    }
    told = (await client.post("/access/v1/search/subject", json=body)).json()
    assert told["page"]["count"] == 505
    entry = await last_entry(workspace)
    for person in (people[0], people[250], people[-1]):
        async with workspace.database.begin(CALLER) as session:
            proven = await proofs.prove(session, workspace.ring, entry, person)
        assert proven.opening is not None
        assert log.verify(proven, await verifier(workspace)).entry["subjects"]["count"] == 505


@pytest.mark.law("LP-45")
async def test_a_decision_of_a_batch_is_proven_offline_like_any_other(workspace, client):
    client.headers["Authorization"] = f"Bearer {await key(workspace, 'engine')}"
    people = [await make(workspace, f"p{number}@example.org") for number in range(3)]
    for number in range(3):
        await act(workspace, f"email:p{number}@example.org", EntryKind.GRANTED)
    subjects = [{"id": str(one)} for one in people]
    told = (await client.post("/api/v1/decisions/batch", json={**ASKED, "subjects": subjects})).json()
    for one, person in zip(told["decisions"], people, strict=True):
        document = await evidence_documents.prove(
            workspace.database, workspace.ring, CALLER, UUID(one["decision_id"])
        )
        assert document["contact"] == str(person)
        held = evidence.verify(document, await verifier(workspace))
        assert held.decision["outcome"] == "permit"
        assert held.rests_on == "consent"
        document["decision"]["outcome"] = "deny"
        with pytest.raises(log.EvidenceInvalid):
            evidence.verify(document, await verifier(workspace))


async def test_who_was_erased_meanwhile_is_left_out_and_nobody_else(workspace, monkeypatch):
    """Between the answer and its entry somebody's keys may go: the entry is about the others."""
    from registry.gate.export import Export, Wanted

    people = [await make(workspace, f"p{number}@example.org") for number in range(3)]
    first = Session.all_binary

    async def without_the_second(self, statement, params=None):
        rows = await first(self, statement, params)
        return [row for row in rows if row[0] != people[1]] if "person_key" in statement else rows

    monkeypatch.setattr(Session, "all_binary", without_the_second)
    wanted = Wanted("newsletter", "email")
    running = Export.of(workspace.database, workspace.ring, workspace.policies, CALLER, wanted)
    assert len([piece async for piece in running.pieces()]) == 3
    async with workspace.database.begin(CALLER) as session:
        opened = await session.all(
            "SELECT o.contact_id FROM audit_opening o JOIN audit_entry e ON e.id = o.entry_id"
            " WHERE position('\"export\"'::bytea IN e.body) > 0"
        )
    assert sorted(row.contact_id for row in opened) == [people[0], people[2]]
