"""The interface in the reader's language: from the first paint, in place, in its direction, with its numbers and times."""

import json
import re

import pytest
from playwright.async_api import Page, expect

from tests.browser.newsroom import Newsroom
from tests.browser.publisher import Publisher
from tests.browser.window import ROOT, Window
from tests.support.browser import PHONE, Pages

WORDS = {
    "de-DE": ("2 Kommentare", "Kommentar senden", "Antworten", "Noch keine Kommentare. Schreiben Sie den ersten."),
    "es-ES": ("2 comentarios", "Publicar comentario", "Responder", "Aún no hay comentarios. El tuyo podría ser el primero."),
    "fr-FR": ("2 commentaires", "Publier le commentaire", "Répondre", "Aucun commentaire pour l’instant. Écrivez le premier."),
    "ar": ("تعليقان", "نشر التعليق", "رد", "لا تعليقات بعد. كن أول من يكتب."),
}  # fmt: skip


def foreign(server: str, url: str, *, html: str = "", element: str = "") -> str:
    """A publisher's page whose language is the test's to say."""
    return (
        f'<!doctype html><html{html}><head><meta charset="utf-8"><title>Bees</title></head><body><h1>Bees</h1>'
        f'<script type="module" src="{server}/static/ripost.js"></script>'
        f'<ripost-thread article-url="{url}"{element}></ripost-thread></body></html>'
    )


async def shifts(page: Page) -> float:
    """How far the page has moved under its reader since it was opened (Cumulative Layout Shift)."""
    return await page.evaluate(  # type: ignore[no-any-return]
        """() => new Promise((resolve) => {
          new PerformanceObserver((list) => resolve(list.getEntries().reduce((sum, { value }) => sum + value, 0)))
            .observe({ type: "layout-shift", buffered: true });
          requestAnimationFrame(() => requestAnimationFrame(() => resolve(0)));
        })"""
    )


