"""Everyone comes back at once: all are served, nobody misses anything, and the database is hardly asked."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.live import LiveClient
from tests.support.running import Running, running

READERS = 200
EVENTS = 60
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
        """One page that knows the event at `position` and the time it happened."""
        event = self.events[position - 1]
        await client.open()
        answer = await client.subscribe(self.article, event["epoch"], position, at=event["at"])
        assert answer["type"] == "subscribed", answer
        await client.wait_for_seq(self.article, self.events[-1]["seq"], seconds=30)
        assert [got["seq"] for got in client.events] == list(range(position + 1, len(self.events) + 1))

    async def come_all(self) -> float:
        """All at once, from positions before the last event; how many reads that took."""
        before = await reads(self.site)
        self.clients = [self.site.live() for _ in range(READERS)]
        pages = [self.site.thread(self.article) for _ in range(20)]
        places = [1 + number % (len(self.events) - 1) for number in range(READERS)]
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
