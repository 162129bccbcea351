"""What was written to an HTTP connection and not taken yet, as something that the wheel waits for.

It stands beside what is expected to come in on the same connection, so that neither cancels the other. A slow reader
is let go on as long as it takes a little all the time; one that takes nothing is aborted, because a polite close would
wait for the buffer that nobody empties (uvicorn does, for 15 minutes).
"""

import asyncio

from server.transport.wheel import STALL_TIMEOUT, Wheel

SLOWEST = 1024  # bytes a second; a page of 256 KiB is a matter of minutes then, which nobody waits for


class Outbox:
    """Exists while the kernel does not take what was written to the connection, closing or not."""

    __slots__ = ("_left", "_transport", "_wheel")

    def __init__(self, transport: asyncio.Transport, wheel: Wheel) -> None:
        self._transport = transport
        self._wheel = wheel
        self._left = transport.get_write_buffer_size()  # when it was looked at last
        wheel.expect(self, STALL_TIMEOUT)

    def taken(self) -> None:
        """All is with the kernel, or the connection is gone."""
        self._wheel.met(self)

    def expire(self) -> str | None:
        """See wheel.Expected."""
        left = self._transport.get_write_buffer_size()
        if self._left - left >= SLOWEST * STALL_TIMEOUT:
            self._left = left
            self._wheel.expect(self, STALL_TIMEOUT)
            return None
        self._transport.abort()
        return "stalled"
