"""The form that the how-to tells to write can be used as it stands there, and so can what it tells to send."""

import json

import pytest

from registry.policy import loader
from tests.application import client_of
from tests.collection.forms import copied, installed
from tests.collection.test_submitting import entries
from tests.docs.console import blocks
from tests.docs.law_report import ROOT

PAGE = (ROOT / "docs/how-to/publish-a-collection-point.md").read_text("utf-8")


@pytest.fixture
def folder(tmp_path):
    made = copied(tmp_path)
    for block in blocks(PAGE):
        if block.file is not None:
            (made / block.file).parent.mkdir(exist_ok=True)
            (made / block.file).write_text(block.text, "utf-8")
    return made


def test_it_has_no_problem(folder):
    policies, problems = loader.examine(folder)
    assert problems == []
    assert policies is not None
    assert [point.version for point in policies.collection["tent-evening"]] == [1]


async def test_what_is_sent_there_is_recorded(workspace, folder):
    (sent,) = [json.loads(block.text) for block in blocks(PAGE) if block.kind == "json"]
    async with client_of(await installed(workspace, folder)) as client:
        shown = (await client.get("/api/v1/collection/tent-evening?locale=en")).json()
        assert {control["id"] for control in shown["controls"]} == set(sent["controls"])
        told = (await client.post("/api/v1/collection/tent-evening/submissions", json=sent)).json()
    (entry,) = await entries(workspace, told["contact"])
    assert (entry.point, entry.act, entry.notice_locale) == ("tent-evening", "clicked", "en")
