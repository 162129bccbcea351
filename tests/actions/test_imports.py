"""Importing a page: once, in order, published like everything else, and beside people who go on posting."""

from pathlib import Path

import pytest

from server.actions import checks, imports
from server.actions.imports import Outcome, PageBatch
from server.errors import CommandError
from server.importers import page
from server.models import Article
from server.storage import articles
from tests.support.build import Site, open_site

SAMPLE = (Path(__file__).resolve().parents[1] / "samples" / "allotments.txt").read_text("utf-8")


def batch(text: str = SAMPLE, url: str | None = None) -> PageBatch:
    found = page.parse(page.decode(text.encode()))
    return PageBatch(origin="page", article=found.article, comments=found.comments, url=url)


async def wrong(site: Site) -> list[str]:
    """What `ripost check` would say."""
    found: list[str] = await site.database.read(lambda tx: list(checks.check(tx, lambda count: None)))
    return found


async def test_a_page_becomes_an_article_with_its_thread_in_order(database_url: str) -> None:
    async with open_site(database_url) as site:
        outcome = await imports.import_page(site.state, batch())
        assert (outcome.articles, outcome.comments, outcome.replies, outcome.people) == (1, 6, 3, 5)
        thread = await site.thread(await only_article(site))
        assert [(c["author"]["name"], c["depth"], c["dated"]) for c in thread["comments"]] == [
            ("Max", 0, False),
            ("D. H. Lawson: the Third", 0, False),
            ("Anonymous", 1, False),
            ("Max", 2, False),
            ("Zoë", 1, False),
            ("She who says", 0, False),
        ]
        assert thread["comments"][0]["author"]["id"] == thread["comments"][3]["author"]["id"], "one Max of this origin"
        assert len({c["created_at"] for c in thread["comments"]}) == 6
        assert thread["article"]["comment_count"] == 6
        assert [event["type"] for event in await site.log("article:1")] == ["comment.posted"] * 6
        assert await wrong(site) == []


async def test_the_same_page_twice_adds_nothing(database_url: str) -> None:
    async with open_site(database_url) as site:
        await imports.import_page(site.state, batch())
        assert await imports.import_page(site.state, batch()) == Outcome(present=7)
        assert len(await site.log("article:1")) == 6


async def test_a_longer_page_adds_only_what_is_new(database_url: str) -> None:
    async with open_site(database_url) as site:
        await imports.import_page(site.state, batch())
        longer = SAMPLE.replace("    • Zoë says:", "    • Bo says:\n\n      New.\n\n    • Zoë says:")
        outcome = await imports.import_page(site.state, batch(longer))
        assert (outcome.comments, outcome.replies, outcome.present) == (1, 1, 7)
        assert await wrong(site) == []


async def test_the_address_finds_the_article_whatever_the_page_says_by_now(database_url: str) -> None:
    async with open_site(database_url) as site:
        known = await site.article("From the publisher", url="https://news.example/allotments")
        outcome = await imports.import_page(site.state, batch(url="http://www.news.example/allotments/?utm_source=x"))
        assert (outcome.articles, outcome.comments) == (0, 6)
        assert (await site.thread(known))["article"]["comment_count"] == 6
        changed = SAMPLE.replace("Rows of beans", "Rows of peas")
        again = await imports.import_page(site.state, batch(changed, url="https://news.example/allotments"))
        assert (again.articles, again.comments) == (0, 0)


async def test_an_address_given_later_is_kept_and_told(database_url: str) -> None:
    async with open_site(database_url) as site:
        await imports.import_page(site.state, batch())
        outcome = await imports.import_page(site.state, batch(url="https://news.example/a"))
        assert outcome == Outcome(present=7)
        assert (await site.log("article:1"))[-1]["article"]["url"] == "https://news.example/a"
        other = await imports.import_page(site.state, batch(url="https://news.example/b"))
        assert (other.articles, other.comments) == (1, 6), "the same text at another address is another article"
        assert await imports.import_page(site.state, batch(url="https://news.example/b")) == Outcome(present=7)
        assert await wrong(site) == []


async def test_a_reply_to_what_was_removed_meanwhile_brings_its_tombstone(database_url: str) -> None:
    async with open_site(database_url) as site:
        whole = batch()
        parent, rest = whole.comments[1], [whole.comments[2]]
        await imports.import_page(site.state, PageBatch(origin="page", article=whole.article, comments=[parent]))
        await site.decide(await site.moderator(), 1, "reject")
        await imports.import_page(site.state, PageBatch(origin="page", article=whole.article, comments=rest))
        thread = await site.thread(await only_article(site))
        assert [(c["status"], c["replies"]) for c in thread["comments"]] == [("removed", 1), ("visible", 0)]
        assert await wrong(site) == []


async def test_a_preview_says_what_an_import_would_do_and_changes_nothing(database_url: str) -> None:
    async with open_site(database_url) as site:
        longer = batch(SAMPLE + "\n\n  4. Max says:\n\n    And again.\n")
        for _ in range(2):
            seen = await site.database.read(lambda tx: imports.preview_page(tx, longer))
            assert (seen.articles, seen.comments, seen.replies) == (1, 7, 3)
        await imports.import_page(site.state, batch())
        seen = await site.database.read(lambda tx: imports.preview_page(tx, longer))
        assert (seen.articles, seen.comments, seen.present) == (0, 1, 7)


async def test_an_address_that_is_none_is_refused(sqlite_url: str) -> None:
    async with open_site(sqlite_url) as site:
        with pytest.raises(CommandError, match="is not an address of a page"):
            await imports.import_page(site.state, batch(url="nonsense"))


def test_portions_are_bounded_by_number_and_by_size() -> None:
    assert [len(part) for part in imports.batches(range(250), lambda one: 1)] == [100, 100, 50]
    assert [len(part) for part in imports.batches(range(5), lambda one: imports.BATCH_BYTES // 2)] == [2, 2, 1]
    assert list(imports.batches([], lambda one: 1)) == []


async def only_article(site: Site) -> Article:
    [number] = await site.database.read(articles.ids)
    found = await site.database.read(lambda tx: articles.get(tx, number))
    assert isinstance(found, Article)
    return found
