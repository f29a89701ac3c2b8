"""Evidence about one entry: proves offline that it is in the log and about whom, and nothing false passes."""

import base64
import json

import pytest

from registry.audit import entries, evidence, export, queries, service
from registry.keys import persons
from registry.kit.caller import Caller
from registry.kit.errors import Refused
from registry.kit.ids import new_id

CALLER = Caller("operator", "operation", "test")


@pytest.mark.law("LP-45")
async def test_evidence_proves_offline_that_an_entry_is_about_a_person(workspace):
    database, ring = workspace.database, workspace.ring
    async with database.begin(CALLER) as session:
        about = [new_id() for _ in range(600)]
        await persons.create(session, ring, about)
        one = await entries.append(session, ring, "contact.read", subjects=about[:1], kinds=["email"])
        many = await entries.append(session, ring, "decision.bulk", subjects=about)
        with pytest.raises(Refused, match=r"entry\.unsealed"):
            await service.prove(session, ring, one, about[0])
    await export.sealed_through_now(database, ring, CALLER)
    async with database.begin(CALLER) as session:
        verifier = (await queries.signer(session, ring)).verifier
    for entry_id, person in ((one, about[0]), (many, about[0]), (many, about[599])):
        async with database.begin(CALLER) as session:
            made = await service.prove(session, ring, entry_id, person)
        text = json.dumps(made.as_json())
        proven = evidence.verify(evidence.loads(text), verifier)
        assert proven.entry["reason"] == "test"
        assert proven.head.size > proven.index
        assert str(person) not in made.entry.decode()
        told = made.as_json()
        for wrong in (
            {**told, "entry": told["entry"].replace("test", "tesu")},
            {**told, "opening": {**told["opening"], "subject": str(new_id())}},
            {**told, "opening": {**told["opening"], "position": 1}},
            {**told, "opening": {**told["opening"], "nonce": base64.b64encode(bytes(32)).decode()}},
            {**told, "proof": told["proof"].replace("index ", "index 1")},
            {**told, "opening": 3},
            {},
        ):
            with pytest.raises(evidence.EvidenceInvalid):
                evidence.verify(evidence.from_json(wrong), verifier)
    for nothing in ("", "[]", "{"):
        with pytest.raises(evidence.EvidenceInvalid):
            evidence.loads(nothing)
