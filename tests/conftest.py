"""The fixtures that every test may ask for. What stands behind them is in tests/support/.

Something that the machine lacks fails the tests that need it, by name; RIPOST_TEST_SKIP skips them instead. All async
tests share one event loop, in which the browser and the proxies live too.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support import provision
from tests.support.browser import Pages, chromium
from tests.support.postgres import Cluster, cluster
from tests.support.proxy import FaultProxy
from tests.support.redis import RedisServer, redis_server
from tests.support.server import RipostServer

ROOT = Path(__file__).resolve().parents[1]


def _provided(name: str) -> provision.Found:
    if name in provision.skipped_names():
        pytest.skip(f"RIPOST_TEST_SKIP names {name}")
    found = provision.find(name)
    if found is None:
        pytest.fail(f"{name} is not here: {provision.REMEDIES[name]}; or RIPOST_TEST_SKIP={name}", pytrace=False)
    return found


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A Chromium that a test can drive."""
    return _provided("browser").where


@pytest.fixture(scope="session")
def node() -> str:
    """The path of a Node.js of version 20 or newer."""
    return _provided("node").where


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """The session's PostgreSQL. Most tests want `postgres_url` or `database_url` instead."""
    with cluster(_provided("postgres")) as running:
        yield running


@pytest.fixture(scope="session")
def _redis() -> Iterator[RedisServer]:
    with redis_server(_provided("redis")) as running:
        yield running


@pytest.fixture
def redis(_redis: RedisServer) -> RedisServer:
    """The session's Redis, running and empty; a test may stop and start it."""
    _redis.empty()
    return _redis


@pytest.fixture
def redis_url(redis: RedisServer) -> str:
    """The URL of a running, empty Redis."""
    return redis.url


@pytest.fixture(scope="session")
def nginx_path() -> str:
    """An nginx; skips the test where there is none."""
    found = provision.find("nginx")
    if found is None:
        pytest.skip("nginx is not here: install nginx")
    return found.where


@pytest.fixture
def _databases() -> Iterator[contextlib.ExitStack]:
    # Dropped only when every server of the test has ended, whatever order the test asked for its fixtures in.
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'ripost.db'}"


@pytest.fixture
def postgres_url(postgres_cluster: Cluster, _databases: contextlib.ExitStack) -> str:
    """The URL of a fresh, empty PostgreSQL database."""
    return _databases.enter_context(postgres_cluster.database())


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """Runs the test twice: on an SQLite file and on PostgreSQL, each fresh."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url"))


@pytest.fixture
def ripost_server(tmp_path: Path, _databases: contextlib.ExitStack) -> Iterator[Callable[..., RipostServer]]:
    """Starts servers: `ripost_server(DATABASE_URL=…, RATE_LIMITS="off")`, each a process, stopped with the test.

    Without DATABASE_URL it is an SQLite file in a folder of the server's own. `start=False` only makes it.
    """
    servers: list[RipostServer] = []

    def make(*, start: bool = True, **settings: str) -> RipostServer:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        server = RipostServer(folder, settings)
        servers.append(server)
        return server.start() if start else server

    yield make
    with contextlib.ExitStack() as stack:
        for server in servers:
            stack.callback(server.kill)
            stack.callback(server.close)


@pytest_asyncio.fixture
async def fault_proxy() -> AsyncIterator[Callable[[str], object]]:
    """Puts proxies in front of servers: `proxy = await fault_proxy(server.url)`, then `proxy.url` instead."""
    proxies: list[FaultProxy] = []

    async def make(target: str) -> FaultProxy:
        proxies.append(await FaultProxy(target).start())
        return proxies[-1]

    yield make
    for proxy in proxies:
        await proxy.close()


@pytest_asyncio.fixture(scope="session")
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """The session's Chromium, driven by Playwright's async interface. Most tests want `pages` instead."""
    async with chromium(chromium_path) as running:
        yield running


@pytest_asyncio.fixture
async def pages(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Pages]:
    """Makes pages: `page = await pages(url, **context_options)`. An uncaught exception in one fails the test."""
    made = Pages(browser, ROOT / "tests" / "artifacts")
    yield made
    report = request.node.stash.get(_REPORT, None)
    if report is not None and report.failed:
        saved = await made.save_screenshots(re.sub(r"\W+", "-", request.node.name).strip("-"))
        print("what the pages showed:", *saved, sep="\n  ")
        print("what they wrote to the console:", *made.console[-30:], sep="\n  ")
    await made.close()
    assert not made.errors, "a page threw what it did not catch:\n" + "\n".join(made.errors)


_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.when == "call":
        item.stash[_REPORT] = report
    return report


@pytest.fixture(autouse=True)
def _nothing_left_running(request: pytest.FixtureRequest) -> None:
    # Asked for first, hence torn down last: what other fixtures run has ended by then. Playwright has tasks of its own.
    function = getattr(request.node, "function", None)
    if asyncio.iscoroutinefunction(function) and "browser" not in request.fixturenames:
        request.getfixturevalue("_no_tasks_left")


@pytest_asyncio.fixture
async def _no_tasks_left() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:  # one that is about to end may do so
        _, left = await asyncio.wait(left, timeout=2)
    for task in left:
        task.cancel()
    assert not left, f"tasks that the test left behind: {left}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"browser", "pages"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.browser)
