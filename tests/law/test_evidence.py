"""Proof of consent years later: the text that was shown then, and that nobody changed what was recorded (art. 7(1))."""

import json
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.audit import note, sealer
from registry.audit.evidence import EvidenceInvalid
from registry.consents import proof, proving
from registry.consents.ledger import EntryKind
from registry.contacts import queries
from registry.kit.database import Role
from registry.policy import service as policies
from tests.exchange.files import row
from tests.exchange.loading import HOME, load_rows
from tests.persons import CALLER, act, make


async def edit_notice(workspace: Workspace, times: int) -> None:
    """So many later versions of the newsletter's text, each another one."""
    told = workspace.policies
    for number in range(times):
        old = told.notices["newsletter"]
        version = max(n.version for n in old) + 1
        edited = [
            n.model_copy(
                update={"version": version, "change": "editorial", "body": f"{n.body}\nEdit {number}."}
            )
            for n in old
            if n.version == version - 1
        ]
        told = told.model_copy(update={"notices": {**told.notices, "newsletter": (*old, *edited)}})
        async with workspace.database.begin(CALLER, Role.OWNER) as session:
            installed = await policies.install(
                session, workspace.ring, told, author="operator", reason="edit"
            )
        told = installed.policies


@pytest.mark.law("LP-08")
async def test_what_was_shown_and_recorded_is_proven_after_a_hundred_edits_of_the_text(
    workspace: Workspace, admin: httpx.AsyncClient
) -> None:
    person = await make(workspace, "anna@example.test")
    evidence = {"address": "198.51.100.7", "agent": "Browser 1"}
    granted = await act(
        workspace, "email:anna@example.test", EntryKind.GRANTED, notice_locale="pl", evidence=evidence
    )
    (shown,) = [n for n in workspace.policies.notices["newsletter"] if (n.version, n.locale) == (1, "pl")]
    await edit_notice(workspace, 100)
    answer = await admin.get(f"/api/v1/contacts/{person}/consents/{granted.id}/proof")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["notice"] == {"version": 1, "locale": "pl", "body": shown.body}
    entry = document["entry"]
    assert entry["notice_hash"] == sha256(shown.body.encode()).hexdigest()
    assert (entry["act"], entry["source"], entry["actor"]) == ("ticked", "test", "operator")
    assert entry["acted_at"] and entry["recorded_at"]
    assert document["evidence"] == evidence
    async with workspace.database.begin(CALLER) as session:
        verifier = note.Verifier.parse(await sealer.vkey(session, workspace.ring))
    # From here on with nothing but the document and the log's key.
    document = json.loads(answer.text)
    assert proof.verify(document, verifier).entry == entry
    for forge in FORGERIES:
        forged = deepcopy(document)
        forge(forged)
        with pytest.raises(EvidenceInvalid):
            proof.verify(forged, verifier)


def _set(*path: str, to: Any) -> Any:
    def forge(document: dict[str, Any]) -> None:
        for name in path[:-1]:
            document = document[name]
        document[path[-1]] = to

    return forge


FORGERIES = (
    _set("notice", "body", to="You agree to everything."),
    _set("notice", to=None),
    _set("entry", "acted_at", to="2020-01-01T00:00:00.000000Z"),
    _set("entry", "kind", to=int(EntryKind.WITHDRAWN)),
    _set("entry", "act", to="signed"),
    _set("contact", to="00000000-0000-7000-8000-000000000000"),
    _set("log", "opening", to=None),
    _set("format", to="other"),
)


@pytest.mark.law("LP-08")
async def test_an_imported_consent_is_proven_as_well(workspace: Workspace, tmp_path: Path) -> None:
    await load_rows(workspace, tmp_path, subscribed=[row(HOME, id="C1"), row("bob@x.test", id="C2")])
    async with workspace.database.begin(CALLER) as session:
        (person,) = await queries.resolve(session, workspace.ring, queries.parse_reference("external:C1"))
        entry_id = await session.value("SELECT id FROM consent_entry WHERE contact_id = %s", (person,))
        verifier = note.Verifier.parse(await sealer.vkey(session, workspace.ring))
    document = await proving.prove(workspace.database, workspace.ring, CALLER, person, entry_id)
    assert document["evidence"]["opt_in_address"]
    assert proof.verify(document, verifier).entry["id"] == str(entry_id)
