"""The client that believes nothing: it notices what a trusting one would not."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from websockets.asyncio.server import ServerConnection, serve

from tests.support.live import LiveClient

Script = list[dict[str, Any]]
Says = Callable[[Script], Awaitable[str]]
SUBSCRIBED = {"type": "subscribed", "article": 3, "epoch": "e", "seq": 5, "readers": 1}


def event(seq: int, epoch: str = "e") -> dict[str, Any]:
    return {"type": "noop", "article": 3, "epoch": epoch, "seq": seq, "at": "2026-01-01T00:00:00.000000Z"}


@pytest_asyncio.fixture
async def server_that_says() -> AsyncIterator[Says]:
    """The URL of a server that answers every message with the same frames."""
    servers = []

    async def start(script: Script) -> str:
        async def answer(connection: ServerConnection) -> None:
            async for _ in connection:
                for frame in script:
                    await connection.send(json.dumps(frame))

        servers.append(await serve(answer, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
        await server.wait_closed()


async def test_a_log_without_gaps_is_taken_from_where_it_was_asked_for(server_that_says: Says) -> None:
    async with LiveClient(await server_that_says([SUBSCRIBED, event(4), event(5), event(6)])) as live:
        assert (await live.subscribe(3, "e", 3))["type"] == "subscribed"
        await live.wait_for_seq(3, 6)
        assert [(await live.next_event())["seq"] for _ in range(3)] == [4, 5, 6]
        assert live.position(3) == ("e", 6)
        assert live.raw_events == [json.dumps(event(seq)) for seq in (4, 5, 6)]


@pytest.mark.parametrize(
    "broken",
    [[event(7)], [event(6), event(6)], [event(6), event(5)], [event(6, "another epoch")]],
    ids=["gap", "double", "backwards", "another epoch"],
)
async def test_a_log_with_a_fault_fails_the_test(server_that_says: Says, broken: Script) -> None:
    live = LiveClient(await server_that_says([SUBSCRIBED, *broken]))
    await live.open()
    with pytest.raises(AssertionError, match="expected epoch and seq"):
        await live.subscribe(3)
        await live.wait_for_seq(3, 99)
    with pytest.raises(AssertionError, match="expected epoch and seq"):
        await live.close()


async def test_an_event_of_what_was_not_subscribed_fails_the_test(server_that_says: Says) -> None:
    live = LiveClient(await server_that_says([event(1), {"type": "pong"}]))
    await live.open()
    with pytest.raises(AssertionError, match="which is not subscribed"):
        await live.ping()
    await live.close(check=False)
