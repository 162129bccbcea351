"""The hub: who reads which channel on this process, and what they have not been given yet.

Every channel that somebody reads keeps a ring of its recent frames; every reader is a cursor into it. `deliver` adds a
frame to the ring and asks for a flush; a flush writes all that has gathered since the last one, joined, to every cursor
that stands right before it. So batches grow by back-pressure, not by a timer, and an event that arrives alone is sent
alone, at once (DESIGN laws 6 to 9).

A cursor is level or it is catching up. What a cursor has not been given is in the ring or, further back, in the log;
no reader has a queue here, and a slow one costs nobody anything. There is no await in this module and no I/O: what must
be read from the log is the relay's, what is written is the reader's.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from itertools import islice
from typing import Protocol

from server.frames import Batch, Frame, first_of

RING_FRAMES = 1024
RING_BYTES = 1 << 20
WRITES_PER_TURN = 250  # then the loop gets a turn: posting, pings and handshakes go on
IDLE_CHANNELS = 1000  # channels nobody reads any more that keep their ring for a reconnect
IDLE_BYTES = 64 << 20  # of all their rings, before another is filled from the log


class Reader(Protocol):
    """Whoever holds cursors: a WebSocket, an event stream, a long poll."""

    def write(self, cursor: "Cursor", batch: Batch) -> bool:
        """Takes the whole batch now, or refuses it because it still has to send what it took before.

        Never blocks or raises. One that refused asks for the cursor to be advanced once it can take more.
        """

    def offer(self, frame: Frame) -> bool:
        """Takes a frame that is in no log now, or refuses it because earlier ones wait: it is offered again later."""

    def behind(self, cursor: "Cursor") -> None:
        """The ring has moved past the cursor: what it was not given must be read from the log."""

    def ended(self, cursor: "Cursor", reason: str) -> None:
        """The hub has dropped the cursor: its history ended (`reset`) or its right did."""


class Cursor:
    """One reader's place in one channel: it was given everything up to `seq`."""

    __slots__ = ("channel", "joined", "reader", "seq")

    def __init__(self, reader: Reader, channel: "Channel", seq: int) -> None:
        self.reader = reader
        self.channel = channel
        self.seq = seq
        self.joined = True  # until it leaves or is dropped; a flush under way may still hold it then


class Channel:
    """A channel's history as far as this process needs it: `head` is the last event it knows of."""

    __slots__ = (
        "cursors",
        "epoch",
        "flight",
        "flushed",
        "flushing",
        "head",
        "head_at",
        "name",
        "opened",
        "recalled",
        "ring",
        "ring_bytes",
    )

    def __init__(self, name: str) -> None:
        self.name = name
        self.epoch = ""
        self.head = 0
        self.head_at: int | None = None
        self.opened = False  # whether `head` is known yet; frames that come before are kept in the ring
        self.flushed = 0  # the last event that a flush has offered
        self.flushing = False
        self.flight: Batch | None = None  # what is being written to everyone, in slices
        self.ring: deque[Frame] = deque()
        self.ring_bytes = 0
        self.recalled = False  # whether the ring has what the log has before it, as far as that fits
        self.cursors: set[Cursor] = set()

    def after(self, seq: int) -> list[Frame] | None:
        """The frames after `seq`, at most BATCH_BYTES of them (but one); None if the ring does not reach back there."""
        if not self.ring or self.ring[0].seq > seq + 1:
            return None
        return first_of(islice(self.ring, seq + 1 - self.ring[0].seq, None))

    def time_of(self, seq: int) -> int | None:
        """When event `seq` happened, if the ring knows."""
        if seq == self.head and self.head_at is not None:
            return self.head_at
        index = seq - self.ring[0].seq if self.ring else -1
        return self.ring[index].at if 0 <= index < len(self.ring) else None

    def add(self, frame: Frame) -> None:
        """Adds the next frame to the ring and drops the oldest that no longer fit."""
        if self.ring and frame.seq != self.ring[-1].seq + 1:
            self.clear()
        self.ring.append(frame)
        self.ring_bytes += len(frame.text)
        self.head, self.head_at = frame.seq, frame.at
        while len(self.ring) > RING_FRAMES or (self.ring_bytes > RING_BYTES and len(self.ring) > 1):
            self.ring_bytes -= len(self.ring.popleft().text)

    def extend(self, frames: Sequence[Frame]) -> None:
        """Puts the frames that the log has before the ring there, the newest first, as far as they join on to it and
        fit."""
        self.recalled = True
        first = self.ring[0].seq if self.ring else self.head + 1
        for frame in reversed(frames):
            if frame.seq == first - 1:
                if len(self.ring) >= RING_FRAMES or self.ring_bytes + len(frame.text) > RING_BYTES:
                    return
                self.ring.appendleft(frame)
                self.ring_bytes += len(frame.text)
                first = frame.seq

    def replace(self, seq: int, text: str) -> None:
        """Gives an earlier frame its new content: in the ring, and in what is being written to everyone."""
        index = seq - self.ring[0].seq if self.ring else -1
        if 0 <= index < len(self.ring):
            frame = self.ring[index]
            self.ring_bytes += len(text) - len(frame.text)
            frame.rewrite(text)
        if self.flight is not None and self.flight.first <= seq <= self.flight.last:
            self.flight.frames[seq - self.flight.first].rewrite(text)  # the ring may have let go of it
            self.flight = Batch(self.flight.frames)  # its joined bytes have the old content

    def clear(self) -> None:
        """Forgets the ring; who needs it reads the log."""
        self.ring.clear()
        self.ring_bytes = 0
        self.recalled = False


