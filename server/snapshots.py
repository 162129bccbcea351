"""Pages of threads for nobody in particular, made once for all who ask.

A page is kept until its discussion changes, and then made anew for whoever asks next, a few times a second; under more
load than that it is served up to STALE_SECONDS old, so that a thread is not read from the database once a reader. A
page carries its position, so whoever gets an older one is brought up to date by the events that follow. One whose past
was rewritten is dropped at once, and one that was being read meanwhile is read again: what was gone when somebody asked
is never served to them (DESIGN law 11). All who wait for the same page share one read.

Where other processes write to the same database (`alone` false), nothing tells of their commits, so no page is served
when it is older than STALE_SECONDS.
"""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from server.models import Commit
from server.times import Clock

STALE_SECONDS = 1
REMAKES_BURST = 20  # of one page at once, then REMAKES_PER_SECOND: what a discussion with people in it needs
REMAKES_PER_SECOND = 5
MAKE_TRIES = 8  # readings of one page that rewritings may overtake; who came before the last one began gets that
MAX_BYTES = 64 * 1024 * 1024  # of pages, compressed forms included
_GZIP_FROM = 1024  # bytes; below that compression saves less than a packet


class Snapshot:
    """One page: its channel, the name of its content, and its JSON as bytes."""

    __slots__ = ("_packed", "body", "changed", "channel", "etag", "made", "remakes")

    def __init__(self, channel: str, etag: str, body: bytes) -> None:
        self.channel = channel
        self.etag = etag
        self.body = body
        self.made = 0.0  # monotonic seconds; set when it is kept
        self.changed: float | None = None  # when its discussion first changed after that
        self.remakes = float(REMAKES_BURST)  # how often it could be made anew then; set when it is kept
        self._packed: bytes | None = None

    @property
    def packed(self) -> bytes | None:
        """The body gzipped, once; None if that is not worth it."""
        if self._packed is None and len(self.body) >= _GZIP_FROM:
            self._packed = gzip.compress(self.body, 6, mtime=0)
        return self._packed

    @property
    def size(self) -> int:
        """Bytes that keeping it costs, about."""
        return len(self.body) * 5 // 4 + 500


Make = Callable[[], Awaitable[Snapshot]]

_Made = tuple[Snapshot, int]
"""A page, and the number of rewritings that it has for sure."""


class Snapshots:
    """The pages of one process."""

    def __init__(self, clock: Clock, *, alone: bool) -> None:
        self._clock = clock
        self._alone = alone
        self._kept: OrderedDict[str, Snapshot] = OrderedDict()
        self._size = 0
        self._keys: dict[str, set[str]] = {}  # channel -> keys of its kept pages
        self._changes: dict[str, float] = {}  # channel -> its last change while pages were being made
        self._making: dict[str, asyncio.Task[_Made]] = {}
        self._rewritings = 0  # so many rewritings there were; a moment between two of them is this number
        self._rewritten: dict[str, int] = {}  # channel -> the number of its last one while pages were being made

    async def get(self, key: str, make: Make) -> Snapshot:
        """The page of this key, kept or made now. Raises what `make` raises."""
        asked = self._rewritings
        while True:
            kept = self._kept.get(key)
            if kept is not None and self._is_fresh(kept):
                self._kept.move_to_end(key)
                return kept
            task = self._making.get(key)
            if task is None:
                task = self._making[key] = asyncio.create_task(self._make(key, make))
                task.add_done_callback(_retrieve)
            page, true_at = await asyncio.shield(task)
            if true_at >= asked:
                return page  # else it was read before a rewriting that was over when this began to ask

    def committed(self, commit: Commit) -> None:
        """What a commit of this process changed; called before anyone is told."""
        for old in commit.rewritten:
            self._rewritings += 1
            for key in tuple(self._keys.get(old.channel, ())):
                self._drop(key)
            if self._making:
                self._rewritten[old.channel] = self._rewritings
        for new in commit.appended:
            now = self._clock.monotonic()
            if self._making:
                self._changes[new.channel] = now
            for key in self._keys.get(new.channel, ()):
                page = self._kept[key]
                if page.changed is None:
                    page.changed = now

    def _is_fresh(self, page: Snapshot) -> bool:
        now = self._clock.monotonic()
        if page.changed is None:
            return self._alone or now - page.made < STALE_SECONDS
        return _remakes(page, now) < 1 and now - page.changed < STALE_SECONDS

    async def _make(self, key: str, make: Make) -> "_Made":
        """Reads the page, again while rewritings overtake it; keeps it unless they overtook the last reading, too."""
        try:
            for _ in range(MAKE_TRIES):
                started, before = self._clock.monotonic(), self._rewritings
                page = await make()
                if self._rewritten.get(page.channel, 0) <= before:
                    self._keep(key, page, started)
                    return page, self._rewritings
            return page, before
        finally:
            # Here and not in a callback, which comes a turn later: who asks in between begins anew.
            del self._making[key]
            if not self._making:
                self._rewritten.clear()
                self._changes.clear()

    def _keep(self, key: str, page: Snapshot, started: float) -> None:
        before = self._kept.get(key)
        if before is not None:
            page.remakes = _remakes(before, started) - 1
        self._drop(key)
        page.made = started
        self._kept[key] = page
        self._size += page.size
        self._keys.setdefault(page.channel, set()).add(key)
        changed = self._changes.get(page.channel)
        page.changed = changed if changed is not None and changed >= started else None
        while self._size > MAX_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: str) -> None:
        page = self._kept.pop(key, None)
        if page is not None:
            self._size -= page.size
            keys = self._keys[page.channel]
            keys.discard(key)
            if not keys:
                del self._keys[page.channel]


def _retrieve(task: "asyncio.Task[_Made]") -> None:
    if not task.cancelled():
        task.exception()  # whoever still waits gets it; if all have gone, nobody has to


def _remakes(page: Snapshot, now: float) -> float:
    """How often a page can be made anew at this moment."""
    return min(float(REMAKES_BURST), page.remakes + (now - page.made) * REMAKES_PER_SECOND)
