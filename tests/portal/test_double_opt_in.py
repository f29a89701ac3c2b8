"""Double opt-in: a request is asked about once by mail, confirmed by a button, reminded once, and gone at its term."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.campaigns import service as campaigns
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.dispatch import confirmations
from registry.dispatch.tokens import Confirmation, open_confirmation, seal_confirmation
from registry.kit.database import Role
from registry.kit.texts import LOCALES, gettext_for
from registry.subject_requests import erasure, lapsing
from tests.dispatch.people import TEMPLATE
from tests.persons import CALLER, act, make, reason
from tests.portal.letters import counts, delivered, html_of, path_in, rows, text_of

CLUB = "club-letter"
YES = {"confirm": "yes"}
ANNA = "email:anna@example.org"


@pytest.fixture
async def anna(workspace: Workspace) -> UUID:
    return await make(workspace, "anna@example.org", country="PL")


async def asked(workspace: Workspace, folder: Path) -> str:
    """Anna asks for the letter of the club; the path of the link that she is mailed."""
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    (mail,) = await delivered(workspace, folder)
    return path_in(mail)


async def of_club(workspace: Workspace) -> str:
    return await reason(workspace, ANNA, CLUB)


@pytest.mark.law("LP-24")
async def test_a_request_is_mailed_and_the_button_confirms_it(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    assert await of_club(workspace) == "consent.unconfirmed"
    page = await client.get(path)
    assert page.status_code == 200
    assert '<form method="post">' in page.text
    done = await client.post(path, data=YES, headers={"User-Agent": "Firefox"})
    assert "Confirmed" in done.text
    assert await of_club(workspace) == "permit"
    requested, confirmed = await rows(workspace, "SELECT * FROM consent_entry ORDER BY seq")
    assert EntryKind(confirmed.kind) is EntryKind.CONFIRMED
    assert confirmed.refers_to == requested.id
    assert (confirmed.act, confirmed.source, confirmed.actor) == ("clicked", "confirmation", "person")
    assert (confirmed.notice_version, confirmed.notice_locale) == (
        requested.notice_version,
        requested.notice_locale,
    )
    assert confirmed.evidence is not None
    assert await rows(workspace, "SELECT 1 FROM confirmation") == []
    (address,) = await rows(workspace, "SELECT verified_at FROM assignment")
    assert address.verified_at is not None


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


@pytest.mark.law("LP-15")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_a_scanner_that_fetches_the_link_confirms_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path, method: str
) -> None:
    path, before = await asked(workspace, tmp_path), await counts(workspace)
    for _ in range(3):
        assert (await client.request(method, path, params=YES)).status_code in (200, 204)
    assert await counts(workspace) == before
    assert await of_club(workspace) == "consent.unconfirmed"


@pytest.mark.parametrize("body", [{}, {"confirm": "no"}, {"List-Unsubscribe": "One-Click"}])
async def test_a_body_without_the_yes_confirms_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path, body: dict[str, str]
) -> None:
    path = await asked(workspace, tmp_path)
    assert (await client.post(path, data=body)).status_code == 400
    assert await of_club(workspace) == "consent.unconfirmed"


async def test_the_second_press_says_that_it_is_done_and_writes_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await client.post(path, data=YES)
    before = await counts(workspace)
    again = await client.post(path, data=YES)
    assert again.status_code == 200
    assert "confirmed this before" in again.text
    assert await counts(workspace) == before


async def test_many_presses_at_once_make_one_entry(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    answers = await asyncio.gather(*(client.post(path, data=YES) for _ in range(8)))
    assert sorted("confirmed this before" in answer.text for answer in answers) == [False, *[True] * 7]
    kinds = [row.kind for row in await rows(workspace, "SELECT kind FROM consent_entry ORDER BY seq")]
    assert kinds == [int(EntryKind.REQUESTED), int(EntryKind.CONFIRMED)]


@pytest.mark.parametrize("turn", range(6))
async def test_a_no_at_the_same_moment_wins(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path, turn: int
) -> None:
    path = await asked(workspace, tmp_path)
    both = [client.post(path, data=YES), act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)]
    await asyncio.gather(*(both if turn % 2 else both[::-1]))
    assert await of_club(workspace) in ("consent.withdrawn", "address.suppressed")


async def test_a_link_never_gives_back_what_was_withdrawn_after_it(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await client.post(path, data=YES)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    await client.post(path, data=YES)
    assert await of_club(workspace) in ("consent.withdrawn", "address.suppressed")


async def test_a_no_between_request_and_button_stands(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await act(workspace, ANNA, EntryKind.OBJECTED, "*", "*", controller="polana")
    before = await counts(workspace)
    answer = await client.post(path, data=YES)
    assert "Your no stands" in answer.text
    assert await counts(workspace) == before
    assert await of_club(workspace) in ("purpose.objected", "address.suppressed")


async def test_a_link_is_good_for_its_own_request_alone(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    token = open_confirmation(workspace.ring.token, path.rpartition("/")[2])
    assert token is not None
    before = await counts(workspace)
    other = await make(workspace, "ewa@example.org", country="PL")
    before = await counts(workspace)
    for forged in (
        Confirmation(other, token.entry_id, token.purpose_id, token.requested_at),
        Confirmation(token.contact_id, other, token.purpose_id, token.requested_at),
        Confirmation(
            token.contact_id, token.entry_id, workspace.policies.purpose_ids["newsletter"], token.requested_at
        ),
        Confirmation(token.contact_id, token.entry_id, 65_000, token.requested_at),
    ):
        answer = await client.post(f"/p/c/{seal_confirmation(workspace.ring.token, forged)}", data=YES)
        assert answer.status_code == 200
        assert "not valid any more" in answer.text
    for nonsense in (path[:-1], path[:-3] + "AAA", "/p/c/" + "A" * 72, "/p/c/x"):
        assert (await client.post(nonsense, data=YES)).status_code == 404
        assert (await client.get(nonsense)).status_code == 404
    assert await counts(workspace) == before


@pytest.mark.law("LP-24")
async def test_the_term_bites_at_the_instant_with_no_job(
    workspace: Workspace,
    client: httpx.AsyncClient,
    anna: UUID,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = await asked(workspace, tmp_path)
    (request,) = await rows(workspace, "SELECT recorded_at FROM consent_entry")
    second = request.recorded_at.replace(microsecond=0)
    from registry.kit import clock

    monkeypatch.setattr(clock, "now", lambda: second + timedelta(days=7))
    for answer in (await client.get(path), await client.post(path, data=YES)):
        assert answer.status_code == 200
        assert "not valid any more" in answer.text
        assert '<form method="post">' not in answer.text
    assert await of_club(workspace) == "consent.unconfirmed"
    monkeypatch.setattr(clock, "now", lambda: second + timedelta(days=7, seconds=-1))
    # The database's own clock is not moved, and a grant from the future is refused: only the page is asked.
    assert '<form method="post">' in (await client.get(path)).text


async def test_an_erased_person_s_link_is_answered_and_does_nothing(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(anna))
    )
    before = await counts(workspace)
    answer = await client.post(path, data=YES)
    assert answer.status_code == 200
    assert "not valid any more" in answer.text
    assert await counts(workspace) == before


@pytest.mark.law("LP-24")
async def test_one_reminder_at_half_of_the_term_and_never_a_second(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    now = datetime.now(UTC)
    assert await confirmations.remind(workspace, now + timedelta(days=3)) == 0
    assert await confirmations.remind(workspace, now + timedelta(days=3, hours=13)) == 1
    (mail,) = await delivered(workspace, tmp_path)
    assert path_in(mail) == path
    assert "only reminder" in text_of(mail)
    for days in (4, 5, 6):
        assert await confirmations.remind(workspace, now + timedelta(days=days)) == 0
    (kept,) = await rows(workspace, "SELECT letters, reminded_at FROM confirmation")
    assert kept.letters == 2
    assert kept.reminded_at is not None


async def test_nobody_is_reminded_who_confirmed_or_said_no_or_got_no_letter(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    later = datetime.now(UTC) + timedelta(days=4)
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    assert await confirmations.remind(workspace, later) == 0, "the letter has not left yet"
    (mail,) = await delivered(workspace, tmp_path)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    assert await confirmations.remind(workspace, later) == 0
    assert path_in(mail)


async def test_a_letter_whose_request_was_taken_back_does_not_leave(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    assert await delivered(workspace, tmp_path) == []
    (message,) = await rows(workspace, "SELECT state, reason FROM message")
    assert tuple(message) == ("failed", "request.settled")


@pytest.mark.law("LP-24")
async def test_at_its_term_the_request_goes_and_the_person_with_it(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    now = datetime.now(UTC)
    assert await lapsing.sweep(workspace, now + timedelta(days=6, hours=23)) == lapsing.Swept(0, 0)
    assert await lapsing.sweep(workspace, now + timedelta(days=7, minutes=1)) == lapsing.Swept(1, 1)
    for table in ("consent_entry", "confirmation", "message", "message_attempt", "contact", "assignment"):
        assert await rows(workspace, f"SELECT 1 FROM {table}") == [], table
    assert await rows(workspace, "SELECT 1 FROM decision") == []
    assert await lapsing.sweep(workspace, now + timedelta(days=8)) == lapsing.Swept(0, 0)
    assert (await client.post(path, data=YES)).status_code == 200


@pytest.mark.law("LP-24")
async def test_whoever_is_known_for_something_else_stays(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    await act(workspace, ANNA, EntryKind.GRANTED, "newsletter")
    await asked(workspace, tmp_path)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=8)) == lapsing.Swept(1, 0)
    (kept,) = await rows(workspace, "SELECT purpose FROM consent_entry")
    assert kept.purpose == "newsletter"
    assert await of_club(workspace) == "consent.missing"
    assert await reason(workspace, ANNA) == "permit"
    assert await rows(workspace, "SELECT 1 FROM message") == []


async def test_a_customer_with_a_number_of_another_system_stays(workspace: Workspace, tmp_path: Path) -> None:
    await make(workspace, "anna@example.org", external="1001", country="PL")
    await asked(workspace, tmp_path)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=8)) == lapsing.Swept(1, 0)
    assert len(await rows(workspace, "SELECT 1 FROM contact")) == 1


async def test_a_no_outlives_the_request_that_it_ended(
    workspace: Workspace, anna: UUID, tmp_path: Path
) -> None:
    await asked(workspace, tmp_path)
    await act(workspace, ANNA, EntryKind.WITHDRAWN, CLUB)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=8)) == lapsing.Swept(1, 0)
    assert await of_club(workspace) in ("consent.withdrawn", "address.suppressed")


async def test_a_confirmed_request_never_lapses(
    workspace: Workspace, client: httpx.AsyncClient, anna: UUID, tmp_path: Path
) -> None:
    path = await asked(workspace, tmp_path)
    await client.post(path, data=YES)
    assert await lapsing.sweep(workspace, datetime.now(UTC) + timedelta(days=100)) == lapsing.Swept(0, 0)
    assert await of_club(workspace) == "permit"


async def test_a_sweep_that_was_killed_is_finished_by_the_next(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anna", "ewa", "olga"):
        await make(workspace, f"{name}@example.org", country="PL")
        await act(workspace, f"email:{name}@example.org", EntryKind.REQUESTED, CLUB)
    whole, calls = erasure.erase, 0

    async def dying(*given: object, **more: object) -> object:
        nonlocal calls
        calls += 1
        done = await whole(*given, **more)
        if calls == 2:
            raise KeyboardInterrupt
        return done

    later = datetime.now(UTC) + timedelta(days=8)
    monkeypatch.setattr(lapsing.erasure, "erase", dying)
    with pytest.raises(KeyboardInterrupt):
        await lapsing.sweep(workspace, later)
    assert len(await rows(workspace, "SELECT 1 FROM consent_entry")) == 2, (
        "the second one was rolled back whole"
    )
    monkeypatch.setattr(lapsing.erasure, "erase", whole)
    assert await lapsing.sweep(workspace, later) == lapsing.Swept(2, 2)
    assert await rows(workspace, "SELECT 1 FROM contact") == []
    assert len(await rows(workspace, "SELECT 1 FROM erasure")) == 3


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


async def test_only_the_retention_role_can_clear_a_request_away(workspace: Workspace, anna: UUID) -> None:
    import psycopg

    await act(workspace, ANNA, EntryKind.REQUESTED, CLUB)
    with pytest.raises(psycopg.Error):
        async with workspace.database.begin(CALLER) as session:
            await session.execute("DELETE FROM consent_entry")
    async with workspace.database.begin(CALLER, Role.RETENTION) as session:
        assert await session.value("SELECT count(*) FROM consent_entry") == 1
