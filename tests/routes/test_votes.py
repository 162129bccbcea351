"""Voting over HTTP, and the server that publishes what was voted by itself."""

from collections.abc import AsyncIterator

import httpx2
import pytest_asyncio

from tests.support.live import until
from tests.support.site import Site, open_site


@pytest_asyncio.fixture
async def site(sqlite_url: str) -> AsyncIterator[Site]:
    async with open_site(sqlite_url) as running:
        yield running
