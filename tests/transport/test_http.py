"""The HTTP protocol: a request arrives in time or not at all, and streams end when the server does."""

import asyncio
from pathlib import Path

from tests.transport.server import SECOND, fast_server, until


async def test_a_request_that_trickles_in_is_ended_after_its_time(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        answer = asyncio.create_task(reader.read())
        number = 0
        async with asyncio.timeout(10):
            while not answer.done():
                number += 1
                writer.write(f"X-{number}: y\r\n".encode())
                await asyncio.sleep(SECOND / 2)
        assert (await answer).startswith(b"HTTP/1.1 408 ")
        writer.close()
        await until(lambda: not fast.connections)


async def test_a_body_that_trickles_in_is_ended_after_its_time(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        head = f"POST /api/articles/{fast.article}/comments HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        writer.write((head + "Content-Length: 60000\r\n\r\n").encode())
        answer = asyncio.create_task(reader.read())
        async with asyncio.timeout(10):
            while not answer.done():
                writer.write(b" ")
                await asyncio.sleep(SECOND)
        assert b" 408 " in await answer
        writer.close()


async def test_a_connection_that_asks_nothing_is_ended(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        async with asyncio.timeout(10):
            await reader.read()
        writer.close()


async def test_requests_in_time_are_answered_one_after_the_other(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        for _ in range(30):
            assert (await fast.http.get("/healthz")).status_code == 200
            await asyncio.sleep(SECOND)


async def test_a_stop_ends_event_streams_and_long_polls(tmp_path: Path) -> None:
    async with fast_server(tmp_path) as fast:
        reader, writer = await asyncio.open_connection("127.0.0.1", fast.port)
        path = f"/api/articles/{fast.article}/events"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
        await reader.readuntil(b"event: subscribed")
        polling = asyncio.create_task(fast.http.get(path))
        await until(lambda: fast.readers() == 2)
        started = asyncio.get_running_loop().time()
        fast.server.should_exit = True
        async with asyncio.timeout(5):
            await reader.read()
            await asyncio.gather(polling, return_exceptions=True)
        assert asyncio.get_running_loop().time() - started < 3
        writer.close()
