"""What changes under a reader: the element starts anew, an answer is overtaken by events, what is answered is gone."""

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.publisher import Publisher
from tests.browser.publisher import page as published
from tests.browser.window import ROOT, Window, all_equal
from tests.support.browser import Pages

THREAD = re.compile(r"/api/articles/\d+/thread\?")


class Gate:
    """Answers that come only once the test lets them."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.told = asyncio.Event()
        self._open = asyncio.Event()

    async def __call__(self, route: Route) -> None:
        # The server's answer is of this moment; the reader has it later.
        response = await route.fetch()
        self.asked.set()
        await self._open.wait()
        await route.fulfill(response=response)
        self.told.set()

    def open(self) -> None:
        self._open.set()


async def set_attribute(window: Window, name: str, value: str) -> None:
    """The page around the element changes it."""
    await window.page.locator("ripost-thread").evaluate(
        "(one, [name, value]) => one.setAttribute(name, value)", [name, value]
    )


@pytest.fixture
async def article(newsroom: Newsroom) -> Json:
    return await newsroom.article()


async def test_an_answer_that_is_being_written_stays_one_when_the_element_starts_anew(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first = await newsroom.say(article, "A question.")
    await newsroom.say(article, "Another one.", "Bo")
    window = await Window.open(pages, newsroom.link(article))
    await window.button(first, "reply").click()
    await window.form(first).locator("textarea").press_sequentially("My answer to it")
    await set_attribute(window, "sort", "newest")
    await window.until("live")
    await expect(window.form(first)).to_have_count(1)
    await expect(window.form(first).locator("textarea")).to_have_value("My answer to it")
    await window.write("My answer to it", "Ada", form=window.form(first))
    await expect(window.form(first)).to_have_count(0)
    [answer] = [one for one in await newsroom.thread(article) if one["author"]["name"] == "Ada"]
    assert answer["parent"] == first["id"]


async def test_a_draft_stays_with_its_article(pages: Pages, newsroom: Newsroom, publisher: Publisher) -> None:
    one, other = await newsroom.article("One"), await newsroom.article("Other")
    for each in (one, other):
        await newsroom.say(each, "Here before.")
    text = f'<!doctype html><script type="module" src="{newsroom.url}/static/ripost.js"></script><ripost-thread article="{one["id"]}"></ripost-thread>'
    window = await Window.open(pages, publisher.put("/changing.html", text))
    area = window.composer.locator("textarea")
    await area.press_sequentially("Meant for one")
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    await set_attribute(window, "article", str(other["id"]))
    await expect(area).to_have_value("")
    await area.press_sequentially("For the other")
    await expect(window.composer.get_by_role("toolbar")).to_have_count(1)
    await set_attribute(window, "article", str(one["id"]))
    await expect(area).to_have_value("Meant for one")
    await window.composer.get_by_role("button", name="Preview").click()
    await expect(window.composer.locator(".preview")).to_contain_text("Meant for one")


async def test_starting_anew_while_the_style_is_still_loading_shows_the_discussion(
    pages: Pages, newsroom: Newsroom, publisher: Publisher, article: Json
) -> None:
    first = await newsroom.say(article, "Here before.")
    text = f'<!doctype html><script type="module" src="{newsroom.url}/static/ripost.js"></script><ripost-thread article="{article["id"]}"></ripost-thread>'
    window = Window(await pages())
    styled = asyncio.Event()

    async def late(route: Route) -> None:
        await styled.wait()
        await route.continue_()

    await window.page.route(re.compile(r"/ripost\.css"), late)
    await window.page.goto(publisher.put("/styled.html", text), wait_until="commit")
    await window.until("live")
    await set_attribute(window, "sort", "newest")
    await expect(window.comment(first)).to_have_count(1)
    await window.until("live")
    styled.set()
    await expect(window.comment(first)).to_be_visible()


async def test_an_answer_to_what_goes_with_its_tombstone_is_kept(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    """A tombstone that held up only one answer goes when that goes, but not with somebody's words in it."""
    gone = await newsroom.say(article, "A question.")
    answer = await newsroom.say(article, "An answer.", "Bo", under=gone)
    await newsroom.say(article, "Something else.", "Cleo")
    await newsroom.decide(gone, "reject")
    window = await Window.open(pages, newsroom.link(article))
    await window.button(answer, "reply").click()
    await window.form(answer).locator("textarea").press_sequentially("Precious words")
    await newsroom.decide(answer, "reject")
    await expect(window.entry(answer)).to_contain_text("Removed by a moderator")
    await expect(window.form(answer).locator("textarea")).to_have_value("Precious words")
    await window.form(answer).get_by_role("button", name="Cancel").click()
    await expect(window.comment(answer)).to_have_count(0)
    await expect(window.comment(gone)).to_have_count(0)


