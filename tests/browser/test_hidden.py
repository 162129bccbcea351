"""A page that nobody looks at costs next to nothing, and one that is looked at again is up to date at once."""

import asyncio
import re
import time
from typing import Any

import pytest
from playwright.async_api import Page, WebSocket, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.publisher import Publisher
from tests.browser.window import ROOT, Window, eventually
from tests.support.browser import Pages, chromium

MINUTE = 60_000  # milliseconds
HIDDEN_BYTES = 50 * 1024
MINUTES = 10

# A headless browser hides no page; this says it is hidden as the browser would.
TURN = """(hidden) => {
  Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });
  Object.defineProperty(document, 'visibilityState', { value: hidden ? 'hidden' : 'visible', configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


async def turn(window: Window, *, hidden: bool) -> None:
    """Somebody looks away from the page, or at it again."""
    await window.page.evaluate(TURN, hidden)


class Received:
    """The frames that a page's WebSockets brought."""

    def __init__(self, page: Page) -> None:
        self.bytes = 0
        self.open = 0
        self.sockets = 0
        self.counts: list[int] = []  # lengths of the frames that carry nothing but counts
        self.events = 0
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        self.open += 1
        self.sockets += 1
        socket.on("framereceived", self._count)
        socket.on("close", self._closed)

    def _count(self, payload: Any) -> None:
        self.bytes += len(payload)
        if '"type":"counts"' in payload:
            self.counts.append(len(payload))
        self.events += '"seq":' in payload and '"comment":' in payload

    def _closed(self, _: Any) -> None:
        self.open -= 1


async def opened(pages: Pages, url: str) -> tuple[Window, Received]:
    """A window whose clock the test holds, and what it receives."""
    window = Window(await pages())
    received = Received(window.page)
    await window.page.clock.install()
    await window.page.goto(url)
    await window.until("live")
    return window, received


async def until_closed(received: Received) -> None:
    """Waits until the page holds no connection."""

    async def none() -> bool:
        return received.open == 0

    await eventually(none, "the connection is let go")


