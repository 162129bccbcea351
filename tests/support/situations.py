"""The pictures of what befalls a discussion: each situation in light, in dark, on a phone and from right to left.

Every picture has an article of its own, so that none shows what another has done.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page, Route, expect

from tests.browser.newsroom import Json
from tests.browser.window import ROOT as SHADOW
from tests.support.browser import PHONE
from tests.support.shots import live, write
from tests.support.studio import DARK, NARROW, Studio

LOOKS: dict[str, dict[str, Any]] = {
    "": {},
    "-dark": DARK,
    "-phone": PHONE,
    "-320-dark": NARROW | DARK,
    "-rtl": {"locale": "ar"},
    "-rtl-phone": PHONE | {"locale": "ar"},
}
# Long words and other plurals, where room is short.
LANGUAGES: dict[str, dict[str, Any]] = {
    "-de": {"locale": "de"},
    "-de-phone": PHONE | {"locale": "de"},
    "-fr-320": NARROW | {"locale": "fr"},
    "-es-phone": PHONE | {"locale": "es"},
}
IN_LANGUAGES = {"votes", "report", "unread", "pill", "paused", "held", "closed", "preview", "queue"}
POST = re.compile(r"/api/articles/\d+/comments$")

_ENGLISH = (
    "The council counts its saplings",
    "In March they planted four hundred. In June somebody counted again.",
    [
        ("Noor", "Two of the saplings on our street were planted **in their pots**. I dug one up to look.", None),
        ("Björn", "Did you put it back?", 0),
        ("Noor", "Without the pot, yes. It is doing better than the others.", 1),
        ("Wanda K.", "> four hundred\n\nI count three hundred and eighty on the council's own map.", None),
        ("Teodor", "The rest are on private ground. It says so in the footnote nobody reads.", 3),
    ],
)
_ARABIC = (
    "البلدية تعدّ شتلاتها",
    "غرسوا في مارس أربعمئة شتلة، ثم عدّها أحدهم مرة أخرى في يونيو.",
    [
        ("نور", "شتلتان في شارعنا غُرستا **داخل أصيصيهما**. حفرتُ حول إحداهما لأتأكد.", None),
        ("بشير", "وهل أعدتَها إلى مكانها؟", 0),
        ("نور", "أعدتُها من دون الأصيص، وهي الآن أفضل حالًا من غيرها.", 1),
        ("وداد", "> أربعمئة شتلة\n\nأعدّ ثلاثمئة وثمانين على خريطة البلدية نفسها.", None),
        ("تيسير", "الباقي في أراضٍ خاصة، كما تقول الحاشية التي لا يقرؤها أحد.", 3),
    ],
)
Act = Callable[[Studio, Page, Json, list[Json]], Awaitable[None]]


async def _stage(studio: Studio, *, rtl: bool, **changes: Any) -> tuple[Json, list[Json]]:
    """An article with a small discussion; the comments in order."""
    title, body, lines = _ARABIC if rtl else _ENGLISH
    article = await studio.newsroom.article(title, body=body)
    said: list[Json] = []
    for name, text, parent in lines:
        said.append(await studio.newsroom.say(article, text, name, under=None if parent is None else said[parent]))
    if changes:
        article = await studio.newsroom.change(article, **changes)
    return article, said


async def _top(page: Page, above: int = 24) -> None:
    await page.locator("ripost-thread").evaluate(f"(thread) => window.scrollTo(0, thread.offsetTop - {above})")


async def _middle(page: Page, selector: str) -> None:
    await page.locator(selector).first.evaluate("(one) => one.scrollIntoView({ block: 'center', behavior: 'instant' })")


async def _composing(page: Page, text: str) -> None:
    area = page.locator('[data-ripost="composer"] textarea')
    await area.click()
    await page.locator('[data-ripost="composer"] [role="toolbar"]').wait_for()
    await area.fill(text)
    await _top(page)


def _text(page_is_rtl: bool) -> str:
    return (
        "سألتُ الحديقة العامة، فقالوا إن العدد صحيح."
        if page_is_rtl
        else "I asked at the park. They say the number is right."
    )


async def _is_rtl(page: Page) -> bool:
    return bool(await page.evaluate(f"getComputedStyle({SHADOW}.querySelector('.thread')).direction === 'rtl'"))


async def votes(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """A vote, the row of options, and one's own comment."""
    rtl = await _is_rtl(page)
    await write(page, _text(rtl), "Lena")
    await page.locator("article[data-fresh]").wait_for()
    await page.reload()
    await live(studio, page)
    await page.locator(f"#comment-{said[4]['id']} > .entry [data-ripost=up]").click()
    await page.locator(f"#comment-{said[4]['id']} > .entry [data-ripost=up][aria-pressed=true]").wait_for()
    await page.locator(f"#comment-{said[3]['id']} > .entry [data-ripost=options]").click()
    await page.locator(".options").wait_for()
    await _middle(page, f"#comment-{said[4]['id']} > .entry")


