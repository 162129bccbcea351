"""Nobody loses a word: whatever goes wrong, the text stays, the reason is said, and it is posted once."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window
from tests.support.browser import Pages
from tests.support.proxy import FaultProxy
from tests.support.server import RipostServer

Proxies = Callable[[str], Awaitable[FaultProxy]]


@pytest.fixture
async def article(newsroom: Newsroom) -> Json:
    return await newsroom.article()


async def texts(newsroom: Newsroom, article: Json) -> list[Any]:
    """The trees of all comments, in order."""
    return [one["tree"] for one in await newsroom.thread(article)]


async def test_drafts_survive_a_reload_at_every_place_and_go_when_they_are_posted(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    root = await newsroom.say(article, "A question.")
    window = await Window.open(pages, newsroom.link(article))
    await window.composer.locator("textarea").fill("At the top, not finished")
    await window.composer.locator("input").fill("Dora")
    await window.button(root, "reply").click()
    await window.form(root).locator("textarea").fill("An answer, not finished")
    await window.page.reload()
    await window.until("live")
    await expect(window.composer.locator("textarea")).to_have_value("At the top, not finished")
    await expect(window.composer.locator("input")).to_have_value("Dora")
    await expect(window.form(root).locator("textarea")).to_have_value("An answer, not finished")
    await window.write("An answer, finished.", "Dora", form=window.form(root))
    await expect(window.saying("An answer, finished.")).to_be_visible()
    await expect(window.form(root)).to_have_count(0)
    await window.page.reload()
    await window.until("live")
    await expect(window.composer.locator("textarea")).to_have_value("At the top, not finished")
    await expect(window.page.locator("article form")).to_have_count(0)


async def test_words_typed_before_the_script_was_there_are_kept(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    page = await pages()
    window = Window(page)

    async def later(route: Any) -> None:
        await window.composer.locator("textarea").fill("Typed early.")
        await route.continue_()

    await page.route("**/ripost.js", later)
    await page.goto(newsroom.link(article), wait_until="commit")
    await window.until("live")
    await expect(window.composer.locator("textarea")).to_have_value("Typed early.")
    await window.composer.locator("input").fill("Early")
    await window.composer.locator("button[type=submit]").click()
    await expect(window.saying("Typed early.")).to_be_visible()


@pytest.mark.faults
async def test_a_lost_answer_and_its_retry_post_exactly_once_and_the_token_works(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    await newsroom.say(article, "A word before.")
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    await window.composer.locator("textarea").focus()
    await expect(window.composer.locator(".message")).to_have_count(1)
    proxy.lose_answer_to(b"POST /api/articles")
    mine = await window.post("Only once, please.")
    await expect(window.composer.locator("textarea")).to_have_value("")
    assert await texts(newsroom, article) == [[["p", "A word before."]], [["p", "Only once, please."]]]
    await window.button(mine, "edit").click()
    await expect(window.form(mine).locator("textarea")).to_have_value("Only once, please.")
    await window.write("Once, and changed.", None, form=window.form(mine))
    await expect(window.saying("Once, and changed.")).to_be_visible()


@pytest.mark.faults
async def test_what_could_not_be_sent_says_so_survives_a_reload_and_is_posted_once(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    await window.composer.locator("textarea").focus()
    await expect(window.composer.locator(".message")).to_have_count(1)
    proxy.forbid(b"post /api/articles")
    await window.write("Into the tunnel.")
    await expect(window.composer).to_contain_text("Not sent yet: the server cannot be reached.")
    await expect(window.composer.locator("textarea")).to_have_value("Into the tunnel.")
    await window.page.reload()
    await expect(window.composer.locator("textarea")).to_have_value("Into the tunnel.")
    proxy.resume()
    await expect(window.saying("Into the tunnel.")).to_be_visible()
    assert await texts(newsroom, article) == [[["p", "Into the tunnel."]]]


@pytest.mark.faults
async def test_a_composer_that_is_opened_offline_opens_when_the_server_is_back(
    pages: Pages, newsroom: Newsroom, article: Json, fault_proxy: Proxies
) -> None:
    root = await newsroom.say(article, "A question.")
    proxy = await fault_proxy(newsroom.url)
    window = await Window.open(pages, newsroom.link(article, at=proxy.url))
    proxy.refuse()
    await window.until("offline")
    await window.composer.locator("textarea").fill("Typed offline.")
    await window.composer.locator("input").fill("Ola")
    await window.composer.locator("button[type=submit]").click()
    await expect(window.page.get_by_text("Not sent yet")).to_be_visible()
    proxy.resume()
    await expect(window.saying("Typed offline.")).to_be_visible(timeout=20_000)
    assert await texts(newsroom, article) == [[["p", "A question."]], [["p", "Typed offline."]]]
    await window.reply(root, "And now online.", None)


async def test_a_comment_without_name_or_text_is_not_sent_and_the_field_is_pointed_at(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await window.write("Who am I?", None)
    await expect(window.composer.get_by_role("status")).to_have_text("Please give a name.")
    await expect(window.composer.locator("input")).to_be_focused()
    await expect(window.composer.locator("input")).to_have_attribute("aria-invalid", "true")
    await expect(window.composer.locator("textarea")).to_have_value("Who am I?")
    await window.write("   ", "Nia")
    await expect(window.composer.get_by_role("status")).to_have_text("Write something first.")
    await expect(window.composer.locator("textarea")).to_be_focused()
    assert await newsroom.thread(article) == []


async def test_a_text_that_is_too_long_is_counted_and_kept(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await Window.open(pages, newsroom.link(article))
    area = window.composer.locator("textarea")
    await area.focus()
    await expect(window.composer.locator(".message")).to_have_count(1)
    await area.fill("x" * 9990)
    await expect(window.composer.locator(".counter")).to_have_text("10 characters left")
    await area.fill("x" * 10_003)
    await expect(window.composer.locator(".counter")).to_have_text("3 characters too many")
    await window.write("x" * 10_003)
    await expect(window.composer.get_by_role("status")).to_have_text("3 characters too many")
    assert len(await area.input_value()) == 10_003
    await area.fill("Shorter.")
    await window.composer.locator("button[type=submit]").click()
    await expect(window.saying("Shorter.")).to_be_visible()


async def test_what_the_server_finds_wrong_is_said_at_the_field(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await window.write("A fine text.", "\u200b\u200b")
    await expect(window.composer.get_by_role("status")).not_to_have_text("")
    await expect(window.composer.locator("input")).to_have_attribute("aria-invalid", "true")
    await expect(window.composer.locator("textarea")).to_have_value("A fine text.")
    await window.composer.locator("input").fill("Fia")
    await window.composer.locator("button[type=submit]").click()
    await expect(window.saying("A fine text.")).to_be_visible()


async def test_slow_mode_counts_down_and_keeps_the_text(
    pages: Pages,
    ripost_server: Callable[..., RipostServer],
    newsroom_of: Callable[[RipostServer], Awaitable[Newsroom]],
) -> None:
    newsroom = await newsroom_of(ripost_server())  # the limits are on, as for readers
    article = await newsroom.article(slow_mode_seconds=4)
    window = await Window.open(pages, newsroom.link(article))
    await window.post("The first.")
    await window.write("The second.")
    button = window.composer.locator("button[type=submit]")
    await expect(window.composer).to_contain_text("You can post again in")
    await expect(button).to_be_disabled()
    await expect(window.composer.locator("textarea")).to_have_value("The second.")
    await expect(button).to_be_enabled(timeout=8000)
    await expect(window.composer.get_by_role("status")).to_have_text("")
    await button.click()
    await expect(window.saying("The second.")).to_be_visible()


async def test_an_expired_token_lets_one_go_on_as_a_guest_without_losing_the_text(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    page = await pages(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    mine = await window.post("The first.", "Gus")
    await page.evaluate(
        """() => {
          for (const key of Object.keys(localStorage)) {
            if (!key.endsWith(':identities')) continue;
            const spoilt = JSON.parse(localStorage[key]).map((one) => ({ ...one, token: 'no longer known' }));
            localStorage[key] = JSON.stringify(spoilt);
          }
        }"""
    )
    await page.reload()
    await window.until("live")
    again = await window.post("The second.", "Gus")
    await expect(window.comment(again)).to_be_visible()
    by = {one["id"]: one["author"] for one in await newsroom.thread(article)}
    assert by[again["id"]]["name"] == "Gus" and by[again["id"]]["id"] != by[mine["id"]]["id"]


async def test_an_expired_member_is_told_and_can_post_the_same_text_as_a_guest(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    page = await pages(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    await page.evaluate("document.querySelector('ripost-thread').setAttribute('token', 'expired long ago')")
    await window.until("live")
    await window.write("My words stay.", None)
    await expect(window.composer.get_by_role("status")).not_to_have_text("")
    await expect(window.composer.locator("textarea")).to_have_value("My words stay.")
    await window.composer.locator("input").fill("Mem")
    await window.composer.locator("button[type=submit]").click()
    await expect(window.saying("My words stay.")).to_be_visible()


async def test_one_edits_and_deletes_ones_own_comment_and_nobody_elses(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    theirs = await newsroom.say(article, "Not mine.")
    window = await Window.open(pages, newsroom.link(article))
    other = await Window.open(pages, newsroom.link(article))
    mine = await window.post("Mine, with a tpyo.")
    for name in ("edit", "delete"):
        await expect(window.button(theirs, name)).to_have_count(0)
        await expect(other.button(mine, name)).to_have_count(0)
    await other.pill.click()
    await window.button(mine, "edit").click()
    await expect(window.form(mine).locator("textarea")).to_have_value("Mine, with a tpyo.")
    await window.write("Mine, with a typo.", None, form=window.form(mine))
    for one in (window, other):
        await expect(one.entry(mine).locator(".body")).to_have_text("Mine, with a typo.")
    await window.button(mine, "delete").click()
    await window.page.get_by_role("button", name="Keep it").click()
    await expect(window.button(mine, "delete")).to_be_focused()
    await window.button(mine, "delete").click()
    await window.entry(mine).locator('button[data-ripost="confirm"]').click()
    for one in (window, other):
        await expect(one.comment(mine)).to_have_count(0)
        assert "Mine, with" not in await one.markup()


async def test_a_member_of_the_publishers_page_posts_under_their_own_name(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    page = await pages(newsroom.link(article))
    window = Window(page)
    await page.evaluate(f"document.querySelector('ripost-thread').setAttribute('token', {json.dumps(newsroom.token)})")
    await window.until("live")
    await window.composer.locator("textarea").focus()
    await expect(window.composer).to_contain_text("Posting as Mo Derator")
    await expect(window.composer.locator("input")).to_be_hidden()
    mine = await window.post("With my own name.", None)
    await expect(window.entry(mine).locator(".author")).to_have_text("Mo Derator")
    await expect(window.entry(mine).locator(".role")).to_have_text("Moderator")


async def test_blocked_storage_costs_nothing_but_the_memory(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    page = await pages()
    await page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('blocked', 'SecurityError'); } })"
    )
    await page.goto(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    mine = await window.post("Without storage.")
    await window.reply(mine, "And a reply.", None)
    await expect(window.button(mine, "edit")).to_be_visible()
    names = {one["author"]["id"] for one in await newsroom.thread(article)}
    assert len(names) == 1


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert(1)>",
        "**bold** and `code`",
        "a\n\nb",
        "\u202egnal eman",
        "🙂‍↔️ emoji",
        "&amp; &lt;b&gt;",
    ],
)
async def test_what_is_typed_looks_the_same_in_the_writers_window_and_after_a_reload(
    pages: Pages, newsroom: Newsroom, article: Json, text: str
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await window.write(text)
    await expect(window.page.locator("article[data-comment-id]")).to_have_count(1)
    body = window.page.locator("article[data-comment-id] > .entry > .body")
    before = await body.inner_html()
    await window.page.reload()
    await window.until("live")
    assert await body.inner_html() == before
    assert await window.page.locator("article[data-comment-id] img, article[data-comment-id] script").count() == 0
