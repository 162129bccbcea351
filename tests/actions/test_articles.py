"""Articles: made once for each page of a publisher, changed before everyone's eyes, found by every slug they had."""

import asyncio
from typing import Any

import msgspec
import pytest

from server.actions import articles
from server.actions.articles import Changes, Image, NewArticle
from server.errors import Conflict, Forbidden, Invalid, NotFound, TooMany, Unauthorized
from server.models import Article, ArticleState, Role
from server.storage import articles as stored
from tests.support.build import NOBODY, Site, guest, open_site

PAGE = "https://news.example/2026/story?id=7"


async def changed(site: Site, article: Article, **changes: Any) -> Article:
    return await articles.change_article(site.state, await site.moderator(), article.id, Changes(**changes))


async def resolve(site: Site, url: str = PAGE, title: str | None = None, *, allowed: bool = True) -> Article:
    return await articles.resolve_article(site.state, NOBODY, url, title, allowed=allowed)


async def test_only_staff_make_and_change_articles(site: Site) -> None:
    article = await site.article()
    for by, error in ((NOBODY, Unauthorized), (await site.person(), Forbidden)):
        with pytest.raises(error):
            await articles.create_article(site.state, by, NewArticle(title="x"))
        with pytest.raises(error):
            await articles.change_article(site.state, by, article.id, Changes(title="x"))


@pytest.mark.parametrize(
    ("field", "new"),
    [("title", {"title": " "}), ("title", {"title": "x" * 301}), ("url", {"title": "x", "url": "javascript:1"}),
     ("url", {"title": "x", "url": "news"}), ("byline", {"title": "x", "byline": "x" * 201}),
     ("published_at", {"title": "x", "published_at": "yesterday"}), ("format", {"title": "x", "format": "rtf"}),
     ("image", {"title": "x", "image": {"url": "file:///etc/passwd"}})],
)  # fmt: skip
async def test_a_wrong_field_is_named(site: Site, field: str, new: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        await articles.create_article(site.state, await site.moderator(), msgspec.convert(new, NewArticle))
    assert [name for name, _ in caught.value.errors] == [field]


async def test_the_same_page_has_one_article_however_it_is_addressed(site: Site) -> None:
    first = await resolve(site, title="A story")
    assert first.title == "A story" and first.url == PAGE
    for url in ("http://www.news.example/2026/story/?id=7", PAGE + "&utm_source=x", PAGE + "#comments"):
        assert (await resolve(site, url, "Another title")).id == first.id
    assert (await resolve(site, "https://news.example/2026/story?id=8")).id != first.id
    with pytest.raises(Conflict):
        await articles.create_article(site.state, await site.moderator(), NewArticle(title="x", url=PAGE))


async def test_a_page_that_many_open_at_once_for_the_first_time_is_one_article(site: Site) -> None:
    found = await asyncio.gather(*(resolve(site, title=f"title {number}") for number in range(20)))
    assert len({article.id for article in found}) == 1


async def test_a_page_that_two_processes_open_at_once_is_one_article(postgres_url: str) -> None:
    async with open_site(postgres_url) as here, open_site(postgres_url) as there:
        for number in range(10):
            found = await asyncio.gather(*(resolve(site, f"{PAGE}&n={number}", "One") for site in (here, there, here)))
            assert len({article.id for article in found}) == 1


async def test_a_page_of_a_foreign_origin_opens_nothing_but_finds_what_is_there(site: Site) -> None:
    with pytest.raises(Forbidden, match=r"https://news\.example"):
        await resolve(site, allowed=False)
    known = await resolve(site)
    assert await resolve(site, allowed=False) == known


async def test_new_pages_are_limited_for_each_address(limited: Site) -> None:
    for number in range(10):
        await resolve(limited, f"{PAGE}&n={number}")
    with pytest.raises(TooMany):
        await resolve(limited, f"{PAGE}&n=10")
    await articles.resolve_article(limited.state, guest("elsewhere"), f"{PAGE}&n=10", None, allowed=True)


async def test_a_change_reaches_open_pages_and_keeps_what_was_left_out(site: Site) -> None:
    made = await articles.create_article(
        site.state,
        await site.moderator(),
        NewArticle(title="Old", byline="Ada", url=PAGE, image=Image("https://news.example/a.jpg", "A boat")),
    )
    after = await changed(site, made, state=ArticleState.CLOSED, slow_mode_seconds=30)
    assert (after.state, after.slow_mode_seconds, after.byline, after.url) == ("closed", 30, "Ada", PAGE)
    events = await site.log(made.channel)
    assert [event["type"] for event in events] == ["article.updated"]
    assert events[0]["article"] == (await site.thread(made))["article"]
    assert events[0]["article"]["image"] == {"url": "https://news.example/a.jpg", "caption": "A boat"}
    assert (await changed(site, made, byline=None, image=None)).image_url is None


async def test_a_change_that_changes_nothing_says_nothing(site: Site) -> None:
    made = await site.article("Same")
    assert await changed(site, made, title="Same", state=ArticleState.OPEN) == made
    assert await site.log(made.channel) == []


async def test_wrong_changes_are_refused(site: Site) -> None:
    made, other = await site.article(), await resolve(site)
    for seconds in (-1, 3601):
        with pytest.raises(Invalid, match="slow_mode_seconds"):
            await changed(site, made, slow_mode_seconds=seconds)
    with pytest.raises(Conflict, match=str(other.id)):
        await changed(site, made, url=PAGE)
    with pytest.raises(NotFound):
        await articles.change_article(site.state, await site.moderator(), 999, Changes(title="x"))


async def test_an_article_is_found_by_every_slug_it_had(site: Site) -> None:
    made, other = await site.article("First title"), await site.article("First title")
    assert (made.slug, other.slug) == ("first-title", "first-title-2")
    assert (await changed(site, made, title="Second title")).slug == "second-title"
    assert (await site.article("First title")).slug == "first-title-3", "an old slug is not given away"
    for slug in ("first-title", "second-title"):
        found = await site.database.read(lambda tx: stored.by_slug(tx, slug))  # noqa: B023
        assert found is not None and found.id == made.id
    assert (await changed(site, made, title="First title")).slug == "first-title", "its own may come back"


async def test_two_changes_at_the_same_moment_are_both_kept(postgres_url: str) -> None:
    async with open_site(postgres_url) as here, open_site(postgres_url) as there:
        for number in range(8):
            made = await here.article(f"Article {number}")
            await asyncio.gather(changed(here, made, byline="Ada"), changed(there, made, slow_mode_seconds=9))
            after = (await here.thread(made))["article"]
            assert (after["byline"], after["slow_mode_seconds"]) == ("Ada", 9)


async def test_a_title_in_any_script_is_kept(site: Site) -> None:
    assert (await site.article("  כותרת   חדשה ")).title == "כותרת חדשה"
    assert (await site.person("x", Role.MEMBER)).person is not None
