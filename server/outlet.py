"""A reader over an awaitable send: what plain ASGI offers to a WebSocket, an event stream or a long poll.

It takes a batch only while nothing of an earlier one is left to send, so it holds one batch at most, whatever it reads;
what it refused is caught up, from the ring or the log, by the one task that sends. That task is the only one that
writes, so everything leaves in the order in which it was taken.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from server.hub import Batch, Cursor, Hub, Progress
from server.relay import Relay

SEND_TIMEOUT = 10  # seconds a reader may take for what it was sent, then it is sent away
MAX_CONTROL = 256  # control frames that wait; a well-behaved client never has more than its subscriptions


class TooSlow(Exception):
    """The other side did not take what it was sent in SEND_TIMEOUT seconds."""


Line = tuple[Cursor | None, str]
"""A text to send, and the cursor it came through (None: a control frame)."""


class Outlet:
    """One connection. `send` sends one text; `run` is its task; `on_ended` is told of cursors that the hub dropped, and
    of those whose log does not go on ("reset")."""

    def __init__(
        self,
        hub: Hub,
        relay: Relay,
        send: Callable[[Line], Awaitable[None]],
        on_ended: Callable[[Cursor, str], None],
    ) -> None:
        self._hub = hub
        self._relay = relay
        self._send = send
        self._on_ended = on_ended
        self._lines: deque[Line] = deque()
        self._behind: set[Cursor] = set()
        self._wake = asyncio.Event()
        self._sending = False
        self._closing = False

    def write(self, cursor: Cursor, batch: Batch) -> bool:
        """See hub.Reader."""
        if self._lines or self._sending or cursor in self._behind:
            self._behind.add(cursor)
            self._wake.set()
            return False
        self._lines.extend((cursor, frame.text) for frame in batch.frames)
        self._wake.set()
        return True

    def behind(self, cursor: Cursor) -> None:
        """See hub.Reader."""
        self._behind.add(cursor)
        self._wake.set()

    def ended(self, cursor: Cursor, reason: str) -> None:
        """See hub.Reader."""
        self._behind.discard(cursor)
        self._on_ended(cursor, reason)

    def control(self, text: str) -> bool:
        """A frame of its own, after what was taken before it; False if too many wait."""
        if len(self._lines) > MAX_CONTROL:
            return False
        self._lines.append((None, text))
        self._wake.set()
        return True

    def drop(self, cursor: Cursor) -> None:
        """Leaves a channel; what was taken from it and not sent yet is not sent."""
        self._hub.leave(cursor)
        self._behind.discard(cursor)
        self._lines = deque(line for line in self._lines if line[0] is not cursor)

    def finish(self) -> None:
        """`run` returns once everything taken is sent."""
        self._closing = True
        self._wake.set()

    async def run(self) -> None:
        """Sends until `finish`, or for ever. Raises TooSlow, and what `send` raises."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._sending = True
            try:
                while self._lines or self._behind:
                    while self._lines:
                        line = self._lines.popleft()
                        try:
                            await asyncio.wait_for(self._send(line), SEND_TIMEOUT)
                        except TimeoutError:
                            raise TooSlow from None
                    if self._behind:
                        await self._catch_up(self._behind.pop())
            finally:
                self._sending = False
            if self._closing:
                return

    async def _catch_up(self, cursor: Cursor) -> None:
        """Takes what the cursor lacks: from the ring, in this turn of the loop, or one piece from the log."""
        self._sending = False
        progress = self._hub.advance(cursor)
        self._sending = True
        if progress is not Progress.BELOW_RING:
            return  # level, or the rest waits in `_behind` until this piece is sent
        frames = await self._relay.after(cursor)
        if cursor not in cursor.channel.cursors:
            return
        if not frames:
            self._hub.leave(cursor)
            self._on_ended(cursor, "reset")
            return
        fresh = [frame for frame in frames if frame.seq > cursor.seq]
        self._lines.extend((cursor, frame.text) for frame in fresh)
        if fresh:
            cursor.seq = fresh[-1].seq
        self._behind.add(cursor)
