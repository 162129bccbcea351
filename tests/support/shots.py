"""The pictures of one page each: what is done on it before it is taken, and which there are."""

from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page, expect

from tests.support.browser import PHONE
from tests.support.studio import DARK, NARROW, TALL, TALL_PHONE, Studio

Shot = Callable[[Studio, Page], Awaitable[None]]


async def nothing(studio: Studio, page: Page) -> None:
    """As it is when opened."""


async def live(studio: Studio, page: Page) -> None:
    """Opened, taken over by the script, connected."""
    await page.locator('[data-ripost="status"][data-state="live"]').wait_for(state="attached")


async def to_thread(studio: Studio, page: Page) -> None:
    """The discussion at the top of the window."""
    await live(studio, page)
    await page.locator("ripost-thread").evaluate("(thread) => window.scrollTo(0, thread.offsetTop - 24)")


async def deep(studio: Studio, page: Page) -> None:
    """The most deeply nested reply in the middle of the window."""
    await live(studio, page)
    await page.locator("article[data-level]").last.wait_for()
    await page.evaluate(
        """() => {
          const all = [...document.querySelector('ripost-thread').shadowRoot.querySelectorAll('article')];
          const deepest = all.reduce((a, b) => (Number(b.dataset.depth) > Number(a.dataset.depth) ? b : a));
          deepest.scrollIntoView({ block: 'center', behavior: 'instant' });
        }"""
    )


async def pill(studio: Studio, page: Page) -> None:
    """Others have written while somebody reads."""
    await live(studio, page)
    article = studio.article("night-train")
    await (
        page.locator("article").nth(4).evaluate("(one) => one.scrollIntoView({ block: 'start', behavior: 'instant' })")
    )
    first = await studio.newsroom.request("GET", f"/api/articles/{article['id']}/thread?limit=3")
    await studio.newsroom.say(article, "I was on that train.", "Noor", under=first["comments"][1])
    await studio.newsroom.say(article, "Which coach? I never see anybody in the last one.", "Björn")
    await studio.newsroom.say(article, "The last one is the quiet one, that is why.", "Noor")
    await page.locator('button[data-ripost="new"][data-count="3"]').wait_for()


