"""Readers: WebSocket connections that subscribe, then check and count all they are given.

A reader is a small state machine on the loop: connect, upgrade, subscribe, live. It answers pings, never asks for
anything else, and can stop reading, go on, or drop its connection and come back from where it was.
"""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from tests.bench import tape as tapes
from tests.bench.loop import ENDED, GONE, READ, Loop, clock
from tests.bench.tape import Fault, Place, Tape

CHUNK = 256 * 1024
_PONG = b"\x8a\x80\0\0\0\0"


class Live(Protocol):
    """How readers of one server join it."""

    @property
    def port(self) -> int: ...

    def upgrade(self, channel: int, *, deflate: bool) -> bytes:
        """The handshake's request."""

    def subscribe(self, channel: int, epoch: str, since: int | None) -> bytes | None:
        """The message that subscribes, if a connection alone is not the subscription."""


class Reader:
    """One connection. `on_change` is called when it has become live and when it is gone."""

    __slots__ = (
        "_buffer", "_loop", "_server", "_state", "channel", "closed_at", "deflated", "epoch", "fault", "live_at", "on_change",
        "others", "place", "receive_buffer", "seq", "since", "sock", "stopped", "tape",
    )  # fmt: skip

    def __init__(
        self, loop: Loop, server: Live, channel: int, tape: Tape, on_change: Callable[["Reader"], None]
    ) -> None:
        self._loop = loop
        self._server = server
        self.channel = channel
        self.tape = tape
        self.on_change = on_change
        self.receive_buffer = 0
        self.sock: socket.socket | None = None
        self._state = "new"  # new, connecting, upgrading, subscribing, live, gone
        self._buffer = b""  # what came before it was live
        self.place: Place | None = None  # once it is live; stays when it is gone, to come back from there
        self.epoch = ""
        self.seq = 0  # the head that `subscribed` told
        self.since: int | None = None  # what it asked to resume from
        self.deflated = False
        self.stopped = False
        self.live_at = 0.0
        self.closed_at = 0.0
        self.others = 0  # control frames
        self.fault: str | None = None

    @property
    def live(self) -> bool:
        """Whether it is subscribed."""
        return self._state == "live"

    @property
    def caught_up(self) -> bool:
        """Whether it is subscribed and has everything there was when it was."""
        return self._state == "live" and self.place is not None and self.tape.base + self.place.events >= self.seq

    def open(self, *, deflate: bool = False) -> None:
        """Connects; from where it was if it was live before."""
        self.deflated = deflate
        self.since = None if self.place is None else self.tape.base + self.place.events
        self._state, self._buffer, self.closed_at = "connecting", b"", 0.0
        self.sock = self._loop.connect(self, self._server.port, receive_buffer=self.receive_buffer)

    def drop(self) -> None:
        """Ends the connection without a word."""
        if self.sock is not None:
            self._loop.forget(self.sock)
            self.sock = None
        self._state = "gone"

    def stop_reading(self) -> None:
        """Leaves in the socket whatever comes from now on."""
        if self.sock is not None:
            self.stopped = True
            self._loop.wants(self.sock, ENDED)

    def go_on_reading(self) -> None:
        """Takes up reading again."""
        self.stopped = False
        if self.sock is not None:
            self._loop.wants(self.sock, READ)

    def ready(self, mask: int) -> None:
        """See loop.Connection."""
        if self._state == "live":
            if self.stopped:
                if mask & GONE:
                    self._gone(None)
                return
            try:
                chunk = self.sock.recv(CHUNK)  # type: ignore[union-attr]
                if chunk:
                    self.place.take(chunk, clock())  # type: ignore[union-attr]
                    return
            except BlockingIOError:
                return
            except (Fault, ValueError) as error:
                self._gone(str(error))
                return
            except OSError:
                pass
            self._gone(None)
        else:
            try:
                self._join()
            except BlockingIOError:
                return
            except (OSError, Fault, ValueError) as error:
                self._gone(f"{self._state}: {error}")

    def _join(self) -> None:
        sock = self.sock
        assert sock is not None
        if self._state == "connecting":
            if error := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "connect")
            sock.send(self._server.upgrade(self.channel, deflate=self.deflated))
            self._state = "upgrading"
            self._loop.wants(sock, READ)
            return
        chunk = sock.recv(CHUNK)
        if not chunk:
            raise OSError(f"closed by the server; before that: {self._buffer[:200]!r}")
        self._buffer += chunk
        if self._state == "upgrading":
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
            if not head.startswith(b"HTTP/1.1 101"):
                raise OSError(f"refused: {head[:120]!r}")
            self.deflated = b"permessage-deflate" in head
            message = self._server.subscribe(self.channel, self.epoch, self.since)
            if message is None:
                self._begin(self.tape.base + self.tape.head if self.since is None else self.since)
                return
            sock.send(message)
            self._state = "subscribing"
        if self._state == "subscribing":
            for frame in tapes.frames(self._buffer):
                text = tapes.text_of(frame) if frame.opcode == 1 else b""
                if text.startswith(b'{"type":"subscribed"'):
                    self.seq = int(_between(text, b'"seq":', b","))
                    self.epoch = _between(text, b'"epoch":"', b'"').decode()
                    self._buffer = self._buffer[frame.end :]
                    if not self.tape.head and self.since is None:
                        self.tape.base = self.seq
                    self._begin(self.seq if self.since is None else self.since)
                    return
                if text and not text.startswith((b'{"type":"presence"', b'{"type":"head"')):
                    raise Fault(f"not subscribed: {text[:200]!r}")

    def _begin(self, since: int) -> None:
        self._state = "live"
        self.live_at = clock()
        self.place = Place(self.tape, self.tape.place(since), self._other)
        rest, self._buffer = self._buffer, b""
        if rest:
            self.place.take(rest, self.live_at)
        self.on_change(self)

    def _other(self, opcode: int, payload: bytes) -> None:
        self.others += 1
        if opcode == 9 and self.sock is not None:
            pong = _PONG if not payload else bytes((0x8A, 0x80 | len(payload))) + b"\0\0\0\0" + payload
            self.sock.send(pong)
        elif opcode == 1 and payload.startswith((b'{"type":"reset"', b'{"type":"error"')):
            raise Fault(f"in between: {payload[:200]!r}")

    def _gone(self, fault: str | None) -> None:
        self.fault = fault
        self.closed_at = clock()
        self.drop()
        self.on_change(self)


