"""uvicorn's HTTP protocol with three things it lacks: a deadline to receive a request, an end for streams at shutdown,
and a WebSocket upgrade that hands the connection to the slim protocol without parsing the request again.

`timeout_keep_alive` bounds only idle time and starts anew with every byte, so a sender of one byte a second could hold
a connection for hours (Kludex/uvicorn#157). Here a request has HEAD_SECONDS for its head and BODY_SECONDS for its body,
whatever trickles in.
"""

import asyncio
import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, cast

import httptools
import msgspec
from uvicorn.config import Config
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState
from websockets.utils import accept_key

from server.errors import BadRequest, NotFound, ProblemError
from server.transport import Door, Handshake
from server.transport.websocket import LiveProtocol, negotiate
from server.transport.wheel import Wheel

HEAD_SECONDS = 10  # for the request line and headers
BODY_SECONDS = 30  # for the body, from the end of the head on
LIVE_PATH = b"/live"


class RipostHTTP(HttpToolsProtocol):
    """See the module. The door and the wheel come with the lifespan's state; without them nothing is upgraded."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._wheel = cast("Wheel | None", app_state.get("wheel"))

    # The deadline

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the clock: a connection that never asks anything ends, too."""
        super().connection_made(transport)
        self._expect(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        self._expect(BODY_SECONDS)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self._wheel is not None:
            self._wheel.met(self)
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the clock."""
        if self._wheel is not None:
            self._wheel.met(self)
        super().connection_lost(exc)

    def expire(self) -> str:
        """The request did not arrive in time."""
        if not self.transport.is_closing():
            self.transport.write(_answer_text(b"408 Request Timeout", b"the request did not arrive in time"))
            self.transport.abort() if self.transport.get_write_buffer_size() else self.transport.close()
        return "late_request"

    def turn(self) -> None:
        """Never: only open WebSockets have turns."""

    @property
    def answered(self) -> bool:
        """Never asked: only open WebSockets have turns."""
        return True

    def _expect(self, seconds: float) -> None:
        if self._wheel is not None:
            self._wheel.expect(self, seconds)

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

    def data_received(self, data: bytes) -> None:
        """As uvicorn's, but what follows an upgrade in the same piece is the first frame and not thrown away."""
        self._unset_keepalive_if_required()
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            if not self._should_upgrade():
                return self.send_400_response("Only WebSocket upgrades are accepted.")
            self.handle_websocket_upgrade()
            rest = data[upgrade.args[0] :]
            after = self.transport.get_protocol()
            if rest and isinstance(after, LiveProtocol):
                after.data_received(rest)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")

    def handle_websocket_upgrade(self) -> None:
        """Answers the handshake from the headers that are parsed already, and changes the connection's protocol."""
        door, wheel = self._door, self._wheel
        path = self.url.partition(b"?")[0]
        if door is None or wheel is None:
            return super().handle_websocket_upgrade()
        headers = {name.decode("latin1"): value.decode("latin1") for name, value in self.headers}
        try:
            if path != LIVE_PATH:
                raise NotFound(f"there is no WebSocket at {path.decode('latin1')[:100]}; /live is the one")
            key = _key(headers)
            handshake = Handshake(headers, self._address(headers))
            refusal = door.admit(handshake)
            if refusal is not None:
                raise refusal
        except ProblemError as error:
            return self._refuse(error)
        extension, agreed = negotiate(headers.get("sec-websocket-extensions", ""))
        answer = (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n"
        )
        if extension is not None:
            answer += b"Sec-WebSocket-Extensions: " + extension.encode() + b"\r\n"
        self.transport.write(answer + b"\r\n")
        bits = 0 if agreed is None else agreed.local_max_window_bits
        live = LiveProtocol(self.transport, wheel, cast("set[asyncio.Protocol]", self.connections), bits)
        wheel.met(self)
        self._unset_keepalive_if_required()
        self.connections.discard(self)
        self.transport.set_protocol(live)
        self.parser = None  # type: ignore[assignment]  # it holds this protocol in a cycle
        live.open(door.open(live, handshake))

    def _address(self, headers: Mapping[str, str]) -> str:
        """The client's address by uvicorn's rules for trusted proxies."""
        host = self.client[0] if self.client else ""
        app = self.config.loaded_app
        if isinstance(app, ProxyHeadersMiddleware) and host in app.trusted_hosts and "x-forwarded-for" in headers:
            forwarded = ", ".join(value.decode("latin1") for name, value in self.headers if name == b"x-forwarded-for")
            return app.trusted_hosts.get_trusted_client_address(forwarded)[0] or host
        return host

    def _refuse(self, error: ProblemError) -> None:
        body = msgspec.json.encode(error.problem())
        head = f"HTTP/1.1 {error.status} {error.title}\r\ncontent-type: application/problem+json\r\n"
        for name, value in error.headers().items():
            head += f"{name}: {value}\r\n"
        head += f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        self.transport.write(head.encode("latin1") + body)
        self.transport.close()


def _key(headers: Mapping[str, str]) -> str:
    """The handshake's key. Raises BadRequest (RFC 6455 section 4.2.1)."""
    if headers.get("sec-websocket-version") != "13":
        raise UpgradeRequired("Sec-WebSocket-Version: 13 is accepted")
    key = headers.get("sec-websocket-key", "")
    try:
        if len(b64decode(key, validate=True)) == 16:
            return key
    except binascii.Error:
        pass
    raise BadRequest("Sec-WebSocket-Key is not 16 bytes in base64")


class UpgradeRequired(ProblemError):
    """Another version of the WebSocket protocol."""

    status, title, slug = 426, "Upgrade required", "upgrade-required"

    def headers(self) -> Mapping[str, str]:
        """The version that is spoken."""
        return {"Sec-WebSocket-Version": "13"}


def _answer_text(status: bytes, text: bytes) -> bytes:
    return (
        b"HTTP/1.1 " + status + b"\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: "
        + str(len(text)).encode() + b"\r\nconnection: close\r\n\r\n" + text
    )  # fmt: skip
