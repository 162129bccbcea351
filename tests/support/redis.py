"""One throw-away Redis (or Valkey) for a test session, which a test may also stop and start again."""

import contextlib
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.processes import Child
from tests.support.provision import Found


class RedisServer:
    """A Redis at `url`. It keeps nothing on disk: stopped and started again it is empty, as after a lost host."""

    def __init__(self, program: str | None, url: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._child: Child | None = None
        self.url = url

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 6379

    def start(self) -> None:
        """Starts it on its port, unless it runs. Returns when it accepts connections."""
        if self._program is None or (self._child is not None and self._child.running):
            return
        self._child = Child(
            [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=self._folder,
        )
        self._child.wait_for("eady to accept connections", seconds=15)

    def stop(self) -> None:
        """Kills it without a word to those connected."""
        if self._child is not None:
            self._child.kill()

    def empty(self) -> None:
        """Makes sure it runs, and forgets every key in it."""
        self.start()
        self.command("FLUSHALL")

    def command(self, *words: str) -> bytes:
        """One command over a connection of its own; the raw answer. For set-up only: tests use the real client."""
        address = urlsplit(self.url)
        request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        with socket.create_connection((address.hostname or "127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(request.encode())
            answer = connection.recv(65536)
        assert not answer.startswith(b"-"), answer
        return answer


@contextlib.contextmanager
def redis_server(found: Found) -> Iterator[RedisServer]:
    """What `find_redis` found, running: the server of TEST_REDIS_URL, or one of our own on 127.0.0.1."""
    with tempfile.TemporaryDirectory(prefix="ripost-redis-") as folder:
        if "://" in found.where:
            yield RedisServer(None, found.where, Path(folder))
            return
        deadline = time.monotonic() + 30
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            server = RedisServer(found.where, f"redis://127.0.0.1:{port}/0", Path(folder))
            try:
                server.start()
                break
            except AssertionError:  # the port was taken between the look and the start
                server.stop()
                if time.monotonic() > deadline:
                    raise
        try:
            yield server
        finally:
            if server._child is not None:
                server._child.signal(signal.SIGTERM)
                server._child.wait()
