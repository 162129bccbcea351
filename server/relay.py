"""The relay: from the broker to the hub, and from the log to whoever is behind.

It delivers what commits say, fills a gap from the log, opens channels at the head the database has, decides whether a
position can be resumed, and compares heads every few seconds so that a silent loss of the broker is closed.

All who wait for the same channel or the same part of a log share one read. Who comes back to a channel whose ring has
little finds it filled by the first who did; who is further behind than a ring reads the log in blocks that are the same
for all, and a block is kept for a moment for those who follow. What an erasure changes is never taken from a block that
was read before it.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakSet

from server.frames import Frame
from server.hub import RING_BYTES, RING_FRAMES, Channel, Cursor, Hub, Reader
from server.models import Commit
from server.session import matches
from server.storage import articles, event_log
from server.storage.database import Database
from server.storage.event_log import Head
from server.storage.transaction import Transaction

_log = logging.getLogger("ripost.relay")

HEAD_CHECK = 5  # seconds; how long a silently lost message of the broker can go unnoticed
READ_FRAMES = 128  # events in one read of the log; of usual comments about as many as two batches hold
KEPT_SECONDS = 1  # a block of a log that nobody asked for that long is dropped, at the latest a second after that
KEPT_BYTES = 8 << 20  # of blocks, as text; what is made of it for the wire may be as much again
_EMPTY_BYTES, _FRAME_BYTES = 1000, 200  # about what a block costs, and a frame besides its text
READ_TRIES = 8  # reads of the same events that an erasure may overtake; what it erased is then told by the next event


RESETS = ("epoch", "floor", "ahead", "time", "restored", "unreadable")
"""Why a position is not resumed: another history; further back than the log; beyond it; another event there; the
history ended while it was read; the log could not be read, or did not go on from there."""


@dataclass(frozen=True, slots=True)
class Reset:
    """A position that cannot be resumed; where the channel stands instead."""

    epoch: str
    seq: int


class _Block:
    """A part of a log as it was read: at most READ_FRAMES events, from a position that is the same for all."""

    __slots__ = ("epoch", "floor", "frames", "size", "used")

    def __init__(self, head: Head | None, rows: list[tuple[int, int, str]]) -> None:
        self.epoch = "" if head is None else head.epoch
        self.floor = 0 if head is None else head.floor
        self.frames = [Frame(*row) for row in rows]
        self.size = _EMPTY_BYTES + sum(len(frame.text) + _FRAME_BYTES for frame in self.frames)
        self.used = True  # since it was last asked whether anybody still needs it

    def after(self, seq: int) -> list[Frame]:
        """What it has after a position; empty if it does not go on from there."""
        index = seq + 1 - self.frames[0].seq if self.frames else -1
        found = self.frames[index:] if index >= 0 else []
        return found if found and found[0].seq == seq + 1 else []

    def time_of(self, seq: int) -> int | None:
        """When event `seq` happened, if it has that."""
        found = self.after(seq - 1)
        return found[0].at if found else None


class Relay:
    """One per process. `receive` is the broker's `deliver`."""

    def __init__(self, hub: Hub, database: Database) -> None:
        self._hub = hub
        self._database = database
        self._reads: dict[tuple[str, str, object], asyncio.Task[Any]] = {}
        self._stale: WeakSet[asyncio.Task[Any]] = WeakSet()  # reads that an erasure has overtaken
        self._blocks: OrderedDict[tuple[str, int], _Block] = OrderedDict()  # by channel and start, used last at the end
        self._kept_bytes = 0
        self._sweeping: asyncio.TimerHandle | None = None  # while there are blocks
        self._fills: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()  # channels that were found to lack something while they were being filled
        self.resumes = 0  # positions that were resumed
        self.resets = dict.fromkeys(RESETS, 0)  # and those that were not

    def receive(self, commit: Commit) -> None:
        """What a commit changed: rewritten frames first, so that nobody catches up on what is gone."""
        for old in commit.rewritten:
            self._hub.rewrite(old.channel, old.seq, old.frame)
        for name in {old.channel for old in commit.rewritten}:
            self._forget_reads(name)
        for new in commit.appended:
            if not self._hub.deliver(new.channel, new.epoch, new.seq, new.at, new.frame, commit.moment):
                self._start_fill(new.channel)

    async def open(self, name: str) -> Channel | None:
        """The channel at the head the database has, or None if there is no such channel. Raises Unavailable."""
        while True:
            channel = self._hub.channel(name)
            if channel.opened:
                return channel
            # Shared only by those who wait for this very channel: a read that began before it was made is too old.
            if not await self._shared(("open", name, channel), partial(self._open, channel)):
                return None

    async def _open(self, channel: Channel) -> bool:
        """Opens a channel at the head the database has; False, and it is forgotten, if there is none.

        Here and not by those who wait, a turn later: who comes in between finds it open, or would read once more.
        """
        name = channel.name
        head: Head | None = None
        try:
            head = await self._head(name)
        finally:
            if self._hub.channels.get(name) is channel:
                if head is None:
                    del self._hub.channels[name]
                else:
                    self._hub.open(channel, head.epoch, head.seq, head.at)
        return head is not None

    async def subscribe(
        self, reader: Reader, name: str, epoch: str | None, since: int | None, at: str | None
    ) -> Cursor | Reset | None:
        """Joins a reader to a channel at a position (None: now); None if there is no such channel.

        The cursor is joined in the same turn of the loop in which its position was found good; the caller says
        `subscribed` and advances it before it awaits anything. Whatever had to be asked of the database meanwhile, the
        position is judged again by what the hub knows then.
        """
        block: _Block | None = None  # what the log has there; read if the ring does not reach back to it
        recalls = 0
        ahead = False  # whether the database was asked for a head that reaches up to `since`
        known: int | None = None  # when the event `since` happened
        timed = at is None or not since
        while True:
            channel = await self.open(name)
            if channel is None:
                return None
            if since is None:
                return self._hub.join(reader, channel, channel.head)
            if epoch != channel.epoch:
                return self._reset(channel, "epoch")
            if since > channel.head:
                if ahead:
                    return self._reset(channel, "ahead")
                # A snapshot may be ahead of delivery. Never a shared read: one that began earlier may be behind it.
                ahead = True
                head = await self._head(name)
                if head is None or head.seq >= since or head.epoch != channel.epoch:
                    await self._filled(name)
                continue
            if since < channel.head and channel.after(since) is None:
                if not channel.recalled and recalls < READ_TRIES:
                    recalls += 1
                    await self._shared(("since", name, "newest"), lambda: self._recall(name))
                    continue
                if block is None:
                    block = await self._block(name, since)
                    continue
                if since < block.floor:
                    return self._reset(channel, "floor")
            if not timed:
                known = channel.time_of(since)
                if known is None:
                    known = (await self._block(name, since - 1)).time_of(since)
                    timed = True
                    continue
            if at is not None and known is not None and not matches(at, known):
                return self._reset(channel, "time")
            self.resumes += 1
            return self._hub.join(reader, channel, since)

    def _reset(self, channel: Channel, cause: str) -> Reset:
        self.resets[cause] += 1
        return Reset(channel.epoch, channel.head)

    async def ensure(self, name: str) -> None:
        """Makes a channel in which nothing was said yet, so that it can be read from its beginning."""
        if await self._head(name) is None:
            await self._database.write(lambda tx: event_log.ensure_channel(tx, name))

    async def counts(self, article_ids: tuple[int, ...]) -> dict[int, int]:
        """How many comments these articles have; unknown ones are left out. Raises Unavailable."""
        ids = list(article_ids)
        read = partial(self._database.read, lambda tx: articles.counts(tx, ids), "counts")
        found: dict[int, int] = await self._shared(("counts", "", article_ids), read)
        return found

    async def after(self, cursor: Cursor) -> list[Frame]:
        """The next events after a cursor from the log, in order; empty if the log does not continue it."""
        await asyncio.sleep(0)  # what is kept takes no waiting, and others get their turn
        block = await self._block(cursor.channel.name, cursor.seq)
        return block.after(cursor.seq) if block.epoch == cursor.channel.epoch else []

    async def watch(self) -> None:
        """Compares the heads of all channels that are read with the database, for ever."""
        while True:
            await asyncio.sleep(HEAD_CHECK)
            try:
                await self.check_heads()
            except Exception:
                _log.exception("the head check failed; it is tried again in %d s", HEAD_CHECK)

    async def check_heads(self) -> None:
        """Fills every channel that the database has more of than the hub: a message was lost without a trace."""
        names = [name for name, channel in self._hub.channels.items() if channel.opened]
        if not names:
            return
        heads = await self._database.read(lambda tx: event_log.heads(tx, names), "check")
        for name, (epoch, seq) in heads.items():
            channel = self._hub.channels.get(name)
            if channel is not None and channel.opened and (seq > channel.head or epoch != channel.epoch):
                await self._filled(name)

    async def close(self) -> None:
        """Ends what is still being read."""
        if self._sweeping is not None:
            self._sweeping.cancel()
        tasks = [*self._fills.values(), *self._reads.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start_fill(self, name: str) -> "asyncio.Task[None]":
        """One at a time for each channel; what is found to be missing while it runs makes it look again."""
        task = self._fills.get(name)
        if task is not None:
            self._again.add(name)
            return task
        task = self._fills[name] = asyncio.create_task(self._fill(name))
        task.add_done_callback(lambda done: self._fill_ended(name, done))
        return task

    async def _filled(self, name: str) -> None:
        await asyncio.shield(self._start_fill(name))

    def _fill_ended(self, name: str, task: "asyncio.Task[None]") -> None:
        del self._fills[name]
        self._again.discard(name)
        if not task.cancelled() and task.exception() is not None:
            _log.error("filling a gap failed; the head check closes it", exc_info=task.exception())

    async def _fill(self, name: str) -> None:
        while True:
            self._again.discard(name)
            await self._fill_once(name)
            if name not in self._again:
                return

    async def _fill_once(self, name: str) -> None:
        """Delivers what the log has beyond the hub's head. Another process wrote it, and may have rewritten frames too:
        the ring is forgotten, so that whoever is behind reads the log."""
        channel = self._hub.channels.get(name)
        if channel is None or not channel.opened:
            return
        before = channel.head  # the reading cannot be older than what was delivered before it
        head = await self._head(name)
        if head is None or head.epoch != channel.epoch or head.seq < before:
            self._restart(channel, head.epoch if head else "", head.seq if head else 0)
            return
        while channel.head < head.seq:
            start = channel.head
            epoch, rows = await self._since(name, start)
            if epoch != channel.epoch:
                self._restart(channel, epoch, head.seq)
                return
            fresh = [row for row in rows if row[0] > channel.head]
            if fresh:
                channel.clear()
                self._forget_reads(name)
            for seq, at, text in fresh:
                self._hub.deliver(name, channel.epoch, seq, at, text)
            if channel.head == start:
                return

    def _restart(self, channel: Channel, epoch: str, seq: int) -> None:
        self.resets["restored"] += self._hub.readers(channel)
        self._forget_reads(channel.name)
        self._hub.restart(channel.name, epoch, seq)

    def _forget_reads(self, name: str) -> None:
        """What was read of a log, or is being read, may have what was erased since: it is read again."""
        for key in [key for key in self._reads if key[0] == "since" and key[1] == name]:
            self._stale.add(self._reads.pop(key))
        for kept in [kept for kept in self._blocks if kept[0] == name]:
            self._drop(kept)

    async def _head(self, name: str) -> Head | None:
        return await self._database.read(lambda tx: event_log.head(tx, name), "position")

    async def _recall(self, name: str) -> None:
        """Puts the newest events of the log into a channel's ring, as many as it holds, so that all who come back after
        a restart, each from a position of its own, cost one read."""

        def work(tx: Transaction) -> tuple[Head | None, list[tuple[int, int, str]]]:
            head, rows, size = event_log.head(tx, name), list[tuple[int, int, str]](), 0
            start = head.seq if head is not None else 0
            while head is not None and start > head.floor and len(rows) < RING_FRAMES and size < RING_BYTES:
                end, start = start, max(start - READ_FRAMES, head.floor)
                earlier = event_log.since(tx, name, start, end - start)
                size += sum(len(frame) for _, _, frame in earlier)
                rows[:0] = earlier
            return head, rows

        head, rows = await self._database.read(work, "log")
        channel = self._hub.channels.get(name)
        # Decided here and not by those who wait, a turn later: what is erased after this is replaced in the ring.
        overtaken = asyncio.current_task() in self._stale
        if head is not None and channel is not None and channel.epoch == head.epoch and not overtaken:
            self._hub.recall(channel, [Frame(*row) for row in rows])

    async def _block(self, name: str, seq: int) -> _Block:
        """The part of a log that goes on after a position: kept, or read now, once for all who wait for it."""
        start = seq - seq % READ_FRAMES
        for _ in range(READ_TRIES):
            kept = self._blocks.get((name, start))
            # One that was read at the end of the log may lack what came since.
            if kept is not None and kept.frames and kept.frames[-1].seq > seq:
                kept.used = True
                self._blocks.move_to_end((name, start))
                return kept
            task = self._share(("since", name, start), lambda: self._read_block(name, start))
            block: _Block = await asyncio.shield(task)
            if task not in self._stale:
                break
        return block

    async def _read_block(self, name: str, start: int) -> _Block:
        def work(tx: Transaction) -> tuple[Head | None, list[tuple[int, int, str]]]:
            return event_log.head(tx, name), event_log.since(tx, name, start, READ_FRAMES)

        block = _Block(*await self._database.read(work, "log"))
        if asyncio.current_task() not in self._stale:
            self._keep((name, start), block)
        return block

    def _keep(self, key: tuple[str, int], block: _Block) -> None:
        self._drop(key)
        self._blocks[key] = block
        self._kept_bytes += block.size
        while self._kept_bytes > KEPT_BYTES:
            self._drop(next(iter(self._blocks)))
        if self._sweeping is None:
            self._sweeping = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._sweep)

    def _drop(self, key: tuple[str, int]) -> None:
        block = self._blocks.pop(key, None)
        if block is not None:
            self._kept_bytes -= block.size

    def _sweep(self) -> None:
        """Drops the blocks that nobody asked for since the last time."""
        for key, block in tuple(self._blocks.items()):
            if block.used:
                block.used = False
            else:
                self._drop(key)
        again = asyncio.get_running_loop().call_later
        self._sweeping = again(KEPT_SECONDS, self._sweep) if self._blocks else None

    async def _since(self, name: str, seq: int) -> tuple[str, list[tuple[int, int, str]]]:
        def work(tx: Transaction) -> tuple[str, list[tuple[int, int, str]]]:
            head = event_log.head(tx, name)
            return "" if head is None else head.epoch, event_log.since(tx, name, seq, READ_FRAMES)

        return await self._database.read(work, "log")

    async def _shared(self, key: tuple[str, str, object], read: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return await asyncio.shield(self._share(key, read))

    def _share(self, key: tuple[str, str, object], read: Callable[[], Coroutine[Any, Any, Any]]) -> "asyncio.Task[Any]":
        """The read of this name that is under way, or a new one: all who wait for the same thing share it."""
        task = self._reads.get(key)
        if task is None:
            task = self._reads[key] = asyncio.create_task(read())
            task.add_done_callback(lambda done: self._read_ended(key, done))
        return task

    def _read_ended(self, key: tuple[str, str, object], task: "asyncio.Task[Any]") -> None:
        if self._reads.get(key) is task:
            del self._reads[key]
        if not task.cancelled():
            task.exception()  # whoever still waits gets it; if all have gone, nobody has to
