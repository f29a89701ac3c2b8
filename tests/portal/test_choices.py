"""The preference centre: what it shows, that every no takes one step, and what a link can do when."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.dispatch.composing import of_campaign
from registry.dispatch.template_sources import TemplateSet, TemplateText
from registry.dispatch.tokens import OneClick, Preferences, open_preferences, seal, seal_preferences
from registry.kit.texts import LOCALES, gettext_for
from registry.subject_requests import erasure, intake, package
from registry.subject_requests.deadlines import one_month
from tests.dispatch.people import TEMPLATE, campaign
from tests.persons import CALLER, act, make, reason, sale
from tests.portal.letters import counts, delivered, ids, path_in, rows, text_of

ANNA = "anna@example.org"
NO = ("consent.withdrawn", "address.suppressed", "purpose.objected")


@pytest.fixture
async def anna(workspace: Workspace) -> UUID:
    made = await make(workspace, ANNA, country="LV", fields={"first_name": "Annapurna"})
    await act(workspace, f"email:{ANNA}", EntryKind.GRANTED, "newsletter")
    await sale(workspace, f"email:{ANNA}")
    return made


async def link(
    workspace: Workspace, address: str = ANNA, purpose: str = "newsletter", days: float | None = 0
) -> str:
    """The path of a link to somebody's choices, mailed so many days ago; None for one that never was fresh."""
    contact_id, assignment_id = await ids(workspace, address)
    issued = 0 if days is None else int(time.time() - days * 86_400)
    token = Preferences(contact_id, assignment_id, workspace.policies.purpose_ids[purpose], issued)
    return f"/p/prefs/{seal_preferences(workspace.ring.token, token)}"


def take(purpose: str, channel: str = "email") -> dict[str, str]:
    return {"action": "take", "purpose": purpose, "channel": channel}


def give(workspace: Workspace, purpose: str, locale: str = "en", **more: str) -> dict[str, str]:
    version = workspace.policies.purposes[purpose].notice_version
    return {"action": "give", "purpose": purpose, "channel": "email", "notice": f"{version}.{locale}", **more}


def forms(page: str) -> list[dict[str, str]]:
    """The hidden fields of every form of a page."""
    return [
        dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))
        for form in re.findall(r"<form.*?</form>", page, re.DOTALL)
    ]


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


@pytest.mark.parametrize("days", [31, None, -1])
async def test_an_old_link_takes_back_and_shows_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, days: float | None
) -> None:
    path = await link(workspace, days=days)
    page = (await client.get(path)).text
    assert "•••" not in page
    assert "Yes, since" not in page
    assert {f["action"] for f in forms(page)} == {"take", "take-all", "link"}
    before = await counts(workspace)
    for form in (give(workspace, "newsletter"), {"action": "access"}):
        assert "takes a fresh link" in (await client.post(path, data=form)).text
    assert await counts(workspace) == before
    answer = await client.post(path, data=take("newsletter"))
    assert "holds from now on" in answer.text
    assert await reason(workspace, f"email:{ANNA}") in NO


