"""What comes in on a WebSocket in pieces or odd ways: gathered until a frame is whole, and then until a message is.

A network may cut the stream anywhere, so frames are cut out of it here, by the length in their head; the parser of the
`websockets` package is given whole ones only and holds nothing between them. At most one message's worth of bytes is
kept: a frame that says it is longer, or that no client may send, is handed on by its head, and the parser refuses it.
Nothing here writes.
"""

from typing import cast

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import State
from websockets.server import ServerProtocol

from server.session import MESSAGE_BYTES

MOST_FRAGMENTS = 128  # of one message: browsers send one, libraries that stream some kilobytes each
WINDOW_BITS = 12  # 4 KiB: an event rarely holds more, and zlib's memory stays small


class Inbox:
    """Exists from the first piece of a frame that does not come whole, to the end of the message it belongs to."""

    __slots__ = ("_fragments", "_is_binary", "_parser", "_pieces", "answer", "refused")

    def __init__(self, *, inflate: bool) -> None:
        self._pieces = bytearray()  # of a frame that is not whole yet
        self._fragments: list[bytes] | None = None  # of a message that is not final yet
        self._is_binary = False  # what the message began as
        self.answer = b""  # what RFC 6455 wants written for the frame that was read last: a Pong, a Close
        self.refused = False  # the parser found what is not of RFC 6455, or too much: `answer` is our Close
        self._parser = ServerProtocol(state=State.OPEN, max_size=MESSAGE_BYTES)
        if inflate:
            self._parser.extensions = [_inflater()]

    def gather(self, data: bytes) -> None:
        """Adds what came. `next_frame` is to be asked until it has no more."""
        self._pieces += data

    def next_frame(self) -> bytes | None:
        """The next whole frame, taken off the front; None if more must come first."""
        pieces = self._pieces
        if len(pieces) < 2:
            return None
        size, head = pieces[1] & 0x7F, 6
        if size >= 126:
            head = 8 if size == 126 else 14
            if len(pieces) < head - 4:
                return None
            size = int.from_bytes(pieces[2 : head - 4], "big")
        whole = head + size
        if size > MESSAGE_BYTES or not pieces[1] & 0x80:
            whole = len(pieces)
        elif len(pieces) < whole:
            return None
        frame = bytes(pieces[:whole])
        del pieces[:whole]
        return frame

    def read(self, frame: bytes) -> tuple[bool, bytes] | None:
        """Reads a whole frame: the message that it makes final (whether it is binary, and its bytes), or None."""
        parser = self._parser
        parser.receive_data(frame)
        message = None
        for event in cast("list[Frame]", parser.events_received()):
            message = self._add(event) or message
        self.answer = b"".join(parser.data_to_send())
        self.refused = self.refused or parser.parser_exc is not None
        return message

    @property
    def is_closed(self) -> bool:
        """Whether the other side closed, or was refused: nothing more is to be read."""
        return self._parser.state is not State.OPEN

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to remember: between two messages."""
        return not self._pieces and self._fragments is None

    def _add(self, frame: Frame) -> tuple[bool, bytes] | None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._is_binary = frame.opcode is Opcode.BINARY
            self._fragments = []
        elif frame.opcode is not Opcode.CONT:
            return None
        assert self._fragments is not None  # the parser refuses a continuation of nothing
        self._fragments.append(bytes(frame.data))
        if frame.fin:
            whole, self._fragments = b"".join(self._fragments), None
            return self._is_binary, whole
        if len(self._fragments) >= MOST_FRAGMENTS:
            self.refused = True
            self._parser.fail(CloseCode.MESSAGE_TOO_BIG, f"at most {MOST_FRAGMENTS} fragments make a message")
        return None


def _inflater() -> PerMessageDeflate:
    return PerMessageDeflate(
        remote_no_context_takeover=True,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=WINDOW_BITS,
    )