async def reply(studio: Studio, page: Page) -> None:
    """A reply is being written."""
    await live(studio, page)
    await page.locator('button[data-ripost="reply"]').nth(3).click()
    form = page.locator("article form")
    await form.locator("textarea").fill(
        "That is what the timetable says. The *conductor* says otherwise:\n\n> only on Fridays"
    )
    await form.locator("input").fill("Lena")
    await form.evaluate("(form) => form.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def write(page: Page, text: str, name: str | None = "Lena") -> None:
    """Writes a comment and sends it."""
    form = page.locator('[data-ripost="composer"] form')
    await form.locator("textarea").fill(text)
    if name is not None:
        await form.locator("input").fill(name)
    await form.locator("button[type=submit]").click()
    await form.evaluate("(form) => form.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def nameless(studio: Studio, page: Page) -> None:
    """Sent without a name."""
    await live(studio, page)
    await write(page, "I have something to say, but who am I?", name=None)
    await page.locator(".message.wrong").wait_for()


async def too_long(studio: Studio, page: Page) -> None:
    """More than fits."""
    await live(studio, page)
    await write(page, "word " * 2010)
    await page.locator(".message.wrong").wait_for()


async def slowed(studio: Studio, page: Page) -> None:
    """Posting faster than the limits have it."""
    await live(studio, page)
    await page.route(
        "**/comments",
        lambda route: route.fulfill(
            status=429, headers={"Retry-After": "12"}, content_type="application/problem+json",
            body='{"type":"x","title":"Too many requests","status":429,"detail":"too many comments"}',
        ),
    )  # fmt: skip
    await write(page, "And another thing.")
    await page.locator(".message.wrong").wait_for()


async def own(studio: Studio, page: Page) -> None:
    """One's own comment, just posted, and its deletion asked for."""
    await live(studio, page)
    await write(page, "Has anybody asked the people who clean the coaches?")
    mine = page.locator("article[data-fresh]")
    await mine.locator('button[data-ripost="delete"]').first.click()
    await mine.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def editing(studio: Studio, page: Page) -> None:
    """One's own comment, being changed."""
    await live(studio, page)
    await write(page, "I take the night train twice a month, and I sleep better than at home.")
    mine = page.locator("article[data-fresh]")
    await mine.locator('button[data-ripost="edit"]').first.click()
    await expect(mine.locator("textarea")).not_to_have_value("")
    await mine.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def folded(studio: Studio, page: Page) -> None:
    """A branch folded away."""
    await to_thread(studio, page)
    await page.locator('button[data-ripost="fold"]').first.click()


async def held(studio: Studio, page: Page) -> None:
    """A comment that waits for a moderator."""
    await to_thread(studio, page)
    await write(page, "Two of the saplings on our street were planted in their pots. I dug one up to look.")
    await page.locator('article[data-status="pending"]').wait_for()
    await page.locator("ripost-thread").evaluate("(thread) => window.scrollTo(0, thread.offsetTop - 24)")


async def focused(studio: Studio, page: Page) -> None:
    """What the keyboard's place looks like."""
    await live(studio, page)
    button = page.locator('button[data-ripost="reply"]').nth(2)
    await button.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")
    await page.locator("article").nth(1).focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")


async def big_text(studio: Studio, page: Page) -> None:
    """The reader's own text size, doubled."""
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    await to_thread(studio, page)


async def bad_link(studio: Studio, page: Page) -> None:
    """A sign-in link that was used already."""
    await page.locator("[data-wrong]").wait_for()


# name, article (or path), query, context options, what happens, whole page
SHOTS: list[tuple[str, str, str, dict[str, Any], Shot, bool]] = [
    ("article-desktop", "night-train", "", {}, nothing, False),
    ("article-desktop-dark", "night-train", "", DARK, nothing, False),
    ("article-phone", "night-train", "", PHONE, nothing, False),
    ("article-phone-dark", "night-train", "", PHONE | DARK, nothing, False),
    ("article-whole", "night-train", "", {}, live, True),
    ("article-phone-whole", "night-train", "", PHONE, live, True),
    ("article-320", "night-train", "", NARROW, live, False),
    ("thread-desktop", "night-train", "", TALL, to_thread, False),
    ("thread-desktop-dark", "night-train", "", TALL | DARK, to_thread, False),
    ("thread-phone", "night-train", "", TALL_PHONE, to_thread, False),
    ("thread-phone-dark", "night-train", "", TALL_PHONE | DARK, to_thread, False),
    ("thread-320", "night-train", "", NARROW | {"viewport": {"width": 320, "height": 1400}}, to_thread, False),
    ("deep-desktop", "night-train", "", TALL, deep, False),
    ("deep-phone", "night-train", "", TALL_PHONE, deep, False),
    ("folded", "night-train", "", {}, folded, False),
    ("focus", "night-train", "", {}, focused, False),
    ("own-delete", "night-train", "", {}, own, False),
    ("own-edit", "night-train", "", {}, editing, False),
    ("own-edit-phone-dark", "night-train", "", PHONE | DARK, editing, False),
    ("reply", "night-train", "", {}, reply, False),
    ("reply-dark", "night-train", "", DARK, reply, False),
    ("reply-phone", "night-train", "", PHONE, reply, False),
    ("error-name", "night-train", "", {}, nameless, False),
    ("error-long-phone", "night-train", "", PHONE, too_long, False),
    ("error-slowed", "night-train", "", DARK, slowed, False),
    ("pill", "night-train", "", {}, pill, False),
    ("pill-phone-dark", "night-train", "", PHONE | DARK, pill, False),
    ("big-text", "night-train", "", {}, big_text, False),
    ("big-text-phone", "night-train", "", PHONE, big_text, False),
    ("forced-colors", "night-train", "", {"forced_colors": "active"}, to_thread, False),
    ("no-script-desktop", "night-train", "", TALL | {"java_script_enabled": False}, nothing, False),
    ("no-script-whole", "night-train", "", {"java_script_enabled": False}, nothing, True),
    ("no-script-phone", "night-train", "", PHONE | {"java_script_enabled": False}, nothing, True),
    ("no-script-comment", "night-train", "?comment={deep}", {"java_script_enabled": False}, nothing, False),
    ("comment-link", "night-train", "?comment={deep}", {}, live, False),
    ("not-found", "/a/nothing-here", "", {}, nothing, False),
    ("not-found-phone-dark", "/a/nothing-here", "", PHONE | DARK, nothing, False),
    ("index-desktop", "/", "", {}, nothing, True),
    ("index-desktop-dark", "/", "", DARK, nothing, False),
    ("index-phone", "/", "", PHONE, nothing, True),
    ("index-320", "/", "", NARROW, nothing, False),
    ("signin", "/signin", "", {}, nothing, False),
    ("signin-phone-dark", "/signin", "", PHONE | DARK, nothing, False),
    ("signin-used", "/signin#used-already", "", {}, bad_link, False),
]
