"""The language of a page, by one rule for all of them: link or form, browser, record, controller, English."""

import time

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.dispatch import tokens
from registry.dispatch.tokens import Confirmation, OneClick, Preferences
from registry.kit.ids import new_id
from tests.persons import CALLER, make

# Of Nordwind, which speaks Latvian first, and of Polana, which speaks Polish first.
NEWSLETTER, CLUB = "newsletter", "club-letter"
PAGES = ["/p/u/", "/p/c/", "/p/prefs/"]


async def link(workspace: Workspace, page: str, purpose: str) -> str:
    """The path of a good link of Anna's to one of the pages."""
    contact_id = await make(workspace, "anna@example.org")
    async with workspace.database.begin(CALLER) as session:
        held = await session.value("SELECT id FROM assignment WHERE contact_id = %s", (contact_id,))
    key, number, at = workspace.ring.token, workspace.policies.purpose_ids[purpose], int(time.time())
    if page == "/p/u/":
        return page + tokens.seal(key, OneClick(contact_id, held, number))
    if page == "/p/c/":
        return page + tokens.seal_confirmation(key, Confirmation(contact_id, new_id(), number, at))
    return page + tokens.seal_preferences(key, Preferences(contact_id, held, number, at))


async def spoken(client: httpx.AsyncClient, path: str, accepted: str | None = None, **params: str) -> str:
    client.headers.pop("Accept-Language", None)
    headers = {} if accepted is None else {"Accept-Language": accepted}
    text = (await client.get(path, params=params, headers=headers)).text
    return text.partition('<html lang="')[2][:2]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(("purpose", "first"), [(NEWSLETTER, "lv"), (CLUB, "pl")])
async def test_a_page_speaks_as_the_link_says_else_the_browser_else_the_controller(
    workspace: Workspace, client: httpx.AsyncClient, page: str, purpose: str, first: str
) -> None:
    path = await link(workspace, page, purpose)
    assert await spoken(client, path) == first
    for accepted in ("", "de-DE,de;q=0.9", "*", "ru;q=0", "nonsense;;q,"):
        assert await spoken(client, path, accepted) == first
    assert await spoken(client, path, "de,en;q=0.3,ru-RU;q=0.4,lv;q=0.2") == "ru"
    assert await spoken(client, path, "ru", lang="en") == "en"
    assert await spoken(client, path, "ru", lang="xx") == "ru"
    assert await spoken(client, path, lang="xx") == first


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_that_is_no_controllers_is_english_where_there_are_several(
    workspace: Workspace, client: httpx.AsyncClient, page: str
) -> None:
    assert await spoken(client, page + "nothing") == "en"
    assert await spoken(client, page + "nothing", "pl") == "pl"


async def test_the_way_in_speaks_as_the_controller_that_was_chosen(client: httpx.AsyncClient) -> None:
    assert await spoken(client, "/p/me") == "en"
    assert await spoken(client, "/p/me", controller="polana") == "pl"
    assert await spoken(client, "/p/me", controller="nordwind") == "lv"
    assert await spoken(client, "/p/me", "ru", controller="nordwind") == "ru"


async def test_the_answer_to_a_button_has_the_language_of_its_page(
    workspace: Workspace, client: httpx.AsyncClient
) -> None:
    path = await link(workspace, "/p/u/", NEWSLETTER)
    page = (await client.get(path, params={"lang": "ru"})).text
    assert '<input type="hidden" name="lang" value="ru">' in page
    form = {"List-Unsubscribe": "One-Click", "lang": "ru"}
    answer = await client.post(path, data=form, headers={"Accept-Language": "lv"})
    assert answer.text.startswith('<!doctype html>\n<html lang="ru">')
