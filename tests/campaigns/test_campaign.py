"""Campaigns through HTTP and the command line: what is refused before anybody is queued, and what is shown."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from registry.access.workspace import Workspace
from registry.campaigns import files, filling, service
from registry.kit.errors import Misuse
from tests.dispatch.people import HTML, TEXT, persons

TEMPLATE = {"locales": {"en": {"subject": "News", "text": TEXT, "html": HTML}}}


def body(**changes: Any) -> dict[str, Any]:
    return {"purpose": "newsletter", "channel": "email", "template": TEMPLATE} | changes


def template(**changes: str) -> dict[str, Any]:
    return {"locales": {"en": {"subject": "News", "text": TEXT, "html": HTML} | changes}}


async def test_is_made_filled_and_shown(workspace: Workspace, admin: httpx.AsyncClient) -> None:
    await persons(workspace, ["a@example.org", "b@example.org"])
    await persons(workspace, ["c@example.org"], granted=False)
    made = await admin.post("/api/v1/campaigns", json=body())
    assert made.status_code == 202
    assert made.json()["state"] == "filling"
    async with workspace.database.begin(filling.Caller("worker")) as session:
        (campaign_id,) = await service.unfilled(session)
    await service.fill(
        workspace.database, workspace.ring, workspace.policies, campaign_id, filling.Caller("worker")
    )
    shown = (await admin.get(f"/api/v1/campaigns/{made.json()['id']}")).json()
    assert shown["state"] == "sending"
    assert (shown["permitted"], shown["blocked"]) == (2, {"consent.missing": 1})
    assert shown["messages"] == {"queued": 2}


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"text": TEXT.replace("{{ unsubscribe_url }}", "")}, "template.opt_out_missing"),
        ({"html": HTML.replace("{{ unsubscribe_url }}", "#")}, "template.opt_out_missing"),
        ({"text": TEXT.replace("{{ controller.address }}", "")}, "template.sender_missing"),
        ({"html": HTML.replace("{{ controller.name }}", "")}, "template.sender_missing"),
    ],
)
async def test_marketing_that_hides_its_sender_or_the_way_out_is_refused(
    workspace: Workspace, admin: httpx.AsyncClient, changes: dict[str, str], code: str
) -> None:
    await persons(workspace, ["a@example.org"])
    answer = await admin.post("/api/v1/campaigns", json=body(template=template(**changes)))
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    async with workspace.database.begin(filling.Caller("test")) as session:
        assert await session.value("SELECT count(*) FROM campaign") == 0
        assert await session.value("SELECT count(*) FROM message") == 0


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"purpose": "nonsense"}, 400, "purpose.unknown"),
        ({"channel": "pigeon"}, 400, "channel.unknown"),
        ({"channel": "webhook"}, 400, "channel.undeclared"),
        ({"purpose": "club-confirmations"}, 400, "campaign.requested_purpose"),
        ({"template": template(text=TEXT + "{{ secret }}")}, 400, "template.unknown_variable"),
        ({"template": template(text=TEXT + "{% if %}")}, 400, "template.syntax"),
        ({"template": {"locales": {}}}, 400, None),
        ({"audience": "some"}, 400, None),
    ],
)
async def test_what_is_wrong_is_refused_with_a_reason(
    admin: httpx.AsyncClient, changes: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await admin.post("/api/v1/campaigns", json=body(**changes))
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert code is None or answer.json()["code"] == code


async def test_an_unknown_campaign_is_not_found(admin: httpx.AsyncClient) -> None:
    answer = await admin.get("/api/v1/campaigns/00000000-0000-7000-8000-000000000000")
    assert answer.status_code == 404
    assert answer.json()["code"] == "campaign.unknown"


async def test_needs_a_key(client: httpx.AsyncClient) -> None:
    assert (await client.post("/api/v1/campaigns", json=body())).status_code == 401


def test_a_file_names_a_template_beside_it(tmp_path: Path) -> None:
    (tmp_path / "spring").mkdir()
    (tmp_path / "spring" / "en.toml").write_text(
        f'subject = "s"\ntext = """{TEXT}"""\nhtml = \'\'\'{HTML}\'\'\'\n'
    )
    file = tmp_path / "campaign.toml"
    file.write_text(
        'purpose = "newsletter"\nchannel = "email"\ntemplate = "spring"\naudience = ["email:a@b.test"]\n'
    )
    read = files.read(file)
    assert read.template.locales["en"].subject == "s"
    assert read.audience == ["email:a@b.test"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "campaign.invalid"),
        ("purpose = ", "campaign.unreadable"),
        ('purpose="p"\nchannel="c"\ntemplate="nowhere"', "template.unreadable"),
        ('purpose="p"\nchannel="c"\ntemplate=1', "campaign.invalid"),
        ('purpose="p"\nchannel="c"\ntemplate="x"\npurpos="y"', "campaign.invalid"),
        (
            'purpose="p"\nchannel="c"\n[template.en]\nsubject="s"\ntext="t"\nhtml="h"\n[audience]\n',
            "campaign.invalid",
        ),
    ],
)
def test_a_bad_file_is_one_clear_line(tmp_path: Path, text: str, code: str) -> None:
    file = tmp_path / "campaign.toml"
    file.write_text(text)
    with pytest.raises(Misuse) as caught:
        files.read(file)
    assert caught.value.code == code
    assert "\n" not in caught.value.line()


def test_a_missing_file_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"campaign.unreadable"):
        files.read(tmp_path / "nothing.toml")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "campaign.toml"
    path.write_text(
        'purpose = "newsletter"\nchannel = "email"\n[template.en]\n'
        f'subject = "News"\ntext = """{TEXT}"""\nhtml = \'\'\'{HTML}\'\'\'\n'
    )
    return path


async def test_is_sent_and_shown_from_the_command_line(workspace: Workspace, file: Path) -> None:
    await persons(workspace, ["a@example.org"])
    sent = await _zgoda(workspace, "campaign", "send", str(file))
    assert (sent["permitted"], sent["messages"]) == (1, {"queued": 1})
    assert await _zgoda(workspace, "campaign", "show", sent["id"]) == sent


@pytest.mark.law("LP-26")
async def test_no_file_asks_on_the_strength_of_one_request(workspace: Workspace, file: Path) -> None:
    file.write_text(file.read_text().replace("newsletter", "club-confirmations"))
    with pytest.raises(Misuse) as caught:
        await _zgoda(workspace, "campaign", "send", str(file))
    assert (caught.value.code, caught.value.field) == ("campaign.requested_purpose", "purpose")


async def _zgoda(workspace: Workspace, *arguments: str) -> dict[str, Any]:
    import asyncio
    import os

    from registry.cli import zgoda

    settings = workspace.settings
    environment = os.environ | {
        "ZGODA_DATA": str(settings.data),
        "ZGODA_DATABASE_URL": str(settings.database_url),
        "ZGODA_APP_URL": str(settings.app_url),
        "ZGODA_RETENTION_URL": str(settings.retention_url),
    }

    def call() -> str:
        done = CliRunner().invoke(zgoda, ["--json", *arguments], env=environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    made: dict[str, Any] = json.loads(await asyncio.to_thread(call))
    return made
