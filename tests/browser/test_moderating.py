"""A moderator at their desk: signed in by a link, deciding in the page, with what waits in a list that keeps itself."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest_asyncio
from playwright.async_api import Locator, Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window
from tests.support.browser import Pages
from tests.support.server import RipostServer

SOON = 2000  # milliseconds from a reader's deed to the desk


@pytest_asyncio.fixture
async def article(newsroom: Newsroom) -> AsyncIterator[Json]:
    made = await newsroom.article()
    yield made


async def at_desk(pages: Pages, newsroom: Newsroom, article: Json) -> Window:
    """A moderator's window. Their token stands where signing in by a link puts it."""
    page = await pages(f"{newsroom.url}/static/icon.svg")
    me = await newsroom.request("GET", "/api/me", token=newsroom.token)
    await page.goto(newsroom.link(article))
    await page.evaluate(
        """([me, token]) => localStorage.setItem(`ripost:${location.origin}:identities`,
             JSON.stringify([{ id: me.id, name: me.name, token }]))""",
        [me, newsroom.token],
    )
    await page.reload()
    window = Window(page)
    await window.until("live")
    await expect(desk(window)).to_be_visible()
    return window


def desk(window: Window) -> Locator:
    return window.page.get_by_role("region", name="Moderation")


def line(window: Window, comment: Json) -> Locator:
    """The line of a comment in the list of what waits."""
    return desk(window).locator(f'[data-id="{comment["id"]}"]')


