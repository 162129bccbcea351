"""An open site on each database."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.support.build import Site, open_site


@pytest_asyncio.fixture
async def site(database_url: str) -> AsyncIterator[Site]:
    """The state of a server, without limits and with a clock that stands still."""
    async with open_site(database_url) as opened:
        yield opened


@pytest_asyncio.fixture
async def limited(sqlite_url: str) -> AsyncIterator[Site]:
    """The same with rate limits."""
    async with open_site(sqlite_url, rate_limits=True) as opened:
        yield opened
