"""What the how-to on choices says can be done as it stands there."""

import json
from dataclasses import replace
from pathlib import Path

import httpx

from registry.access.workspace import Workspace
from registry.dispatch.template_sources import TemplateSet
from tests.dispatch.people import TEMPLATE, campaign
from tests.docs.console import blocks
from tests.docs.law_report import ROOT
from tests.portal.letters import delivered, path_in

PAGE = ROOT / "docs" / "how-to" / "let-persons-manage-their-choices.md"


def every(kind: str) -> list[str]:
    return [one.text for one in blocks(PAGE.read_text("utf-8")) if one.kind == kind]


def block(kind: str) -> str:
    (found,) = every(kind)
    return found


async def test_the_calls_of_the_page_are_taken_and_the_request_is_mailed(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path
) -> None:
    for call in every("http"):
        head, _, body = call.partition("\n\n")
        path = head.splitlines()[0].removeprefix("POST ")
        assert (await admin.post(path, json=json.loads(body))).status_code == 201
    (mail,) = await delivered(workspace, tmp_path)
    assert path_in(mail).startswith("/p/c/")


async def test_the_links_of_the_page_make_a_template(workspace: Workspace) -> None:
    source = TEMPLATE.locales["en"]
    links = TemplateSet({"en": replace(source, html=source.html + block("html"))}, "en")
    assert await campaign(workspace, links)


def test_the_policy_lines_of_the_page_are_those_of_the_purpose_that_ships(workspace: Workspace) -> None:
    purpose = workspace.policies.purposes["club-letter"]
    said = dict(line.split(" = ") for line in block("toml").strip().splitlines())
    assert said == {
        "double_opt_in": str(purpose.double_opt_in).lower(),
        "confirm_within_days": str(purpose.confirm_within_days),
    }