async def test_the_desk_is_for_moderators_only(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    asked: list[str] = []
    page = await pages("about:blank")
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(newsroom.link(article))
    reader = Window(page)
    await reader.until("live")
    await reader.post("I am a reader.")
    await expect(desk(reader)).to_have_count(0)
    assert not [url for url in asked if "/moderation/" in url]


async def test_a_comment_that_waits_is_approved_from_the_list_and_stands_on_every_page(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article(state="premoderated")
    moderator = await at_desk(pages, newsroom, article)
    reader = await Window.open(pages, newsroom.link(article))
    await desk(moderator).locator(".queue-button").click()
    held = await newsroom.say(article, "Please look at this.", "Hal")
    second = await newsroom.say(article, "And at this.", "Ida")
    await expect(line(moderator, held)).to_contain_text("Please look at this.", timeout=SOON)
    await expect(line(moderator, held)).to_contain_text("looked at first")
    await line(moderator, held).get_by_role("button", name="Approve the comment by Hal").press("Enter")
    await expect(line(moderator, held)).to_have_count(0)
    await expect(reader.saying("Please look at this.").or_(reader.pill).first).to_be_visible()
    await expect(moderator.comment(held)).to_be_visible()
    await expect(line(moderator, second)).to_be_visible()
    await newsroom.decide(second, "reject")  # by a colleague
    await expect(line(moderator, second)).to_have_count(0, timeout=SOON)


async def test_a_text_that_was_changed_while_it_was_read_is_not_approved(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article(state="premoderated")
    moderator = await at_desk(pages, newsroom, article)
    held = await newsroom.say(article, "Please look at this.", "Hal")
    await desk(moderator).locator(".queue-button").click()
    approve = line(moderator, held).get_by_role("button", name="Approve the comment by Hal")
    await expect(approve).to_be_visible(timeout=SOON)

    async def change(route: Route) -> None:
        await newsroom.edit(held, "Please do not look at this.")
        await route.continue_()

    await moderator.page.route("**/decision", change, times=1)
    await approve.click()
    await expect(desk(moderator).get_by_text("Its author has changed it. Please read it again.")).to_be_visible()
    await expect(line(moderator, held)).to_contain_text("Please do not look at this.", timeout=SOON)
    await line(moderator, held).get_by_role("button", name="Approve the comment by Hal").click()
    await expect(line(moderator, held)).to_have_count(0)


async def test_a_reason_that_is_being_typed_survives_a_change_of_the_comment(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article(state="premoderated")
    moderator = await at_desk(pages, newsroom, article)
    held = await newsroom.say(article, "Please look at this.", "Hal")
    await desk(moderator).locator(".queue-button").click()
    await line(moderator, held).get_by_role("button", name="Add a reason").click()
    await moderator.page.keyboard.type("not pol")
    await newsroom.edit(held, "Please look at that.")
    await expect(line(moderator, held)).to_contain_text("Please look at that.", timeout=SOON)
    await moderator.page.keyboard.type("ite")
    await expect(line(moderator, held).locator(".reason")).to_have_value("not polite")
    await expect(line(moderator, held).locator(".reason")).to_be_focused()


async def test_the_list_leads_to_a_comment_that_waits_and_it_is_decided_there(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article(state="premoderated")
    moderator = await at_desk(pages, newsroom, article)
    held = await newsroom.say(article, "Please look at this.", "Hal")
    await desk(moderator).locator(".queue-button").click()
    await line(moderator, held).get_by_role("link").click()
    await expect(moderator.comment(held)).to_be_focused()
    await expect(moderator.entry(held)).to_contain_text("Please look at this.")
    await desk(moderator).locator(".queue-button").click()
    await line(moderator, held).get_by_role("button", name="Reject the comment by Hal").click()
    await expect(moderator.comment(held)).to_have_count(0)


async def test_the_desk_comes_although_the_server_did_not_answer_at_first(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Read this first.")
    moderator = await at_desk(pages, newsroom, article)
    refused = asyncio.Event()

    async def refuse(route: Route) -> None:
        await route.abort()
        refused.set()

    await moderator.page.route("**/api/articles/*/thread*", refuse)
    await moderator.page.goto(newsroom.link(article, f"?comment={said['id']}"))
    await expect(moderator.comment(said)).to_be_focused()  # does not wait for it
    await asyncio.wait_for(refused.wait(), 15)
    await moderator.page.unroute("**/api/articles/*/thread*")
    await expect(desk(moderator)).to_be_visible(timeout=15_000)


async def test_a_comment_is_removed_where_it_stands_and_brought_back(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Buy my marmalade.")
    moderator = await at_desk(pages, newsroom, article)
    reader = await Window.open(pages, newsroom.link(article))
    await moderator.button(said, "options").click()
    await moderator.entry(said).get_by_role("button", name="Remove the comment by Ana").click()
    for window in (moderator, reader):
        await expect(window.comment(said)).to_have_count(0, timeout=SOON)
    await expect(desk(moderator).get_by_role("status").first).to_contain_text("Removed from every page.")
    await desk(moderator).get_by_role("button", name="Undo: Restore the comment by Ana").click()
    await expect(moderator.comment(said)).to_be_visible()


async def test_what_is_brought_back_stands_in_its_place_at_once_for_who_brought_it_back(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = [await newsroom.say(article, f"Number {n}.", f"P{n}") for n in range(3)]
    moderator = await at_desk(pages, newsroom, article)
    await moderator.button(said[1], "options").click()
    await moderator.entry(said[1]).get_by_role("button", name="Remove the comment by P1").click()
    await expect(moderator.comment(said[1])).to_have_count(0)
    undo = desk(moderator).get_by_role("button", name="Undo: Restore the comment by P1")

    async def refuse(route: Route) -> None:
        await route.abort()

    await moderator.page.route("**/decision", refuse, times=1)
    await undo.press("Enter")
    await expect(desk(moderator).get_by_role("status").first).to_contain_text("That did not work")
    await expect(undo).to_be_focused()
    await undo.press("Enter")
    await expect(desk(moderator).get_by_role("status").first).to_have_text("Restored.")
    await expect(moderator.comment(said[1])).to_be_focused()
    assert await moderator.order() == [one["id"] for one in said]
    await expect(moderator.pill).to_have_count(0)


async def test_what_arrives_does_not_take_the_way_back_away(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    said = await newsroom.say(article, "Buy my marmalade.")
    moderator = await at_desk(pages, newsroom, article)
    await moderator.button(said, "options").click()
    await moderator.entry(said).get_by_role("button", name="Remove the comment by Ana").click()
    undo = desk(moderator).get_by_role("button", name="Undo: Restore the comment by Ana")
    await undo.focus()
    await newsroom.change(article, state="premoderated")
    for _ in range(2):
        await newsroom.say(article, "Please look at this.", "Hal")
    message = desk(moderator).get_by_role("status").first
    await expect(message).to_have_text(
        re.compile(r"^Removed from every page\. Undo \d+ comments wait for you\.$"), timeout=SOON
    )
    await expect(undo).to_be_focused()


async def test_what_is_let_in_stands_on_the_page_of_who_let_it_in_with_what_it_answers(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    for number in range(30):
        await newsroom.say(article, f"Root {number}", f"Ana {number % 5}")
    near, *_, far = await newsroom.thread(article)
    await newsroom.say(article, "An answer.", "Bo", under=near)
    moderator = await at_desk(pages, newsroom, article)
    reader = await Window.open(pages, newsroom.link(article))
    new = await newsroom.say(article, "Behind the pill.", "Bo")
    await newsroom.change(article, state="premoderated")
    held = [await newsroom.say(article, "Let me in.", "Hal", under=one) for one in (None, new, far, near)]
    await expect(moderator.pill).to_have_attribute("data-count", "1")
    await moderator.comment(near).locator("> .fold").click()
    await desk(moderator).locator(".queue-button").click()
    for one in held:
        await line(moderator, one).get_by_role("button", name="Approve the comment by Hal").click()
        await expect(moderator.comment(one)).to_be_visible()
    await expect(moderator.comment(new)).to_be_visible()
    await expect(moderator.pill).to_have_count(0)
    await expect(reader.pill).to_have_attribute("data-count", "5")


async def test_the_options_close_with_a_decision_and_the_focus_stays_at_the_comment(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Read this first.")
    moderator = await at_desk(pages, newsroom, article)
    options = moderator.button(said, "options")
    await options.press("Enter")
    await moderator.entry(said).get_by_role("button", name="Pin the comment by Ana").press("Enter")
    await expect(moderator.entry(said).get_by_role("group")).to_have_count(0)
    await expect(options).to_have_attribute("aria-expanded", "false")
    await expect(options).to_be_focused()
    await desk(moderator).get_by_role("button", name="Undo: Unpin the comment by Ana").press("Enter")
    await expect(desk(moderator).get_by_role("button", name="Undo: Pin the comment by Ana")).to_be_focused()


async def test_a_reported_comment_is_kept_or_removed_and_leaves_the_list(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Buy my marmalade.")
    moderator = await at_desk(pages, newsroom, article)
    await newsroom.request("POST", f"/api/comments/{said['id']}/report", {"reason": "spam", "note": "Every day."})
    await desk(moderator).locator(".queue-button").click()
    await desk(moderator).locator('[data-ripost="queue-reported"]').click()
    await expect(line(moderator, said)).to_contain_text("1 report: Spam or advertising")
    await expect(line(moderator, said)).to_contain_text("Every day.")
    await line(moderator, said).get_by_role("button", name="Keep the comment by Ana").click()
    await expect(line(moderator, said)).to_have_count(0)
    await expect(moderator.comment(said)).to_be_visible()


async def test_pins_and_the_state_of_the_discussion_reach_everybody(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Read this first.")
    moderator = await at_desk(pages, newsroom, article)
    reader = await Window.open(pages, newsroom.link(article))
    await moderator.button(said, "options").click()
    await moderator.entry(said).get_by_role("button", name="Pin the comment by Ana").click()
    await expect(reader.entry(said).locator(".pin")).to_be_visible(timeout=SOON)
    await desk(moderator).get_by_label("This discussion").select_option("closed")
    await expect(reader.page.get_by_text("This discussion is closed.")).to_be_visible(timeout=SOON)
    await desk(moderator).get_by_label("This discussion").select_option("open")
    await expect(reader.composer).to_be_visible(timeout=SOON)
    async with moderator.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        await desk(moderator).get_by_label("Slow mode").select_option("60")
    await expect(desk(moderator).get_by_role("status").first).to_have_text("Changed for everybody.")
    shown = await newsroom.request("GET", f"/api/articles/{article['id']}")
    assert shown["slow_mode_seconds"] == 60
    await newsroom.change(article, state="premoderated")  # by a colleague
    await expect(desk(moderator).get_by_label("This discussion")).to_have_value("premoderated", timeout=SOON)


async def test_a_removed_comment_is_read_and_brought_back_where_it_stood(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Buy my **marmalade**.")
    await newsroom.say(article, "No, thank you.", "Bo", under=said)
    moderator = await at_desk(pages, newsroom, article)
    reader = await Window.open(pages, newsroom.link(article))
    await newsroom.decide(said, "reject")  # by a colleague
    grave = moderator.entry(said)
    await expect(grave).to_contain_text("Removed by a moderator", timeout=SOON)
    await expect(reader.entry(said)).to_contain_text("Removed by a moderator", timeout=SOON)
    await grave.get_by_role("button", name="Show what it said").press("Enter")
    await expect(grave.locator("blockquote")).to_have_text("Buy my **marmalade**.")
    await expect(grave.get_by_role("button", name="Show what it said")).to_be_focused()
    await grave.get_by_role("button", name="Show what it said").click()
    await expect(grave.locator("blockquote")).to_have_count(0)
    await expect(reader.page.get_by_role("button", name="Restore")).to_have_count(0)
    await moderator.page.reload()
    await expect(desk(moderator)).to_be_visible()
    await grave.get_by_role("button", name="Restore").press("Enter")
    for window in (moderator, reader):
        await expect(window.entry(said).locator(".body")).to_have_text("Buy my marmalade.", timeout=SOON)
    await expect(moderator.comment(said)).to_be_focused()


async def test_the_reason_of_a_decision_stands_in_the_log(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    said = await newsroom.say(article, "Buy my marmalade.")
    moderator = await at_desk(pages, newsroom, article)
    await moderator.button(said, "options").click()
    entry = moderator.entry(said)
    await expect(entry.get_by_role("textbox")).to_have_count(0)
    await entry.get_by_role("button", name="Add a reason").click()
    await expect(entry.get_by_role("textbox")).to_be_focused()
    await moderator.page.keyboard.type("The third one today.")
    await entry.get_by_role("button", name="Mark the comment by Ana as spam").click()
    await expect(moderator.comment(said)).to_have_count(0)
    log = await newsroom.request("GET", "/api/moderation/log", token=newsroom.token)
    newest = log["decisions"][0]
    assert (newest["comment"], newest["decision"], newest["reason"]) == (said["id"], "spam", "The third one today.")


async def test_a_moderator_still_writes_where_a_discussion_is_closed(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    said = await newsroom.say(article, "Is that all?")
    await newsroom.change(article, state="closed")
    moderator = await at_desk(pages, newsroom, article)
    reader = await Window.open(pages, newsroom.link(article))
    await expect(moderator.page.get_by_text("This discussion is closed.", exact=True)).to_be_visible()
    await moderator.button(said, "reply").click()
    form = moderator.form(said)
    await expect(form).to_contain_text("Posting as Mo Derator. For readers this discussion is closed.")
    await moderator.write("That is all.", None, form=form)
    await expect(moderator.saying("That is all.")).to_be_visible()
    await moderator.write("Thank you, everybody.", None)
    await expect(moderator.saying("Thank you, everybody.")).to_be_visible()
    await expect(reader.composer).to_have_count(0)
    await expect(reader.button(said, "reply")).to_have_count(0)
    await expect(reader.pill.or_(reader.saying("Thank you, everybody.")).first).to_be_visible()


async def test_a_desk_whose_sign_in_has_ended_says_so_and_leaves_a_reader(
    pages: Pages,
    ripost_server: Callable[..., RipostServer],
    newsroom_of: Callable[[RipostServer], Awaitable[Newsroom]],
) -> None:
    newsroom = await newsroom_of(ripost_server())
    article = await newsroom.article()
    first = await newsroom.say(article, "The first word.", "Ana")
    moderator = await at_desk(pages, newsroom, article)
    await moderator.button(first, "options").click()
    await expect(moderator.entry(first).get_by_role("button", name="Remove the comment by Ana")).to_be_visible()
    await newsroom.request("DELETE", "/api/sessions/current", token=newsroom.token)
    await expect(desk(moderator).get_by_role("alert")).to_contain_text("Your sign-in has expired.")
    await expect(desk(moderator).get_by_role("button")).to_have_count(0)
    await expect(moderator.entry(first).get_by_role("button", name="Remove the comment by Ana")).to_have_count(0)
    await expect(moderator.button(first, "report")).to_be_visible()
    await moderator.post("As a guest from now on.")
