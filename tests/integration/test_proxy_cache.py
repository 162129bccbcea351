"""Behind an nginx that keeps what it may: crowds are answered by it, and nobody is shown what is another's.

nginx is configured with the blocks of docs/configuration.md, and once more with its cache in front of everything, as
somebody in a hurry would.
"""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest

from server.fold import fold
from tests.support.live import LiveClient
from tests.support.nginx import documented, nginx
from tests.support.running import Running, moderator
from tests.support.server import RipostServer

FIRST, SECOND = "https://first.example", "https://second.example"


class Front:
    """A server, and the nginx in front of it."""

    def __init__(self, site: Running, url: str, article: int) -> None:
        self.site = site
        self.url = url
        self.article = article
        self.path = f"/api/articles/{article}/thread"

    async def get(self, path: str, token: str | None = None, **headers: str) -> httpx2.Response:
        """A request to nginx; underscores in the names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        return await self.site.http.get(self.url + path, headers=named)

    async def kept(self, path: str, **headers: str) -> httpx2.Response:
        """The same from the cache, asked for until it has it: it keeps a page for a second only."""
        async with asyncio.timeout(10):
            while (answer := await self.get(path, **headers)).headers["x-cache"] != "HIT":
                pass
        return answer

    async def thread(self, token: str | None = None, **headers: str) -> httpx2.Response:
        """The first page of the article's thread."""
        answer = await self.get(self.path, token, **headers)
        assert answer.status_code == 200, answer.text
        return answer


