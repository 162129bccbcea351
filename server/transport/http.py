"""uvicorn's HTTP protocol with what it lacks: bounds on what a request may cost in time and bytes, a deadline to take
its answer, an end for streams at shutdown, and a WebSocket upgrade that hands the connection to the slim protocol
without parsing the request again.

`timeout_keep_alive` bounds only idle time and starts anew with every byte, so a sender of one byte a second could hold
a connection for hours (Kludex/uvicorn#157). Here a request has HEAD_SECONDS for its head and BODY_SECONDS for its body,
whatever trickles in, and FRAMING_BYTES for everything that is not its body. A connection always has a deadline unless
an answer is being made: the request's, that of the answer's bytes (outbox.py), or the idle connection's.
"""

import asyncio
from collections.abc import Mapping
from enum import Enum
from typing import Any, cast

import httptools
import msgspec
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState
from websockets.utils import accept_key

from server.errors import BadRequest, NotFound, ProblemError, TooLarge
from server.transport import Door, Handshake
from server.transport.callers import Callers, is_proxy
from server.transport.handshakes import key_of
from server.transport.outbox import Outbox
from server.transport.websocket import LiveProtocol, negotiate
from server.transport.wheel import Wheel

HEAD_SECONDS = 10  # for the request line and headers
BODY_SECONDS = 30  # for the body, from the end of the head on
FRAMING_BYTES = 32 * 1024  # of a request, its head, the sizes of its chunks and its trailers, about
LINGER_SECONDS = 2  # after a refusal, for the other side to read it and close; what it sends meanwhile is not looked at
UNREAD_BYTES = 64 * 1024  # of a body that nobody reads: what is on its way when the answer comes early
PIPELINE = 16  # requests that wait for the answers before theirs, about; more are left in the kernel
PIECE = 1024  # bytes given to the parser at once, between which the bounds are looked at
LIVE_PATH = b"/live"


class _Part(Enum):
    """What of a request is being read."""

    NOTHING = 0
    HEAD = 1
    BODY = 2


