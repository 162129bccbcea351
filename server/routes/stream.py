"""The same events without a WebSocket: server-sent events, and a long poll, both from the same log and hub.

For proxies that do not pass WebSockets. Each is a reader with one cursor; nothing here knows what an event means.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, contextmanager

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from server import events
from server.errors import BadRequest, Forbidden, NotFound
from server.hub import Cursor
from server.models import article_channel
from server.outlet import Line, Outlet
from server.relay import Reset
from server.routes import web
from server.routes.live import HEAD_INTERVAL
from server.state import State

POLL_SECONDS = 25  # a long poll's longest wait; proxies cut at 30 to 60
POLL_EVENTS = 500
TAKEN = 64  # events held for a stream while it sends


async def stream(request: Request) -> Response:
    """`GET /api/articles/{id}/events`."""
    article_id = web.path_id(request)
    state = web.state_of(request)
    origin = request.headers.get("origin")
    if not web.may_embed(state.config, request.headers, origin):
        raise Forbidden(f"pages of {origin} may not read this (ALLOWED_ORIGINS)")
    epoch, since = _position(request)
    reader = _Stream(state, article_id)
    with ExitStack() as leaving:
        leaving.enter_context(state.connections.one(web.address(request)))
        joined = await reader.subscribe(epoch, since)
        if "text/event-stream" not in request.headers.get("accept", ""):
            return web.text_answer(await _while_connected(request, reader.poll(joined)))
        return StreamingResponse(
            reader.lines(joined, leaving.pop_all()),
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )


async def _while_connected(request: Request, answer: Coroutine[None, None, str]) -> str:
    """The answer; empty as soon as whoever waits for it has hung up, so that nobody holds a place or a shutdown."""
    answering = asyncio.create_task(answer)
    hanging_up = asyncio.create_task(_hung_up(request))
    try:
        await asyncio.wait({answering, hanging_up}, return_when=asyncio.FIRST_COMPLETED)
        return answering.result() if answering.done() else ""
    finally:
        hanging_up.cancel()
        answering.cancel()
        await asyncio.gather(answering, hanging_up, return_exceptions=True)


async def _hung_up(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # the rest of a body that a GET should not have


def _position(request: Request) -> tuple[str | None, int | None]:
    last = request.headers.get("last-event-id")
    if last:
        epoch, _, text = last.rpartition(":")
    else:
        epoch, text = request.query_params.get("epoch", ""), request.query_params.get("since", "")
    if not epoch and not text:
        return None, None
    if not epoch or not text.isascii() or not text.isdigit() or len(text) > 18:
        raise BadRequest("epoch and since are given together (Last-Event-ID is epoch:seq)")
    return epoch, int(text)


class _Stream:
    """One article's events for one request."""

    def __init__(self, state: State, article_id: int) -> None:
        self._state = state
        self._article_id = article_id
        self._texts: deque[str] = deque()
        self._changed = asyncio.Event()  # something to send, or nothing more to come
        self._room = asyncio.Event()
        self._ended = False
        self._outlet = Outlet(state.hub, state.relay, self._take, self._on_ended)

    async def subscribe(self, epoch: str | None, since: int | None) -> Cursor | Reset:
        """Joins the article's channel. Raises NotFound, Unavailable."""
        joined = await self._state.relay.subscribe(self._outlet, article_channel(self._article_id), epoch, since, None)
        if joined is None:
            raise NotFound(f"there is no article {self._article_id}")
        return joined

    async def lines(self, joined: Cursor | Reset, leaving: ExitStack) -> AsyncIterator[str]:
        """The event stream: every event with its position as id, `head` when it is quiet, `reset` before it ends."""
        with leaving:
            if isinstance(joined, Reset):
                yield self._reset(joined.epoch, joined.seq)
                return
            channel = joined.channel
            named = {"article": self._article_id, "epoch": channel.epoch}
            yield _sse("subscribed", None, events.encode({"type": "subscribed", **named, "seq": channel.head}))
            with self._joined(joined) as sender:
                while not (sender.done() or self._ended):
                    text = await self._next(HEAD_INTERVAL)
                    if text is not None:
                        yield _sse(None, f"{channel.epoch}:{events.decode(text)['seq']}", text)
                    elif joined.seq == channel.head:
                        yield _sse("head", None, events.encode({"type": "head", **named, "seq": joined.seq}))
            if self._ended:
                yield self._reset(channel.epoch, channel.head)

    async def poll(self, joined: Cursor | Reset) -> str:
        """What there is after the position, or the first that comes within POLL_SECONDS, as one JSON answer."""
        if isinstance(joined, Reset):
            return events.encode({"reset": True, "epoch": joined.epoch, "seq": joined.seq})
        channel, seq, found = joined.channel, joined.seq, list[str]()
        with self._joined(joined):
            text = await self._next(POLL_SECONDS)
            while text is not None:
                found.append(text)
                more = len(found) < POLL_EVENTS and seq + len(found) < channel.head
                text = await self._next(POLL_SECONDS) if more else None
        if self._ended:
            return events.encode({"reset": True, "epoch": channel.epoch, "seq": channel.head})
        return f'{{"epoch":"{channel.epoch}","seq":{seq + len(found)},"events":[{",".join(found)}]}}'

    @contextmanager
    def _joined(self, cursor: Cursor) -> "Iterator[asyncio.Task[None]]":
        self._outlet.behind(cursor)
        sender = asyncio.create_task(self._outlet.run())
        sender.add_done_callback(lambda _: self._changed.set())
        try:
            yield sender
        finally:
            sender.cancel()
            self._state.hub.leave(cursor)

    async def _next(self, seconds: float) -> str | None:
        """The next event within `seconds`; None if none came, or none will."""
        if not self._texts:
            self._changed.clear()
            self._room.set()
            try:
                await asyncio.wait_for(self._changed.wait(), seconds)
            except TimeoutError:
                return None
        return self._texts.popleft() if self._texts else None

    def _reset(self, epoch: str, seq: int) -> str:
        text = events.encode({"type": "reset", "article": self._article_id, "epoch": epoch, "seq": seq})
        return _sse("reset", None, text)

    async def _take(self, line: Line) -> None:
        while len(self._texts) >= TAKEN:
            self._room.clear()
            await self._room.wait()
        self._texts.append(line[1])
        self._changed.set()

    def _on_ended(self, _cursor: Cursor, _reason: str) -> None:
        self._ended = True
        self._changed.set()


def _sse(name: str | None, id: str | None, data: str) -> str:
    """One server-sent event (WHATWG HTML, 9.2); events of the log have no name, so that `onmessage` gets them."""
    named = f"event: {name}\n" if name else ""
    placed = f"id: {id}\n" if id else ""
    return f"{named}{placed}data: {data}\n\n"


routes = [Route("/api/articles/{id}/events", stream, methods=["GET"])]
