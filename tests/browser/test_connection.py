"""A connection that breaks costs a reader nothing: the state is honest, late enough not to alarm, and the page catches up."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import ROOT, Window, all_equal
from tests.support.browser import Pages
from tests.support.proxy import FaultProxy

pytestmark = pytest.mark.faults

Proxies = Callable[[str], Awaitable[FaultProxy]]
QUIET = 2000  # milliseconds for which nothing is said about a link that is not live


@pytest.fixture
async def article(newsroom: Newsroom) -> Json:
    made = await newsroom.article()
    await newsroom.say(made, "The first word.")
    return made


def sockets(page: Page) -> list[str]:
    """The WebSockets that a page has opened from now on."""
    opened: list[str] = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    return opened


async def test_a_cut_connection_comes_back_by_itself_and_brings_what_was_missed_once(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    for round_ in range(3):
        proxy.refuse()
        await window.until("offline")
        missed = [await newsroom.say(article, f"Missed {round_} {n}", "Bo") for n in range(5)]
        await newsroom.decide(missed[0], "reject")
        proxy.resume()
        await all_equal([window], newsroom, article)
    await expect(window.status).to_have_text("")


async def test_nothing_is_said_about_a_break_of_less_than_two_seconds(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    await window.page.evaluate(
        f"""() => {{
          window.said = [];
          const status = {ROOT}.querySelector('[data-ripost="status"]');
          let state = status.dataset.state;
          let since = performance.now();
          new MutationObserver(() => {{
            const now = performance.now();
            if (status.dataset.state !== state) {{
              if (state === 'live') since = now;
              state = status.dataset.state;
            }}
            if (status.textContent) window.said.push([state, status.textContent, now - since]);
          }}).observe(status, {{ subtree: true, childList: true, attributes: true, characterData: true }});
        }}"""
    )
    proxy.cut()
    await window.until("offline")
    await window.until("live")
    short = await window.page.evaluate("window.said")
    assert all(after >= QUIET for _, _, after in short), short
    proxy.refuse()
    await window.until("offline")
    await expect(window.status).to_have_text(re.compile("Not connected"))
    (state, words, after), *_ = await window.page.evaluate("window.said")
    assert state in ("offline", "catching-up") and words and QUIET - 50 <= after < QUIET + 1000
    proxy.resume()
    await window.until("live")
    await expect(window.status).to_have_text("")


async def test_a_silent_network_is_noticed_when_the_reader_comes_back_to_the_tab(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    # A link that has just spoken is trusted for 4 s. The page's own clock is moved on instead of waiting.
    await window.page.evaluate("(() => { const now = Date.now; Date.now = () => now() + 10_000; })()")
    proxy.blackhole()
    await newsroom.say(article, "Said into the silence.", "Bo")
    await window.page.evaluate("window.dispatchEvent(new Event('focus'))")
    await window.until("offline")
    proxy.resume()
    await all_equal([window], newsroom, article)


async def test_a_slow_network_shows_the_same_only_later(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    proxy.delay(0.15)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    for n in range(5):
        await newsroom.say(article, f"Slowly {n}", "Bo")
    mine = await window.post("Mine, slowly.")
    await expect(window.comment(mine)).to_be_visible()
    await all_equal([window], newsroom, article)


@pytest.mark.parametrize(
    ("forbidden", "accept"),
    [
        ((b"upgrade: websocket",), "text/event-stream"),
        ((b"upgrade: websocket", b"accept: text/event-stream"), "application/json"),
    ],
    ids=["server-sent events", "long poll"],
)
async def test_where_websockets_cannot_pass_the_page_is_live_by(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies, forbidden: tuple[bytes, ...], accept: str
) -> None:
    proxy = await fault_proxy(newsroom.url)
    proxy.forbid(*forbidden)
    page = await pages()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.headers["accept"]) if "/events?" in request.url else None)
    window = Window(page)
    await page.goto(newsroom.link(article, at=proxy.url))
    await window.until("live")
    assert asked[-1] == accept
    for n in range(3):
        await newsroom.say(article, f"Without a socket {n}", "Bo")
        await expect(window.pill).to_have_attribute("data-count", str(n + 1))
    mine = await window.post("Mine, without a socket.")
    await expect(window.comment(mine)).to_be_visible()
    await all_equal([window], newsroom, article)
    await expect(window.status).to_have_text("")


async def test_a_page_that_was_loaded_while_the_server_was_away_begins_by_itself(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    opened = sockets(window.page)
    proxy.refuse()
    await window.until("offline")
    await asyncio.gather(*(newsroom.say(article, f"Meanwhile {n}", f"Guest {n}") for n in range(4)))
    await expect(window.status).to_have_text(re.compile("Not connected"))
    proxy.resume()
    await all_equal([window], newsroom, article)
    assert len(opened) < 30, "it came back with a back-off, not with a storm"


async def test_reading_goes_on_while_the_connection_is_away(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    root = await newsroom.say(article, "With an answer.")
    await newsroom.say(article, "The answer.", "Bo", under=root)
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    proxy.refuse()
    await window.until("offline")
    await window.comment(root).locator("> button.fold").click()
    await expect(window.page.get_by_role("button", name="Show 1 reply")).to_be_visible()
    await expect(window.saying("With an answer.")).to_be_visible()