async def report(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """A comment is being reported."""
    await page.locator(f"#comment-{said[3]['id']} > .entry [data-ripost=options]").click()
    await page.locator("[data-ripost=report]").click()
    await page.locator(".report").wait_for()
    await page.locator(".report input").first.check()
    await _middle(page, ".report")


async def presence(studio: Studio, page: Page, article: Json, said: list[Json], name: str) -> None:
    """Others read and write."""
    others = [await studio.browser.new_context() for _ in range(2)]
    for number, context in enumerate(others):
        other = await context.new_page()
        await other.goto(studio.newsroom.link(article))
        await live(studio, other)
        if number == 0:
            await other.locator(f"#comment-{said[0]['id']} > .entry [data-ripost=reply]").click()
            await other.locator("article form textarea").press_sequentially("I think")
    await page.locator(".readers").wait_for()
    await page.locator(".replying").wait_for()
    await _top(page)
    await studio.take(page, name)
    for context in others:
        await context.close()


async def unread(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Back after a while: marks, and the button that counts."""
    rtl = await _is_rtl(page)
    await write(page, _text(rtl), "Lena")
    mine = page.locator("article[data-fresh]")
    await mine.wait_for()
    number = int(await mine.get_attribute("data-comment-id") or 0)
    await page.goto("about:blank")
    await studio.newsroom.say(
        article, "قالوا لي غير ذلك." if rtl else "They told me otherwise.", "Ewa", under={"id": number}
    )
    await studio.newsroom.say(article, "من يعدّ الأشجار الكبيرة؟" if rtl else "Who counts the old ones?", "Ewa")
    await page.goto(studio.newsroom.link(article))
    await live(studio, page)
    await page.locator("[data-unread]").first.wait_for()
    await page.locator(".pill.quiet").wait_for()
    await _middle(page, "[data-unread]")


async def paused(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Live updates are paused."""
    await page.locator("[data-ripost=pause]").first.click()
    await _top(page)


async def replay(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """The discussion grows again."""
    await page.locator("[data-ripost=replay]").first.click()
    await page.locator(".replay article").nth(2).wait_for()
    await _top(page)


async def pill(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Something new above and below what is read."""
    await studio.newsroom.say(article, "One more.", "Ewa", under=said[0])
    await studio.newsroom.say(article, "And one.", "Ewa")
    await page.locator(".pill").wait_for()
    await _top(page, -40)


async def held(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """A comment that waits for a moderator."""
    await studio.newsroom.change(article, state="premoderated")
    await page.locator('[data-ripost="premoderated"]').wait_for()
    await write(page, _text(await _is_rtl(page)), "Lena")
    await page.locator('article[data-status="pending"]').wait_for()
    await _middle(page, 'article[data-status="pending"]')


async def closed(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Closed, for a reader."""
    await studio.newsroom.change(article, state="closed")
    await page.locator('[data-ripost="closed"]').wait_for()
    await _top(page)


async def closed_draft(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Closed while somebody writes."""
    await _composing(page, _text(await _is_rtl(page)))
    await studio.newsroom.change(article, state="closed")
    await page.locator(".message.wrong").wait_for()
    await _top(page)


async def cancelled(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Words that were cancelled are there again."""
    reply = page.locator(f"#comment-{said[3]['id']} > .entry [data-ripost=reply]")
    await reply.click()
    form = page.locator("article form")
    await form.locator("[role=toolbar]").wait_for()
    await form.locator("textarea").fill(_text(await _is_rtl(page)))
    await form.locator("[data-ripost=cancel]").click()
    await reply.click()
    await form.locator("[data-ripost=discard]").wait_for()
    await form.locator("[role=toolbar]").wait_for()
    await _middle(page, "article form")


async def unfinished(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """An answer waits at a comment that is not on the page; the link that led here is about one that is gone."""
    last = await studio.newsroom.say(article, "هذا بعيد." if await _is_rtl(page) else "This is far away.", "Ewa")
    await page.goto(studio.newsroom.link(article, f"?comment={last['id']}"))
    await live(studio, page)
    await page.locator(f"#comment-{last['id']} > .entry [data-ripost=reply]").click()
    form = page.locator("article form")
    await form.locator("[role=toolbar]").wait_for()
    await form.locator("textarea").press_sequentially(_text(await _is_rtl(page))[:12])
    for number in range(30):
        await studio.newsroom.say(article, f"{number + 1}", "Ewa")
    await studio.newsroom.decide(said[-1], "reject")
    await page.goto(studio.newsroom.link(article, f"?comment={said[-1]['id']}&sort=newest"))
    await live(studio, page)
    await page.locator("[data-ripost=go-on]").wait_for()
    await page.locator("[data-ripost=gone]").wait_for()
    await _top(page)


async def removed_parent(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """The comment that is being answered is taken down."""
    await page.locator(f"#comment-{said[3]['id']} > .entry [data-ripost=reply]").click()
    form = page.locator("article form")
    await form.locator("[role=toolbar]").wait_for()
    await form.locator("textarea").fill(_text(await _is_rtl(page)))
    await studio.newsroom.decide(said[3], "reject")
    await page.locator(".message.wrong").wait_for()
    await _middle(page, "article form")


async def slowed(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Slow mode, counted down."""
    await studio.newsroom.change(article, slow_mode_seconds=60)
    await page.reload()
    await live(studio, page)
    rtl = await _is_rtl(page)
    await _composing(page, "")
    await write(page, _text(rtl), "Lena")
    await expect(page.locator('[data-ripost="composer"] textarea')).to_have_value("")
    await _top(page)


async def expired(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """A sign-in that is over."""
    token = studio.newsroom.token
    await page.locator("ripost-thread").evaluate("(one, token) => one.setAttribute('token', token)", token)
    await _composing(page, "")
    await page.locator(".as").wait_for()
    problem = '{"title": "Unauthorized", "status": 401}'
    await page.route(
        POST, lambda route: route.fulfill(status=401, content_type="application/problem+json", body=problem), times=1
    )
    await write(page, _text(await _is_rtl(page)), None)
    await page.locator(".message.wrong").wait_for()
    await _top(page)


async def blocked(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """A browser that keeps nothing."""
    await page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('blocked', 'SecurityError') } })"
    )
    await page.reload()
    await live(studio, page)
    await _composing(page, _text(await _is_rtl(page)))
    await page.locator(".unkept").wait_for()


async def waiting(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Written without a connection."""
    await _composing(page, "")
    await page.route(POST, lambda route: route.abort())
    await write(page, _text(await _is_rtl(page)), "Lena")
    await page.locator(".message.wrong").wait_for()
    await _top(page)


async def preview(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """What it will look like."""
    await _composing(
        page, "**Four hundred**, they say:\n\n- on paper\n- in the [footnote](https://example.org)\n\n> and in pots"
    )
    await page.locator("[data-ripost=preview]").click()
    await page.locator(".preview a").wait_for()


async def names(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """Whom one may be writing to."""
    await page.locator(f"#comment-{said[0]['id']} > .entry [data-ripost=reply]").click()
    area = page.locator("article form textarea")
    await page.locator("article form [role=toolbar]").wait_for()
    await area.press_sequentially("أنت محق، @" if await _is_rtl(page) else "You are right, @")
    await page.locator(".names li").first.wait_for()


async def _at_desk(studio: Studio, page: Page) -> None:
    me = await studio.newsroom.request("GET", "/api/me", token=studio.newsroom.token)
    await page.evaluate(
        """([me, token]) => localStorage.setItem(`ripost:${location.origin}:identities`,
             JSON.stringify([{ id: me.id, name: me.name, token }]))""",
        [me, studio.newsroom.token],
    )
    await page.reload()
    await live(studio, page)
    await page.locator(".desk").wait_for()


async def desk(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """A moderator's desk, the decisions about a comment, and a tombstone that can be restored."""
    await studio.newsroom.decide(said[1], "reject")
    await _at_desk(studio, page)
    await page.locator("[data-ripost=show-removed]").click()
    await page.locator(".exhumed").wait_for()
    await page.locator(f"#comment-{said[3]['id']} > .entry [data-ripost=options]").click()
    await page.locator("[data-ripost=why]").click()
    await _middle(page, ".options")


async def desk_ended(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """A moderator whose sign-in is over."""
    await _at_desk(studio, page)
    problem = '{"title": "Unauthorized", "status": 401}'
    await page.route(
        f"**/api/articles/{article['id']}",
        lambda route: route.fulfill(status=401, content_type="application/problem+json", body=problem),
    )
    await page.locator(".desk select").first.select_option("closed")
    await page.locator(".desk .wrong").wait_for()
    await _top(page)


async def queue(studio: Studio, page: Page, article: Json, said: list[Json]) -> None:
    """What waits."""
    for comment in (said[0], said[3]):
        await studio.newsroom.request(
            "POST", f"/api/comments/{comment['id']}/report", {"reason": "abuse", "note": "Look at the tone of this."}
        )
    await _at_desk(studio, page)
    await page.locator(".queue-button").click()
    await page.locator("[data-ripost=queue-reported]").click()
    await page.locator(".queue-line").first.wait_for()
    await _top(page)


SITUATIONS: dict[str, Act] = {
    act.__name__.replace("_", "-"): act
    for act in (
        votes, report, unread, pill, paused, replay, held, closed, closed_draft, cancelled, unfinished,
        removed_parent, slowed, expired, blocked, waiting, preview, names, desk, desk_ended, queue,
    )
}  # fmt: skip


async def shoot(studio: Studio) -> None:
    """Takes the pictures that were asked for."""
    for situation, act in SITUATIONS.items():
        for look, options in (LOOKS | LANGUAGES if situation in IN_LANGUAGES else LOOKS).items():
            name = f"state-{situation}{look}"
            if not studio.wants(name):
                continue
            article, said = await _stage(studio, rtl="rtl" in look)
            async with studio.page(studio.newsroom.link(article), **options) as page:
                await live(studio, page)
                await act(studio, page, article, said)
                await studio.take(page, name)
    for look, options in (LOOKS | LANGUAGES).items():
        if studio.wants(f"state-presence{look}"):
            article, said = await _stage(studio, rtl="rtl" in look)
            async with studio.page(studio.newsroom.link(article), **options) as page:
                await live(studio, page)
                await presence(studio, page, article, said, f"state-presence{look}")
        for name, hold in (("loading", True), ("unreachable", False)):
            if studio.wants(f"state-{name}{look}"):
                await _foreign(studio, f"state-{name}{look}", hold, options)


async def _foreign(studio: Studio, name: str, hold: bool, options: dict[str, Any]) -> None:
    """A publisher's page whose discussion does not come."""
    gate = asyncio.Event()

    async def answer(route: Route) -> None:
        if hold:
            await gate.wait()
        await route.abort()

    async with studio.page("about:blank", **options) as page:
        await page.route(re.compile(r"/api/articles/"), answer)
        await page.goto(studio.foreign + ("/post-ar.html" if "rtl" in name else "/post.html"))
        await expect(page.locator('.thread [data-ripost="count"]')).not_to_have_text("")
        if not hold:
            await page.locator(".failure").wait_for()
        await studio.take(page, name)
        gate.set()
