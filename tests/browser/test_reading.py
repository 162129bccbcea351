"""Reading never moves: whatever happens around it, in every order, what is being read stays where it is."""

import asyncio
import random
import re

import pytest
from playwright.async_api import expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.test_two_windows import WITHOUT_ANCHORS
from tests.browser.window import ROOT, Window, eventually
from tests.support.browser import Pages

EVENTS = 500
AT_ONCE = 10  # requests on their way at a time
PARAGRAPH = "a line that takes some room on the page. " * 8

# How far a comment ever was, in a frame, from where it stood first.
WATCH = f"""(id) => {{
  const one = {ROOT}.querySelector(`#comment-${{id}}`);
  const at = one.getBoundingClientRect().top;
  window.strayed = 0;
  const look = () => {{
    window.strayed = Math.max(window.strayed, Math.abs(one.getBoundingClientRect().top - at));
    requestAnimationFrame(look);
  }};
  look();
}}"""
MARK = f"""(id) => {{
  const text = {ROOT}.querySelector(`#comment-${{id}} > .entry > .body p`).firstChild;
  getSelection().setBaseAndExtent(text, 2, text, 12);
}}"""
MARKED = f"({ROOT}.getSelection?.() ?? getSelection()).toString()"
LOAD_MORE = f"""() => {{
  const more = {ROOT}.querySelectorAll('[data-ripost=more], [data-ripost=more-replies]');
  more[0]?.click();
  return more.length;
}}"""
FOCUSED = f"{ROOT}.activeElement?.closest('article')?.id"


async def happen(newsroom: Newsroom, article: Json, comments: list[Json], reading: Json, count: int, seed: int) -> None:
    """That many changes of every kind, to every comment but the one that is being read."""
    chance = random.Random(seed)
    line = asyncio.Semaphore(AT_ONCE)
    await newsroom.say(article, "I am here to vote.", "Vera")
    others = [one for one in comments if one["id"] != reading["id"]]
    going, staying = others[::3], [one for index, one in enumerate(others) if index % 3]
    gone: list[Json] = []
    pinnable = [one for one in staying if one["parent"] is None][:5]  # as many as can be

    async def one(number: int) -> None:
        async with line:
            target = chance.choice(staying)
            match chance.choice(
                ("root", "reply", "answer", "edit", "edit", "vote", "remove", "restore", "pin", "unpin")
            ):
                case "root":
                    await newsroom.say(article, f"Event {number}. {PARAGRAPH}", f"Guest {number % 7}")
                case "reply":
                    await newsroom.say(article, f"Event {number}.", f"Guest {number % 7}", under=reading)
                case "edit":
                    await newsroom.edit(target, f"Edited by event {number}. {PARAGRAPH * chance.randrange(4)}")
                case "vote":
                    await newsroom.vote(target, "Vera", chance.choice((1, -1)))
                case "remove" if going:
                    target = going.pop()
                    await newsroom.decide(target, "reject")
                    gone.append(target)
                case "restore" if gone:
                    target = gone.pop()
                    await newsroom.decide(target, "restore")
                    going.insert(0, target)
                case "pin" | "unpin" as decision:
                    await newsroom.decide(chance.choice(pinnable), decision)
                case _:
                    await newsroom.say(article, f"Event {number}.", under=target)

    await asyncio.gather(*(one(number) for number in range(count)))