@dataclass
class Crowd:
    """Many readers, opened a few at a time, and what became of them."""

    loop: Loop
    server: Live
    readers: list[Reader] = field(default_factory=list)
    live: int = 0
    faults: list[str] = field(default_factory=list)
    lost: int = 0  # closed by the server without being asked to
    _waiting: list[Reader] = field(default_factory=list)
    _deflate: bool = False

    def open(
        self, channels: Iterable[tuple[int, Tape]], *, at_once: int = 64, deflate: bool = False, seconds: float = 60
    ) -> float:
        """A live reader for each of `channels`; the seconds it took. Raises RuntimeError if not all came."""
        fresh = [Reader(self.loop, self.server, channel, tape, self.changed) for channel, tape in channels]
        self.readers += fresh
        return self.join(fresh, at_once=at_once, deflate=deflate, seconds=seconds)

    def join(
        self,
        readers: list[Reader],
        *,
        at_once: int,
        deflate: bool = False,
        seconds: float = 60,
        caught_up: bool = False,
    ) -> float:
        """Opens these, at most `at_once` being opened at any time; the seconds until all are live (or caught up)."""
        began = clock()
        wanted = self.live + len(readers)
        self._waiting, self._deflate = list(reversed(readers)), deflate
        for _ in range(min(at_once, len(readers))):
            self._waiting.pop().open(deflate=deflate)
        if not self.loop.run(seconds, lambda: bool(self.faults) or self.live >= wanted) or self.faults:
            raise RuntimeError(f"{self.live} of {wanted} readers are live; {self.faults[:1] or 'time is up'}")
        if caught_up and not self.loop.run(seconds, lambda: all(reader.caught_up for reader in readers)):
            raise RuntimeError(f"{sum(not reader.caught_up for reader in readers)} readers were not caught up in time")
        return clock() - began

    def drop(self) -> None:
        """Ends every connection without a word."""
        for reader in self.readers:
            reader.drop()
        self.live = 0

    @property
    def deliveries(self) -> int:
        """Events read, at all readers, so far."""
        return sum(tape.deliveries for tape in {id(reader.tape): reader.tape for reader in self.readers}.values())

    def changed(self, reader: Reader) -> None:
        """A reader has become live, or is gone."""
        if reader.live:
            self.live += 1
            if self._waiting:
                self._waiting.pop().open(deflate=self._deflate)
            return
        if reader.place is not None and reader.fault is None:
            self.live -= 1
            self.lost += 1
        else:
            self.faults.append(reader.fault or "closed")


def _between(text: bytes, before: bytes, after: bytes) -> bytes:
    start = text.index(before) + len(before)
    end = text.find(after, start)
    return text[start : end if end >= 0 else text.rindex(b"}")]
