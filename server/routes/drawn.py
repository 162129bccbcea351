"""The first page of a discussion for a page of somebody else's, where the server has written nothing: elements as data.

One answer to a browser that knows no more than the address it is on. What stands in it is what the server writes into
its own pages (server/markup/thread.py), the same for everyone, and kept as pages of the API are (server/snapshots.py).
Never makes an article: that is for /api/articles/resolve.
"""

import asyncio
import hashlib

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server import __version__, events, slugs
from server.actions import reading, threads
from server.actions.reading import Asked
from server.errors import BadRequest, NotFound
from server.markup import thread
from server.markup.languages import Words, asked_for
from server.models import Sort, article_channel
from server.routes import compression, web
from server.routes.pages import discussion_of
from server.snapshots import Snapshot
from server.storage import articles
from server.storage.transaction import Transaction

_LARGEST = 10**18  # an id

# A browser asks every time whether its copy is still true; a shared cache may answer for a second, as our own does.
_HEADERS = {"Cache-Control": "public, max-age=0, s-maxage=1"}


async def drawn(request: Request) -> Response:
    """`?article=` or `?url=` says which discussion, `?sort=` in which order, `?lang=` in which words.

    For a page that was never seen there is no content: no failure to a browser, whose console would show one. Raises
    BadRequest, and NotFound for an id that no article has.
    """
    query = request.query_params
    text = query.get("sort") or Sort.OLDEST
    if text not in list(Sort):
        raise BadRequest(f"sort is {text[:40]!r}: {', '.join(Sort)} are accepted")
    asked, words = Asked(Sort(text)), asked_for(query.get("lang", ""))
    id, url = web.whole(request, "article", 0, 1, _LARGEST) if "article" in query else 0, query.get("url")
    if not id and not url:
        raise BadRequest("article or url: the id of an article or the address of its page is needed")
    try:
        canonical = slugs.canonical_url(url) if url and not id else None
    except ValueError as error:
        raise BadRequest(f"url: {error}") from None
    state = web.state_of(request)
    about = f"article {id}" if canonical is None else f"url {canonical}"  # "2" is also what http://2 is
    named = f"{__version__} {words.language} {asked.sort} {about}"

    def read(tx: Transaction) -> threads.View:
        article = articles.get(tx, id) if canonical is None else articles.by_canonical_url(tx, canonical)
        if article is None:
            raise NotFound("there is no such article")
        return reading.read_page(tx, article, asked)

    async def make() -> Snapshot:
        view = await state.database.read(read, "page")
        head = view.head
        tag = f'W/"{head.epoch}.{head.seq}.{hashlib.sha256(named.encode()).hexdigest()[:12]}"'
        return await asyncio.to_thread(_drawn, view, asked, words, tag)

    try:
        snapshot = await state.snapshots.get(f"drawn {named}", make)
    except NotFound:
        if id:
            raise
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    return compression.of_snapshot(request, snapshot, media_type="application/json", headers=_HEADERS)


def _drawn(view: threads.View, asked: Asked, words: Words, tag: str) -> Snapshot:
    discussion = discussion_of(view, asked)
    section = thread.section(discussion, words)
    if words.direction == "rtl":  # unless the page around it says which way it is
        section[1]["dir"] = words.direction
    body = f'{{"section":{events.encode(section)},"page":{discussion.snapshot}}}'.encode()
    made = Snapshot(article_channel(view.article.id), tag, body)
    _ = made.packed  # here, where nobody waits for it
    return made


routes = [Route("/api/drawn", drawn, methods=["GET"])]
