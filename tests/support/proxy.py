"""A network that fails on command: a TCP proxy in front of a server, for what no browser or socket option can imitate.

It lives in the test's own loop. Faults apply to every connection at once, and every one of them ends with `resume()`.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

_PIECE = 65_536


class FaultProxy:
    """Passes bytes between whoever connects to `url` and the server at `target`, until told to misbehave."""

    def __init__(self, target: str) -> None:
        address = urlsplit(target)
        assert address.hostname and address.port, f"{target} names no host and port"
        self._target = (address.hostname, address.port)
        self._listener: asyncio.Server | None = None
        self._transports: set[asyncio.Transport] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self._delay = 0.0
        self._forbidden: tuple[bytes, ...] = ()
        self._losing: bytes | None = None
        self._changed = asyncio.Condition()
        self.accepted = 0  # connections made so far, refused ones not counted
        self.bytes_down = 0  # from the server to its clients

    @property
    def url(self) -> str:
        assert self._listener is not None, "the proxy was not started"
        host, port = self._listener.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    @property
    def open_connections(self) -> int:
        """How many clients are connected through it now."""
        return len(self._tasks)

    async def start(self) -> "FaultProxy":
        """Listens on a free port of 127.0.0.1."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def close(self) -> None:
        """Cuts everything and stops listening."""
        self.cut()
        if self._listener is not None:
            self._listener.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Resets every connection there is, at both ends. New ones are welcome."""
        for transport in list(self._transports):
            _reset(transport)

    def refuse(self) -> None:
        """Resets every connection and any new one at once: the server cannot be reached."""
        self._refusing = True
        self.cut()

    def blackhole(self) -> None:
        """Silence: connections stay open, or are still accepted, and nothing passes either way.

        What was sent meanwhile arrives after `resume()`, as after a tunnel: TCP would have sent it again.
        """
        self._flowing.clear()

    def forbid(self, *words: bytes) -> None:
        """Resets every connection on which a client sends one of these (in lower case), from now on.

        `b"upgrade: websocket"` is a proxy that lets no WebSocket through.
        """
        self._forbidden = words

    def lose_answer_to(self, words: bytes) -> None:
        """Lets the next request with `words` in it through, and resets its connection when the server answers."""
        self._losing = words

    def delay(self, seconds: float) -> None:
        """Holds every piece, in each direction, for so long before passing it on."""
        self._delay = seconds

    def resume(self) -> None:
        """Ends every fault. Connections that were reset stay so."""
        self._refusing = False
        self._delay = 0.0
        self._forbidden = ()
        self._losing = None
        self._flowing.set()

    async def wait_for_connections(self, total: int, *, seconds: float = 15) -> None:
        """Until so many connections have been made since the start. Raises TimeoutError."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: self.accepted >= total)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _reset(writer.transport)
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._transports.add(writer.transport)
        self.accepted += 1
        async with self._changed:
            self._changed.notify_all()
        # Only close() cancels, and it waits for this task; asyncio would log a cancelled connection as an error.
        # OSError: the server is not there, or one end broke; the other end learns it by the reset below.
        try:
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await self._join(reader, writer)
                writer.close()
                await writer.wait_closed()
        finally:
            _reset(writer.transport)
            self._transports.discard(writer.transport)
            self._tasks.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        server_reader, server_writer = await asyncio.open_connection(*self._target)
        self._transports.add(server_writer.transport)
        try:
            async with asyncio.TaskGroup() as pumps:
                lost = asyncio.Event()
                pumps.create_task(self._pump(reader, server_writer, lost, down=False))
                pumps.create_task(self._pump(server_reader, writer, lost, down=True))
            server_writer.close()
            await server_writer.wait_closed()
        except* OSError as broken:
            raise broken.exceptions[0] from None
        finally:
            _reset(server_writer.transport)
            self._transports.discard(server_writer.transport)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Event, *, down: bool
    ) -> None:
        while True:
            await self._flowing.wait()
            piece = await reader.read(_PIECE)
            if self._delay:
                await asyncio.sleep(self._delay)
            await self._flowing.wait()  # silence may have begun while this was read
            if not piece:
                if writer.can_write_eof() and not writer.transport.is_closing():
                    writer.write_eof()
                return
            if down and lost.is_set():
                raise ConnectionResetError
            if down:
                self.bytes_down += len(piece)
            elif any(words in piece.lower() for words in self._forbidden):
                raise ConnectionResetError
            elif self._losing is not None and self._losing in piece:
                self._losing = None
                lost.set()
            writer.write(piece)
            await writer.drain()


def _reset(transport: asyncio.Transport) -> None:
    """Closes with RST where anything is left to close: the peer gets an error, not an orderly end."""
    connection = transport.get_extra_info("socket")
    if connection is not None and not transport.is_closing():
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


@contextlib.asynccontextmanager
async def fault_proxy(target: str) -> AsyncIterator[FaultProxy]:
    """A FaultProxy in front of `target` (a URL), closed at the end."""
    proxy = await FaultProxy(target).start()
    try:
        yield proxy
    finally:
        await proxy.close()
