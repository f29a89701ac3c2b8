"""`/p/me`: whoever has no link types an address, and learns nothing from the answer."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.kit.texts import LOCALES, gettext_for
from registry.portal import own_data_routes
from registry.subject_requests import erasure
from tests.persons import CALLER, act, make
from tests.portal.letters import counts, delivered, html_of, path_in, rows, text_of

ANNA = "anna@example.org"


def asks(address: str, controller: str = "nordwind", locale: str = "en") -> dict[str, str]:
    return {"email": address, "controller": controller, "lang": locale}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("controller", ["nordwind", "polana"])
async def test_a_known_address_gets_a_link_that_shows_its_choices(
    workspace: Workspace, client: httpx.AsyncClient, tmp_path: Path, locale: str, controller: str
) -> None:
    await make(workspace, ANNA)
    answer = await client.post("/p/me", data=asks(ANNA, controller, locale))
    assert answer.status_code == 200
    (mail,) = await delivered(workspace, tmp_path)
    assert mail["List-Unsubscribe"] is None
    assert f'lang="{locale}"' in html_of(mail)
    assert workspace.policies.controllers[controller].name in text_of(mail)
    page = (await client.get(path_in(mail), params={"lang": locale})).text
    assert gettext_for(locale)("What we hold about you") in page
    assert workspace.policies.controllers[controller].name in page


async def test_nobody_learns_whether_an_address_is_known(
    workspace: Workspace, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_data_routes, "ANSWER_SECONDS", 1.0)
    await make(workspace, ANNA)
    answers, times = [], []
    for address in (ANNA, "nobody@example.org", ANNA):
        began = time.monotonic()
        answers.append(await client.post("/p/me", data=asks(address)))
        times.append(time.monotonic() - began)
    assert len({answer.text for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {200}
    assert min(times) >= 1.0
    assert max(times) - min(times) < 0.2, "the time would tell what the words do not"
    for answer in answers:
        assert ANNA not in answer.text


async def test_the_page_asks_and_changes_nothing(workspace: Workspace, client: httpx.AsyncClient) -> None:
    await make(workspace, ANNA)
    before = await counts(workspace)
    for method in ("GET", "HEAD", "OPTIONS"):
        answer = await client.request(method, "/p/me", params=asks(ANNA))
        assert answer.status_code in (200, 204)
        assert ANNA not in answer.text
    assert await counts(workspace) == before


async def test_one_letter_in_ten_minutes_and_five_a_day(
    workspace: Workspace, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_data_routes, "ANSWER_SECONDS", 0.0)
    await make(workspace, ANNA)
    written = []
    for _ in range(7):
        for address in (ANNA, "ANNA@example.org", "a.n.n.a+x@example.org"):
            await client.post("/p/me", data=asks(address))
        written.append(len(await rows(workspace, "SELECT 1 FROM message")))
        async with workspace.database.begin(CALLER) as session:
            await session.execute(
                "UPDATE message SET created_at = created_at - interval '11 minutes',"
                " due_at = due_at - interval '11 minutes'"
            )
    assert written == [1, 2, 3, 4, 5, 5, 5]


async def test_two_at_the_same_moment_are_one(
    workspace: Workspace, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_data_routes, "ANSWER_SECONDS", 0.0)
    await make(workspace, ANNA)
    await asyncio.gather(*(client.post("/p/me", data=asks(ANNA)) for _ in range(8)))
    assert len(await rows(workspace, "SELECT 1 FROM message")) == 1


async def test_everybody_of_a_household_gets_a_link_of_their_own(
    workspace: Workspace, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        await make(workspace, "home@example.org", external=name)
    await client.post("/p/me", data=asks("home@example.org"))
    mails = await delivered(workspace, tmp_path)
    assert len({path_in(mail) for mail in mails}) == 2


async def test_an_erased_person_gets_nothing(workspace: Workspace, client: httpx.AsyncClient) -> None:
    made = await make(workspace, ANNA)
    await erasure.erase_person(
        workspace.database, workspace.ring, workspace.policies, CALLER, parse_reference(str(made))
    )
    before = await counts(workspace)
    assert (await client.post("/p/me", data=asks(ANNA))).status_code == 200
    assert await counts(workspace) == before


async def test_whoever_refused_all_marketing_gets_the_link(
    workspace: Workspace, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    await make(workspace, ANNA)
    for controller in ("nordwind", "polana"):
        await act(workspace, f"email:{ANNA}", EntryKind.OBJECTED, "*", "*", controller=controller)
    await client.post("/p/me", data=asks(ANNA, "polana"))
    (mail,) = await delivered(workspace, tmp_path)
    assert path_in(mail).startswith("/p/prefs/")


@pytest.mark.parametrize("address", ["", "anna", "anna@", "@example.org", "a b@example.org", "x" * 400])
async def test_what_is_no_address_is_told_so_in_place(
    workspace: Workspace, client: httpx.AsyncClient, address: str
) -> None:
    page = (await client.post("/p/me", data=asks(address))).text
    assert 'aria-invalid="true" aria-describedby="email-fault"' in page
    assert not address or address not in page


async def test_a_controller_that_is_not_there_is_refused(client: httpx.AsyncClient) -> None:
    for data in (asks(ANNA, "unknown"), {"email": ANNA}):
        answer = await client.post("/p/me", data=data)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")
        assert "The request could not be read" in answer.text
        assert ANNA not in answer.text


async def test_a_link_that_was_asked_for_is_not_sent_for_ever(
    workspace: Workspace, client: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Queued and forgotten until nobody remembers having asked, it stays."""
    await make(workspace, ANNA)
    await client.post("/p/me", data=asks(ANNA, "polana"))
    (ground,) = await rows(workspace, "SELECT kind, ends_at FROM ground")
    assert ground.kind == "requested"
    assert timedelta(days=29) < ground.ends_at - datetime.now(UTC) <= timedelta(days=30)
