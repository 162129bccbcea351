"""Presence, typing and counts over real sockets, over the slim protocol and over plain ASGI alike."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio
import uvicorn

from server.app import create_app
from server.config import Config
from server.serving import _Server, bind, uvicorn_config
from server.session import MAX_SUBSCRIPTIONS
from server.storage import articles
from server.tallies import MOST_WATCHED
from tests.support.live import Frame, LiveClient

Json = dict[str, Any]


@dataclass
class Open:
    """A server in this process."""

    app: Any
    url: str
    http: httpx2.AsyncClient

    def live(self) -> LiveClient:
        return LiveClient(self.url)

    async def article(self) -> int:
        def work(tx: Any) -> int:
            return int(articles.add(tx, slug=articles.free_slug(tx, "an-article"), title="An article", created_at=1))

        found: int = await self.app.state.ripost.database.write(work)
        return found

    async def post(self, article: int, client_id: str) -> Json:
        body = {"client_id": client_id, "text": "Hello.", "name": "Ada"}
        answer = await self.http.post(f"/api/articles/{article}/comments", json=body)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made


@pytest_asyncio.fixture(params=["slim", "asgi"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Open]:
    async with opened(tmp_path, slim=request.param == "slim") as made:
        yield made


@contextlib.asynccontextmanager
async def opened(folder: Path, *, slim: bool) -> AsyncIterator[Open]:
    config = Config(host="127.0.0.1", port=0, database_url=f"sqlite:///{folder}/ripost.db", rate_limits=False)
    listener = bind(config)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    app = create_app(config)
    plain = uvicorn.Config(app, ws="websockets-sansio", lifespan="off", log_config=None)
    async with app.router.lifespan_context(app):
        server = _Server(uvicorn_config(config, app) if slim else plain, app, url, None)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with httpx2.AsyncClient(base_url=url, timeout=20) as client:
            async with asyncio.timeout(10):
                while not server.started:
                    await asyncio.sleep(0.01)
            yield Open(app, url, client)
        server.should_exit = True
        await asyncio.wait_for(serving, 15)


def presence(article: int, readers: int, *typing: tuple[int | None, int]) -> Any:
    wanted = {"type": "presence", "article": article, "readers": readers}
    return wanted | {"typing": [{"parent": parent, "count": count} for parent, count in typing]}


async def told(live: LiveClient, wanted: Frame) -> None:
    await live.wait_for(lambda frame: frame == wanted)


async def problem(live: LiveClient, message: Json) -> Json:
    start = len(live.frames)
    await live.send(message)
    found: Json = (await live.wait_for("error", after=start))["problem"]
    return found


async def counts(live: LiveClient, message: Json) -> Json:
    """The answer to a subscription to counts."""
    start = len(live.frames)
    await live.send({"type": "subscribe"} | message)
    found: Json = (await live.wait_for("counts", after=start))["counts"]
    return found


async def test_readers_are_told_how_many_they_are(site: Open) -> None:
    article = await site.article()
    async with site.live() as ada:
        assert (await ada.subscribe(article))["readers"] == 1
        async with site.live() as ben:
            assert (await ben.subscribe(article))["readers"] == 2
            await told(ada, presence(article, 2))
            await told(ben, presence(article, 2))
        await told(ada, presence(article, 1))
        async with site.http.stream(
            "GET", f"/api/articles/{article}/events", headers={"Accept": "text/event-stream"}
        ) as stream:
            assert stream.status_code == 200
            await told(ada, presence(article, 2))
        assert all(set(frame) == {"type", "article", "readers", "typing"} for frame in _presences(ada))


def _presences(live: LiveClient) -> list[Frame]:
    return [frame for frame in live.frames if frame["type"] == "presence"]


async def test_readers_are_told_where_somebody_is_typing_and_when_no_more(site: Open) -> None:
    article = await site.article()
    async with site.live() as ada, site.live() as ben, site.live() as cy:
        for live in (ada, ben):
            await live.subscribe(article)
        await ben.send({"type": "typing", "article": article, "parent": 7})
        await ada.send({"type": "typing", "article": article})
        await told(ada, presence(article, 2, (None, 1), (7, 1)))
        await cy.subscribe(article)
        await told(cy, presence(article, 3, (None, 1), (7, 1)))
        await ada.send({"type": "unsubscribe", "article": article})
        await told(ben, presence(article, 2, (7, 1)))
        await ben.close()
        await told(cy, presence(article, 1))


async def test_a_newcomer_is_told_who_is_typing_with_the_next_second_and_not_before_it(site: Open) -> None:
    """At most one a second: who came was told the number of readers, and would hear again when the second is over."""
    article = await site.article()
    async with contextlib.AsyncExitStack() as stack:
        ben, *others = [await stack.enter_async_context(site.live()) for _ in range(15)]
        await ben.subscribe(article)
        await ben.send({"type": "typing", "article": article, "parent": 7})
        await ben.wait_for("presence")
        started, early = time.monotonic(), 0
        for newcomer in others:
            await newcomer.subscribe(article)
            await newcomer.ping()
            early += len(_presences(newcomer))
        assert early <= time.monotonic() - started + 1, "only whose coming and answer a second came between"
        for newcomer in others:
            await newcomer.wait_for(lambda frame: frame["type"] == "presence" and frame["typing"] != [])
        for live in (ben, *others):
            assert len(_presences(live)) <= time.monotonic() - started + 2


async def test_a_reader_of_one_article_hears_nothing_of_another(site: Open) -> None:
    here, there = await site.article(), await site.article()
    async with site.live() as ada, site.live() as ben, site.live() as cy:
        await ada.subscribe(here)
        await ben.subscribe(there)
        await cy.subscribe(there)
        await cy.send({"type": "typing", "article": there, "parent": 7})
        await told(ben, presence(there, 2, (7, 1)))
        await ada.ping()
        assert _presences(ada) == []


async def test_typing_needs_a_subscription_and_a_comment(site: Open) -> None:
    article = await site.article()
    async with site.live() as live:
        assert "subscribe" in (await problem(live, {"type": "typing", "article": article}))["detail"]
        await live.subscribe(article)
        wrong = await problem(live, {"type": "typing", "article": article, "parent": 0})
        assert wrong["errors"][0]["field"] == "parent"
        assert (await problem(live, {"type": "typing"}))["status"] == 400


async def test_a_front_page_is_told_the_counts_and_what_changes(site: Open) -> None:
    first, second, third = [await site.article() for _ in range(3)]
    said = await site.post(first, "11111111-1111-4111-8111-111111111111")
    async with site.live() as live:
        assert await counts(live, {"counts": [first, second, 999]}) == {str(first): 1, str(second): 0}
        assert await counts(live, {"counts": [first]}) == {str(first): 1}
        await site.post(second, "22222222-2222-4222-8222-222222222222")
        await site.post(third, "33333333-3333-4333-8333-333333333333")
        await live.wait_for(lambda frame: frame == {"type": "counts", "counts": {str(second): 1}})
        token = {"Authorization": f"Bearer {said['token']}"}
        await site.http.delete(f"/api/comments/{said['event']['comment']['id']}", headers=token)
        await live.wait_for(lambda frame: frame == {"type": "counts", "counts": {str(first): 0}})
        assert await counts(live, {"counts": [third]}) == {str(third): 1}
        await live.send({"type": "unsubscribe", "counts": [second]})
        assert await live.wait_for("unsubscribed") == {"type": "unsubscribed", "counts": [second], "reason": "asked"}
        await site.post(second, "44444444-4444-4444-8444-444444444444")
        await site.post(third, "55555555-5555-4555-8555-555555555555")
        await live.wait_for(lambda frame: frame == {"type": "counts", "counts": {str(third): 2}})
        await live.send({"type": "unsubscribe", "counts": True})
        await live.ping()
        assert live.events == [], "numbers only"
    state = site.app.state.ripost
    assert not state.tallies._watches and not state.hub.channels, "no cursors are held"


async def test_counts_are_bounded_and_one_subscription(site: Open) -> None:
    known = [await site.article() for _ in range(MAX_SUBSCRIPTIONS)]
    async with site.live() as live:
        for wrong in ([], list(range(1, MOST_WATCHED + 2)), [0], [2**63]):
            assert (await problem(live, {"type": "subscribe", "counts": wrong}))["errors"][0]["field"] == "counts"
        both = {"type": "subscribe", "counts": known, "article": known[0]}
        assert (await problem(live, both))["errors"][0]["field"] == "counts"
        assert (await problem(live, {"type": "unsubscribe", "counts": False}))["errors"][0]["field"] == "counts"
        assert len(await counts(live, {"counts": list(range(1, MOST_WATCHED + 1))})) == MAX_SUBSCRIPTIONS
        assert (await problem(live, {"type": "subscribe", "counts": [MOST_WATCHED + 1]}))["status"] == 422
        for article in known[:-1]:
            assert (await live.subscribe(article))["type"] == "subscribed"
        assert (await problem(live, {"type": "subscribe", "article": known[-1]}))["status"] == 429


async def test_who_does_not_read_is_not_written_to_and_told_later(site: Open) -> None:
    """The link refuses while it is paused: what was missed is offered again with the next beat."""
    article = await site.article()
    async with site.live() as ada, site.live() as ben:
        await ada.subscribe(article)
        channel = site.app.state.ripost.hub.channels[f"article:{article}"]
        (cursor,) = channel.cursors
        cursor.reader._late(cursor)  # as after a refused write
        await ben.subscribe(article)
        await told(ben, presence(article, 2))
        await ada.ping()
        assert _presences(ada) == []
        cursor.reader.writable()
        await told(ada, presence(article, 2))


async def test_a_thousand_front_pages_of_the_same_articles_cost_few_reads(tmp_path: Path) -> None:
    async with opened(tmp_path, slim=True) as site:
        known = [await site.article() for _ in range(20)]
        relay = site.app.state.ripost.relay
        asked = [asyncio.create_task(relay.counts(tuple(known))) for _ in range(1000)]
        await asyncio.sleep(0)
        assert len(relay._reads) == 1
        assert await asyncio.gather(*asked) == [dict.fromkeys(known, 0)] * 1000
        async with contextlib.AsyncExitStack() as stack:
            lives = [await stack.enter_async_context(site.live()) for _ in range(50)]
            answers = await asyncio.gather(*(counts(live, {"counts": known}) for live in lives))
            assert json.dumps(answers[0]) == json.dumps(answers[-1])
            await site.post(known[3], "11111111-1111-4111-8111-111111111111")
            wanted = {"type": "counts", "counts": {str(known[3]): 1}}
            await asyncio.gather(*(live.wait_for(lambda frame: frame == wanted) for live in lives))
