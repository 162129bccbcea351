"""Frames: one event as the bytes that go to every reader, and consecutive events joined for one write.

Everything is made once, when it is first asked for, and shared by all who are written to: the text, the WebSocket
frame, its deflated variant for each window size that somebody negotiated (DESIGN law 7). Does no I/O and knows neither
channels nor readers.
"""

import zlib
from collections.abc import Iterable, Sequence

BATCH_BYTES = 64 * 1024  # at most this much is joined into one write
DEFLATE_FROM = 200  # bytes; below that a frame hardly shrinks


class Frame:
    """One event as text, and as the bytes of the WebSocket frame that carries it, made once."""

    __slots__ = ("_deflated", "_wire", "at", "moment", "seq", "text")

    def __init__(self, seq: int, at: int, text: str, moment: float | None = None) -> None:
        self.seq = seq
        self.at = at
        self.text = text
        self.moment = moment  # when its commit was on disk, if this process made it (models.Commit)
        self._wire: bytes | None = None
        self._deflated: dict[int, bytes] | None = None  # by window bits: what was negotiated decides

    def deflated(self, window_bits: int) -> bytes:
        """The frame compressed without context takeover (RFC 7692), the same for all who negotiated this window."""
        if len(self.text) < DEFLATE_FROM:
            return self.wire
        if self._deflated is None:
            self._deflated = {}
        packed = self._deflated.get(window_bits)
        if packed is None:
            packed = self._deflated[window_bits] = deflated_frame(self.text, window_bits)
        return packed

    @property
    def wire(self) -> bytes:
        """The whole unmasked, final text frame (RFC 6455 section 5.2)."""
        if self._wire is None:
            self._wire = text_frame(self.text)
        return self._wire

    def rewrite(self, text: str) -> None:
        """Gives the frame new content, wherever it waits to be sent."""
        self.text = text
        self._wire = None
        self._deflated = None


def first_of(frames: Iterable[Frame]) -> list[Frame]:
    """The first frames, as many as are joined into one write: BATCH_BYTES, but one at least."""
    size = 0
    taken: list[Frame] = []
    for frame in frames:
        size += len(frame.text)
        if taken and size > BATCH_BYTES:
            break
        taken.append(frame)
    return taken


class Batch:
    """Consecutive frames of one channel, with their bytes joined once for everyone they are written to."""

    __slots__ = ("_deflated", "_wire", "first", "frames", "last")

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self.first = frames[0].seq
        self.last = frames[-1].seq
        self._wire: bytes | None = None
        self._deflated: dict[int, bytes] | None = None

    def deflated(self, window_bits: int) -> bytes:
        """The compressed frames, joined."""
        if self._deflated is None:
            self._deflated = {}
        joined = self._deflated.get(window_bits)
        if joined is None:
            joined = self._deflated[window_bits] = b"".join([frame.deflated(window_bits) for frame in self.frames])
        return joined

    @property
    def wire(self) -> bytes:
        """The WebSocket frames, joined."""
        if self._wire is None:
            self._wire = b"".join([frame.wire for frame in self.frames])
        return self._wire


def text_frame(text: str) -> bytes:
    """An unmasked, final WebSocket text frame (RFC 6455 section 5.2)."""
    return _frame(0x81, text.encode())


def deflated_frame(text: str, window_bits: int) -> bytes:
    """The same compressed by permessage-deflate without context takeover (RFC 7692 section 7.2.1)."""
    encoder = zlib.compressobj(wbits=-window_bits, memLevel=8)
    packed = encoder.compress(text.encode()) + encoder.flush(zlib.Z_SYNC_FLUSH)
    return _frame(0xC1, packed[:-4])  # without the empty block that the flush ends with


def _frame(first: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big") + payload
    return bytes((first, 127)) + size.to_bytes(8, "big") + payload
