"""The slim WebSocket protocol that takes a connection over after its upgrade: a handful of slots, no task, no queue.

Event frames are made elsewhere, once for everyone; here they go to the transport as they are. What an idle reader costs
is this object and its socket: the frame parser exists only while a message is coming in, and all pings share one wheel.

Promises: `write` takes a batch whole or refuses it, and refuses while the socket's buffer is above its high-water mark;
`peer.writable` follows a refusal once the buffer is empty; a peer that stays behind or does not answer is aborted, not
closed politely into a full buffer; nothing is written after a Close frame. The frames are RFC 6455's and RFC 7692's;
handshake extensions and every unusual frame are the `websockets` package's business.
"""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING

from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate, ServerPerMessageDeflateFactory
from websockets.frames import Close, Frame, Opcode
from websockets.headers import build_extension, parse_extension
from websockets.protocol import State
from websockets.server import ServerProtocol
from websockets.utils import apply_mask

from server.errors import CLOSE_RESTART
from server.frames import Batch, text_frame
from server.frames import Frame as SharedFrame
from server.transport import Peer
from server.transport.wheel import STALL_TIMEOUT, Wheel

if TYPE_CHECKING:
    from server.transport import Link  # noqa: F401

MESSAGE_BYTES = 16 * 1024
KERNEL_BUFFER = 128 * 1024  # bytes of the kernel's, which grows to megabytes by itself: a stalled reader shows sooner
HIGH_WATER = 16 * 1024  # bytes in our buffer, on top of the kernel's, after which a reader catches up by itself
CLOSE_TIMEOUT = 5  # seconds for the other side to end what we closed
WINDOW_BITS = 12  # 4 KiB: an event rarely holds more, and zlib's memory stays small
_PING = b"\x89\x00"
_factory = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=WINDOW_BITS,
    client_max_window_bits=WINDOW_BITS,
)


def negotiate(offers: str) -> tuple[str | None, PerMessageDeflate | None]:
    """The answer to `Sec-WebSocket-Extensions`, and the extension agreed on: permessage-deflate without context
    takeover, so that what is deflated once suits everyone (RFC 7692 section 7.1.1)."""
    try:
        parsed = parse_extension(offers)
    except Exception:
        return None, None
    for name, params in parsed:
        if name != _factory.name:
            continue
        try:
            answer, extension = _factory.process_request_params(params, [])
        except NegotiationError:
            continue
        return build_extension([(name, answer)]), extension
    return None, None


class LiveProtocol(asyncio.Protocol):
    """One open WebSocket. Made by transport.http after the handshake; `open` gives it its peer."""

    __slots__ = (
        "_answered",
        "_closing",
        "_connections",
        "_inbox",
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
        self._inbox: ServerProtocol | None = None  # while a message is coming in, in pieces or odd ways
        self._paused = False  # the buffer is above HIGH_WATER
        self._refused = False  # a write was refused since the buffer was last empty
        self._answered = True  # something came since the last ping
        self._closing = False  # a Close frame was sent or received
        self._slot = 0

    def open(self, peer: Peer) -> None:
        """Starts the life of the connection."""
        self.peer = peer
        self.transport.set_write_buffer_limits(HIGH_WATER, 0)
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BUFFER)
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

    def offer(self, frame: SharedFrame) -> bool:
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
        """Usually one whole masked frame; everything else goes through the parser of `websockets`."""
        self._answered = True
        if self._inbox is None:
            if len(data) >= 6 and data[1] & 0x80 and len(data) == 6 + (size := data[1] & 0x7F) and size < 126:
                if data[0] == 0x8A:
                    return  # a pong
                if data[0] == 0x81:
                    self._receive(apply_mask(data[6:], data[2:6]))
                    return
            self._inbox = ServerProtocol(state=State.OPEN, max_size=MESSAGE_BYTES)
            if self._window_bits:
                self._inbox.extensions = [_inflater()]
        self._parse(self._inbox, data)

    def _parse(self, inbox: ServerProtocol, data: bytes) -> None:
        fragments: list[bytes] | None = getattr(inbox, "fragments", None)
        inbox.receive_data(data)
        for event in inbox.events_received():
            if not isinstance(event, Frame) or self._closing:
                continue
            if event.opcode is Opcode.TEXT or event.opcode is Opcode.BINARY:
                fragments = [bytes(event.data)]
                inbox.fragments = fragments  # type: ignore[attr-defined]  # lives as long as the message does
                inbox.binary = event.opcode is Opcode.BINARY  # type: ignore[attr-defined]
            elif event.opcode is Opcode.CONT and fragments is not None:
                fragments.append(bytes(event.data))
            else:
                continue
            if event.fin:
                if inbox.binary:  # type: ignore[attr-defined]
                    if self.peer is not None:
                        self.peer.receive(None)
                else:
                    self._receive(b"".join(fragments))
        answer = b"".join(inbox.data_to_send())
        if answer and not self._closing:
            self.transport.write(answer)
        if inbox.state is not State.OPEN or inbox.parser_exc is not None:
            if inbox.parser_exc is not None:
                self._wheel.aborted("protocol")
            self._closing = True
            self._wheel.expect(self, CLOSE_TIMEOUT)
            self.transport.close()
        elif inbox.current_size is None and not inbox.reader.buffer:
            self._inbox = None  # between messages: nothing to remember

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


def _inflater() -> Extension:
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=WINDOW_BITS,
    )