@pytest.mark.parametrize("sort", ["oldest", "newest", "top"])
async def test_what_is_being_read_stays_where_it_is_through_500_events(
    pages: Pages, newsroom: Newsroom, sort: str
) -> None:
    article = await newsroom.article()
    comments: list[Json] = []
    for number in range(30):
        comments.append(await newsroom.say(article, f"Number {number}: {PARAGRAPH}", f"Ana {number % 3}"))
        if number % 3 == 0:
            comments.append(await newsroom.say(article, "A reply of few words.", "Bo", under=comments[-1]))
    reading = comments[20]
    assert reading["parent"] is None
    window = await Window.open(pages, newsroom.link(article, f"?sort={sort}"))
    page = window.page
    await page.evaluate(WITHOUT_ANCHORS)
    await window.scroll_to(reading)
    await window.button(reading, "reply").focus()
    await page.evaluate(MARK, reading["id"])
    order = [one for one in await window.order() if one != reading["id"]]
    await page.evaluate(WATCH, reading["id"])
    await happen(newsroom, article, comments, reading, EVENTS, seed=len(sort))
    said = (await newsroom.request("GET", f"/api/articles/{article['id']}"))["comment_count"]
    await expect(window.count).to_have_text(f"{said} comments")
    assert await page.evaluate("window.strayed") <= 1
    assert await page.evaluate(FOCUSED) == f"comment-{reading['id']}"
    assert len(await page.evaluate(MARKED)) == 10, "what was marked is marked"
    kept = await window.order()
    assert [one for one in order if one in kept] == [one for one in kept if one in order], "only a reload reorders"
    await window.pill.click()
    assert await page.evaluate("window.strayed") <= 1, "showing what is new moved what is being read"

    async def same() -> bool:
        await page.reload()  # anew each time: votes count a second later
        await window.until("live")
        while await page.evaluate(LOAD_MORE):
            pass
        return await window.order() == [one["id"] for one in await newsroom.thread(article, sort)]

    await eventually(same, "a reloaded window shows what the API has, in its order")


