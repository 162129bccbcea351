"""A real Chromium for the tests, and what a test needs of it: fresh contexts, and the complaints of their pages."""

import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, async_playwright

# The tests' Chromium talks to nobody but the servers under test.
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",  # the tests run as root in a container as well
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",  # /dev/shm is 64 MiB in a container
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    "--no-default-browser-check",
    "--no-pings",
]
# A page in a background window is what readers have; a test decides itself when one sleeps.
_NEVER_THROTTLED = [
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]

PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
DEADLINE = 10_000  # milliseconds that a locator waits before it fails


@contextlib.asynccontextmanager
async def chromium(executable: str, *, back_forward_cache: bool = False) -> AsyncIterator[Browser]:
    """A headless Chromium, for as long as the block lasts. Playwright's own has no back-forward cache."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=executable,
            args=[*CHROMIUM_ARGUMENTS, *_NEVER_THROTTLED],
            ignore_default_args=["--disable-back-forward-cache"] if back_forward_cache else None,
            headless=True,
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Pages:
    """Makes pages for one test: `page = await pages(**context_options)`, each in a context of its own.

    An exception that a page does not catch fails the test when it ends, as it would fail a reader. A test that provokes
    one says so by emptying `errors`. `console` is what pages wrote there; the network's own complaints are in it too.
    """

    browser: Browser
    artifacts: Path
    errors: list[str] = field(default_factory=list)
    console: list[str] = field(default_factory=list)
    opened: list[Page] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    async def context(self, **options: Any) -> BrowserContext:
        """A fresh profile: its own storage, its own sockets. Options as Playwright's `new_context`."""
        context = await self.browser.new_context(**(DESKTOP | {"locale": "en-GB", "timezone_id": "UTC"} | options))
        context.set_default_timeout(DEADLINE)
        context.on("page", self._watch)
        self._contexts.append(context)
        return context

    async def __call__(self, url: str | None = None, **options: Any) -> Page:
        """A page in a fresh context, at `url` if given."""
        page = await (await self.context(**options)).new_page()
        if url is not None:
            await page.goto(url)
        return page

    def _watch(self, page: Page) -> None:
        self.opened.append(page)
        page.on("pageerror", lambda error: self.errors.append(str(error.stack or error)))
        page.on("console", lambda message: self.console.append(f"{message.type}: {message.text}"))

    async def save_screenshots(self, name: str) -> list[str]:
        """What every open page shows now, as files of a failed test; their paths."""
        self.artifacts.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, page in enumerate(page for page in self.opened if not page.is_closed()):
            path = os.fspath(self.artifacts / f"{name}-{number}.png")
            with contextlib.suppress(Exception):  # a page that cannot be drawn must not hide why the test failed
                await page.screenshot(path=path, timeout=5_000)
                paths.append(path)
        return paths

    async def close(self) -> None:
        """Closes every context of the test."""
        for context in self._contexts:
            await context.close()
