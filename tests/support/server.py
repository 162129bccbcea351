"""The server as an operator runs it: a process of its own, started by its command, stopped and killed by signals."""

import os
import re
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.processes import Child

ROOT = Path(__file__).resolve().parents[2]
LISTENING = r"Ripost is listening on (http://\S+:(\d+))"
STOP_SECONDS = 12  # what a service manager should grant: the drain takes at most 8

# Only these come from the machine; no setting of the developer's shell reaches a server under test.
_INHERITED = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")


def server_environment(**settings: str) -> dict[str, str]:
    """The environment of a `python -m server` under test, with `settings` as it documents them."""
    environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "HOST": "127.0.0.1"}
    if settings.get("DATABASE_URL", "").startswith("postgres"):
        environment["SECRET_KEY"] = "a secret that only the tests know, and long enough"
    return environment | settings


class RipostServer:
    """One server on one database: `url` once it listens; the same port again after a restart.

    Every method blocks for as long as the process takes. An async test that must go on meanwhile (a proxy of its own, a
    live connection) calls it as `await asyncio.to_thread(server.restart)`.
    """

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = server_environment(**{"DATABASE_URL": f"sqlite:///{folder / 'ripost.db'}"} | dict(settings))
        self.port = 0
        self.url = ""
        self.may_log_tracebacks = False  # set by a test that breaks what the server stands on
        self._child: Child | None = None
        self._earlier_log: list[str] = []

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def live_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/live"

    @property
    def pid(self) -> int:
        assert self._child is not None, "the server was not started"
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.running

    @property
    def log(self) -> str:
        """What it has written so far, earlier runs included."""
        return "\n".join(self._earlier_log + ([self._child.log] if self._child else []))

    def start(self, *, seconds: float = 30) -> "RipostServer":
        """Starts it, on its former port if it had one, and returns when it says that it listens."""
        assert not self.running, "the server is running already"
        if self._child is not None:
            self._earlier_log.append(self._child.log)
        command = [sys.executable, "-m", "server", "serve", "--port", str(self.port)]
        self._child = Child(command, env=self.environment, cwd=self.folder)
        listening = self._child.wait_for(LISTENING, seconds=seconds)
        self.url, self.port = listening[1], int(listening[2])
        return self

    def wait_for_log(self, pattern: str, *, seconds: float = 15) -> re.Match[str]:
        """The first match of `pattern` in a line that this run has written or will write; else AssertionError."""
        assert self._child is not None, "the server was not started"
        return self._child.wait_for(pattern, seconds=seconds)

    def kill(self) -> None:
        """SIGKILL: what a power cut or the kernel's memory killer does to the process."""
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        """SIGTERM, as every service manager does it. AssertionError if it does not end in time, or ends badly."""
        if self._child is None or not self.running:
            return
        self._child.signal(signal.SIGTERM)
        status = self._child.wait(seconds=STOP_SECONDS)
        assert status in (0, -signal.SIGTERM), f"the server ended with {status}:\n{self.log}"

    def restart(self) -> None:
        """Stops it if it still runs, then starts it on the same port and database."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: connections stay open and nothing answers."""
        if self._child is not None:
            self._child.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets a frozen server go on."""
        if self._child is not None:
            self._child.signal(signal.SIGCONT)

    def close(self) -> None:
        """The end of a test: stopped in order, and nothing in its log that an operator would have to worry about."""
        self.thaw()
        self.stop()
        if not self.may_log_tracebacks:
            assert "Traceback (most recent call last)" not in self.log, f"the server logged an exception:\n{self.log}"
