"""Posters: 32 keep-alive HTTP connections that publish, at a rate or as fast as they are answered.

A post's time runs from just before its bytes are given to the kernel to the read of its whole answer. At a rate the
schedule is fixed beforehand; a post that finds every connection busy waits for the next that is free, and how late the
posts began is kept too, so that a server which slows its publishers down does not look fast.
"""

import socket
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.bench.delays import Delays
from tests.bench.loop import READ, Loop, clock

CONNECTIONS = 32
_LENGTH = b"content-length:"


class Exchange(Protocol):
    """What is asked on a connection."""

    def request(self, number: int, connection: int) -> bytes:
        """The bytes of the request with this number."""

    def answered(self, number: int, connection: int, answer: bytes) -> int | None:
        """The number of the event that the answer acknowledges, if it does. Raises ValueError for a refusal."""


@dataclass
class Posted:
    """What became of the requests of one run."""

    latency: Delays = field(default_factory=Delays)
    lateness: Delays = field(default_factory=Delays)  # of the beginning, behind the schedule
    began: dict[int, float] = field(default_factory=dict)  # by event: when its POST began
    answered: int = 0
    answer_bytes: int = 0
    first: float = 0.0  # when the first began
    seconds: float = 0.0  # from the first beginning to the last answer
    unanswered: int = 0
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return self.answered / self.seconds if self.seconds else 0.0


class Posters:
    """The connections of one run; `run` may be called again and again."""

    def __init__(self, loop: Loop, port: int, connections: int = CONNECTIONS) -> None:
        self._loop = loop
        self._idle: deque[_Poster] = deque()
        self.all = [_Poster(loop, port, index, self._free) for index in range(connections)]
        self._exchange: Exchange | None = None
        self._now = Posted()
        self._number = 0  # of the next request, over all runs
        self._moments: list[float] = []  # the schedule
        self._next = 0  # the first of it that was not reached yet
        self._due: deque[float] = deque()  # reached, and waiting for a free connection
        self._closed_until: float | None = None
        self._left = 0
        self._first = self._last = 0.0  # the first request's beginning, the last answer's end
        if not loop.run(10, lambda: len(self._idle) == connections):
            raise RuntimeError("the server does not accept connections")

    def at_rate(self, exchange: Exchange, rate: float, seconds: float, *, grace: float = 10) -> Posted:
        """Asks `rate` times a second for so many seconds; then waits for answers, for `grace` seconds at most."""
        self.schedule(exchange, rate, seconds)
        self._loop.run(seconds + 0.2, lambda: self.done)
        return self.finish(grace=grace)

    def schedule(self, exchange: Exchange, rate: float, seconds: float) -> None:
        """Begins to ask `rate` times a second for so many seconds, while others run the loop. Then call `finish`."""
        self._start(exchange, None, 0)
        began = clock() + 0.05
        self._moments = [began + index / rate for index in range(int(rate * seconds))]
        self._next = 0
        self._loop.at(began, self._tick)

    @property
    def done(self) -> bool:
        """Whether every scheduled request was asked."""
        return self._next == len(self._moments) and not self._due

    def _tick(self) -> None:
        now = clock()
        while self._next < len(self._moments) and self._moments[self._next] <= now:
            self._due.append(self._moments[self._next])
            self._next += 1
        self._pump()
        if self._next < len(self._moments):
            self._loop.at(self._moments[self._next], self._tick)

    def finish(self, *, grace: float = 10) -> Posted:
        """Asks nothing more and waits for the answers that are due, for `grace` seconds at most."""
        self._now.unanswered = len(self._due) + len(self._moments) - self._next  # never asked: the time is over
        self._due.clear()
        self._next = len(self._moments)
        self._closed_until, self._left = None, 0
        self._loop.run(grace, lambda: len(self._idle) == len(self.all) or bool(self._now.failures))
        done = self._now
        done.unanswered += len(self.all) - len(self._idle)
        done.first = self._first
        done.seconds = max(0.0, self._last - self._first)
        return done

    def closed_loop(self, exchange: Exchange, seconds: float, *, most: int = 1 << 60, grace: float = 10) -> Posted:
        """Every connection asks again as soon as it is answered, for so many seconds or `most` requests."""
        self._start(exchange, clock() + seconds, most)
        self._pump()
        self._loop.run(seconds + grace, lambda: len(self._idle) == len(self.all) or bool(self._now.failures))
        return self.finish(grace=grace)

    def close(self) -> None:
        """Ends the connections."""
        for poster in self.all:
            self._loop.forget(poster.sock)

    def _start(self, exchange: Exchange, until: float | None, most: int) -> None:
        self._exchange, self._now = exchange, Posted()
        self._closed_until, self._left = until, most
        self._first = self._last = 0.0

    def _pump(self) -> None:
        exchange = self._exchange
        assert exchange is not None
        while self._idle and not self._now.failures:
            if self._due:
                scheduled = self._due.popleft()
            elif self._closed_until is not None and self._left > 0 and clock() < self._closed_until:
                scheduled = 0.0
                self._left -= 1
            else:
                return
            poster = self._idle.popleft()
            number, self._number = self._number, self._number + 1
            request = exchange.request(number, poster.index)
            now = clock()
            if scheduled:
                self._now.lateness.add(now - scheduled)
            self._first = self._first or now
            poster.ask(number, request, now)

    def _free(self, poster: "_Poster", answer: bytes | None) -> None:
        if answer is not None:
            done, exchange = self._now, self._exchange
            assert exchange is not None
            now = self._last = clock()
            try:
                event = exchange.answered(poster.number, poster.index, answer)
            except ValueError as error:
                done.failures.append(str(error))
                event = None
            done.answered += 1
            done.answer_bytes += len(answer)
            done.latency.add(now - poster.began)
            if event is not None:
                done.began[event] = poster.began
        self._idle.append(poster)
        if self._due or self._closed_until is not None:
            self._pump()


