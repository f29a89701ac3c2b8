"""How a person comes to their choices, and what else they can ask for there."""

import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.contacts.queries import parse_reference
from registry.dispatch.composing import of_campaign
from registry.dispatch.template_sources import TemplateSet, TemplateText
from registry.dispatch.tokens import OneClick, seal
from registry.subject_requests import intake, package
from registry.subject_requests.deadlines import one_month
from tests.dispatch.people import TEMPLATE, campaign
from tests.persons import CALLER
from tests.portal.choices.asking import ANNA, forms, link, take
from tests.portal.letters import delivered, ids, rows, text_of


async def test_a_message_on_the_way_is_named(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    await campaign(workspace)
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE message SET state = 'unknown'")
    answer = await client.post(await link(workspace), data=take("newsletter"))
    assert "1 message had already left us" in answer.text


async def test_every_marketing_mail_can_carry_the_link(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    source = TEMPLATE.locales["en"]
    text = TemplateText(
        source.subject,
        source.text.replace("{{ unsubscribe_url }}", "{{ unsubscribe_url }} {{ preferences_url }}"),
        source.html.replace("no more</a>", 'no more</a> <a href="{{ preferences_url }}">all choices</a>'),
    )
    campaign_id = await campaign(workspace, TemplateSet({"en": text}, "en"))
    (mail,) = await delivered(workspace, tmp_path)
    (path,) = re.findall(r"/p/prefs/[A-Za-z0-9_-]+", text_of(mail))
    assert "Yes, since" in (await client.get(path)).text
    # A live link is cut out of what the person is given, and the bytes can be made again.
    from registry.dispatch import subject
    from registry.keys import persons as keys

    async with workspace.database.begin(CALLER) as session:
        held = (await keys.load(session, workspace.ring, [anna]))[anna]
        told = await subject.export(session, workspace.ring, anna, held)
        (row,) = await session.all('SELECT id, content_hash, "values" AS sealed FROM message')
        composer = await of_campaign(session, campaign_id)
    assert "/p/prefs/..." in told["messages"][0]["content"]["text"]
    assert path not in str(told)
    from registry.dispatch.mime import content_hash
    from registry.keys.columns import MESSAGE_VALUES

    again = composer.again(row.id, anna, held.open(MESSAGE_VALUES, row.sealed), workspace.ring.token)
    assert content_hash(again) == bytes(row.content_hash)
    assert await rows(workspace, "SELECT 1 FROM campaign WHERE state = %s", (campaigns.SENDING,))


async def test_one_click_leads_to_all_choices_by_a_link_that_shows_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    contact_id, assignment_id = await ids(workspace, ANNA)
    number = workspace.policies.purpose_ids["newsletter"]
    url = f"/p/u/{seal(workspace.ring.token, OneClick(contact_id, assignment_id, number))}"
    for page in (await client.get(url), await client.post(url, data={"List-Unsubscribe": "One-Click"})):
        (path,) = re.findall(r'href="(/p/prefs/[^"]+)"', page.text)
        shown = (await client.get(path)).text
        assert "Yes, since" not in shown
        assert "Send me a fresh link" in shown


async def test_asking_for_a_copy_files_a_request_once_with_its_term(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    page = (await client.post(path, data={"action": "access"})).text
    due = one_month(datetime.now(UTC).date())
    assert "We have your request." in page
    assert f"{due.day} {due:%B %Y} at the latest" in page
    await client.post(path, data={"action": "access"})
    (filed,) = await rows(workspace, "SELECT kind, state, actor, completed_at FROM subject_request")
    assert tuple(filed) == ("access", intake.RECEIVED, "person", None)
    async with workspace.database.begin(CALLER) as session:
        assert [one.due for one in await intake.waiting_of(session)] == [due]
        await package.make(session, workspace.ring, workspace.policies, parse_reference(str(anna)))
    (done,) = await rows(workspace, "SELECT state, completed_at FROM subject_request")
    assert done.state == intake.COMPLETED
    assert done.completed_at is not None
    assert {f["action"] for f in forms((await client.get(path)).text)} >= {"access"}


@pytest.mark.law("LP-50")
@pytest.mark.parametrize(
    ("received", "due"),
    [("2026-08-31", "2026-09-30"), ("2026-01-18", "2026-02-18"), ("2027-01-31", "2027-02-28"),
     ("2028-01-31", "2028-02-29"), ("2026-12-22", "2027-01-22")],
)  # fmt: skip
def test_the_term_is_one_month_and_never_later_than_the_law_s(received: str, due: str) -> None:
    assert one_month(datetime.fromisoformat(received).date()).isoformat() == due