@pytest.mark.parametrize("locale", WORDS)
async def test_our_own_page_speaks_the_readers_language_before_and_after_its_script_has_run(
    pages: Pages, newsroom: Newsroom, locale: str
) -> None:
    count, post, reply, _ = WORDS[locale]
    article = await newsroom.article(f"Read in {locale}")
    first = await newsroom.say(article, "One.")
    await newsroom.say(article, "Two.", "Bo", under=first)
    without = await pages(newsroom.link(article), locale=locale, java_script_enabled=False)
    await expect(without.locator('[data-ripost="count"]')).to_have_text(count)
    await expect(without.locator("html")).to_have_attribute("lang", locale[:2])
    page = await pages(locale=locale)
    # What it says while the script takes it over; every change of a text that is not a time would be seen.
    await page.add_init_script(
        """addEventListener("DOMContentLoaded", () => {
          window.changed = [];
          const root = document.querySelector("ripost-thread")?.shadowRoot;
          if (root) new MutationObserver((all) => {
            for (const { target, removedNodes, type } of all) {
              const text = type === "characterData" ? target.data : [...removedNodes].map((one) => one.textContent).join("");
              if (text && !target.closest?.("time")) window.changed.push(text);
            }
          }).observe(root, { subtree: true, childList: true, characterData: true });
        })"""
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.rpartition("/static/")[2].partition("/")[2]))
    await page.goto(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    await expect(window.count).to_have_text(count)
    await expect(window.composer.get_by_role("button", name=post, exact=True)).to_be_visible()
    await expect(window.button(first, "reply")).to_have_text(reply)
    snapshot = [text for text in await page.evaluate("window.changed") if not text.startswith("{")]
    assert snapshot == [], "words were replaced under the reader"
    assert await shifts(page) < 0.01
    name = f"i18n/{locale[:2]}.json"
    assert asked.count(name) == 1, f"{name} is preloaded and used, not asked for twice: {asked}"
    third = await newsroom.say(article, "Three.", "Cleo")
    await expect(window.pill).to_be_visible()
    assert "new" not in await window.pill.inner_text()
    await window.pill.click()
    await expect(window.button(third, "reply")).to_have_text(reply)


@pytest.mark.parametrize("locale", WORDS)
async def test_on_another_site_it_speaks_the_language_of_the_page(
    pages: Pages, newsroom: Newsroom, publisher: Publisher, locale: str
) -> None:
    url = f"{publisher.origin}/in-{locale}.html"
    html = f' lang="{locale.replace("-", "_")}"'  # as many a publishing system has it
    page = await pages(publisher.put(f"/in-{locale}.html", foreign(newsroom.url, url, html=html)))
    _, post, _, empty = WORDS[locale]
    await expect(page.get_by_text(empty)).to_be_visible()
    await expect(page.get_by_role("button", name=post, exact=True)).to_be_visible()


@pytest.mark.parametrize(
    ("html", "element", "locale", "expected"),
    [
        ("", "", "fr-FR", "fr-FR"),
        (' lang=""', "", "es-ES", "es-ES"),
        ("", "", "nl-NL", "en"),
        (' lang="nl"', "", "de-DE", "en"),
        (' lang="de"', ' lang="fr"', "es-ES", "fr-FR"),
        (' lang="no such tag"', "", "de-DE", "en"),
        (' lang="en"', "", "de-DE", "en"),
    ],
)
async def test_the_nearest_word_about_the_language_counts_and_the_browsers_only_where_there_is_none(
    pages: Pages, newsroom: Newsroom, publisher: Publisher, html: str, element: str, locale: str, expected: str
) -> None:
    url = f"{publisher.origin}/silent.html"
    page = await pages(
        publisher.put("/silent.html", foreign(newsroom.url, url, html=html, element=element)), locale=locale
    )
    said = WORDS[expected][1] if expected in WORDS else "Post comment"
    await expect(page.get_by_role("button", name=said, exact=True)).to_be_visible()


async def test_another_language_is_spoken_as_soon_as_the_element_says_so(
    pages: Pages, newsroom: Newsroom, publisher: Publisher
) -> None:
    url = f"{publisher.origin}/switch.html"
    page = await pages(publisher.put("/switch.html", foreign(newsroom.url, url, html=' lang="en"')))
    await expect(page.get_by_role("button", name="Post comment", exact=True)).to_be_visible()
    await page.evaluate("document.querySelector('ripost-thread').lang = 'ar'")
    await expect(page.get_by_role("button", name=WORDS["ar"][1], exact=True)).to_be_visible()
    direction = f"getComputedStyle({ROOT}.querySelector('.thread')).direction"
    assert await page.evaluate(direction) == "rtl"
    await page.evaluate("document.querySelector('ripost-thread').lang = 'de'")
    await expect(page.get_by_role("button", name=WORDS["de-DE"][1], exact=True)).to_be_visible()
    assert await page.evaluate(direction) == "ltr"
    await expect(page.locator("ripost-thread .thread")).to_have_count(1)


@pytest.mark.parametrize("device", [{}, PHONE], ids=["desktop", "phone"])
async def test_arabic_stands_from_right_to_left(pages: Pages, newsroom: Newsroom, device: dict[str, object]) -> None:
    article = await newsroom.article("القطار الليلي")
    first = await newsroom.say(article, "تعليق أول.", "سامي")
    reply = await newsroom.say(article, "An answer in English.", "Björn", under=first)
    window = await Window.open(pages, newsroom.link(article), locale="ar", **device)
    await expect(window.page.locator("html")).to_have_attribute("dir", "rtl")
    assert await window.overflow() == 0
    frame = await window.page.locator("ripost-thread").bounding_box()
    avatar = await window.entry(first).locator(".avatar").bounding_box()
    below = await window.entry(reply).locator(".avatar").bounding_box()
    line = await window.comment(first).locator("> .fold").bounding_box()
    assert frame and avatar and below and line
    edge = frame["x"] + frame["width"]
    assert abs(avatar["x"] + avatar["width"] - edge) <= 1, "avatars stand where lines begin"
    assert below["x"] + below["width"] < edge - 8, "replies are indented from there"
    assert line["x"] > below["x"], "and the line of the branch runs there"
    assert await window.entry(reply).locator(".body").evaluate("(body) => getComputedStyle(body).direction") == "ltr"
    assert await window.entry(reply).locator(".author").evaluate("(name) => name.tagName") == "BDI"
    await expect(window.button(first, "reply")).to_have_attribute("aria-label", "الرد على \u2068سامي\u2069")
    third = await newsroom.say(article, "تعليق ثالث.", "Bo (2)")
    await window.pill.click()
    label = await window.button(third, "reply").get_attribute("aria-label")
    assert label == "الرد على \u2068Bo (2)\u2069", "a name of the other direction keeps to itself"
    area = window.composer.locator("textarea")
    assert await area.evaluate("(area) => getComputedStyle(area).direction") == "rtl", "the placeholder is Arabic"
    await area.fill("English words")
    assert await area.evaluate("(area) => getComputedStyle(area).direction") == "ltr"
    await window.composer.locator("textarea").fill("")


async def test_times_and_numbers_are_those_of_the_readers_country(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article("Numbers of Egypt")
    for number in range(3):
        await newsroom.say(article, f"{number}")
    egyptian = await Window.open(pages, newsroom.link(article), locale="ar-EG")
    await expect(egyptian.count).to_have_text("٣ تعليقات")
    british = await Window.open(pages, newsroom.link(article), locale="en-GB")
    title = await british.page.locator("article time").first.get_attribute("title")
    assert title is not None and re.match(r"\w+,? \d+ \w+ \d{4}", title), title


async def test_a_refusal_is_said_in_the_readers_language(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article("Refused")
    await newsroom.say(article, "One.", "Annika")
    window = await Window.open(pages, newsroom.link(article), locale="de-DE")
    await window.write("Ich heiße wie die Moderation.", "Mo Derator")
    said = window.composer.get_by_text("Dieser Name ist vergeben oder nicht zulässig. Wählen Sie einen anderen.")
    await expect(said).to_be_visible()
    english = await Window.open(pages, newsroom.link(article))
    await english.write("I am called like a moderator.", "Mo Derator")
    await expect(english.composer.get_by_text("choose another")).to_be_visible()


async def test_words_that_cannot_be_had_are_english_and_the_discussion_works(pages: Pages, newsroom: Newsroom) -> None:
    article = await newsroom.article("No words")
    first = await newsroom.say(article, "One.")
    page = await pages(locale="de-DE")
    await page.route("**/i18n/de.json", lambda route: route.abort())
    await page.goto(newsroom.link(article))
    window = Window(page)
    await window.until("live")
    await expect(window.button(first, "reply")).to_have_text("Reply")
    await expect(window.count).to_have_text("1 comment")


async def test_signing_in_speaks_the_language_of_its_page(pages: Pages, newsroom: Newsroom) -> None:
    page = await pages(f"{newsroom.url}/signin#ripost_link_used", locale="de-DE")
    status = page.locator("#sign-in-status")
    await expect(status).to_have_text(
        "Dieser Link wurde schon benutzt oder ist zu alt. Lassen Sie sich einen neuen geben."
    )
    await expect(page).to_have_title(re.compile("^Anmelden"))


@pytest.mark.parametrize(
    ("status", "said", "kept"),
    [
        (429, "Zu viele Versuche. Warten Sie eine Minute und versuchen Sie es dann erneut.", "ripost_link_good"),
        (503, "Der Server ist nicht erreichbar. Ihr Link ist noch da: Versuchen Sie es erneut.", "ripost_link_good"),
        (401, "Dieser Link wurde schon benutzt oder ist zu alt. Lassen Sie sich einen neuen geben.", ""),
    ],
)
async def test_only_a_spent_link_is_taken_out_of_the_form(
    pages: Pages, newsroom: Newsroom, status: int, said: str, kept: str
) -> None:
    page = await pages("about:blank", locale="de-DE")
    problem = json.dumps({"title": "No", "status": status, "detail": "said in English"})
    await page.route(
        "**/api/sessions",
        lambda route: route.fulfill(status=status, content_type="application/problem+json", body=problem),
    )
    await page.goto(f"{newsroom.url}/signin#ripost_link_good")
    await expect(page.locator("#sign-in-status")).to_have_text(said)
    await expect(page.locator("#link")).to_have_value(kept)
