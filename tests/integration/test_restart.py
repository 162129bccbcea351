"""SIGTERM with everything open: it ends within its time, in order, with status 0, and everyone can come back."""

import asyncio
import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.support.live import LiveClient
from tests.support.running import Running, running


@pytest.fixture(params=["sqlite", "postgresql"])
async def site(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    settings = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
    async with running(tmp_path, **settings) as made:
        yield made


async def stop(site: Running) -> float:
    """SIGTERM; the seconds it took. AssertionError unless it ends with status 0."""
    start = time.monotonic()
    await asyncio.to_thread(site.server.stop)
    return time.monotonic() - start


async def connect_and_say(site: Running, said: bytes) -> socket.socket:
    address = urlsplit(site.url)
    connection = socket.create_connection((address.hostname, address.port))
    connection.sendall(said)
    return connection


@pytest.mark.faults
async def test_a_stop_ends_sockets_streams_polls_and_idle_connections_in_time(site: Running) -> None:
    article = await site.article()
    await site.post(article)
    sockets = [site.live() for _ in range(20)]
    for live in sockets:
        await live.open()
        await live.subscribe(article)
    gone = site.live()  # has said goodbye and reads no more
    await gone.open()
    path = f"/api/articles/{article}/events"
    idle = await connect_and_say(site, b"")
    half = await connect_and_say(site, b"POST /api/articles HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
    silent = await connect_and_say(
        site, f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode()
    )
    async with httpx2.AsyncClient(timeout=30) as http:
        poll = asyncio.create_task(http.get(site.url + path))
        async with http.stream("GET", site.url + path, headers={"Accept": "text/event-stream"}) as stream:
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: subscribed"
            async with asyncio.timeout(10):
                while await site.number("connections") < 24:
                    await asyncio.sleep(0.02)
            seconds = await stop(site)
            rest = [line async for line in lines]
        assert not [line for line in rest if "comment.posted" in line]
        answered = (await poll).json()
        assert answered["events"] == [] and answered["seq"] == 1
    assert seconds < 10
    for live in sockets:
        assert await live.wait_closed() in (1001, 1012, 4002), "every one of them means: come back"
        await live.close()
    for connection in (idle, half, silent):
        connection.close()
    await gone.close()
    assert "Traceback" not in site.server.log
    if (path := site.server.folder / "ripost.db").exists():
        wal = path.with_name(path.name + "-wal")
        assert not wal.exists() or wal.stat().st_size == 0, "the database was closed in order"


@pytest.mark.faults
async def test_after_a_restart_a_position_goes_on_where_it_was(site: Running) -> None:
    article = await site.article()
    async with site.live() as live:
        await live.subscribe(article)
        before = [(await site.post(article, f"{number}."))["event"] for number in range(3)]
        await live.wait_for_seq(article, 3)
        position = live.position(article)
        await asyncio.to_thread(site.server.restart)
    after = [(await site.post(article, f"{number}."))["event"] for number in range(3)]
    async with LiveClient(site.url) as live:
        assert (await live.subscribe(article, *position))["type"] == "subscribed"
        await live.wait_for_seq(article, 6)
        assert live.events == after
        await live.subscribe(article, position[0], 0)
        start = len(live.events)
        async with asyncio.timeout(10):
            while len(live.events) < start + 6 and len(live.events) < 9:
                await asyncio.sleep(0.01)
        assert live.events[3:] == before + after


@pytest.mark.faults
async def test_a_post_that_is_under_way_when_the_server_stops_is_answered_or_refused_never_lost(site: Running) -> None:
    article = await site.article()
    posting = [asyncio.create_task(site.post(article, f"{number}.")) for number in range(60)]
    await asyncio.wait(posting, return_when=asyncio.FIRST_COMPLETED)
    await stop(site)
    done = await asyncio.gather(*posting, return_exceptions=True)
    acknowledged = [answer["event"]["comment"]["id"] for answer in done if isinstance(answer, dict)]
    await asyncio.to_thread(site.server.start)
    stored = [comment["id"] for comment in (await site.thread(article, limit=100))["comments"]]
    assert acknowledged and set(acknowledged) <= set(stored)
