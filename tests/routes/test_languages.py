"""Ripost's own pages in the language that is asked for: negotiated, cached apart, and never a mixture."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.site import Site, open_site


@pytest_asyncio.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with open_site(sqlite_url) as running:
        yield running


async def test_a_page_is_in_the_language_that_is_asked_for_and_kept_apart_from_others(site: Site) -> None:
    article = await site.add_article("Nachtzüge")
    await site.post(article, "Endlich.")
    for path in (f"/a/{article.slug}", "/"):
        english = await site.ask(path)
        german = await site.ask(path, Accept_Language="de-AT,de;q=0.9,en;q=0.5")
        assert "1 comment<" in english.text and "1 Kommentar<" in german.text
        assert '<html lang="en">' in english.text and '<html lang="de">' in german.text
        for answer in (english, german):
            assert {"accept-language", "accept-encoding"} <= {
                name.strip().lower() for name in answer.headers["vary"].split(",")
            }
        assert english.headers["etag"] != german.headers["etag"]
        again = await site.ask(path, Accept_Language="de", If_None_Match=german.headers["etag"])
        assert (again.status_code, again.content) == (304, b"")
        assert "accept-language" in again.headers["vary"].lower()
        other = await site.ask(path, Accept_Language="en", If_None_Match=german.headers["etag"])
        assert other.status_code == 200 and "1 comment<" in other.text


async def test_a_page_asks_for_its_words_before_its_script_does(site: Site) -> None:
    article = await site.add_article()
    arabic = (await site.ask(f"/a/{article.slug}", Accept_Language="ar")).text
    assert '<html lang="ar" dir="rtl">' in arabic
    assert 'lang="ar" dir="rtl"><template' in arabic
    english = (await site.ask(f"/a/{article.slug}")).text
    for page, name in ((arabic, "i18n/ar.json"), (english, "i18n/en.json")):
        [address] = {part.split('"')[0] for part in page.split('href="') if part.split('"')[0].endswith(name)}
        answer = await site.ask(address)
        assert answer.status_code == 200 and "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("language", "title", "further"),
    [("en", "Not found", "All articles"), ("fr", "Introuvable", "Tous les articles")],
)
async def test_what_is_not_there_is_said_in_the_same_language(
    site: Site, language: str, title: str, further: str
) -> None:
    answer = await site.ask("/a/nowhere", Accept_Language=language)
    assert answer.status_code == 404
    assert f'<html lang="{language}">' in answer.text
    assert f"<h1>{title}</h1>" in answer.text and further in answer.text


async def test_feeds_and_the_api_are_the_same_for_all(site: Site) -> None:
    article = await site.add_article()
    for path in (f"/a/{article.slug}/comments.atom", f"/api/articles/{article.id}", "/api/articles/99"):
        assert (await site.ask(path, Accept_Language="de")).text == (await site.ask(path)).text


async def test_a_site_with_a_language_of_its_own_speaks_it_to_everyone(sqlite_url: str) -> None:
    async with open_site(sqlite_url, site_language="de") as site:
        article = await site.add_article("Nachtzüge", "<p>Sie sind zurück.</p>")
        await site.post(article, "Endlich.", name="Ana")
        for path, said in ((f"/a/{article.slug}", "1 Kommentar<"), ("/", "1 Kommentar<"), ("/signin", "Anmelden")):
            answer = await site.ask(path, Accept_Language="fr")
            assert '<html lang="de">' in answer.text and said in answer.text
            assert 'lang=""' not in answer.text, "and so do its articles"
            assert "accept-language" not in answer.headers["vary"].lower(), "one page for all caches"
        feed = (await site.ask(f"/a/{article.slug}/comments.atom", Accept_Language="fr")).text
        assert (
            ' xml:lang="de">' in feed
            and "<title>Kommentare zu Nachtzüge</title>" in feed
            and "<title>Ana zu Nachtzüge</title>" in feed
        )
        missing = await site.ask("/a/nirgends", Accept_Language="fr")
        assert missing.status_code == 404 and "<h1>Nicht gefunden</h1>" in missing.text


@pytest.mark.parametrize(("language", "said"), [("en", "Sign in"), ("de", "Anmelden"), ("ar", "تسجيل الدخول")])
async def test_signing_in_is_worded_like_every_page(site: Site, language: str, said: str) -> None:
    text = (await site.ask("/signin", Accept_Language=language)).text
    assert f'<html lang="{language}"' in text and f"<h1>{said}</h1>" in text and f">{said}</button>" in text
    assert "{name}" in text.partition('data-done="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [("/a/x?comment=none", 404, "Nicht gefunden"), ("/?cursor=none", 400, "Nicht gefunden")],
)
async def test_a_failure_is_worded_like_every_page(site: Site, path: str, status: int, title: str) -> None:
    answer = await site.ask(path, Accept_Language="de")
    assert answer.status_code == status
    assert '<html lang="de">' in answer.text and f"<h1>{title}</h1>" in answer.text
