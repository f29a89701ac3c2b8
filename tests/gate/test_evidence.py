"""A decision of the past is shown as it was kept, and proven with nothing but the log's key (G5)."""

import copy
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.audit import note, queries
from registry.audit.evidence import EvidenceInvalid
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.dispatch.sink import sink
from registry.gate import evidence, evidence_documents, recalling
from registry.gate.evidence_documents import DecisionUnknown
from registry.kit import clock
from registry.kit.errors import Refused
from registry.kit.ids import new_id
from registry.subject_requests import erasure
from tests.access.test_commands import EMAIL, GRANT, REF, ann, run
from tests.dispatch.people import campaign, persons
from tests.dispatch.test_sending import done, sending
from tests.http.routes import bearer, key, logged
from tests.merging import people
from tests.persons import CALLER, act, check, make, sale

__all__ = ["ann", "run"]


async def verifier(workspace: Workspace) -> note.Verifier:
    async with workspace.database.begin(CALLER) as session:
        return (await queries.signer(session, workspace.ring)).verifier


async def proof(workspace: Workspace, decision_id: Any) -> dict[str, Any]:
    return await evidence_documents.prove(workspace.database, workspace.ring, CALLER, decision_id)


async def granted(workspace: Workspace) -> Any:
    """A permitted check about somebody who agreed."""
    await make(workspace, "jan@example.org")
    await act(workspace, "email:jan@example.org", EntryKind.GRANTED, evidence={"page": "/join"})
    return await check(workspace, "email:jan@example.org")


async def test_a_permit_is_proven_down_to_the_text_that_the_person_saw(workspace: Workspace) -> None:
    decision = await granted(workspace)
    document = await proof(workspace, decision.id)
    held = evidence.verify(document, await verifier(workspace))
    assert held.decision["id"] == str(decision.id)
    assert (held.decision["outcome"], held.rests_on) == ("permit", "consent")
    assert document["consent"]["evidence"] == {"page": "/join"}
    shown = document["consent"]["notice"]["body"]
    assert sha256(shown.encode()).hexdigest() == document["consent"]["entry"]["notice_hash"]
    assert document["policy"]["body"]["purpose"]["id"] == "newsletter"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: d["decision"].update(reason="consent.missing"), "the log does not have this decision"),
        (lambda d: d["decision"].update(evidence=None), "the log does not have this decision"),
        (lambda d: d.update(contact=str(new_id())), "nothing ties"),
        (lambda d: d["policy"]["body"]["purpose"].update(valid_for_days=9999), "the policy is not"),
        (lambda d: d.update(policy=None), "the policy by which it was decided is missing"),
        (lambda d: d.update(consent=None), "what the decision rests on is missing"),
        (lambda d: d["consent"]["notice"].update(body="We may do anything."), "the text is not"),
        (lambda d: d["consent"]["entry"].update(act="clicked"), "the log does not have this entry"),
        (lambda d: d["log"].update(entry=d["log"]["entry"].replace("operation", "marketing")), "root|proof|leaf"),
        (lambda d: d.update(format="zgoda-consent-proof-1"), "this is not the proof of a decision"),
    ],
)  # fmt: skip
async def test_whatever_is_changed_of_it_is_found(
    workspace: Workspace, change: Callable[[dict[str, Any]], None], why: str
) -> None:
    document = copy.deepcopy(await proof(workspace, (await granted(workspace)).id))
    change(document)
    with pytest.raises(EvidenceInvalid, match=why):
        evidence.verify(document, await verifier(workspace))


async def test_a_deny_is_proven_with_the_act_that_said_no(workspace: Workspace) -> None:
    person = await make(workspace, "jan@example.org")
    await act(workspace, person, EntryKind.WITHDRAWN)
    document = await proof(workspace, (await check(workspace, person)).id)
    held = evidence.verify(document, await verifier(workspace))
    assert held.decision["reason"] == "consent.withdrawn"
    assert document["consent"]["entry"]["kind"] == int(EntryKind.WITHDRAWN)


async def test_a_decision_that_rests_on_a_sale_is_proven_with_it(workspace: Workspace) -> None:
    await make(workspace, "jan@example.org")
    await sale(workspace, "email:jan@example.org")
    decision = await check(workspace, "email:jan@example.org", "product-updates")
    assert decision.permitted
    held = evidence.verify(await proof(workspace, decision.id), await verifier(workspace))
    assert held.rests_on == "ground"


async def test_a_decision_on_the_consent_of_a_merged_record_is_proven_with_the_merge(
    workspace: Workspace,
) -> None:
    one, other = await make(workspace, "a@example.org"), await make(workspace, "b@example.org")
    await act(workspace, "email:b@example.org", EntryKind.GRANTED)
    await people.merge(workspace, one, other)
    decision = await check(workspace, one)
    assert decision.permitted
    document = await proof(workspace, decision.id)
    assert evidence.verify(document, await verifier(workspace)).rests_on == "consent"
    document["merge"] = None
    with pytest.raises(EvidenceInvalid, match="one person"):
        evidence.verify(document, await verifier(workspace))


