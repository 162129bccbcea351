"""One open discussion in a browser's window, as a reader or commenter uses it: by what it shows, and by its controls."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Locator, Page, TimeoutError, expect

from tests.browser.newsroom import Json, Newsroom

# What is needed of the shadow root in page.evaluate.
ROOT = "document.querySelector('ripost-thread').shadowRoot"


class Window:
    """Wraps a page that has one <ripost-thread>. Locators reach into its shadow root."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, pages: Any, url: str, **options: Any) -> "Window":
        """A window of a profile of its own, when its discussion is live."""
        window = cls(await pages(url, **options))
        await window.until("live")
        return window

    @property
    def status(self) -> Locator:
        return self.page.locator('[data-ripost="status"]')

    @property
    def pill(self) -> Locator:
        return self.page.locator('button[data-ripost="new"]')

    @property
    def composer(self) -> Locator:
        """The form for a top-level comment."""
        return self.page.locator('[data-ripost="composer"] form')

    @property
    def count(self) -> Locator:
        return self.page.locator('[data-ripost="count"]')

    def comment(self, comment: Json | int) -> Locator:
        """The article element of a comment."""
        number = comment if isinstance(comment, int) else comment["id"]
        return self.page.locator(f"#comment-{number}")

    def entry(self, comment: Json | int) -> Locator:
        """The comment without its replies."""
        return self.comment(comment).locator("> .entry")

    def saying(self, text: str) -> Locator:
        """The comment whose body has this text."""
        return self.page.locator("article", has=self.page.locator(f'> .entry > .body:has-text("{text}")'))

    def button(self, comment: Json | int, name: str) -> Locator:
        """A comment's own button, by its data-ripost."""
        return self.entry(comment).locator(f'button[data-ripost="{name}"]')

    async def until(self, state: str) -> None:
        """Waits until the connection's state is this one."""
        await expect(self.status).to_have_attribute("data-state", state, timeout=15_000)

    async def write(self, text: str, name: str | None = "Ada", *, form: Locator | None = None) -> None:
        """Types a comment (or, with a reply's `form`, a reply) and sends it."""
        form = form or self.composer
        await form.locator("textarea").fill(text)
        if name is not None:
            await form.locator('input[name="name"]').fill(name)
        await form.locator('button[type="submit"]').click()

    async def post(self, text: str, name: str | None = "Ada") -> Json:
        """Posts at top level and waits until it stands there; its id."""
        await self.write(text, name)
        return await self._settled(text)

    async def reply(self, to: Json | int, text: str, name: str | None = "Ada") -> Json:
        """Replies and waits until the reply stands there; its id."""
        await self.button(to, "reply").click()
        await self.write(text, name, form=self.form(to))
        return await self._settled(text)

    def form(self, comment: Json | int) -> Locator:
        """The form that is open below a comment."""
        return self.entry(comment).locator("> form")

    async def _settled(self, text: str) -> Json:
        await expect(self.saying(text).last).to_be_visible()
        number = await self.saying(text).last.get_attribute("data-comment-id")
        assert number is not None
        return {"id": int(number)}

    async def order(self) -> list[int]:
        """The ids of the comments, from top to bottom."""
        return await self.page.evaluate(  # type: ignore[no-any-return]
            f"[...{ROOT}.querySelectorAll('article[data-comment-id]')].map((one) => Number(one.dataset.commentId))"
        )

    async def shown(self) -> list[tuple[int, str, str, str]]:
        """What it shows of every comment: id, status, name and text, from top to bottom."""
        rows = await self.page.evaluate(
            f"""[...{ROOT}.querySelectorAll('article[data-comment-id]')].map((one) => {{
              const part = (name) => one.querySelector(`:scope > .entry ${{name}}`)?.textContent ?? '';
              return [Number(one.dataset.commentId), one.dataset.status, part('.author'), part('.body')];
            }})"""
        )
        return [tuple(row) for row in rows]

    async def markup(self) -> str:
        """Everything that stands in the shadow root, the snapshot included if it is still there."""
        return await self.page.evaluate(f"{ROOT}.innerHTML")  # type: ignore[no-any-return]

    async def top_of(self, comment: Json | int) -> float:
        """How far below the window's upper edge a comment begins, in CSS pixels."""
        return await self.comment(comment).evaluate("(one) => one.getBoundingClientRect().top")  # type: ignore[no-any-return]

    async def scroll_to(self, comment: Json | int) -> None:
        """Puts a comment near the top of the window, as somebody who reads it has it."""
        await self.comment(comment).evaluate(
            "(one) => window.scrollTo({ top: scrollY + one.getBoundingClientRect().top - 120, behavior: 'instant' })"
        )

    async def overflow(self) -> float:
        """How many pixels the page is wider than the window."""
        return await self.page.evaluate(  # type: ignore[no-any-return]
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


def words(tree: Any) -> str:
    """The text of a comment's tree, as textContent has it."""
    if tree is None:
        return ""
    if isinstance(tree, str):
        return tree
    nodes = tree[1:] if tree and isinstance(tree[0], str) and tree is not None else tree
    return "".join(words(node) for node in nodes if not isinstance(node, dict))


def as_shown(comments: list[Json]) -> list[tuple[int, str, str, str]]:
    """What a window must show of these comments of the API."""
    return [
        (
            comment["id"],
            comment["status"],
            comment["author"]["name"] if comment["author"] else "",
            "".join(words(node) for node in comment["tree"] or []),
        )
        for comment in comments
    ]


async def eventually(check: Callable[[], Awaitable[bool]], what: str, *, seconds: float = 15) -> None:
    """Asks again and again until it is so. Fails with `what` when it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not await check():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.05)


async def all_equal(windows: list[Window], newsroom: Newsroom, article: Json) -> None:
    """Waits until every window, with nothing left behind its pill, shows just what the API has, in its order."""
    expected = as_shown(await newsroom.thread(article))
    for window in windows:
        await window.until("live")

        async def same(window: Window = window) -> bool:
            if await window.pill.count():
                # What was pressed before may be about to take it away.
                with contextlib.suppress(TimeoutError):
                    await window.pill.dispatch_event("click", timeout=500)
            return await window.shown() == expected

        try:
            await eventually(same, "a window shows what the API has")
        except AssertionError:
            shown = await window.shown()
            differing = [one for one in zip(shown, expected, strict=False) if one[0] != one[1]]
            more, missing = [one for one in shown if one not in expected], [one for one in expected if one not in shown]
            pytest.fail(f"too much: {more}\nmissing: {missing}\nfirst difference: {differing[:1]}", pytrace=False)


async def ready(window: Window) -> None:
    """The composer is there; the caret is elsewhere."""
    await window.composer.locator("textarea").click()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    await window.composer.locator("textarea").blur()


async def kept(window: Window, text: str) -> None:
    """Waits until this text is in the browser's storage: a keystroke later it may be gone with the page."""

    async def stored() -> bool:
        return text in await window.page.evaluate("JSON.stringify({ ...localStorage })")

    await eventually(stored, f"{text!r} is kept")


async def said(newsroom: Newsroom, article: Json, text: str) -> int:
    """How many comments of the discussion say this."""
    return sum(text in str(one["tree"]) for one in await newsroom.thread(article))


async def again(window: Window) -> None:
    """Loads the page anew."""
    await window.page.reload()
    await window.until("live")
