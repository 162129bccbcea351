"""One's own comments: changing and deleting them, while others do the same."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window, again, kept, said
from tests.support.browser import Pages


@pytest.fixture
async def article(newsroom: Newsroom) -> Json:
    made = await newsroom.article()
    return made


async def test_ones_own_comment_is_changed_and_deleted_within_the_window_and_not_after(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    mine, other = await window.post("Mine."), await window.post("And another.")
    await window.button(mine, "edit").click()
    form = window.form(mine)
    await expect(form.locator("textarea")).to_have_value("Mine.")
    await form.locator("textarea").fill("Mine, and better.")
    await form.locator("textarea").press("Control+Enter")
    await expect(window.entry(mine).locator(".body")).to_have_text("Mine, and better.")
    await expect(window.entry(mine).locator(".edited")).to_be_visible()
    await window.button(mine, "delete").click()
    await expect(window.entry(mine).get_by_role("button", name="Keep it")).to_be_focused()
    await window.page.keyboard.press("Escape")
    await expect(window.button(mine, "delete")).to_be_focused()
    await window.button(mine, "delete").click()
    await window.entry(mine).locator('button[data-ripost="confirm"]').click()
    await expect(window.comment(mine)).to_have_count(0)
    assert await said(newsroom, article, "Mine, and better.") == 0
    # The page's own clock is moved on instead of waiting a quarter of an hour.
    await window.page.add_init_script("{ const now = Date.now; Date.now = () => now() + 16 * 60_000; }")
    await again(window)
    await expect(window.button(other, "reply")).to_be_visible()
    await expect(window.button(other, "edit")).to_have_count(0)
    await expect(window.button(other, "delete")).to_have_count(0)


async def test_an_edit_begins_with_what_was_written_however_slow_the_line(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    mine = await window.post("My words here")
    answered, tries = asyncio.Event(), 0

    async def late(route: Route) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            return await route.abort()
        await answered.wait()
        await route.continue_()

    await window.page.route(re.compile(r"/source$"), late)
    await window.button(mine, "edit").click()
    await expect(window.entry(mine).locator("form")).to_have_count(0)
    await window.button(mine, "edit").click()  # impatient
    answered.set()
    await expect(window.form(mine).locator("textarea")).to_have_value("My words here")
    await window.form(mine).locator("textarea").press_sequentially(" and more")
    await window.form(mine).locator("[type=submit]").click()
    await expect(window.entry(mine).locator(".body")).to_have_text("My words here and more")


async def test_what_somebody_else_has_made_of_a_comment_is_not_replaced_unread(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    mine = await window.post("What I wrote.")
    await window.button(mine, "edit").click()
    form, save = window.form(mine), window.form(mine).get_by_role("button", name="Save")
    await form.locator("textarea").fill("What I think by now.")
    await kept(window, "What I think by now.")
    await newsroom.edit(mine, "What a moderator left of it.")
    await again(window)
    await save.click()
    await expect(form.get_by_role("status")).to_contain_text("was changed since you began")
    await expect(form.locator("textarea")).to_have_value("What I think by now.")
    await expect(window.entry(mine).locator(".body")).to_be_visible()
    await expect(window.entry(mine).locator(".body")).to_have_text("What a moderator left of it.")
    await newsroom.edit(mine, "What a moderator wrote at last.")
    await expect(window.entry(mine).locator(".body")).to_have_text("What a moderator wrote at last.")
    await save.click()
    await expect(form.get_by_role("status")).to_contain_text("was changed since you began")
    await save.click()
    await expect(form).to_have_count(0)
    await expect(window.entry(mine).locator(".body")).to_have_text("What I think by now.")


async def test_a_removal_is_said_to_who_is_editing_and_the_text_stays(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    mine = await window.post("My words here")
    await window.button(mine, "edit").click()
    form = window.form(mine)
    await form.locator("textarea").press_sequentially(", better")
    await newsroom.decide(mine, "reject")
    await expect(form.locator(".message")).to_have_text("Removed by a moderator")
    await expect(form.locator("[type=submit]")).to_be_disabled()
    await expect(form.locator("textarea")).to_have_value("My words here, better")
    await form.get_by_role("button", name="Cancel").click()
    await expect(window.comment(mine)).to_have_count(0)


async def test_deleting_by_keyboard_keeps_the_focus_in_the_discussion(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    root = await window.post("Mine.")
    mine = await window.reply(root, "Mine below.", None)
    await window.button(mine, "delete").press("Enter")
    await window.page.keyboard.press("Shift+Tab")
    await expect(window.entry(mine).locator('button[data-ripost="confirm"]')).to_be_focused()
    await window.page.keyboard.press("Enter")
    await expect(window.comment(mine)).to_have_count(0)
    await expect(window.comment(root)).to_be_focused()


async def test_a_comment_that_another_window_is_changing_can_be_deleted(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first = await Window.open(pages, newsroom.link(article))
    mine = await first.post("Mine.")
    second = Window(await first.page.context.new_page())
    await second.page.goto(newsroom.link(article))
    await second.until("live")
    await first.button(mine, "edit").click()
    await expect(first.form(mine).locator("textarea")).to_have_value("Mine.")
    await first.form(mine).locator("textarea").fill("Mine, and never saved.")
    await kept(second, "never saved")
    await second.button(mine, "delete").click()
    await expect(second.entry(mine).get_by_role("button", name="Keep it")).to_be_focused()
    await second.page.keyboard.press("Escape")
    await expect(first.form(mine).locator("textarea")).to_have_value("Mine, and never saved.")
