"""Ripost in this process, asked over HTTP without a socket: what pages, feeds and static files answer."""

import contextlib
import json
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

import httpx2
from starlette.applications import Starlette

from server.app import create_app
from server.config import Config
from server.models import Article
from server.slugs import canonical_url, slug
from server.state import State
from server.storage import articles
from server.times import FixedClock

ORIGIN = "http://talk.example"


@dataclass
class Site:
    """A running app: `ask` answers, `add_article` and `post` fill it, `clock` moves when told to."""

    client: httpx2.AsyncClient
    state: State
    clock: FixedClock

    async def ask(self, path: str, **headers: str) -> httpx2.Response:
        return await self.client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})

    async def add_article(self, title: str = "Night trains", body: str = "<p>Body.</p>", **values: Any) -> Article:
        if values.get("url"):
            values["canonical_url"] = canonical_url(values["url"])

        def work(tx: Any) -> Article:
            wanted = articles.free_slug(tx, slug(title))
            added = articles.add(tx, slug=wanted, title=title, body=body, created_at=self.clock.now(), **values)
            found = articles.get(tx, added)
            assert found is not None
            return found

        return await self.state.database.write(work)

    async def post(
        self, article: Article, text: str, *, parent: int | None = None, name: str = "Ana", token: str | None = None
    ) -> tuple[int, str]:
        """A guest's comment; its id and the guest's token."""
        self.clock.advance(1)
        body = {"client_id": str(uuid.uuid4()), "text": text, "parent": parent, "name": name}
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = await self.client.post(f"/api/articles/{article.id}/comments", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["event"]["comment"]["id"], answer.json().get("token") or token or ""

    async def delete(self, comment: int, token: str) -> None:
        answer = await self.client.delete(f"/api/comments/{comment}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text


@contextlib.asynccontextmanager
async def open_site(database_url: str, origin: str = ORIGIN, **settings: Any) -> AsyncIterator[Site]:
    """The app on this database, without rate limits, at `origin`."""
    clock = FixedClock()
    secret = "a secret that only the tests know, and long enough"
    config = Config(database_url=database_url, rate_limits=False, secret_key=secret, **settings)
    app: Starlette = create_app(config, clock)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=origin, follow_redirects=False) as client:
            yield Site(client, app.state.ripost, clock)


class Outline(HTMLParser):
    """A page as a tree of what a test asks about: comments and how they nest, links, metas, scripts, errors of nesting."""

    VOID = frozenset(["meta", "link", "img", "br", "hr", "input", "path"])

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.parents: dict[int, int | None] = {}
        self.order: list[int] = []
        self.attributes: dict[int, dict[str, str | None]] = {}
        self.links: list[tuple[str | None, str]] = []
        self.metas: dict[str, str] = {}
        self.heads: list[dict[str, str | None]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.deepest = 0
        self._open: list[tuple[str, int | None]] = []
        self.feed(text)
        self.close()
        assert not self._open, f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        self.elements.append((tag, known))
        if tag == "a":
            self.links.append((known.get("rel"), known.get("href") or ""))
        if tag == "meta" and ("name" in known or "property" in known):
            self.metas[known.get("name") or known.get("property") or ""] = known.get("content") or ""
        if tag == "link":
            self.heads.append(known)
        id = None
        if tag == "article" and "data-comment-id" in known:
            id = int(known["data-comment-id"] or 0)
            self.parents[id] = next((above for _, above in reversed(self._open) if above is not None), None)
            self.attributes[id] = known
            self.order.append(id)
        if tag not in self.VOID:
            self._open.append((tag, id))
            self.deepest = max(self.deepest, len(self._open))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self._open and self._open[-1][0] == tag, f"</{tag}> closes {self._open[-3:]}"
            self._open.pop()


def data_blocks(text: str) -> list[Any]:
    """The JSON in the page's data blocks: linked data first, then the snapshot."""
    found = re.findall(r'<script type="application/(?:ld\+)?json"[^>]*>(.*?)</script>', text, re.DOTALL)
    return [json.loads(block) for block in found]
