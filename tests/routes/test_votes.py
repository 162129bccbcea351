"""Voting over HTTP, and the server that publishes what was voted by itself, also after it was killed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.support.running import Running, running


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Running]:
    settings = {"DATABASE_URL": request.getfixturevalue("postgres_url")} if request.param == "postgresql" else {}
    async with running(tmp_path, **settings) as made:
        yield made


async def vote(site: Running, comment: int, body: Any, token: str | None) -> Any:
    return await site.ask("PUT", f"/api/comments/{comment}/vote", body, token=token)


async def test_a_vote_reaches_every_reader_within_seconds(site: Running) -> None:
    article = await site.article()
    said = (await site.post(article))["event"]["comment"]
    token = (await site.post(article))["token"]
    async with site.live() as reader:
        await reader.subscribe(article)
        for _ in range(2):
            answer = await vote(site, said["id"], {"value": 1}, token)
            assert (answer.status_code, answer.json()) == (200, {"value": 1, "up": 0, "down": 0})
        event = await reader.next_event(seconds=5)
    assert (event["type"], event["scores"]) == ("comments.scored", {str(said["id"]): [1, 0]})
    page = (await site.ask("GET", f"/api/articles/{article}/thread", token=token)).json()
    assert (page["comments"][0]["up"], page["viewer"]["votes"]) == (1, {str(said["id"]): 1})
    assert "vote" in page["viewer"]["can"]


async def test_what_a_vote_cannot_be_is_answered(site: Running) -> None:
    own = await site.post(await site.article())
    comment, token = own["event"]["comment"]["id"], own["token"]
    for body, by, status in (
        ({"value": 1}, None, 401),
        ({"value": 1}, token, 409),
        ({"value": 2}, site.moderator, 422),
        ({"value": "up"}, site.moderator, 422),
        ({}, site.moderator, 422),
        (b"{", site.moderator, 400),
    ):
        answer = await vote(site, comment, body, by)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert (await vote(site, 999, {"value": 1}, token)).status_code == 404


@pytest.mark.faults
async def test_an_acknowledged_vote_survives_kill_9_and_counts_once(site: Running) -> None:
    article = await site.article()
    comments = [(await site.post(article))["event"]["comment"]["id"] for _ in range(5)]
    token = (await site.post(article))["token"]
    for comment in comments:
        assert (await vote(site, comment, {"value": 1}, token)).status_code == 200
        await asyncio.to_thread(site.server.kill)
        await asyncio.to_thread(site.server.start)
    async with asyncio.timeout(10):
        while [one["up"] for one in (await site.thread(article))["comments"][:5]] != [1] * 5:
            await asyncio.sleep(0.05)
    assert (await site.thread(article))["comments"][5]["up"] == 0
