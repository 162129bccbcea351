"""What is new since the last visit, for guests too: counted, marked, found by button and by key."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Locator, Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window
from tests.support.browser import PHONE, Pages

AWAY = "about:blank"


async def visit(context: Any, url: str) -> Window:
    """Another visit of somebody whose browser remembers the last."""
    window = Window(await context.new_page())
    await window.page.goto(url)
    await window.until("live")
    return window


def button(window: Window) -> Locator:
    return window.page.locator('button[data-ripost="next-unread"]')


def marks(window: Window) -> Locator:
    return window.page.locator("article[data-unread]")


async def assert_read(window: Window, comment: Json) -> None:
    """The reader has been brought there."""
    await expect(window.comment(comment)).to_be_focused()
    await expect(window.entry(comment)).to_be_in_viewport()


async def test_a_guest_finds_what_is_new_since_the_last_visit(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    old = await newsroom.say(article, "Here at the first visit. " + "Words. " * 600)
    url = newsroom.link(article)
    context = await pages.context()
    window = await visit(context, url)
    await expect(button(window)).to_have_count(0)
    mine = await window.post("Mine.")
    await window.page.goto(AWAY)

    answer = await newsroom.say(article, "An answer to you. " + "Words. " * 600, "Bo", under=mine)
    below = await newsroom.say(article, "Below what is old.", "Bo", under=old)
    root = await newsroom.say(article, "Something else. " + "Words. " * 600, "Bo")
    spam = await newsroom.say(article, "Taken down before it was seen.", "Bo")
    await newsroom.decide(spam, "reject")
    await newsroom.edit(old, "Here at the first visit, edited. " + "Words. " * 600)

    await window.page.goto(url)
    await window.until("live")
    await expect(button(window)).to_have_text("3 new, 1 to you")
    await expect(button(window)).to_have_accessible_name("3 new, 1 to you: go to the next")
    assert {int(await one.get_attribute("data-comment-id") or 0) for one in await marks(window).all()} == {
        answer["id"], below["id"], root["id"],
    }  # fmt: skip
    await button(window).click()
    await assert_read(window, below)
    await expect(button(window)).to_have_text("2 new, 1 to you")
    await window.page.keyboard.press("n")
    await assert_read(window, answer)
    await window.page.keyboard.press("n")
    await assert_read(window, root)
    await expect(button(window)).to_have_count(0)
    await window.page.goto(AWAY)
    await window.page.goto(url)
    await window.until("live")
    await expect(window.comment(root)).to_be_visible()
    await expect(marks(window)).to_have_count(0)


async def test_what_the_pill_has_shown_is_not_new_at_the_next_visit(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    url = newsroom.link(article)
    window = await visit(await pages.context(), url)
    await newsroom.say(article, "Late.", "Bo")
    await window.pill.click()
    await expect(window.saying("Late.")).to_be_in_viewport()
    await window.page.goto(AWAY)
    await window.page.goto(url)
    await window.until("live")
    await expect(window.saying("Late.")).to_be_visible()
    await expect(marks(window)).to_have_count(0)


async def test_what_was_left_unread_is_unread_at_the_next_visit(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before. " + "Words. " * 900)
    url = newsroom.link(article)
    window = await visit(await pages.context(), url)
    # What waits behind the pill when the page is left has not been seen.
    waited = await newsroom.say(article, "Behind the pill. " + "Words. " * 900, "Bo")
    await expect(window.pill).to_have_attribute("data-count", "1")
    await window.page.goto(AWAY)
    later = await newsroom.say(article, "After that.", "Bo")
    for _ in range(2):  # and again, when it was not looked at
        await window.page.goto(url)
        await window.until("live")
        await expect(button(window)).to_have_text("2 new")
        await window.page.goto(AWAY)
    await window.page.goto(url)
    await button(window).click()
    await assert_read(window, waited)
    await window.page.goto(AWAY)
    await window.page.goto(url)
    await expect(button(window)).to_have_text("1 new")
    await button(window).click()
    await assert_read(window, later)


async def test_a_comment_longer_than_the_window_is_read_by_scrolling_through_it(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before. " + "Words. " * 900)
    url = newsroom.link(article)
    window = await visit(await pages.context(**PHONE), url)
    await window.page.goto(AWAY)
    long = await newsroom.say(article, "All of this is worth reading. " * 300, "Bo")
    lines = await newsroom.say(article, "- a\n" * 2400, "Bo")
    await newsroom.say(article, "The last word.", "Bo")
    await window.page.goto(url)
    await expect(button(window)).to_have_text("3 new")
    for left, comment in enumerate((lines, long), 1):
        await window.scroll_to(comment)  # its beginning, and then on
        await window.page.evaluate("scrollBy({ top: innerHeight, behavior: 'instant' })")
        await expect(button(window)).to_have_text(f"{3 - left} new")


async def test_what_is_new_on_pages_that_are_not_loaded_is_counted_and_found(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    for number in range(60):
        await newsroom.say(article, f"Root {number}", f"Ana {number % 5}")
    url = newsroom.link(article)
    window = await visit(await pages.context(), url)
    await expect(window.page.locator('[data-ripost="more"]')).to_be_visible()
    await window.page.goto(AWAY)
    far = await newsroom.say(article, "At the very end.", "Bo")
    await window.page.goto(url)
    await expect(button(window)).to_have_text("1 new")
    await expect(window.comment(far)).to_have_count(0)
    await button(window).click()
    await assert_read(window, far)


async def test_what_a_further_page_brings_is_marked_and_seen(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    for number in range(30):
        await newsroom.say(article, f"Root {number}", f"Ana {number % 5}")
    url = newsroom.link(article)
    window = await visit(await pages.context(), url)
    await window.page.goto(AWAY)
    far = await newsroom.say(article, "At the very end.", "Bo")
    await window.page.goto(url)
    await expect(button(window)).to_have_text("1 new")
    await window.page.locator('[data-ripost="more"]').click()
    await expect(window.comment(far)).to_have_attribute("data-unread", "")
    await window.scroll_to(far)
    await expect(button(window)).to_have_count(0)


async def test_what_is_taken_down_is_not_counted_and_nothing_leads_to_it(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    for number in range(30):
        await newsroom.say(article, f"Root {number}", f"Ana {number % 5}")
    first = (await newsroom.thread(article))[0]
    url = newsroom.link(article)
    window = await visit(await pages.context(), url)
    await window.page.goto(AWAY)
    near = await newsroom.say(article, "An answer.", "Bo", under=first)
    await newsroom.say(article, "An answer to that, which keeps its tombstone.", "Bo", under=near)
    heard, unheard, left = [await newsroom.say(article, f"At the very end, {n}.", "Bo") for n in range(3)]
    await window.page.goto(url)
    await expect(button(window)).to_have_text("5 new")
    await newsroom.decide(heard, "reject")
    await expect(button(window)).to_have_text("4 new")
    await newsroom.decide(near, "reject")
    await expect(button(window)).to_have_text("3 new")
    await expect(window.comment(near)).not_to_have_attribute("data-unread", "")
    await window.page.locator('button[data-ripost="pause"]').click()
    await window.until("paused")
    await newsroom.decide(unheard, "reject")
    await button(window).click()
    await expect(window.saying("An answer to that")).to_be_focused()
    await button(window).click()
    await assert_read(window, left)
    await expect(button(window)).to_have_count(0)


async def test_a_key_that_is_pressed_before_the_reader_is_known_leads_to_what_is_new(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    old = await newsroom.say(article, "Here before. " + "Words. " * 900)
    url = newsroom.link(article)
    context = await pages.context()
    window = await visit(context, url)
    await window.post("Mine.")
    await window.page.goto(AWAY)
    new = await newsroom.say(article, "New. " + "Words. " * 900, "Bo")
    await newsroom.say(article, "New, too. " + "Words. " * 900, "Bo")
    released = asyncio.Event()

    async def wait(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await context.route("**/thread?sort=oldest", wait)
    await window.page.goto(url)
    await window.until("live")
    await window.comment(old).press("n")
    await assert_read(window, new)
    await expect(button(window)).to_have_text("1 new")
    released.set()


async def test_marks_need_nothing_that_makes_or_moves_comments(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before. " + "Words. " * 900)
    url = newsroom.link(article)
    window = await visit(await pages.context(), url)
    await window.page.goto(AWAY)
    await newsroom.say(article, "New.", "Bo")
    await window.page.goto(url)
    await expect(button(window)).to_have_text("1 new")
    await window.page.locator('button[data-ripost="pause"]').click()
    await expect(window.page.locator('button[data-ripost="pause"]')).to_have_accessible_name(
        "Paused: Pause live updates"
    )
    loaded = await window.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert any("/unread." in name for name in loaded)
    assert not [name for name in loaded if "/showing." in name or "/placing." in name]


async def test_the_keys_are_only_for_those_who_read_and_can_be_switched_off(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    old = await newsroom.say(article, "Here before. " + "Words. " * 900)
    url = newsroom.link(article)
    window = await visit(await pages.context(), url)
    await window.page.goto(AWAY)
    first = await newsroom.say(article, "One. " + "Words. " * 900, "Bo")
    second = await newsroom.say(article, "Two. " + "Words. " * 900, "Bo")
    await window.page.goto(url)
    await expect(button(window)).to_have_text("2 new")
    keys = window.page.keyboard

    await keys.press("n")  # the focus is elsewhere on the page
    await window.composer.locator("textarea").focus()
    await keys.type("nnpp")
    await expect(window.composer.locator("textarea")).to_have_value("nnpp")
    await expect(window.composer.locator("textarea")).to_be_focused()
    await window.button(old, "reply").focus()
    await keys.press("Control+n")
    await expect(window.button(old, "reply")).to_be_focused()
    await window.page.locator("ripost-thread").evaluate("(one) => one.setAttribute('keys', 'off')")
    await keys.press("n")
    await expect(window.button(old, "reply")).to_be_focused()
    await expect(button(window)).to_have_text("2 new")

    await window.page.locator("ripost-thread").evaluate("(one) => one.removeAttribute('keys')")
    await keys.press("n")
    await assert_read(window, first)
    await keys.press("n")
    await assert_read(window, second)
    await newsroom.say(article, "Something new again.", "Bo", under=old)
    await window.page.evaluate("window.scrollBy({ top: 300, behavior: 'instant' })")
    await window.pill.click()
    await expect(window.saying("Something new again.")).to_have_count(1)
    await keys.press("p")  # what the pill has shown counts as well
    await expect(window.saying("Something new again.").last).to_be_focused()
    await keys.press("p")
    await expect(window.status).to_have_text("Nothing is unread.")


async def test_without_storage_nothing_is_marked_and_everything_works(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    context = await pages.context()
    await context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    window = await visit(context, newsroom.link(article))
    await window.page.reload()
    await window.until("live")
    await expect(button(window)).to_have_count(0)
    await newsroom.say(article, "New.", "Bo")
    await window.pill.click()
    await expect(window.saying("New.")).to_be_visible()


@pytest.mark.parametrize(("locale", "width"), [("en-GB", 390), ("de-DE", 320), ("fr-FR", 320), ("ar-EG", 320)])
async def test_both_pills_hold_their_words_on_a_phone(
    pages: Pages, newsroom: Newsroom, locale: str, width: int
) -> None:
    article = await newsroom.article()
    first = await newsroom.say(article, "A question.")
    window = await Window.open(pages, newsroom.link(article), locale=locale, viewport={"width": width, "height": 700})
    mine = await window.reply(first, "Mine.", "Ida")
    await window.page.goto("about:blank")
    for number in range(9):
        await newsroom.say(article, f"To you, {number}.", "Bo", mine)
        await newsroom.say(article, f"Number {number}.", "Bo")
    await window.page.goto(newsroom.link(article))
    await window.until("live")
    await expect(window.page.locator("[data-ripost=next-unread]")).to_be_visible()
    for number in range(12):
        await newsroom.say(article, f"Late, {number}.", "Bo")
    await expect(window.pill).to_have_attribute("data-count", "12")
    for pill in await window.page.locator(".pill").all():
        assert await pill.evaluate("(one) => one.scrollHeight <= 44 && one.scrollWidth <= one.clientWidth"), locale
    assert await window.overflow() <= 0
