"""Reporting and previewing over HTTP: what is answered to readers, and to programs that know the interface only."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.site import Site, open_site


@pytest_asyncio.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with open_site(sqlite_url) as running:
        yield running


async def test_a_report_is_received_and_needs_no_token(site: Site) -> None:
    comment, token = await site.post(await site.add_article(), "Hello.")
    path = f"/api/comments/{comment}/report"
    answer = await site.client.post(path, json={"reason": "spam", "note": "Again."})
    assert (answer.status_code, answer.json()) == (202, {"status": "received"})
    assert (await site.client.post(path, json={"reason": "spam"})).status_code == 202
    own = await site.client.post(path, json={"reason": "spam"}, headers={"Authorization": f"Bearer {token}"})
    assert own.status_code == 409
    missing = await site.client.post(path, json={})
    assert missing.status_code == 422 and missing.json()["errors"][0]["field"] == "reason"
    assert (await site.client.post("/api/comments/999/report", json={"reason": "spam"})).status_code == 404


async def test_the_queue_of_reports_is_for_moderators(site: Site) -> None:
    answer = await site.client.get("/api/moderation/queue?state=reported")
    assert answer.status_code == 401
    assert (await site.client.get("/api/moderation/queue?state=anything")).status_code == 400


async def test_a_preview_answers_the_tree(site: Site) -> None:
    answer = await site.client.post("/api/preview", json={"text": "**Bold**"})
    assert (answer.status_code, answer.json()) == (200, {"tree": [["p", ["strong", "Bold"]]]})
    assert (await site.client.post("/api/preview", json={"text": ""})).status_code == 422
