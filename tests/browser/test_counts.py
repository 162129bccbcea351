"""A front page's comment counts: filled in, live over one connection, let go of while nobody looks."""

import re
from urllib.parse import quote

from playwright.async_api import Page, WebSocket, WebSocketRoute, expect

from tests.browser.newsroom import Newsroom
from tests.browser.publisher import Publisher
from tests.browser.window import eventually
from tests.support.browser import Pages

WORDS = 'data-zero="No comments yet" data-one="{n} comment" data-other="{n} comments"'


def front(server: str, items: str, *, lang: str = "en", head: str = "") -> str:
    """A publisher's front page with the one line of the documentation."""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Front</title>{head}'
        f'<script type="module" src="{server}/static/counts.js"></script></head><body>{items}</body></html>'
    )


class Sockets:
    """The live connections that a page has opened, and what came and went on them."""

    def __init__(self, page: Page) -> None:
        self.open: list[WebSocket] = []
        self.made = 0
        self.sent: list[str] = []
        page.on("websocket", self._add)

    def _add(self, socket: WebSocket) -> None:
        self.made += 1
        self.open.append(socket)
        socket.on("close", lambda gone: self.open.remove(gone))
        socket.on("framesent", lambda text: self.sent.append(str(text)))

    async def until(self, number: int) -> None:
        async def there() -> bool:
            return len(self.open) == number

        await eventually(there, f"{number} connections are open, not {len(self.open)}")


