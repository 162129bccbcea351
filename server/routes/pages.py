"""Pages for people and crawlers: an article with its discussion, the list of articles, signing in.

Every page is complete without a script, the same for everyone, and revalidated cheaply: an article's page changes only
with its log's position. Failures are pages too. The markup is made by server/markup; what is read, by actions/reading.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from server import __version__, bodies, cursors, events
from server.actions import reading, threads
from server.actions.reading import Asked
from server.errors import BadRequest, NotFound, ProblemError
from server.markup import article as article_markup
from server.markup import index as index_markup
from server.markup.index import Listed
from server.markup.languages import ENGLISH
from server.markup.layout import Site, article_path
from server.markup.thread import Discussion
from server.models import Sort, article_channel
from server.routes import compression, sites, web
from server.snapshots import Snapshot
from server.storage import articles
from server.storage.transaction import Transaction
from server.times import rfc3339

EXCERPT = 220  # characters of an article in the list
_EXCERPTED = 4000  # characters of a body that an excerpt is made from

Endpoint = Callable[[Request], Awaitable[Response]]


def _page(endpoint: Endpoint) -> Endpoint:
    """An endpoint whose failures are pages."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ProblemError as error:
            return await failure(request, error)

    return answer


async def failure(request: Request, error: ProblemError) -> Response:
    """What went wrong, as a page for a person."""
    try:
        site = sites.site_of(request)
    except BadRequest:
        return web.problem(error)
    slug = request.path_params.get("slug")
    words, title = site.words, error.title
    detail = error.detail[:1].upper() + error.detail[1:].rstrip(".") + "."
    if words is not ENGLISH:  # what the API says is English
        kind = "tooMany" if error.status == 429 else "notFound" if error.status < 500 else "serverFailed"
        title, detail = words(kind), words(f"{kind}Here")
    link, further = "/", words("allArticles")
    if slug is not None and request.url.query:
        link, further = article_path(slug), words("wholeDiscussion")
    text = index_markup.failure_page(site, status=error.status, title=title, detail=detail, link=link, further=further)
    headers = {**_headers(site), "Cache-Control": "no-store", **error.headers()}
    return await compression.answer(request, text, error.status, media_type="text/html", headers=headers)


class _Moved(Exception):
    """The article is at another slug by now, or was asked for by another spelling of it."""

    def __init__(self, slug: str) -> None:
        super().__init__(slug)
        self.slug = slug


class _NotShown(Exception):
    """The comment that is asked for is not shown to everybody, or never was."""


async def article(request: Request) -> Response:
    """The page of an article: `?sort=`, `?cursor=`, `?comment=` choose the page of its discussion.

    A comment that not everybody may see is 404 to crawlers, with the whole discussion for people: the script on it
    shows the comment to its author and to moderators. Made once for all who ask, as the pages of the API are
    (server/snapshots.py).
    """
    asked = _asked(request)
    try:
        if request.url.path.endswith("/"):
            raise _Moved(request.path_params["slug"])
        try:
            return await _shown(request, asked)
        except _NotShown:
            answer = await _shown(request, Asked(asked.sort))
    except _Moved as moved:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(article_path(moved.slug) + query, 301, {"Cache-Control": "public, max-age=3600"})
    if answer.status_code == 200:
        answer.status_code = 404
        del answer.headers["ETag"]  # that of the discussion's own address
    return answer


