"""Child processes whose output a test can wait for: no polling, no sleeping, nothing left running."""

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO


class Child:
    """A process with its output, both streams as one, gathered line by line.

    `wait_for` returns the moment a matching line is written, and fails with the whole log when the process ends or the
    deadline passes first. Everything here is synchronous and safe to call from any thread.
    """

    def __init__(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        user: int | None = None,
        group: int | None = None,
    ) -> None:
        self._lines: list[str] = []
        self._ended = False  # the output is closed: no further line can come
        self._changed = threading.Condition()
        self.command = [os.fspath(part) for part in command]
        self._process = subprocess.Popen(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            user=user,
            group=group,
            extra_groups=None if user is None else [],
            # Of a session of its own: Ctrl-C in a terminal reaches the tests, which stop their children in order.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        for line in stream:
            with self._changed:
                self._lines.append(line.decode("utf-8", "replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lines(self) -> list[str]:
        """Everything written so far."""
        with self._changed:
            return list(self._lines)

    @property
    def log(self) -> str:
        """Everything written so far, as one text."""
        return "\n".join(self.lines)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        return self._process.poll()

    def wait_for(self, pattern: str, *, seconds: float = 30, since: int = 0) -> re.Match[str]:
        """The first match of `pattern` in a line, from line number `since` on. Raises AssertionError with the log."""
        deadline = time.monotonic() + seconds
        seen = since
        with self._changed:
            while True:
                while seen < len(self._lines):
                    if match := re.search(pattern, self._lines[seen]):
                        return match
                    seen += 1
                if self._ended:
                    raise AssertionError(f"{self.command[0]} ended before it wrote {pattern!r}:\n" + self._tail())
                if not self._changed.wait(deadline - time.monotonic()):
                    raise AssertionError(f"no {pattern!r} within {seconds} s from {self.command[0]}:\n" + self._tail())

    def _tail(self) -> str:
        return "\n".join(self._lines[-60:])

    def signal(self, number: int) -> None:
        """Sends a signal, if there is still a process to take it."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self, *, seconds: float = 15) -> int:
        """Its exit status. Raises AssertionError with the log, and kills it, when it does not end in time."""
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.command[0]} did not end within {seconds} s:\n{self.log}") from None
        self._finish()
        return status

    def kill(self) -> None:
        """SIGKILL, and waits until it is gone."""
        self.signal(signal.SIGKILL)
        self._process.wait()
        self._finish()

    def _finish(self) -> None:
        # A grandchild may keep the pipe open; its output is not waited for.
        self._reader.join(2)
        if not self._reader.is_alive() and self._process.stdout:
            self._process.stdout.close()
