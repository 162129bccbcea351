"""The server's figures move when the thing they tell of happens, on real sockets."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.transport.server import Fast, fast_server, files, masked, shake_hands, until

LONG = "Much to read. " * 600


class Figures:
    """What `/metrics` says at one moment; a missing series is 0."""

    def __init__(self, text: str) -> None:
        self._values = {
            (sample.name.removeprefix("ripost_"), *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        return self._values.get((name, *sorted(labels.items())), 0.0)


async def scrape(fast: Fast) -> Figures:
    return Figures((await fast.http.get("/metrics")).text)


async def reader(fast: Fast, **position: Any) -> socket.socket:
    """A reader that is subscribed, and never reads unless the test does."""
    sock = await shake_hands(fast)
    before = fast.readers()
    message = json.dumps({"type": "subscribe", "article": fast.article, **position})
    await asyncio.get_running_loop().sock_sendall(sock, masked(message.encode()))
    await until(lambda: fast.readers() == before + 1)
    return sock


async def test_each_delivery_is_counted_once_with_its_delay(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        readers = [await reader(fast) for _ in range(7)]
        began = time.monotonic()
        for _ in range(5):
            await fast.post()
        await until(lambda: all(c.seq == 5 for c in _channel(fast).cursors))
        passed = time.monotonic() - began
        told = await scrape(fast)
        assert told("delivery_seconds_count") == 7 * 5
        assert told("delivery_seconds_bucket", le="+Inf") == 7 * 5
        assert 0 < told("delivery_seconds_sum") < passed * 7 * 5
        assert told("caught_up_total") == 0 and told("readers_behind") == 0
        assert told("readers") == told("connections") == 7
        assert told("events_total") == 5
        for sock in readers:
            sock.close()


async def test_a_delivery_that_waited_for_the_loop_is_told_as_late(tmp_path: Path) -> None:
    """The delay runs from the commit in the writer's thread, not from when the loop heard of it."""
    async with fast_server(tmp_path, second=1) as fast:
        sock = await reader(fast)
        state = fast.app.state.ripost
        committed = asyncio.create_task(fast.post())
        before = state.metrics._batch_seconds._series[()][-1]
        submit = state.database._writer.submit

        def submit_and_block(work: Any) -> Any:
            future = submit(work)
            time.sleep(0.3)  # on the loop: the commit is done long before this ends
            return future

        state.database._writer.submit = submit_and_block
        await committed
        await until(lambda: _channel(fast).flushed == 1)
        told = await scrape(fast)
        assert told("delivery_seconds_sum") > 0.2
        assert told("delivery_seconds_bucket", le="0.1") == 0
        assert told("commit_seconds_sum") - before < 0.2
        sock.close()


