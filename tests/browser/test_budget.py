"""What a reader's browser loads: script and style of at most 14 KB as served, all of it, until the reader writes something
or asks to see what waits."""

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.browser.newsroom import Newsroom
from tests.browser.publisher import Publisher
from tests.browser.publisher import page as published
from tests.browser.window import Window
from tests.support.browser import Pages

BUDGET = 14 * 1024  # bytes: one initial congestion window of ten packets


async def loaded(page: Page, url: str) -> dict[str, int]:
    """The scripts and styles that a page has loaded from a server so far, in bytes as served; not the words."""
    names = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    paths = {name.removeprefix(url) for name in names if name.startswith(f"{url}/static/")}
    assert all("/i18n/" in path or path.endswith((".js", ".css", ".svg")) for path in paths), paths
    sizes = {}
    async with httpx2.AsyncClient(base_url=url) as client:
        for path in sorted(path for path in paths if path.endswith((".js", ".css"))):
            async with client.stream("GET", path, headers={"Accept-Encoding": "gzip, deflate, br, zstd"}) as answer:
                assert answer.status_code == 200, path
                sizes[path.rpartition("/")[2]] = sum([len(chunk) async for chunk in answer.aiter_raw()])
    inline = await page.evaluate(
        """[...document.querySelectorAll('script, style'), ...document.querySelector('ripost-thread').shadowRoot
          .querySelectorAll('script, style')].filter((one) => !one.src && !/json/.test(one.type))
          .map((one) => one.textContent.length)"""
    )
    return sizes | {f"inline {number}": size for number, size in enumerate(inline)}


@pytest.mark.parametrize("place", ["own page", "foreign page"])
async def test_a_reader_loads_14_kb(pages: Pages, newsroom: Newsroom, publisher: Publisher, place: str) -> None:
    article = await newsroom.article()
    url = newsroom.link(article)
    if place == "foreign page":
        url = publisher.origin + "/budget.html"
        publisher.put("/budget.html", published(newsroom.url, url))
        await Window.open(pages, url)
        article = (await newsroom.request("GET", f"/api/articles?url={url}"))["articles"][0]
    first = await newsroom.say(article, "A question.")
    second = await newsroom.say(article, "Another one.", "Bo")
    answer = await newsroom.say(article, "An answer.", "Bo", under=first)
    last = await newsroom.say(article, "Soon gone.", "Cleo")
    window = await Window.open(pages, url)
    other = await Window.open(pages, url)
    await expect(window.page.locator(".readers")).to_contain_text("readers here", timeout=15_000)
    await other.button(first, "reply").click()
    await other.form(first).locator("textarea").press_sequentially("Well")
    await expect(window.entry(first).locator(".replying")).to_be_visible(timeout=15_000)
    await newsroom.say(article, "While it is being read.")
    await newsroom.say(article, "An answer to it.", under=second)
    await expect(window.pill).to_be_visible()
    await newsroom.edit(answer, "An answer, **put otherwise**.")
    await expect(window.entry(answer)).to_contain_text("put otherwise")
    await newsroom.vote(second, "Cleo", 1)
    await expect(window.button(second, "up")).to_contain_text("1", timeout=15_000)
    await newsroom.decide(second, "pin")
    await expect(window.entry(second)).to_contain_text("Pinned")
    await newsroom.decide(first, "reject")
    await expect(window.entry(first)).to_contain_text("Removed by a moderator")
    await newsroom.decide(last, "reject")
    await expect(window.comment(last)).to_have_count(0)
    await window.page.mouse.wheel(0, 400)
    sizes = await loaded(window.page, newsroom.url)
    print(place, sum(sizes.values()), sizes)
    assert sum(sizes.values()) <= BUDGET, sizes
