"""A server in this process whose wheel turns fast, for what would take half a minute."""

import asyncio
import contextlib
import socket
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from server.app import create_app
from server.config import Config
from server.models import article_channel
from server.serving import _Server, bind, uvicorn_config
from server.storage import articles
from server.transport.wheel import Wheel

SECOND = 0.02  # of the wheel


@dataclass
class Fast:
    """A running server, its app, and an article."""

    server: _Server
    app: Starlette
    port: int
    article: int
    http: httpx2.AsyncClient

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/live"

    @property
    def connections(self) -> set[Any]:
        return self.server.server_state.connections

    def raw(self) -> socket.socket:
        """A connected socket with a small receive buffer."""
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", self.port))
        sock.setblocking(False)
        return sock

    async def post(self, text: str = "Hello.") -> str:
        """Says something as a new guest; their token."""
        body = {"client_id": str(uuid.uuid4()), "text": text, "name": "Ada"}
        answer = await self.http.post(f"/api/articles/{self.article}/comments", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["token"])

    def readers(self) -> int:
        channel = self.app.state.ripost.hub.channels.get(article_channel(self.article))
        return 0 if channel is None else len(channel.cursors)


@contextlib.asynccontextmanager
async def fast_server(folder: Path, *, second: float = SECOND, **settings: Any) -> AsyncIterator[Fast]:
    """Serves until the block ends; a second of its wheel lasts `second`."""
    given = {"rate_limits": False, "max_connections_per_address": 10_000} | settings
    config = Config(host="127.0.0.1", port=0, database_url=f"sqlite:///{folder}/ripost.db", **given)
    listener = bind(config)
    port = listener.getsockname()[1]
    app = create_app(config)
    async with app.router.lifespan_context(app):
        state = app.state.ripost
        article = await state.database.write(
            lambda tx: articles.add(tx, slug="an-article", title="An article", created_at=1)
        )
        app.state.wheel.close()
        app.state.wheel = Wheel(asyncio.get_running_loop(), app.state.ripost.metrics.aborted, second)
        server = _Server(uvicorn_config(config, app), app, f"http://127.0.0.1:{port}", None)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
            await until(lambda: server.started)
            yield Fast(server, app, port, article, client)
        server.should_exit = True
        await asyncio.wait_for(serving, 15)
        app.state.wheel.close()


async def until(true: Any, seconds: float = 10) -> None:
    """Until a condition holds; AssertionError if it does not in time."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.005)


def files(fast: Fast, sock: socket.socket) -> list[socket.socket]:
    """The server's end of a connection: its `fileno` is -1 once it is closed."""
    name = sock.getsockname()
    return [
        end
        for one in fast.connections
        if (end := one.transport.get_extra_info("socket")).fileno() >= 0 and end.getpeername() == name
    ]


HANDSHAKE = (
    "GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
)


async def shake_hands(fast: Fast, more: str = "") -> socket.socket:
    """A raw socket after the handshake."""
    loop = asyncio.get_running_loop()
    sock = fast.raw()
    await loop.sock_sendall(sock, HANDSHAKE.format(port=fast.port, more=more).encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += await loop.sock_recv(sock, 1)
    assert answer.startswith(b"HTTP/1.1 101 "), answer
    return sock


def masked(payload: bytes, first: int = 0x81) -> bytes:
    """A client's frame: masked with zeros."""
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else bytes((first, 0xFE)) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload
