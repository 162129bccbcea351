"""The slow pay for being slow: whoever does not read is passed over and sent away, and delays nobody."""

import asyncio
import json
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from server.transport.wheel import STALL_TIMEOUT
from tests.support.running import Running, running

TEXT = "word " * 1900  # about as much as a comment may have


def stop_reading(site: Running, article: int) -> socket.socket:
    """A client that subscribes and then never reads again."""
    address = urlsplit(site.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect((address.hostname, address.port))
    connection.settimeout(10)
    protocol = ClientProtocol(parse_uri(site.server.live_url))
    protocol.send_request(protocol.connect())
    connection.sendall(b"".join(protocol.data_to_send()))
    while not protocol.handshake_exc and protocol.state.name == "CONNECTING":
        protocol.receive_data(connection.recv(4096))
    protocol.send_text(json.dumps({"type": "subscribe", "article": article}).encode())
    connection.sendall(b"".join(protocol.data_to_send()))
    protocol.receive_data(connection.recv(4096))
    assert b"subscribed" in b"".join(event.data for event in protocol.events_received() if hasattr(event, "data"))
    return connection


async def seconds_behind(site: Running, readers: int, stopped: int) -> float:
    """How long some were behind until those who had stopped were gone."""
    async with asyncio.timeout(60):
        while await site.number("readers_behind") < stopped:
            await asyncio.sleep(0.05)
        began = time.monotonic()
        while await site.number("connections") > readers:
            await asyncio.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.faults
@pytest.mark.timeout(90)
async def test_readers_that_stop_reading_delay_nobody_and_are_sent_away(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        article = await site.article()
        stopped = [await asyncio.to_thread(stop_reading, site, article) for _ in range(10)]
        readers = [site.live() for _ in range(20)]
        for live in readers:
            await live.open()
            await live.subscribe(article)
        seconds: list[float] = []
        sent_away = asyncio.create_task(seconds_behind(site, len(readers), len(stopped)))
        for number in range(120):
            start = time.monotonic()
            event: Any = (await site.post(article, f"{number} {TEXT}"))["event"]
            await asyncio.gather(*(live.wait_for_seq(article, event["seq"]) for live in readers))
            seconds.append(time.monotonic() - start)
        seconds.sort()
        assert seconds[len(seconds) * 95 // 100] < 0.5, "nobody waits for who does not read"
        assert all(len(live.events) == 120 for live in readers)
        assert await sent_away < STALL_TIMEOUT + 2, "the wheel's tick is a second"
        assert await site.number('aborts_total{cause="stalled"}') == 10
        assert await site.number("readers") == 20
        assert await site.number("readers_behind") == 0
        for live in readers:
            await live.close()
        for connection in stopped:
            connection.close()
        await site.until_nobody_is_connected()


async def test_a_reader_that_pauses_and_goes_on_gets_everything_once(tmp_path: Path) -> None:
    async with running(tmp_path) as site:
        article = await site.article()
        async with site.live() as live:
            await live.subscribe(article)
            assert live._socket is not None
            for _ in range(3):
                live._socket.transport.pause_reading()
                for number in range(80):
                    last = (await site.post(article, f"{number} {TEXT}"))["event"]["seq"]
                live._socket.transport.resume_reading()
                await live.wait_for_seq(article, last, seconds=30)
            assert [event["seq"] for event in live.events] == list(range(1, 241))
