"""The preference centre: what it shows, and that every no takes one step."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from tests.persons import act, make, reason, sale
from tests.portal.choices.asking import ANNA, NO, forms, give, link, take
from tests.portal.letters import counts, delivered, path_in, rows


async def test_shows_each_purpose_and_channel_with_its_state_and_nobody_s_name(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    page = (await client.get(await link(workspace))).text
    today = datetime.now(UTC)
    assert f"Yes, since {today.day} {today:%B %Y}." in page
    assert "Yes, until you object." in page
    assert "SIA Nordwind" in page
    assert "Polana" not in page, "the choices towards one controller are none of another's business"
    assert "a•••@•••" in page
    for secret in (ANNA, "Annapurna", str(anna)):
        assert secret not in page
    assert workspace.policies.purposes["order-messages"].title["en"] in page


async def test_a_read_of_a_person_s_choices_is_in_the_log(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    await client.get(await link(workspace))
    (entry,) = await rows(
        workspace,
        "SELECT convert_from(e.body, 'UTF8')::jsonb AS body FROM audit_entry e"
        " JOIN audit_opening o ON o.entry_id = e.id"
        " WHERE o.contact_id = %s AND convert_from(e.body, 'UTF8')::jsonb ->> 'action' = 'consent.read'",
        (anna,),
    )
    assert entry.body["actor"] == "person"


@pytest.mark.law("LP-15")
async def test_looking_changes_nothing(workspace: Workspace, client: httpx.AsyncClient, anna: UUID) -> None:
    before = await counts(workspace)
    for path in (await link(workspace), await link(workspace, days=60), await link(workspace, days=None)):
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = await client.request(method, path, params=take("newsletter"))
            assert answer.status_code in (200, 204)
            assert "set-cookie" not in answer.headers
        for method in ("PUT", "DELETE", "PATCH"):
            assert (await client.request(method, path)).status_code == 405
    assert await counts(workspace) == before
    assert await reason(workspace, f"email:{ANNA}") == "permit"


@pytest.mark.law("LP-19")
async def test_what_rests_on_an_interest_can_be_objected_to_before_it_begins(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    await make(workspace, ANNA, country="LV")
    path = await link(workspace)
    offered = [
        form.get("purpose") for form in forms((await client.get(path)).text) if form["action"] == "take"
    ]
    assert "product-updates" in offered
    assert "newsletter" not in offered, "nobody takes back what was never given"
    page = (await client.post(path, data=take("product-updates"))).text
    left = [form.get("purpose") for form in forms(page) if form["action"] == "take"]
    assert "product-updates" not in left
    (entry,) = await rows(workspace, "SELECT kind, purpose FROM consent_entry")
    assert (EntryKind(entry.kind), entry.purpose) == (EntryKind.OBJECTED, "product-updates")
    # A later sale gives no ground against the person's no.
    await sale(workspace, f"email:{ANNA}")
    assert await reason(workspace, f"email:{ANNA}", "product-updates") in NO


@pytest.mark.law("LP-19")
async def test_a_no_to_one_purpose_leaves_the_others(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    answer = await client.post(await link(workspace), data=take("newsletter"))
    assert "holds from now on" in answer.text
    assert await reason(workspace, f"email:{ANNA}") in NO
    assert await reason(workspace, f"email:{ANNA}", "product-updates") == "permit"
    (entry,) = await rows(workspace, "SELECT * FROM consent_entry ORDER BY seq DESC LIMIT 1")
    assert (EntryKind(entry.kind), entry.source, entry.actor, entry.act) == (
        EntryKind.WITHDRAWN,
        "preferences",
        "person",
        "clicked",
    )


async def test_a_no_to_what_rests_on_interests_is_an_objection(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    await client.post(await link(workspace), data=take("product-updates"))
    (entry,) = await rows(workspace, "SELECT kind FROM consent_entry ORDER BY seq DESC LIMIT 1")
    assert EntryKind(entry.kind) is EntryKind.OBJECTED
    assert await reason(workspace, f"email:{ANNA}", "product-updates") in NO


@pytest.mark.law("LP-19")
async def test_one_step_ends_all_marketing_of_the_controller_and_nothing_else(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    await act(workspace, f"email:{ANNA}", EntryKind.REQUESTED, "club-letter")
    requested = (await rows(workspace, "SELECT id FROM consent_entry WHERE purpose = 'club-letter'"))[0].id
    await act(workspace, f"email:{ANNA}", EntryKind.CONFIRMED, "club-letter", refers_to=requested)
    answer = await client.post(await link(workspace), data={"action": "take-all"})
    assert "sends you no advertising any more" in answer.text
    for purpose in ("newsletter", "product-updates"):
        assert await reason(workspace, f"email:{ANNA}", purpose) in NO
    assert await reason(workspace, f"email:{ANNA}", "club-letter") == "permit"
    assert await reason(workspace, f"email:{ANNA}", "order-messages") == "permit"


async def test_it_takes_no_more_steps_to_say_no_than_to_say_yes(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    (taking,) = [f for f in forms((await client.get(path)).text) if f.get("purpose") == "newsletter"]
    assert taking["action"] == "take"
    page = (await client.post(path, data=taking)).text
    (giving,) = [f for f in forms(page) if f.get("purpose") == "newsletter"]
    assert giving["action"] == "give"
    page = (await client.post(path, data=giving)).text
    assert await reason(workspace, f"email:{ANNA}") == "permit"
    (again,) = [f for f in forms(page) if f.get("purpose") == "newsletter"]
    assert again["action"] == "take"


async def test_a_yes_keeps_the_text_that_was_shown_its_language_and_the_form(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = f"{await link(workspace)}?lang=lv"
    await client.post(path, data=take("newsletter"))
    page = (await client.get(path)).text
    (giving,) = [f for f in forms(page) if f.get("purpose") == "newsletter"]
    notice = next(n for n in workspace.policies.notices["newsletter"] if n.locale == "lv")
    for heading in notice.parts.values():
        assert f">{heading}</h4>" in page
    await client.post(path, data=giving)
    (entry,) = await rows(workspace, "SELECT * FROM consent_entry ORDER BY seq DESC LIMIT 1")
    assert (EntryKind(entry.kind), entry.act, entry.notice_locale) == (EntryKind.GRANTED, "clicked", "lv")
    assert entry.notice_version == workspace.policies.purposes["newsletter"].notice_version
    assert entry.evidence is not None
    assert await reason(workspace, f"email:{ANNA}") == "permit"


async def test_a_yes_to_a_text_that_changed_meanwhile_is_asked_again(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    await client.post(path, data=take("newsletter"))
    before = await counts(workspace)
    answer = await client.post(path, data=give(workspace, "newsletter", notice="99.en"))
    assert "has changed meanwhile" in answer.text
    assert await counts(workspace) == before


@pytest.mark.law("LP-24")
async def test_a_yes_to_what_is_confirmed_by_mail_is_a_request_and_the_mail_goes_out(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await link(workspace, purpose="club-letter")
    answer = await client.post(path, data=give(workspace, "club-letter", "pl", lang="pl"))
    assert "Jeszcze jeden krok" in answer.text
    assert "Czeka na Twoje potwierdzenie" in answer.text
    assert not [f for f in forms(answer.text) if f.get("action") == "give"], "it is not asked for twice"
    (mail,) = await delivered(workspace, tmp_path)
    await client.post(path_in(mail), data={"confirm": "yes"})
    assert await reason(workspace, f"email:{ANNA}", "club-letter") == "permit"


async def test_an_expired_consent_says_so_and_can_be_given_again(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    await make(workspace, ANNA, country="PL")
    ago = datetime.now(UTC) - timedelta(days=800)
    first = await act(workspace, f"email:{ANNA}", EntryKind.REQUESTED, "club-letter", acted_at=ago)
    await act(
        workspace, f"email:{ANNA}", EntryKind.CONFIRMED, "club-letter", refers_to=first.id, acted_at=ago
    )
    path = await link(workspace, purpose="club-letter")
    page = (await client.get(path)).text
    assert "has expired" in page
    (giving,) = [f for f in forms(page) if f["action"] == "give"]
    await client.post(path, data=giving)
    assert len(await rows(workspace, "SELECT 1 FROM message WHERE letter = 'confirmation'")) == 1
