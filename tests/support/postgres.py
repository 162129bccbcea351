"""One throw-away PostgreSQL for a test session, and a fresh database for every test that asks.

Works as root too: PostgreSQL refuses root, so the cluster then belongs to an unprivileged account. Nothing of it
outlives the session, and nothing in it is ever synced to disk.
"""

import asyncio
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from tests.support.processes import Child
from tests.support.provision import Found

# For speed only: a test cluster that loses power is thrown away anyway.
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "autovacuum": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "log",  # errors are the tests' own business; the line that says it is ready is of level LOG
    "lc_messages": "C",
}


def _unprivileged() -> tuple[int, int] | None:
    """The account that runs the cluster when we are root; None when we are somebody else already."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody", "daemon"):
        with contextlib.suppress(KeyError):
            account = pwd.getpwnam(name)
            if account.pw_uid != 0:
                return account.pw_uid, account.pw_gid
    return 65534, 65534


def _open_to_all(folder: Path) -> bool:
    """True if an account that is not ours can reach what lies in `folder`."""
    return all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents))


def _scratch_folder(account: tuple[int, int] | None) -> Path:
    choices = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    base = next((choice for choice in choices if account is None or _open_to_all(choice)), choices[0])
    folder = Path(tempfile.mkdtemp(prefix="ripost-pg-", dir=base))
    if account is not None:
        os.chown(folder, *account)
    return folder


def _reachable_programs(folder: Path, scratch: Path, account: tuple[int, int] | None) -> Path:
    """`folder`, or a copy of its installation where the account cannot read it (a checkout in a private home)."""
    if account is None or _open_to_all(folder):
        return folder
    installation = folder.parent
    copy = scratch / "lib" / installation.parent.name / installation.name
    shutil.copytree(installation, copy, symlinks=True)
    # A wheel keeps the libraries that its programs were linked with in a folder beside the package.
    libraries = installation.parent.parent / f"{installation.parent.name}.libs"
    if libraries.is_dir():
        shutil.copytree(libraries, scratch / "lib" / libraries.name, symlinks=True)
    for path in itertools.chain([scratch / "lib"], (scratch / "lib").rglob("*")):
        os.chown(path, *account, follow_symlinks=False)
    return copy / folder.name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A running PostgreSQL in which databases can be made. `url` is that of any database in it."""

    def __init__(self, url: str, child: Child | None = None, start: Callable[[], Child] | None = None) -> None:
        self.url = url
        self._child = child
        self._start = start

    def _url_of(self, name: str) -> str:
        return urlsplit(self.url)._replace(scheme="postgresql", path=f"/{name}").geturl()

    def _execute(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(self._url_of("postgres"))
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        # In a thread of its own, because a loop may be running in this one.
        with ThreadPoolExecutor(max_workers=1) as thread:
            thread.submit(asyncio.run, run()).result()

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a fresh, empty database, which is dropped afterwards whoever is still connected to it."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
        try:
            yield self._url_of(name)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def crash(self) -> None:
        """Ends every connection at once, as a failing database host does. Only for a cluster of our own."""
        assert self._child is not None, "TEST_DATABASE_URL names a server that is not ours to stop"
        self._child.signal(signal.SIGQUIT)
        self._child.wait()

    def start(self) -> None:
        """Starts it again after a crash, on the same port with what was in it."""
        assert self._start is not None, "TEST_DATABASE_URL names a server that is not ours to start"
        self._child = self._start()
        self._child.wait_for("ready to accept connections", seconds=30)

    def end(self) -> None:
        """Stops it for good. One that is not ours goes on."""
        if self._child is not None and self._child.running:
            self.crash()


@contextlib.contextmanager
def cluster(found: Found) -> Iterator[Cluster]:
    """What `find_postgres` found, running: the server of TEST_DATABASE_URL, or one of our own on 127.0.0.1."""
    if "://" in found.where:
        yield Cluster(found.where)
        return
    account = _unprivileged()
    scratch = _scratch_folder(account)
    try:
        with _running(_reachable_programs(Path(found.where), scratch, account), scratch, account) as running:
            yield running
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextlib.contextmanager
def _running(programs: Path, scratch: Path, account: tuple[int, int] | None) -> Iterator[Cluster]:
    user, group = account or (None, None)
    # LANG of the machine may name a locale that the account's environment lacks.
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(scratch), "TZ": "UTC"}
    data = scratch / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "ripost", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=env, cwd=scratch, user=user, group=group,
        extra_groups=None if user is None else [],
    )  # fmt: skip
    settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]

    def start(port: int) -> Child:
        return Child(
            [programs / "postgres", "-D", data, "-k", scratch, "-h", "127.0.0.1", "-p", str(port), *settings],
            env=env, cwd=scratch, user=user, group=group,
        )  # fmt: skip

    for tries_left in (2, 1, 0):
        port = _free_port()
        child = start(port)
        try:
            child.wait_for("ready to accept connections", seconds=30)
            break
        except AssertionError:
            child.kill()
            if (
                not tries_left
            ):  # the port was taken between the look and the start, three times, or it is something else
                raise
    running = Cluster(f"postgresql://ripost@127.0.0.1:{port}/postgres", child, lambda: start(port))
    try:
        yield running
    finally:
        running.end()
