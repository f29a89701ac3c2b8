"""`Sec-GPC: 1` is an objection to what the policy maps to it, once; nothing else of that header means anything."""

from typing import Any

import pytest
import pytest_asyncio

from tests import persons
from tests.application import client_of
from tests.devices.test_devices import BROWSER, EMAIL, GRANT, count, on, reason
from tests.devices.tracking import ANALYTICS, tracking
from tests.http.routes import logged
from tests.persons import CALLER

SIGNALS = "/api/v1/signals"


@pytest_asyncio.fixture
async def installed(workspace):
    async with tracking(workspace) as tracked:
        yield tracked


@pytest_asyncio.fixture
async def api(installed):
    async with client_of(installed) as client:
        yield client


def signal(value: str | None = "1", **more: Any) -> dict[str, Any]:
    return {"source": "site", "device": BROWSER, "sec_gpc": value, **more}


async def entries(workspace) -> int:
    return await count(workspace, "consent_entry")


async def test_the_signal_is_an_objection_of_the_device(api, installed):
    await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))
    assert await reason(installed, f"device:{BROWSER}") == "permit"
    told = (await api.post(SIGNALS, json=signal())).json()
    assert told["honoured"] is True
    assert [(one["purpose"], one["repeated"]) for one in told["objections"]] == [(ANALYTICS, False)]
    assert await reason(installed, f"device:{BROWSER}") == "consent.withdrawn"


async def test_the_header_of_the_request_itself_counts_too(api, installed):
    told = (await api.post(SIGNALS, json=signal(None), headers={"Sec-GPC": "1"})).json()
    assert told["honoured"] is True
    assert await reason(installed, f"device:{BROWSER}") == "consent.withdrawn"


@pytest.mark.parametrize("value", [None, "", "0", "01", "1 ", "true", "yes", "1, 1", "\u0661"])
async def test_anything_but_one_means_nothing(api, installed, value):
    told = (await api.post(SIGNALS, json=signal(value))).json()
    assert told == {"honoured": False, "objections": []}
    assert await entries(installed) == 0
    assert await count(installed, "device") == 0


async def test_a_signal_that_comes_with_every_page_is_recorded_once(api, installed):
    first = (await api.post(SIGNALS, json=signal())).json()
    async with logged(installed) as found:
        again = (await api.post(SIGNALS, json=signal())).json()
    assert again["objections"] == [{**one, "repeated": True} for one in first["objections"]]
    assert await entries(installed) == 1
    assert [(entry["action"], entry["detail"]["digests"]) for entry in found()] == [("signal.record", [])]


async def test_a_yes_given_after_the_signal_for_this_very_purpose_stands(api, installed):
    await api.post(SIGNALS, json=signal())
    await api.post("/api/v1/consents", json=on(BROWSER, **GRANT))
    await api.post(SIGNALS, json=signal())
    assert await reason(installed, f"device:{BROWSER}") == "permit"


async def test_it_binds_the_person_who_is_known_where_the_policy_says_so(api, installed):
    made = await persons.make(installed, EMAIL)
    grant = {**GRANT, "purpose": "profiled-letters", "channel": "email", "subject": {"email": EMAIL}}
    assert (await api.post("/api/v1/consents", json=grant)).status_code == 201
    assert await reason(installed, str(made), "profiled-letters", "email") == "permit"
    told = (await api.post(SIGNALS, json=signal(subject={"id": str(made)}))).json()
    assert {one["purpose"] for one in told["objections"]} == {ANALYTICS, "profiled-letters"}
    assert await reason(installed, str(made), "profiled-letters", "email") == "purpose.objected"
    # Whatever does not yield to the signal is as it was.
    assert await reason(installed, str(made), "newsletter", "email") == "consent.missing"


async def test_it_never_passes_to_whoever_else_uses_the_device(api, installed):
    first = await persons.make(installed, EMAIL)
    second = await persons.make(installed, "other@example.test")
    await api.post(SIGNALS, json=signal(subject={"id": str(first)}))
    async with installed.database.begin(CALLER) as session:
        whose = {row.contact_id for row in await session.all("SELECT contact_id FROM consent_entry")}
        device = await session.value("SELECT contact_id FROM device")
    assert whose == {first, device}
    assert second not in whose


async def test_a_signal_of_somebody_whom_nobody_knows_is_the_devices_all_the_same(api, installed):
    told = (await api.post(SIGNALS, json=signal(subject={"external": "nobody"}))).json()
    assert [one["purpose"] for one in told["objections"]] == [ANALYTICS]


async def test_a_signal_of_nobody_is_refused(api):
    answer = await api.post(SIGNALS, json={"source": "site", "sec_gpc": "1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "subject.missing")


async def test_one_signal_is_one_entry_in_the_log_that_names_no_device(api, installed):
    async with logged(installed) as found:
        await api.post(SIGNALS, json=signal(evidence={"address": "198.51.100.7"}))
    (entry,) = found()
    assert entry["action"] == "signal.record"
    assert len(entry["detail"]["digests"]) == 1
    assert not [value for value in (BROWSER, "198.51.100.7") if value in str(entry)]


async def test_the_statement_of_support_is_there_for_everybody(api, installed):
    answer = await api.get("/.well-known/gpc.json", headers={"Authorization": ""})
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    assert told["gpc"] is True
    assert set(told) == {"gpc", "lastUpdate"}
    async with installed.database.begin(CALLER) as session:
        recorded = await session.value(
            "SELECT max(recorded_at) FROM policy_version WHERE purpose = ANY(%s)",
            ([ANALYTICS, "profiled-letters"],),
        )
    assert told["lastUpdate"] == recorded.date().isoformat()


async def test_where_nothing_yields_to_the_signal_nothing_is_promised(client):
    assert (await client.get("/.well-known/gpc.json")).json()["gpc"] is False


@pytest.mark.parametrize("value", ["1", "0"])
async def test_a_signal_that_no_purpose_yields_to_is_not_called_honoured(admin, workspace, value):
    told = (await admin.post(SIGNALS, json=signal(value))).json()
    assert told == {"honoured": False, "objections": []}
    assert await entries(workspace) == 0
