"""`python -m tests.support.screens [NAME…]`: the page in all its states as pictures in screens/, for people to look at.

The demo's own articles stand in a fresh database; no commenters are played, so that every picture shows what it is
about. NAMEs are parts of file names: only those pictures are taken.
"""

import asyncio
import contextlib
import http.server
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Page, expect

from server.demo.stage import MODERATOR, Discussion, set_up
from tests.browser.newsroom import Json, Newsroom
from tests.support import provision
from tests.support.browser import DESKTOP, PHONE, chromium
from tests.support.commands import run_ripost
from tests.support.proxy import FaultProxy
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
    async def page(self, url: str, **options: Any):  # type: ignore[no-untyped-def]
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


Shot = Callable[[Studio, Page], Awaitable[None]]


async def nothing(studio: Studio, page: Page) -> None:
    """As it is when opened."""


async def live(studio: Studio, page: Page) -> None:
    """Opened, taken over by the script, connected."""
    await page.locator('[data-ripost="status"][data-state="live"]').wait_for(state="attached")


async def to_thread(studio: Studio, page: Page) -> None:
    """The discussion at the top of the window."""
    await live(studio, page)
    await page.locator("ripost-thread").evaluate("(thread) => window.scrollTo(0, thread.offsetTop - 24)")


async def deep(studio: Studio, page: Page) -> None:
    """The most deeply nested reply in the middle of the window."""
    await live(studio, page)
    await page.locator("article[data-level]").last.wait_for()
    await page.evaluate(
        """() => {
          const all = [...document.querySelector('ripost-thread').shadowRoot.querySelectorAll('article')];
          const deepest = all.reduce((a, b) => (Number(b.dataset.depth) > Number(a.dataset.depth) ? b : a));
          deepest.scrollIntoView({ block: 'center', behavior: 'instant' });
        }"""
    )


