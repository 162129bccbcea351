"""What is sent is said once: however often it is pressed, from how many windows, and whatever becomes of the connection."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import BrowserContext, Locator, Page, Request, Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window, again, kept, ready, said, words
from tests.support.browser import Pages
from tests.support.proxy import FaultProxy

Proxies = Callable[[str], Awaitable[FaultProxy]]

POST = re.compile(r"/api/articles/\d+/comments$")


@pytest.fixture
async def article(newsroom: Newsroom) -> Json:
    made = await newsroom.article()
    return made


async def test_a_button_that_is_pressed_twice_sends_once(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await ready(window)
    asked, gate = 0, asyncio.Event()

    async def hold(route: Route) -> None:
        nonlocal asked
        asked += 1
        await gate.wait()
        await route.continue_()

    await window.page.route(POST, hold)
    async with window.page.expect_request(POST):
        await window.write("Once.")
    await window.composer.locator("[type=submit]").dispatch_event("click")
    gate.set()
    await expect(window.saying("Once.")).to_be_visible()
    await expect(window.composer.locator(".message")).to_have_text("Posted.")
    assert asked == 1


@pytest.mark.parametrize("how", ["Enter", "click"])
async def test_who_sends_with_the_button_does_not_lose_the_focus(
    pages: Pages, newsroom: Newsroom, article: Json, how: str
) -> None:
    question = await newsroom.say(article, "A question?")
    window = await Window.open(pages, newsroom.link(article))

    async def send(form: Locator, text: str) -> None:
        await form.locator("textarea").fill(text)
        button = form.locator("[type=submit]")
        await (button.click() if how == "click" else button.press(how))

    mine = await window.post("Mine.")
    await send(window.composer, "Another.")
    await expect(window.composer.locator(".message")).to_have_text("Posted.")
    await expect(window.composer.locator("[type=submit]" if how == "click" else "textarea")).to_be_focused()
    await window.button(question, "reply").click()
    await send(window.form(question), "An answer.")
    await expect(window.saying("An answer.").last).to_be_focused()
    await window.button(mine, "edit").click()
    await expect(window.form(mine).locator("textarea")).to_have_value("Mine.")
    await send(window.form(mine), "Mine, and better.")
    await expect(window.comment(mine)).to_be_focused()


@pytest.mark.faults
async def test_what_was_written_without_a_connection_is_sent_once_when_it_is_back(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    await window.composer.locator("textarea").click()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    proxy.refuse()
    await window.until("offline")
    await window.write("Sent from a tunnel.")
    await expect(window.composer.locator(".message")).to_contain_text("Not sent yet")
    await expect(window.composer.locator("textarea")).to_have_value("Sent from a tunnel.")
    await expect(window.composer).to_have_attribute("aria-busy", "true")
    proxy.resume()
    await expect(window.saying("Sent from a tunnel.")).to_be_visible(timeout=15_000)
    await expect(window.composer.locator("textarea")).to_have_value("")
    assert await said(newsroom, article, "Sent from a tunnel.") == 1


@pytest.mark.faults
async def test_a_comment_whose_answer_was_lost_stands_there_once(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    root = await window.post("A word before.")
    await window.button(root, "reply").click()
    proxy.lose_answer_to(b"POST /api/articles/")
    await window.write("Did you hear me?", None, form=window.form(root))
    await expect(window.saying("Did you hear me?")).to_be_visible(timeout=15_000)
    await expect(window.form(root)).to_have_count(0, timeout=15_000)
    assert await said(newsroom, article, "Did you hear me?") == 1
    await expect(window.saying("Did you hear me?")).to_have_count(1)


@pytest.mark.faults
async def test_what_was_on_its_way_when_the_page_was_closed_is_sent_by_the_next(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    proxy.lose_answer_to(b"POST /api/articles/")
    await window.page.route(POST, once_then_never())
    await window.write("Just before the battery died.")
    await expect(window.composer.locator(".message")).to_contain_text("Not sent yet")
    await window.page.unroute_all()
    await again(window)
    await expect(window.saying("Just before the battery died.")).to_have_count(1, timeout=15_000)
    await expect(window.composer.locator("textarea")).to_have_value("", timeout=15_000)
    assert await said(newsroom, article, "Just before the battery died.") == 1


def once_then_never() -> Callable[[Route], Awaitable[None]]:
    """Lets one request through and none after it, as a page that is about to be closed has it."""
    seen: list[Request] = []

    async def handle(route: Route) -> None:
        seen.append(route.request)
        await (route.continue_() if len(seen) == 1 else route.abort())

    return handle


async def two(pages: Pages, url: str) -> tuple[Window, Window]:
    """Two windows of one person, both live."""
    context: BrowserContext = await pages.context()
    windows = Window(await context.new_page()), Window(await context.new_page())
    for window in windows:
        await window.page.goto(url)
        await window.until("live")
    return windows


async def test_a_draft_typed_in_one_window_is_in_the_other_and_sent_from_one_is_gone_from_both(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first, second = await two(pages, newsroom.link(article))
    await ready(second)
    await first.composer.locator("textarea").fill("From either window.")
    await expect(second.composer.locator("textarea")).to_have_value("From either window.")
    await first.write("From either window.")
    await expect(second.saying("From either window.")).to_be_visible()
    await expect(second.composer.locator("textarea")).to_have_value("")
    await second.composer.locator("button[type=submit]").click()
    await expect(second.composer.locator(".message")).to_have_text("Write something first.")
    assert await said(newsroom, article, "From either window.") == 1


async def test_two_windows_that_send_the_same_draft_at_once_post_it_once(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first, second = await two(pages, newsroom.link(article))
    for window in (first, second):
        await ready(window)
    await first.composer.locator("textarea").fill("Twice or once?")
    await first.composer.locator('input[name="name"]').fill("Ada")
    await expect(second.composer.locator("textarea")).to_have_value("Twice or once?")
    await second.composer.locator('input[name="name"]').fill("Ada")
    gate = asyncio.Event()

    async def hold(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    for window in (first, second):
        await window.page.route(POST, hold)
        async with window.page.expect_request(POST):
            await window.composer.locator("button[type=submit]").click()
    gate.set()
    for window in (first, second):
        await expect(window.saying("Twice or once?")).to_have_count(1)
        await expect(window.composer.locator("textarea")).to_have_value("")
    assert await said(newsroom, article, "Twice or once?") == 1


async def test_an_outbox_that_two_windows_find_is_sent_once(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    context = await pages.context()
    page: Page = await context.new_page()
    await page.goto(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    await page.route(POST, lambda route: route.abort())
    await window.write("Left in the outbox.")
    await expect(window.composer.locator(".message")).to_contain_text("Not sent yet")
    await page.close()
    one, other = Window(await context.new_page()), Window(await context.new_page())
    await asyncio.gather(*(each.page.goto(newsroom.link(article)) for each in (one, other)))
    for each in (one, other):
        await expect(each.saying("Left in the outbox.")).to_have_count(1)
        await expect(each.composer.locator("textarea")).to_have_value("")
    assert await said(newsroom, article, "Left in the outbox.") == 1


@pytest.mark.parametrize("closed", [False, True], ids=["sent by its window", "sent by the next page"])
async def test_words_typed_in_another_window_neither_go_out_with_what_was_sent_nor_end_with_it(
    pages: Pages, newsroom: Newsroom, article: Json, closed: bool
) -> None:
    first, second = await two(pages, newsroom.link(article))
    await ready(second)
    await first.page.context.route(POST, lambda route: route.abort())
    await first.write("The first half.")
    await expect(first.composer.locator(".message")).to_contain_text("Not sent yet")
    area = second.composer.locator("textarea")
    await expect(area).to_have_value("The first half.")
    await area.press("Control+End")
    await area.press_sequentially(" And an unfinished thou")
    await kept(second, "unfinished thou")
    await first.page.context.unroute_all()
    if closed:
        await first.page.close()
        await again(second)
    else:
        await first.page.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(first.composer).not_to_have_attribute("aria-busy", "true")
        await expect(first.composer.locator("textarea")).to_have_value("The first half. And an unfinished thou")
    await expect(second.saying("The first half.")).to_have_count(1)
    await expect(second.composer).not_to_have_attribute("aria-busy", "true")
    await expect(area).to_have_value("The first half. And an unfinished thou")
    await again(second)
    await expect(area).to_have_value("The first half. And an unfinished thou")
    assert [words(one["tree"]) for one in await newsroom.thread(article)] == ["The first half."]


async def test_what_was_sent_and_refused_is_joined_with_what_was_typed_in_another_window(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first, second = await two(pages, newsroom.link(article))
    await ready(second)
    await first.page.context.route(POST, lambda route: route.abort())
    await first.write("What I think.")
    await expect(first.composer.locator(".message")).to_contain_text("Not sent yet")
    await second.composer.locator("textarea").fill("Something else.")
    await kept(second, "Something else.")
    await first.page.context.unroute_all()
    await first.page.context.route(
        POST, lambda route: route.fulfill(status=422, content_type="application/problem+json", body='{"status": 422}')
    )
    await first.page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(first.composer.locator("textarea")).to_have_value("What I think.\n\nSomething else.")
    await kept(first, "What I think.\\\\n\\\\nSomething else.")
    await first.page.context.unroute_all()
    assert await newsroom.thread(article) == []


async def test_what_waits_in_two_windows_is_sent_by_the_next_page_each_once(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first, second = await two(pages, newsroom.link(article))
    await first.page.context.route(POST, lambda route: route.abort())
    composer, there = re.compile(r"/composer\.js"), asyncio.Event()

    async def late(route: Route) -> None:
        await there.wait()
        await route.continue_()

    await second.page.route(composer, late)
    for window, text in ((first, "From the first."), (second, "From the second.")):
        await window.write(text)
        if window is second:
            there.set()
        await expect(window.composer.locator(".message")).to_contain_text("Not sent yet")
    await first.page.context.unroute_all()
    await second.page.unroute_all()
    await first.page.close()
    await again(second)
    for text in ("From the first.", "From the second."):
        await expect(second.saying(text)).to_have_count(1)
    await expect(second.composer.locator("textarea")).to_have_value("")
    assert len(await newsroom.thread(article)) == 2
