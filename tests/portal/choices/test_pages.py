"""The pages of the preference centre as a browser meets them: forms, languages, and nothing from elsewhere."""

import re
from uuid import UUID

import httpx
import pytest

from registry.access.workspace import Workspace
from registry.kit.texts import LOCALES, gettext_for
from tests.persons import reason
from tests.portal.choices.asking import ANNA, link, take
from tests.portal.letters import counts


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
