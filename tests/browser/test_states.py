"""Every state that a discussion can be in has a look of its own, says what it is, and moves nothing when it ends."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.publisher import Publisher
from tests.browser.publisher import page as published
from tests.browser.window import ROOT, Window
from tests.support.browser import PHONE, Pages
from tests.support.server import RipostServer

# Sums what the browser itself counts as a shift of what was on the screen, from the first moment of the page on.
SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      window.shifts.push([entry.value, entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? String(node?.nodeName))]);
    }
  }).observe({ type: 'layout-shift', buffered: true });
"""


async def tops(page: Page) -> list[float]:
    """Where the text of every comment begins."""
    return await page.evaluate(  # type: ignore[no-any-return]
        f"[...{ROOT}.querySelectorAll('.body')].map((one) => one.getBoundingClientRect().top + scrollY)"
    )


@pytest.mark.parametrize(
    "options", [{}, PHONE, PHONE | {"viewport": {"width": 320, "height": 640}}], ids=["desktop", "phone", "320"]
)
@pytest.mark.parametrize("state", ["open", "premoderated", "closed"])
async def test_nothing_moves_when_the_script_takes_over_what_the_server_rendered(
    pages: Pages, newsroom: Newsroom, state: str, options: dict[str, Any]
) -> None:
    article = await newsroom.article()
    last: Json | None = None
    for n in range(7):
        last = await newsroom.say(
            article, f"Number {n}, with some words that fill a line or two on a phone.", under=last
        )
    await newsroom.change(article, state=state)
    page = await pages(**options)
    await page.add_init_script(SHIFTS)
    # The page as it is before the script has come, and after.
    await page.route(re.compile(r"/static/ripost\.js"), lambda route: route.abort())
    await page.goto(newsroom.link(article))
    before = await tops(page)
    await page.unroute_all()
    await page.goto(newsroom.link(article))
    await Window(page).until("live")
    await expect(page.locator("time[title]").first).to_be_attached()
    assert await tops(page) == pytest.approx(before, abs=0.5)
    assert await page.evaluate("window.shifts") == []


