"""The unsubscribe page in a real browser: by keyboard alone, with nothing from elsewhere and no cookie."""

from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from registry.access.workspace import Workspace
from registry.contacts import queries
from registry.dispatch import tokens
from registry.kit.config import Settings
from registry.opening import opened
from tests.dispatch.people import CALLER, persons
from tests.persons import reason
from tests.system.browsing import browser as chromium
from tests.system.browsing import serving

pytestmark = [pytest.mark.system, pytest.mark.embedded]

TOLD = {
    "en": ("stop receiving", "no more"),
    "pl": ("zrezygnować", "Nie wyślemy"),
    "lv": ("nevēlaties", "nesūtīsim"),
    "ru": ("отказаться", "не будем"),
}


async def link(workspace: Workspace, address: str) -> str:
    """The path of the one-click link that a mail to this address would have."""
    async with workspace.database.begin(CALLER) as session:
        (identifier,) = [queries.parse_reference(f"email:{address}").identifier]
        assert identifier is not None
        (holder,) = (await queries.holders(session, workspace.ring, [identifier]))[identifier]
    number = workspace.policies.purpose_ids["newsletter"]
    token = tokens.OneClick(holder.contact_id, holder.assignment_id, number)
    return f"/p/u/{tokens.seal(workspace.ring.token, token)}"


async def leave_by_keyboard(browser: Browser, base: str, path: str, locale: str) -> list[str]:
    """Open the page, press Tab and Enter, and return every address that the browser asked."""
    asked: list[str] = []
    context = await browser.new_context(locale=locale)
    page: Page = await context.new_page()
    page.on("request", lambda request: asked.append(request.url))
    before, after = TOLD[locale]
    await page.goto(base + path)
    assert await page.get_attribute("html", "lang") == locale
    assert before in await page.inner_text("main")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.tagName") == "BUTTON"
    await page.keyboard.press("Enter")
    await page.wait_for_function(f"document.body.innerText.includes({after!r})")
    assert await context.cookies() == []
    await context.close()
    return asked


async def test_a_reader_leaves_by_keyboard_in_each_language(data_folder: Path) -> None:
    addresses = {locale: f"{locale}@example.test" for locale in TOLD}
    async with opened(Settings(data=data_folder), initialise=True) as workspace:
        await persons(workspace, addresses.values())
        async with serving(data_folder) as base, chromium() as browser:
            for locale, address in addresses.items():
                path = await link(workspace, address)
                assert await reason(workspace, f"email:{address}") == "permit"
                asked = await leave_by_keyboard(browser, base, path, locale)
                assert all(url.startswith(base) for url in asked), "a request left for somewhere else"
                assert await reason(workspace, f"email:{address}") == "address.suppressed"
