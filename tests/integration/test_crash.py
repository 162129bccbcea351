"""`kill -9` under load: what was acknowledged is there once, in one order, and everyone catches up by themselves.

Three rounds; with RIPOST_SOAK=1, thirty.
"""

import asyncio
import os
import random
import uuid
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.exceptions import WebSocketException

from server.fold import fold
from tests.support.commands import run_ripost
from tests.support.live import Frame, LiveClient
from tests.support.running import Running, running

ROUNDS = 30 if os.environ.get("RIPOST_SOAK") else 3
WRITERS = 8
Json = dict[str, Any]


class Writer:
    """Posts one after another; each is sent again, with the same client id, until it is acknowledged."""

    def __init__(self, site: Running, article: int) -> None:
        self.site = site
        self.article = article
        self.acknowledged: dict[int, Json] = {}  # by comment id: the event
        self.retries = 0
        self.stopping = False

    async def run(self) -> None:
        async with httpx2.AsyncClient(timeout=10) as http:
            while not self.stopping:
                body = {"client_id": str(uuid.uuid4()), "text": f"Written {uuid.uuid4()}.", "name": "Ada"}
                while True:
                    try:
                        answer = await http.post(f"{self.site.url}/api/articles/{self.article}/comments", json=body)
                    except httpx2.HTTPError:
                        answer = None  # it may be stored or not
                    if answer is not None and answer.status_code in (200, 201):
                        event = answer.json()["event"]
                        assert event["comment"]["tree"] == [["p", body["text"]]]
                        assert event["comment"]["id"] not in self.acknowledged
                        self.acknowledged[event["comment"]["id"]] = event
                        break
                    assert answer is None or answer.status_code == 503, answer.text
                    self.retries += 1
                    await asyncio.sleep(0.02)


class Watcher:
    """A page: a snapshot, then events; after every lost connection it resumes from its position."""

    def __init__(self, site: Running, article: int, snapshot: Json) -> None:
        self.site = site
        self.article = article
        self.snapshot = snapshot
        self.events: list[Frame] = []
        self.connections = 0
        self.task: asyncio.Task[None] | None = None

    @property
    def seq(self) -> int:
        return self.events[-1]["seq"] if self.events else int(self.snapshot["seq"])

    async def run(self) -> None:
        while True:
            live = LiveClient(self.site.url)
            try:
                await live.open()
                self.connections += 1
                start = self.seq
                answer = await live.subscribe(self.article, self.snapshot["epoch"], start)
                assert answer["type"] == "subscribed", answer
                while True:
                    event = await live.next_event(seconds=3600)
                    assert event["seq"] == self.seq + 1
                    self.events.append(event)
            except (OSError, WebSocketException, TimeoutError):
                pass
            except AssertionError:
                if live.close_code is None or live._breach is not None:
                    raise
            finally:
                await live.close(check=False)
            await asyncio.sleep(random.random() * 0.1)


async def kill_under_load(site: Running, article: int, rounds: int) -> tuple[list[Writer], list[Watcher]]:
    page = await site.thread(article, limit=100)
    writers = [Writer(site, article) for _ in range(WRITERS)]
    watchers = [Watcher(site, article, page) for _ in range(4)]
    writing = [asyncio.create_task(writer.run()) for writer in writers]
    for watcher in watchers:
        watcher.task = asyncio.create_task(watcher.run())
    try:
        for _ in range(rounds):
            before = sum(len(writer.acknowledged) for writer in writers)
            async with asyncio.timeout(30):
                while sum(len(writer.acknowledged) for writer in writers) < before + random.randint(40, 150):
                    await asyncio.sleep(0.005)
            site.server.kill()
            await asyncio.to_thread(site.server.start)
        async with asyncio.timeout(30):
            total = sum(len(writer.acknowledged) for writer in writers)
            while sum(len(writer.acknowledged) for writer in writers) < total + 20:
                await asyncio.sleep(0.005)
            for writer in writers:
                writer.stopping = True
            await asyncio.gather(*writing)
            head = (await site.thread(article))["seq"]
            while any(watcher.seq < head for watcher in watchers):
                for watcher in watchers:
                    assert watcher.task is not None and not watcher.task.done(), await watcher.task
                await asyncio.sleep(0.02)
    finally:
        tasks = [*writing, *(watcher.task for watcher in watchers if watcher.task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return writers, watchers


async def everything(site: Running, article: int) -> Json:
    """A fresh snapshot of all pages; nobody writes any more."""
    page = first = await site.thread(article, limit=100)
    comments = list(first["comments"])
    while page["next"]:
        page = await site.thread(article, limit=100, cursor=page["next"])
        comments += page["comments"]
    return first | {"comments": comments, "branches": {}, "next": None}


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_server_that_is_killed_loses_nothing_it_acknowledged(
    tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    settings = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if database == "postgresql" else {}
    async with running(tmp_path, **settings) as site:
        article = await site.article()
        writers, watchers = await kill_under_load(site, article, ROUNDS)
        acknowledged = {key: event for writer in writers for key, event in writer.acknowledged.items()}
        assert sum(writer.retries for writer in writers) > 0, "the server was killed while nobody posted"
        fresh = await everything(site, article)
        stored = {comment["id"]: comment for comment in fresh["comments"]}
        assert len(stored) == len(fresh["comments"])
        assert set(stored) == set(acknowledged), "each is there once, and nothing that nobody wrote"
        assert fresh["article"]["comment_count"] == len(stored)
        assert [event["seq"] for event in sorted(acknowledged.values(), key=lambda event: event["seq"])] == list(
            range(1, fresh["seq"] + 1)
        ), "the log has no gap, and every event in it was acknowledged"
        for watcher in watchers:
            assert watcher.connections > ROUNDS
            assert [event["seq"] for event in watcher.events] == list(range(1, fresh["seq"] + 1))
            assert all(event == acknowledged[event["comment"]["id"]] for event in watcher.events)
            folded = fold(watcher.snapshot, watcher.events)
            assert folded["comments"] == fresh["comments"] and folded["article"] == fresh["article"]
        environment = {"DATABASE_URL": site.server.database_url, "SECRET_KEY": "s" * 40}
        checked = await asyncio.to_thread(run_ripost, "check", folder=tmp_path, **environment)
        assert checked.status == 0, checked.out + checked.err
        print(
            f"{database}: {ROUNDS} kills, {len(acknowledged)} acknowledged, {sum(w.retries for w in writers)} retries"
        )
