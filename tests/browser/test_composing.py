"""Writing with the tools of the composer: formatting, preview, quoting, mentions, pastes; and what a reader may do besides."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window
from tests.support.browser import PHONE, Pages


@pytest_asyncio.fixture
async def article(newsroom: Newsroom) -> AsyncIterator[Json]:
    made = await newsroom.article()
    yield made


async def writing(pages: Pages, newsroom: Newsroom, article: Json) -> Window:
    """A window with the composer in use."""
    window = await Window.open(pages, newsroom.link(article))
    await window.composer.locator("textarea").click()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    return window


async def test_shortcuts_and_buttons_format_and_undo_takes_it_back(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await writing(pages, newsroom, article)
    area, keyboard = window.composer.locator("textarea"), window.page.keyboard
    await keyboard.type("word")
    await keyboard.press("Shift+Home")
    await keyboard.press("Control+b")
    await expect(area).to_have_value("**word**")
    await window.composer.get_by_role("button", name="Italic").click()
    await expect(area).to_have_value("***word***")
    await expect(area).to_be_focused()
    await keyboard.press("Control+z")
    await expect(area).to_have_value("**word**")
    await keyboard.press("Control+Home")
    await keyboard.press("Control+Shift+Period")
    await expect(area).to_have_value("> **word**")


async def test_the_toolbar_is_one_stop_of_the_tab_key_and_arrows_move_in_it(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await writing(pages, newsroom, article)
    keyboard, form = window.page.keyboard, window.composer
    await keyboard.press("Shift+Tab")
    await expect(form.get_by_role("button", name="Bold")).to_be_focused()
    await keyboard.press("ArrowRight")
    await expect(form.get_by_role("button", name="Italic")).to_be_focused()
    await keyboard.press("End")
    await expect(form.get_by_role("button", name="Preview")).to_be_focused()
    await keyboard.press("Tab")
    await expect(form.locator("textarea")).to_be_focused()


async def test_a_preview_shows_what_the_server_will_make_of_it(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await writing(pages, newsroom, article)
    form = window.composer
    await form.locator("textarea").fill("**Bold** and <b>no markup</b>\n\n> a quote")
    await form.get_by_role("button", name="Preview").click()
    preview = form.get_by_role("region", name="Preview of your comment")
    await expect(preview.locator("strong")).to_have_text("Bold")
    await expect(preview.locator("blockquote")).to_have_text("a quote")
    await expect(preview).to_contain_text("<b>no markup</b>")
    await form.get_by_role("button", name="Write", exact=True).click()
    await expect(form.locator("textarea")).to_be_focused()
    await expect(preview).to_have_count(0)
    await form.get_by_role("button", name="Preview").click()
    await form.locator('input[name="name"]').fill("Ada")
    await form.locator("button[type=submit]").click()
    await expect(window.saying("no markup").locator("strong")).to_have_text("Bold")
    await expect(form.locator("textarea")).to_be_visible()


async def test_what_is_marked_in_a_comment_is_quoted_in_the_answer(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "The tide comes in at noon.\n\nAnd goes at six.")
    window = await writing(pages, newsroom, article)
    await window.entry(said).locator(".body > p").first.click(click_count=3)
    await window.button(said, "reply").click()
    await expect(window.form(said).locator("textarea")).to_have_value("> The tide comes in at noon.\n\n")


async def test_people_of_the_thread_are_offered_after_an_at_sign(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    for name in ("Ana", "José Ángel", "Bo"):
        await newsroom.say(article, "Hello.", name)
    window = await writing(pages, newsroom, article)
    area, keyboard = window.composer.locator("textarea"), window.page.keyboard
    await keyboard.type("Hello @an")
    names = window.composer.get_by_role("listbox", name="People in this discussion")
    await expect(names.get_by_role("option")).to_have_text(["Ana", "José Ángel"])
    await keyboard.press("ArrowDown")
    await expect(names.get_by_role("option", selected=True)).to_have_text("José Ángel")
    await keyboard.press("Enter")
    await expect(area).to_have_value("Hello @José Ángel ")
    await expect(names).to_be_hidden()
    await keyboard.type("and @b")
    await expect(names.get_by_role("option")).to_have_text(["Bo"])
    await keyboard.press("Escape")
    await expect(names).to_be_hidden()
    await keyboard.press("Enter")
    await expect(area).to_have_value("Hello @José Ángel and @b\n")


async def test_a_name_that_is_written_already_does_not_become_another(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    for name in ("Ana", "Anabel"):
        await newsroom.say(article, "Hello.", name)
    window = await writing(pages, newsroom, article)
    area, keyboard = window.composer.locator("textarea"), window.page.keyboard
    names = window.composer.get_by_role("listbox", name="People in this discussion")
    await keyboard.type("@Ana")
    await expect(names.get_by_role("option")).to_have_text(["Ana", "Anabel"])
    await keyboard.press("Enter")
    await expect(names).to_be_hidden()
    await keyboard.type("I agree, @ana")
    await expect(names).to_be_visible()
    await keyboard.press("Tab")
    await expect(area).to_have_value("@Ana\nI agree, @ana")
    await expect(area).not_to_be_focused()
    await area.fill("")
    await area.press_sequentially("@Ana")
    await expect(names).to_be_visible()
    await keyboard.press("ArrowDown")
    await keyboard.press("Enter")
    await expect(area).to_have_value("@Anabel ")


async def test_the_names_stand_above_the_page_and_move_nothing_in_it(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    for name in ("Ana", "Amir", "Anton"):
        last = await newsroom.say(article, "Hello.", name)
    window = Window(await pages(newsroom.link(article), viewport={"width": 320, "height": 600}))
    await window.until("live")
    await window.button(last, "reply").click()
    area, names = window.form(last).locator("textarea"), window.form(last).get_by_role("listbox")
    await expect(window.form(last).get_by_role("toolbar")).to_be_visible()
    for text in ("@a", "\n" * 12 + "@a"):  # where there is room below the field, and where there is none
        await area.fill("")
        await area.fill(text[:-1])
        before = await window.form(last).bounding_box()
        await area.press_sequentially(text[-1])
        await expect(names.get_by_role("option")).to_have_count(3)
        box, whole = await names.bounding_box(), await window.form(last).bounding_box()
        assert box is not None and whole is not None and before is not None
        assert whole["height"] == before["height"], "nothing makes room"
        assert box["x"] >= 0 and box["x"] + box["width"] <= 320 and box["y"] >= 0 and box["y"] + box["height"] <= 600
        top = await names.evaluate(
            """(one) => {
              const { left, top, width, height } = one.getBoundingClientRect();
              return one.contains(one.getRootNode().elementFromPoint(left + width / 2, top + height / 2));
            }"""
        )
        assert top, "nothing stands over it"
        await area.press("Escape")
        await expect(names).to_be_hidden()


async def test_axe_has_nothing_against_the_names_that_are_offered(
    pages: Pages, newsroom: Newsroom, article: Json, axe: str
) -> None:
    await newsroom.say(article, "Hello.")
    window = Window(await pages(newsroom.link(article), bypass_csp=True))
    await window.until("live")
    area = window.composer.locator("textarea")
    await area.click()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    await area.press_sequentially("@a")
    first = window.composer.get_by_role("option", selected=True)
    await expect(first).to_have_text("Ana")
    names = await window.composer.get_by_role("listbox").get_attribute("id")
    await expect(area).to_have_attribute("aria-controls", names or "")
    await expect(area).to_have_attribute("aria-activedescendant", await first.get_attribute("id") or "")
    await expect(window.composer.locator("[aria-live]")).to_contain_text("1")
    await window.page.evaluate(axe)
    found = await window.page.evaluate("axe.run(document)")
    assert not [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
    await area.press("Escape")
    for attribute in ("aria-controls", "aria-activedescendant", "aria-autocomplete", "aria-haspopup"):
        assert await area.get_attribute(attribute) is None


async def test_a_paste_arrives_without_what_cannot_be_seen(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await writing(pages, newsroom, article)
    area = window.composer.locator("textarea")
    await area.evaluate(
        """(area) => {
          const data = new DataTransfer();
          data.setData('text/plain', 'one\\r\\ntwo\\u200b\\u202ethree');
          area.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    await expect(area).to_have_value("one\ntwothree")


async def test_slow_mode_is_announced_and_counted_down_after_a_post(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article(slow_mode_seconds=30)
    window = await writing(pages, newsroom, article)
    await expect(window.composer).to_contain_text("Slow mode: one comment every 30 seconds.")
    await window.post("The first.")
    await expect(window.composer.locator(".message")).to_contain_text("You can post again in")
    await expect(window.composer.locator("button[type=submit]")).to_be_disabled()


async def test_slow_mode_that_is_set_and_lifted_while_one_writes_is_followed(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Here before.")
    window = await writing(pages, newsroom, article)
    note, send = window.composer.locator(".slow"), window.composer.locator("[type=submit]")
    await newsroom.change(article, slow_mode_seconds=60)
    await expect(note).to_have_text("Slow mode: one comment every 60 seconds.")
    await window.post("The first.")
    await expect(window.composer.locator(".message")).to_contain_text("You can post again in")
    await window.button(said, "reply").click()
    await expect(window.form(said).locator(".message")).to_contain_text("You can post again in")
    await newsroom.change(article, slow_mode_seconds=0)
    await expect(note).to_have_count(0)
    for form in (window.composer, window.form(said)):
        await expect(form.locator(".message")).to_have_text("You can post now.")
        await expect(form.locator("[type=submit]")).to_be_enabled()
    await window.post("The second.")
    await expect(send).to_be_enabled()


async def test_of_several_reasons_why_nothing_can_be_sent_the_one_that_holds_is_said(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article(slow_mode_seconds=60)
    page = await pages("about:blank")
    await page.clock.install()
    await page.goto(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    await window.post("The first.")
    message, send = window.composer.locator(".message"), window.composer.locator("[type=submit]")
    await expect(message).to_contain_text("You can post again in")
    await window.composer.locator("textarea").fill("The second.")
    await newsroom.change(article, state="closed")
    await expect(message).to_contain_text("was closed while you were writing")
    await page.clock.fast_forward(5_000)
    await expect(message).to_contain_text("was closed while you were writing")
    await expect(send).to_be_disabled()
    await newsroom.change(article, state="open")
    await expect(message).to_contain_text("You can post again in")
    await expect(send).to_be_disabled()
    await newsroom.change(article, state="closed")
    await expect(message).to_contain_text("was closed while you were writing")
    await page.clock.fast_forward(60_000)
    await expect(message).to_contain_text("was closed while you were writing")
    await newsroom.change(article, state="open")
    await expect(send).to_be_enabled(timeout=15_000)
    await expect(message).to_be_empty()


async def test_blocked_storage_is_said_and_posting_works(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    page = await pages("about:blank")
    await page.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('blocked', 'SecurityError') } })"
    )
    await page.goto(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    await window.composer.locator("textarea").click()
    await expect(window.composer).to_contain_text("Your browser keeps nothing for this page")
    await window.post("Without a memory.")
    await expect(window.button(await window.post("Again."), "edit")).to_be_visible()


async def test_a_vote_shows_at_once_and_reaches_the_others(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    said = await newsroom.say(article, "The tide comes in at noon.")
    reader = await Window.open(pages, newsroom.link(article))
    other = await Window.open(pages, newsroom.link(article))
    up = reader.button(said, "up")
    await up.click()
    await expect(reader.entry(said)).to_contain_text("You can vote once you have written a comment here.")
    own = await reader.post("So do I.")
    await reader.page.reload()
    await reader.until("live")
    await up.click()
    await expect(up).to_have_attribute("aria-pressed", "true")
    await expect(up).to_have_accessible_name("Good, by Ana: 1")
    await expect(other.button(said, "up")).to_have_accessible_name("Good, by Ana: 1", timeout=5000)
    await expect(reader.button(own, "up")).to_be_hidden()
    await other.post("And I.", "Vera")
    await other.page.reload()
    await other.until("live")
    await other.button(own, "up").click()
    await expect(reader.button(own, "up")).to_have_text("↑ 1")
    await reader.button(own, "up").click()
    await expect(reader.entry(own)).to_contain_text("This is your own comment")
    await reader.page.reload()
    await reader.until("live")
    await expect(up).to_have_attribute("aria-pressed", "true")
    await up.click()
    await expect(up).to_have_attribute("aria-pressed", "false")
    await expect(other.button(said, "up")).to_have_accessible_name("Good, by Ana: 0", timeout=5000)


@pytest.mark.parametrize("options", [{}, PHONE], ids=["desktop", "phone"])
async def test_nothing_moves_when_the_tools_arrive(
    pages: Pages, newsroom: Newsroom, article: Json, options: dict[str, Any]
) -> None:
    said = await newsroom.say(article, "The tide comes in at noon.")
    window = Window(await pages(**options))
    arrived = asyncio.Event()

    async def late(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await window.page.route(re.compile(r"/composer\.js"), late)
    await window.page.goto(newsroom.link(article))
    await window.until("live")
    await window.composer.locator("textarea").press_sequentially("Typed while it loads")
    button = window.composer.locator("button[type=submit]")
    before = [await button.bounding_box(), await window.entry(said).bounding_box()]
    arrived.set()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    assert [await button.bounding_box(), await window.entry(said).bounding_box()] == before


async def test_a_vote_waits_for_the_page_to_know_who_votes(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    said = await newsroom.say(article, "The tide comes in at noon.")
    window = await Window.open(pages, newsroom.link(article))
    await window.post("So do I.")
    answer = asyncio.Event()

    async def late(route: Route) -> None:
        if "authorization" in route.request.headers:
            await answer.wait()
        await route.continue_()

    await window.page.route(re.compile(r"/thread\?"), late)
    await window.page.reload()
    await window.until("live")
    await window.button(said, "options").click()  # what votes is loaded
    await expect(window.entry(said).locator(".options")).to_be_visible()
    up = window.button(said, "up")
    await up.click()
    answer.set()
    await expect(up).to_have_attribute("aria-pressed", "true")
    await expect(window.entry(said)).not_to_contain_text("You can vote once")


async def test_the_last_press_of_a_vote_wins_however_slow_the_line(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "The tide comes in at noon.")
    window = await Window.open(pages, newsroom.link(article))
    await window.post("So do I.")
    up, down = window.button(said, "up"), window.button(said, "down")
    asked: list[int] = []
    answer, second = asyncio.Event(), asyncio.Event()

    async def late(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "")["value"])
        await answer.wait()
        if second.is_set():
            await route.fulfill(status=409, json={"detail": "this discussion is closed"})
        else:
            await route.continue_()

    await window.page.route("**/vote", late)
    for button in (up, down, up, down):
        await button.click()
        await expect(button).to_have_attribute("aria-pressed", "true")
    assert asked == [1]
    async with window.page.expect_response(lambda one: '"value":-1' in (one.request.post_data or "")):
        answer.set()
    await expect(down).to_have_accessible_name("Bad, by Ana: 1")
    assert asked == [1, -1]
    await window.page.reload()
    await window.until("live")
    await expect(down).to_have_attribute("aria-pressed", "true")
    second.set()
    await up.click()
    await expect(window.entry(said)).to_contain_text("Your vote did not arrive: this discussion is closed")
    await expect(down).to_have_attribute("aria-pressed", "true")
    await expect(up).to_have_attribute("aria-pressed", "false")


async def test_a_comment_is_reported_by_keyboard_and_without_a_name(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Buy my marmalade.")
    window = await Window.open(pages, newsroom.link(article))
    keyboard = window.page.keyboard
    await window.button(said, "options").focus()
    await keyboard.press("Enter")
    await window.entry(said).get_by_role("button", name="Report").focus()
    await keyboard.press("Enter")
    form = window.entry(said).locator(".report")
    await form.get_by_role("button", name="Send report").click()
    await expect(form.get_by_role("status")).to_have_text("Choose what is wrong first.")
    await expect(form.get_by_label("Spam or advertising")).to_be_focused()
    await keyboard.press("Space")
    await form.locator("textarea").fill("Every day.")
    await keyboard.press("Escape")
    await expect(form.locator("textarea")).to_have_value("Every day.")
    await window.page.route("**/report", lambda route: route.abort(), times=1)
    send = form.get_by_role("button", name="Send report")
    await send.press("Enter")
    await expect(form.get_by_role("status")).to_contain_text("That did not work")
    await expect(send).to_be_focused()
    await send.press("Enter")
    await expect(window.entry(said).locator(".remark")).to_have_text("Thank you. A moderator will look at it.")
    await expect(form).to_have_count(0)
    queue = await newsroom.request("GET", "/api/moderation/queue?state=reported&limit=100", token=newsroom.token)
    assert queue["reports"][str(said["id"])] == {"count": 1, "reasons": {"spam": 1}, "notes": ["Every day."]}
