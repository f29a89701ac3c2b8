"""Every page for persons in a real browser, in four languages: readable by all, by keyboard, watched by nobody."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from registry.access.workspace import Workspace
from registry.consents.ledger import EntryKind
from registry.contacts.queries import parse_reference
from registry.dispatch import tokens
from registry.kit.config import Settings
from registry.kit.texts import LOCALES, gettext_for
from registry.opening import opened
from registry.subject_requests import erasure
from tests.persons import CALLER, act, make, reason, sale
from tests.portal.letters import counts, ids
from tests.system.browsing import browser, serving, visit

pytestmark = [pytest.mark.system, pytest.mark.embedded]

CLUB = "club-letter"


@dataclass
class Site:
    """A running installation with a browser before it."""

    workspace: Workspace
    base: str
    browser: Browser

    async def choices(self, address: str, purpose: str, age: float = 0) -> str:
        """The path of a link to somebody's choices that was mailed `age` days ago."""
        contact_id, assignment_id = await ids(self.workspace, address)
        return self.of(contact_id, assignment_id, purpose, age)

    def of(self, contact_id: UUID, assignment_id: UUID, purpose: str, age: float = 0) -> str:
        number = self.workspace.policies.purpose_ids[purpose]
        issued = int(time.time() - age * 86_400)
        token = tokens.Preferences(contact_id, assignment_id, number, issued)
        return f"/p/prefs/{tokens.seal_preferences(self.workspace.ring.token, token)}"

    async def request(self, address: str) -> str:
        """The path of the link that confirms a request made now."""
        recorded = await act(self.workspace, f"email:{address}", EntryKind.REQUESTED, CLUB)
        number = self.workspace.policies.purpose_ids[CLUB]
        token = tokens.Confirmation(
            recorded.contact_id, recorded.id, number, int(recorded.recorded_at.timestamp())
        )
        return f"/p/c/{tokens.seal_confirmation(self.workspace.ring.token, token)}"


@pytest_asyncio.fixture(scope="module")
async def site(module_data_folder: Path) -> AsyncIterator[Site]:
    async with (
        opened(Settings(data=module_data_folder), initialise=True) as workspace,
        serving(module_data_folder) as base,
        browser() as started,
    ):
        yield Site(workspace, base, started)


async def somebody(site: Site, address: str) -> str:
    """A person whose choices stand in many ways: yes, no, by interest, two addresses, a number, use without contact."""
    await make(site.workspace, address, f"second.{address}", country="LV", fields={"first_name": "Anna"})
    reference = f"email:{address}"
    await act(site.workspace, reference, EntryKind.GRANTED, "newsletter")
    await sale(site.workspace, reference)
    return await site.choices(address, "newsletter")


@pytest.mark.parametrize("locale", LOCALES)
async def test_every_page_can_be_read_by_everybody(site: Site, locale: str) -> None:
    _ = gettext_for(locale)
    fresh = await somebody(site, f"{locale}@example.test")
    await make(site.workspace, f"club.{locale}@example.test", country="PL")
    confirm = await site.request(f"club.{locale}@example.test")
    waiting = await site.choices(f"club.{locale}@example.test", CLUB)
    old = await site.choices(f"{locale}@example.test", "newsletter", age=40)
    gone = site.of(UUID(int=1), UUID(int=2), "newsletter")
    contact_id, assignment_id = await ids(site.workspace, f"{locale}@example.test")
    number = site.workspace.policies.purpose_ids["newsletter"]
    one_click = (
        f"/p/u/{tokens.seal(site.workspace.ring.token, tokens.OneClick(contact_id, assignment_id, number))}"
    )
    ago = int((datetime.now(UTC) - timedelta(days=8)).timestamp())
    late = tokens.Confirmation(contact_id, contact_id, site.workspace.policies.purpose_ids[CLUB], ago)
    closed = f"/p/c/{tokens.seal_confirmation(site.workspace.ring.token, late)}"
    async with visit(site.browser, site.base, locale) as reader:
        for name, path in {
            "choices": fresh, "choices-waiting": waiting, "choices-old": old, "choices-gone": gone,
            "confirm": confirm, "confirm-closed": closed, "me": "/p/me", "one-click": one_click,
            "unknown": "/p/c/none",
        }.items():  # fmt: skip
            await reader.open(path)
            assert await reader.page.get_attribute("html", "lang") == locale
            for detail in await reader.page.query_selector_all("summary"):
                await detail.click()
            if name == "unknown":
                reader.complaints.clear()  # the browser says that it was a 404
            await reader.judge(f"{name}-{locale}")
        await reader.open(fresh)
        await reader.page.click(f"button:has-text('{_('Withdraw')}')")
        await reader.page.wait_for_selector(".told")
        await reader.judge(f"choices-taken-{locale}")
        await reader.page.click(f"button:has-text('{_('Ask for a copy of my data')}')")
        await reader.page.wait_for_selector(".told")
        await reader.judge(f"choices-asked-{locale}")
        await reader.open(confirm)
        await reader.page.click("form button")
        await reader.page.wait_for_selector("[role=status]")
        await reader.judge(f"confirmed-{locale}")
        await reader.page.go_back()
        await reader.page.click("form button")
        await reader.page.wait_for_selector("[role=status]")
        await reader.judge(f"confirmed-again-{locale}")
        await reader.open("/p/me")
        await reader.page.check("input[type=radio] >> nth=0")
        await reader.page.fill("#email", f"{locale}@example")
        await reader.page.click("form button")
        await reader.page.wait_for_selector(".fault")
        await reader.judge(f"me-fault-{locale}")
        await reader.page.fill("#email", f"{locale}@example.test")
        await reader.page.click("form button")
        await reader.page.wait_for_selector("[role=status]")
        await reader.judge(f"me-sent-{locale}")
        await reader.open(one_click)
        await reader.page.click("form button")
        await reader.page.wait_for_selector("[role=status]")
        await reader.judge(f"one-click-done-{locale}")