async def _shown(request: Request, asked: Asked) -> Response:
    """The page that shows what is asked for. Raises _Moved, _NotShown, NotFound, BadRequest."""
    site, slug = sites.site_of(request), request.path_params["slug"]
    state = web.state_of(request)
    named = f"{__version__} {site.origin} {site.static} {site.words.language} {slug} {asked}"

    async def make() -> Snapshot:
        view, body = await state.database.read(work, "page")
        head = view.head
        tag = f'W/"{head.epoch}.{head.seq}.{hashlib.sha256(named.encode()).hexdigest()[:12]}"'
        text = await asyncio.to_thread(_article_page, site, view, body, asked)
        return Snapshot(article_channel(view.article.id), tag, text.encode())

    def work(tx: Transaction) -> tuple[threads.View, str]:
        row = reading.find_article(tx, slug)
        if row.slug != slug:
            raise _Moved(row.slug)
        try:
            return reading.read_page(tx, row, asked), row.body
        except NotFound:
            raise _NotShown from None  # the article is there

    snapshot = await state.snapshots.get(f"page {named}", make)
    return compression.of_snapshot(
        request, snapshot, media_type="text/html", headers={**_headers(site), "Cache-Control": "no-cache"}
    )


def _article_page(site: Site, view: threads.View, body: str, asked: Asked) -> str:
    discussion = discussion_of(view, asked)
    changed = None if view.head.at is None else rfc3339(view.head.at)
    return article_markup.page(body, discussion, site, cursor=asked.cursor, modified_at=changed)


def discussion_of(view: threads.View, asked: Asked) -> Discussion:
    """A page of a discussion as the markup is made from it."""
    content = threads.content(view)
    return Discussion(
        article=content["article"],
        sort=content["sort"],
        comments=content["comments"],
        branches=content["branches"],
        next=content["next"],
        snapshot=events.encode({**content, "viewer": None}),
        asked=asked.comment,
        partial=asked.comment is not None or asked.cursor is not None,
    )


def _asked(request: Request) -> Asked:
    """What the address asks for. An order nobody knows is the usual one; what is no number is no comment."""
    query = request.query_params
    sort = query.get("sort", "")
    comment = query.get("comment") or query.get("branch") or None
    number = None
    if comment is not None:
        if not comment.isascii() or not comment.isdigit():
            raise NotFound("There is no such comment in this discussion.")
        number = int(comment) if len(comment) < 19 else 0  # no comment has as large a number
    return Asked(Sort(sort) if sort in list(Sort) else Sort.OLDEST, query.get("cursor") or None, number)


async def index(request: Request) -> Response:
    """The articles, newest first."""
    site, cursor = sites.site_of(request), request.query_params.get("cursor") or None
    before = articles.BEFORE_ALL if cursor is None else int(cursors.decode(cursor, int)[0])
    rows, following = await web.state_of(request).database.read(lambda tx: reading.list_articles(tx, before))
    listed = [Listed(events.article(row), bodies.description(row.body[:_EXCERPTED], EXCERPT)) for row in rows]
    text = index_markup.page(listed, site, cursor=cursor, next=None if following is None else cursors.encode(following))
    return await _revalidated(request, site, text)


async def sign_in(request: Request) -> Response:
    """Where a one-time link leads."""
    site = sites.site_of(request)
    return await _revalidated(request, site, index_markup.sign_in_page(site))


async def _revalidated(request: Request, site: Site, text: str) -> Response:
    etag = f'W/"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'
    headers = {**_headers(site), "ETag": etag, "Cache-Control": "no-cache"}
    if compression.is_known(request, etag):
        return Response(status_code=304, headers=headers)
    return await compression.answer(request, text, media_type="text/html", headers=headers)


def _headers(site: Site) -> dict[str, str]:
    """What keeps a page ours: no script, style or frame from anywhere else, no markup made from text."""
    live = "ws" + site.origin.removeprefix("http")  # 'self' does not cover it in every browser
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https: data:; "
            f"connect-src 'self' {live}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'; trusted-types 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "Vary": "Accept-Encoding" if site.fixed else "Accept-Encoding, Accept-Language",
        "X-Content-Type-Options": "nosniff",
    }


routes = [
    Route("/", _page(index), methods=["GET"]),
    Route("/signin", _page(sign_in), methods=["GET"]),
    Route("/a/{slug}", _page(article), methods=["GET"]),
    Route("/a/{slug}/", _page(article), methods=["GET"]),
]