async def test_replies_to_comments_that_are_not_loaded_are_counted_where_they_belong(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    root = await newsroom.say(article, "A root with a long branch.")
    near = await newsroom.say(article, "The first answer.", "Bo", under=root)
    last = near
    for number in range(30):
        last = await newsroom.say(article, f"Deeper, {number}.", "Bo", under=last)
    other = await newsroom.say(article, "Another root. " + PARAGRAPH * 20)
    for sort in ("oldest", "newest", "top"):
        window = await Window.open(pages, newsroom.link(article, f"?sort={sort}"))
        await expect(window.comment(last)).to_have_count(0)
        shown = await window.order()
        far = await newsroom.say(article, f"Far below, {sort}.", "Cy", under=last)
        await expect(window.pill).to_have_attribute("data-count", "1")
        announcing = window.page.locator('button[data-ripost="new-replies"]')
        await expect(announcing).to_have_count(1)
        # The nearest that is there: none of those between has been loaded.
        ancestors = [one["id"] for one in await newsroom.thread(article, sort) if one["id"] < far["id"]]
        nearest = [one for one in shown if one in ancestors and one != other["id"]][-1]
        await expect(window.button(nearest, "new-replies")).to_have_text("1 new")
        by = await window.entry(nearest).locator(".author").inner_text()
        await expect(window.button(nearest, "new-replies")).to_have_accessible_description(by)
        await window.scroll_to(other)
        await window.page.evaluate("window.scrollBy({ top: 400, behavior: 'instant' })")
        before = await window.top_of(other)
        await window.pill.click()
        await expect(window.comment(far)).to_have_count(1)
        assert abs(await window.top_of(other) - before) <= 1
        await expect(window.pill).to_have_text("Go to the new comments")
        await window.pill.click()
        await expect(window.comment(far)).to_be_focused()
        await expect(window.comment(far)).to_have_attribute("data-fresh", "")


async def test_one_press_brings_many_replies_to_comments_that_are_not_loaded(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    root = await newsroom.say(article, "A root with many answers.")
    answers = [await newsroom.say(article, f"Answer {number}.", "Bo", under=root) for number in range(60)]
    window = await Window.open(pages, newsroom.link(article))
    unloaded = answers[15:]
    for answer in unloaded:
        await expect(window.comment(answer)).to_have_count(0)
    far = [await newsroom.say(article, "Below what is not loaded.", "Cy", under=answer) for answer in unloaded]
    await expect(window.pill).to_have_attribute("data-count", str(len(far)))
    await window.pill.click()
    for reply in far:
        await expect(window.comment(reply)).to_have_count(1)
        await expect(window.comment(reply)).to_have_attribute("data-fresh", "")
    await expect(window.button(root, "new-replies")).to_have_count(0)


async def test_replies_below_comments_of_a_later_page_are_counted_at_the_top_and_close_up_when_it_comes(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    roots = [await newsroom.say(article, f"Root {number}.") for number in range(60)]
    window = await Window.open(pages, newsroom.link(article))
    await expect(window.comment(roots[40])).to_have_count(0)
    far = await newsroom.say(article, "Below what is not loaded.", "Cy", under=roots[40])
    await expect(window.pill).to_have_attribute("data-count", "1")
    await window.pill.click()
    await expect(window.comment(far)).to_have_count(1)
    more = window.page.locator('a[data-ripost="more"]')
    while await more.count():
        await more.click()
        await expect(window.page.locator("a[aria-busy]")).to_have_count(0)
    await expect(window.comment(roots[-1])).to_have_count(1)
    shown = await window.order()
    assert [one for one in shown if one != far["id"]] == [one["id"] for one in roots]
    assert shown[shown.index(roots[40]["id"]) + 1] == far["id"]


async def test_the_pill_leads_nowhere_once_what_it_has_shown_is_gone(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    for number in range(10):
        await newsroom.say(article, f"Root {number}. {PARAGRAPH * 4}")
    window = await Window.open(pages, newsroom.link(article))
    spam = await newsroom.say(article, "Buy this.", "Spam")
    await window.pill.click()
    await expect(window.pill).to_have_text("Go to the new comments")
    await newsroom.decide(spam, "reject")
    await expect(window.pill).to_have_count(0)


async def test_what_waits_far_away_is_asked_for_again_and_given_up_when_it_is_gone(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    last = await newsroom.say(article, "A root with a long branch.")
    for number in range(30):
        last = await newsroom.say(article, f"Deeper, {number}.", "Bo", under=last)
    window = await Window.open(pages, newsroom.link(article))
    await expect(window.comment(last)).to_have_count(0)
    far = await newsroom.say(article, "Far below.", "Cy", under=last)
    await expect(window.pill).to_have_attribute("data-count", "1")
    await window.page.route("**/api/comments/*", lambda route: route.abort())
    await window.pill.click()
    await expect(window.page.get_by_role("alert")).to_contain_text("could not be loaded")
    await window.page.unroute("**/api/comments/*")
    await window.page.get_by_role("button", name="Try again").click()
    await expect(window.comment(far)).to_have_count(1)
    await expect(window.page.get_by_role("alert")).to_have_count(0)
    while await window.pill.count():  # it was shown out of sight
        await window.pill.click()
    other = await Window.open(pages, newsroom.link(article))
    spam = await newsroom.say(article, "Buy this.", "Spam", under=last)
    await expect(other.pill).to_have_attribute("data-count", "1")
    await other.page.locator('button[data-ripost="pause"]').click()
    await other.until("paused")
    await newsroom.decide(spam, "reject")
    await other.pill.click()
    await expect(other.pill).to_have_count(0)


async def test_what_is_taken_down_leaves_from_behind_the_pill(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window = await Window.open(pages, newsroom.link(article))
    spam = await newsroom.say(article, "Buy this.", "Spam")
    await expect(window.pill).to_have_attribute("data-count", "1")
    good = await newsroom.say(article, "Something else.", "Bo")
    await expect(window.pill).to_have_attribute("data-count", "2")
    await newsroom.decide(spam, "reject")
    await expect(window.pill).to_have_attribute("data-count", "1")
    await window.pill.click()
    await expect(window.comment(good)).to_be_visible()
    await expect(window.comment(spam)).to_have_count(0)
    assert "Buy this" not in await window.markup()


async def test_what_is_taken_down_leaves_from_an_open_reply_box_and_the_words_stay(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    spam = await newsroom.say(article, "Buy this.", "Spam")
    window = await Window.open(pages, newsroom.link(article))
    await window.button(spam, "reply").click()
    await window.form(spam).locator("textarea").fill("No, thank you.")
    await newsroom.decide(spam, "reject")
    await expect(window.entry(spam).locator(".gone")).to_have_text("Removed by a moderator")
    await expect(window.form(spam).locator("textarea")).to_have_value("No, thank you.")
    await expect(window.form(spam).locator("textarea")).to_be_focused()
    assert "Buy this" not in await window.markup()


async def test_what_follows_a_comment_that_is_taken_down_stays_where_it_is(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    comments = [await newsroom.say(article, f"Number {number}. " + "And so on. " * 30) for number in range(12)]
    window = await Window.open(pages, newsroom.link(article))
    await window.scroll_to(comments[4])
    before = await window.top_of(comments[5])
    await newsroom.decide(comments[4], "reject")
    await expect(window.comment(comments[4])).to_have_count(0)
    assert abs(await window.top_of(comments[5]) - before) <= 1


async def test_focus_on_a_comment_that_is_removed_goes_to_its_tombstone(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    parent = await newsroom.say(article, "Soon gone.")
    await newsroom.say(article, "An answer that stays.", "Bo", under=parent)
    window = await Window.open(pages, newsroom.link(article))
    await window.button(parent, "reply").focus()
    await newsroom.decide(parent, "reject")
    await expect(window.comment(parent)).to_have_attribute("data-status", "removed")
    await expect(window.comment(parent)).to_be_focused()


async def test_the_feed_says_where_each_comment_stands_and_how_deep(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    roots = [await newsroom.say(article, f"Root {n}", f"Ana {n}") for n in range(3)]
    reply = await newsroom.say(article, "Below.", "Bo", under=roots[0])
    window = await Window.open(pages, newsroom.link(article))

    async def places() -> list[tuple[str, str]]:
        return [  # type: ignore[return-value]
            tuple(one)
            for one in await window.page.evaluate(
                f"[...{ROOT}.querySelectorAll('.feed > article')].map((one) => [one.ariaPosInSet, one.ariaSetSize])"
            )
        ]

    assert await places() == [("1", "3"), ("2", "3"), ("3", "3")]
    await expect(window.comment(reply)).to_have_accessible_name(re.compile("Bo level 2"))
    await newsroom.say(article, "Root 3", "Cy")
    await window.pill.click()
    await expect(window.saying("Root 3")).to_be_visible()
    assert await places() == [("1", "4"), ("2", "4"), ("3", "4"), ("4", "4")]
    await newsroom.decide(roots[1], "reject")
    await expect(window.comment(roots[1])).to_have_count(0)
    assert await places() == [("1", "3"), ("2", "3"), ("3", "3")]
    deeper = await window.reply(reply, "Deeper.")
    await expect(window.comment(deeper)).to_have_accessible_name(re.compile("Ada level 3"))


async def test_how_many_there_are_is_not_said_before_it_is_known(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await asyncio.gather(*(newsroom.say(article, f"Root {n}", f"Ana {n}") for n in range(70)))
    window = await Window.open(pages, newsroom.link(article))
    first = window.page.locator(".feed article").first
    await expect(first).to_have_attribute("aria-posinset", "1")
    await expect(first).to_have_attribute("aria-setsize", "-1")
    more = window.page.locator('[data-ripost="more"]')
    while await more.count():
        before = len(await window.order())
        await more.click()
        await expect(window.page.locator("article").nth(before)).to_have_count(1)
        await expect(window.page.locator('[data-ripost="more"][aria-busy]')).to_have_count(0)
    await expect(first).to_have_attribute("aria-setsize", "70")
    await expect(window.page.locator(".feed article").last).to_have_attribute("aria-posinset", "70")


async def test_new_comments_are_spoken_of_together_and_not_again_after_a_reconnect(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window = await Window.open(pages, newsroom.link(article))
    await window.page.evaluate(
        f"""() => {{
          window.spoken = [];
          new MutationObserver(() => window.spoken.push({ROOT}.querySelector('[data-ripost=said]').textContent))
            .observe({ROOT}.querySelector('[data-ripost=said]'), {{ childList: true, characterData: true, subtree: true }});
        }}"""
    )
    for number in range(3):
        await newsroom.say(article, f"One of three, {number}.", "Bo")
    said = window.page.locator("[data-ripost=said]")
    await expect(said).to_have_text("3 new comments", timeout=15_000)
    await window.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    await window.until("offline")
    await window.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    await window.until("live")
    await newsroom.say(article, "A fourth.", "Bo")
    await expect(said).to_have_text("4 new comments", timeout=15_000)
    assert await window.page.evaluate("window.spoken") == ["3 new comments", "4 new comments"]
    mine = await window.post("Mine.")
    await newsroom.say(article, "An answer to you.", "Cy", under=mine)
    await expect(said).to_have_text("Cy has answered you.")