async def test_a_removal_behind_the_pages_that_are_not_loaded_stops_nothing(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    for number in range(40):
        await newsroom.say(article, f"Number {number}.")
    window = await Window.open(pages, newsroom.link(article))
    late = await newsroom.say(article, "Live.", "Bo")
    await window.pill.click()
    await window.button(late, "reply").click()
    await window.form(late).locator("textarea").press_sequentially("An answer")
    await newsroom.decide(late, "reject")
    await expect(window.entry(late)).to_contain_text("Removed by a moderator")
    await newsroom.say(article, "Further on.", "Cleo")
    await expect(window.pill).to_contain_text("1 new comment")
    await expect(window.form(late).locator("textarea")).to_have_value("An answer")


async def test_an_order_that_events_have_overtaken_shows_what_is_there_now(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    first = await newsroom.say(article, "Soon gone.")
    await newsroom.say(article, "Here to stay.", "Bo")
    window = await Window.open(pages, newsroom.link(article))
    gate = Gate()
    await window.page.route(THREAD, gate)
    await window.page.get_by_role("link", name="Newest").click()
    await gate.asked.wait()
    mine = await window.post("Mine, meanwhile.")
    await newsroom.decide(first, "reject")
    await expect(window.comment(first)).to_have_count(0)
    gate.open()
    await expect(window.page.get_by_role("link", name="Newest")).to_have_attribute("aria-current", "true")
    await expect(window.comment(mine)).to_be_visible()
    await expect(window.comment(first)).to_have_count(0)
    assert (await window.order())[0] == mine["id"]


async def test_of_two_orders_that_are_asked_for_the_last_is_shown(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    for number in range(3):
        await newsroom.say(article, f"Number {number}")
    window = await Window.open(pages, newsroom.link(article))
    newest, top = Gate(), Gate()
    await window.page.route(re.compile(r"/thread\?sort=newest"), newest)
    await window.page.route(re.compile(r"/thread\?sort=top"), top)
    await window.page.locator('[data-sort="newest"]').click()
    await newest.asked.wait()
    await window.page.locator('[data-sort="top"]').click()
    await top.asked.wait()
    top.open()
    await expect(window.page.locator('[data-sort="top"]')).to_have_attribute("aria-current", "true")
    newest.open()
    await newest.told.wait()
    await window.post("Said after that.")
    await expect(window.page.locator('[data-sort="top"]')).to_have_attribute("aria-current", "true")
    await expect(window.page).to_have_url(re.compile("sort=top"))


async def test_further_comments_that_come_after_a_change_of_order_do_not_mix_with_it(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    made = [await newsroom.say(article, f"Number {number}.") for number in range(60)]
    window = await Window.open(pages, newsroom.link(article))
    gate = Gate()
    more = window.page.locator('[data-ripost="more"]')
    await window.page.route(re.compile(r"/thread\?.*cursor="), gate)
    await more.click()
    await gate.asked.wait()
    await window.page.get_by_role("link", name="Newest").click()
    await expect(window.comment(made[59])).to_be_visible()
    gate.open()
    await gate.told.wait()
    await window.page.unroute(re.compile(r"/thread\?.*cursor="))
    newest = [one["id"] for one in reversed(made)]
    assert await window.order() == newest[:25]
    await more.click()
    await expect(window.comment(made[15])).to_be_visible()
    assert await window.order() == newest[:50]


async def test_the_focus_goes_to_what_the_last_link_has_brought(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    made = [await newsroom.say(article, f"Number {number}.") for number in range(30)]
    window = await Window.open(pages, newsroom.link(article))
    await window.page.locator('[data-ripost="more"]').focus()
    await window.page.keyboard.press("Enter")
    await expect(window.comment(made[29])).to_be_visible()
    await expect(window.comment(made[25])).to_be_focused()


async def test_a_held_comment_that_was_refused_while_nobody_listened_is_gone_at_once(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article(state="premoderated")
    window = await Window.open(pages, newsroom.link(article))
    await window.write("Held for a moment.", "Ada")
    await expect(window.saying("Held for a moment.")).to_contain_text("Waiting for a moderator")
    await window.page.get_by_role("button", name="Pause live updates").click()
    await expect(window.status).to_have_attribute("data-state", "paused")
    [held] = [one for one in await newsroom.waiting() if one["article"] == article["id"]]
    await newsroom.decide(held, "reject")
    await window.page.locator('[data-ripost="pause"]').click()
    await expect(window.saying("Held for a moment.")).to_have_count(0)


async def test_a_held_answer_to_what_is_not_loaded_is_there_once_that_is(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    made = [await newsroom.say(article, f"Number {number}.") for number in range(30)]
    await newsroom.change(article, state="premoderated")
    window = await Window.open(pages, newsroom.link(article, f"?comment={made[29]['id']}"))
    await window.button(made[29], "reply").click()
    await window.write("Held, far down.", "Ada", form=window.form(made[29]))
    await expect(window.saying("Held, far down.")).to_contain_text("Waiting for a moderator")
    await window.page.goto(newsroom.link(article))
    await window.until("live")
    await window.page.locator('[data-ripost="more"]').click()
    await expect(window.saying("Held, far down.")).to_contain_text("Waiting for a moderator")


async def test_the_same_is_said_again(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await Window.open(pages, newsroom.link(article))
    mine = await window.post("A question.")
    said = window.page.locator('[data-ripost="said"]')
    await newsroom.say(article, "One answer.", "Bo", under=mine)
    await expect(said).to_have_text("Bo has answered you.")
    before = await said.text_content()
    await newsroom.say(article, "Another.", "Bo", under=mine)
    await expect(window.saying("Another.")).to_be_visible()
    assert await said.text_content() != before, "to who listens nothing has changed otherwise"
    await expect(said).to_have_text("Bo has answered you.")


async def test_that_a_comment_was_taken_down_is_said_and_of_one_that_was_never_shown_it_is_not(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    spam = await newsroom.say(article, "Buy this.", "Spam")
    window = await Window.open(pages, newsroom.link(article))
    said = window.page.get_by_role("status")
    behind = await newsroom.say(article, "Buy that.", "Spam")
    await expect(window.pill).to_have_attribute("data-count", "1")
    await newsroom.decide(behind, "reject")
    await expect(window.pill).to_have_count(0)
    assert not any(await said.all_text_contents())
    await newsroom.decide(spam, "reject")
    await expect(window.comment(spam)).to_have_count(0)
    await expect(window.status).to_have_text("Removed by a moderator")
    await expect(window.status).to_be_in_viewport()
    await expect(window.status).to_be_empty()  # and it is over


async def test_in_a_box_that_scrolls_what_is_read_stays_where_it_is(
    pages: Pages, newsroom: Newsroom, publisher: Publisher, article: Json
) -> None:
    made = [await newsroom.say(article, f"Number {number}. " + "A line or two of it. " * 12) for number in range(20)]
    url = publisher.origin + "/app.html"
    publisher.put(
        "/app.html",
        published(newsroom.url, url)
        .replace(
            "<body>",
            '<body style="margin: 0; overflow: hidden"><main style="height: 100vh; overflow: auto; overflow-anchor: none">',
        )
        .replace(f'article-url="{url}"', f'article="{article["id"]}"'),
    )
    window = await Window.open(pages, url)
    await window.comment(made[10]).evaluate("(one) => one.scrollIntoView({ block: 'center' })")
    top = await window.top_of(made[10])
    await newsroom.edit(made[1], "Much shorter.")
    await expect(window.entry(made[1])).to_contain_text("Much shorter.")
    assert abs(await window.top_of(made[10]) - top) <= 1
    assert await window.page.evaluate("document.documentElement.scrollHeight <= innerHeight"), "no second scroll bar"


async def test_a_shared_link_shows_what_it_is_about_without_more_being_loaded(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    made = [await newsroom.say(article, f"Number {number}. " + "Words. " * 60) for number in range(60)]
    window = await Window.open(pages, newsroom.link(article, f"?comment={made[50]['id']}"))
    await expect(window.comment(made[50])).to_be_in_viewport()
    names = await window.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert not [name for name in names if re.search(r"/(acting|placing|parts)\.js", name)]
    assert await window.page.evaluate(f"{ROOT}.activeElement?.id") == f"comment-{made[50]['id']}"


async def test_a_reply_that_a_page_brings_below_what_waits_waits_with_it(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    roots = [await newsroom.say(article, f"Root {n}") for n in range(30)]
    window = await Window.open(pages, newsroom.link(article))
    gate = Gate()
    await window.page.route(re.compile(r"/thread\?.*cursor="), gate)
    await window.page.locator('a[data-ripost="more"]').dispatch_event("click")
    await gate.asked.wait()
    await newsroom.say(article, "An answer to what is not loaded.", "Cy", under=roots[27])
    await newsroom.decide(roots[27], "reject")
    await newsroom.decide(roots[27], "restore")
    await expect(window.pill).to_have_attribute("data-count", "2")
    gate.open()
    await expect(window.comment(roots[29])).to_be_visible()
    await expect(window.comment(roots[27])).to_have_count(0)
    await expect(window.pill).to_have_attribute("data-count", "2")
    await window.pill.click()
    await expect(window.saying("An answer to what is not loaded.")).to_be_visible()
    await all_equal([window], newsroom, article)