async def test_commits_are_told_with_their_size_and_time(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        before = await scrape(fast)
        await asyncio.gather(*(fast.post() for _ in range(40)))
        told = await scrape(fast)
        commits = told("commit_writes_count") - before("commit_writes_count")
        assert 0 < commits < 40, "some shared a commit"
        assert told("commit_writes_sum") - before("commit_writes_sum") == 40
        assert told("commit_seconds_count") - before("commit_seconds_count") == commits
        assert told("commit_seconds_sum") > before("commit_seconds_sum")


async def test_resumes_and_resets_are_counted_by_cause(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast, connect(fast.url) as live:
        for _ in range(3):
            await fast.post()
        page = (await fast.http.get(f"/api/articles/{fast.article}/thread")).json()
        asked = {"type": "subscribe", "article": fast.article, "epoch": page["epoch"]}

        async def subscribe(**position: Any) -> str:
            await live.send(json.dumps(asked | position))
            while (kind := json.loads(await live.recv())["type"]) not in ("subscribed", "reset"):
                pass
            return str(kind)

        assert await subscribe(since=1) == "subscribed"
        while json.loads(await live.recv()).get("seq") != 3:
            pass
        assert await subscribe(since=3, at=page["at"]) == "subscribed"
        assert await subscribe(since=3, at="2001-01-01T00:00:00.000000Z") == "reset"
        assert await subscribe(since=9) == "reset"
        assert await subscribe(since=3, epoch="another") == "reset"
        told = await scrape(fast)
        assert told("resumes_total") == 2
        assert {cause: told("resets_total", cause=cause) for cause in ("time", "ahead", "epoch", "floor")} == {
            "time": 1, "ahead": 1, "epoch": 1, "floor": 0,
        }  # fmt: skip
        assert told("caught_up_total") == 2, "events 2 and 3, to the first"


async def test_one_who_stalls_is_behind_then_aborted(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=0.2) as fast:  # so that it is no ping that finds it out
        sock = await reader(fast)
        await asyncio.gather(*(fast.post(LONG) for _ in range(100)))
        assert (await scrape(fast))("readers_behind") == 1
        await until(lambda: fast.readers() == 0)
        told = await scrape(fast)
        assert told("aborts_total", cause="stalled") == 1
        assert told("readers_behind") == told("readers") == told("connections") == 0
        sock.close()


async def test_a_stream_that_is_not_read_is_cut_off_too(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        sock = fast.raw()
        request = f"GET /api/articles/{fast.article}/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(sock, request.encode())
        await until(lambda: fast.readers() == 1)
        (file,) = files(fast, sock)
        while fast.readers():  # the kernel takes what it likes before anybody can see that nobody reads
            await asyncio.gather(*(fast.post(LONG) for _ in range(50)))
        await until(lambda: file.fileno() == -1)
        assert (await scrape(fast))("aborts_total", cause="stalled") == 1
        sock.close()


async def test_one_who_goes_on_is_behind_meanwhile_and_given_what_it_missed(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        sock, loop = await reader(fast), asyncio.get_running_loop()
        for _ in range(100):
            await fast.post(LONG)
        told = await scrape(fast)
        assert told("readers_behind") == 1
        given = told("delivery_seconds_count")
        assert 0 < given < 100
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        (cursor,) = _channel(fast).cursors
        async with asyncio.timeout(10):
            while cursor.seq < 100:
                await loop.sock_recv(sock, 1 << 20)
        told = await scrape(fast)
        assert told("caught_up_total") == 100 - given and told("readers_behind") == 0
        sock.close()


async def test_one_who_does_not_answer_pings_is_told_apart(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        sock = await shake_hands(fast)
        await until(lambda: not fast.app.state.door._links)
        assert (await scrape(fast))("aborts_total", cause="unanswered") == 1
        sock.close()


async def test_one_who_does_not_answer_a_close_is_told_apart(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        sock = await shake_hands(fast)
        await asyncio.get_running_loop().sock_sendall(sock, masked(b"binary", 0x82))
        await until(lambda: not fast.app.state.door._links)
        told = await scrape(fast)
        assert told("aborts_total", cause="protocol") == told("aborts_total", cause="unclosed") == 1
        sock.close()


async def test_a_request_that_never_ends_is_told(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        _, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        await until(lambda: fast.app.state.ripost.metrics._aborts["late_request"] == 1)
        assert (await scrape(fast))("aborts_total", cause="late_request") >= 1
        writer.close()


async def test_one_too_many_is_told_for_sockets_and_polls(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1, max_connections=1) as fast, connect(fast.url):
        async with connect(fast.url) as second:
            await second.recv()
            with pytest.raises(ConnectionClosed):
                await second.recv()
        assert (await fast.http.get(f"/api/articles/{fast.article}/events")).status_code == 429
        assert (await scrape(fast))("aborts_total", cause="too_many") == 2


async def test_a_loop_that_is_held_up_says_so(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        await until(lambda: fast.app.state.ripost.metrics._lag._series[()][0] > 0)
        time.sleep(0.4)  # on the loop
        await asyncio.sleep(0)
        told = await scrape(fast)
        assert told("loop_lag_seconds_count") - told("loop_lag_seconds_bucket", le="0.1") == 1
        assert told("loop_lag_seconds_sum") > 0.25


async def test_reads_are_counted_by_purpose(tmp_path: Path) -> None:
    async with fast_server(tmp_path, second=1) as fast:
        path = f"/api/articles/{fast.article}/thread"
        before = await scrape(fast)
        await asyncio.gather(*(fast.http.get(path) for _ in range(20)))
        sock = await reader(fast)
        told = await scrape(fast)
        moved = {
            purpose: told("database_reads_total", purpose=purpose) - before("database_reads_total", purpose=purpose)
            for purpose in ("page", "position", "log")
        }
        assert moved == {"page": 1, "position": 1, "log": 0}
        sock.close()


def _channel(fast: Fast) -> Any:
    return fast.app.state.ripost.hub.channels[f"article:{fast.article}"]
