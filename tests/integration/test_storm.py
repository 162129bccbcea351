"""Everyone comes back at once: all are served, nobody misses anything, and the database is hardly asked."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from server.relay import READ_FRAMES
from tests.support.live import LiveClient
from tests.support.running import Running, running

READERS = 200
EVENTS = 60
LONG = 1500  # events; the server keeps the newest 1,024 of a discussion in memory
PURPOSES = ("page", "position", "log", "other")  # the rest is not for readers of an article: tokens, the regular check


async def reads(site: Running) -> float:
    """How often the database was read for readers of articles."""
    return sum([await site.number(f'database_reads_total{{purpose="{purpose}"}}') for purpose in PURPOSES])


class Coming:
    """Readers with positions of their own, who come all at once: over sockets, and for the page."""

    def __init__(self, site: Running, article: int) -> None:
        self.site = site
        self.article = article
        self.events: list[Any] = []
        self.clients: list[LiveClient] = []

    async def say(self, count: int) -> None:
        posted = await asyncio.gather(*(self.site.post(self.article, f"Number {n}.") for n in range(count)))
        self.events += sorted((made["event"] for made in posted), key=lambda event: event["seq"])

    async def come(self, client: LiveClient, position: int) -> None:
        """One page that knows the event at `position` and the time it happened (0: a discussion without any)."""
        event = self.events[max(0, position - 1)]
        await client.open()
        answer = await client.subscribe(self.article, event["epoch"], position, at=event["at"] if position else None)
        assert answer["type"] == "subscribed", answer
        await client.wait_for_seq(self.article, self.events[-1]["seq"], seconds=30)
        assert [got["seq"] for got in client.events] == list(range(position + 1, len(self.events) + 1))

    async def come_all(self) -> float:
        """All at once, from positions before the last event, and some for the page; how many reads that took."""
        pages = [self.site.thread(self.article) for _ in range(20)]
        return await self.come_from([1 + number % (len(self.events) - 1) for number in range(READERS)], *pages)

    async def come_from(self, places: list[int], *pages: Coroutine[Any, Any, Any]) -> float:
        """One reader at each of these positions, all at once; how many reads that took."""
        before = await reads(self.site)
        self.clients = [self.site.live() for _ in places]
        await asyncio.gather(*map(self.come, self.clients, places), *pages)
        return await reads(self.site) - before

    async def go(self) -> None:
        await asyncio.gather(*(client.close() for client in self.clients))
        await self.site.until_nobody_is_connected()


@pytest.mark.faults
async def test_200_who_come_back_at_once_cost_three_reads_at_most(tmp_path: Path) -> None:
    async with running(tmp_path, MAX_CONNECTIONS_PER_ADDRESS="1000") as site:
        crowd = Coming(site, await site.article())
        await crowd.say(EVENTS)
        assert await crowd.come_all() <= 3, "an article that nobody read before"
        await crowd.go()
        await crowd.say(20)
        assert await crowd.come_all() <= 3, "they lost their connections and come back"
        await crowd.go()
        await asyncio.to_thread(site.server.restart)
        assert await crowd.come_all() <= 3, "the server was restarted, and nothing is in its memory"
        await crowd.say(1)
        await asyncio.gather(*(client.wait_for_seq(crowd.article, EVENTS + 21) for client in crowd.clients))
        await crowd.go()
        assert await site.number("resumes_total") == READERS


@pytest.mark.faults
async def test_readers_far_behind_share_what_is_read_for_them(tmp_path: Path) -> None:
    """After a restart, with nothing in memory: 40 anywhere in the newest 1,000 events, then 40 at the beginning of
    more than any memory holds, then 40 anywhere in that."""
    most = -(-LONG // READ_FRAMES)
    async with running(tmp_path, MAX_CONNECTIONS_PER_ADDRESS="1000") as site:
        crowd = Coming(site, await site.article())
        for _ in range(LONG // 100):
            await crowd.say(100)
        for places, reads_at_most in (
            ([LONG - 1 - number * 17 % 1000 for number in range(40)], 3),
            ([0] * 40, most + 2),
            ([number * 29 % LONG for number in range(40)], most + 2),
        ):
            await asyncio.to_thread(site.server.restart)
            assert await crowd.come_from(places) <= reads_at_most, "with an empty memory"
            await crowd.go()
            assert await crowd.come_from(places) <= reads_at_most - 2, "and again"
            await crowd.go()
            assert not await site.number('resets_total{cause="unreadable"}')
