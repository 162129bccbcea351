"""The door of `/live`, and the plain ASGI link behind it.

`LiveDoor` decides who may connect (origin, number of connections) and makes the peer of each connection; the slim
protocol of transport/ calls it at the handshake. Where that protocol is not in use (another server, a test client) the
ASGI route does the same over `send` and `receive`: one task, one batch at a time, the same peer.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import Callable

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from server import auth, events
from server.errors import (
    CLOSE_DRAINING,
    CLOSE_TOO_MANY_CONNECTIONS,
    CLOSE_TOO_SLOW,
    Forbidden,
    ProblemError,
    TooMany,
    Unavailable,
)
from server.frames import Batch, Frame
from server.peer import LivePeer, Visitor
from server.routes import web
from server.session import problem_text
from server.state import State
from server.transport import Handshake, Link, Peer
from server.transport.wheel import STALL_TIMEOUT

HEAD_SECONDS = 25  # carrier NATs drop idle flows at 30, and a client gives up after 40
MAX_WAITING = 512  # frames for one reader: a batch and its subscriptions' control frames
DRAIN_SECONDS = 4  # over which connections are ended when the server stops, so that not all come back at once
DRAIN_SLICE = 200  # connections ended in one turn of the loop
BACK_MS_EACH = 1  # each reader adds so much to the time over which they are asked to come back
BACK_MS_MOST = 10_000
BACK_MS_LEAST = 500


class LiveDoor:
    """See transport.Door. One per server; knows every live connection, to drain them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._links: set[Link] = set()
        self._draining: asyncio.Task[None] | None = None
        self._spread = BACK_MS_LEAST  # milliseconds over which all are asked to come back; set by `drain`

    def admit(self, handshake: Handshake) -> ProblemError | None:
        """Who may connect: pages of our own origin and of ALLOWED_ORIGINS, and what is not a page at all."""
        if self._draining is not None:
            return Unavailable("the server is being restarted", retry_after=2)
        config, headers = self._state.config, handshake.headers
        origin = headers.get("origin")
        if web.may_embed(config, headers, origin):
            return None
        hint = "" if config.public_url else "; behind a proxy that rewrites Host, PUBLIC_URL must be set"
        return Forbidden(f"pages of {origin} may not connect (ALLOWED_ORIGINS){hint}")

    def open(self, link: Link, handshake: Handshake) -> Peer:
        """The peer of an admitted connection; one too many is told so and closed."""
        state, headers = self._state, handshake.headers
        origin = headers.get("origin")
        address = auth.address_key(state.secret, handshake.address)
        try:
            leave = state.connections.enter(address)
        except TooMany as error:
            state.metrics.aborted("too_many")
            link.send(problem_text(error))
            link.close(CLOSE_TOO_MANY_CONNECTIONS, error.detail)
            return _Nobody()
        self._links.add(link)
        scheme, _, token = headers.get("authorization", "").partition(" ")
        visitor = Visitor(
            address=address,
            origin=origin,
            own_origin=web.is_own_origin(state.config, headers, origin),
            token=token.strip() or None if scheme.lower() == "bearer" else None,
        )
        return _Counted(state, link, visitor, leave, self._links)

    def drain(self) -> None:
        """Sends everyone away, in slices, with a hint when to come back; streams and polls end by themselves."""
        if self._draining is None:
            self._spread = min(BACK_MS_MOST, BACK_MS_LEAST + self._state.connections.open * BACK_MS_EACH)
            self._state.draining.set()
            self._draining = asyncio.create_task(self._drain())

    def back_in_ms(self) -> int:
        """When somebody who is sent away is to come back, in milliseconds; another time for each."""
        return random.randrange(self._spread)

    async def _drain(self) -> None:
        links = list(self._links)
        pause = DRAIN_SECONDS / (len(links) / DRAIN_SLICE + 1)
        for start in range(0, len(links), DRAIN_SLICE):
            for link in links[start : start + DRAIN_SLICE]:
                link.send(events.encode({"type": "reconnect", "in_ms": self.back_in_ms()}))
                link.close(CLOSE_DRAINING, "the server is being restarted")
            await asyncio.sleep(pause if start + DRAIN_SLICE < len(links) else 0)