class Progress(Enum):
    """Where `advance` left a cursor."""

    LEVEL = "level"
    REFUSED = "refused"
    BELOW_RING = "below ring"


class Hub:
    """The channels of this process. `soon` runs a function in the loop's next turn (`loop.call_soon`).

    `written` is told, once for each slice of a flush, how many level readers have just been written a batch.
    """

    def __init__(
        self, soon: Callable[[Callable[[], None]], object], written: Callable[[Batch, int], None] | None = None
    ) -> None:
        self._soon = soon
        self._written = written
        self.caught_up = 0  # events written to readers that were behind
        self.channels: dict[str, Channel] = {}
        self._moved: set[str] = set()  # channels that were joined or left since that was asked

    def channel(self, name: str) -> Channel:
        """The channel of this name, made (unopened) if nobody read it yet.

        From then on what is delivered is kept, so opening it with a head that is read afterwards loses nothing.
        """
        found = self.channels.get(name)
        if found is None:
            self._evict()
            found = self.channels[name] = Channel(name)
        return found

    def open(self, channel: Channel, epoch: str, seq: int, at: int | None) -> None:
        """Says where the log of a new channel stands. Frames delivered since then may already be further."""
        if channel.opened:
            return
        channel.opened = True
        if channel.head <= seq or channel.epoch != epoch:
            channel.clear()
            channel.head, channel.head_at = seq, at
        channel.epoch = epoch
        channel.flushed = channel.head

    def join(self, reader: Reader, channel: Channel, seq: int) -> Cursor:
        """A new cursor at `seq`. Whoever calls advances it, without an await in between, or misses nothing anyway: the
        next flush skips a cursor that is not right before it."""
        cursor = Cursor(reader, channel, seq)
        channel.cursors.add(cursor)
        self._moved.add(channel.name)
        return cursor

    def leave(self, cursor: Cursor) -> None:
        """Forgets a cursor; once is enough."""
        cursor.joined = False
        cursor.channel.cursors.discard(cursor)
        self._moved.add(cursor.channel.name)

    def deliver(self, name: str, epoch: str, seq: int, at: int, text: str, moment: float | None = None) -> bool:
        """One event of a channel. False if events before it are missing here (or the history changed): read the log.

        An event that is already known is dropped; one of a channel that nobody reads is none of our business.
        """
        channel = self.channels.get(name)
        if channel is None:
            return True
        if not channel.opened:
            if epoch != channel.epoch:
                channel.clear()
                channel.epoch, channel.head = epoch, 0
            if seq > channel.head:
                channel.add(Frame(seq, at, text, moment))
            return True
        if epoch != channel.epoch:
            return False
        if seq <= channel.head:
            return True
        if seq != channel.head + 1:
            return False
        channel.add(Frame(seq, at, text, moment))
        if not channel.flushing:
            channel.flushing = True
            self._soon(lambda: self._flush(channel))
        return True

    def recall(self, channel: Channel, frames: Sequence[Frame]) -> None:
        """Fills a ring with what the log has before it. Rings that nobody reads make room."""
        others = (other for other in self.channels.values() if other is not channel)
        idle = [other for other in others if other.opened and not other.cursors]
        size = sum(other.ring_bytes for other in idle)
        for other in idle:
            if size <= IDLE_BYTES:
                break
            size -= other.ring_bytes
            other.clear()
        channel.extend(frames)

    def rewrite(self, name: str, seq: int, text: str) -> None:
        """An earlier frame has new content; who catches up from now on is given that."""
        channel = self.channels.get(name)
        if channel is not None:
            channel.replace(seq, text)

    def advance(self, cursor: Cursor) -> Progress:
        """Writes what the ring has after a cursor, until it is level, refused, or needs the log."""
        channel = cursor.channel
        while cursor.seq < channel.head:
            frames = channel.after(cursor.seq)
            if frames is None:
                return Progress.BELOW_RING
            batch = Batch(frames)
            if not cursor.reader.write(cursor, batch):
                return Progress.REFUSED
            cursor.seq = batch.last
            self.caught_up += len(frames)
        return Progress.LEVEL

    def restart(self, name: str, epoch: str, seq: int) -> None:
        """The history of a channel ended (a backup was restored): every cursor into it is dropped with a reset.

        `epoch` and `seq` are where the new history stands; readers find them in the channel of their cursor.
        """
        channel = self.channels.pop(name, None)
        if channel is not None:
            channel.epoch, channel.head = epoch, seq
            channel.clear()
            for cursor in tuple(channel.cursors):
                self.leave(cursor)
                cursor.reader.ended(cursor, "reset")

    def readers(self, channel: Channel) -> int:
        """How many read a channel on this process."""
        return len(channel.cursors)

    def take_moved(self) -> set[str]:
        """The channels that were joined or left since this was called last."""
        moved, self._moved = self._moved, set()
        return moved

    def behind(self) -> int:
        """How many cursors are not level."""
        return sum(cursor.seq < channel.head for channel in self.channels.values() for cursor in channel.cursors)

    def _flush(self, channel: Channel) -> None:
        """Offers what has gathered to every cursor that stands right before it."""
        frames = channel.after(channel.flushed) if channel.flushed < channel.head else None
        channel.flight = Batch(frames) if frames else None
        if channel.flight is None:
            missed, channel.flushed = channel.flushed, channel.head
            channel.flushing = False
            if missed < channel.head:
                # More came in one turn of the loop than the ring holds.
                for cursor in tuple(channel.cursors):
                    if cursor.seq < channel.head:
                        cursor.reader.behind(cursor)
            return
        self._write(channel, iter(tuple(channel.cursors)))

    def _write(self, channel: Channel, cursors: Iterator[Cursor]) -> None:
        batch = channel.flight
        assert batch is not None
        before, given = batch.first - 1, 0
        for cursor in islice(cursors, WRITES_PER_TURN):
            if not cursor.joined:
                continue  # it left while this flush was under way
            if cursor.seq == before:
                if cursor.reader.write(cursor, batch):
                    cursor.seq = batch.last
                    given += 1
            elif before < cursor.seq < batch.last and self.advance(cursor) is Progress.BELOW_RING:
                cursor.reader.behind(cursor)  # its snapshot was ahead of delivery
        if given and self._written is not None:
            self._written(batch, given)
        if cursors.__length_hint__():  # type: ignore[attr-defined]  # tuple iterators have it
            self._soon(lambda: self._write(channel, cursors))
        else:
            channel.flushed = batch.last
            self._flush(channel)

    def _evict(self) -> None:
        if len(self.channels) >= IDLE_CHANNELS:
            idle = [name for name, channel in self.channels.items() if not channel.cursors and channel.opened]
            for name in idle[: len(idle) // 2]:
                del self.channels[name]
