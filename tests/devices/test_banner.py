"""A form may ask a device: the yes is the browser's, with the exact words that stood there."""

from dataclasses import replace as with_
from functools import partial
from typing import Any

import pytest
import pytest_asyncio

from registry.consents import projection
from registry.kit.database import Database, Role
from registry.kit.journal import FileJournal
from registry.policy import loader, service
from tests.application import client_of
from tests.devices.test_devices import BROWSER, count, reason
from tests.devices.tracking import ANALYTICS, tracked_policies
from tests.persons import CALLER

FORM = """\
version = 1
controller = "nordwind"
locales = ["en"]
default_locale = "en"

[notices]
site-analytics = 1

[[control]]
id = "accept"
kind = "button"
purposes = ["site-analytics"]
channels = ["process"]
submits = true

[[control]]
id = "decline"
kind = "button"
purposes = ["site-analytics"]
channels = ["process"]
says = "no"
submits = true
"""
BANNER = "/api/v1/collection/banner/submissions"


@pytest.fixture
def folder(tmp_path):
    made = tracked_policies(tmp_path)
    (made / "collection/banner").mkdir()
    (made / "collection/banner/point.toml").write_text(FORM, "utf-8")
    text = (made / "collection/newsletter-footer/text.en.md").read_text("utf-8")
    head, _, rest = text.partition("[labels]\n")
    labels = '[labels]\naccept = "Count my visits"\ndecline = "No, thank you"\n\n'
    text = head + labels + "[parts]\n" + rest.partition("[parts]\n")[2]
    (made / "collection/banner/text.en.md").write_text(text, "utf-8")
    return made


@pytest_asyncio.fixture
async def installed(workspace, folder):
    async with workspace.database.begin(CALLER, Role.OWNER) as session:
        done = await service.install(
            session, workspace.ring, loader.load(folder), author="operator", reason="test"
        )
    database = Database(
        workspace.database.urls,
        settle=partial(projection.settle, policies=done.policies),
        journal=FileJournal(workspace.settings.journal_folder),
    )
    await database.open()
    yield with_(workspace, database=database, policies=done.policies)
    await database.close()


def pressed(*controls: str, **more: Any) -> dict[str, Any]:
    return {"version": 1, "locale": "en", "controls": dict.fromkeys(controls, True), **more}


async def test_a_press_is_the_devices_yes_or_no_and_no_persons(installed):
    async with client_of(installed) as api:
        yes = await api.post(BANNER, json=pressed("accept", device=BROWSER))
        assert yes.status_code == 201, yes.text
        assert await reason(installed, f"device:{BROWSER}") == "permit"
        no = (await api.post(BANNER, json=pressed("decline", device=BROWSER))).json()
        assert [one["kind"] for one in no["entries"]] == ["refused"]
        assert await reason(installed, f"device:{BROWSER}") == "consent.refused"
        assert await count(installed, "contact") == 0
        path = f"/api/v1/contacts/{yes.json()['contact']}/consents/{yes.json()['entries'][0]['id']}/proof"
        assert (await api.get(path)).json()["form"]["text"] == "Count my visits"


async def test_a_device_that_presses_nothing_is_not_put_on_record(installed):
    async with client_of(installed) as api:
        none = await api.post(BANNER, json=pressed(device=BROWSER))
        assert (none.status_code, none.json()["code"]) == (400, "control.missing")
        answer = await api.post(BANNER, json=pressed("accept"))
        assert (answer.status_code, answer.json()["code"]) == (400, "subject.no_device")
        both = await api.post(BANNER, json=pressed("accept", "decline", device=BROWSER))
        assert (both.status_code, both.json()["code"]) == (400, "control.contradictory")
    assert await count(installed, "device") == 0


def test_a_form_that_asks_a_device_and_a_person_at_once_is_refused(folder):
    file = folder / "collection/newsletter-footer/point.toml"
    text = file.read_text("utf-8").replace('locales = ["en", "lv", "pl", "ru"]', 'locales = ["en"]', 1)
    text = text.replace('default_locale = "lv"', 'default_locale = "en"', 1)
    box = f'[[control]]\nid = "count"\nkind = "checkbox"\npurposes = ["{ANALYTICS}"]\nchannels = ["process"]\n\n'
    file.write_text(text.replace('[[control]]\nid = "send"', f'{box}[[control]]\nid = "send"', 1), "utf-8")
    assert any("a device and a person at once" in problem.text for problem in loader.examine(folder)[1])
