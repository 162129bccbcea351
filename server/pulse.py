"""The pulse: once a second, tells readers what is not in a log. Presence to those of an article, counts to front pages.

One task for the process, and nothing at all for those who have nothing to be told. A frame is made once for all who get
it; the loop gets a turn after every few hundred writes; who cannot take a frame now is offered the latest one later.
"""

import asyncio
import logging
from collections.abc import Mapping

from server import tallies
from server.frames import Frame
from server.hub import WRITES_PER_TURN, Cursor
from server.state import State
from server.storage import articles

BEAT_SECONDS = 1
REFRESH_SECONDS = 5  # how long a count that another process changed can be wrong

_log = logging.getLogger("ripost.live")


class Pulse:
    """One per server."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._owed: dict[str, tuple[Frame, set[Cursor]]] = {}  # by channel: who could not take the latest frame
        self._refreshed = state.clock.monotonic()

    async def beat_forever(self) -> None:
        """A beat every second, for ever."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                await self.beat()
            except Exception:
                _log.exception("presence and counts could not be told; it is tried again")

    async def beat(self) -> None:
        """Says what there is to say now."""
        await self._tell_presence()
        await self._tell_counts()

    async def _tell_presence(self) -> None:
        hub, presence = self._state.hub, self._state.presence
        for name in hub.take_moved():
            if name.startswith("article:"):
                presence.moved(name)

        def readers(name: str) -> int:
            channel = hub.channels.get(name)
            return 0 if channel is None else hub.readers(channel)

        owed, self._owed = self._owed, {}
        due = dict(presence.due(self._state.clock.monotonic(), readers))
        came = presence.newcomers(readers)
        for name, text in due.items():
            owed.pop(name, None)
            channel = hub.channels.get(name)
            if channel is not None:
                await self._offer(name, Frame(0, 0, text), set(channel.cursors))
        for name, text, who in came:
            if name not in due:
                late = owed.pop(name, (None, set[Cursor]()))[1]
                await self._offer(name, Frame(0, 0, text), late | who)
        for name, (frame, cursors) in owed.items():
            await self._offer(name, frame, cursors)

    async def _offer(self, name: str, frame: Frame, cursors: set[Cursor]) -> None:
        late = set()
        for number, cursor in enumerate(cursors, 1):
            if cursor.joined and not cursor.reader.offer(frame):
                late.add(cursor)
            if number % WRITES_PER_TURN == 0:
                await asyncio.sleep(0)
        if late:
            self._owed[name] = (frame, late)

    async def _tell_counts(self) -> None:
        table = self._state.tallies
        await self._refresh()
        made: dict[tuple[tuple[int, int], ...], Frame] = {}
        same: Mapping[int, int] | None = None
        for number, step in enumerate(table.due(), 1):
            if step is not None:
                watch, numbers = step
                if numbers is not same:
                    same, key = numbers, tuple(numbers.items())
                    told = made.get(key) or made.setdefault(key, tallies.frame(numbers))
                if watch.articles and watch.watcher.offer(told):
                    table.told(watch, numbers)
            if number % WRITES_PER_TURN == 0:
                await asyncio.sleep(0)

    async def _refresh(self) -> None:
        """Reads the counts again where other processes write to the same database and nothing tells of it."""
        now = self._state.clock.monotonic()
        if not self._state.config.is_postgres or now - self._refreshed < REFRESH_SECONDS:
            return
        self._refreshed = now
        wanted = self._state.tallies.refreshing()
        found: Mapping[int, int] = {}
        if wanted:
            found = await self._state.database.read(lambda tx: articles.counts(tx, wanted), "counts")
        self._state.tallies.refreshed(found)
