"""What a moderator decides reaches every open window in place, and what was taken down is nowhere in it afterwards."""

import re
from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window
from tests.support.browser import Pages

SOON = 1000  # milliseconds from the moderator's request to every window

SECRET_NAME = "Zebulon Quacksalber"
SECRET_TEXT = "buy my marmalade"


@pytest_asyncio.fixture
async def article(newsroom: Newsroom) -> AsyncIterator[Json]:
    made = await newsroom.article()
    yield made


async def two(pages: Pages, newsroom: Newsroom, article: Json) -> list[Window]:
    """Two windows on one discussion."""
    return [await Window.open(pages, newsroom.link(article)) for _ in range(2)]


async def test_a_removed_comment_is_nowhere_in_any_window_and_its_answers_stay(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    before = await newsroom.say(article, "A word before.")
    bad = await newsroom.say(article, SECRET_TEXT, SECRET_NAME, under=before)
    answer = await newsroom.say(article, "No, thank you.", "Bo", under=bad)
    windows = await two(pages, newsroom, article)
    for window in windows:
        await expect(window.saying(SECRET_TEXT)).to_be_visible()
    await newsroom.decide(bad, "reject")
    for window in windows:
        await expect(window.entry(bad)).to_contain_text("Removed by a moderator", timeout=SOON)
        await expect(window.comment(bad)).to_have_attribute("data-status", "removed")
        await expect(window.comment(answer)).to_be_visible()
        await expect(window.count).to_have_text("2 comments")
        markup = await window.markup()
        assert SECRET_TEXT not in markup and SECRET_NAME not in markup
    await newsroom.delete(answer, "Bo")
    for window in windows:  # a tombstone that holds nothing up goes with its last answer
        await expect(window.comment(bad)).to_have_count(0, timeout=SOON)
        assert await window.order() == [before["id"]]


async def test_deep_answers_do_not_go_on_naming_whom_they_answered(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    last = await newsroom.say(article, "Level 0")
    for depth in range(1, 7):
        last = await newsroom.say(article, f"Level {depth}", under=last)
    bad = await newsroom.say(article, SECRET_TEXT, SECRET_NAME, under=last)
    answer = await newsroom.say(article, "No, thank you.", "Bo", under=bad)
    window = await Window.open(pages, newsroom.link(article))
    await expect(window.entry(answer).locator(".context")).to_have_text(f"replying to {SECRET_NAME}")
    await newsroom.decide(bad, "reject")
    await expect(window.entry(answer).locator(".context")).to_have_text("replying to a removed comment", timeout=SOON)
    assert SECRET_NAME not in await window.markup()


async def test_a_removed_comment_that_waited_behind_the_pill_is_nowhere_either(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    await newsroom.say(article, "A word before.")
    windows = await two(pages, newsroom, article)
    bad = await newsroom.say(article, SECRET_TEXT, SECRET_NAME)
    for window in windows:
        await expect(window.pill).to_have_attribute("data-count", "1")
    await newsroom.decide(bad, "reject")
    for window in windows:
        await expect(window.pill).to_have_count(0, timeout=SOON)
        markup = await window.markup()
        assert SECRET_TEXT not in markup and SECRET_NAME not in markup


async def test_a_comment_that_is_being_answered_goes_and_the_words_stay(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    bad = await newsroom.say(article, SECRET_TEXT, SECRET_NAME)
    window = await Window.open(pages, newsroom.link(article))
    await window.button(bad, "reply").click()
    form = window.form(bad)
    await form.locator("textarea").fill("What I wanted to say about this.")
    await newsroom.decide(bad, "reject")
    await expect(form.get_by_role("status")).to_contain_text("was removed", timeout=SOON)
    await expect(form.locator("textarea")).to_have_value("What I wanted to say about this.")
    await expect(form.locator("button[type=submit]")).to_be_disabled()
    assert SECRET_TEXT not in await window.markup()
    assert SECRET_NAME not in await window.markup()


async def test_edits_pins_and_restorations_apply_in_place(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    first, second = await newsroom.say(article, "The first."), await newsroom.say(article, "The secnd.")
    windows = await two(pages, newsroom, article)
    await newsroom.edit(second, "The second.")
    for window in windows:
        await expect(window.entry(second).locator(".body")).to_have_text("The second.", timeout=SOON)
        await expect(window.entry(second).locator(".edited")).to_be_visible()
    await newsroom.decide(second, "pin")
    for window in windows:
        await expect(window.entry(second).locator(".pin")).to_be_visible(timeout=SOON)
        assert await window.order() == [first["id"], second["id"]], "a pin reorders only on reload"
    await newsroom.decide(second, "unpin")
    await newsroom.decide(second, "reject")
    for window in windows:
        await expect(window.comment(second)).to_have_count(0, timeout=SOON)
    await newsroom.decide(second, "restore")
    for window in windows:
        await expect(window.pill.or_(window.comment(second)).first).to_be_visible(timeout=SOON)
        if await window.pill.count():
            await window.pill.click()
        await expect(window.entry(second).locator(".body")).to_have_text("The second.")
        assert await window.order() == [first["id"], second["id"]]
        await expect(window.count).to_have_text("2 comments")


async def test_a_pinned_comment_leads_after_a_reload(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    first, second = await newsroom.say(article, "The first."), await newsroom.say(article, "The second.")
    window = await Window.open(pages, newsroom.link(article))
    await newsroom.decide(second, "pin")
    await expect(window.entry(second).locator(".pin")).to_be_visible(timeout=SOON)
    await window.page.reload()
    await window.until("live")
    assert await window.order() == [second["id"], first["id"]]


async def test_closing_and_opening_a_discussion_reaches_open_windows(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    one = await newsroom.say(article, "A word.")
    reader, writer = await two(pages, newsroom, article)
    await writer.composer.locator("textarea").fill("Almost done with")
    await expect(writer.composer.locator(".message")).to_have_count(1)
    await newsroom.change(article, state="closed")
    for window in (reader, writer):
        await expect(window.page.get_by_text("This discussion is closed.")).to_be_visible(timeout=SOON)
        await expect(window.button(one, "reply")).to_have_count(0)
    await expect(reader.composer).to_have_count(0)
    await expect(writer.composer.locator("textarea")).to_have_value("Almost done with")
    await expect(writer.composer).to_contain_text("was closed while you were writing")
    await newsroom.change(article, state="premoderated")
    for window in (reader, writer):
        await expect(window.page.get_by_text("New comments wait for a moderator.")).to_be_visible(timeout=SOON)
        await expect(window.composer.locator("button[type=submit]")).to_be_enabled()
        await expect(window.button(one, "reply")).to_be_visible()
    await expect(writer.composer.locator("textarea")).to_have_value("Almost done with")


async def test_a_held_comment_says_that_it_waits_and_is_settled_without_a_reload(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article(state="premoderated")
    writer, reader = await two(pages, newsroom, article)
    held = await writer.post("Please look at this.", "Hal")
    await expect(writer.comment(held)).to_have_attribute("data-status", "pending")
    await expect(writer.entry(held)).to_contain_text("Waiting for a moderator. Only you can see it.")
    await expect(writer.composer).to_contain_text("A moderator will look at it first.")
    await expect(reader.comment(held)).to_have_count(0)
    await writer.page.reload()
    await writer.until("live")
    await expect(writer.entry(held)).to_contain_text("Waiting for a moderator. Only you can see it.")
    await writer.entry(held).locator(".permalink").click()
    await expect(writer.page).to_have_url(re.compile(r"\?comment="))
    await writer.page.reload()  # for anybody else there is no such comment
    await expect(writer.comment(held)).to_be_focused()
    await newsroom.decide(held, "approve")
    for window in (writer, reader):
        await expect(window.comment(held)).to_have_attribute("data-status", "visible", timeout=SOON)
    await expect(writer.entry(held).get_by_text("Waiting for a moderator")).to_have_count(0)
    refused = await writer.post("And at this.", "Hal")
    await expect(writer.comment(refused)).to_have_attribute("data-status", "pending")
    await newsroom.decide(refused, "reject")
    await expect(writer.comment(refused)).to_have_count(0, timeout=SOON)
    assert "And at this." not in await reader.markup()


async def test_a_held_comment_can_be_changed_and_withdrawn_by_its_author(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article(state="premoderated")
    writer, reader = await two(pages, newsroom, article)
    held = await writer.post("Please look at thsi.", "Hal")
    await writer.button(held, "edit").click()
    await expect(writer.form(held).locator("textarea")).to_have_value("Please look at thsi.")
    await writer.write("Please look at this.", None, form=writer.form(held))
    await expect(writer.form(held)).to_have_count(0)
    await expect(writer.entry(held)).to_contain_text("Please look at this.")
    await expect(writer.entry(held)).to_contain_text("Waiting for a moderator")
    await writer.page.reload()
    await writer.until("live")
    await expect(writer.entry(held)).to_contain_text("Please look at this.")
    await writer.button(held, "delete").click()
    await writer.entry(held).locator('button[data-ripost="confirm"]').click()
    await expect(writer.comment(held)).to_have_count(0)
    await writer.page.reload()
    await writer.until("live")
    await expect(writer.comment(held)).to_have_count(0)
    queue = await newsroom.request("GET", "/api/moderation/queue?state=pending", token=newsroom.token)
    assert held["id"] not in [one["id"] for one in queue["comments"]]
    await expect(reader.comment(held)).to_have_count(0)