class _Poster:
    """One keep-alive connection with one request at a time."""

    __slots__ = ("_answer", "_connected", "_free", "_loop", "_port", "_request", "began", "index", "number", "sock")

    def __init__(self, loop: Loop, port: int, index: int, free: Callable[["_Poster", bytes | None], None]) -> None:
        self._loop = loop
        self._port = port
        self.index = index
        self._free = free
        self.number = -1
        self.began = 0.0
        self._answer = b""
        self._request = b""  # what is on its way, to be sent again if the idle connection turns out to be closed
        self._connected = False
        self.sock = loop.connect(self, port)

    def ask(self, number: int, request: bytes, now: float) -> None:
        """Sends a request."""
        self.number, self.began, self._answer, self._request = number, now, b"", request
        try:
            self._send(request)
        except OSError:
            self._reconnect()

    def _send(self, request: bytes) -> None:
        if self.sock.send(request) != len(request):
            raise RuntimeError("a request did not fit into the socket")

    def _reconnect(self) -> None:
        self._loop.forget(self.sock)
        self._connected = False
        self.sock = self._loop.connect(self, self._port)

    def ready(self, mask: int) -> None:
        """See loop.Connection."""
        if not self._connected:
            if self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise RuntimeError("the server does not accept connections")
            self._connected = True
            self._loop.wants(self.sock, READ)
            if self._request:
                self._send(self._request)
            else:
                self._free(self, None)
            return
        try:
            chunk = self.sock.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._reconnect()  # an idle keep-alive connection may be closed at any time; what was asked is asked again
            return
        answer = self._answer = self._answer + chunk if self._answer else chunk
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = answer[:end].lower()
        place = head.find(_LENGTH)
        length = int(head[place + len(_LENGTH) :].split(b"\r\n", 1)[0]) if place >= 0 else 0
        if len(answer) >= end + 4 + length:
            self._answer = self._request = b""
            self._free(self, answer)


def http(method: str, path: str, body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status_of(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer[9:12])
