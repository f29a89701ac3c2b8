"""Tracking is allowed or refused by a device: its yes and its no are no person's, whoever uses it."""

import asyncio
import json
import re
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from registry.consents import acts, devices, projection
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.queries import Reference, parse_reference
from registry.kit.database import Role
from registry.subject_requests.rotation import Rotation, rotate
from tests import persons
from tests.application import client_of
from tests.devices.tracking import ANALYTICS, tracking
from tests.http.routes import logged
from tests.persons import CALLER

BROWSER = "5f1c7e04-laptop"
EMAIL = "anna.berzina@example.test"
GRANT = {
    "kind": "grant", "purpose": ANALYTICS, "channel": "process", "source": "cookie-banner", "act": "clicked",
    "notice": {"version": 1, "locale": "en"},
}  # fmt: skip
WITHDRAW = {"kind": "withdraw", "purpose": ANALYTICS, "channel": "process", "source": "settings"}


@pytest_asyncio.fixture
async def installed(workspace):
    async with tracking(workspace) as tracked:
        yield tracked


@pytest_asyncio.fixture
async def api(installed):
    async with client_of(installed) as client:
        yield client


def on(device: str, **act: Any) -> dict[str, Any]:
    return {**act, "subject": {"device": device}}


async def reason(workspace, reference: str, purpose: str = ANALYTICS, channel: str = "process") -> str:
    return await persons.reason(workspace, reference, purpose, channel)


async def count(workspace, what: str) -> int:
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        return int(await session.value(f"SELECT count(*) FROM {what}"))


async def test_a_device_that_nobody_heard_of_is_denied(installed):
    assert await reason(installed, f"device:{BROWSER}") == "contact.unknown"


async def test_a_devices_yes_permits_that_device_until_it_says_no(api, installed):
    granted = await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))
    assert granted.status_code == 201, granted.text
    assert await reason(installed, f"device:{BROWSER}") == "permit"
    assert await reason(installed, "device:another") == "contact.unknown"
    asked = {"subject": {"device": BROWSER}, "purpose": ANALYTICS, "channel": "process"}
    assert (await api.post("/api/v1/decisions", json=asked)).json()["outcome"] == "permit"
    assert (await api.post("/api/v1/consents", json=on(BROWSER, **WITHDRAW))).status_code == 201
    assert await reason(installed, f"device:{BROWSER}") == "consent.withdrawn"


async def test_a_device_that_says_no_first_is_on_record_with_its_no(api, installed):
    assert (await api.post("/api/v1/consents", json=on(BROWSER, **WITHDRAW))).status_code == 201
    assert await reason(installed, f"device:{BROWSER}") == "consent.withdrawn"


async def test_the_term_of_a_devices_yes_bites_too(api, installed):
    late = {**GRANT, "acted_at": "2026-01-01T00:00:00Z"}
    assert (await api.post("/api/v1/consents", json=on(BROWSER, **late))).status_code == 201
    assert await reason(installed, f"device:{BROWSER}") == "consent.expired"


async def test_a_persons_purposes_are_not_the_devices_and_the_other_way_round(api, installed):
    made = await persons.make(installed, EMAIL)
    entry = (await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))).json()["entries"][0]
    device = entry["contact"]
    async with installed.database.begin(CALLER) as session:
        kinds = await session.all(
            "SELECT DISTINCT g.contact_id, p.name FROM gate_state g JOIN purpose p ON p.id = g.purpose_id"
        )
    assert {row.name for row in kinds if str(row.contact_id) == device} == {ANALYTICS}
    assert ANALYTICS not in {row.name for row in kinds if row.contact_id == made}
    assert await reason(installed, f"email:{EMAIL}") != "permit"
    assert await reason(installed, str(made)) != "permit"
    assert await reason(installed, device, "newsletter", "email") != "permit"
    # Nor can either be recorded for the other.
    person = {**GRANT, "subject": {"email": EMAIL}}
    answer = await api.post("/api/v1/consents", json=person)
    assert (answer.status_code, answer.json()["code"]) == (400, "subject.no_device")
    letters = {**GRANT, "purpose": "newsletter", "channel": "email", "subject": {"id": device}}
    assert (await api.post("/api/v1/consents", json=letters)).status_code == 404
    somebody = {**GRANT, "subject": {"id": str(made)}}
    assert (await api.post("/api/v1/consents", json=somebody)).status_code == 404


async def test_nothing_passes_from_a_device_to_whoever_signs_in_there(api, installed):
    await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))
    body = {
        "identifiers": [{"kind": "email", "value": EMAIL}, {"kind": "device", "value": BROWSER}],
        "source": "form",
    }
    made = (await api.post("/api/v1/contacts", json=body)).json()["id"]
    async with installed.database.begin(CALLER) as session:
        assert await session.all("SELECT 1 FROM consent_entry WHERE contact_id = %s", (UUID(made),)) == []
    assert await reason(installed, f"device:{BROWSER}") == "permit"
    erased = await api.post("/api/v1/subject-requests", json={"subject": {"id": made}, "kind": "erasure"})
    assert erased.status_code < 300
    assert await reason(installed, f"device:{BROWSER}") == "permit"


