"""A tape: the one sequence of bytes that every reader of a channel must get, grown by whoever is first, checked by all.

A server that encodes an event once sends everyone the same bytes. So what a reader received is checked by comparing it,
every byte, with the tape at that reader's place: one memcmp for a chunk of any number of events, which is what lets one
core of Python follow a million deliveries a second and still count each. Only who comes to the end of the tape, or gets
something else in between (a ping, a `head`), is parsed frame by frame. A gap, a double, another order or other content
is a different byte, hence a fault of that reader; an event is counted when its last byte has been read.
"""

import re
import struct
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_KEY = re.compile(rb'"seq":(\d+)')
_CONTROLS = ("subscribed", "unsubscribed", "head", "presence", "counts", "reconnect", "reset", "error", "pong")
_CONTROL_TYPES = tuple(f'{{"type":"{name}"'.encode() for name in _CONTROLS)


@dataclass(frozen=True, slots=True)
class WireFrame:
    """A server's WebSocket frame: where it stands in the bytes it was parsed from, and what it carries."""

    start: int
    end: int
    opcode: int
    compressed: bool
    payload: bytes


def frames(data: bytes) -> Iterator[WireFrame]:
    """The whole unmasked frames at the beginning of `data`. Raises ValueError for a masked or fragmented one."""
    start, size = 0, len(data)
    while size - start >= 2:
        first, length = data[start], data[start + 1]
        body = start + 2
        if length & 0x80 or not first & 0x80:
            raise ValueError("the server sent a masked or fragmented frame")
        if length == 126:
            if size - start < 4:
                return
            length, body = int.from_bytes(data[start + 2 : start + 4], "big"), start + 4
        elif length == 127:
            if size - start < 10:
                return
            length, body = int.from_bytes(data[start + 2 : start + 10], "big"), start + 10
        if size - body < length:
            return
        end = body + length
        yield WireFrame(start, end, first & 0x0F, bool(first & 0x40), data[body:end])
        start = end


def text_of(frame: WireFrame) -> bytes:
    """What a text frame says, inflated if it is compressed (without context takeover, RFC 7692)."""
    if not frame.compressed:
        return frame.payload
    return zlib.decompressobj(-15).decompress(frame.payload + b"\x00\x00\xff\xff")


def masked(text: bytes) -> bytes:
    """A client's text frame. The mask is zero: it costs neither side anything that is measured here."""
    size = len(text)
    head = bytes((0x81, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, size)
    return head + b"\0\0\0\0" + text


class Fault(Exception):
    """What a reader got is not what everyone else got, or not in that order."""


@dataclass(eq=False)
class Tape:
    """The events of one channel from position `base` on, as bytes on the wire.

    `consecutive` says that each event's `seq` must be one more than the last's (Ripost's promise). Where it is False
    (peers number nothing; the publisher does) the order is that of the first reader, and each number comes once.
    """

    consecutive: bool = True
    base: int = 0  # the seq before the first event on the tape
    data: bytearray = field(default_factory=bytearray)
    ends: list[int] = field(default_factory=list)  # where each event's frame ends in `data`
    keys: list[int] = field(default_factory=list)  # each event's `seq`
    ats: list[bytes] = field(default_factory=list)  # each event's `at`, as text; empty for peers
    payload_bytes: int = 0
    # One entry for each time a reader was given whole events: when, and from which place on the tape to which.
    when: "array[float]" = field(default_factory=lambda: array("d"))
    since: "array[int]" = field(default_factory=lambda: array("L"))
    until: "array[int]" = field(default_factory=lambda: array("L"))
    deliveries: int = 0
    _known: set[int] = field(default_factory=set)

    @property
    def head(self) -> int:
        """How many events are on the tape."""
        return len(self.ends)

    def place(self, seq: int) -> int:
        """The place on the tape of a reader that has everything up to `seq`. Raises Fault if the tape has less."""
        index = seq - self.base
        if not 0 <= index <= len(self.ends):
            raise Fault(f"joined at {seq}, where nobody has read yet")
        return self.ends[index - 1] if index else 0

    def events_before(self, place: int) -> int:
        """How many whole events stand before a place on the tape; an event counts once its last byte is there."""
        index = bisect_left(self.ends, place)
        return index + 1 if index < len(self.ends) and self.ends[index] == place else index

    def append(self, frame: bytes, text: bytes) -> None:
        """The next event. Raises Fault if its number is not one that may come next."""
        found = _KEY.search(text)
        if found is None:
            raise Fault(f"not an event: {text[:200]!r}")
        key = int(found[1])
        if self.consecutive:
            if key != self.base + len(self.ends) + 1:
                raise Fault(f"event {key} came after event {self.base + len(self.ends)}")
        elif key in self._known:
            raise Fault(f"event {key} came twice")
        self._known.add(key)
        self.data += frame
        self.ends.append(len(self.data))
        self.keys.append(key)
        at = text.find(b'"at":"')
        self.ats.append(text[at + 6 : text.find(b'"', at + 6)] if at >= 0 else b"")
        self.payload_bytes += len(text)


class Place:
    """One reader's place on a tape. `take` what it received; it raises Fault at the first wrong byte."""

    __slots__ = ("_partial", "at", "events", "other", "tape")

    def __init__(self, tape: Tape, at: int, other: Callable[[int, bytes], None]) -> None:
        self.tape = tape
        self.at = at  # everything before this byte of the tape was received
        self.events = tape.events_before(at)  # whole events, counted on the tape
        self.other = other  # told opcode and text of every frame that is not an event
        self._partial = b""  # the beginning of a frame that is not on the tape

    def take(self, chunk: bytes, now: float) -> None:
        """Checks and counts what was received at time `now`."""
        tape = self.tape
        if self._partial:
            chunk, self._partial = self._partial + chunk, b""
        if tape.data.startswith(chunk, self.at):
            self.at += len(chunk)
        else:
            self._parse(chunk)
        ends = tape.ends
        before = self.events
        events = bisect_left(ends, self.at, before)
        if events < len(ends) and ends[events] == self.at:
            events += 1
        if events != before:
            self.events = events
            tape.deliveries += events - before
            tape.when.append(now)
            tape.since.append(before)
            tape.until.append(events)

    def _parse(self, chunk: bytes) -> None:
        tape = self.tape
        begin = tape.ends[tape.events_before(self.at) - 1] if tape.events_before(self.at) else 0
        data = bytes(tape.data[begin : self.at]) + chunk
        self.at = begin
        done = 0
        for frame in frames(data):
            done = frame.end
            if frame.opcode != 1:
                self.other(frame.opcode, frame.payload)
                continue
            wire = data[frame.start : frame.end]
            if tape.data.startswith(wire, self.at):
                self.at += len(wire)
                continue
            text = text_of(frame)
            if text.startswith(_CONTROL_TYPES):
                self.other(1, text)
            elif self.at == len(tape.data):
                tape.append(wire, text)
                self.at += len(wire)
            else:
                expected = tape.keys[tape.events_before(self.at)]
                raise Fault(f"expected event {expected} and got {text[:120]!r}")
        rest = data[done:]
        if rest and tape.data.startswith(rest, self.at):
            self.at += len(rest)
        else:
            self._partial = rest
