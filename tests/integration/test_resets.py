"""A position that cannot be resumed is said so over every transport: what the log no longer has, and a history that ended
while it was being read."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest_asyncio

from tests.routes.test_stream import poll, stream
from tests.support.running import Running, running

NOTICED = 12  # seconds; heads are compared with the database every five


@pytest_asyncio.fixture
async def site(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as made:
        yield made


def change(site: Running, *statements: str) -> None:
    """Another program writes to the database's file."""
    path = site.server.database_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        for statement in statements:
            database.execute(statement)


async def test_what_the_log_no_longer_has_is_a_reset_and_the_rest_is_resumed(site: Running) -> None:
    article = await site.article()
    events = [(await site.post(article, f"{number}."))["event"] for number in range(6)]
    epoch, name = events[0]["epoch"], f"article:{article}"
    change(
        site,
        f"UPDATE channels SET floor = 3 WHERE name = '{name}'",
        f"DELETE FROM events WHERE channel = '{name}' AND seq <= 3",
    )
    reset = {"type": "reset", "article": article, "epoch": epoch, "seq": 6}
    async with site.live() as live:
        assert await live.subscribe(article, epoch, 2) == reset
        assert (await live.subscribe(article, epoch, 3))["type"] == "subscribed"
        await live.wait_for_seq(article, 6)
        assert live.events == events[3:]
    async with stream(site, article, Last_Event_ID=f"{epoch}:2") as reading:
        assert await reading.next() == ("reset", reset)
    async with stream(site, article, Last_Event_ID=f"{epoch}:3") as reading:
        assert await reading.events(3) == events[3:]
    assert await poll(site, article, epoch=epoch, since=2) == {"reset": True, "epoch": epoch, "seq": 6}
    assert (await poll(site, article, epoch=epoch, since=3))["events"] == events[3:]


async def test_a_history_that_ends_while_it_is_read_is_a_reset_for_everyone(site: Running) -> None:
    article = await site.article()
    epoch = (await site.post(article))["event"]["epoch"]
    async with site.live() as live, stream(site, article, f"?epoch={epoch}&since=1") as reading:
        await live.subscribe(article, epoch, 1)
        waiting = asyncio.create_task(poll(site, article, epoch=epoch, since=1, wait=25))
        await reading.next()  # it has been opened
        change(site, f"UPDATE channels SET epoch = 'ffffffffffff' WHERE name = 'article:{article}'")
        answer = await asyncio.wait_for(live.wait_for("reset"), NOTICED)
        assert answer == {"type": "reset", "article": article, "epoch": "ffffffffffff", "seq": 1}
        name = ""
        async with asyncio.timeout(NOTICED):
            while name != "reset":
                name, told = await reading.next()
        assert told == answer
        assert await asyncio.wait_for(waiting, NOTICED) == {"reset": True, "epoch": "ffffffffffff", "seq": 1}
        said = await site.post(article, "In the new history.")
        assert (await live.subscribe(article, "ffffffffffff", 1))["type"] == "subscribed"
        assert await live.next_event() == said["event"]