async def test_which_device_it_is_lies_sealed_and_in_no_log(api, installed):
    async with logged(installed) as found:
        entry = (await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))).json()["entries"][0]
    (told,) = found()
    assert told["action"] == "consent.grant"
    assert BROWSER not in str(told)
    assert entry["contact"] not in str(told)
    async with installed.database.begin(CALLER, Role.OWNER) as session:
        (row,) = await session.all("SELECT to_jsonb(d) AS row, value FROM device d")
        (index,) = await session.all("SELECT value FROM identifier_index")
    assert BROWSER.encode() not in bytes(row.value)
    assert BROWSER not in str(row.row)
    assert BROWSER.encode() not in bytes(index.value)


async def test_two_that_bring_the_same_device_at_once_make_one(installed):
    reference = Reference(None, normalise(Kind.DEVICE, BROWSER))

    async def enter() -> UUID:
        async def work(session):
            return await devices.enter(session, installed.ring, reference)

        return await installed.database.run(CALLER, work)

    assert len(set(await asyncio.gather(*(enter() for _ in range(6))))) == 1
    assert await count(installed, "device") == 1
    assert await count(installed, "gate_row WHERE kind = 1") == 1


async def test_a_rebuild_gives_the_same_rows_for_devices(api, installed):
    await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))
    await persons.make(installed, EMAIL)

    async def rows() -> list[Any]:
        async with installed.database.begin(CALLER) as session:
            return await session.all("SELECT g::text FROM gate_state g ORDER BY 1")

    before = await rows()
    async with installed.database.begin(CALLER) as session:
        await session.execute("DELETE FROM gate_state")
    await projection.rebuild(installed.database, CALLER)
    assert await rows() == before


async def test_a_rotation_leaves_devices_to_be_found(api, installed, tmp_path):
    await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))
    work = Rotation(installed.database, installed.ring, installed.policies, CALLER)
    done = await rotate(work, tmp_path / "export.json")
    assert done.destroyed == [1]
    assert await reason(installed, f"device:{BROWSER}") == "permit"
    assert await count(installed, f"identifier_index WHERE epoch < {done.epoch}") == 0


async def test_a_device_can_be_erased_and_is_nobody_then(api, installed):
    await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))
    async with installed.database.begin(CALLER) as session:
        device = await session.value("SELECT contact_id FROM device")
    erased = await api.post(
        "/api/v1/subject-requests", json={"subject": {"device": BROWSER}, "kind": "erasure"}
    )
    assert erased.status_code < 300, erased.text
    for table in ("device", "consent_entry", "person_key", "identifier_index"):
        assert await count(installed, table) == 0, table
    assert await reason(installed, f"device:{BROWSER}") == "contact.unknown"
    again = await api.post("/api/v1/consents", json={**GRANT, "subject": {"id": str(device)}})
    assert again.status_code == 404


@pytest.mark.parametrize("subject", [{"email": EMAIL}, {"external": "1"}, {"phone": "+37120000000"}])
async def test_only_a_device_says_yes_for_a_device(api, subject):
    answer = await api.post("/api/v1/consents", json={**GRANT, "subject": subject})
    assert (answer.status_code, answer.json()["code"]) == (400, "subject.no_device")


async def test_no_route_has_a_device_in_its_path(installed):
    from registry.app import create_app
    from tests.http.routes import admissions

    paths = [path for _, path in admissions(create_app(installed))]
    assert not [path for path in paths if re.search(r"\{[^}]*device", path)]


async def test_a_devices_history_and_receipt_are_read_by_its_own_id(api, installed):
    entry = (await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))).json()["entries"][0]
    device = entry["contact"]
    page = (await api.get(f"/api/v1/contacts/{device}/consents")).json()
    assert [one["purpose"] for one in page["entries"]] == [ANALYTICS]
    receipt = (await api.get(f"/api/v1/contacts/{device}/consents/{entry['id']}/receipt")).json()
    record = receipt["dpv:hasRecordOfActivity"]
    assert record["dpv:hasDataSubject"]["zgoda:kind"] == "device"
    assert record["dpv:hasConsentStatus"][0]["dpv:hasDuration"]["rdf:value"] == "P180D"
    assert BROWSER not in json.dumps(receipt)
    async with installed.database.begin(CALLER) as session:
        found = await acts.subject(session, installed.ring, parse_reference(f"device:{BROWSER}"))
    assert str(found) == device
