"""One timer for everything that a connection waits for: pings, pongs, heads, and receiving in time.

A timer of its own costs every idle connection memory and the loop a heap entry; here a second's tick looks only at the
connections whose turn it is, and at those few that are late with something.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

PING_INTERVAL = 25  # seconds; carrier NATs drop idle flows at 30
PONG_TIMEOUT = 10  # seconds to answer a ping, then the link is dead
# Seconds a reader may leave what it was sent untaken; its resume works like any other. Who stops reading in a busy
# discussion is to be gone within 10 in all: about 2 pass until the kernel's buffers are full, and a tick is 1.
STALL_TIMEOUT = 6


class Expected(Protocol):
    """What has a deadline."""

    def expire(self) -> str | None:
        """What was expected did not come, was not answered or not taken in time: abort. Which of these, in a word
        (metrics.ABORTS); None if it is to go on, and more time was asked for (`expect`)."""


class Turned(Expected, Protocol):
    """A connection on the wheel."""

    def turn(self) -> None:
        """Its turn: say that we live, ask whether the other side does."""

    @property
    def answered(self) -> bool:
        """Whether anything came since its last turn."""


class Wheel:
    """The wheel of one server. Starts with the first connection, stops with `close`.

    `aborted` is told why each connection was cut. `second` is how long a second lasts on it; shorter where nobody wants
    to wait for what takes half a minute.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, aborted: Callable[[str], None], second: float = 1.0) -> None:
        self.aborted = aborted
        self.now = loop.time  # monotonic seconds, as of this turn of the loop
        self._loop = loop
        self._second = second
        self._slots: list[set[Turned]] = [set() for _ in range(PING_INTERVAL)]
        self._deadlines: dict[Expected, float] = {}
        self._next = 0
        self._added = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Turned) -> int:
        """Gives a connection its turns; the slot, for `remove`. Slots fill evenly, so no tick is long."""
        self._added = (self._added + 1) % PING_INTERVAL
        self._slots[self._added].add(connection)
        self._run()
        return self._added

    def remove(self, connection: Turned, slot: int) -> None:
        """Takes a connection off."""
        self._slots[slot].discard(connection)
        self._deadlines.pop(connection, None)

    def expect(self, connection: Expected, seconds: float) -> None:
        """`connection.expire` is called unless `met` is within so many seconds (about; ticks are a second apart)."""
        self._deadlines[connection] = self._loop.time() + seconds * self._second
        self._run()

    def met(self, connection: Expected) -> None:
        """What was expected has come."""
        self._deadlines.pop(connection, None)

    def close(self) -> None:
        """Stops ticking."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _run(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._second, self._tick)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._second, self._tick)
        now = self._loop.time()
        late: list[Expected] = [connection for connection, deadline in self._deadlines.items() if deadline <= now]
        silent: list[Expected] = [
            connection
            for connection in self._slots[(self._next - PONG_TIMEOUT) % PING_INTERVAL]
            if not connection.answered
        ]
        for connection in dict.fromkeys(late + silent):
            self._deadlines.pop(connection, None)
            cause = connection.expire()
            if cause is not None:
                self.aborted(cause)
        for connection in tuple(self._slots[self._next]):
            connection.turn()
        self._next = (self._next + 1) % PING_INTERVAL
