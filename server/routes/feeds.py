"""Atom feeds of comments, the sitemap and robots.txt: what programs read that never post."""

import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from server import events, models
from server.actions import reading
from server.actions.reading import Newest
from server.markup import atom
from server.markup.atom import Entry
from server.markup.layout import article_path
from server.routes import compression, sites, web
from server.storage import articles, feeds
from server.storage.transaction import Transaction
from server.times import SECOND, rfc3339

SITEMAP_MAX = 50_000  # sitemaps.org's bound
_SITEMAP_STEP = 1000  # articles read and written at a time, so that others' requests go on


async def latest(request: Request) -> Response:
    """The newest comments of all articles."""
    return await _feed(request, None)


async def of_article(request: Request) -> Response:
    """The newest comments of one article. Raises NotFound."""
    slug = request.path_params["slug"]
    article = await web.state_of(request).database.read(lambda tx: reading.find_article(tx, slug))
    if article.slug != slug:
        return RedirectResponse(f"{article_path(article.slug)}/comments.atom", 301)
    return await _feed(request, article)


async def _feed(request: Request, article: models.Article | None) -> Response:
    site, state = sites.site_of(request), web.state_of(request)

    def work(tx: Transaction) -> Newest:
        return reading.newest_comments(tx, article, atom.ENTRIES)

    newest = await state.database.read(work)
    changed = newest.changed_at or (0 if article is None else article.created_at)
    entries = []
    for row in newest.comments:
        parent = None if row.parent_id is None else newest.parents.get(row.parent_id)
        about = events.article(newest.articles[row.article_id])
        entries.append(Entry(events.comment(row), about, None if parent is None else events.comment(parent)))
    text = atom.feed(
        entries, site, article=None if article is None else events.article(article), updated=rfc3339(changed)
    )
    etag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    # A second in which more may still change names nothing: whoever came back with it would miss the rest.
    if changed and changed // SECOND < state.clock.now() // SECOND - 1:
        headers["Last-Modified"] = format_datetime(datetime.fromtimestamp(changed // SECOND, UTC), usegmt=True)
    if _is_unchanged(request, etag, headers.get("Last-Modified")):
        return Response(status_code=304, headers=headers)
    return await compression.answer(request, text, media_type="application/atom+xml; charset=utf-8", headers=headers)


def _is_unchanged(request: Request, etag: str, modified: str | None) -> bool:
    if "if-none-match" in request.headers:
        return compression.is_known(request, etag)
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return parsedate_to_datetime(modified) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):  # not a date, or one without a zone
        return False


async def sitemap(request: Request) -> Response:
    """Every article, the newest 50,000."""
    site, database = sites.site_of(request), web.state_of(request).database

    async def lines() -> AsyncIterator[str]:
        yield atom.SITEMAP_START
        before = articles.BEFORE_ALL
        for _ in range(SITEMAP_MAX // _SITEMAP_STEP):
            found = await database.read(lambda tx: feeds.places(tx, before, _SITEMAP_STEP))  # noqa: B023
            yield "".join(atom.sitemap_entry(site, place.slug, rfc3339(place.changed_at)) for place in found)
            if len(found) < _SITEMAP_STEP:
                break
            before = found[-1].id
        yield atom.SITEMAP_END

    return StreamingResponse(
        lines(), media_type="application/xml; charset=utf-8", headers={"Cache-Control": "public, max-age=3600"}
    )


async def robots(request: Request) -> Response:
    """What crawlers may do."""
    text = atom.robots(sites.site_of(request))
    return Response(text, media_type="text/plain", headers={"Cache-Control": "public, max-age=3600"})


routes = [
    Route("/feeds/comments.atom", latest, methods=["GET"]),
    Route("/a/{slug}/comments.atom", of_article, methods=["GET"]),
    Route("/sitemap.xml", sitemap, methods=["GET"]),
    Route("/robots.txt", robots, methods=["GET"]),
]
