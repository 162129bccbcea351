"""How late the event loop comes to what is due: whatever keeps it busy keeps everyone waiting by that much.

One timer for the process. It measures by being late itself, so it sees what any other callback would have seen.
"""

import asyncio
from collections.abc import Callable

EVERY = 0.1  # seconds; costs nothing, and a loop that is often held up is found out soon


class Lag:
    """Tells `late` the seconds by which each tick came too late, until `close`. Made on the loop it watches."""

    def __init__(self, loop: asyncio.AbstractEventLoop, late: Callable[[float], None]) -> None:
        self._loop = loop
        self._late = late
        self._expect()

    def close(self) -> None:
        """Stops ticking."""
        self._timer.cancel()

    def _expect(self) -> None:
        self._due = self._loop.time() + EVERY
        self._timer = self._loop.call_later(EVERY, self._tick)

    def _tick(self) -> None:
        self._late(max(0.0, self._loop.time() - self._due))
        self._expect()
