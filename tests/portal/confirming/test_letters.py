"""The letter that asks for a confirmation: who gets one, in which language, how often, and through the gate."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.kit.texts import LOCALES, gettext_for
from tests.dispatch.people import TEMPLATE
from tests.persons import CALLER, act
from tests.portal.confirming.requesting import ANNA, CLUB, YES, asked, of_club
from tests.portal.letters import delivered, html_of, path_in, rows, text_of


async def test_what_is_kept_of_the_act_names_form_language_program_and_address(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await client.post(path, data={**YES, "lang": "pl"}, headers={"User-Agent": "Firefox/145"})
    from registry.consents import subject
    from registry.keys import persons as keys

    async with workspace.database.begin(CALLER) as session:
        held = await keys.load(session, workspace.ring, [anna])
        told = await subject.export(session, workspace.ring, anna, held[anna])
    kept = told["entries"][-1]["evidence"]
    assert kept == {
        "form": "confirmation/1",
        "locale": "pl",
        "user_agent": "Firefox/145",
        "ip": "127.0.0.1",
    }


@pytest.mark.law("LP-24")
@pytest.mark.parametrize("locale", LOCALES)
async def test_the_letter_is_in_the_language_of_the_form_and_advertises_nothing(
    workspace: Workspace, anna: UUID, tmp_path: Path, locale: str
) -> None:
    notice = locale if locale in ("en", "pl") else "en"
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE contact SET locale = %s", (locale,))
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB, notice_locale=notice)
    if locale != notice:
        async with workspace.database.begin(CALLER) as session:
            await session.execute("UPDATE message SET locale = NULL")
    (mail,) = await delivered(workspace, tmp_path)
    assert gettext_for(locale)("Hello,") in text_of(mail)
    assert f'lang="{locale}"' in html_of(mail)
    assert mail["List-Unsubscribe"] is None, "nobody has subscribed to anything yet"
    # The title of what was asked for, the sender, one link, and no word of what is on offer.
    assert path_in(mail).startswith("/p/c/")
    for text in (text_of(mail), html_of(mail)):
        assert text.count("/p/c/") == 1
        assert "Polana sp. z o.o., ul. Leśna 12, 30-001 Kraków" in text
        assert "http" not in text.replace(workspace.settings.base_url, "")


async def test_it_goes_out_as_a_message_that_was_asked_for_and_through_the_gate(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    await asked(workspace, tmp_path)
    (message,) = await rows(workspace, "SELECT id, purpose, letter, state, content_hash FROM message")
    assert (message.purpose, message.letter, message.state) == (
        "club-confirmations",
        "confirmation",
        "handed_over",
    )
    assert message.content_hash is not None
    (decision,) = await rows(workspace, "SELECT * FROM decision WHERE kind = 'handoff'")
    assert (decision.outcome, decision.basis, decision.message_id) == (
        "permit",
        "legal_obligation",
        message.id,
    )


async def test_a_dead_address_is_written_to_by_nobody(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE address SET dead_at = now()")
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    assert await delivered(workspace, tmp_path) == []
    (message,) = await rows(workspace, "SELECT state, reason FROM message")
    assert tuple(message) == ("blocked", "address.dead")


async def test_a_request_that_is_rolled_back_mails_nothing(workspace: Workspace, anna: UUID) -> None:
    with pytest.raises(RuntimeError):
        async with workspace.database.begin(CALLER) as session:
            from registry.consents import acts
            from registry.consents.validation import NewEntry
            from registry.kit.ids import NIL
            from registry.policy.model import Grade

            entry = NewEntry(
                NIL, EntryKind.REQUESTED, CLUB, "email", Grade.FIRST_PARTY, "test", act="ticked",
                acted_at=datetime.now(UTC), notice_version=workspace.policies.purposes[CLUB].notice_version,
                notice_locale="pl",
            )  # fmt: skip
            await acts.act(session, workspace.ring, workspace.policies, parse_reference(ANNA), entry)
            raise RuntimeError
    assert await rows(workspace, "SELECT 1 FROM message") == []
    assert await rows(workspace, "SELECT 1 FROM confirmation") == []


async def test_requests_over_the_api_are_mailed_as_well(
    workspace: Workspace, admin: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    (identifier,) = await rows(workspace, "SELECT id FROM assignment")
    body = {
        "kind": "request", "purpose": CLUB, "channel": "email", "subject": {"id": str(anna)}, "source": "form",
        "identifier": str(identifier.id), "act": "ticked",
        "notice": {"version": workspace.policies.purposes[CLUB].notice_version, "locale": "pl"},
    }  # fmt: skip
    assert (await admin.post("/api/v1/consents", json=body)).status_code == 201
    (mail,) = await delivered(workspace, tmp_path)
    assert path_in(mail).startswith("/p/c/")


async def test_somebody_else_s_address_is_not_flooded(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    for _ in range(4):
        await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    assert len(await rows(workspace, "SELECT 1 FROM message")) == 1
    for number in range(2, 8):
        for mail in await delivered(workspace, tmp_path):
            assert path_in(mail).startswith("/p/c/")
        async with workspace.database.begin(CALLER) as session:
            await session.execute(
                "UPDATE message SET created_at = created_at - interval '11 minutes',"
                " due_at = due_at - interval '11 minutes'"
            )
        await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
        assert len(await rows(workspace, "SELECT 1 FROM message")) == min(number, 5)


async def test_a_request_repeated_at_once_is_asked_about_after_the_pause_and_by_one_letter(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    first = await asked(workspace, tmp_path)
    for _ in range(3):
        await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    assert await delivered(workspace, tmp_path) == [], "it waits"
    sent, waits = await rows(workspace, "SELECT state, created_at, due_at FROM message ORDER BY created_at")
    assert (sent.state, waits.state) == ("handed_over", "queued")
    assert waits.due_at == max(sent.created_at, sent.due_at) + timedelta(minutes=10)
    async with workspace.database.begin(CALLER) as session:
        await session.execute("UPDATE message SET due_at = due_at - interval '10 minutes'")
    (mail,) = await delivered(workspace, tmp_path)
    assert path_in(mail) != first
    await client.post(path_in(mail), data=YES)
    assert await of_club(workspace) == "permit"


async def test_a_yes_after_a_no_is_asked_about_though_the_letter_of_the_first_still_lies_there(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    for kind in (EntryKind.REQUESTED, EntryKind.WITHDRAWN, EntryKind.REQUESTED):
        await act(workspace, ANNA, kind, CLUB)
    assert await delivered(workspace, tmp_path) == []
    dropped, waits = await rows(
        workspace, "SELECT state, due_at > now() AS later FROM message ORDER BY created_at"
    )
    assert (dropped.state, waits.state, waits.later) == ("failed", "queued", True)


@pytest.mark.law("LP-26")
async def test_old_claims_and_files_ask_nobody_anything(workspace: Workspace, anna: UUID) -> None:
    from registry.policy.model import Grade

    ago = datetime.now(UTC) - timedelta(days=8)
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB, acted_at=ago)
    await act(workspace, ANNA, EntryKind.GRANTED, CLUB, grade=Grade.ATTESTED, acted_at=ago)
    assert await rows(workspace, "SELECT 1 FROM message") == []


async def test_a_grant_of_such_a_purpose_is_asked_about_too(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    await act(workspace, ANNA, EntryKind.GRANTED, CLUB)
    (mail,) = await delivered(workspace, tmp_path)
    await client.post(path_in(mail), data=YES)
    assert await of_club(workspace) == "permit"


async def test_no_campaign_can_carry_the_button_of_a_confirmation(workspace: Workspace) -> None:
    from dataclasses import replace

    from registry.dispatch.template_sources import TemplateSet
    from registry.kit.errors import Misuse

    text = TEMPLATE.locales["en"]
    stolen = TemplateSet({"en": replace(text, text=text.text + "{{ confirm_url }}")}, "en")
    with pytest.raises(Misuse) as refused:
        async with workspace.database.begin(CALLER) as session:
            new = campaigns.NewCampaign("newsletter", "email", stolen)
            await campaigns.create(session, workspace.ring, workspace.policies, new, "http://127.0.0.1:8400")
    assert refused.value.code == "template.unknown_variable"
