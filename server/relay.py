"""The relay: from the broker to the hub, and from the log to whoever is behind.

It delivers what commits say, fills a gap from the log, opens channels at the head the database has, decides whether a
position can be resumed, and compares heads every few seconds so that a silent loss of the broker is closed. All who
wait for the same channel or the same part of a log share one read.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.hub import Channel, Cursor, Frame, Hub, Reader
from server.models import Commit
from server.session import matches
from server.storage import event_log
from server.storage.database import Database
from server.storage.event_log import Head

_log = logging.getLogger("ripost.relay")

HEAD_CHECK = 5  # seconds; how long a silently lost message of the broker can go unnoticed
READ_FRAMES = 256  # events in one read of the log


@dataclass(frozen=True, slots=True)
class Reset:
    """A position that cannot be resumed; where the channel stands instead."""

    epoch: str
    seq: int


class Relay:
    """One per process. `receive` is the broker's `deliver`."""

    def __init__(self, hub: Hub, database: Database) -> None:
        self._hub = hub
        self._database = database
        self._reads: dict[tuple[str, str, int], asyncio.Task[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def receive(self, commit: Commit) -> None:
        """What a commit changed: rewritten frames first, so that nobody catches up on what is gone."""
        for old in commit.rewritten:
            self._hub.rewrite(old.channel, old.seq, old.frame)
        for new in commit.appended:
            if not self._hub.deliver(new.channel, new.epoch, new.seq, new.at, new.frame):
                self._spawn(self._fill(new.channel))

    async def open(self, name: str) -> Channel | None:
        """The channel at the head the database has, or None if there is no such channel. Raises Unavailable."""
        channel = self._hub.channel(name)
        if not channel.opened:
            head: Head | None = await self._shared(("open", name, 0), lambda: self._head(name))
            if head is None:
                if not channel.opened:
                    self._hub.channels.pop(name, None)
                return None
            # Whoever waited with us may have opened it, or a restore replaced it: ask again.
            channel = self._hub.channel(name)
            self._hub.open(channel, head.epoch, head.seq, head.at)
        return channel

    async def subscribe(
        self, reader: Reader, name: str, epoch: str | None, since: int | None, at: str | None
    ) -> Cursor | Reset | None:
        """Joins a reader to a channel at a position (None: now); None if there is no such channel.

        The cursor is joined in the same turn of the loop in which its position was found good; the caller says
        `subscribed` and advances it before it awaits anything.
        """
        channel = await self.open(name)
        if channel is None:
            return None
        if since is None:
            return self._hub.join(reader, channel, channel.head)
        floor = 0
        if since > channel.head or (since < channel.head and channel.after(since) is None):
            head = await self._shared(("open", name, 0), lambda: self._head(name))
            if head is None:
                return None
            if head.seq > channel.head or head.epoch != channel.epoch:
                await self._fill(name)
                channel = await self.open(name)
                if channel is None:
                    return None
            floor = head.floor
        if epoch != channel.epoch or not floor <= since <= channel.head:
            return Reset(channel.epoch, channel.head)
        if at is not None and since > 0:
            known = channel.time_of(since)
            if known is None:
                known = await self._shared(("time", name, since), lambda: self._time(name, since))
            if known is not None and not matches(at, known):
                return Reset(channel.epoch, channel.head)
        return self._hub.join(reader, channel, since)

    async def ensure(self, name: str) -> None:
        """Makes a channel in which nothing was said yet, so that it can be read from its beginning."""
        if await self._head(name) is None:
            await self._database.write(lambda tx: event_log.ensure_channel(tx, name))

    async def after(self, cursor: Cursor) -> list[Frame]:
        """The next events after a cursor from the log, in order; empty if the log does not continue it."""
        name, seq = cursor.channel.name, cursor.seq
        rows: list[tuple[int, int, str]] = await self._shared(("since", name, seq), lambda: self._since(name, seq))
        frames = [Frame(*row) for row in rows if row[0] > cursor.seq]
        return frames if frames and frames[0].seq == cursor.seq + 1 else []

    async def watch(self) -> None:
        """Compares the heads of all channels that are read with the database, for ever."""
        while True:
            await asyncio.sleep(HEAD_CHECK)
            names = [name for name, channel in self._hub.channels.items() if channel.opened]
            if not names:
                continue
            try:
                heads = await self._database.read(lambda tx: event_log.heads(tx, names))  # noqa: B023
                for name, (epoch, seq) in heads.items():
                    channel = self._hub.channels.get(name)
                    if channel is not None and (seq > channel.head or epoch != channel.epoch):
                        await self._fill(name)
            except Exception:
                _log.exception("the head check failed; it is tried again in %d s", HEAD_CHECK)

    async def close(self) -> None:
        """Ends what is still being read."""
        for task in [*self._tasks, *self._reads.values()]:
            task.cancel()

    async def _fill(self, name: str) -> None:
        """Delivers what the log has beyond the hub's head. Another process wrote it, and may have rewritten frames too:
        the ring is forgotten, so that whoever is behind reads the log."""
        channel = self._hub.channels.get(name)
        if channel is None or not channel.opened:
            return
        head = await self._head(name)
        if head is None or head.epoch != channel.epoch or head.seq < channel.head:
            self._hub.restart(name)
            return
        while channel.head < head.seq:
            start = channel.head
            rows = await self._since(name, start)
            if channel.head == start:
                channel.clear()
            for seq, at, text in rows:
                self._hub.deliver(name, channel.epoch, seq, at, text)
            if channel.head == start:
                return

    async def _head(self, name: str) -> Head | None:
        return await self._database.read(lambda tx: event_log.head(tx, name))

    async def _since(self, name: str, seq: int) -> list[tuple[int, int, str]]:
        return await self._database.read(lambda tx: event_log.since(tx, name, seq, READ_FRAMES))

    async def _time(self, name: str, seq: int) -> int | None:
        return await self._database.read(lambda tx: event_log.event_time(tx, name, seq))

    async def _shared(self, key: tuple[str, str, int], read: Callable[[], Awaitable[Any]]) -> Any:
        task = self._reads.get(key)
        if task is None:
            task = asyncio.ensure_future(read())
            self._reads[key] = task
            task.add_done_callback(lambda _: self._reads.pop(key, None))
        return await asyncio.shield(task)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("filling a gap failed; the head check closes it", exc_info=task.exception())
