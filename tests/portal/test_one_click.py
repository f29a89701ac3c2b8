"""The link in a message: a POST withdraws, and nothing else changes anything."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.contacts.queries import Reference
from registry.dispatch.tokens import OneClick, seal
from registry.gate import service as gate
from registry.gate.model import Question
from registry.kit.database import Session
from registry.kit.texts import gettext_for
from registry.portal import service
from registry.subject_requests import erasure
from tests.dispatch.people import CALLER, persons

BODY = {"List-Unsubscribe": "One-Click"}
BROWSER = {"Accept-Language": "lv,en;q=0.5"}


async def token_of(workspace: Workspace, contact_id: UUID) -> str:
    async with workspace.database.begin(CALLER) as session:
        assignment_id = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (contact_id,))
    number = workspace.policies.purpose_ids["newsletter"]
    return seal(workspace.ring.token, OneClick(contact_id, assignment_id, number))


async def reason(workspace: Workspace, contact_id: UUID) -> str:
    async with workspace.database.begin(CALLER) as session:
        (answer,) = await gate.decide(
            session, workspace.policies, [Question(contact_id, "newsletter", "email")]
        )
    return answer.reason


async def counts(workspace: Workspace) -> tuple[int, ...]:
    """Everything that a request could have changed."""
    async with workspace.database.begin(CALLER) as session:
        return tuple(
            [
                await session.value(f"SELECT count(*) FROM {table}")
                for table in ("consent_entry", "address_refusal", "audit_entry", "decision", "audit_opening")
            ]
        )


@pytest.fixture
async def contact_id(workspace: Workspace) -> UUID:
    (made,) = await persons(workspace, ["anna@example.org"])
    return made


@pytest.mark.law("LP-15")
async def test_a_post_withdraws_before_it_answers(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    assert await reason(workspace, contact_id) == "permit"
    answer = await client.post(f"/p/u/{await token_of(workspace, contact_id)}", data=BODY)
    assert answer.status_code == 200
    assert await reason(workspace, contact_id) == "address.suppressed"
    async with workspace.database.begin(CALLER) as session:
        entry = await session.one(
            "SELECT * FROM consent_entry WHERE contact_id = %s ORDER BY seq DESC", (contact_id,)
        )
        refusal = await session.one("SELECT * FROM address_refusal")
    assert (entry.purpose, entry.channel, entry.source, entry.actor) == (
        "newsletter",
        "email",
        "one-click",
        "person",
    )
    assert (refusal.purpose, refusal.channel, refusal.cause) == ("newsletter", "email", "one_click")


@pytest.mark.law("LP-15")
async def test_multipart_serves_as_well(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    files = {"List-Unsubscribe": (None, "One-Click")}
    answer = await client.post(f"/p/u/{await token_of(workspace, contact_id)}", files=files)
    assert answer.status_code == 200
    assert await reason(workspace, contact_id) == "address.suppressed"


@pytest.mark.law("LP-15")
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_nothing_but_a_post_changes_anything(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID, method: str
) -> None:
    token, before = await token_of(workspace, contact_id), await counts(workspace)
    answer = await client.request(method, f"/p/u/{token}", params=BODY)
    assert answer.status_code == (200 if method in {"GET", "HEAD"} else 204 if method == "OPTIONS" else 405)
    assert await counts(workspace) == before
    assert await reason(workspace, contact_id) == "permit"


@pytest.mark.parametrize("body", [b"", b"x=y", b"List-Unsubscribe=maybe", b"\xff\xfe"])
async def test_another_body_is_refused(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID, body: bytes
) -> None:
    before = await counts(workspace)
    answer = await client.post(
        f"/p/u/{await token_of(workspace, contact_id)}",
        content=body,
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 400
    assert answer.json()["code"] == "unsubscribe.invalid"
    assert await counts(workspace) == before


async def test_the_page_s_own_button_withdraws_without_script(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    url = f"/p/u/{await token_of(workspace, contact_id)}"
    page = (await client.get(url, headers=BROWSER)).text
    assert '<form method="post">' in page
    assert "<script" not in page
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page))
    done = await client.post(url, data=fields, headers=BROWSER)
    assert "Jūs vairs nesaņemsiet šīs vēstules" in done.text
    assert await reason(workspace, contact_id) == "address.suppressed"


async def test_no_cookie_is_set_and_none_is_asked_for(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    url = f"/p/u/{await token_of(workspace, contact_id)}"
    for answer in (await client.get(url), await client.post(url, data=BODY)):
        assert "set-cookie" not in answer.headers
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("token", ["A" * 67, "short", "z" * 500])
async def test_a_cut_or_forged_token_is_told_so_and_does_nothing(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID, token: str
) -> None:
    before = await counts(workspace)
    for answer in (await client.post(f"/p/u/{token}", data=BODY), await client.get(f"/p/u/{token}")):
        assert answer.status_code == 404
        assert "unsubscribed" not in answer.text
    assert await counts(workspace) == before


async def test_a_token_of_nobody_is_answered_and_does_nothing(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    before = await counts(workspace)
    number = workspace.policies.purpose_ids["newsletter"]
    token = seal(workspace.ring.token, OneClick(UUID(int=1), UUID(int=2), number))
    assert (await client.post(f"/p/u/{token}", data=BODY)).status_code == 200
    assert await counts(workspace) == before


async def test_an_old_link_of_an_address_that_ended_still_withdraws(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    token = await token_of(workspace, contact_id)
    async with workspace.database.begin(CALLER) as session:
        await session.execute(
            "UPDATE assignment SET valid_to = clock_timestamp() WHERE contact_id = %s", (contact_id,)
        )
    assert (await client.post(f"/p/u/{token}", data=BODY)).status_code == 200
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM address_refusal") == 1


async def test_it_binds_whoever_shares_the_address(workspace: Workspace, client: httpx.AsyncClient) -> None:
    one, other = await persons(workspace, ["home@example.org", "home@example.org"])
    await client.post(f"/p/u/{await token_of(workspace, one)}", data=BODY)
    assert [await reason(workspace, who) for who in (one, other)] == ["address.suppressed"] * 2


async def test_an_order_mail_is_not_stopped(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    await client.post(f"/p/u/{await token_of(workspace, contact_id)}", data=BODY)
    async with workspace.database.begin(CALLER) as session:
        (answer,) = await gate.decide(
            session, workspace.policies, [Question(contact_id, "request-answers", "email")]
        )
    assert answer.reason != "address.suppressed"


async def test_twice_is_as_good_as_once(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID
) -> None:
    url = f"/p/u/{await token_of(workspace, contact_id)}"
    assert [(await client.post(url, data=BODY)).status_code for _ in range(2)] == [200, 200]
    assert await reason(workspace, contact_id) == "address.suppressed"


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [("pl", "pl"), ("ru", "ru"), ("lv-LV", "lv"), ("en", "en"), ("xx", "lv"), ("", "lv")],
)
async def test_speaks_the_reader_s_language(
    workspace: Workspace, client: httpx.AsyncClient, contact_id: UUID, accepted: str, locale: str
) -> None:
    token = await token_of(workspace, contact_id)
    page = (await client.get(f"/p/u/{token}", headers={"Accept-Language": accepted})).text
    assert f'<html lang="{locale}">' in page
    for text in ("Unsubscribe", "Yes, unsubscribe me", "You do not need to sign in."):
        assert gettext_for(locale)(text) in page
    assert workspace.policies.purposes["newsletter"].title[locale] in page


async def test_a_click_at_the_moment_of_the_erasure_is_answered_as_one_after_it(
    workspace: Workspace, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    (person,) = await persons(workspace, ["anna@example.org"])
    token = await token_of(workspace, person)
    found = service.contacts.contact

    async def found_and_erased(session: Session, contact_id: UUID) -> Any:
        row = await found(session, contact_id)
        await erasure.erase_person(
            workspace.database, workspace.ring, workspace.policies, CALLER, Reference(person, None)
        )
        return row

    monkeypatch.setattr(service.contacts, "contact", found_and_erased)
    assert (await client.post(f"/p/u/{token}", data=BODY)).status_code == 200
    async with workspace.database.begin(CALLER) as session:
        assert await session.value("SELECT count(*) FROM consent_entry WHERE contact_id = %s", (person,)) == 0
