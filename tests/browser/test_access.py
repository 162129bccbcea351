"""For everybody: by keyboard, by touch, at 320 px, at twice the text size, right to left, and as assistive tools see it."""

from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import ROOT, Window
from tests.support.browser import PHONE, Pages

FINGER = 44  # CSS pixels


async def tab_to(page: Page, target: Locator, *, most: int = 60, back: bool = False) -> None:
    """Presses Tab until the focus is there."""
    for _ in range(most):
        await page.keyboard.press("Shift+Tab" if back else "Tab")
        if await target.evaluate("(one) => one === one.getRootNode().activeElement"):
            return
    raise AssertionError(f"{target} cannot be reached by Tab")


async def assert_focus_shows(target: Locator) -> None:
    """What has the focus has an outline to see it by."""
    style, width = await target.evaluate(
        "(one) => [getComputedStyle(one).outlineStyle, getComputedStyle(one).outlineWidth]"
    )
    assert style != "none" and float(width.removesuffix("px")) >= 2, (style, width)


@pytest.fixture
async def article(newsroom: Newsroom) -> Json:
    made = await newsroom.article(body="Two paragraphs.\n\nWith [a link](https://example.org/).")
    ana = await newsroom.say(made, "A question, with `code`.", "Ana")
    bo = await newsroom.say(made, "An answer.", "Bo", under=ana)
    await newsroom.say(made, "A *second* answer.", "Cy", under=bo)
    gone = await newsroom.say(made, "Not for long.", "Dee", under=ana)
    await newsroom.say(made, "> quoted\n\nand answered\n\n- one\n- two", "Eve", under=gone)
    await newsroom.decide(gone, "reject")
    await newsroom.decide(ana, "pin")
    return made