async def hide_for_a_minute(window: Window, newsroom: Newsroom, article: Json) -> None:
    """Nobody looks for a minute, in which a comment comes: a server from which nothing is heard would be lost."""
    await turn(window, hidden=True)
    await window.page.clock.run_for(MINUTE // 2)
    waiting = int(await window.pill.get_attribute("data-count") or 0) if await window.pill.count() else 0
    await newsroom.say(article, "Heard in the first minute.", "Bo")
    await expect(window.pill).to_have_attribute("data-count", f"{waiting + 1}")
    await window.page.clock.run_for(MINUTE // 2)


async def until_counted(received: Received) -> None:
    """Waits until the page hears counts."""

    async def counted() -> bool:
        return bool(received.counts)

    await eventually(counted, "only counts are heard")


async def test_after_a_minute_only_counts_are_heard_and_it_goes_on_where_it_was(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article("(5) minutes in the tab")
    await newsroom.say(article, "Here before.")
    window, received = await opened(pages, newsroom.link(article))
    await hide_for_a_minute(window, newsroom, article)
    await until_counted(received)
    heard = received.events
    for number in range(3):
        await newsroom.say(article, f"Meanwhile {number}.", "Bo")
    await expect(window.page).to_have_title("(3) (5) minutes in the tab")
    await window.page.clock.run_for(10 * MINUTE)
    assert received.events == heard, "no event is received while nobody looks"
    await expect(window.pill).to_have_attribute("data-count", "1")
    await expect(window.status).to_have_text("")
    await turn(window, hidden=False)
    await window.until("live")
    await expect(window.pill).to_have_attribute("data-count", "4")
    await expect(window.page).to_have_title("(5) minutes in the tab")
    await newsroom.say(article, "Live as before.", "Bo")
    await expect(window.pill).to_have_attribute("data-count", "5")
    assert received.open == 1


async def test_looked_at_soon_after_a_count_it_goes_on_over_the_same_link(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window, received = await opened(pages, newsroom.link(article))
    await hide_for_a_minute(window, newsroom, article)
    await until_counted(received)
    told = len(received.counts)
    await newsroom.say(article, "Meanwhile.", "Bo")

    async def counted_again() -> bool:
        return len(received.counts) > told

    await eventually(counted_again, "the new count is heard")
    await turn(window, hidden=False)
    await window.until("live")
    await expect(window.pill).to_have_attribute("data-count", "2")
    await newsroom.say(article, "Live as before.", "Bo")
    await expect(window.pill).to_have_attribute("data-count", "3")
    assert received.sockets == 1


async def test_a_page_that_was_opened_in_the_background_hears_only_counts_too(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window = Window(await pages())
    received = Received(window.page)
    await window.page.clock.install()
    await window.page.add_init_script(f"({TURN})(true)")
    await window.page.goto(newsroom.link(article))
    await window.until("live")
    await hide_for_a_minute(window, newsroom, article)
    await until_counted(received)


async def test_a_page_that_is_soon_looked_at_again_keeps_its_link(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window, received = await opened(pages, newsroom.link(article))
    await turn(window, hidden=True)
    await window.page.clock.run_for(MINUTE // 2)
    await turn(window, hidden=False)
    await window.page.clock.run_for(10_000)
    await newsroom.say(article, "Live as ever.", "Bo")
    await expect(window.pill).to_have_attribute("data-count", "1")
    assert received.open == 1


async def test_ten_hidden_minutes_of_a_busy_discussion_cost_at_most_50_kb(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window, received = await opened(pages, newsroom.link(article))
    await turn(window, hidden=True)
    before, began = received.bytes, time.monotonic()
    text = "A comment of the usual length, which is about three hundred characters. " * 4
    # As many as come until only counts are heard, and more; what comes after that is not received.
    line = asyncio.Semaphore(10)

    async def say(number: int) -> None:
        async with line:
            await newsroom.say(article, f"{number} {text}", f"Guest {number % 9}")

    for number in range(40):
        await say(number)
    await until_counted(received)
    await asyncio.gather(*(say(number) for number in range(40, 300)))
    taken = received.bytes - before
    # One count a second for ten minutes, each as long as the longest so far and of one more digit.
    counted = MINUTES * 60 * (max(received.counts) + 1)
    await window.page.clock.run_for(MINUTES * MINUTE)
    print(f"{taken} bytes until {time.monotonic() - began:.1f} s, then {counted} of counts at most")
    assert received.events <= 41, "none after the counts"
    assert taken + counted <= HIDDEN_BYTES
    await turn(window, hidden=False)
    await window.until("live")
    await expect(window.pill).to_have_attribute("data-count", "300")


async def test_who_was_away_for_thousands_of_events_gets_a_snapshot_and_keeps_the_place(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    roots = [await newsroom.say(article, f"Number {number}. " + "A line or two. " * 9) for number in range(60)]
    window, received = await opened(pages, newsroom.link(article))
    await window.page.locator('[data-ripost="more"]').click()
    place = roots[40]
    await expect(window.comment(place)).to_be_visible()
    await window.scroll_to(place)
    await hide_for_a_minute(window, newsroom, article)
    await until_counted(received)
    line = asyncio.Semaphore(16)

    async def say(number: int) -> None:
        async with line:
            await newsroom.say(article, f"Meanwhile {number}. " + "Words. " * 30, f"Guest {number % 9}")

    await asyncio.gather(*(say(number) for number in range(2100)))
    await newsroom.edit(place, "What is being read, edited meanwhile. " + "A line or two. " * 9)
    await expect(window.page).to_have_title(re.compile(r"^\(2,?100\) "))  # it knows how much that is
    before, top = received.bytes, await window.top_of(place)
    await turn(window, hidden=False)
    await expect(window.entry(place)).to_contain_text("edited meanwhile")
    await window.until("live")
    await expect(window.count).to_contain_text("2,161")
    assert abs(await window.top_of(place) - top) <= 1
    assert received.bytes - before < 700_000, "not all that was missed"
    await newsroom.say(article, "An answer to what is being read.", "Bo", under=place)
    await expect(window.pill).to_have_attribute("data-count", "1")
    while not await window.comment(roots[59]).count():
        more = window.page.locator('[data-ripost="more"]')
        shown = await window.page.locator("article[data-comment-id]").count()
        await more.click()
        await expect(window.page.locator("article[data-comment-id]")).not_to_have_count(shown)
    order = [
        int(one)
        for one in await window.page.locator("article[data-comment-id]").evaluate_all(
            "all => all.map(one => one.dataset.commentId)"
        )
    ]
    assert order == sorted(order), "the place is back in its row"


async def test_a_page_from_the_back_forward_cache_is_live_again(
    chromium_path: str, newsroom: Newsroom, publisher: Publisher
) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    elsewhere = publisher.put("/elsewhere.html", "<!doctype html><title>Elsewhere</title>")
    async with chromium(chromium_path, back_forward_cache=True) as browser:
        window = Window(await browser.new_page())
        await window.page.goto(newsroom.link(article))
        await window.until("live")
        await window.page.evaluate("window.isTheSame = true")
        # Leaving lets the link go, since an open socket keeps a page out of that cache.
        await window.page.goto(elsewhere)
        await newsroom.say(article, "Meanwhile.", "Bo")
        await window.page.go_back(wait_until="commit")
        await window.until("live")
        assert await window.page.evaluate("window.isTheSame"), "the page came out of the cache, not from the server"
        await expect(window.pill).to_have_attribute("data-count", "1")
        await newsroom.say(article, "And live.", "Bo")
        await expect(window.pill).to_have_attribute("data-count", "2")


@pytest.mark.parametrize("keyboard", [False, True], ids=["by mouse", "by keyboard"])
async def test_while_paused_nothing_changes_by_itself(pages: Pages, newsroom: Newsroom, keyboard: bool) -> None:
    article = await newsroom.article()
    first = await newsroom.say(article, "Here before.")
    window, received = await opened(pages, newsroom.link(article))
    pause = window.page.get_by_role("button", name="Pause live updates")
    await expect(pause).to_have_attribute("aria-pressed", "false")

    async def press() -> None:
        if keyboard:
            await pause.focus()
            await window.page.keyboard.press("Space")
        else:
            await pause.click()

    await press()
    await expect(pause).to_have_attribute("aria-pressed", "true")
    await expect(pause).to_have_text("Paused")
    await expect(window.status).to_have_attribute("data-state", "paused")
    await until_closed(received)
    shown = await window.markup()
    await newsroom.say(article, "Nobody sees this yet.", "Bo")
    await newsroom.edit(first, "Here before, edited.")
    for hidden in (True, False):  # not even a look away and back starts it again
        await turn(window, hidden=hidden)
    await window.page.evaluate("window.dispatchEvent(new Event('online'))")
    await window.page.clock.run_for(10 * MINUTE)
    assert await window.markup() == shown, "not even the times"
    assert received.open == 0
    await press()
    await window.until("live")
    await expect(pause).to_have_attribute("aria-pressed", "false")
    await expect(window.pill).to_have_attribute("data-count", "1")
    await expect(window.entry(first).locator(".body")).to_have_text("Here before, edited.")
    await expect(window.entry(first).locator("time")).not_to_have_text("now")


async def test_one_can_write_while_paused(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window = await Window.open(pages, newsroom.link(article))
    pause = window.page.get_by_role("button", name="Pause live updates")
    await pause.click()
    await expect(window.status).to_have_attribute("data-state", "paused")
    await newsroom.say(article, "Not yet.", "Bo")
    mine = await window.post("Mine, meanwhile.")
    await expect(window.comment(mine)).to_be_visible()
    await expect(window.saying("Not yet.")).to_have_count(0)
    await expect(window.status).to_have_attribute("data-state", "paused")
    await pause.click()
    await window.until("live")
    await expect(window.pill).to_have_attribute("data-count", "1")
    assert await window.page.evaluate(f"{ROOT}.querySelectorAll('#comment-{mine['id']}').length") == 1