async def test_an_old_link_has_a_fresh_one_mailed_to_its_own_address(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    answer = await client.post(await link(workspace, days=100), data={"action": "link", "lang": "ru"})
    assert (
        gettext_for("ru")("An e-mail with a fresh link is on its way, unless one was sent there minutes ago.")
        in answer.text
    )
    (mail,) = await delivered(workspace, tmp_path)
    assert mail["To"].addresses[0].addr_spec == ANNA
    assert gettext_for("ru")("Hello,") in text_of(mail)
    fresh = path_in(mail)
    token = open_preferences(workspace.ring.token, fresh.rpartition("/")[2])
    assert token is not None
    assert abs(token.issued_at - time.time()) < 60
    assert "Yes, since" in (await client.get(fresh)).text


async def test_a_link_to_an_address_that_is_somebody_else_s_by_now_shows_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE assignment SET valid_to = clock_timestamp()")
    page = (await client.get(path)).text
    assert "Yes, since" not in page
    await client.post(path, data=take("newsletter"))
    (entry,) = await rows(workspace, "SELECT kind FROM consent_entry ORDER BY seq DESC LIMIT 1")
    assert EntryKind(entry.kind) is EntryKind.WITHDRAWN
    assert len(await rows(workspace, "SELECT 1 FROM address_refusal")) == 1


async def test_a_no_binds_the_shared_address_as_one_click_does(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    for name in ("one", "other"):
        made = await make(workspace, "home@example.org", external=name)
        await act(workspace, made, EntryKind.GRANTED, assignment_id=await assignment(workspace, made))
    one = (await rows(workspace, "SELECT contact_id, id FROM assignment WHERE kind = 1 ORDER BY id"))[0]
    number = workspace.policies.purpose_ids["newsletter"]
    token = Preferences(one.contact_id, one.id, number, int(time.time()))
    await client.post(f"/p/prefs/{seal_preferences(workspace.ring.token, token)}", data=take("newsletter"))
    for name in ("one", "other"):
        assert await reason(workspace, f"external:{name}") in NO


async def assignment(workspace: Workspace, contact_id: UUID) -> UUID:
    (found,) = await rows(
        workspace, "SELECT id FROM assignment WHERE contact_id = %s AND kind = 1", (contact_id,)
    )
    return found.id


async def test_a_yes_is_for_the_mailbox_that_the_link_was_sent_to(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    await make(workspace, ANNA, "second@example.org")
    _, second = await ids(workspace, "second@example.org")
    path = await link(workspace)
    page = (await client.get(path)).text
    assert str(second) not in page
    await client.post(path, data=give(workspace, "newsletter", identifier=str(second)))
    (entry,) = await rows(workspace, "SELECT assignment_id FROM consent_entry")
    assert entry.assignment_id == (await ids(workspace, ANNA))[1]


async def test_an_erased_person_s_link_answers_and_does_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(anna))
    )
    before = await counts(workspace)
    for form in (None, take("newsletter"), {"action": "take-all"}, give(workspace, "newsletter"),
                 {"action": "access"}, {"action": "link"}):  # fmt: skip
        answer = await (client.get(path) if form is None else client.post(path, data=form))
        assert answer.status_code == 200
        assert "No data belong to this link any more" in answer.text
    assert await counts(workspace) == before


@pytest.mark.parametrize("token", ["A" * 72, "short", "z" * 500])
async def test_a_cut_or_forged_link_is_told_so(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, token: str
) -> None:
    before = await counts(workspace)
    for answer in (
        await client.get(f"/p/prefs/{token}"),
        await client.post(f"/p/prefs/{token}", data={"action": "take-all"}),
    ):
        assert answer.status_code == 404
    assert await counts(workspace) == before


async def test_no_other_token_opens_it(workspace: Workspace, client: httpx.AsyncClient, anna: UUID) -> None:
    contact_id, assignment_id = await ids(workspace, ANNA)
    one_click = seal(
        workspace.ring.token,
        OneClick(contact_id, assignment_id, workspace.policies.purpose_ids["newsletter"]),
    )
    assert (await client.get(f"/p/prefs/{one_click}")).status_code == 404
    prefs = (await link(workspace)).rpartition("/")[2]
    assert (await client.get(f"/p/c/{prefs}")).status_code == 404
    assert (await client.get(f"/p/u/{prefs}")).status_code == 404


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "give-all"},
        {"action": "take", "purpose": "unknown", "channel": "email"},
        {"action": "take", "purpose": "club-letter", "channel": "email"},
        {"action": "take", "purpose": "order-messages", "channel": "email"},
        {"action": "take", "purpose": "newsletter", "channel": "sms"},
        {"action": "give", "purpose": "newsletter", "channel": "sms", "notice": "1.en"},
    ],
)
async def test_a_form_that_is_not_of_this_page_is_refused(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, form: dict[str, str]
) -> None:
    before = await counts(workspace)
    answer = await client.post(await link(workspace), data=form)
    assert answer.status_code == 400
    assert answer.json()["code"] == "choice.invalid"
    assert await counts(workspace) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 400),
        ({"Sec-Fetch-Site": "same-site"}, 400),
        ({"Origin": "https://elsewhere.example"}, 400),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Origin": "http://127.0.0.1:8400"}, 200),
        ({"Origin": "null"}, 200),
        ({}, 200),
    ],
)
async def test_a_form_posted_from_another_site_is_refused(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, headers: dict[str, str], status: int
) -> None:
    answer = await client.post(await link(workspace), data=take("newsletter"), headers=headers)
    assert answer.status_code == status
    assert (await reason(workspace, f"email:{ANNA}") == "permit") is (status == 400)


@pytest.mark.parametrize("locale", LOCALES)
async def test_a_browser_is_told_of_errors_in_the_reader_s_language(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, locale: str
) -> None:
    headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": locale}
    answer = await client.post(await link(workspace), data={"action": "nothing"}, headers=headers)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert gettext_for(locale)("The request could not be read") in answer.text


async def test_the_language_is_chosen_by_a_link(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    path = await link(workspace)
    for locale in LOCALES:
        page = (await client.get(path, params={"lang": locale}, headers={"Accept-Language": "de"})).text
        assert f'<html lang="{locale}">' in page
        for other in LOCALES:
            assert (f'href="?lang={other}"' in page) is (other != locale)
    assert '<html lang="en">' in (await client.get(path, params={"lang": "xx"})).text


async def test_nothing_of_the_page_comes_from_elsewhere_and_no_script_runs(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID
) -> None:
    answer = await client.get(await link(workspace))
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in answer.text
    assert set(re.findall(r'(?:src|href)="(?!/p/|\?lang=)([^"]*)"', answer.text)) == set()


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


async def test_an_expired_consent_says_so_and_can_be_given_again(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    await make(workspace, ANNA, country="PL")
    ago = datetime.now(UTC) - timedelta(days=800)
    first = await act(workspace, f"email:{ANNA}", EntryKind.REQUESTED, "club-letter", acted_at=ago)
    await act(workspace, f"email:{ANNA}", EntryKind.CONFIRMED, "club-letter", refers_to=first.id)
    path = await link(workspace, purpose="club-letter")
    page = (await client.get(path)).text
    assert "has expired" in page
    (giving,) = [f for f in forms(page) if f["action"] == "give"]
    await client.post(path, data=giving)
    assert len(await rows(workspace, "SELECT 1 FROM message WHERE letter = 'confirmation'")) == 1


async def test_a_no_by_the_link_of_one_record_binds_all_that_were_merged(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    from tests.merging.people import merge

    for address in (ANNA, "second@example.org"):
        await make(workspace, address)
        await act(workspace, f"email:{address}", EntryKind.GRANTED, "newsletter")
    first, second = [(await ids(workspace, address))[0] for address in (ANNA, "second@example.org")]
    paths = [await link(workspace, address) for address in (ANNA, "second@example.org")]
    await merge(workspace, first, second)
    for path in paths:
        assert "Yes, since" in (await client.get(path)).text
    await client.post(paths[1], data=take("newsletter"))
    for path in paths:
        page = (await client.get(path)).text
        assert "Yes, since" not in page
    assert await reason(workspace, str(first)) in NO
