"""What pictures are taken of, and with what: a running server with the demo's articles, and somebody to change things."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page

from server.demo.stage import Discussion
from tests.browser.newsroom import Json, Newsroom
from tests.support.browser import DESKTOP, PHONE
from tests.support.server import RipostServer

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "screens"
DARK = {"color_scheme": "dark"}
NARROW = PHONE | {"viewport": {"width": 320, "height": 640}}
TALL = {"viewport": {"width": 1280, "height": 1400}}
TALL_PHONE = PHONE | {"viewport": {"width": 390, "height": 1400}}


@dataclass
class Studio:
    """What pictures are taken of: a running server with the demo's articles, and somebody to change things there."""

    browser: Browser
    server: RipostServer
    newsroom: Newsroom
    discussions: dict[str, Discussion]
    foreign: str
    only: list[str]
    taken: int = 0

    def wants(self, name: str) -> bool:
        """Whether the picture was asked for."""
        return not self.only or any(part in name for part in self.only)

    def article(self, name: str) -> Json:
        """The API's object as far as links need it."""
        found = self.discussions[name]
        return {"id": found.id, "slug": found.slug}

    def link(self, name: str, query: str = "", *, at: str | None = None) -> str:
        """The page of one of the demo's articles."""
        return self.newsroom.link(self.article(name), query, at=at)

    @contextlib.asynccontextmanager
    async def page(self, url: str, **options: Any) -> AsyncIterator[Page]:
        """A page in a context of its own."""
        context = await self.browser.new_context(**(DESKTOP | {"locale": "en-GB", "timezone_id": "UTC"} | options))
        context.set_default_timeout(10_000)
        try:
            page = await context.new_page()
            await page.goto(url)
            yield page
        finally:
            await context.close()

    async def take(self, page: Page, name: str, *, full: bool = False) -> None:
        """Saves what the page shows, once its fonts and pictures are there."""
        await page.evaluate("document.fonts.ready")
        await page.screenshot(path=FOLDER / f"{name}.png", full_page=full, animations="disabled", caret="initial")
        self.taken += 1
        print(f"{self.taken:3} {name}.png")
