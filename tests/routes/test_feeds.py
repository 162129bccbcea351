"""Feeds that readers of feeds can rely on: well-formed whatever people write, with names that stay, revalidated cheaply."""

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest_asyncio

from tests.support.site import ORIGIN, Site, open_site

ATOM = "{http://www.w3.org/2005/Atom}"
THREADS = "{http://purl.org/syndication/thread/1.0}"
SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


@pytest_asyncio.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with open_site(sqlite_url) as running:
        yield running


async def test_the_newest_comments_are_a_feed_on_either_database(database_url: str) -> None:
    async with open_site(database_url) as site:
        article = await site.add_article("Night & trains <b>")
        other = await site.add_article("Other")
        root, _ = await site.post(article, "A *root* <b>", name="Ana <x>")
        reply, _ = await site.post(article, "A reply", parent=root, name="Ben")
        await site.post(other, "Elsewhere")
        answer = await site.ask("/feeds/comments.atom")
        assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
        feed = ElementTree.fromstring(answer.text)
        entries = feed.findall(f"{ATOM}entry")
        assert [entry.findtext(f"{ATOM}title") for entry in entries] == [
            "Ana on Other", "Ben on Night & trains <b>", "Ana <x> on Night & trains <b>",
        ]  # fmt: skip
        assert entries[2].findtext(f"{ATOM}content") == "<p>A <em>root</em> &lt;b&gt;</p>"
        assert entries[1].findtext(f"{ATOM}author/{ATOM}name") == "Ben"
        answered = entries[1].find(f"{THREADS}in-reply-to")
        assert answered is not None
        assert answered.get("ref") == entries[2].findtext(f"{ATOM}id")
        assert answered.get("href") == f"{ORIGIN}/a/{article.slug}?comment={root}"
        link = entries[1].find(f"{ATOM}link")
        assert link is not None and link.get("href") == f"{ORIGIN}/a/{article.slug}?comment={reply}"
        only = ElementTree.fromstring((await site.ask(f"/a/{article.slug}/comments.atom")).text)
        assert len(only.findall(f"{ATOM}entry")) == 2
        places = ElementTree.fromstring((await site.ask("/sitemap.xml")).text)
        assert [place.findtext(f"{SITEMAP}loc") for place in places] == [
            f"{ORIGIN}/a/other", f"{ORIGIN}/a/{article.slug}",
        ]  # fmt: skip
        assert all((place.findtext(f"{SITEMAP}lastmod") or "").endswith("Z") for place in places)


async def test_entries_have_names_that_stay_and_differ(site: Site) -> None:
    article = await site.add_article("Night trains")
    for number in range(3):
        await site.post(article, f"Comment {number}")
    first = ElementTree.fromstring((await site.ask("/feeds/comments.atom")).text)
    again = ElementTree.fromstring((await site.ask(f"/a/{article.slug}/comments.atom", Host="moved.example")).text)
    names = [entry.findtext(f"{ATOM}id") for entry in first.findall(f"{ATOM}entry")]
    assert names == [entry.findtext(f"{ATOM}id") for entry in again.findall(f"{ATOM}entry")]
    assert len(set(names)) == 3


async def test_a_feed_holds_the_newest_fifty(site: Site) -> None:
    article = await site.add_article("Night trains")
    for number in range(53):
        await site.post(article, f"Comment {number}")
    feed = ElementTree.fromstring((await site.ask("/feeds/comments.atom")).text)
    contents = [entry.findtext(f"{ATOM}content") for entry in feed.findall(f"{ATOM}entry")]
    assert contents == [f"<p>Comment {number}</p>" for number in range(52, 2, -1)]


async def test_an_empty_feed_is_one(site: Site) -> None:
    article = await site.add_article("Night trains")
    for path in ("/feeds/comments.atom", f"/a/{article.slug}/comments.atom"):
        feed = ElementTree.fromstring((await site.ask(path)).text)
        assert feed.findtext(f"{ATOM}updated")
        assert feed.find(f"{ATOM}entry") is None
    assert ElementTree.fromstring((await site.ask("/sitemap.xml")).text).tag == f"{SITEMAP}urlset"


async def test_a_feed_is_revalidated_by_tag_or_date(site: Site) -> None:
    article = await site.add_article("Night trains")
    comment, token = await site.post(article, "First")
    site.clock.advance(60)
    for path in ("/feeds/comments.atom", f"/a/{article.slug}/comments.atom"):
        first = await site.ask(path)
        tag, date = first.headers["etag"], first.headers["last-modified"]
        assert parsedate_to_datetime(date)
        assert (await site.ask(path, If_None_Match=tag)).status_code == 304
        assert (await site.ask(path, If_Modified_Since=date)).status_code == 304
        assert (await site.ask(path, If_Modified_Since="yesterday")).status_code == 200
        assert (await site.ask(path, If_None_Match='"other"', If_Modified_Since=date)).status_code == 200
    await site.delete(comment, token)
    # What was taken down must not live on in a cache, although no entry is newer now.
    for path in ("/feeds/comments.atom", f"/a/{article.slug}/comments.atom"):
        assert (await site.ask(path, If_None_Match=tag)).status_code == 200
        changed = await site.ask(path, If_Modified_Since=date)
        assert changed.status_code == 200
        assert "First" not in changed.text
        assert "last-modified" not in changed.headers  # in this second more may follow


async def test_the_feed_of_an_unknown_article_is_not_found(site: Site) -> None:
    assert (await site.ask("/a/nothing/comments.atom")).status_code == 404


async def test_crawlers_may_read_everything(site: Site) -> None:
    answer = await site.ask("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text.splitlines() == ["User-agent: *", "Allow: /", "", f"Sitemap: {ORIGIN}/sitemap.xml"]