class _Counted(LivePeer):
    """A peer that gives its place back when it is gone."""

    __slots__ = ("_leave", "_links")

    def __init__(self, state: State, link: Link, visitor: Visitor, leave: Callable[[], None], links: set[Link]) -> None:
        super().__init__(state, link, visitor)
        self._leave = leave
        self._links = links

    def lost(self) -> None:
        super().lost()
        self._leave()
        self._links.discard(self._wire)


class _Nobody:
    """The peer of a connection that is closed already."""

    def receive(self, text: str | None) -> None:
        pass

    def writable(self) -> None:
        pass

    def heartbeat(self) -> None:
        pass

    def lost(self) -> None:
        pass


class _AsgiLink:
    """A link over ASGI's awaitable `send`: takes a batch only while nothing of an earlier one is left to send."""

    def __init__(self, websocket: WebSocket, aborted: Callable[[str], None]) -> None:
        self._websocket = websocket
        self._aborted = aborted
        self._waiting: deque[str] = deque()
        self._changed = asyncio.Event()
        self._sending = False
        self._end: tuple[int, str] | None = None

    def send(self, text: str) -> None:
        """See transport.Link. One who lets control frames pile up is sent away."""
        if len(self._waiting) >= MAX_WAITING and self._end is None:
            self._aborted("stalled")
            self.close(CLOSE_TOO_SLOW, "too slow")
        elif self._end is None:
            self._waiting.append(text)
            self._changed.set()

    def write(self, batch: Batch) -> bool:
        """See transport.Link."""
        if self._waiting or self._sending or self._end is not None:
            return False
        self._waiting.extend(frame.text for frame in batch.frames)
        self._changed.set()
        return True

    def offer(self, frame: Frame) -> bool:
        """See transport.Link."""
        if self._waiting or self._sending or self._end is not None:
            return False
        self._waiting.append(frame.text)
        self._changed.set()
        return True

    def close(self, code: int, reason: str) -> None:
        """See transport.Link. What was taken before is sent first."""
        if self._end is None:
            self._end = (code, reason)
            self._changed.set()

    @property
    def is_closed(self) -> bool:
        """Whether it was closed from our side: what still comes is not read."""
        return self._end is not None

    async def run(self, peer: Peer) -> None:
        """Sends until the end."""
        while True:
            try:
                await asyncio.wait_for(self._changed.wait(), HEAD_SECONDS)
            except TimeoutError:
                peer.heartbeat()
            self._changed.clear()
            while self._waiting:
                self._sending = True
                try:
                    await asyncio.wait_for(self._websocket.send_text(self._waiting.popleft()), STALL_TIMEOUT)
                except TimeoutError:
                    self._aborted("stalled")
                    self._end, self._waiting = (CLOSE_TOO_SLOW, "too slow"), deque()
                self._sending = False
                if not self._waiting and self._end is None:
                    peer.writable()
            if self._end is not None:
                with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                    await asyncio.wait_for(self._websocket.close(*self._end), STALL_TIMEOUT)
                return


async def live(websocket: WebSocket) -> None:
    """`GET /live` on plain ASGI."""
    door: LiveDoor = websocket.scope["app"].state.door
    host = websocket.client.host if websocket.client else ""
    handshake = Handshake(dict(websocket.headers), host)
    refusal = door.admit(handshake)
    if refusal is not None:
        await websocket.send_denial_response(web.problem(refusal))
        return
    await websocket.accept()
    link = _AsgiLink(websocket, web.state_of(websocket).metrics.aborted)
    peer = door.open(link, handshake)
    sender = asyncio.create_task(link.run(peer))
    receiver = asyncio.create_task(_receive(websocket, link, peer))
    try:
        await asyncio.wait((sender, receiver), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sender, receiver):
            task.cancel()
        await asyncio.gather(sender, receiver, return_exceptions=True)
        peer.lost()


async def _receive(websocket: WebSocket, link: _AsgiLink, peer: Peer) -> None:
    while (message := await websocket.receive())["type"] != "websocket.disconnect":
        if not link.is_closed:
            peer.receive(message.get("text"))


routes = [WebSocketRoute("/live", live)]
