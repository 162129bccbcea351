"""A reader of channels over any link: takes what the hub offers while the link does, and catches up when it could not.

What a follower has not been given is behind its cursors, never in a queue here. After a refusal it goes on from the
ring, and from the log where the ring does not reach back; becoming level is one check and switch without an await in
between, so nothing is held and nothing can fall between (DESIGN law 6).
"""

import asyncio
from typing import Protocol

from server.frames import Batch, Frame, first_of
from server.hub import Cursor, Hub, Progress
from server.relay import Relay


class Sink(Protocol):
    """Where a follower's frames go."""

    def write(self, batch: Batch) -> bool:
        """Takes a batch whole, or refuses it; after a refusal, `Follower.writable` is called once there is room."""


class Follower:
    """The cursors of one link. A subclass says what the end of a history means to it (`ended`)."""

    __slots__ = ("_behind", "_hub", "_link", "_reading", "_relay")

    def __init__(self, hub: Hub, relay: Relay, link: Sink) -> None:
        self._hub = hub
        self._relay = relay
        self._link = link
        self._behind: set[Cursor] | None = None  # made with the first refusal: most readers never are behind
        self._reading: asyncio.Task[None] | None = None  # while the log is read for a cursor below the ring

    def start(self, cursor: Cursor) -> None:
        """A cursor was joined: gives it what it lacks, in this turn of the loop as far as the ring goes."""
        self._go_on(cursor)

    def drop(self, cursor: Cursor) -> None:
        """Leaves a channel."""
        self._hub.leave(cursor)
        if self._behind is not None:
            self._behind.discard(cursor)

    def stop(self) -> None:
        """The link is gone: ends what still reads. The cursors are the caller's to drop."""
        if self._reading is not None:
            self._reading.cancel()

    def write(self, cursor: Cursor, batch: Batch) -> bool:
        """See hub.Reader."""
        if self._link.write(batch):
            return True
        self._late(cursor)
        return False

    def offer(self, frame: Frame) -> bool:
        """See hub.Reader. Streams and polls carry the log only, so this takes it and says nothing."""
        return True

    def behind(self, cursor: Cursor) -> None:
        """See hub.Reader."""
        self._go_on(cursor)

    def ended(self, cursor: Cursor, reason: str) -> None:
        """See hub.Reader. To be said by the subclass."""
        raise NotImplementedError

    def writable(self) -> None:
        """The link has room again."""
        for cursor in tuple(self._behind or ()):
            self._go_on(cursor)

    @property
    def is_behind(self) -> bool:
        """Whether some cursor has not been given what it should have."""
        return bool(self._behind)

    def _late(self, cursor: Cursor) -> None:
        if self._behind is None:
            self._behind = set()
        self._behind.add(cursor)

    def _go_on(self, cursor: Cursor) -> None:
        progress = self._hub.advance(cursor) if cursor.joined else Progress.LEVEL
        if progress is Progress.LEVEL:
            if self._behind is not None:
                self._behind.discard(cursor)
        elif progress is Progress.BELOW_RING:
            self._late(cursor)
            self._read()

    def _read(self) -> None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read_log())
            self._reading.add_done_callback(self._read_done)

    def _read_done(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            # The database cannot be read: a reset makes the other side ask again, at its own pace.
            for cursor in tuple(self._behind or ()):
                self._lose(cursor)

    async def _read_log(self) -> None:
        """Brings every cursor that is below its ring to it, piece by piece, while the link takes them."""
        try:
            while cursor := next((late for late in self._behind or () if self._is_below_ring(late)), None):
                frames = await self._relay.after(cursor)
                if self._behind is None or cursor not in self._behind or not cursor.joined:
                    continue
                if not frames:
                    if self._is_below_ring(cursor):
                        self._lose(cursor)
                    continue
                if not self._give(cursor, frames):
                    return  # `writable` starts again
                self._go_on(cursor)
        finally:
            # Here and not in a callback, which comes a turn later: whoever is told to go on in between starts anew.
            self._reading = None

    def _give(self, cursor: Cursor, frames: list[Frame]) -> bool:
        """Writes what the log has, batch by batch; False if the link takes no more."""
        while frames:
            batch = Batch(first_of(frames))
            if not self._link.write(batch):
                return False
            cursor.seq = batch.last
            self._hub.caught_up += len(batch.frames)
            del frames[: len(batch.frames)]
        return True

    def _is_below_ring(self, cursor: Cursor) -> bool:
        return cursor.joined and cursor.seq < cursor.channel.head and cursor.channel.after(cursor.seq) is None

    def _lose(self, cursor: Cursor) -> None:
        self._relay.resets["unreadable"] += 1
        self.drop(cursor)
        self.ended(cursor, "reset")
