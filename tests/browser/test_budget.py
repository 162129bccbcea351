"""What a reader's browser loads: script and style of at most 14 KB as served before anything happens, and little more
for all that others do until the reader does something."""

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.browser.newsroom import Newsroom
from tests.browser.publisher import Publisher
from tests.browser.publisher import page as published
from tests.browser.window import Window
from tests.support.browser import Pages

BUDGET = 14 * 1024  # bytes: one initial congestion window of ten packets
LIVE = 4 * 1024  # bytes more, for what makes comments and shows who is there
FOREIGN = 3 * 1024  # bytes more where the server has rendered nothing
OF_THE_PAGE = ("site.css", "icon.svg")


async def loaded(page: Page, url: str) -> dict[str, int]:
    """The scripts and styles that a page has loaded from a server so far, in bytes as served."""
    names = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    paths = {name.removeprefix(url) for name in names if name.startswith(f"{url}/static/") and "/i18n/" not in name}
    sizes = {}
    async with httpx2.AsyncClient(base_url=url) as client:
        for path in sorted(paths):
            async with client.stream("GET", path, headers={"Accept-Encoding": "gzip, deflate, br, zstd"}) as answer:
                assert answer.status_code == 200, path
                sizes[path.rpartition("/")[2]] = sum([len(chunk) async for chunk in answer.aiter_raw()])
    return {name: size for name, size in sizes.items() if name not in OF_THE_PAGE}


@pytest.mark.parametrize("place", ["own page", "foreign page"])
async def test_a_reader_loads_14_kb(pages: Pages, newsroom: Newsroom, publisher: Publisher, place: str) -> None:
    article = await newsroom.article()
    url = newsroom.link(article)
    if place == "foreign page":
        url = publisher.origin + "/budget.html"
        publisher.put("/budget.html", published(newsroom.url, url))
        await Window.open(pages, url)
        article = (await newsroom.request("GET", f"/api/articles?url={url}"))["articles"][0]
    comments = [await newsroom.say(article, text) for text in ("A question.", "Another one.")]
    window = await Window.open(pages, url)
    at_rest = await loaded(window.page, newsroom.url)
    other = await Window.open(pages, url)
    await expect(window.page.locator(".readers")).to_contain_text("readers here", timeout=15_000)
    await other.button(comments[0], "reply").click()
    await other.form(comments[0]).locator("textarea").press_sequentially("Well")
    await expect(window.entry(comments[0]).locator(".replying")).to_be_visible(timeout=15_000)
    await newsroom.say(article, "While it is being read.")
    await newsroom.say(article, "An answer to it.", under=comments[0])
    await expect(window.pill).to_be_visible()
    await newsroom.edit(comments[0], "A question, put otherwise.")
    await expect(window.entry(comments[0])).to_contain_text("put otherwise")
    in_all = await loaded(window.page, newsroom.url)
    print(place, sum(at_rest.values()), at_rest, sum(in_all.values()), in_all)
    if place == "own page":
        assert sum(at_rest.values()) <= BUDGET, at_rest
        assert sum(in_all.values()) <= BUDGET + LIVE, in_all
    else:
        assert sum(in_all.values()) <= BUDGET + LIVE + FOREIGN, in_all