async def test_why_somebody_got_a_message_is_proven_from_the_hand_off(
    workspace: Workspace, tmp_path: Path
) -> None:
    (person,) = await persons(workspace, ["yes@example.org"], granted=False)
    await act(workspace, "email:yes@example.org", EntryKind.GRANTED)
    campaign_id = await campaign(workspace)
    async with sink(tmp_path / "mail") as server, sending(workspace, server):
        await done(workspace, campaign_id)
    async with workspace.database.begin(CALLER) as session:
        row = await session.one("SELECT id, decision_id, content_hash FROM message")
        kept = await evidence_documents.show(session, workspace.ring, row.decision_id)
    assert (kept.contact, kept.kind, kept.outcome, kept.reason) == (person, "handoff", "permit", "permit")
    assert kept.message is not None
    assert (kept.message.id, kept.message.state) == (row.id, "handed_over")
    assert kept.entry is not None and kept.entry.kind == "granted"
    document = await proof(workspace, row.decision_id)
    assert document["message"]["content_sha256"] == row.content_hash.hex()
    held = evidence.verify(document, await verifier(workspace))
    assert held.decision["message_id"] == str(row.id)


async def test_an_answer_about_the_past_is_proven_too(workspace: Workspace) -> None:
    decision = await granted(workspace)
    async with workspace.database.begin(CALLER) as session:
        recalled = await recalling.recall(
            session, workspace.ring, workspace.policies, parse_reference("email:jan@example.org"),
            "newsletter", "email", None, clock.now(),
        )  # fmt: skip
    assert recalled.id != decision.id
    held = evidence.verify(await proof(workspace, recalled.id), await verifier(workspace))
    assert held.decision["kind"] == "recall"


async def test_nobodys_and_erased_peoples_decisions_are_proven_to_nobody(workspace: Workspace) -> None:
    decision = await check(workspace, "email:nobody@example.org")
    with pytest.raises(Refused, match=r"decision\.unproven"):
        await proof(workspace, decision.id)
    about = await granted(workspace)
    await erasure.erase_person(
        workspace.database,
        workspace.ring,
        workspace.policies,
        CALLER,
        parse_reference("email:jan@example.org"),
    )
    with pytest.raises(DecisionUnknown):
        await proof(workspace, about.id)


async def test_the_proof_holds_when_the_policy_has_changed_since(workspace: Workspace) -> None:
    decision = await granted(workspace)
    purpose = workspace.policies.purposes["newsletter"].model_copy(update={"version": "0" * 32})
    workspace.policies.purposes["newsletter"] = purpose
    try:
        document = await proof(workspace, decision.id)
    finally:
        workspace.policies.purposes["newsletter"] = purpose.model_copy(update={"version": decision.policy})
    assert document["policy"]["version"] == decision.policy
    evidence.verify(document, await verifier(workspace))


async def test_over_http_it_is_read_and_proven_by_whoever_may(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    decision = await granted(workspace)
    path = f"/api/v1/decisions/{decision.id}"
    assert (await client.get(path, headers=bearer(await key(workspace, "engine")))).status_code == 403
    dpo, auditor = bearer(await key(workspace, "dpo")), bearer(await key(workspace, "auditor"))
    async with logged(workspace) as entries:
        shown = await client.get(path, headers=dpo)
    assert shown.status_code == 200, shown.text
    assert shown.json()["policy"]["version"] == decision.policy
    assert [entry["action"] for entry in entries()] == ["decision.read"]
    document = (await client.get(f"{path}/proof", headers=dpo)).json()
    evidence.verify(document, await verifier(workspace))
    assert document["consent"]["evidence"] == {"page": "/join"}
    sealed = (await client.get(f"{path}/proof", headers=auditor)).json()
    evidence.verify(sealed, await verifier(workspace))
    assert sealed["consent"]["evidence"] is None
    gone = await client.get(f"/api/v1/decisions/{new_id()}", headers=dpo)
    assert (gone.status_code, gone.json()["code"]) == (404, "decision.unknown")


def test_at_the_terminal_a_proof_is_written_and_verified_offline(
    run: Any, ann: str, settings: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*GRANT)[0] == 0
    decision = run("check", REF, "newsletter", "email")[1]["decision_id"]
    code, shown = run("decision", "show", decision)
    assert (code, shown["outcome"], shown["entry"]["kind"]) == (0, "permit", "granted")
    code, document = run("decision", "prove", decision)
    assert code == 0
    file = tmp_path / "proof.json"
    file.write_text(json.dumps(document))
    vkey = run("audit", "export", str(tmp_path / "log"))[1]["vkey"]
    code, held = run("decision", "verify", str(file), "--key", vkey)
    assert (code, held["verified"], held["rests_on"]) == (0, True, "consent")
    assert EMAIL not in json.dumps(held)
    file.write_text(json.dumps({**document, "decision": {**document["decision"], "outcome": "deny"}}))
    code, problem = run("decision", "verify", str(file), "--key", vkey)
    assert (code, problem["error"]["code"]) == (1, "decision.unproven")
    file.write_text("[]")
    assert run("decision", "verify", str(file), "--key", vkey)[1]["error"]["code"] == "decision.unproven"
