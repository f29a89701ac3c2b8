"""Every entry has a receipt that tells what was said, on what text and for how long, and that nobody can alter."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.audit import note
from registry.audit.queries import signer
from registry.cli import zgoda
from registry.consents import receipting, receipts
from registry.consents.data_integrity import DocumentInvalid
from registry.consents.ledger import EntryKind
from registry.kit.errors import NotFound
from registry.kit.terminal import Terminal, guard
from registry.opening import opened
from registry.policy.model import Grade
from tests import persons
from tests.collection.test_submitting import FOOTER, filled
from tests.docs.law_report import ROOT
from tests.http.routes import logged
from tests.persons import CALLER

SCHEMA = json.loads((ROOT / "docs/reference/consent-receipt.schema.json").read_text("utf-8"))
EMAIL = "anna.berzina@example.test"


async def verifier(workspace) -> note.Verifier:
    async with workspace.database.begin(CALLER) as session:
        return (await signer(session, workspace.ring)).verifier


async def receipt(workspace, contact: UUID, entry: UUID) -> dict[str, Any]:
    """The receipt, verified with the log's key and held against the schema."""
    async with workspace.database.begin(CALLER) as session:
        raw = await receipting.receipt(
            session, workspace.ring, workspace.policies, "https://zgoda.example", contact, entry
        )
    told = receipts.verify(raw, await verifier(workspace))
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(raw))
    return told


def record(told: dict[str, Any]) -> dict[str, Any]:
    return told["dpv:hasRecordOfActivity"]


def state(told: dict[str, Any]) -> str:
    return str(record(told)["dpv:hasConsentStatus"][0]["@type"][0])


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


async def test_a_grant_at_a_form_tells_everything_that_27560_asks(admin, workspace):
    answer = (await admin.post(FOOTER, json=filled())).json()
    contact, entry = UUID(answer["contact"]), UUID(answer["entries"][0]["id"])
    told = record(await receipt(workspace, contact, entry))
    nordwind = workspace.policies.controllers["nordwind"]
    assert told["dct:identifier"] == f"urn:uuid:{entry}"
    assert told["dpv:hasDataSubject"]["dct:identifier"] == f"urn:uuid:{contact}"
    assert told["dpv:hasDataController"]["dpv:hasAddress"] == nordwind.address
    assert told["dpv:hasLegalBasis"] == "eu-gdpr:A6-1-a"
    (process,) = told["dpv:hasProcess"]
    assert process["dpv:hasPurpose"]["dct:identifier"] == "newsletter"
    assert [one["dct:identifier"] for one in process["dpv:hasPersonalData"]] == list(
        workspace.policies.purposes["newsletter"].data_kinds
    )
    assert [one["dpv:hasName"] for one in process["dpv:hasRecipient"]] == ["SIA Dzintara Dati"]
    kept = {
        one["zgoda:kind"]: one["dpv:hasDuration"]["rdf:value"]
        for one in process["dpv:hasStorageCondition"][1:]
    }
    assert kept == {"identity": "P30D", "profile": "P30D", "proof": "P1095D"}
    notice = next(n for n in workspace.policies.notices["newsletter"] if n.locale == "en" and n.version == 1)
    assert told["dpv:hasNotice"]["zgoda:sha256"] == notice.hash.hex()
    point = workspace.policies.collection["newsletter-footer"][-1]
    assert told["zgoda:collectionPoint"]["zgoda:sha256"] == point.hash.hex()
    assert told["zgoda:collectionPoint"]["zgoda:text"] == point.texts[0].labels["newsletter"]
    assert told["zgoda:policy"]["dct:hasVersion"] == workspace.policies.purposes["newsletter"].version
    assert {"eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A77"} <= set(told["dpv:hasRight"])
    assert told["dpv:hasConsentControl"][0]["dpv:isExercisedAt"] == "https://zgoda.example/p/me"
    (status,) = told["dpv:hasConsentStatus"]
    assert status["@type"] == ["dpv:ConsentGiven", "dpv:ExpressedConsent"]
    assert status["dpv:hasDuration"] == {"@type": "dpv:UntilEventDuration", "rdf:value": "withdrawal"}
    assert EMAIL not in json.dumps(told)


