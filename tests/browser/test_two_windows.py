"""What is written in one window stands in the other: at once where it answers, behind the pill where it would disturb."""

import statistics
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.newsroom import Newsroom
from tests.browser.window import ROOT, Window
from tests.support.browser import Pages

AT_ONCE = 200  # milliseconds from the press of the button to the other window's DOM, on one machine
ROUNDS = 7

# Both windows read the machine's wall clock through their performance timers, at the moment itself: the press in the
# capture phase, before any of the page's own code; the arrival in a MutationObserver.
NOTE_PRESS = f"""() => {ROOT}.addEventListener('submit', () => {{
  window.pressed = performance.timeOrigin + performance.now();
}}, {{ capture: true }})"""
NOTE_ARRIVAL = f"""(wanted) => {{
  window.arrival = new Promise((resolve) => new MutationObserver((_, observer) => {{
    if (!{ROOT}.querySelector(wanted)) return;
    resolve(performance.timeOrigin + performance.now());
    observer.disconnect();
  }}).observe({ROOT}, {{ subtree: true, childList: true, attributes: true, characterData: true }}));
}}"""

# What other browsers lack: Chromium would keep the place by itself.
WITHOUT_ANCHORS = f"""() => {{
  for (const one of [document.documentElement, document.body, ...{ROOT}.querySelectorAll('*')]) one.style.overflowAnchor = 'none';
}}"""


async def arrival(page: Page) -> float:
    """When what was waited for arrived."""
    return float(await page.evaluate("window.arrival"))


async def pressed(page: Page) -> float:
    """When the button was pressed."""
    return float(await page.evaluate("window.pressed"))