async def test_everything_can_be_done_with_the_keyboard_alone(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await Window.open(pages, newsroom.link(article))
    page, keys = window.page, window.page.keyboard
    await tab_to(page, window.composer.locator("textarea"))
    await assert_focus_shows(window.composer.locator("textarea"))
    await keys.type("Typed without a mouse.")
    await keys.press("Tab")
    await keys.type("Kay")
    await keys.press("Tab")
    await assert_focus_shows(window.composer.locator("button[type=submit]"))
    await keys.press("Enter")
    await expect(window.saying("Typed without a mouse.")).to_be_visible()

    reply = page.get_by_role("button", name="Reply to Ana")
    await tab_to(page, reply)
    await assert_focus_shows(reply)
    await keys.press("Enter")
    await expect(page.get_by_role("textbox", name="Reply to Ana")).to_be_focused()
    await keys.type("A reply\nof two lines.")
    await keys.press("Control+Enter")
    mine = window.saying("of two lines.")
    await expect(mine).to_be_visible()
    await expect(mine).to_be_focused()

    fold = page.get_by_role("button", name="Replies to Ana")
    await tab_to(page, fold, back=True)
    await keys.press("Enter")
    shown = page.get_by_role("button", name="Show 4 replies")
    await expect(shown).to_be_focused()
    await expect(mine).to_be_hidden()
    await keys.press("Enter")
    await expect(mine).to_be_visible()

    newest = page.get_by_role("link", name="Newest")
    await tab_to(page, newest, back=True)
    await assert_focus_shows(newest)
    await keys.press("Enter")
    await expect(newest).to_have_attribute("aria-current", "true")
    await expect(newest).to_be_focused()

    theirs = await newsroom.say(article, "Somebody else.", "Flo")
    pill = page.get_by_role("button", name="1 new comment")
    await expect(pill).to_be_visible()
    await tab_to(page, pill)
    await assert_focus_shows(pill)
    await keys.press("Enter")
    await expect(window.comment(theirs)).to_be_visible()


async def test_escape_closes_an_empty_reply_and_gives_the_focus_back(
    pages: Pages, newsroom: Newsroom, article: Json
) -> None:
    window = await Window.open(pages, newsroom.link(article))
    reply = window.page.get_by_role("button", name="Reply to Bo")
    await reply.press("Enter")
    await expect(window.page.get_by_role("textbox", name="Reply to Bo")).to_be_focused()
    await window.page.keyboard.press("Escape")
    await expect(reply).to_be_focused()


async def test_focus_on_a_comment_that_is_taken_down_goes_to_what_stays(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article()
    root = await newsroom.say(article, "The root.")
    leaf = await newsroom.say(article, "The leaf.", "Bo", under=root)
    window = await Window.open(pages, newsroom.link(article))
    await window.button(leaf, "reply").focus()
    await newsroom.decide(leaf, "reject")
    await expect(window.comment(leaf)).to_have_count(0)
    await expect(window.comment(root)).to_be_focused()


async def places(newsroom: Newsroom, article: Json) -> dict[str, str]:
    """The kinds of pages there are."""
    empty = await newsroom.article("An empty one")
    closed = await newsroom.article("A closed one")
    await newsroom.say(closed, "The last word.")
    await newsroom.change(closed, state="closed")
    turned = await newsroom.article("قارب الكتب", body="في الساعة السابعة من صباح كل ثلاثاء.")
    arabic = await newsroom.say(turned, "لم أقرأ في حياتي نقدًا أصدق من هذا.", "سلمى")
    await newsroom.say(turned, "And in English.", "Bo", under=arabic)
    long = await newsroom.article("Donaudampfschifffahrtsgesellschaftskapitän" * 3)
    await newsroom.say(long, "x" * 300 + "\n\n```\n" + "y" * 300 + "\n```", "W" * 60)
    return {
        "article": newsroom.link(article),
        "empty": newsroom.link(empty),
        "closed": newsroom.link(closed),
        "right to left": newsroom.link(turned),
        "long words": newsroom.link(long),
        "index": newsroom.url + "/",
        "sign in": newsroom.url + "/signin",
        "not found": newsroom.url + "/a/there-is-no-such-article",
    }


async def ready(page: Page, url: str) -> None:
    """At `url`, taken over if there is a discussion."""
    await page.goto(url)
    if await page.locator("ripost-thread").count():
        await Window(page).until("live")


async def test_no_page_complains_in_the_console(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    for name, url in (await places(newsroom, article)).items():
        await ready(await pages(), url)
        complaints = [line for line in pages.console if line.startswith(("error", "warning"))]
        if name == "not found":  # the browser's own word about the page itself
            complaints = [line for line in complaints if "404" not in line]
        assert not complaints, (name, complaints)
        pages.console.clear()


@pytest.mark.parametrize(("width", "text"), [(320, 100), (390, 200), (1280, 200)])
async def test_nothing_has_to_be_scrolled_sideways(
    pages: Pages, newsroom: Newsroom, article: Json, width: int, text: int
) -> None:
    page = await pages(viewport={"width": width, "height": 800})
    for name, url in (await places(newsroom, article)).items():
        await ready(page, url)
        await page.evaluate(f"document.documentElement.style.fontSize = '{text}%'")
        reply = page.locator('button[data-ripost="reply"]').last
        if await reply.count():
            await reply.click()
            await expect(page.locator("article form")).to_be_visible()
        assert await Window(page).overflow() <= 0, f"{name} at {width} px and {text} % is wider than the window"


async def test_what_is_touched_is_as_large_as_a_finger(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    page = await pages(**PHONE)
    measure = f"""(inThread) => {{
      const root = inThread ? {ROOT} : document;
      const controls = [...root.querySelectorAll('button, a, input, textarea')];
      return controls
        .filter((one) => one.checkVisibility() && !one.closest('.body, .prose, .context, .elsewhere, [data-ripost="all"]'))
        .map((one) => [one.outerHTML.slice(0, 90), one.getBoundingClientRect(), one])
        .filter(([, box, one]) => box.height < {FINGER} - 0.5 && !one.matches('.fold'))
        .map(([markup, box]) => `${{markup}} ${{Math.round(box.width)}}x${{Math.round(box.height * 10) / 10}}`);
    }}"""
    for name, url in (await places(newsroom, article)).items():
        await ready(page, url)
        threads = await page.locator("ripost-thread").count()
        if await page.locator('button[data-ripost="reply"]').count():
            await page.locator('button[data-ripost="reply"]').last.tap()
            await expect(page.locator("article form")).to_be_visible()
        for inside in (False, True)[: 1 + threads]:
            assert await page.evaluate(measure, inside) == [], name


async def test_a_branch_is_folded_by_a_tap_beside_its_line(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = Window(await pages(newsroom.link(article), **PHONE))
    await window.until("live")
    fold = window.page.locator("button.fold").first
    await fold.scroll_into_view_if_needed()
    box = await fold.bounding_box()
    assert box is not None
    await window.page.touchscreen.tap(box["x"] + 4, box["y"] + box["height"] / 2)
    await expect(window.page.get_by_role("button", name="Show 3 replies")).to_be_visible()


async def test_text_runs_the_way_it_is_written(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await Window.open(pages, (await places(newsroom, article))["right to left"])
    arabic, english = [window.page.locator("article[data-comment-id]").nth(n) for n in (0, 1)]

    async def edges(comment: Locator, part: str) -> tuple[float, float]:
        box = await comment.locator(f"> .entry {part}").first.bounding_box()
        assert box is not None
        return box["x"], box["x"] + box["width"]

    assert (await edges(arabic, ".avatar"))[0] > (await edges(arabic, ".body"))[0], "avatars stand where lines begin"
    assert (await edges(english, ".avatar"))[1] < (await edges(arabic, ".avatar"))[1], (
        "and replies are indented from there"
    )
    directions = [
        await one.locator("> .entry > .body").evaluate("(one) => getComputedStyle(one).direction")
        for one in (arabic, english)
    ]
    assert directions == ["rtl", "ltr"]


async def test_assistive_tools_find_a_feed_of_named_comments(pages: Pages, newsroom: Newsroom, article: Json) -> None:
    window = await Window.open(pages, newsroom.link(article))
    await expect(window.page.locator("ripost-thread")).to_match_aria_snapshot(
        """
        - region "4 comments":
          - heading "4 comments" [level=2]
          - navigation "Order of comments":
            - link "Oldest"
            - link "Newest"
            - link "Top"
          - button "Pause live updates"
          - textbox "Your comment"
          - textbox "Your name"
          - button "Post comment"
          - feed "4 comments":
            - article "Ana":
              - button "Reply to Ana"
              - button "Replies to Ana" [expanded]
              - group "Replies to Ana":
                - article "Bo level 2":
                  - button "Reply to Bo"
                - article "Removed by a moderator level 2":
                  - button "Replies" [expanded]
        """
    )


@pytest.mark.parametrize("options", [{}, PHONE | {"color_scheme": "dark"}], ids=["desktop", "dark phone"])
async def test_axe_finds_nothing_to_complain_about(
    pages: Pages, newsroom: Newsroom, article: Json, axe: str, options: dict[str, Any]
) -> None:
    page = await pages(bypass_csp=True, **options)
    for name, url in (await places(newsroom, article)).items():
        await ready(page, url)
        if await page.locator('button[data-ripost="reply"]').count():
            await page.locator('button[data-ripost="reply"]').last.click()
            await page.locator("article form button[type=submit]").click()
            await expect(page.locator(".message.wrong")).to_be_visible()
        await page.evaluate(axe)
        found = await page.evaluate(
            "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
        )
        complaints = [
            f"{one['id']}: {one['help']}: {node['html'][:160]}"
            for one in found["violations"]
            for node in one["nodes"]
            # The lines of nested branches stand as close as their indents: 12 px on a phone. Each can still be touched,
            # as the test with a tap shows.
            if not (one["id"] == "target-size" and 'data-ripost="fold"' in node["html"])
        ]
        assert not complaints, f"{name}:\n" + "\n".join(complaints)
        assert len(found["passes"]) > 10
