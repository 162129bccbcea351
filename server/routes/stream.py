"""The same events without a WebSocket: server-sent events, and a long poll, both from the same log and hub.

For proxies that do not pass WebSockets. Each is a reader with one cursor; nothing here knows what an event means.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from server import events
from server.errors import BadRequest, Forbidden, NotFound, TooMany
from server.follower import Follower
from server.frames import Batch
from server.hub import Cursor
from server.models import article_channel
from server.relay import Reset
from server.routes import web
from server.routes.live import LiveDoor
from server.state import State

POLL_SECONDS = 25  # of quiet, at most: proxies cut at 30 to 60, and a client gives up after 40
POLL_EVENTS = 500
RETRY_MS_LEAST = 1000  # an EventSource waits so long before each of its attempts from then on, so never 0


async def stream(request: Request) -> Response:
    """`GET /api/articles/{id}/events`."""
    article_id = web.path_id(request)
    state = web.state_of(request)
    origin = request.headers.get("origin")
    if not web.may_embed(state.config, request.headers, origin):
        raise Forbidden(f"pages of {origin} may not read this (ALLOWED_ORIGINS)")
    epoch, since = _position(request)
    streamed = "text/event-stream" in request.headers.get("accept", "")
    wait = web.whole(request, "wait", POLL_SECONDS, 1 if streamed else 0, POLL_SECONDS)
    reader = _Stream(state, article_id, wait)
    with ExitStack() as leaving:
        try:
            leaving.enter_context(state.connections.one(web.address(request)))
        except TooMany:
            state.metrics.aborted("too_many")
            raise
        joined = await reader.subscribe(epoch, since)
        if isinstance(joined, Cursor):
            leaving.callback(reader.leave, joined)
        if request.method == "HEAD":
            return _head_of(_EventStream(_nothing(), ExitStack()) if streamed else web.text_answer(""))
        if not streamed:
            return web.text_answer(await _while_connected(request, reader.poll(joined)))
        door: LiveDoor = request.scope["app"].state.door
        return _EventStream(reader.lines(joined, door.back_in_ms), leaving.pop_all())


class _EventStream(StreamingResponse):
    """A stream; `leaving` is closed at its end, even if it never began. A reader that does not take what it was sent is
    cut off below (transport/outbox.py), which ends the stream like any other hanging up."""

    def __init__(self, lines: AsyncIterator[str], leaving: ExitStack) -> None:
        super().__init__(
            lines, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}, media_type="text/event-stream"
        )
        self._leaving = leaving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._leaving:
            await super().__call__(scope, receive, send)


def _head_of(answer: Response) -> Response:
    """The headers that an answer begins with, and no claim of how long it would be."""
    head = Response(None, answer.status_code)
    head.raw_headers = [(name, value) for name, value in answer.raw_headers if name != b"content-length"]
    return head


async def _nothing() -> AsyncIterator[str]:
    return
    yield


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

    def __init__(self, state: State, article_id: int, wait: float) -> None:
        self._wait = wait  # seconds of quiet, after which a poll answers and a stream says where it stands
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

    def leave(self, cursor: Cursor) -> None:
        """The request is over."""
        self.stop()
        self.drop(cursor)

    async def lines(self, joined: Cursor | Reset, back_in_ms: Callable[[], int]) -> AsyncIterator[str]:
        """The event stream: every event with its position as id, `head` when it is quiet, `reset` before it ends; when
        the server stops, the time after which to come back."""
        if isinstance(joined, Reset):
            yield self._reset(joined.epoch, joined.seq)
            return
        channel, epoch = joined.channel, joined.channel.epoch
        named = {"article": self._article_id, "epoch": epoch}
        yield _sse("subscribed", None, events.encode({"type": "subscribed", **named, "seq": channel.head}))
        with self._going(joined):
            while not self._draining.is_set():
                text = await self._next(joined)
                if text is not None:
                    yield _sse(None, f"{epoch}:{events.decode(text)['seq']}", text)
                elif self._over:
                    yield self._reset(channel.epoch, channel.head)
                    return
                elif joined.seq == channel.head:
                    yield _sse("head", None, events.encode({"type": "head", **named, "seq": joined.seq}))
        yield f"retry: {RETRY_MS_LEAST + back_in_ms()}\n\n"

    async def poll(self, joined: Cursor | Reset) -> str:
        """What there is after the position, or the first that comes within POLL_SECONDS, as one JSON answer."""
        if isinstance(joined, Reset):
            return events.encode({"reset": True, "epoch": joined.epoch, "seq": joined.seq})
        channel, epoch, seq, found = joined.channel, joined.channel.epoch, joined.seq, list[str]()
        with self._going(joined):
            text = await self._next(joined)
            while text is not None:
                found.append(text)
                more = len(found) < POLL_EVENTS and seq + len(found) < channel.head
                text = await self._next(joined) if more else None
        if self._over:
            return events.encode({"reset": True, "epoch": channel.epoch, "seq": channel.head})
        return f'{{"epoch":"{epoch}","seq":{seq + len(found)},"events":[{",".join(found)}]}}'

    def ended(self, cursor: Cursor, reason: str) -> None:
        """See hub.Reader."""
        self._over = True
        self._shelf.changed.set()

    @contextmanager
    def _going(self, cursor: Cursor) -> Iterator[None]:
        self.start(cursor)
        stopping = asyncio.create_task(self._draining.wait())
        stopping.add_done_callback(lambda _: self._shelf.changed.set())
        try:
            yield
        finally:
            stopping.cancel()

    async def _next(self, cursor: Cursor) -> str | None:
        """The next event within the time; None if none came, or none will. One that is in the log is waited for."""
        shelf = self._shelf
        if not shelf.texts:
            shelf.changed.clear()
            self.writable()
            if not (shelf.texts or self._over or self._draining.is_set()):
                with contextlib.suppress(TimeoutError):
                    level = cursor.seq == cursor.channel.head
                    async with asyncio.timeout(self._wait if level else POLL_SECONDS):
                        await shelf.changed.wait()
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
