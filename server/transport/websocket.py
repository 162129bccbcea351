"""The slim WebSocket protocol that takes a connection over after its upgrade: a handful of slots, no task, no queue.

Event frames are made elsewhere, once for everyone; here they go to the transport as they are. What an idle reader costs
is this object and its socket: the inbox exists only while a message is coming in, and all pings share one wheel.

Promises: `write` takes a batch whole or refuses it, and refuses while the socket's buffer is above its high-water mark;
`peer.writable` follows a refusal once the buffer is empty; a peer that stays behind or does not answer is aborted, not
closed politely into a full buffer; nothing is written after a Close frame, and nothing read but the other side's. The
frames are RFC 6455's and RFC 7692's; handshake extensions and every unusual frame are the `websockets` package's
business (inbox.py).
"""

import asyncio
import struct
from functools import lru_cache
from typing import TYPE_CHECKING

from websockets.exceptions import NegotiationError
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Close, Opcode
from websockets.headers import build_extension, parse_extension
from websockets.utils import apply_mask

from server.errors import CLOSE_PROTOCOL_ERROR, CLOSE_RESTART
from server.frames import Batch, Frame, text_frame
from server.transport import Peer
from server.transport.inbox import WINDOW_BITS, Inbox
from server.transport.wheel import STALL_TIMEOUT, Wheel

if TYPE_CHECKING:
    from server.transport import Link  # noqa: F401

HIGH_WATER = 16 * 1024  # bytes in our buffer, on top of the kernel's, after which a reader catches up by itself
CLOSE_TIMEOUT = 5  # seconds for the other side to end what we closed
FRAMES_BURST = 300  # frames of any kind that one may send at once; a page with 32 threads sends 60 messages
FRAMES_PER_SECOND = 100
_PING = b"\x89\x00"
_factory = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=WINDOW_BITS,
    client_max_window_bits=WINDOW_BITS,
)


@lru_cache(maxsize=64)  # browsers say one of a few things
def negotiate(offers: str) -> tuple[str | None, int]:
    """The answer to `Sec-WebSocket-Extensions`, and the window bits of the extension agreed on, 0 for none:
    permessage-deflate without context takeover, so that what is deflated once suits everyone (RFC 7692 section
    7.1.1)."""
    try:
        parsed = parse_extension(offers)
    except Exception:
        return None, 0
    for name, params in parsed:
        if name != _factory.name:
            continue
        try:
            answer, extension = _factory.process_request_params(params, [])
        except NegotiationError:
            continue
        return build_extension([(name, answer)]), extension.local_max_window_bits
    return None, 0


