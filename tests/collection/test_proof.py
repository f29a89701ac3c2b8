"""For every yes at a form, its exact words come back with their hash, and nobody can put others in their place."""

import copy
import json

import pytest
from click.testing import CliRunner

from registry.audit import note
from registry.audit.evidence import EvidenceInvalid
from registry.audit.queries import signer
from registry.cli import zgoda
from registry.consents import collection_commands, proof
from registry.kit.terminal import Terminal
from registry.opening import opened
from tests.collection.test_submitting import FOOTER, filled
from tests.persons import CALLER


async def proven(admin, workspace) -> tuple[dict, note.Verifier]:
    told = (await admin.post(FOOTER, json=filled(evidence={"address": "198.51.100.7"}))).json()
    path = f"/api/v1/contacts/{told['contact']}/consents/{told['entries'][0]['id']}/proof"
    document = (await admin.get(path)).json()
    async with workspace.database.begin(CALLER) as session:
        return document, (await signer(session, workspace.ring)).verifier


@pytest.mark.law("LP-08")
async def test_the_exact_words_at_the_box_come_back_and_verify_offline(admin, workspace):
    document, verifier = await proven(admin, workspace)
    assert proof.verify(document, verifier).entry["point"] == "newsletter-footer"
    form = document["form"]
    text = workspace.policies.collection["newsletter-footer"][-1].texts[0]
    assert form["text"] == text.labels["newsletter"]
    assert (form["control"], form["locale"], form["version"]) == ("newsletter", "en", 1)
    assert document["evidence"]["text"] == form["text"]
    assert document["evidence"]["text_hash"] == form["text_hash"]
    assert document["evidence"]["address"] == "198.51.100.7"


@pytest.mark.law("LP-08")
@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["form"].update(text=d["form"]["text"] + " and the terms"),
        lambda d: d["form"].update(control="email"),
        lambda d: d["form"].update(text_hash="0" * 64),
        lambda d: d["form"].update(body=d["form"]["body"].replace("twice", "thrice", 1)),
        lambda d: d["form"].update(locale="lv"),
        lambda d: d.update(form=None),
        lambda d: d["entry"].update(point=None),
        lambda d: d["entry"].update(point_version=2),
        lambda d: d["entry"].update(notice_locale="lv"),
    ],
)
async def test_other_words_are_not_proven(admin, workspace, change):
    document, verifier = await proven(admin, workspace)
    forged = copy.deepcopy(document)
    change(forged)
    with pytest.raises(EvidenceInvalid):
        proof.verify(forged, verifier)


async def test_an_entry_of_no_form_is_proven_without_one(admin, workspace):
    body = {
        "kind": "grant", "purpose": "newsletter", "channel": "email", "source": "form", "act": "ticked",
        "notice": {"version": 1, "locale": "en"}, "subject": {"email": "c@example.test"},
    }  # fmt: skip
    made = await admin.post(
        "/api/v1/contacts",
        json={"identifiers": [{"kind": "email", "value": "c@example.test"}], "source": "form"},
    )
    told = (await admin.post("/api/v1/consents", json=body)).json()
    path = f"/api/v1/contacts/{made.json()['id']}/consents/{told['entries'][0]['id']}/proof"
    document = (await admin.get(path)).json()
    assert document["form"] is None
    async with workspace.database.begin(CALLER) as session:
        verifier = (await signer(session, workspace.ring)).verifier
    assert proof.verify(document, verifier)
    with pytest.raises(EvidenceInvalid):
        proof.verify({**document, "form": {"body": "{}"}}, verifier)


def run(settings, *args: str):
    terminal = Terminal(settings, "--json" in args, "operation", "test", opened)
    return CliRunner().invoke(zgoda.commands["collection"], args, obj=terminal, catch_exceptions=False)


def test_the_terminal_lists_the_forms_and_prints_what_a_person_saw(settings):
    listed = json.loads(run(settings, "list", "--json").output)["points"]
    assert [(one["point"], one["version"], one["in_use"]) for one in listed] == [
        ("club-signup", 1, True),
        ("newsletter-footer", 1, True),
    ]
    seen = run(settings, "show", "club-signup", "--locale", "en").output
    assert "Your e-mail address *: ________" in seen
    assert "  ( ) Yes, send me the letter\n  ( ) No, thank you" in seen
    assert "[ Send ]" in seen
    assert "## Where you can complain" in seen
    told = json.loads(run(settings, "show", "newsletter-footer", "--version", "1", "--json").output)
    assert (told["locale"], told["hash"]) == ("lv", listed[1]["hash"])


def test_the_form_is_rendered_with_every_kind_of_control(workspace):
    point = workspace.policies.collection["newsletter-footer"][-1]
    lines = collection_commands.rendered(point, "en").splitlines()
    assert lines[0] == "Your e-mail address *: ________"
    assert lines[2].startswith("[ ] Yes, SIA Nordwind may send me")
    assert lines[3] == "[ Send ]"
