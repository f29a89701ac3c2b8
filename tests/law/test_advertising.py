"""Advertising names its sender and its way out, rides on nothing else, and asks nobody again who said no."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.consents.ledger import EntryKind
from registry.contacts import service as contacts
from registry.contacts.identifiers import Kind, normalise
from registry.contacts.service import NewContact, NewIdentifier
from registry.dispatch import composing, templates
from registry.dispatch.template_sources import TemplateSet, TemplateText
from registry.kit import clock
from registry.policy.model import ChannelGround, Subscriber
from tests.dispatch.people import HTML, TEXT
from tests.dispatch.people import campaign as made
from tests.exchange.files import row
from tests.exchange.loading import load_rows
from tests.law.test_sending import sent
from tests.persons import CALLER, act, make, reason, sale
from tests.portal.letters import delivered

AGAIN = TemplateSet(
    {"en": TemplateText("We miss you: please subscribe again", f"Just one click.\n{TEXT}", HTML)}, "en"
)


@pytest.mark.law("LP-26")
@pytest.mark.parametrize("purpose", ["newsletter", "product-updates"])
async def test_please_opt_in_again_reaches_nobody_who_did_not_consent(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, purpose: str
) -> None:
    people: dict[str, UUID] = {}
    for name in ("withdrew", "objected", "refused", "asked-nobody"):
        people[name] = await make(workspace, f"{name}@example.test")
    await act(workspace, "email:withdrew@example.test", EntryKind.GRANTED, purpose)
    await act(workspace, people["withdrew"], EntryKind.WITHDRAWN, purpose)
    await act(workspace, people["objected"], EntryKind.OBJECTED, purpose)
    await act(workspace, people["refused"], EntryKind.REFUSED, purpose)
    await load_rows(workspace, tmp_path, subscribed=[row("unknown@example.test", OPTIN_TIME="", OPTIN_IP="")])
    monkeypatch.setattr("tests.law.test_sending.TEMPLATE", AGAIN)
    assert await sent(workspace, tmp_path / "mail", purpose) == []
    assert await sent(workspace, tmp_path / "named", purpose, contact_ids=list(people.values())) == []


@pytest.mark.law("LP-34")
@pytest.mark.parametrize("channel", ["automated_call", "fax"])
async def test_soft_opt_in_carries_no_machine_call_and_no_fax(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, channel: str
) -> None:
    purposes = dict(workspace.policies.purposes)
    update: dict[str, Any] = {"channels": ("email", channel), "grounds": tuple(ChannelGround)}
    purposes["product-updates"] = purposes["product-updates"].model_copy(update=update)
    schedule = workspace.policies.schedule.model_copy(update={"quiet": ()})
    # Every list is fresh: nothing but the rule itself stands in the way.
    fresh = {name: ((clock.now(), clock.now().date()),) for name in workspace.policies.lists}
    told = workspace.policies.model_copy(
        update={"purposes": purposes, "schedule": schedule, "list_imports": fresh}
    )
    monkeypatch.setattr("tests.installation.policies", lambda: told)
    calling = replace(workspace, policies=told)
    for country in ("LV", "BE", "SE", "PL", None):
        number = "+371200000" + str(len(country or "") * 10 + ord((country or "X")[0]))[-2:]
        new = NewContact(
            [NewIdentifier(normalise(Kind.PHONE, number))],
            "t",
            country=country,
            subscriber=Subscriber.NATURAL,
        )
        async with calling.database.begin(CALLER) as session:
            (person,) = await contacts.create(session, calling.ring, told, [new])
        await sale(calling, f"phone:{number}")
        assert await reason(calling, person, "product-updates", channel) == "channel.ground_missing", country
    # Consent for this channel does.
    await act(calling, f"phone:{number}", EntryKind.GRANTED, "product-updates", channel)
    assert await reason(calling, person, "product-updates", channel) == "permit"


def campaign(purpose: str, text: str, html: str) -> dict[str, Any]:
    template = {"locales": {"en": {"subject": "News", "text": text, "html": html}}}
    return {"purpose": purpose, "channel": "email", "audience": "all", "template": template}


async def queued(workspace: Workspace) -> int:
    async with workspace.database.begin(CALLER) as session:
        campaigns = int(await session.value("SELECT count(*) FROM campaign"))
        return campaigns + int(await session.value("SELECT count(*) FROM message"))


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    ("old", "code"),
    [
        ("{{ controller.name }}", "template.sender_missing"),
        ("{{ controller.address }}", "template.sender_missing"),
        ("{{ unsubscribe_url }}", "template.opt_out_missing"),
    ],
)
@pytest.mark.parametrize("part", ["text", "html"])
async def test_marketing_without_sender_or_way_out_is_not_queued(
    workspace: Workspace, admin: httpx.AsyncClient, part: str, old: str, code: str
) -> None:
    await make(workspace, "anna@example.test")
    await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    parts = {"text": TEXT, "html": HTML}
    parts[part] = parts[part].replace(old, "")
    answer = await admin.post("/api/v1/campaigns", json=campaign("newsletter", **parts))
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert await queued(workspace) == 0


@pytest.mark.law("LP-35")
@pytest.mark.parametrize(
    ("html", "code"),
    [
        (f"<div style='display:none'>{HTML}</div>Buy!", "template.sender_missing"),
        (HTML.replace("<a ", "<a style='font-size:0' "), "template.opt_out_missing"),
        (HTML.replace("no more", ""), "template.opt_out_missing"),
        (f"<style>a {{ visibility: hidden }}</style>{HTML}", "template.opt_out_missing"),
    ],
)
async def test_marketing_that_hides_its_sender_or_way_out_is_not_queued(
    workspace: Workspace, admin: httpx.AsyncClient, html: str, code: str
) -> None:
    answer = await admin.post("/api/v1/campaigns", json=campaign("newsletter", TEXT, html))
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert await queued(workspace) == 0


@pytest.mark.law("LP-35")
async def test_what_hid_the_way_out_before_that_was_refused_is_not_sent_any_more(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make(workspace, "anna@example.test")
    await act(workspace, "email:anna@example.test", EntryKind.GRANTED)
    hidden = TemplateSet({"en": TemplateText("News", TEXT, f"<div hidden>{HTML}</div>Buy!")}, "en")
    with monkeypatch.context() as before:
        before.setattr(templates, "compile_set", templates.compiled)
        campaign_id = await made(workspace, hidden)
    assert await delivered(workspace, tmp_path) == []
    async with workspace.database.begin(CALLER) as session:
        assert (await campaigns.show(session, campaign_id)).reasons == {
            "failed": {"template.sender_missing": 1}
        }
        # It can be shown to whoever got one all the same.
        await composing.of_campaign(session, campaign_id)


@pytest.mark.law("LP-36")
@pytest.mark.parametrize(
    "extra",
    [
        "{% marketing %}Buy another tent!{% endmarketing %}",
        "{% if contact.country == 'LV' %}{% marketing %}Buy!{% endmarketing %}{% endif %}",
        "{{ unsubscribe_url }}",
    ],
)
@pytest.mark.parametrize("purpose", ["order-messages", "request-answers"])
async def test_an_offer_does_not_ride_on_a_message_about_an_order(
    workspace: Workspace, admin: httpx.AsyncClient, tmp_path: Path, purpose: str, extra: str
) -> None:
    extra = extra if purpose == "order-messages" else extra.replace("contact.country", "contact.locale")
    await make(workspace, "anna@example.test")
    await sale(workspace, "email:anna@example.test")
    for parts in (
        {"text": f"Your tent. {extra}", "html": "<p>Your tent.</p>"},
        {"text": "Your tent.", "html": f"<p>Your tent. {extra}</p>"},
    ):
        answer = await admin.post("/api/v1/campaigns", json=campaign(purpose, **parts))
        assert (answer.status_code, answer.json()["code"]) == (400, "template.marketing_block"), answer.text
    assert await queued(workspace) == 0
    # Without it the message goes, also to somebody who may not be advertised to.
    assert await reason(workspace, "email:anna@example.test") == "consent.missing"
    assert await sent(workspace, tmp_path, purpose) == ["anna@example.test"]


@pytest.mark.law("LP-36")
async def test_the_same_block_under_a_marketing_purpose_reaches_only_who_agreed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = "{% marketing %}Buy another tent!{% endmarketing %}"
    offer = TemplateSet({"en": TemplateText("Tents", TEXT + block, HTML + block)}, "en")
    monkeypatch.setattr("tests.law.test_sending.TEMPLATE", offer)
    await make(workspace, "no@example.test")
    await make(workspace, "yes@example.test")
    await act(workspace, "email:yes@example.test", EntryKind.GRANTED)
    assert await sent(workspace, tmp_path) == ["yes@example.test"]
    assert b"Buy another tent!" in (tmp_path / "mail").read_bytes()
