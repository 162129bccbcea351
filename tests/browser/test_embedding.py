"""On somebody else's page the discussion looks and works the same, and does no harm where it may not be."""

import re

import pytest
from playwright.async_api import Route, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.publisher import Publisher, page
from tests.browser.window import ROOT, Window
from tests.support.browser import Pages

# What a site may do to every element of its own.
HOSTILE = """<style>
  * { all: unset; }
  * { color: red !important; font: 5px monospace !important; letter-spacing: 1em !important; float: left }
  button, article, textarea { display: none !important; }
  div, p, section { position: fixed !important; opacity: 0.1 }
  ripost-thread { display: inline; }
</style>"""


async def embedded(newsroom: Newsroom, url: str) -> Json:
    """The article that the server has for a publisher's page."""
    found = await newsroom.request("GET", f"/api/articles?url={url}")
    assert found["articles"], f"nothing was opened for {url}"
    return found["articles"][0]  # type: ignore[no-any-return]


async def test_a_page_never_seen_shows_an_empty_live_discussion_that_takes_the_first_comment(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    url = publisher.put("/first.html", page(newsroom.url, publisher.origin + "/first.html"))
    window = await Window.open(pages, url)
    other = await Window.open(pages, url)
    await expect(window.page.get_by_text("No comments yet. Yours could be the first.")).to_be_visible()
    mine = await window.post("The first, from another site.")
    await expect(other.comment(mine)).to_be_visible()
    article = await embedded(newsroom, url)
    assert article["title"] == "Bees in the gutter" and article["comment_count"] == 1
    await window.reply(mine, "And a second.", None)
    theirs = await newsroom.say(article, "From Ripost's own page.", "Bo", under=mine)
    await expect(window.comment(theirs)).to_be_visible()
    await window.button(mine, "edit").click()
    await window.write("The first, changed.", None, form=window.form(mine))
    await expect(other.saying("The first, changed.")).to_be_visible()
    own = await Window.open(pages, newsroom.link(article))
    assert await own.order() == await window.order()


async def test_the_styles_of_the_page_do_not_reach_it(pages: Pages, newsroom: Newsroom, publisher: Publisher) -> None:
    url = publisher.put("/hostile.html", page(newsroom.url, publisher.origin + "/hostile.html", head=HOSTILE))
    window = await Window.open(pages, url)
    mine = await window.post("Still readable?")
    await window.reply(mine, "And answered.", None)
    for control in (window.composer.locator("button[type=submit]"), window.button(mine, "reply"), window.comment(mine)):
        await expect(control).to_be_visible()
    looks = (
        await window.entry(mine)
        .locator(".body")
        .evaluate(
            """(body) => {
          const style = getComputedStyle(body);
          return [style.fontSize, style.letterSpacing, style.position, style.opacity, style.color];
        }"""
        )
    )
    assert looks[0] == "16px" and looks[1] == "normal" and looks[2] == "static" and looks[3] == "1"
    assert looks[4] != "rgb(255, 0, 0)"
    box = await window.composer.bounding_box()
    assert box is not None and box["width"] >= 200 and box["height"] > 100


async def test_it_works_under_the_strictest_policy_of_the_page(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    ours, live = newsroom.url, newsroom.url.replace("http", "ws", 1)
    policy = (
        f"default-src 'none'; script-src {ours}; style-src {ours}; connect-src {ours} {live}; base-uri 'none'; "
        "form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    text = page(newsroom.url, publisher.origin + "/strict.html")
    url = publisher.put("/strict.html", text, Content_Security_Policy=policy)
    window = await Window.open(pages, url)
    mine = await window.post("Under a strict policy.")
    await window.button(mine, "reply").click()
    await window.write("With **bold** words.", None, form=window.form(mine))
    await expect(window.saying("With bold words.").locator("strong").last).to_be_visible()
    assert not [line for line in pages.console if "Content Security Policy" in line or "Trusted" in line], pages.console


async def test_a_page_that_may_not_embed_says_so_and_does_not_ask_again_by_itself(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    stranger = Publisher(publisher.pages).start()  # the same pages on a port that nobody has allowed
    try:
        publisher.put("/stranger.html", page(newsroom.url, stranger.origin + "/stranger.html"))
        window = Window(await pages())
        asked: list[str] = []
        window.page.on("request", lambda request: asked.append(request.url) if "/api/" in request.url else None)
        await window.page.goto(stranger.origin + "/stranger.html")
        failure = window.page.get_by_role("alert")
        await expect(failure).to_contain_text("could not be loaded")
        await expect(window.page.get_by_role("heading", name="Discussion")).to_be_visible()
        count = len(asked)
        # Whoever waits long enough to press a button would have seen another attempt by now.
        for _ in range(20):
            await window.page.evaluate("new Promise((resolve) => requestAnimationFrame(resolve))")
        assert len(asked) == count <= 2
        async with window.page.expect_request("**/api/**"):
            await failure.get_by_role("button", name="Try again").click()
        await expect(failure).to_contain_text("could not be loaded")
        assert count < len(asked) <= 2 * count
    finally:
        stranger.stop()


async def test_a_page_cannot_open_the_discussion_of_a_site_that_is_not_allowed(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    url = publisher.put("/elsewhere.html", page(newsroom.url, "https://example.org/somebody-elses"))
    window = Window(await pages(url))
    await expect(window.page.get_by_role("alert")).to_contain_text("example.org")


async def test_a_discussion_can_be_named_by_its_number_and_change_with_the_attribute(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    one, two = await newsroom.article("One"), await newsroom.article("Two")
    first, second = await newsroom.say(one, "In one."), await newsroom.say(two, "In two.")
    text = page(newsroom.url, "").replace('article-url=""', f'article="{one["id"]}"')
    window = await Window.open(pages, publisher.put("/number.html", text))
    await expect(window.comment(first)).to_be_visible()
    await window.page.evaluate(f"document.querySelector('ripost-thread').setAttribute('article', '{two['id']}')")
    await expect(window.comment(second)).to_be_visible()
    await expect(window.comment(first)).to_have_count(0)
    await window.until("live")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_the_page_decides_about_light_and_dark(
    pages: Pages, newsroom: Newsroom, publisher: Publisher, theme: str
) -> None:
    address = f"/{theme}.html"
    text = page(newsroom.url, publisher.origin + address, attributes=f' theme="{theme}"')
    window = await Window.open(
        pages, publisher.put(address, text), color_scheme="dark" if theme == "light" else "light"
    )
    colour = await window.count.evaluate("(one) => getComputedStyle(one).color")
    red = int(re.findall(r"\d+", colour)[0])
    assert (red < 100) is (theme == "light"), colour


async def test_what_the_page_puts_inside_is_shown_until_the_discussion_is(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    url = publisher.origin + "/inside.html"
    made = page(newsroom.url, url).replace("</ripost-thread>", '<a href="/elsewhere">Comments</a></ripost-thread>')
    publisher.put("/inside.html", made)
    window = Window(await pages())
    inside = window.page.get_by_role("link", name="Comments", exact=True)
    await window.page.route("**/i18n/**", lambda route: route.abort())
    await window.page.goto(url)
    await expect(inside).to_be_visible()
    await window.page.unroute("**/i18n/**")
    await window.until("live")
    await expect(inside).to_be_hidden()
    await window.page.locator("ripost-thread").evaluate("(one) => one.setAttribute('lang', 'de')")
    await expect(window.page.get_by_role("heading", name="Kommentare")).to_be_visible()
    await expect(inside).to_be_hidden()


# The elements that stand there, without where links lead to and when the times were worded.
STANDS = f"""() => {{
  const section = {ROOT}.querySelector('section').cloneNode(true);
  for (const one of section.querySelectorAll('noscript, .readers')) one.remove();
  for (const one of section.querySelectorAll('[href]')) one.removeAttribute('href');
  for (const one of section.querySelectorAll('time, .status')) one.textContent = '';
  return section.outerHTML.split('<');
}}"""


@pytest.mark.parametrize("sort", ["oldest", "newest", "top"])
async def test_the_first_page_is_one_answer_and_what_stands_on_our_own_page(
    pages: Pages, newsroom: Newsroom, publisher: Publisher, sort: str
) -> None:
    address = f"/same-{sort}.html"
    url = publisher.put(address, page(newsroom.url, publisher.origin + address, attributes=f' sort="{sort}"'))
    await Window.open(pages, url)
    article = await embedded(newsroom, url)
    above = first = await newsroom.say(article, "A *question* with [a link](https://a.example/).\n\n# And more")
    await newsroom.decide(first, "approve")  # links of guests are held
    for depth in range(9):
        above = await newsroom.say(article, f"Deeper {depth}.", "Bo", under=above)
    gone = await newsroom.say(article, "Soon gone.", "Cleo")
    await newsroom.say(article, "An answer to it.", under=gone)
    await newsroom.decide(gone, "reject")
    pinned = await newsroom.say(article, "Pinned.", "Cleo")
    await newsroom.decide(pinned, "pin")
    for number in range(26):
        await newsroom.say(article, f"One of many, {number}.", f"Person {number}")
    window = Window(await pages())
    asked: list[str] = []
    window.page.on(
        "request", lambda request: asked.append(request.url) if request.url.startswith(f"{newsroom.url}/api/") else None
    )
    await window.page.goto(url)
    await window.until("live")
    own = await Window.open(pages, f"{newsroom.link(article)}?sort={sort}")
    assert await window.page.evaluate(STANDS) == await own.page.evaluate(STANDS)
    assert [each.split("?")[0] for each in asked] == [f"{newsroom.url}/api/drawn"]
    await window.page.get_by_role("link", name="More comments").click()
    await expect(window.page.locator('[data-ripost="more-place"]')).to_have_count(0)
    assert len(set(await window.order())) == len(await window.order()) == await _all(newsroom, article)


async def _all(newsroom: Newsroom, article: Json) -> int:
    """How many comments of an article stand on its pages, tombstones too."""
    return len(await newsroom.thread(article))


async def test_what_waits_for_a_moderator_is_there_again_on_a_foreign_page(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    url = publisher.put("/held.html", page(newsroom.url, publisher.origin + "/held.html"))
    window = await Window.open(pages, url)
    await newsroom.change(await embedded(newsroom, url), state="premoderated")
    mine = await window.post("Is this on?")
    await expect(window.entry(mine).locator(".held")).to_be_visible()
    await window.page.reload()
    await window.until("live")
    await expect(window.entry(mine).locator(".held")).to_be_visible()
    other = await Window.open(pages, url)
    await expect(other.comment(mine)).to_have_count(0)


@pytest.mark.parametrize(("name", "number"), [("plain", "{id}"), ("spaced", " {id} "), ("zero", "0"), ("word", "none")])
async def test_a_number_is_enough_and_where_there_is_none_the_address_counts(
    pages: Pages, newsroom: Newsroom, publisher: Publisher, name: str, number: str
) -> None:
    address = f"/number-{name}.html"
    url = publisher.origin + address
    article = await newsroom.article("Known", url=url)
    first = await newsroom.say(article, "In it.")
    known = number.format(id=article["id"])
    named = f'article="{known}" article-url="{url if known in ("0", "none") else "http://"}"'
    text = page(newsroom.url, url).replace(f'article-url="{url}"', named)
    window = await Window.open(pages, publisher.put(address, text))
    await expect(window.comment(first)).to_be_visible()


async def test_an_address_that_is_none_is_said(pages: Pages, newsroom: Newsroom, publisher: Publisher) -> None:
    window = Window(await pages(publisher.put("/none.html", page(newsroom.url, "http://"))))
    await expect(window.page.get_by_role("alert")).to_contain_text("could not be loaded")
    await expect(window.page.get_by_role("button", name="Try again")).to_be_visible()


async def test_no_answer_runs_anything_on_the_page(pages: Pages, newsroom: Newsroom, publisher: Publisher) -> None:
    url = publisher.put("/hostile-answer.html", page(newsroom.url, publisher.origin + "/hostile-answer.html"))
    await Window.open(pages, url)
    window = Window(await pages())

    async def worse(route: Route) -> None:
        answer = await route.fetch()
        found = await answer.json()
        for tag, attributes, *children in (
            ("script", {}, "window.ran = 'script'"),
            ("img", {"src": "data:,", "OnError": "window.ran = 'img'"}),
            ("iframe", {"srcdoc": "<script>parent.ran = 'frame'</script>"}),
            ("a", {"class": "worse", "href": "javascript:window.ran = 'link'"}, "Press"),
        ):
            found["section"].append([tag, attributes, *children])
        await route.fulfill(response=answer, json=found)

    await window.page.route("**/api/drawn?*", worse)
    await window.page.goto(url)
    await window.until("live")
    await expect(window.page.locator("ripost-thread script, ripost-thread iframe, ripost-thread img")).to_have_count(0)
    assert (await window.page.locator("a.worse").get_attribute("href") or "").startswith("?")
    assert await window.page.evaluate("window.ran") is None
