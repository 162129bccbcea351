"""Running a command: an event loop, a desk for jobs, and the progress of long work on a terminal."""

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from server import jobs
from server.app import open_state
from server.config import Config
from server.errors import CommandError

T = TypeVar("T")

REDRAW_SECONDS = 0.1
BAR = 30  # characters


def run(work: Coroutine[Any, Any, T]) -> T:
    """Runs a command's work to its end. Warnings of the program go to stderr as plain lines."""
    logging.basicConfig(level=logging.WARNING, format="ripost: %(message)s", stream=sys.stderr)
    return asyncio.run(work)


@contextlib.asynccontextmanager
async def desk(config: Config) -> AsyncIterator[jobs.Desk]:
    """Where this command hands in its jobs. Raises CommandError."""
    opened: AbstractAsyncContextManager[jobs.Desk] = jobs.connect(config, open_state)
    async with opened as found:
        yield found


def require_database(config: Config) -> None:
    """Raises CommandError if there is none yet, before one is made by looking for somebody in it."""
    if not config.is_postgres and not config.database_path.exists():
        raise CommandError(f"there is no database {config.database_path}; is DATABASE_URL right?")


class Progress:
    """A bar on stderr while it is a terminal; nothing elsewhere. `total` 0: unknown, only the count is shown."""

    def __init__(self, what: str, total: int = 0) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._drawn = 0.0
        self._shown = sys.stderr.isatty()

    def advance(self, count: int = 1) -> None:
        """So much more is done."""
        self._done += count
        if self._shown and time.monotonic() - self._drawn >= REDRAW_SECONDS:
            self._drawn = time.monotonic()
            sys.stderr.write(f"\r{self._line()}\033[K")
            sys.stderr.flush()

    def reach(self, done: int, total: int) -> None:
        """This much is done, of so much."""
        self._total = total
        self.advance(done - self._done)

    def _line(self) -> str:
        if not self._total:
            return f"{self._what} {self._done}"
        part = min(1.0, self._done / self._total)
        return f"{self._what} [{'#' * round(part * BAR):<{BAR}}] {part:4.0%}"

    def clear(self) -> None:
        """Takes the bar away again."""
        if self._shown and self._drawn:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


@contextlib.contextmanager
def progress(what: str, total: int = 0) -> Iterator[Progress]:
    """A bar for as long as the work takes."""
    bar = Progress(what, total)
    try:
        yield bar
    finally:
        bar.clear()


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 comment`, `2 comments`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
