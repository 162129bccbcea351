"""SIGTERM with a crowd connected and comments coming in: everyone is told when to come back, not all at once; nothing
that was acknowledged is lost; and whoever comes back goes on from where it was."""

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from server.errors import CLOSE_DRAINING, CLOSE_RESTART
from tests.integration.test_slow_reader import TEXT, stop_reading
from tests.support.live import LiveClient
from tests.support.running import Running, running

READERS = 300


class Talk:
    """Eight who post one comment after another until the server takes no more."""

    def __init__(self, site: Running, article: int) -> None:
        self.site = site
        self.article = article
        self.acknowledged: dict[int, Any] = {}  # by seq: the event
        self.unexpected: list[str] = []
        self._tasks = [asyncio.create_task(self._talk(number)) for number in range(8)]

    async def _talk(self, number: int) -> None:
        async with httpx2.AsyncClient(timeout=20) as http:
            for count in range(100_000):
                body = {
                    "client_id": f"0c2ad7d0-9f4e-4a7b-8a55-{number:04x}{count:08x}",
                    "text": f"{count}.",
                    "name": "Ada",
                }
                try:
                    answer = await http.post(f"{self.site.url}/api/articles/{self.article}/comments", json=body)
                except httpx2.TransportError:
                    return
                if answer.status_code == 503:
                    return
                if answer.status_code != 201:
                    self.unexpected.append(answer.text)
                    return
                event = answer.json()["event"]
                self.acknowledged[event["seq"]] = event

    async def end(self) -> None:
        """Until all have been refused."""
        await asyncio.wait_for(asyncio.gather(*self._tasks), 20)
        assert not self.unexpected, self.unexpected


@pytest.mark.faults
@pytest.mark.timeout(120)
async def test_a_stop_sends_a_crowd_away_in_order_and_loses_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, MAX_CONNECTIONS_PER_ADDRESS="1000") as site:
        article = await site.article()
        await site.post(article, TEXT)
        readers = [site.live() for _ in range(READERS)]
        for start in range(0, READERS, 50):
            await asyncio.gather(*(_subscribe(live, article) for live in readers[start : start + 50]))
        deaf = await asyncio.to_thread(stop_reading, site, article)
        talk = Talk(site, article)
        await readers[0].wait_for_seq(article, 20)

        began = time.monotonic()
        gone = [asyncio.create_task(_gone(live)) for live in readers]
        await asyncio.to_thread(site.server.stop)
        seconds = time.monotonic() - began
        ends = await asyncio.gather(*gone)
        await talk.end()
        deaf.close()

        assert seconds < 10, f"it took {seconds:.1f} s"
        assert {code for code, _, _ in ends} <= {CLOSE_DRAINING, CLOSE_RESTART}
        moments = sorted(moment - began for _, moment, _ in ends)
        assert moments[-1] - moments[0] > 1, "not everybody is sent away in one moment"
        hints = sorted(hint for _, _, hint in ends)
        assert hints[0] >= 0 and hints[-1] <= 10_000 and len(set(hints)) > READERS // 2
        back = sorted(moment + hint / 1000 for _, moment, hint in ends)
        most = max(sum(start <= other < start + 0.2 for other in back) for start in back)
        assert most < READERS // 3, f"{most} of {READERS} come back within 200 ms"

        await asyncio.to_thread(site.server.start)
        page = await site.thread(article)
        assert talk.acknowledged and page["seq"] >= max(talk.acknowledged), "what was acknowledged is there"
        before = sorted(readers[::30], key=lambda live: live.position(article)[1])
        for earlier in before:
            epoch, since = earlier.position(article)
            async with site.live() as live:
                assert (await live.subscribe(article, epoch, since))["type"] == "subscribed", "and goes on"
                if since < page["seq"]:
                    await live.wait_for_seq(article, page["seq"])
                told = {event["seq"]: event for event in earlier.events + live.events}
            assert list(told) == list(range(2, page["seq"] + 1))
            assert all(told[seq] == event for seq, event in talk.acknowledged.items())
        for live in readers:
            await live.close()


async def _subscribe(live: LiveClient, article: int) -> None:
    await live.open()
    assert (await live.subscribe(article))["type"] == "subscribed"


async def _gone(live: LiveClient) -> tuple[int | None, float, int]:
    """With which code a reader was sent away, when, and in how many milliseconds it was asked back."""
    code = await live.wait_closed(seconds=20)
    hints = [frame["in_ms"] for frame in live.frames if frame["type"] == "reconnect"]
    assert len(hints) == 1, hints
    return code, time.monotonic(), hints[0]