class RipostHTTP(HttpToolsProtocol):
    """See the module. The door and the wheel come with the lifespan's state; without them nothing is upgraded."""

    flow: "_Flow"

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._wheel = cast("Wheel | None", app_state.get("wheel"))
        self._part = _Part.NOTHING
        self._framing = 0  # bytes since the last request began that are not of its body, or since it ended
        self._unread = 0  # bytes of its body that nobody is going to read
        self._running: RequestResponseCycle | None = None  # the request that was given to the app last
        self._held = b""  # what came and is not parsed before the pipeline is shorter
        self._is_refused = False  # the last thing was said: nothing is parsed any more
        self._outbox: Outbox | None = None  # while the kernel does not take what was written
        self._callers = cast("Callers | None", app_state.get("callers"))
        self._caller: str | None = None  # as whose it counts

    # Deadlines

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock: a connection that never asks anything ends, too."""
        super().connection_made(transport)
        self.flow = _Flow(transport)
        # Paused as soon as the kernel does not take all: whatever waits in our buffer has a deadline, even if the
        # connection is closing, whoever closed it.
        transport.set_write_buffer_limits(high=0)
        self._expect(HEAD_SECONDS)
        host = self.client[0] if self.client else ""
        if self._callers is None or self._wheel is None or not host or is_proxy(self.config.loaded_app, host):
            return
        self._caller = self._callers.come(host)
        if self._caller is None:
            self._wheel.aborted("too_many")
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the clocks, and tells the request that is being answered: uvicorn tells only the one read last."""
        self._held = b""
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()
        self._unset_keepalive_if_required()
        self._forget_outbox()
        self._uncount()
        if self._wheel is not None:
            self._wheel.met(self)
        super().connection_lost(exc)

    def _uncount(self) -> None:
        if self._callers is not None and self._caller is not None:
            self._callers.go(self._caller)
            self._caller = None

    def pause_writing(self) -> None:
        """The kernel does not take all."""
        super().pause_writing()
        if self._wheel is not None:
            self._outbox = Outbox(self.transport, self._wheel)

    def resume_writing(self) -> None:
        """The kernel has taken all."""
        self._forget_outbox()
        super().resume_writing()

    def expire(self) -> str | None:
        """The request did not arrive in time, unless it is us who do not read."""
        if self._is_refused:
            self.transport.close()
            return None
        if self.flow.read_paused:
            self._expect(HEAD_SECONDS)
            return None
        self._refuse(LateRequest("the request did not arrive in time"))
        return "late_request"

    def _expect(self, seconds: float) -> None:
        if self._wheel is not None:
            self._wheel.expect(self, seconds)

    def _forget_outbox(self) -> None:
        outbox, self._outbox = self._outbox, None
        if outbox is not None:
            outbox.taken()

    # A request

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unset_keepalive_if_required()
        self._part = _Part.HEAD
        self._framing = self._unread = 0
        self._expect(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            # What becomes of it is decided when the parser has stopped, which it does here.
            self.scope["method"] = self.parser.get_method().decode("ascii")
            self.scope["http_version"] = self.parser.get_http_version()
            return
        super().on_headers_complete()
        self._part = _Part.BODY
        self._expect(BODY_SECONDS)

    def on_body(self, body: bytes) -> None:
        self._framing -= len(body)
        if self.cycle.response_started or self.scope["method"] in ("GET", "HEAD"):
            self._unread += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        self._part = _Part.NOTHING
        self._framing = 0
        if self._wheel is not None:
            self._wheel.met(self)
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._part is _Part.HEAD:
            self._unset_keepalive_if_required()  # the wheel waits for it
        if self._held and len(self.pipeline) < PIPELINE:
            held, self._held = self._held, b""
            self.flow.is_held = False
            self._read(held)
            self.flow.resume_reading()

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, but bounded, and only a request ends the wait of an idle connection, not any byte."""
        if self._is_refused:
            self._unread += len(data)
            if self._unread > UNREAD_BYTES:
                self.transport.close()
        elif self._held:
            self._held += data
        else:
            self._read(data)

    def _read(self, data: bytes) -> None:
        place = 0
        while place < len(data) and not (self._is_refused or self.transport.is_closing()):
            if len(self.pipeline) >= PIPELINE:
                self._held = data[place:]
                self.flow.hold()
                return
            piece = data[place : place + PIECE]
            try:
                self.parser.feed_data(piece)
            except httptools.HttpParserUpgrade as upgrade:
                rest = data[place + upgrade.args[0] :]
                if self._should_upgrade():
                    self._change_protocol(rest)
                    return
                if self.scope["method"] == "CONNECT":
                    return self._refuse(BadRequest("this is no proxy"))
                # Any other upgrade (h2c) is ignored, as RFC 9110 section 7.8 allows. The parser has skipped the body,
                # so another one is given the same request without the header.
                data, place = self._without_upgrade() + rest, 0
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
                continue
            except httptools.HttpParserError:
                return self._refuse(BadRequest("this is not a request of HTTP/1.1"))
            place += len(piece)
            self._framing += len(piece)
            if self._framing > FRAMING_BYTES:
                if self._wheel is not None:
                    self._wheel.aborted("protocol")
                self._refuse(HeadTooLarge(f"a head of at most {FRAMING_BYTES // 1024} KiB is accepted"))
            elif self._unread > UNREAD_BYTES:
                self._refuse(TooLarge("nobody reads the body of this request"))

    def _without_upgrade(self) -> bytes:
        first = f"{self.scope['method']} {self.url.decode('latin1')} HTTP/{self.scope['http_version']}\r\n"
        lines = [name + b": " + value + b"\r\n" for name, value in self.headers if name != b"upgrade"]
        return first.encode("latin1") + b"".join(lines) + b"\r\n"

    # Refusals

    def send_400_response(self, msg: str) -> None:
        """See uvicorn."""
        self._refuse(BadRequest(msg))

    def _refuse(self, error: ProblemError) -> None:
        """Says what is wrong, unless that would be read as a part of another answer, and closes.

        Who is still sending would not hear it if the socket were closed at once (RFC 9112 section 9.6): only our side
        of it is, and the rest follows when the other side has closed, sent UNREAD_BYTES, or after LINGER_SECONDS.
        """
        if not self._may_say_so():
            self.transport.close()
        else:
            body = msgspec.json.encode(error.problem())
            head = f"HTTP/1.1 {error.status} {error.title}\r\ncontent-type: application/problem+json\r\n"
            for name, value in error.headers().items():
                head += f"{name}: {value}\r\n"
            head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            self.transport.write(head.encode("latin1") + body)
            self.transport.write_eof()
            self._is_refused = True
            self._unread = 0
            self._expect(LINGER_SECONDS)
            if self._is_answering:  # it hears that nobody is there any more
                self.cycle.disconnected = True
                self.cycle.waiting_for_100_continue = False
                self.cycle.message_event.set()

    def _may_say_so(self) -> bool:
        """Whether the request that is being read, or would be next, is the one to be answered now."""
        if self._is_refused or self.transport.is_closing():
            return False
        if self._part is _Part.BODY:
            return not self.pipeline and not self.cycle.response_started
        return not self._is_answering

    @property
    def _is_answering(self) -> bool:
        """Whether a request that was read is not answered yet."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return bool(self.pipeline) or (cycle is not None and not cycle.response_complete)

    # Shutdown

    def shutdown(self) -> None:
        """Ends an idle connection, lets a request finish, tells streams to end (uvicorn would wait for ever)."""
        door = self._door
        if door is not None:
            door.drain()
        super().shutdown()

    @property
    def _door(self) -> Door | None:
        return cast("Door | None", self.app_state.get("door"))

    # The upgrade

    def _change_protocol(self, rest: bytes) -> None:
        """What follows an upgrade in the same piece is the first frame."""
        self.handle_websocket_upgrade()
        after = self.transport.get_protocol()
        if rest and isinstance(after, LiveProtocol):
            after.data_received(rest)

    def handle_websocket_upgrade(self) -> None:
        """Answers the handshake from the headers that are parsed already, and changes the connection's protocol."""
        door, wheel = self._door, self._wheel
        path = self.url.partition(b"?")[0]
        if door is None or wheel is None:
            return super().handle_websocket_upgrade()
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in self.headers}
        try:
            if self._is_answering:
                raise BadRequest("another request is still being answered on this connection")
            if self.scope["method"] != "GET" or self.scope["http_version"] != "1.1":
                raise BadRequest("a WebSocket begins with GET and HTTP/1.1")
            if path != LIVE_PATH:
                raise NotFound(f"there is no WebSocket at {path.decode('latin1')[:100]}; /live is the one")
            key = key_of(headers)
            handshake = Handshake(headers, self._address(headers))
            refusal = door.admit(handshake)
            if refusal is not None:
                raise refusal
        except ProblemError as error:
            return self._refuse(error)
        extension, bits = negotiate(headers.get("sec-websocket-extensions", ""))
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n"
        )
        if extension is not None:
            answer += b"Sec-WebSocket-Extensions: " + extension.encode() + b"\r\n"
        self.transport.write(answer + b"\r\n")
        live = LiveProtocol(self.transport, wheel, cast("set[asyncio.Protocol]", self.connections), bits)
        wheel.met(self)
        self._uncount()  # as a stream it is counted otherwise
        is_paused = self._outbox is not None
        self._forget_outbox()
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        self.transport.set_protocol(live)
        if is_paused:
            live.pause_writing()  # nobody else will say so before it is over
        self.parser = None  # type: ignore[assignment]  # it holds this protocol in a cycle
        live.open(door.open(live, handshake))

    def _address(self, headers: Mapping[str, str]) -> str:
        """The client's address by uvicorn's rules for trusted proxies."""
        host = self.client[0] if self.client else ""
        app = self.config.loaded_app
        if is_proxy(app, host) and "x-forwarded-for" in headers:
            forwarded = ", ".join(value.decode("latin1") for name, value in self.headers if name == b"x-forwarded-for")
            return app.trusted_hosts.get_trusted_client_address(forwarded)[0] or host
        return host


class _Flow(FlowControl):
    """uvicorn's, which goes on reading whenever an answer is complete or a body is asked for: not while it is held."""

    is_held = False

    def hold(self) -> None:
        """Reads no more until `is_held` is taken back."""
        self.is_held = True
        self.pause_reading()

    def resume_reading(self) -> None:
        """Goes on unless it is held."""
        if not self.is_held:
            super().resume_reading()


class LateRequest(ProblemError):
    """The request did not come in time."""

    status, title, slug = 408, "Request Timeout", "late-request"


class HeadTooLarge(ProblemError):
    """What surrounds a body is over its bound: the head, or chunks and trailers."""

    status, title, slug = 431, "Request header fields too large", "head-too-large"
