"""A server in a process of its own and a browser that talks to nobody else, for the tests of the pages."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = "/usr/bin/chromium"
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
# Where pictures of all pages are put when somebody wants to look at them.
PICTURES = os.environ.get("ZGODA_TEST_PICTURES")


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[str]:
    """Our own server on this data folder; yields where it answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registry", "--data", str(data), "serve", "--port", "0",
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1", "ZGODA_LOG_LEVEL": "error"},
    )  # fmt: skip
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    found = re.search(r"http://\S+", line)
    assert found is not None
    yield found[0]
    process.terminate()
    await process.wait()


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Chromium without a window."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        await started.close()


class Visit:
    """One reader with a page open: remembers every address that was asked, and sees that no cookie was left."""

    def __init__(self, page: Page, base: str) -> None:
        self.page = page
        self.base = base
        self.asked: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.complaints.append(message.text))

    async def open(self, path: str) -> None:
        await self.page.goto(self.base + path)

    async def judge(self, name: str) -> None:
        """No violation of any rule of axe, no sideways scrolling, nothing from elsewhere, no cookie."""
        found = await Axe().run(self.page)
        assert found.violations_count == 0, f"{name}: {found.generate_report()}"
        for width in (320, 1280):
            await self.page.set_viewport_size({"width": width, "height": 800})
            wide = await self.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{name} is {wide} wide at {width}"
            small = await self.page.evaluate(
                "[...document.querySelectorAll('button, input:not([type=hidden]), summary')]"
                ".filter(e => e.offsetHeight < 20).length"
            )
            assert small == 0, f"{name} has targets too small to hit"
            if PICTURES:
                await self.page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
        assert [url for url in self.asked if not url.startswith(self.base)] == []
        assert await self.page.context.cookies() == []
        assert self.complaints == [], name

    async def tab_to(self, text: str, limit: int = 60) -> None:
        """Press Tab until the control with this text has the focus, and see that the focus shows."""
        for _ in range(limit):
            await self.page.keyboard.press("Tab")
            name = await self.page.evaluate("document.activeElement.innerText || ''")
            if name.strip().startswith(text):
                style = await self.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
                assert style != "none", "the focus cannot be seen"
                return
        raise AssertionError(f"the keyboard does not lead to {text!r}")


@asynccontextmanager
async def visit(
    started: Browser, base: str, locale: str = "en", *, scheme: str = "light", script: bool = True
) -> AsyncIterator[Visit]:
    """A reader with this browser language; without script where `script` is false."""
    context = await started.new_context(
        locale=locale, color_scheme="dark" if scheme == "dark" else "light", java_script_enabled=script
    )
    yield Visit(await context.new_page(), base)
    await context.close()
