"""Who is here: how many read, how many are answering and where, in numbers; and nothing moves for it."""

from playwright.async_api import Locator, expect

from tests.browser.newsroom import Newsroom
from tests.browser.window import Window
from tests.support.browser import PHONE, Pages

SOON = 15_000  # milliseconds; the server says a changed number of readers within ten seconds
ONE = {"viewport": {"width": 320, "height": 640}}


def readers(window: Window) -> Locator:
    return window.page.locator(".readers")


async def test_readers_see_how_many_they_are(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    one = await Window.open(pages, newsroom.link(article))
    await expect(readers(one)).to_have_count(0)
    two, three = [await Window.open(pages, newsroom.link(article)) for _ in range(2)]
    await expect(readers(one)).to_have_text("3 readers here", timeout=SOON)
    await two.page.close()
    await three.page.close()
    await expect(readers(one)).to_have_count(0, timeout=SOON)


async def test_readers_see_where_somebody_is_answering(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    comments = [await newsroom.say(article, text) for text in ("A question.", "Another one.")]
    reader, one, two = [await Window.open(pages, newsroom.link(article)) for _ in range(3)]
    for writer in (one, two):
        await writer.button(comments[0], "reply").click()
        await writer.form(comments[0]).locator("textarea").press_sequentially("Well")
    await expect(reader.entry(comments[0]).locator(".replying")).to_have_text("2 replying", timeout=SOON)
    await expect(reader.entry(comments[1]).locator(".replying")).to_have_count(0)
    # Nobody is told of themselves.
    await expect(one.entry(comments[0]).locator(".replying")).to_have_text("1 replying")
    await one.composer.locator("textarea").press_sequentially("On the whole", delay=200)
    await expect(readers(reader)).to_have_text("3 readers here · 1 writing", timeout=SOON)
    await one.page.close()
    await two.page.close()
    await expect(reader.entry(comments[0]).locator(".replying")).to_have_count(0, timeout=SOON)


async def test_who_comes_back_hears_who_is_here_now(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    first = await newsroom.say(article, "A question.")
    reader, other = [await Window.open(pages, newsroom.link(article)) for _ in range(2)]
    await other.button(first, "reply").click()
    await other.form(first).locator("textarea").press_sequentially("Well")
    replying = reader.entry(first).locator(".replying")
    await expect(replying).to_have_text("1 replying", timeout=SOON)
    await expect(readers(reader)).to_contain_text("2 readers here", timeout=SOON)
    pause = reader.page.locator("[data-ripost=pause]")
    await pause.click()
    await expect(readers(reader)).to_have_count(0)
    await expect(replying).to_have_count(0)
    await pause.click()
    await reader.until("live")
    await expect(readers(reader)).to_contain_text("2 readers here", timeout=1000)
    await pause.click()
    await other.page.close()
    await Window.open(pages, newsroom.link(article))
    await pause.click()
    await reader.until("live")
    await expect(readers(reader)).to_have_text("2 readers here")
    await expect(replying).to_have_count(0)


async def test_nothing_moves_when_others_come_or_write(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    first, second = [await newsroom.say(article, text) for text in ("A question.", "Below it.")]
    for options in (ONE, PHONE, {}):
        reader = await Window.open(pages, newsroom.link(article), **options)
        await reader.scroll_to(first)
        before = [await reader.top_of(one) for one in (first, second)]
        others = [await Window.open(pages, newsroom.link(article)) for _ in range(2)]
        for other in others:
            await other.button(first, "reply").click()
            await other.form(first).locator("textarea").press_sequentially("Well")
        await expect(reader.entry(first).locator(".replying")).to_have_text("2 replying", timeout=SOON)
        await expect(readers(reader)).to_contain_text("3 readers here", timeout=SOON)
        assert [await reader.top_of(one) for one in (first, second)] == before
        assert await reader.overflow() <= 0
        for window in (reader, *others):
            await window.page.close()