async def test_each_kind_of_entry_has_the_state_that_it_tells_of(workspace):
    made = await persons.make(workspace, EMAIL)
    reference = f"email:{EMAIL}"

    async def of(kind: EntryKind, **more: Any) -> str:
        entry = await persons.act(workspace, reference, kind, **more)
        return state(await receipt(workspace, made, entry.id))

    assert await of(EntryKind.GRANTED) == "dpv:ConsentGiven"
    assert await of(EntryKind.GRANTED) == "dpv:RenewedConsentGiven"
    assert await of(EntryKind.WITHDRAWN) == "dpv:ConsentWithdrawn"
    assert await of(EntryKind.REFUSED) == "dpv:ConsentRefused"
    assert await of(EntryKind.OBJECTED) == "dpv:ConsentWithdrawn"
    assert await of(EntryKind.GRANTED) == "dpv:ConsentGiven"
    assert await of(EntryKind.GRANTED, grade=Grade.UNKNOWN, acted_at=None) == "dpv:ConsentUnknown"


async def test_a_second_step_is_given_only_once_it_is_confirmed_and_holds_for_its_term(workspace):
    made = await persons.make(workspace, EMAIL)
    reference, club = f"email:{EMAIL}", "club-letter"
    asked = await persons.act(workspace, reference, EntryKind.REQUESTED, club)
    ticked = await persons.act(workspace, reference, EntryKind.GRANTED, club)
    done = await persons.act(workspace, reference, EntryKind.CONFIRMED, club, refers_to=asked.id)
    told = [await receipt(workspace, made, one.id) for one in (asked, ticked, done)]
    assert [state(one) for one in told] == [
        "dpv:ConsentRequested",
        "dpv:ConsentRequested",
        "dpv:ConsentGiven",
    ]
    request, confirmed = (record(told[place])["dpv:hasConsentStatus"][0] for place in (0, 2))
    assert confirmed["dpv:isIndicatedAtTime"] == request["dpv:isIndicatedAtTime"]
    assert confirmed["dpv:hasDuration"] == {"@type": "dpv:TemporalDuration", "rdf:value": "P730D"}


async def test_a_no_to_all_marketing_has_a_receipt_too(workspace):
    made = await persons.make(workspace, EMAIL)
    entry = await persons.act(workspace, made, EntryKind.OBJECTED, "*", "*", controller="nordwind")
    told = record(await receipt(workspace, made, entry.id))
    assert told["zgoda:entry"]["zgoda:scope"] == "all_marketing"
    assert (
        told["dpv:hasProcess"][0]["dpv:hasPurpose"]["dct:title"][0]["@value"]
        == "All marketing of SIA Nordwind"
    )
    assert "zgoda:policy" not in told


async def test_what_rests_on_an_interest_says_so(workspace):
    made = await persons.make(workspace, EMAIL)
    entry = await persons.act(workspace, made, EntryKind.OBJECTED, "product-updates")
    told = record(await receipt(workspace, made, entry.id))
    assert told["dpv:hasLegalBasis"] == "eu-gdpr:A6-1-f"
    assert "eu-gdpr:A21" in told["dpv:hasRight"]


@pytest.mark.law("LP-28")
async def test_a_minors_grant_keeps_the_table_of_ages_by_which_it_was_judged(workspace):
    made = await persons.make(workspace, EMAIL, country="DK", fields={"birth_date": "2012-06-01"})
    entry = await persons.act(
        workspace, f"email:{EMAIL}", EntryKind.GRANTED, "club-letter", acted_at=persons.at("2026-05-01")
    )
    told = record(await receipt(workspace, made, entry.id))
    ages = receipts.table_hash(
        sorted(
            (rule.model_dump(mode="json") for rule in workspace.policies.ages),
            key=lambda rule: (rule["country"], rule["since"]),
        )
    )
    assert told["zgoda:ageOfConsent"] == {
        "zgoda:table": ages,
        "zgoda:age": 15,
        "zgoda:since": "2024-01-01",
        "dpv:hasLocation": "loc:DK",
    }