async def test_a_comment_typed_in_one_window_is_announced_in_the_other_within_200_ms(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Somebody was here before.")
    writer, reader = await Window.open(pages, newsroom.link(article)), await Window.open(pages, newsroom.link(article))
    await writer.page.evaluate(NOTE_PRESS)
    took = []
    for number in range(1, ROUNDS + 1):
        await reader.page.evaluate(NOTE_ARRIVAL, f'button[data-ripost="new"][data-count="{number}"]')
        await writer.write(f"Comment number {number}.")
        took.append(await arrival(reader.page) - await pressed(writer.page))
        await expect(writer.saying(f"Comment number {number}.")).to_be_visible()
    print(f"announced after {[round(one) for one in took]} ms")
    assert statistics.median(took) < AT_ONCE
    await expect(reader.count).to_have_text(f"{ROUNDS + 1} comments")


async def test_a_reply_to_ones_own_comment_stands_under_it_within_200_ms_without_being_asked_for(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    reader, writer = await Window.open(pages, newsroom.link(article)), await Window.open(pages, newsroom.link(article))
    mine = await reader.post("Does the tide reach the baker's door?")
    await expect(writer.comment(mine)).to_be_visible()  # the first comment of an empty discussion disturbs nobody
    await writer.page.evaluate(NOTE_PRESS)
    took = []
    for number in range(1, ROUNDS + 1):
        replies = f"#comment-{mine['id']} > .replies > article:nth-of-type({number})"
        await reader.page.evaluate(NOTE_ARRIVAL, replies)
        answer = await writer.reply(mine, f"Answer number {number}.", "Bo")
        took.append(await arrival(reader.page) - await pressed(writer.page))
        await expect(reader.comment(mine).locator("> .replies > article").last).to_have_id(f"comment-{answer['id']}")
    print(f"shown after {[round(one) for one in took]} ms")
    assert statistics.median(took) < AT_ONCE
    assert await reader.order() == await writer.order()
    await expect(reader.pill).to_have_count(0)


async def test_what_others_write_waits_and_nothing_moves_until_it_is_asked_for(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    roots = [await newsroom.say(article, f"Number {n}: " + "a line that takes some room. " * 12) for n in range(12)]
    for sort in ("oldest", "newest", "top"):
        reader = await Window.open(pages, newsroom.link(article, f"?sort={sort}"))
        await reader.page.evaluate(WITHOUT_ANCHORS)
        await reader.scroll_to(roots[6])
        before = await reader.top_of(roots[6])
        shown = await reader.order()
        for root in (roots[0], roots[6], roots[11]):
            await newsroom.say(article, f"To number {root['id']} with {sort}.", "Bo", under=root)
        await newsroom.say(article, f"At the end with {sort}.", "Bo")
        await expect(reader.pill).to_have_attribute("data-count", "4")
        assert await reader.order() == shown
        assert abs(await reader.top_of(roots[6]) - before) <= 1
        await newsroom.edit(roots[2], "Number 2: much shorter now.")
        await expect(reader.entry(roots[2]).locator(".body")).to_have_text("Number 2: much shorter now.")
        assert abs(await reader.top_of(roots[6]) - before) <= 1, "an edit above moved what is being read"
        await newsroom.edit(roots[2], "Number 2: " + "a line that takes some room. " * 12)
        await expect(reader.entry(roots[2]).locator(".body")).to_contain_text("takes some room")
        assert abs(await reader.top_of(roots[6]) - before) <= 1
        await reader.pill.click()
        await expect(reader.saying(f"To number {roots[0]['id']} with {sort}.")).to_have_count(1)
        assert abs(await reader.top_of(roots[6]) - before) <= 1, "showing what is new moved what is being read"
        assert await reader.order() == [one["id"] for one in await newsroom.thread(article, sort)]


async def test_what_one_writes_oneself_shows_at_once_among_what_waits(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    root = await newsroom.say(article, "The first word.")
    reader = await Window.open(pages, newsroom.link(article))
    theirs = await newsroom.say(article, "This waits.", "Bo", under=root)
    await expect(reader.pill).to_have_attribute("data-count", "1")
    mine = await reader.reply(root, "Mine is here.")
    await expect(reader.comment(mine)).to_be_visible()
    await expect(reader.comment(theirs)).to_have_count(0)
    await expect(reader.pill).to_have_attribute("data-count", "1")
    await expect(reader.comment(mine).locator("> .entry .author")).to_have_text("Ada")
    await reader.pill.click()
    await expect(reader.comment(theirs)).to_be_visible()
    assert await reader.order() == [root["id"], theirs["id"], mine["id"]]


async def test_the_pill_of_a_branch_shows_only_that_branch(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    one, two = [await newsroom.say(article, text) for text in ("The first branch.", "The second branch.")]
    reader = await Window.open(pages, newsroom.link(article))
    below_one = await newsroom.say(article, "Below the first.", "Bo", under=one)
    below_two = await newsroom.say(article, "Below the second.", "Bo", under=two)
    await expect(reader.pill).to_have_attribute("data-count", "2")
    await reader.button(one, "new-replies").click()
    await expect(reader.comment(below_one)).to_be_visible()
    await expect(reader.comment(below_two)).to_have_count(0)
    await expect(reader.pill).to_have_attribute("data-count", "1")


async def test_one_press_shows_what_is_new_in_a_folded_branch(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    root = await newsroom.say(article, "A root.")
    reply = await newsroom.say(article, "A reply.", "Bo", under=root)
    window = await Window.open(pages, newsroom.link(article))
    await window.comment(root).locator("> .fold").click()
    await expect(window.comment(reply)).to_be_hidden()
    new = await newsroom.say(article, "Something new.", "Cy", under=reply)
    await window.pill.press("Enter")
    await expect(window.comment(new)).to_be_focused()
    await expect(window.comment(new)).to_be_in_viewport()
    await expect(window.pill).to_have_count(0)


async def test_every_window_of_one_person_shows_what_they_wrote_in_another(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "A word before.")
    context = await pages.context()
    first, second = Window(await context.new_page()), Window(await context.new_page())
    for window in (first, second):
        await window.page.goto(newsroom.link(article))
        await window.until("live")
    mine = await first.post("From my other window.")
    await expect(second.comment(mine)).to_be_visible()
    await expect(second.button(mine, "edit")).to_be_visible()


@pytest.mark.parametrize("level", [6, 40])
async def test_replies_of_any_depth_reach_the_other_window(pages: Pages, newsroom: Newsroom, level: int) -> None:
    article = await newsroom.article()
    last = await newsroom.say(article, "Level 0")
    for depth in range(1, level + 1):
        last = await newsroom.say(article, f"Level {depth}", "Bo" if depth % 2 else "Ana", under=last)
    writer, reader = await Window.open(pages, newsroom.link(article)), await Window.open(pages, newsroom.link(article))
    for window in (writer, reader):
        more, shown = window.page.locator('[data-ripost="more-replies"]'), window.page.locator("[data-comment-id]")
        while await more.count():
            before = await shown.count()
            await more.first.click()
            await expect(shown).not_to_have_count(before)
            await expect(window.page.locator('[data-ripost="more-replies"][aria-busy]')).to_have_count(0)
    deepest = await writer.reply(last, "And one below that.")
    await expect(reader.pill).to_have_attribute("data-count", "1")
    await reader.pill.click()
    await expect(reader.comment(deepest)).to_be_visible()
    assert await reader.order() == await writer.order() == [one["id"] for one in await newsroom.thread(article)]


async def test_a_script_of_the_page_hears_of_comments_and_of_the_connection(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    reader = await Window.open(pages, newsroom.link(article))
    heard: list[dict[str, Any]] = []
    await reader.page.expose_function("heard", lambda detail: heard.append(detail))
    await reader.page.evaluate("document.addEventListener('ripost:comment', (event) => heard(event.detail))")
    comment = await newsroom.say(article, "Heard by the page.")
    await expect(reader.comment(comment)).to_be_visible()
    assert [one["comment"]["id"] for one in heard if one["type"] == "comment.posted"] == [comment["id"]]