async def pill(studio: Studio, page: Page) -> None:
    """Others have written while somebody reads."""
    await live(studio, page)
    article = studio.article("night-train")
    await (
        page.locator("article").nth(4).evaluate("(one) => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
    )
    first = await studio.newsroom.request("GET", f"/api/articles/{article['id']}/thread?limit=3")
    await studio.newsroom.say(article, "I was on that train.", "Noor", under=first["comments"][1])
    await studio.newsroom.say(article, "Which coach? I never see anybody in the last one.", "Björn")
    await studio.newsroom.say(article, "The last one is the quiet one, that is why.", "Noor")
    await page.locator('button[data-ripost="new"][data-count="3"]').wait_for()


async def reply(studio: Studio, page: Page) -> None:
    """A reply is being written."""
    await live(studio, page)
    await page.locator('button[data-ripost="reply"]').nth(3).click()
    form = page.locator("article form")
    await form.locator("textarea").fill(
        "That is what the timetable says. The *conductor* says otherwise:\n\n> only on Fridays"
    )
    await form.locator("input").fill("Lena")
    await form.evaluate("(form) => form.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def _write(page: Page, text: str, name: str | None = "Lena") -> None:
    form = page.locator('[data-ripost="composer"] form')
    await form.locator("textarea").fill(text)
    if name is not None:
        await form.locator("input").fill(name)
    await form.locator("button[type=submit]").click()
    await form.evaluate("(form) => form.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def nameless(studio: Studio, page: Page) -> None:
    """Sent without a name."""
    await live(studio, page)
    await _write(page, "I have something to say, but who am I?", name=None)
    await page.locator(".message.wrong").wait_for()


async def too_long(studio: Studio, page: Page) -> None:
    """More than fits."""
    await live(studio, page)
    await _write(page, "word " * 2010)
    await page.locator(".message.wrong").wait_for()


async def slowed(studio: Studio, page: Page) -> None:
    """Posting faster than the limits have it."""
    await live(studio, page)
    await page.route(
        "**/comments",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": "12"}, content_type="application/problem+json",
            body='{"type":"x","title":"Too many requests","status":429,"detail":"too many comments"}',
        ),
    )  # fmt: skip
    await _write(page, "And another thing.")
    await page.locator(".message.wrong").wait_for()


async def own(studio: Studio, page: Page) -> None:
    """One's own comment, just posted, and its deletion asked for."""
    await live(studio, page)
    await _write(page, "Has anybody asked the people who clean the coaches?")
    mine = page.locator("article[data-fresh]")
    await mine.locator('button[data-ripost="delete"]').first.click()
    await mine.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def editing(studio: Studio, page: Page) -> None:
    """One's own comment, being changed."""
    await live(studio, page)
    await _write(page, "I take the night train twice a month, and I sleep better than at home.")
    mine = page.locator("article[data-fresh]")
    await mine.locator('button[data-ripost="edit"]').first.click()
    await expect(mine.locator("textarea")).not_to_have_value("")
    await mine.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def folded(studio: Studio, page: Page) -> None:
    """A branch folded away."""
    await to_thread(studio, page)
    await page.locator('button[data-ripost="fold"]').first.click()


async def held(studio: Studio, page: Page) -> None:
    """A comment that waits for a moderator."""
    await to_thread(studio, page)
    await _write(page, "Two of the saplings on our street were planted in their pots. I dug one up to look.")
    await page.locator('article[data-status="pending"]').wait_for()
    await page.locator("ripost-thread").evaluate("(thread) => window.scrollTo(0, thread.offsetTop - 24)")


async def focused(studio: Studio, page: Page) -> None:
    """What the keyboard's place looks like."""
    await live(studio, page)
    button = page.locator('button[data-ripost="reply"]').nth(2)
    await button.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")
    await page.locator("article").nth(1).focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")


async def big_text(studio: Studio, page: Page) -> None:
    """The reader's own text size, doubled."""
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    await to_thread(studio, page)


async def bad_link(studio: Studio, page: Page) -> None:
    """A sign-in link that was used already."""
    await page.locator("[data-wrong]").wait_for()


# name, article (or path), query, context options, what happens, whole page
SHOTS: list[tuple[str, str, str, dict[str, Any], Shot, bool]] = [
    ("article-desktop", "night-train", "", {}, nothing, False),
    ("article-desktop-dark", "night-train", "", DARK, nothing, False),
    ("article-phone", "night-train", "", PHONE, nothing, False),
    ("article-phone-dark", "night-train", "", PHONE | DARK, nothing, False),
    ("article-whole", "night-train", "", {}, live, True),
    ("article-phone-whole", "night-train", "", PHONE, live, True),
    ("article-320", "night-train", "", NARROW, live, False),
    ("thread-desktop", "night-train", "", TALL, to_thread, False),
    ("thread-desktop-dark", "night-train", "", TALL | DARK, to_thread, False),
    ("thread-phone", "night-train", "", TALL_PHONE, to_thread, False),
    ("thread-phone-dark", "night-train", "", TALL_PHONE | DARK, to_thread, False),
    ("thread-320", "night-train", "", NARROW | {"viewport": {"width": 320, "height": 1400}}, to_thread, False),
    ("deep-desktop", "night-train", "", TALL, deep, False),
    ("deep-phone", "night-train", "", TALL_PHONE, deep, False),
    ("folded", "night-train", "", {}, folded, False),
    ("focus", "night-train", "", {}, focused, False),
    ("own-delete", "night-train", "", {}, own, False),
    ("own-edit", "night-train", "", {}, editing, False),
    ("own-edit-phone-dark", "night-train", "", PHONE | DARK, editing, False),
    ("reply", "night-train", "", {}, reply, False),
    ("reply-dark", "night-train", "", DARK, reply, False),
    ("reply-phone", "night-train", "", PHONE, reply, False),
    ("error-name", "night-train", "", {}, nameless, False),
    ("error-long-phone", "night-train", "", PHONE, too_long, False),
    ("error-slowed", "night-train", "", DARK, slowed, False),
    ("pill", "night-train", "", {}, pill, False),
    ("pill-phone-dark", "night-train", "", PHONE | DARK, pill, False),
    ("big-text", "night-train", "", {}, big_text, False),
    ("big-text-phone", "night-train", "", PHONE, big_text, False),
    ("forced-colors", "night-train", "", {"forced_colors": "active"}, to_thread, False),
    ("no-script-desktop", "night-train", "", TALL | {"java_script_enabled": False}, nothing, False),
    ("no-script-whole", "night-train", "", {"java_script_enabled": False}, nothing, True),
    ("no-script-phone", "night-train", "", PHONE | {"java_script_enabled": False}, nothing, True),
    ("no-script-comment", "night-train", "?comment={deep}", {"java_script_enabled": False}, nothing, False),
    ("comment-link", "night-train", "?comment={deep}", {}, live, False),
    ("not-found", "/a/nothing-here", "", {}, nothing, False),
    ("not-found-phone-dark", "/a/nothing-here", "", PHONE | DARK, nothing, False),
    ("index-desktop", "/", "", {}, nothing, True),
    ("index-desktop-dark", "/", "", DARK, nothing, False),
    ("index-phone", "/", "", PHONE, nothing, True),
    ("index-320", "/", "", NARROW, nothing, False),
    ("signin", "/signin", "", {}, nothing, False),
    ("signin-phone-dark", "/signin", "", PHONE | DARK, nothing, False),
    ("signin-used", "/signin#used-already", "", {}, bad_link, False),
]


async def _shoot(studio: Studio) -> None:
    for name, place, query, options, act, whole in SHOTS:
        if not studio.wants(name):
            continue
        query = query.format(deep=max(studio.discussions["night-train"].comments.values()) - 4)
        url = studio.server.url + place if place.startswith("/") else studio.link(place, query)
        async with studio.page(url, **options) as page:
            await act(studio, page)
            await studio.take(page, name, full=whole)
    for state in ("empty", "closed", "rtl"):
        discussion = next((each for each in studio.discussions.values() if _kind(each) == state), None)
        assert discussion is not None, f"the demo has no {state} article"
        for suffix, options in (("", TALL), ("-dark", TALL | DARK), ("-phone", TALL_PHONE), ("-320", NARROW)):
            if studio.wants(f"{state}{suffix}"):
                async with studio.page(studio.newsroom.link(studio.article(discussion.name)), **options) as page:
                    await to_thread(studio, page)
                    await studio.take(page, f"{state}{suffix}")
        if state == "rtl" and studio.wants("rtl-article"):
            async with studio.page(studio.newsroom.link(studio.article(discussion.name))) as page:
                await studio.take(page, "rtl-article")
        if state == "rtl" and studio.wants("rtl-whole-phone"):
            async with studio.page(studio.newsroom.link(studio.article(discussion.name)), **PHONE) as page:
                await studio.take(page, "rtl-whole-phone", full=True)
    await _held(studio)
    await _offline(studio)
    await _foreign(studio)


def _kind(discussion: Discussion) -> str:
    if discussion.state == "closed":
        return "closed"
    if not discussion.comments:
        return "empty"
    return "rtl" if "right" in discussion.label.lower() or not discussion.slug.isascii() else "open"


async def _held(studio: Studio) -> None:
    article = await studio.newsroom.article(
        "The council counts its saplings", body="A short notice.", state="premoderated"
    )
    for name, options in (("premoderated", {}), ("premoderated-phone-dark", PHONE | DARK)):
        if studio.wants(name):
            async with studio.page(studio.newsroom.link(article), **options) as page:
                await held(studio, page)
                await studio.take(page, name)


async def _offline(studio: Studio) -> None:
    for name, options in (("offline", {}), ("offline-phone-dark", PHONE | DARK)):
        if not studio.wants(name):
            continue
        proxy = await FaultProxy(studio.server.url).start()
        async with studio.page(studio.link("night-train", at=proxy.url), **options) as page:
            await to_thread(studio, page)
            await page.locator("textarea").focus()
            await page.locator("form .message").wait_for(state="attached")
            proxy.refuse()
            await _write(page, "The bridge is shut, I hear, but the words stay.")
            await page.locator('[data-ripost="status"]:not(:empty)').wait_for()
            await page.locator(".message.wrong").wait_for()
            await studio.take(page, name)
        await proxy.close()


async def _foreign(studio: Studio) -> None:
    for name, path, options in (
        ("foreign", "/post.html", TALL),
        ("foreign-phone-dark", "/post.html", PHONE | DARK),
        ("foreign-refused", "/refused.html", {}),
    ):
        if not studio.wants(name):
            continue
        async with studio.page(studio.foreign + path, **options) as page:
            if "refused" in name:
                await page.locator(".failure").wait_for()
            else:
                await live(studio, page)
                await page.locator("textarea").first.wait_for()
            await studio.take(page, name)


@contextlib.contextmanager
def _publisher(folder: Path) -> Iterator[str]:
    """Another site: a plain server of files on a port of its own."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as publisher:
        thread = threading.Thread(target=publisher.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{publisher.server_port}"
        finally:
            publisher.shutdown()
            thread.join()


def _write_foreign(folder: Path, ours: str, foreign: str) -> None:
    page = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A blog</title><style>body {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 18px/1.6 Georgia, serif;
color: #432; background: #fbf6ec }} button {{ text-transform: uppercase; border: 3px dotted red }}</style>
<h1>Bees in the gutter</h1><p>They arrived on a Tuesday, all at once, and by Friday they had an address.</p>
<script type="module" src="{ours}/static/ripost.js"></script>
<ripost-thread article-url="{url}"></ripost-thread>"""
    (folder / "post.html").write_text(page.format(ours=ours, url=f"{foreign}/post.html"))
    (folder / "refused.html").write_text(page.format(ours=ours, url="https://example.org/somebody-elses"))


async def _main(only: list[str]) -> int:
    found = provision.find("browser")
    if found is None:
        print(f"browser is not here: {provision.REMEDIES['browser']}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server").mkdir()
        (folder / "foreign").mkdir()
        with _publisher(folder / "foreign") as foreign:
            server = RipostServer(folder / "server", {"ALLOWED_ORIGINS": foreign, "RATE_LIMITS": "off"})
            stage = await set_up(server.database_url)
            server.start()
            try:
                _write_foreign(folder / "foreign", server.url, foreign)
                token = run_ripost("person", "token", MODERATOR, folder=folder, DATABASE_URL=server.database_url)
                newsroom = Newsroom(server.url, token.last_line)
                async with chromium(found.where) as browser:
                    discussions = {each.name: each for each in stage.discussions}
                    await _shoot(Studio(browser, server, newsroom, discussions, foreign, only))
                await newsroom.close()
            finally:
                server.kill()
    print(f"pictures are in {FOLDER.relative_to(ROOT)}/, taken in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main(sys.argv[1:])))
