"""The network that fails on command does fail as commanded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from tests.support.proxy import FaultProxy

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[str]:
    """A server that sends every line back and ends when its client does."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                writer.write(line)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest_asyncio.fixture
async def proxy(echo: str, fault_proxy: Callable[[str], Awaitable[FaultProxy]]) -> FaultProxy:
    return await fault_proxy(echo)


@contextlib.asynccontextmanager
async def connected(proxy: FaultProxy) -> AsyncIterator[Connection]:
    port = int(proxy.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def echoed(connection: Connection, line: bytes) -> bytes:
    reader, writer = connection
    writer.write(line)
    return await asyncio.wait_for(reader.readline(), 5)


async def test_it_passes_both_ways_and_lets_connections_end_in_order(proxy: FaultProxy) -> None:
    async with connected(proxy) as (reader, writer):
        assert await echoed((reader, writer), b"hello\n") == b"hello\n"
        writer.write(b"last\n")
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 5) == b"last\n"


async def test_a_cut_resets_what_is_open_and_welcomes_what_is_new(proxy: FaultProxy) -> None:
    async with connected(proxy) as first:
        await echoed(first, b"one\n")
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            await asyncio.wait_for(first[0].readline(), 5)
    async with connected(proxy) as second:
        assert await echoed(second, b"two\n") == b"two\n"
    assert proxy.accepted == 2


async def test_silence_holds_everything_until_it_ends_and_loses_nothing(proxy: FaultProxy) -> None:
    async with connected(proxy) as connection:
        await echoed(connection, b"one\n")
        proxy.blackhole()
        connection[1].write(b"two\n")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection[0].readline(), 0.2)
        proxy.resume()
        assert await asyncio.wait_for(connection[0].readline(), 5) == b"two\n"
        assert await echoed(connection, b"three\n") == b"three\n"


async def test_a_server_that_cannot_be_reached_resets_whoever_tries_until_it_can(proxy: FaultProxy) -> None:
    proxy.refuse()
    async with connected(proxy) as connection:
        with pytest.raises(ConnectionError):
            assert await echoed(connection, b"one\n"), "the end of the stream"
            raise ConnectionError
    proxy.resume()
    async with connected(proxy) as connection:
        assert await echoed(connection, b"two\n") == b"two\n"


async def test_a_delay_holds_each_piece_for_so_long(proxy: FaultProxy) -> None:
    async with connected(proxy) as connection:
        proxy.delay(0.15)
        started = asyncio.get_running_loop().time()
        await echoed(connection, b"one\n")
        assert asyncio.get_running_loop().time() - started >= 0.3


async def test_a_client_learns_that_nothing_listens_behind_the_proxy(
    fault_proxy: Callable[[str], Awaitable[FaultProxy]],
) -> None:
    proxy = await fault_proxy("http://127.0.0.1:1")
    async with connected(proxy) as (reader, _):
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