@pytest.fixture(scope="module", params=["as documented", "in front of everything"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, nginx_path: str
) -> Iterator[tuple[RipostServer, str, str]]:
    """A server, its moderator's token, and the address of the nginx in front of it."""
    folder = tmp_path_factory.mktemp("served")
    server = RipostServer(folder, {"RATE_LIMITS": "off", "ALLOWED_ORIGINS": f"{FIRST},{SECOND}"})
    token = asyncio.run(moderator(server))
    try:
        outside, inside = documented(server.start().url, folder)
        if request.param == "in front of everything":
            inside = re.sub(r"(?s)location ~.*?\}", "", inside).replace("{", "{ proxy_cache ripost;", 1)
        with nginx(nginx_path, folder / "nginx", outside, inside) as url:
            yield server, token, url
        server.close()
    finally:
        server.kill()


@pytest.fixture
async def front(served: tuple[RipostServer, str, str]) -> AsyncIterator[Front]:
    """The same for a test, with an article of its own."""
    server, token, url = served
    async with httpx2.AsyncClient(timeout=20) as client:
        site = Running(server, client, token)
        yield Front(site, url, await site.article())


async def test_an_anonymous_page_is_asked_of_the_server_once(front: Front) -> None:
    await front.site.post(front.article)
    before = await front.site.number('database_reads_total{purpose="page"}')
    first = await front.thread()
    kept = await front.kept(front.path)
    assert first.headers["x-cache"] == "MISS" and kept.content == first.content
    assert first.json()["viewer"] is None
    await asyncio.gather(*(front.thread() for _ in range(50)))
    assert await front.site.number('database_reads_total{purpose="page"}') == before + 1


async def test_who_has_the_page_already_is_told_so_by_the_cache(front: Front) -> None:
    first = await front.thread()
    known = await front.kept(front.path, If_None_Match=first.headers["etag"])
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["etag"] == first.headers["etag"]
    await front.site.post(front.article)
    async with asyncio.timeout(10):
        while (fresh := await front.get(front.path, If_None_Match=first.headers["etag"])).status_code == 304:
            await asyncio.sleep(0.05)
    assert fresh.headers["etag"] != first.headers["etag"] and len(fresh.json()["comments"]) == 1


async def test_nobody_sees_another_persons_view(front: Front) -> None:
    """Two people and a stranger, in every order, on a page that may be in the cache or not."""
    ana = await front.site.post(front.article, "By Ana.", name="Ana")
    ben = await front.site.post(front.article, "By Ben.", name="Ben")
    people = {"Ana": ana["token"], "Ben": ben["token"], None: None}
    seen: list[tuple[str | None, Any]] = []
    for order in (["Ana", "Ben", None], [None, "Ana", "Ben"], ["Ben", None, "Ana"], ["Ana", "Ana", None, None]):
        for name in order:
            answer = await front.thread(people[name])
            viewer = answer.json()["viewer"]
            seen.append((name, None if viewer is None else viewer["person"]["name"]))
            if name is not None:
                assert answer.headers["cache-control"] == "private, no-store"
                assert answer.headers["x-cache"] != "HIT"
    assert all(asked == told for asked, told in seen), seen
    together = await asyncio.gather(*(front.thread(token) for token in [*people.values()] * 10))
    told = [(answer.json()["viewer"] or {"person": {"name": None}})["person"]["name"] for answer in together]
    assert told == [*people] * 10
    wrong = await front.get(front.path, "not a token of anybody")
    assert wrong.status_code == 401, "an unknown token is not answered from what others may see"
    assert (await front.thread()).json()["viewer"] is None


async def test_what_waits_for_a_moderator_is_shown_to_its_author_alone(front: Front) -> None:
    held = await front.site.ask(
        "POST",
        f"/api/articles/{front.article}/comments",
        {"client_id": "0c2ad7d0-9f4e-4a7b-8a55-5a3f1a6a8b10", "text": "See https://elsewhere.example/", "name": "Cy"},
    )
    assert held.json()["event"]["comment"]["status"] == "pending"
    other = await front.site.post(front.article, "By Ben.", name="Ben")
    for token, sees in ((held.json()["token"], True), (None, False), (other["token"], False), (None, False)):
        assert ("elsewhere.example" in (await front.thread(token)).text) is sees


async def test_pages_of_different_origins_do_not_share_their_headers(front: Front) -> None:
    await front.site.post(front.article)
    counts = f"/api/counts?id={front.article}"
    for path in (front.path, counts):
        for ask in (front.get, front.kept):
            for origin in (FIRST, SECOND, "https://evil.example", None):
                answer = await ask(path, **({} if origin is None else {"Origin": origin}))
                allowed = origin if origin in (FIRST, SECOND) else None
                assert answer.status_code == 200
                assert answer.headers.get("access-control-allow-origin") == allowed, (path, origin)


async def test_compressed_pages_go_to_those_who_take_them(front: Front) -> None:
    for number in range(12):
        await front.site.post(front.article, f"Number {number} with some more words to make it worth it.")
    texts = set()
    for coding in ("gzip", "identity", "gzip", "identity"):
        answer = await front.thread(Accept_Encoding=coding)
        assert answer.headers.get("content-encoding", "identity") == coding
        texts.add(answer.text)
    assert len(texts) == 1


async def test_a_change_is_served_within_two_seconds_and_an_older_page_goes_on_by_its_events(front: Front) -> None:
    first = (await front.site.post(front.article, "The first."))["event"]["comment"]["id"]
    old = (await front.thread()).json()
    await front.site.post(front.article, "The second.")
    await front.site.decide(first, "reject")
    began = time.monotonic()
    cached = (await front.thread()).json()
    async with LiveClient(front.url) as live:  # the socket passes nginx, too
        answer = await live.subscribe(front.article, cached["epoch"], cached["seq"], at=cached["at"])
        assert answer["type"] == "subscribed"
        await live.wait_for_seq(front.article, answer["seq"]) if cached["seq"] < answer["seq"] else None
        now = fold(cached, live.events)
    assert old["seq"] == 1 and now["seq"] == 3
    async with asyncio.timeout(10):
        while (fresh := (await front.thread()).json())["seq"] < 3:
            await asyncio.sleep(0.05)
    assert time.monotonic() - began < 2.5, "nginx counts whole seconds"
    assert fresh["comments"] == now["comments"]


async def test_failures_and_what_is_posted_are_never_kept(front: Front) -> None:
    missing = "/api/articles/999/thread"
    assert (await front.get(missing)).status_code == 404
    again = await front.get(missing)
    assert again.status_code == 404 and again.headers.get("x-cache") != "HIT"
    body = {"text": "Through nginx.", "name": "Ada"}
    made = [
        await front.site.http.post(
            f"{front.url}/api/articles/{front.article}/comments",
            json=body | {"client_id": f"0c2ad7d0-9f4e-4a7b-8a55-5a3f1a6a8b2{number}"},
        )
        for number in range(2)
    ]
    assert [answer.status_code for answer in made] == [201, 201]
    assert made[0].json()["event"]["seq"] == 1 and made[1].json()["event"]["seq"] == 2
