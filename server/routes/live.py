"""The live WebSocket on plain ASGI: a thin shell over session.py and an Outlet.

It checks the origin and the number of connections at the handshake, passes messages to the session, carries out its
effects, and says `head` on every subscription now and then. What is sent and in which order is the session's and the
hub's.
"""

import asyncio
import contextlib
from collections.abc import Iterable

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from server import auth
from server.errors import (
    CLOSE_TOO_MANY_CONNECTIONS,
    CLOSE_TOO_SLOW,
    Forbidden,
    NotFound,
    ProblemError,
    TooMany,
    Unauthorized,
)
from server.hub import Cursor
from server.models import MODERATION_CHANNEL, person_channel
from server.outlet import Line, Outlet, TooSlow
from server.relay import Reset
from server.routes import web
from server.session import Close, Effect, Leave, Open, Send, Session, head_text, problem_text
from server.state import State

HEAD_INTERVAL = 25  # seconds; carrier NATs drop idle flows at 30, and a client gives up after 40


class _Live:
    """One open WebSocket."""

    def __init__(self, websocket: WebSocket, state: State) -> None:
        self._websocket = websocket
        self._state = state
        self._session = Session(state.clock.monotonic())
        self._outlet = Outlet(state.hub, state.relay, self._send, self._ended)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until either side ends it."""
        sender = asyncio.create_task(self._outlet.run())
        receiver = asyncio.create_task(self._receive())
        heads = asyncio.create_task(self._heads())
        try:
            done, _ = await asyncio.wait((sender, receiver), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                if isinstance(task.exception(), TooSlow):
                    await self._close(Close(CLOSE_TOO_SLOW, "too slow"))
        finally:
            tasks = (sender, receiver, heads, *self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for cursor in self._session.cursors():
                self._state.hub.leave(cursor)

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            now = self._state.clock.monotonic()
            effects = self._session.binary() if text is None else self._session.receive(text, now)
            if not await self._carry_out(effects):
                return

    async def _carry_out(self, effects: Iterable[Effect]) -> bool:
        """False once the connection is closed."""
        for effect in effects:
            match effect:
                case Send(text):
                    if not self._outlet.control(text):
                        await self._close(Close(CLOSE_TOO_SLOW, "too slow"))
                        return False
                case Leave(cursor):
                    self._outlet.drop(cursor)
                case Close():
                    await self._close(effect)
                    return False
                case Open():
                    task = asyncio.create_task(self._open(effect))
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
        return True

    async def _open(self, asked: Open) -> None:
        """Joins a channel; in the turn of the loop in which that is done, `subscribed` is said."""
        try:
            name = asked.channel
            if asked.topic[0] != "article":
                name = await self._authorised(asked)
            assert name is not None
            joined = await self._state.relay.subscribe(self._outlet, name, asked.epoch, asked.since, asked.at)
            if joined is None:
                raise NotFound(f"there is no article {asked.topic[1]}")
        except ProblemError as error:
            await self._carry_out(self._session.refused(asked.topic, error))
            return
        if isinstance(joined, Reset):
            await self._carry_out(self._session.reset(asked.topic, joined.epoch, joined.seq))
            return
        channel = joined.channel
        readers = self._state.hub.readers(channel)
        effects = self._session.subscribed(asked.topic, joined, channel.epoch, channel.head, readers)
        # Nothing below awaits before the control frame is queued, so `subscribed` comes before every event.
        for effect in effects:
            if isinstance(effect, Send):
                self._outlet.control(effect.text)
                self._outlet.behind(joined)
            elif isinstance(effect, Leave):
                self._outlet.drop(effect.cursor)

    async def _authorised(self, asked: Open) -> str:
        """The channel of a topic that only some may read. Raises Unauthorized, Forbidden."""
        headers = self._websocket.headers
        origin = headers.get("origin")
        actor = await auth.identify(
            self._state,
            asked.token or web.token_of(headers),
            address=web.address(self._websocket),
            origin=origin,
            own_origin=web.is_own_origin(self._state.config, headers, origin),
        )
        if asked.topic[0] == "moderation":
            auth.require_staff(actor)
            name = MODERATION_CHANNEL
        elif actor.id is None:
            raise Unauthorized("the channel `me` needs a token")
        else:
            name = person_channel(actor.id)
        await self._state.relay.ensure(name)
        return name

    async def _heads(self) -> None:
        while True:
            await asyncio.sleep(HEAD_INTERVAL)
            for topic, cursor in self._session.subscriptions.items():
                # Only to a level reader: one that is catching up would take it for a loss.
                if cursor is not None and cursor.seq == cursor.channel.head:
                    self._outlet.control(head_text(topic, cursor.channel.epoch, cursor.seq))

    def _ended(self, cursor: Cursor, reason: str) -> None:
        topic = self._session.topic_of(cursor)
        if topic is None:
            return
        if reason == "reset":
            effects = self._session.reset(topic, cursor.channel.epoch, cursor.channel.head)
        else:
            effects = self._session.ended(cursor, reason)
        for effect in effects:
            if isinstance(effect, Send):
                self._outlet.control(effect.text)

    async def _send(self, line: Line) -> None:
        await self._websocket.send_text(line[1])

    async def _close(self, effect: Close) -> None:
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await self._websocket.close(effect.code, effect.reason)


async def live(websocket: WebSocket) -> None:
    """`GET /live`."""
    state = web.state_of(websocket)
    refusal = _refusal(state, websocket)
    if refusal is not None:
        await websocket.send_denial_response(refusal)
        return
    try:
        with state.connections.one(web.address(websocket)):
            await websocket.accept()
            await _Live(websocket, state).run()
    except TooMany as error:
        await websocket.accept()
        await websocket.send_text(problem_text(error))
        await websocket.close(CLOSE_TOO_MANY_CONNECTIONS, error.detail)


def _refusal(state: State, connection: HTTPConnection) -> Response | None:
    origin = connection.headers.get("origin")
    if web.may_embed(state.config, connection.headers, origin):
        return None
    hint = "" if state.config.public_url else "; behind a proxy that rewrites Host, PUBLIC_URL must be set"
    return web.problem(Forbidden(f"pages of {origin} may not connect (ALLOWED_ORIGINS){hint}"))


routes = [WebSocketRoute("/live", live)]