async def test_an_empty_discussion_invites_and_the_first_comment_takes_the_place(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    window = await Window.open(pages, newsroom.link(article))
    await expect(window.page.locator('[data-ripost="empty"]')).to_have_text(
        "No comments yet. Yours could be the first."
    )
    await expect(window.count).to_have_text("0 comments")
    await newsroom.say(article, "The first word.")
    await expect(window.saying("The first word.")).to_be_visible()
    await expect(window.page.locator('[data-ripost="empty"]')).to_have_count(0)


async def test_a_closed_discussion_is_for_reading(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    said = await newsroom.say(article, "The last word.")
    await newsroom.change(article, state="closed")
    window = await Window.open(pages, newsroom.link(article))
    await expect(window.page.get_by_text("This discussion is closed.")).to_be_visible()
    await expect(window.composer).to_have_count(0)
    await expect(window.button(said, "reply")).to_have_count(0)


async def test_who_is_about_to_write_keeps_the_focus_and_the_name_when_it_closes(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    window = await Window.open(pages, newsroom.link(article))
    await window.composer.locator("input[name=name]").fill("Ida")
    await window.composer.locator("textarea").click()
    await newsroom.change(article, state="closed")
    await expect(window.page.get_by_text("This discussion is closed.")).to_be_visible()
    await expect(window.composer.locator("textarea")).to_be_focused()
    await newsroom.change(article, state="open")
    await expect(window.composer.locator("input[name=name]")).to_have_value("Ida")
    await window.post("After all.", None)


async def test_a_discussion_of_which_little_is_shown_is_not_called_empty(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    linked = await newsroom.say(article, "Asked for.")
    await newsroom.say(article, "Another.")
    window = await Window.open(pages, newsroom.link(article, f"?comment={linked['id']}"))
    await newsroom.decide(linked, "reject")
    await expect(window.comment(linked)).to_have_count(0)
    await expect(window.count).to_have_text("1 comment")
    await expect(window.page.locator("[data-ripost=empty]")).to_have_count(0)


async def test_a_link_to_what_was_taken_down_says_so(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    linked = await newsroom.say(article, "Asked for.")
    await newsroom.say(article, "Another.")
    await newsroom.decide(linked, "reject")
    window = await Window.open(pages, newsroom.link(article, f"?comment={linked['id']}"))
    note = window.page.get_by_text("The comment that this link leads to is no longer here.")
    await expect(note).to_be_in_viewport()
    await expect(window.saying("Another.")).to_be_visible()


async def test_while_a_foreign_page_waits_for_its_discussion_the_room_is_kept(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    address = publisher.origin + "/waiting.html"
    publisher.put("/waiting.html", published(newsroom.url, address))
    page = await pages()
    gate = asyncio.Event()

    async def hold(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await page.route(re.compile(r"/api/articles/"), hold)
    await page.goto(address)
    await expect(page.get_by_role("heading", name="Loading…")).to_be_visible()
    await expect(page.locator("ripost-thread .thread")).to_have_attribute("aria-busy", "true")
    box = await page.locator("ripost-thread").bounding_box()
    assert box is not None and box["height"] >= 300, "the room of a discussion is kept"
    gate.set()
    await Window(page).until("live")
    await expect(page.locator("ripost-thread .thread")).not_to_have_attribute("aria-busy", "true")


async def test_a_discussion_that_cannot_be_reached_says_so_and_comes_when_it_is_asked_for(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    address = publisher.origin + "/unreachable.html"
    publisher.put("/unreachable.html", published(newsroom.url, address))
    page = await pages()
    await page.route(re.compile(r"/api/articles/"), lambda route: route.abort())
    await page.goto(address)
    failure = page.get_by_role("alert")
    await expect(failure).to_contain_text("The discussion could not be loaded.")
    await page.unroute_all()
    await failure.get_by_role("button", name="Try again").click()
    await Window(page).until("live")
    await expect(failure).to_have_count(0)
    await expect(page.locator('[data-ripost="empty"]')).to_be_visible()


async def test_being_too_fast_is_counted_down_and_keeps_the_text(
    pages: Pages, ripost_server: Callable[..., RipostServer], newsroom_of: Callable[[RipostServer], Awaitable[Newsroom]]
) -> None:
    newsroom = await newsroom_of(ripost_server(RATE_LIMITS="on"))
    article = await newsroom.article(slow_mode_seconds=60)
    window = await Window.open(pages, newsroom.link(article))
    await window.page.clock.install()
    await window.post("The first.")
    send = window.composer.locator("button[type=submit]")
    message, spoken = window.composer.locator(".message .seconds"), window.composer.locator(".message .unseen")
    await expect(message).to_have_text("You can post again in 60 seconds.")
    await expect(message).to_have_attribute("aria-hidden", "true")
    await expect(spoken).to_have_text("You can post again in 60 seconds.")
    await window.composer.locator("textarea").fill("The second, too soon.")
    await window.page.clock.run_for(5000)
    await expect(message).to_have_text("You can post again in 55 seconds.")
    await expect(spoken).to_have_text("You can post again in 60 seconds.")  # not again each second
    await expect(send).to_be_disabled()
    # Another window of the same person does not know, and is told by the server.
    other = Window(await window.page.context.new_page())
    await other.page.goto(newsroom.link(article))
    await other.until("live")
    await expect(other.composer.locator("textarea")).to_have_value("The second, too soon.")
    await other.composer.locator("button[type=submit]").click()
    await expect(other.composer.locator(".message .seconds")).to_have_text(
        re.compile(r"You can post again in \d+ seconds\.")
    )
    await expect(other.composer.locator("textarea")).to_have_value("The second, too soon.")
    await window.page.clock.run_for(60_000)
    await expect(send).to_be_enabled()
    await expect(window.composer.locator(".message")).to_have_text("You can post now.")
    await expect(window.composer.locator("textarea")).to_have_value("The second, too soon.")


async def test_enter_is_a_new_line_on_a_phone_and_no_field_makes_it_zoom(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    theirs = await newsroom.say(article, "A word.")
    window = Window(await pages(newsroom.link(article), **PHONE))
    await window.until("live")
    await window.button(theirs, "reply").tap()
    form = window.form(theirs)
    await expect(form.locator("textarea")).to_be_focused()
    await window.page.keyboard.type("One line")
    await window.page.keyboard.press("Enter")
    await window.page.keyboard.type("and another")
    await expect(form.locator("textarea")).to_have_value("One line\nand another")
    await window.button(theirs, "options").tap()
    await window.entry(theirs).get_by_role("button", name="Report").tap()
    sizes = await window.page.evaluate(
        f"""[...{ROOT}.querySelectorAll('textarea, input:not([type=radio]), select')]
          .filter((one) => one.checkVisibility()).map((one) => [one.name, parseFloat(getComputedStyle(one).fontSize)])"""
    )
    assert len(sizes) >= 4
    assert all(size >= 16 for _, size in sizes), sizes


async def test_the_form_stays_clear_of_a_keyboard_that_covers_the_page(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    one, *_ = [await newsroom.say(article, f"Number {n}. " + "A line or two. " * 6) for n in range(8)]
    window = Window(await pages(newsroom.link(article), **PHONE))
    await window.until("live")
    await window.button(one, "reply").tap()
    form = window.form(one)
    await expect(form.get_by_role("toolbar")).to_be_visible()
    await expect(form.locator("textarea")).to_be_focused()
    await form.locator("textarea").evaluate("(one) => one.scrollIntoView({ block: 'end' })")
    # No browser under test has such a keyboard: it is what the visual viewport says of one that is 340 pixels high.
    await window.page.evaluate(
        """() => {
          const height = innerHeight - 340;
          Object.defineProperty(VisualViewport.prototype, 'height', { get: () => height });
          visualViewport.dispatchEvent(new Event('resize'));
        }"""
    )
    box = await form.locator("button[type=submit]").bounding_box()
    area = await form.locator("textarea").bounding_box()
    assert box is not None and area is not None
    assert box["y"] + box["height"] <= 844 - 340, "the button to send is not under the keyboard"
    assert area["y"] >= 0, "and what is typed is still there"


async def test_the_pill_keeps_clear_of_a_header_of_the_page(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    address = publisher.origin + "/header.html"
    head = (
        "<style>header { position: sticky; top: 0; height: 64px; background: #ccc; z-index: 9 }"
        "ripost-thread { --ripost-top-offset: 64px }</style>"
    )
    publisher.put("/header.html", published(newsroom.url, address, head=head, around="<header>The Gazette</header>"))
    window = await Window.open(pages, address)
    found = (await newsroom.request("GET", f"/api/articles?url={address}"))["articles"][0]
    for n in range(12):
        comment = await newsroom.say(found, f"Number {n}. " + "A line or two. " * 12)
        if n == 0:
            await expect(window.comment(comment)).to_be_visible()  # nothing was being read
    await expect(window.pill).to_have_text("11 new comments")
    await window.pill.click()
    await expect(window.page.locator("article")).to_have_count(12)
    await expect(window.pill).to_be_hidden()
    await window.page.evaluate("window.scrollTo({ top: 1200, behavior: 'instant' })")
    await newsroom.say(found, "And one more.")
    await expect(window.pill).to_be_visible()
    box = await window.pill.bounding_box()
    assert box is not None and 64 <= box["y"] < 120
    await window.pill.click()


async def test_what_is_pressed_before_there_are_words_for_it_is_done_when_there_are(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    first = await newsroom.say(article, "The first word.")
    window = Window(await pages())
    asked, let = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await let.wait()
        await route.continue_()

    await window.page.route("**/i18n/**", late)
    await window.page.goto(newsroom.link(article))
    await asked.wait()
    await window.button(first, "reply").click()
    let.set()
    await expect(window.form(first).locator("textarea")).to_be_focused()


async def test_what_is_sent_before_there_are_words_for_it_is_posted_once(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    window = Window(await pages())
    other = await Window.open(pages, newsroom.link(article))
    asked, let = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.set()
        await let.wait()
        await route.continue_()

    await window.page.route("**/i18n/**", late)
    await window.page.goto(newsroom.link(article))
    await asked.wait()
    await window.write("Quicker than the page.")
    await window.composer.locator("button[type=submit]").click()
    let.set()
    await expect(window.saying("Quicker than the page.")).to_have_count(1)
    await expect(other.pill.or_(other.saying("Quicker than the page."))).to_be_visible()
    assert len(await newsroom.thread(article)) == 1
