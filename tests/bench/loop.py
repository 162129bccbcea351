"""The generator's loop: one epoll, plain objects, no task per connection.

It owns the poller and the clock of a measurement; connections register themselves and are called when their socket is
ready. Every run has a deadline, so nothing here can wait for ever.
"""

import contextlib
import gc
import heapq
import select
import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

clock = time.perf_counter
READ = select.EPOLLIN
WRITE = select.EPOLLOUT
ENDED = select.EPOLLRDHUP
GONE = select.EPOLLHUP | select.EPOLLERR | ENDED
SLICE = 256  # ready sockets handled before the schedule of posts is looked at again
_BIND_ADDRESS_NO_PORT = 24  # Linux: the port is chosen at connect, when the four numbers are known
SOURCE_ADDRESSES = 8  # 127.0.0.1 to 127.0.0.8: 28,000 ports each


class Connection(Protocol):
    """Something with a socket."""

    def ready(self, mask: int) -> None:
        """The socket can be read or written, or is gone."""


class Loop:
    """An epoll and what is registered with it."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._connections: dict[int, Connection] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0
        self._sources = 0

    def connect(self, connection: Connection, port: int, *, receive_buffer: int = 0) -> socket.socket:
        """A socket that is connecting to 127.0.0.1:port; `ready` with WRITE says that it is connected, or failed."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        self._sources = (self._sources + 1) % SOURCE_ADDRESSES
        sock.bind((f"127.0.0.{self._sources + 1}", 0))
        with contextlib.suppress(BlockingIOError):
            sock.connect(("127.0.0.1", port))
        self._connections[sock.fileno()] = connection
        self._sockets[sock.fileno()] = sock
        self._poll.register(sock.fileno(), WRITE)
        return sock

    def wants(self, sock: socket.socket, mask: int) -> None:
        """Which of READ and WRITE a socket is called for from now on; always for its end by a reset."""
        self._poll.modify(sock.fileno(), mask)

    def forget(self, sock: socket.socket) -> None:
        """Closes a socket with a reset: a test leaves no ports in TIME_WAIT behind."""
        if sock.fileno() >= 0:
            self._connections.pop(sock.fileno(), None)
            self._sockets.pop(sock.fileno(), None)
            with contextlib.suppress(OSError):
                self._poll.unregister(sock.fileno())
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()

    def at(self, moment: float, action: Callable[[], None]) -> None:
        """Calls `action` at a moment of `clock`, or as soon after it as the loop comes to it."""
        self._count += 1
        heapq.heappush(self._due, (moment, self._count, action))

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> bool:
        """Runs until `until()` holds (True), or for so many seconds (False)."""
        deadline = clock() + seconds
        poll, connections, due = self._poll.poll, self._connections, self._due
        while True:
            now = clock()
            while due and due[0][0] <= now:
                heapq.heappop(due)[2]()
            if until is not None and until():
                return True
            now = clock()
            if now >= deadline:
                return False
            wait = min(deadline, due[0][0]) - now if due else deadline - now
            for fd, mask in poll(min(max(wait, 0), 0.05), SLICE):
                connection = connections.get(fd)
                if connection is not None:
                    connection.ready(mask)

    def close(self) -> None:
        """Closes the poller and every socket."""
        for sock in tuple(self._sockets.values()):
            self.forget(sock)
        self._poll.close()


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection while something is measured: with 10,000 readers a full one takes 50 ms."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