async def show_as(page: Page, state: str) -> None:
    """Tells the page that its tab is hidden, or looked at again."""
    await page.evaluate(
        """(state) => {
          Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
          Object.defineProperty(document, "hidden", { value: state === "hidden", configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        state,
    )


async def test_counts_are_filled_by_id_by_address_and_by_link_and_stay_live_over_one_connection(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    story = publisher.origin + "/stories/moles"
    by_id, by_url = await newsroom.article("Counted by id"), await newsroom.article("By address", url=story)
    await newsroom.say(by_id, "One.")
    await newsroom.say(by_url, "One.")
    await newsroom.say(by_url, "Two.")
    items = (
        f'<b id="id" data-ripost-count="{by_id["id"]}">…</b><b id="url" data-ripost-count="{story}?utm_source=x">…</b>'
        f'<a id="link" href="/stories/moles#talk" data-ripost-count {WORDS}>…</a>'
        f'<a href="/stories/moles">Moles <i id="inside" data-ripost-count>…</i></a>'
        f'<b id="never" data-ripost-count="/stories/never-seen" {WORDS}>Talk</b>'
        '<b id="broken" data-ripost-count="http://[">Talk</b><b id="unknown" data-ripost-count="999999999">Talk</b>'
    )
    page = await pages()
    sockets = Sockets(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
    await page.goto(publisher.put("/front.html", front(newsroom.url, items)))
    for name, text in {
        "id": "1", "url": "2", "link": "2 comments", "inside": "2",
        "never": "No comments yet", "broken": "Talk", "unknown": "Talk",
    }.items():  # fmt: skip
        await expect(page.locator(f"#{name}")).to_have_text(text)
    await sockets.until(1)
    await newsroom.say(by_id, "Two.")
    third = await newsroom.say(by_url, "Three.")
    await expect(page.locator("#id")).to_have_text("2")
    await expect(page.locator("#link")).to_have_text("3 comments")
    await newsroom.decide(third, "reject")
    await expect(page.locator("#link")).to_have_text("2 comments")
    assert len(asked) == 1 and sockets.made == 1, (asked, sockets.made)


async def test_what_is_added_later_is_counted_too(pages: Pages, newsroom: Newsroom, publisher: Publisher) -> None:
    first, second = await newsroom.article("Added first"), await newsroom.article("Added second")
    await newsroom.say(second, "One.")
    items = f'<b data-ripost-count="{first["id"]}">…</b>'
    page = await pages(publisher.put("/later.html", front(newsroom.url, items)))
    await expect(page.locator("b")).to_have_text("0")
    await page.evaluate(
        "(id) => { const i = document.createElement('i'); i.dataset.ripostCount = id; document.body.append(i); }",
        str(second["id"]),
    )
    await expect(page.locator("i")).to_have_text("1")
    await newsroom.say(second, "Two.")
    await expect(page.locator("i")).to_have_text("2")


async def test_numbers_and_plurals_are_those_of_the_pages_language(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    article = await newsroom.article("Plurals")
    for number in range(3):
        await newsroom.say(article, f"{number}")
    forms = 'data-two="تعليقان" data-few="{n} تعليقات" data-other="{n} تعليق"'
    place = f'data-ripost-count="{article["id"]}"'
    items = (
        f'<b id="ar" lang="ar-EG" {place} {forms}></b><b id="wrong" lang="no such language" {place}></b>'
        f'<b id="page" {place} data-one="{{n}} Kommentar" data-other="{{n}} Kommentare"></b>'
    )
    page = await pages(publisher.put("/plurals.html", front(newsroom.url, items, lang="de")))
    await expect(page.locator("#ar")).to_have_text("٣ تعليقات")
    await expect(page.locator("#page")).to_have_text("3 Kommentare")
    await expect(page.locator("#wrong")).to_have_text("3")


async def test_a_page_that_nobody_looks_at_lets_go_and_catches_up_when_it_is_looked_at(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    article = await newsroom.article("Hidden")
    items = f'<b data-ripost-count="{article["id"]}">…</b>'
    page = await pages()
    await page.clock.install()
    sockets = Sockets(page)
    await page.goto(publisher.put("/hidden.html", front(newsroom.url, items)))
    await expect(page.locator("b")).to_have_text("0")
    await sockets.until(1)
    await show_as(page, "hidden")
    await page.clock.run_for(30_000)
    await newsroom.say(article, "Heard while hidden for a moment.")
    await expect(page.locator("b")).to_have_text("1")
    await page.clock.run_for(31_000)
    await sockets.until(0)
    await newsroom.say(article, "Not heard.")
    await show_as(page, "visible")
    await expect(page.locator("b")).to_have_text("2")
    await sockets.until(1)


async def test_a_lost_connection_comes_back_and_a_refusal_is_final(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    article = await newsroom.article("Lost")
    items = f'<b data-ripost-count="{article["id"]}">…</b>'
    page = await pages()
    await page.clock.install()
    said: list[str] = []

    def serve(socket: WebSocketRoute) -> None:
        async def hear(message: str | bytes) -> None:
            said.append(str(message))
            socket.send(f'{{"type":"counts","counts":{{"{article["id"]}":{10 + len(said)}}}}}')
            await socket.close(code=[4002, 1011, 4503][len(said) - 1])

        socket.on_message(hear)

    await page.route_web_socket(re.compile("/live$"), serve)
    await page.goto(publisher.put("/lost.html", front(newsroom.url, items)))
    for number in (1, 2, 3):
        await expect(page.locator("b")).to_have_text(f"{10 + number}")
        await page.clock.run_for(5_000)  # longer than the wait after the second failure
    assert all(f'"counts":[{article["id"]}]' in message for message in said)
    await page.evaluate("dispatchEvent(new Event('online'))")
    await page.clock.run_for(60_000)
    assert len(said) == 3, "4503 means do not come back"


async def test_the_list_of_articles_has_live_counts_under_its_strict_policy(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article("On the front page of Ripost itself")
    page = await pages()
    sockets = Sockets(page)
    await page.goto(newsroom.url + "/")
    count = page.locator(f'a.count[href="/a/{quote(article["slug"])}#ripost-thread"]')
    await expect(count).to_have_text("0 comments")
    await sockets.until(1)
    await newsroom.say(article, "First.")
    await expect(count).to_have_text("1 comment")
    assert not [line for line in pages.console if "Content Security Policy" in line]
    german = await pages(newsroom.url + "/", locale="de-DE")
    await expect(german.locator(f'a.count[data-ripost-count="{article["id"]}"]')).to_have_text("1 Kommentar")
    await newsroom.say(article, "Second.")
    await expect(german.locator(f'a.count[data-ripost-count="{article["id"]}"]')).to_have_text("2 Kommentare")