async def test_reading_a_receipt_is_logged_once_and_names_nobody(admin, workspace):
    answer = (await admin.post(FOOTER, json=filled())).json()
    path = f"/api/v1/contacts/{answer['contact']}/consents/{answer['entries'][0]['id']}/receipt"
    async with logged(workspace) as found:
        got = await admin.get(path)
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("application/ld+json")
    assert receipts.verify(got.content, await verifier(workspace))
    (entry,) = found()
    assert entry["action"] == "consent.receipt"
    assert answer["contact"] not in json.dumps(entry)


async def test_nobody_elses_entry_has_a_receipt_here(admin, workspace):
    answer = (await admin.post(FOOTER, json=filled())).json()
    other = await persons.make(workspace, "other@example.test")
    with pytest.raises(NotFound):
        await receipt(workspace, other, UUID(answer["entries"][0]["id"]))
    path = f"/api/v1/contacts/{other}/consents/{answer['entries'][0]['id']}/receipt"
    assert (await admin.get(path)).status_code == 404


async def test_no_byte_of_a_receipt_can_be_changed(admin, workspace):
    answer = (await admin.post(FOOTER, json=filled())).json()
    path = f"/api/v1/contacts/{answer['contact']}/consents/{answer['entries'][0]['id']}/receipt"
    raw, key = (await admin.get(path)).content, await verifier(workspace)

    @settings(max_examples=400, suppress_health_check=list(HealthCheck), deadline=None)
    @given(place=st.integers(0, len(raw) - 1), byte=st.integers(0, 255))
    def changed(place: int, byte: int) -> None:
        other = raw[:place] + bytes([byte]) + raw[place + 1 :]
        if other != raw:
            with pytest.raises(DocumentInvalid):
                receipts.verify(other, key)

    changed()


def run(settings_: Any, *args: str) -> Any:
    terminal = Terminal(settings_, "--json" in args, "operation", "test", opened)
    return CliRunner().invoke(zgoda.commands["consent"], args, obj=terminal, catch_exceptions=False)


def test_the_terminal_prints_a_receipt_and_verifies_it_without_a_database(settings, tmp_path: Path, capsys):
    import asyncio

    async def made() -> tuple[str, str]:
        async with opened(settings) as workspace:
            await persons.make(workspace, EMAIL)
            entry = await persons.act(workspace, f"email:{EMAIL}", EntryKind.GRANTED)
            return str(entry.id), (await verifier(workspace)).vkey

    entry, vkey = asyncio.run(made())
    printed = run(settings, "receipt", f"email:{EMAIL}", entry)
    file = tmp_path / "receipt.json"
    file.write_text(printed.output, "utf-8")
    verified = json.loads(run(settings, "verify-receipt", str(file), "--key", vkey, "--json").output)
    assert verified["verified"] is True
    assert (verified["state"], verified["purpose"], verified["entry"]) == (
        "ConsentGiven",
        "newsletter",
        entry,
    )
    file.write_text(printed.output.replace("ConsentGiven", "ConsentGivem", 1), "utf-8")
    nowhere = str(tmp_path / "nowhere")
    assert guard(zgoda, ["--data", nowhere, "consent", "verify-receipt", str(file), "--key", vkey]) == 1
    assert "receipt.invalid: FILE: " in capsys.readouterr().err
    file.write_text(json.dumps(json.loads(printed.output), indent=1), "utf-8")
    assert guard(zgoda, ["--data", nowhere, "consent", "verify-receipt", str(file), "--key", vkey]) == 1
    assert "verify the bytes exactly as zgoda consent receipt printed them" in capsys.readouterr().err
