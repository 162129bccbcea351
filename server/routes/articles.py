"""Articles over HTTP: making, finding and changing them, their threads and their counts."""

import hashlib
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server import __version__, cursors, events, slugs
from server.actions import articles as actions
from server.actions import threads
from server.actions.articles import Changes, NewArticle
from server.errors import BadRequest, Invalid, NotFound
from server.models import Actor, Sort, article_channel
from server.routes import compression, web
from server.snapshots import Snapshot
from server.storage import articles
from server.storage.transaction import Transaction

MAX_COUNTS = 200


class _Resolve(msgspec.Struct):
    url: str
    title: str | None = None


async def create(request: Request) -> Response:
    new = await web.body(request, NewArticle, web.ARTICLE_BYTES)
    article = await actions.create_article(web.state_of(request), await web.actor(request), new)
    return web.answer(events.article(article), 201, {"Location": f"/api/articles/{article.id}"})


async def resolve(request: Request) -> Response:
    asked = await web.body(request, _Resolve)
    state = web.state_of(request)
    actor = await web.actor(request)
    try:
        origin = slugs.origin_of(asked.url)
    except ValueError as error:
        raise Invalid.field("url", str(error)) from None
    page = request.headers.get("origin")
    # A page that is not a browser's has no origin to check; only its url's is known.
    allowed = web.may_embed(state.config, request.headers, origin) and (
        page is None or web.may_embed(state.config, request.headers, page)
    )
    article = await actions.resolve_article(state, actor, asked.url, asked.title, allowed=allowed)
    return web.answer(events.article(article))


async def list_articles(request: Request) -> Response:
    state = web.state_of(request)
    url = request.query_params.get("url")
    if url is not None:
        try:
            canonical = slugs.canonical_url(url)
        except ValueError as error:
            raise BadRequest(f"url: {error}") from None
        found = await state.database.read(lambda tx: articles.by_canonical_url(tx, canonical))
        return web.answer({"articles": [] if found is None else [events.article(found)], "next": None})
    limit = web.whole(request, "limit", 30, 1, threads.MAX_LIMIT)
    before = articles.BEFORE_ALL
    if cursor := request.query_params.get("cursor"):
        before = int(cursors.decode(cursor, int)[0])
    page = await state.database.read(lambda tx: articles.newest(tx, before, limit + 1))
    following = cursors.encode(page[limit - 1].id) if len(page) > limit else None
    return web.answer({"articles": [events.article(row) for row in page[:limit]], "next": following})


async def show(request: Request) -> Response:
    article_id = web.path_id(request)
    article = await web.state_of(request).database.read(lambda tx: articles.get(tx, article_id))
    if article is None:
        raise NotFound(f"there is no article {article_id}")
    return web.answer(events.article(article))


async def change(request: Request) -> Response:
    article_id = web.path_id(request)
    changes = await web.body(request, Changes, web.ARTICLE_BYTES)
    article = await actions.change_article(web.state_of(request), await web.actor(request), article_id, changes)
    return web.answer(events.article(article))


async def thread(request: Request) -> Response:
    article_id = web.path_id(request)
    text = request.query_params.get("sort") or Sort.OLDEST
    if text not in list(Sort):
        raise BadRequest(f"sort is {text[:40]!r}: {', '.join(Sort)} are accepted")
    sort = Sort(text)
    limit = web.whole(request, "limit", threads.ROOTS, 1, threads.MAX_LIMIT)
    cursor = request.query_params.get("cursor") or None
    actor = await web.actor(request)
    return await page(
        request, actor, article_id, lambda tx: threads.read_thread(tx, article_id, sort, cursor, limit, actor)
    )


async def page(
    request: Request, actor: Actor, article_id: int, read: Callable[[Transaction], threads.View]
) -> Response:
    """Answers with a page: cacheable and revalidated by its position for nobody in particular, else for one person."""
    state = web.state_of(request)
    if actor.person is not None:
        view = await state.database.read(read, "page")
        body = {**threads.content(view), "viewer": threads.viewer(state, actor, view)}
        return web.answer(body, headers={"Cache-Control": "private, no-store", "Vary": "Authorization"})
    asked = _asked(request)

    async def make() -> Snapshot:
        view = await state.database.read(read, "page")
        body = events.encode({**threads.content(view), "viewer": None}).encode()
        named = hashlib.sha256(f"{__version__} {asked}".encode()).hexdigest()[:12]
        return Snapshot(article_channel(article_id), f'W/"{view.head.epoch}.{view.head.seq}.{named}"', body)

    snapshot = await state.snapshots.get(asked, make)
    return compression.of_snapshot(request, snapshot, media_type="application/json", headers=_PUBLIC)


def _asked(request: Request) -> str:
    """The page that is asked for, under one name however its address is spelled. Raises BadRequest."""
    kind = request.url.path.rpartition("/")[2]
    usual = _USUAL_LIMITS.get(kind)
    if usual is None:
        return f"comment {web.path_id(request)}"
    sort = (request.query_params.get("sort") or Sort.OLDEST) if kind == "thread" else ""
    cursor = request.query_params.get("cursor") or ""  # has one spelling
    return f"{kind} {web.path_id(request)} {sort} {web.whole(request, 'limit', usual, 1, threads.MAX_LIMIT)} {cursor}"


async def counts(request: Request) -> Response:
    state = web.state_of(request)
    ids = request.query_params.getlist("id")
    urls = request.query_params.getlist("url")
    if len(ids) + len(urls) > MAX_COUNTS:
        raise BadRequest(f"at most {MAX_COUNTS} articles at once")
    if not all(text.isascii() and text.isdigit() and len(text) < 19 for text in ids):
        raise BadRequest("id: the ids of articles are accepted")

    def work(tx: Transaction) -> dict[str, dict[str, int]]:
        # Keyed by what was asked for; a page that was never seen has no comments yet, an unknown id is left out.
        found = {str(key): count for key, count in articles.counts(tx, [int(text) for text in ids]).items()}
        known = {}
        for url in urls:
            try:
                article = articles.by_canonical_url(tx, slugs.canonical_url(url))
            except ValueError:
                continue
            found[url] = 0 if article is None else article.comment_count
            if article is not None:
                known[url] = article.id
        return {"counts": found, "articles": known}

    return web.answer(await state.database.read(work), headers={"Cache-Control": "public, max-age=5"})


_USUAL_LIMITS = {"thread": threads.ROOTS, "replies": threads.REPLIES}  # by the last step of the path

# Besides these, an answer of the API varies by Origin (middleware.py).
# A browser asks every time whether its copy is still true; a shared cache may answer for a second, as our own does.
_PUBLIC = {"Cache-Control": "public, max-age=0, s-maxage=1", "Vary": "Authorization, Accept-Encoding"}

routes = [
    Route("/api/articles", create, methods=["POST"]),
    Route("/api/articles", list_articles, methods=["GET"]),
    Route("/api/articles/resolve", resolve, methods=["POST"]),
    Route("/api/articles/{id}", show, methods=["GET"]),
    Route("/api/articles/{id}", change, methods=["PATCH"]),
    Route("/api/articles/{id}/thread", thread, methods=["GET"]),
    Route("/api/counts", counts, methods=["GET"]),
]
