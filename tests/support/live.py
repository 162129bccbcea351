"""A client of /live that believes nothing: it keeps every frame and fails the moment a log has a gap or a double."""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

Frame = dict[str, Any]

# What a connection says beside the log. Every other frame that carries a seq is an event of some log.
_NOT_EVENTS = {"subscribed", "unsubscribed", "reset", "head", "presence", "counts", "pong", "error", "reconnect"}


def is_event(frame: Frame) -> bool:
    """True for an entry of a log."""
    return frame["type"] not in _NOT_EVENTS


def channel_of(frame: Frame) -> str:
    """The log that a frame speaks of: `article:3`, `moderation`, `me`."""
    if "channel" in frame or "article" not in frame:  # a frame of `moderation` or `me` may speak of an article, too
        return str(frame.get("channel", ""))
    article = frame["article"]  # its id; in `article.updated` the article itself
    return f"article:{article['id'] if isinstance(article, dict) else article}"


class LiveClient:
    """One connection to `/live` of a server, read in the background from the first frame on.

    `frames` is everything that came, parsed; `raw` the same as text. The law of the log is checked on every event:
    after `subscribed`, the next seq of a channel is exactly one more than the last, of the same epoch. A breach fails
    whoever waits next, and `close()`.
    """

    def __init__(self, url: str, *, origin: str | None = None, headers: dict[str, str] | None = None) -> None:
        self.url = url.replace("http", "ws", 1).rstrip("/") + "/live"
        self._origin = origin
        self._headers = headers or {}
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._next: dict[str, tuple[str, int]] = {}  # channel -> (epoch, the only seq that may come next)
        self._asked: dict[str, int] = {}  # channel -> the `since` of the latest subscribe, until it is answered
        self._breach: str | None = None
        self._unread = 0  # index into frames of the first that next_event has not passed
        self.frames: list[Frame] = []
        self.raw: list[str] = []
        self.close_code: int | None = None  # set when the connection has ended, by either side
        self.close_reason = ""

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close(check=kind is None)

    async def open(self) -> None:
        """Connects. Raises websockets' InvalidStatus when the handshake is refused."""
        self._socket = await connect(
            self.url,
            origin=self._origin,  # type: ignore[arg-type]
            additional_headers=self._headers,
            compression=None,
            ping_interval=None,
            max_size=2**24,
        )
        self._reader = asyncio.create_task(self._read(self._socket), name="live client")

    async def close(self, *, check: bool = True) -> None:
        """Closes it. With `check`, fails if the law of the log was broken at any time."""
        if self._socket is not None:
            await self._socket.close()
        if self._reader is not None:
            await self._reader
        if check:
            self._raise_breach()

    def abort(self) -> None:
        """Drops the connection without a word, as a phone in a tunnel does."""
        assert self._socket is not None
        self._socket.transport.abort()

    @property
    def events(self) -> list[Frame]:
        """Every event so far, in the order it came."""
        return [frame for frame in self.frames if is_event(frame)]

    @property
    def raw_events(self) -> list[str]:
        """The same as text, byte for byte as sent."""
        return [text for text, frame in zip(self.raw, self.frames, strict=True) if is_event(frame)]

    def position(self, article: int) -> tuple[str, int]:
        """Epoch and seq to resume an article from: what a `subscribe` of the next connection would name."""
        epoch, following = self._next[f"article:{article}"]
        return epoch, following - 1

    async def send(self, message: Frame | str | bytes) -> None:
        """Sends an object as JSON, or text and bytes as they are."""
        assert self._socket is not None
        await self._socket.send(json.dumps(message) if isinstance(message, dict) else message)

    async def subscribe(
        self, article: int, epoch: str | None = None, since: int | None = None, *, seconds: float = 10, **more: Any
    ) -> Frame:
        """Subscribes to an article and returns the answer: `subscribed` or `reset` (or `error`)."""
        message: Frame = {"type": "subscribe", "article": article, **more}
        if epoch is not None:
            message["epoch"] = epoch
        if since is not None:
            message["since"] = since
        return await self._subscribe(f"article:{article}", message, since, seconds)

    async def subscribe_channel(
        self,
        channel: str,
        token: str,
        epoch: str | None = None,
        since: int | None = None,
        *,
        seconds: float = 10,
        **more: Any,
    ) -> Frame:
        """Subscribes to `moderation` or `me` and returns the answer, which may be an `error`."""
        message: Frame = {"type": "subscribe", "channel": channel, "token": token, **more}
        if epoch is not None:
            message["epoch"] = epoch
        if since is not None:
            message["since"] = since
        return await self._subscribe(channel, message, since, seconds)

    async def _subscribe(self, channel: str, message: Frame, since: int | None, seconds: float) -> Frame:
        start = len(self.frames)
        if since is not None:
            self._asked[channel] = since

        def answers(frame: Frame) -> bool:
            return frame["type"] == "error" or (
                frame["type"] in ("subscribed", "reset") and channel_of(frame) == channel
            )

        await self.send(message)
        return await self.wait_for(answers, after=start, seconds=seconds)

    async def ping(self, *, seconds: float = 10) -> None:
        """There and back: whatever the server wrote to this connection before has arrived when it returns."""
        start = len(self.frames)
        await self.send({"type": "ping"})
        await self.wait_for("pong", after=start, seconds=seconds)

    async def next_event(self, *, seconds: float = 10) -> Frame:
        """The next event that this method has not returned yet."""
        return await self._await_frame(is_event, seconds, advance=True)

    async def wait_for(
        self, what: str | Callable[[Frame], bool], *, after: int = 0, seconds: float = 10, **fields: Any
    ) -> Frame:
        """The first frame from index `after` on that is of the type, or passes the test, and has the `fields`."""

        def wanted(frame: Frame) -> bool:
            fits = frame["type"] == what if isinstance(what, str) else what(frame)
            return fits and all(frame.get(name) == value for name, value in fields.items())

        return await self._await_frame(wanted, seconds, start=after, sought=f"{what} {fields or ''}")

    async def wait_for_seq(self, article: int, seq: int, *, seconds: float = 15) -> None:
        """Until the article's log has been received up to `seq`."""
        channel = f"article:{article}"

        def level() -> bool:
            return channel in self._next and self._next[channel][1] > seq

        await self._until(level, seconds, f"seq {seq} of {channel}")

    async def wait_closed(self, *, seconds: float = 15) -> int:
        """Until the server has ended the connection; the close code (1006 when it ended without one)."""
        await self._until(lambda: self.close_code is not None, seconds, "the end of the connection")
        assert self.close_code is not None
        return self.close_code

    async def _await_frame(
        self,
        wanted: Callable[[Frame], bool],
        seconds: float,
        *,
        start: int = 0,
        advance: bool = False,
        sought: str = "event",
    ) -> Frame:
        place = self._unread if advance else start
        found: list[Frame] = []

        def look() -> bool:
            nonlocal place
            while place < len(self.frames):
                place += 1
                if wanted(self.frames[place - 1]):
                    found.append(self.frames[place - 1])
                    return True
            return False

        await self._until(look, seconds, sought)
        if advance:
            self._unread = place
        return found[0]

    async def _until(self, reached: Callable[[], bool], seconds: float, sought: str) -> None:
        try:
            async with asyncio.timeout(seconds), self._changed:
                while not reached():
                    self._raise_breach()
                    assert self.close_code is None, (
                        f"closed with {self.close_code} {self.close_reason!r} before {sought.strip()}; {self._recent()}"
                    )
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"no {sought.strip()} within {seconds} s; {self._recent()}") from None
        self._raise_breach()

    def _recent(self) -> str:
        return f"{len(self.raw)} frames came, the last: {self.raw[-3:]}"

    def _raise_breach(self) -> None:
        if self._breach is not None:
            raise AssertionError(self._breach)

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                frame = json.loads(text)
                async with self._changed:
                    self.raw.append(text if isinstance(text, str) else text.decode())
                    self.frames.append(frame)
                    self._check(frame)
                    self._changed.notify_all()
        except ConnectionClosed:
            pass  # the code below says how
        async with self._changed:
            self.close_code = 1006 if socket.close_code is None else socket.close_code
            self.close_reason = socket.close_reason or ""
            self._changed.notify_all()

    def _check(self, frame: Frame) -> None:
        channel = channel_of(frame)
        if frame["type"] == "subscribed" and "seq" in frame:
            since = self._asked.pop(channel, None)
            self._next[channel] = (frame["epoch"], (frame["seq"] if since is None else since) + 1)
        elif frame["type"] in ("reset", "unsubscribed"):
            self._asked.pop(channel, None)
            self._next.pop(channel, None)
        elif is_event(frame):
            expected = self._next.get(channel)
            if expected is None:
                self._breach = self._breach or f"an event of {channel}, which is not subscribed: {frame}"
            elif (frame["epoch"], frame["seq"]) != expected:
                self._breach = self._breach or f"{channel}: expected epoch and seq {expected}, got {frame}"
            else:
                self._next[channel] = (frame["epoch"], frame["seq"] + 1)