async def test_the_pages_can_be_read_in_the_dark(site: Site) -> None:
    fresh = await somebody(site, "dark@example.test")
    async with visit(site.browser, site.base, "en", scheme="dark") as reader:
        for name, path in {"choices-dark": fresh, "me-dark": "/p/me"}.items():
            await reader.open(path)
            await reader.judge(name)
        await reader.open(fresh)
        await reader.page.click("button:has-text('Withdraw')")
        await reader.judge("choices-taken-dark")


async def test_a_person_withdraws_by_keyboard_alone(site: Site) -> None:
    fresh = await somebody(site, "keys@example.test")
    assert await reason(site.workspace, "email:keys@example.test") == "permit"
    async with visit(site.browser, site.base) as reader:
        await reader.open(fresh)
        await reader.tab_to("Withdraw")
        await reader.page.keyboard.press("Enter")
        await reader.page.wait_for_selector(".told")
        assert "holds from now on" in await reader.page.inner_text(".told")
    assert await reason(site.workspace, "email:keys@example.test") in (
        "consent.withdrawn",
        "address.suppressed",
    )


async def test_a_person_confirms_by_keyboard_alone_and_without_script(site: Site) -> None:
    await make(site.workspace, "typing@example.test", country="PL")
    path = await site.request("typing@example.test")
    async with visit(site.browser, site.base, script=False) as reader:
        await reader.open(path)
        await reader.page.keyboard.press("Tab")
        await reader.page.keyboard.press("Enter")
        await reader.page.wait_for_load_state()
        assert "From now on you get" in await reader.page.inner_text("main")
        assert await reader.page.context.cookies() == []
    assert await reason(site.workspace, "email:typing@example.test", CLUB) == "permit"


async def test_a_person_says_yes_and_no_to_everything_without_script(site: Site) -> None:
    address = "quiet@example.test"
    await make(site.workspace, address, country="LV")
    fresh = await site.choices(address, "newsletter")
    async with visit(site.browser, site.base, script=False) as reader:
        await reader.open(fresh)
        await reader.page.click("section:has-text('Newsletter') button:has-text('Yes, I agree') >> nth=0")
        assert "holds from now on" in await reader.page.inner_text(".told")
        assert await reason(site.workspace, f"email:{address}") == "permit"
        await reader.page.click("button:has-text('No to all advertising')")
        assert "no advertising" in await reader.page.inner_text(".told")
    assert await reason(site.workspace, f"email:{address}") in ("purpose.objected", "address.suppressed")


async def test_somebody_who_follows_every_link_changes_nothing(site: Site) -> None:
    """A scanner that opens whatever it finds, query strings and all."""
    fresh = await somebody(site, "crawled@example.test")
    await make(site.workspace, "crawled.club@example.test", country="PL")
    waiting = [fresh, await site.request("crawled.club@example.test"), "/p/me"]
    before, seen = await counts(site.workspace), set()
    async with visit(site.browser, site.base) as reader:
        while waiting:
            path = waiting.pop()
            if path in seen or len(seen) > 60:
                continue
            seen.add(path)
            await reader.open(path)
            found = await reader.page.evaluate("[...document.links].map(a => a.href)")
            waiting += [url.removeprefix(site.base) for url in found if url.startswith(site.base)]
    assert len(seen) > 10
    assert await counts(site.workspace) == before


async def test_an_erased_person_s_link_leads_to_nobody(site: Site) -> None:
    address = "gone@example.test"
    fresh = await somebody(site, address)
    contact_id, _ = await ids(site.workspace, address)
    await erasure.erase_person(
        site.workspace.database, site.workspace.ring, site.workspace.policies, CALLER,
        parse_reference(str(contact_id)),
    )  # fmt: skip
    async with visit(site.browser, site.base) as reader:
        await reader.open(fresh)
        assert "No data belong to this link" in await reader.page.inner_text("main")
