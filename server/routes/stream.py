"""The same events without a WebSocket: server-sent events, and a long poll, both from the same log and hub.

For proxies that do not pass WebSockets. Each is a reader with one cursor; nothing here knows what an event means.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import ExitStack, contextmanager

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Send

from server import events
from server.errors import BadRequest, Forbidden, NotFound
from server.follower import Follower
from server.hub import Batch, Cursor
from server.models import article_channel
from server.relay import Reset
from server.routes import web
from server.state import State

POLL_SECONDS = 25  # a long poll's longest wait; proxies cut at 30 to 60
POLL_EVENTS = 500
HEAD_SECONDS = 25  # of quiet, after which a stream says where it stands; a client gives up after 40
SEND_SECONDS = 10  # a reader may leave what it was sent untaken


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
        return _EventStream(
            reader.lines(joined, leaving.pop_all()),
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            media_type="text/event-stream",
        )


class _EventStream(StreamingResponse):
    """A stream whose reader is sent away when it does not take what it was sent."""

    async def stream_response(self, send: Send) -> None:
        async def in_time(message: Message) -> None:
            await asyncio.wait_for(send(message), SEND_SECONDS)

        try:
            await super().stream_response(in_time)
        except TimeoutError:
            raise ClientDisconnect from None


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


class _Shelf:
    """The link of a stream: room for one batch."""

    def __init__(self) -> None:
        self.texts: deque[str] = deque()
        self.changed = asyncio.Event()  # something to send, or nothing more to come

    def write(self, batch: Batch) -> bool:
        """Takes a batch if there is none."""
        if self.texts:
            return False
        self.texts.extend(frame.text for frame in batch.frames)
        self.changed.set()
        return True


class _Stream(Follower):
    """One article's events for one request."""

    def __init__(self, state: State, article_id: int) -> None:
        self._shelf = _Shelf()
        super().__init__(state.hub, state.relay, self._shelf)
        self._channel = article_channel(article_id)
        self._article_id = article_id
        self._over = False  # the history ended
        self._draining = state.draining

    async def subscribe(self, epoch: str | None, since: int | None) -> Cursor | Reset:
        """Joins the article's channel. Raises NotFound, Unavailable."""
        joined = await self._relay.subscribe(self, self._channel, epoch, since, None)
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
            with self._joined(joined):
                while not self._over and not self._draining.is_set():
                    text = await self._next(HEAD_SECONDS)
                    if text is not None:
                        yield _sse(None, f"{channel.epoch}:{events.decode(text)['seq']}", text)
                    elif joined.seq == channel.head:
                        yield _sse("head", None, events.encode({"type": "head", **named, "seq": joined.seq}))
            if self._over:
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
        if self._over:
            return events.encode({"reset": True, "epoch": channel.epoch, "seq": channel.head})
        return f'{{"epoch":"{channel.epoch}","seq":{seq + len(found)},"events":[{",".join(found)}]}}'

    def ended(self, cursor: Cursor, reason: str) -> None:
        """See hub.Reader."""
        self._over = True
        self._shelf.changed.set()

    @contextmanager
    def _joined(self, cursor: Cursor) -> Iterator[None]:
        self.start(cursor)
        stopping = asyncio.create_task(self._draining.wait())
        stopping.add_done_callback(lambda _: self._shelf.changed.set())
        try:
            yield
        finally:
            stopping.cancel()
            self.stop()
            self.drop(cursor)

    async def _next(self, seconds: float) -> str | None:
        """The next event within `seconds`; None if none came, or none will."""
        shelf = self._shelf
        if not shelf.texts:
            shelf.changed.clear()
            self.writable()
            if not (shelf.texts or self._over or self._draining.is_set()):
                try:
                    await asyncio.wait_for(shelf.changed.wait(), seconds)
                except TimeoutError:
                    return None
        return shelf.texts.popleft() if shelf.texts else None

    def _reset(self, epoch: str, seq: int) -> str:
        text = events.encode({"type": "reset", "article": self._article_id, "epoch": epoch, "seq": seq})
        return _sse("reset", None, text)


def _sse(name: str | None, id: str | None, data: str) -> str:
    """One server-sent event (WHATWG HTML, 9.2); events of the log have no name, so that `onmessage` gets them."""
    named = f"event: {name}\n" if name else ""
    placed = f"id: {id}\n" if id else ""
    return f"{named}{placed}data: {data}\n\n"


routes = [Route("/api/articles/{id}/events", stream, methods=["GET"])]
