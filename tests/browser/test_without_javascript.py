"""With JavaScript off everything can be read: each page of the discussion is a link away, each comment has its place."""

import pytest
from playwright.async_api import Locator, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window
from tests.support.browser import PHONE, Pages

OFF = {"java_script_enabled": False}


async def bodies(window: Window) -> list[str]:
    """What the comments on this page say."""
    return [
        text.strip()
        for text in await window.page.locator("article[data-comment-id] > .entry > .body").all_inner_texts()
    ]


async def follow(window: Window, link: Locator) -> None:
    """Follows a link and waits until the other page is there."""
    async with window.page.expect_navigation():
        await link.click()


async def test_the_whole_discussion_can_be_read_by_following_links(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    roots = [await newsroom.say(article, f"Root {n}") for n in range(60)]
    for n in range(30):
        await newsroom.say(article, f"Reply {n} to root 3", "Bo", under=roots[3])
    last = roots[5]
    for depth in range(1, 12):
        last = await newsroom.say(article, f"Depth {depth} below root 5", "Bo", under=last)
    window = Window(await pages(newsroom.link(article), **OFF))
    await expect(window.count).to_have_text("101 comments")
    seen: list[str] = []
    branches: list[str] = []
    while True:
        seen += await bodies(window)
        branches += [
            str(await link.get_attribute("href")) for link in await window.page.locator("a[data-branch]").all()
        ]
        following = window.page.locator("a[data-ripost=more]")
        if not await following.count():
            break
        await follow(window, following)
    while branches:
        await window.page.goto(newsroom.link(article) + branches.pop())
        seen += await bodies(window)
        branches += [
            str(await link.get_attribute("href")) for link in await window.page.locator("a[data-branch]").all()
        ]
    wanted = [f"Root {n}" for n in range(60)] + [f"Reply {n} to root 3" for n in range(30)]
    assert set(wanted + [f"Depth {n} below root 5" for n in range(1, 12)]) <= set(seen)


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
async def test_a_shared_link_shows_the_comment_with_what_it_answers_and_its_answers(
    pages: Pages, newsroom: Newsroom, device: Json
) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Something else.")
    root = await newsroom.say(article, "The question.")
    middle = await newsroom.say(article, "An answer.", "Bo", under=root)
    await newsroom.say(article, "Another answer.", "Cy", under=root)
    leaf = await newsroom.say(article, "An answer to the answer.", under=middle)
    window = Window(await pages(newsroom.link(article, f"?comment={middle['id']}"), **OFF, **device))
    shown = [
        int(str(await one.get_attribute("data-comment-id")))
        for one in await window.page.locator("article[data-comment-id]").all()
    ]
    assert shown == [root["id"], middle["id"], leaf["id"]]
    assert await window.comment(middle).get_attribute("data-asked") is not None
    await expect(window.entry(middle)).to_be_in_viewport()
    await follow(window, window.page.get_by_role("link", name="Show the whole discussion"))
    assert len(await bodies(window)) == 5


async def test_it_says_that_writing_needs_javascript_and_shows_no_control_that_would_do_nothing(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    root = await newsroom.say(article, "A word.")
    await newsroom.say(article, "A reply.", under=root)
    window = Window(await pages(newsroom.link(article), **OFF))
    note = window.page.locator("noscript > p")
    await expect(note).to_be_visible()
    await expect(note).to_have_text("Posting needs JavaScript. Reading does not.")
    await expect(window.page.locator("textarea")).to_be_hidden()
    for button in await window.page.locator("button").all():
        await expect(button).to_be_hidden()


async def test_the_other_orders_are_links(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    for n in range(3):
        await newsroom.say(article, f"Root {n}")
    window = Window(await pages(newsroom.link(article), **OFF))
    assert await bodies(window) == ["Root 0", "Root 1", "Root 2"]
    await follow(window, window.page.get_by_role("link", name="Newest"))
    assert await bodies(window) == ["Root 2", "Root 1", "Root 0"]
    await expect(window.page.get_by_role("link", name="Newest")).to_have_attribute("aria-current", "true")
