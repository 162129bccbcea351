"""The events without a WebSocket: an event stream and a long poll give the same log, from the same positions."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.support.running import Running, running

Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(tmp_path_factory.mktemp("stream")) as made:
        yield made


class Stream:
    """A reader of server-sent events as the standard has it: fields, blank line, dispatch."""

    def __init__(self, lines: AsyncIterator[str], headers: Any) -> None:
        self._lines = lines
        self.headers = headers
        self.last_id = ""

    async def next(self) -> tuple[str, Json]:
        """The next event: its name (`message` if it has none) and data. Raises StopAsyncIteration at the end."""
        name, data = "message", ""
        while True:
            line = await anext(self._lines)
            field, _, value = line.partition(": ")
            match field:
                case "":
                    return name, json.loads(data)
                case "event":
                    name = value
                case "id":
                    self.last_id = value
                case "data":
                    data += value

    async def events(self, count: int) -> list[Json]:
        """The next events of the log."""
        found: list[Json] = []
        while len(found) < count:
            name, data = await self.next()
            if name == "message":
                found.append(data)
        return found


@contextlib.asynccontextmanager
async def stream(site: Running, article: int, query: str = "", **headers: str) -> AsyncIterator[Stream]:
    url = f"{site.url}/api/articles/{article}/events{query}"
    named = {"Accept": "text/event-stream"} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with site.http.stream("GET", url, headers=named) as answer, asyncio.timeout(20):
        assert answer.status_code == 200, await answer.aread()
        yield Stream(answer.aiter_lines(), answer.headers)


async def poll(site: Running, article: int, **query: Any) -> Json:
    answer = await site.http.get(f"{site.url}/api/articles/{article}/events", params=query)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_a_stream_says_where_it_begins_and_then_every_event_with_its_position(site: Running) -> None:
    article = await site.article()
    page = await site.thread(article)
    posted = [(await site.post(article, f"{number}."))["event"] for number in range(3)]
    async with stream(site, article, f"?epoch={page['epoch']}&since=1") as reading:
        assert reading.headers["content-type"].startswith("text/event-stream")
        assert reading.headers["cache-control"] == "no-store"
        name, data = await reading.next()
        assert (name, data["seq"], data["epoch"]) == ("subscribed", 3, page["epoch"])
        assert await reading.events(2) == posted[1:]
        posted.append((await site.post(article))["event"])
        assert await reading.events(1) == posted[3:]
        assert reading.last_id == f"{page['epoch']}:4"
    await site.until_nobody_is_connected()


async def test_a_stream_goes_on_after_the_last_id_whatever_its_address_says(site: Running) -> None:
    article = await site.article()
    posted = [(await site.post(article, f"{number}."))["event"] for number in range(4)]
    epoch = posted[0]["epoch"]
    async with stream(site, article, f"?epoch={epoch}&since=0", Last_Event_ID=f"{epoch}:3") as reading:
        assert await reading.events(1) == posted[3:]


async def test_a_stream_of_another_history_is_reset_and_ends(site: Running) -> None:
    article = await site.article()
    epoch = (await site.post(article))["event"]["epoch"]
    for last in ("0123456789ab:1", f"{epoch}:9"):
        async with stream(site, article, Last_Event_ID=last) as reading:
            assert await reading.next() == ("reset", {"type": "reset", "article": article, "epoch": epoch, "seq": 1})
            with pytest.raises(StopAsyncIteration):
                await reading.next()


async def test_a_quiet_stream_says_where_it_stands(site: Running) -> None:
    article = await site.article()
    epoch = (await site.post(article))["event"]["epoch"]
    async with stream(site, article, "?wait=1") as reading:
        await reading.next()
        assert await reading.next() == ("head", {"type": "head", "article": article, "epoch": epoch, "seq": 1})


async def test_a_long_log_is_streamed_whole_and_in_order(site: Running) -> None:
    article = await site.article()
    epoch = (await site.thread(article))["epoch"]
    await asyncio.gather(*(site.post(article, f"{number}. " + "word " * 100) for number in range(300)))
    async with stream(site, article, f"?epoch={epoch}&since=0") as reading:
        assert [event["seq"] for event in await reading.events(300)] == list(range(1, 301))
    found: list[Json] = []
    while len(found) < 300:
        answer = await poll(site, article, epoch=epoch, since=len(found), wait=0)
        found += answer["events"]
        assert answer["seq"] == len(found)
    assert [event["seq"] for event in found] == list(range(1, 301))


async def test_a_poll_that_is_behind_is_answered_at_once(site: Running) -> None:
    article = await site.article()
    posted = [(await site.post(article, f"{number}."))["event"] for number in range(3)]
    epoch = posted[0]["epoch"]
    async with asyncio.timeout(5):
        answer = await poll(site, article, epoch=epoch, since=1)
    assert answer == {"epoch": epoch, "seq": 3, "events": posted[1:]}


async def test_a_poll_that_is_level_waits_for_the_next_event(site: Running) -> None:
    article = await site.article()
    epoch = (await site.post(article))["event"]["epoch"]
    waiting = asyncio.create_task(poll(site, article, epoch=epoch, since=1))
    async with asyncio.timeout(5):
        while not await site.number("readers"):
            await asyncio.sleep(0.01)
    assert not waiting.done()
    said = (await site.post(article))["event"]
    async with asyncio.timeout(5):
        assert await waiting == {"epoch": epoch, "seq": 2, "events": [said]}


async def test_a_poll_in_which_nothing_happens_is_answered_with_nothing(site: Running) -> None:
    article = await site.article()
    epoch = (await site.post(article))["event"]["epoch"]
    for query in ({"wait": 0}, {"wait": 1}, {"epoch": epoch, "since": 1, "wait": 0}):
        assert await poll(site, article, **query) == {"epoch": epoch, "seq": 1, "events": []}


async def test_a_poll_of_another_history_is_reset(site: Running) -> None:
    article = await site.article()
    epoch = (await site.post(article))["event"]["epoch"]
    for query in ({"epoch": "another", "since": 1}, {"epoch": epoch, "since": 2}):
        assert await poll(site, article, **query) == {"reset": True, "epoch": epoch, "seq": 1}


async def test_replay_shows_what_a_comment_is_now_by_stream_and_poll(site: Running) -> None:
    article = await site.article()
    said = await site.post(article, "A canary.")
    comment, epoch = said["event"]["comment"]["id"], said["event"]["epoch"]
    await site.ask("PATCH", f"/api/comments/{comment}", {"text": "Another canary."}, token=said["token"])
    await site.decide(comment, "reject")
    answer = await poll(site, article, epoch=epoch, since=0, wait=0)
    async with stream(site, article, f"?epoch={epoch}&since=0") as reading:
        assert await reading.events(3) == answer["events"]
    assert [event["type"] for event in answer["events"]] == ["comment.posted", "noop", "comment.removed"]
    assert "canary" not in json.dumps(answer)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?epoch=e", 400), ("?since=1", 400), ("?epoch=e&since=-1", 400), ("?epoch=e&since=1e3", 400),
        ("?epoch=e&since=99999999999999999999", 400), ("?wait=26", 400), ("?wait=x", 400),
    ],
)  # fmt: skip
async def test_positions_that_are_none_are_refused(site: Running, query: str, status: int) -> None:
    article = await site.article()
    answer = await site.ask("GET", f"/api/articles/{article}/events{query}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_an_unknown_article_has_no_events(site: Running) -> None:
    for accept in ("text/event-stream", "*/*"):
        assert (await site.ask("GET", "/api/articles/999999/events", Accept=accept)).status_code == 404
        assert (await site.ask("GET", "/api/articles/none/events", Accept=accept)).status_code == 404


async def test_whoever_hangs_up_leaves_nothing_behind(site: Running) -> None:
    """Polls and streams, cut before, while and after they are answered."""
    article = await site.article()
    address = urlsplit(site.url)
    for accept in ("text/event-stream", "*/*"):
        asked = f"GET /api/articles/{article}/events HTTP/1.1\r\nHost: x\r\nAccept: {accept}\r\n\r\n".encode()
        open_ones = []
        for number in range(30):
            connection = socket.create_connection((address.hostname, address.port))
            connection.sendall(asked)
            if number % 3 == 0:
                connection.close()
            else:
                open_ones.append(connection)
        async with asyncio.timeout(10):
            while await site.number("connections") != 20:
                await asyncio.sleep(0.01)
        for connection in open_ones:
            connection.close()
        await site.until_nobody_is_connected()
