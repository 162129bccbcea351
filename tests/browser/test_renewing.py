"""The page says something else about its discussion (language, order, who reads) while somebody reads or writes in it."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import ROOT, Window
from tests.support.browser import Pages

WORDS = "The tide comes in twice a day, and nobody has ever asked it to."
FOCUS = f"(() => {{ const one = {ROOT}.activeElement; return one && [one.name, one.selectionStart]; }})()"


async def change(window: Window, name: str, value: str) -> None:
    """The page around the element changes it."""
    await window.page.locator("ripost-thread").evaluate(
        "(one, [name, value]) => one.setAttribute(name, value)", [name, value]
    )


async def latency(page: Page, milliseconds: int) -> None:
    """Whatever is asked for from now on takes so long."""
    devtools = await page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": milliseconds, "downloadThroughput": -1, "uploadThroughput": -1}
    await devtools.send("Network.emulateNetworkConditions", conditions)


async def typed_meanwhile(window: Window, name: str, value: str, *, first: str, then: str) -> None:
    """Types, and goes on while the page changes the element and until the new one is there."""
    await window.page.keyboard.type(first)
    await change(window, name, value)
    await window.page.keyboard.type(then, delay=25)


@pytest.mark.parametrize("place", ["composer", "answer"])
@pytest.mark.parametrize(
    ("name", "value", "milliseconds"), [("lang", "de", 200), ("sort", "newest", 0), ("token", "", 0)]
)
async def test_who_writes_goes_on_writing(
    pages: Pages, newsroom: Newsroom, place: str, name: str, value: str, milliseconds: int
) -> None:
    article = await newsroom.article()
    first, _ = [await newsroom.say(article, text) for text in ("A question.", "Another.")]
    window = await Window.open(pages, newsroom.link(article))
    form = window.composer
    if place == "answer":
        await window.button(first, "reply").click()
        form = window.form(first)
    await form.locator("textarea").click()
    await expect(form.get_by_role("toolbar")).to_be_visible()
    await window.page.locator("ripost-thread section").evaluate("(one) => (one.title = 'old')")
    await latency(window.page, milliseconds)
    await typed_meanwhile(window, name, value, first=WORDS[:10], then=WORDS[10:])
    await expect(window.page.locator("section[title=old]")).to_have_count(0)
    await expect(form.get_by_role("toolbar")).to_be_visible()
    await expect(form.locator("textarea")).to_have_value(WORDS)
    assert await window.page.evaluate(FOCUS) == ["text", len(WORDS)]
    await window.write(WORDS, "Ida", form=form)
    await expect(window.saying(WORDS)).to_be_visible()
    await expect(window.page.locator("textarea")).to_have_count(1)
    [said] = [one for one in await newsroom.thread(article) if one["author"]["name"] == "Ida"]
    assert said["parent"] == (first["id"] if place == "answer" else None)


async def test_a_name_that_is_being_typed_stays_in_its_field(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    window = await Window.open(pages, newsroom.link(article))
    await window.composer.locator("textarea").fill("My text.")
    await window.composer.locator("input[name=name]").click()
    await latency(window.page, 200)
    await typed_meanwhile(window, "lang", "fr", first="Lena ", then="Maria Schmidt of Low Street")
    await expect(window.page.locator("section[lang=fr]")).to_have_count(1)
    await expect(window.composer.locator("input[name=name]")).to_have_value("Lena Maria Schmidt of Low Street")
    await expect(window.composer.locator("textarea")).to_have_value("My text.")


async def test_without_storage_nothing_that_is_written_is_lost(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    first = await newsroom.say(article, "A question.")
    page = await pages()
    await page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
    )
    await page.goto(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    mine = await window.post("One of my own.", "Ida")
    await window.composer.locator("textarea").fill("A long thought.")
    await window.button(first, "reply").click()
    await window.form(first).locator("textarea").fill("An answer.")
    await change(window, "lang", "de")
    await expect(page.locator("section[lang=de]")).to_have_count(1)
    await expect(window.composer.locator("textarea")).to_have_value("A long thought.")
    await expect(window.form(first).locator("textarea")).to_have_value("An answer.")
    await expect(window.button(mine, "edit")).to_be_visible()


async def test_who_reads_further_on_stays_there(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    comments: list[Json] = [
        await newsroom.say(article, f"Number {number}. " + "And so on. " * 20) for number in range(40)
    ]
    window = await Window.open(pages, newsroom.link(article))
    await window.page.locator('[data-ripost="more"]').click()
    await expect(window.comment(comments[35])).to_be_visible()
    await window.button(comments[35], "reply").focus()
    await window.scroll_to(comments[35])
    before = await window.top_of(comments[35])
    await change(window, "lang", "es")
    await expect(window.page.locator("section[lang=es]")).to_have_count(1)
    await expect(window.comment(comments[39])).to_have_count(1)
    await window.until("live")
    assert abs(await window.top_of(comments[35]) - before) <= 1
    await expect(window.button(comments[35], "reply")).to_be_focused()
    assert await window.order() == [one["id"] for one in comments]
    late = await newsroom.say(article, "Late.")
    await expect(window.pill).to_have_attribute("data-count", "1")
    await expect(window.comment(late)).to_have_count(0)


async def test_the_old_one_stays_in_use_while_the_new_one_cannot_be_had(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    await newsroom.say(article, "Here before.")
    window = await Window.open(pages, newsroom.link(article))
    await window.composer.locator("textarea").click()
    await expect(window.composer.get_by_role("toolbar")).to_be_visible()
    await window.page.route("**/api/drawn?*", lambda route: route.abort())
    await change(window, "sort", "newest")
    await expect(window.page.get_by_role("alert")).to_contain_text("could not be loaded")
    await window.post("In the meantime.", "Ida")
    await window.page.unroute("**/api/drawn?*")
    await expect(window.page.locator("[data-sort=newest]")).to_have_attribute("aria-current", "true")
    await expect(window.page.get_by_role("alert")).to_have_count(0)
    await expect(window.saying("In the meantime.")).to_have_count(1)
