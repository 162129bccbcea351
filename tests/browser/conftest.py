"""What the browser's tests share: one server for all that do not harm it, each test with articles of its own."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.browser.newsroom import Newsroom, moderator_token
from tests.browser.publisher import Publisher
from tests.support import npm, provision
from tests.support.server import RipostServer


@pytest.fixture(scope="session")
def publisher() -> Iterator[Publisher]:
    """Another site, whose pages may embed the discussions of the session's server."""
    site = Publisher().start()
    yield site
    site.stop()


@pytest.fixture(scope="session")
def _shared_server(tmp_path_factory: pytest.TempPathFactory, publisher: Publisher) -> Iterator[RipostServer]:
    folder = tmp_path_factory.mktemp("browser")
    server = RipostServer(folder, {"RATE_LIMITS": "off", "ALLOWED_ORIGINS": publisher.origin}).start()
    yield server
    try:
        server.close()
    finally:
        server.kill()


@pytest.fixture(scope="session")
def _shared_token(_shared_server: RipostServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    return moderator_token(_shared_server, tmp_path_factory.mktemp("commands"))


@pytest_asyncio.fixture
async def newsroom(_shared_server: RipostServer, _shared_token: str) -> AsyncIterator[Newsroom]:
    """The session's server without limits, and the people behind it. No test may stop or slow it."""
    people = Newsroom(_shared_server.url, _shared_token)
    yield people
    await people.close()


@pytest_asyncio.fixture
async def newsroom_of(tmp_path: Path) -> AsyncIterator[Callable[[RipostServer], Awaitable[Newsroom]]]:
    """The people behind a server of the test's own, which it may harm."""
    made: list[Newsroom] = []

    async def of(server: RipostServer) -> Newsroom:
        made.append(Newsroom(server.url, moderator_token(server, tmp_path)))
        return made[-1]

    yield of
    for people in made:
        await people.close()


@pytest.fixture(scope="session")
def axe(node: str) -> str:
    """The source of axe-core."""
    folder = npm.package("axe-core", provision.Found(node, ""))
    assert folder is not None, "npm could not install axe-core (see above)"
    return Path(folder / "axe.min.js").read_text("utf-8")