class LiveProtocol(asyncio.Protocol):
    """One open WebSocket. Made by transport.http after the handshake; `open` gives it its peer."""

    __slots__ = (
        "_answered",
        "_closing",
        "_connections",
        "_inbox",
        "_paid_until",
        "_paused",
        "_refused",
        "_slot",
        "_wheel",
        "_window_bits",
        "peer",
        "transport",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        wheel: Wheel,
        connections: set[asyncio.Protocol],
        window_bits: int,
    ) -> None:
        self.transport = transport
        self.peer: Peer | None = None  # set by `open`, gone once the connection is lost
        self._wheel = wheel
        self._connections = connections  # uvicorn's, so that it waits for us at shutdown
        self._window_bits = window_bits  # 0: no compression
        self._inbox: Inbox | None = None  # while a message is coming in, in pieces or odd ways
        self._paid_until = 0.0  # the moment at which all frames that came are within the rate
        self._paused = False  # the buffer is above HIGH_WATER
        self._refused = False  # a write was refused since the buffer was last empty
        self._answered = True  # something came since the last ping
        self._closing = False  # a Close frame was sent or received
        self._slot = 0

    def open(self, peer: Peer) -> None:
        """Starts the life of the connection."""
        self.peer = peer
        self.transport.set_write_buffer_limits(HIGH_WATER, 0)
        self._connections.add(self)
        self._slot = self._wheel.add(self)

    # What the peer uses (see transport.Link)

    def send(self, text: str) -> None:
        """See Link."""
        if not self._closing:
            self.transport.write(text_frame(text))

    def write(self, batch: Batch) -> bool:
        """See Link."""
        if self._paused or self._closing:
            self._refused = True
            return False
        self.transport.write(batch.deflated(self._window_bits) if self._window_bits else batch.wire)
        return True

    def offer(self, frame: Frame) -> bool:
        """See Link."""
        if self._paused or self._closing:
            return False
        self.transport.write(frame.wire)
        return True

    def close(self, code: int, reason: str = "") -> None:
        """See Link. The rest of the buffer and the other side's Close have CLOSE_TIMEOUT seconds."""
        if not self._closing:
            self._closing = True
            payload = Close(code, reason[:100]).serialize()
            self.transport.write(struct.pack("!BB", 0x80 | Opcode.CLOSE, len(payload)) + payload)
            self._wheel.expect(self, CLOSE_TIMEOUT)

    # What the wheel calls

    @property
    def answered(self) -> bool:
        """Whether anything came since the last ping."""
        return self._answered or self._paused  # a stalled reader has a deadline of its own

    def turn(self) -> None:
        """Pings, and lets the peer say where its channels stand."""
        if not (self._paused or self._closing) and self.peer is not None:
            self._answered = False
            self.transport.write(_PING)
            self.peer.heartbeat()

    def expire(self) -> str:
        """Aborts: a polite close would wait for a buffer that nobody empties (uvicorn does, for 15 minutes)."""
        self.transport.abort()
        return "unclosed" if self._closing else "stalled" if self._paused else "unanswered"

    # What uvicorn calls at shutdown, once for every connection

    def shutdown(self) -> None:
        """Nothing: the door drains all connections in slices."""

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Not called: the transport was made for the HTTP protocol."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The end, however it came."""
        self._closing = True
        self._connections.discard(self)
        self._wheel.remove(self, self._slot)
        peer, self.peer = self.peer, None
        if peer is not None:
            peer.lost()

    def pause_writing(self) -> None:
        """The buffer is above HIGH_WATER: the reader is passed over, and sent away if it stays so."""
        self._paused = True
        self._wheel.expect(self, STALL_TIMEOUT)

    def resume_writing(self) -> None:
        """The buffer is empty."""
        self._paused = False
        if not self._closing:
            self._wheel.met(self)
        if self._refused and self.peer is not None:
            self._refused = False
            self.peer.writable()

    def eof_received(self) -> bool:
        """The other side sends no more: that ends a WebSocket."""
        return False

    def data_received(self, data: bytes) -> None:
        """Usually one whole masked frame; everything else is gathered in an inbox."""
        self._answered = True
        if (
            self._inbox is None
            and len(data) >= 6
            and data[1] & 0x80
            and len(data) == 6 + (size := data[1] & 0x7F)
            and size < 126
            and (data[0] == 0x81 or data[0] == 0x8A)  # a text, a pong
            and not self._closing
        ):
            if not self._is_in_measure():
                self._flooded()
            elif data[0] == 0x81:
                self._receive(apply_mask(data[6:], data[2:6]))
            return
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = Inbox(inflate=bool(self._window_bits))
        inbox.gather(data)
        while not self.transport.is_closing() and (frame := inbox.next_frame()) is not None:
            if self._is_in_measure():
                self._read(inbox, frame)
            else:
                self._flooded()
        if inbox.is_empty or self.transport.is_closing():
            self._inbox = None

    def _read(self, inbox: Inbox, frame: bytes) -> None:
        """One whole frame. After our own Close only the other side's is waited for."""
        opcode = frame[0] & 0x0F
        if self._closing:
            if opcode == Opcode.CLOSE:
                self.transport.close()
            return
        message = inbox.read(frame)
        if inbox.answer and not (self._paused and opcode == Opcode.PING):
            self.transport.write(inbox.answer)
        if inbox.is_closed:
            if inbox.refused:
                self._wheel.aborted("protocol")
            self._closing = True
            self._wheel.expect(self, CLOSE_TIMEOUT)
            self.transport.close()
        elif message is not None:
            is_binary, payload = message
            if not is_binary:
                self._receive(payload)
            elif self.peer is not None:
                self.peer.receive(None)

    def _is_in_measure(self) -> bool:
        """Counts a frame of whatever kind: FRAMES_BURST at once, FRAMES_PER_SECOND in the long run. What a message
        means is limited elsewhere, by the peer; this is for frames that never reach it."""
        now = self._wheel.now()
        paid = self._paid_until
        paid = (now if paid < now else paid) + 1 / FRAMES_PER_SECOND
        if paid > now + FRAMES_BURST / FRAMES_PER_SECOND:
            return False
        self._paid_until = paid
        return True

    def _flooded(self) -> None:
        """More frames than anybody needs: the end, at once if the other side was told already."""
        if self._closing:
            self.transport.abort()
            return
        self._wheel.aborted("protocol")
        self.close(CLOSE_PROTOCOL_ERROR, "too many frames")
        self.transport.close()

    def _receive(self, payload: bytes) -> None:
        try:
            text = str(payload, "utf-8")
        except UnicodeDecodeError:
            self._wheel.aborted("protocol")
            self.close(1007, "text frames are UTF-8")
            return
        if self.peer is not None and not self._closing:
            self.peer.receive(text)

    def restart(self) -> None:
        """Sends the other side away for a planned restart."""
        self.close(CLOSE_RESTART, "restart")
