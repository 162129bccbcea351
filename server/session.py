"""A live connection's behaviour as one state machine: what it may send, what it gets, in which order.

`receive` takes one message of the client and returns effects; the shell around it (a socket) carries them out and tells
the outcome back (`subscribed`, `refused`). No I/O, no clock: the moment is passed in. Both shells pass the same tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from server import events
from server.errors import CLOSE_PROTOCOL_ERROR, CLOSE_TOO_BIG, BadRequest, Invalid, ProblemError, TooMany
from server.hub import Cursor
from server.models import MODERATION_CHANNEL, article_channel
from server.tallies import MOST_WATCHED
from server.times import rfc3339

MESSAGE_BYTES = 16 * 1024
MAX_SUBSCRIPTIONS = 32
MESSAGES_BURST = 60  # as many as a page with 32 threads sends when it comes back, and room
MESSAGES_PER_SECOND = 10
MAX_BAD_MESSAGES = 20  # then the other side is not a client of ours


class _Subscribe(msgspec.Struct, tag_field="type", tag="subscribe"):
    article: int | None = None
    channel: Literal["moderation", "me"] | None = None
    token: str | None = None
    epoch: str | None = None
    since: int | None = None
    at: str | None = None
    counts: list[int] | None = None


class _Unsubscribe(msgspec.Struct, tag_field="type", tag="unsubscribe"):
    article: int | None = None
    channel: Literal["moderation", "me"] | None = None
    counts: list[int] | bool | None = None


class _Typing(msgspec.Struct, tag_field="type", tag="typing"):
    article: int
    parent: int | None = None


class _Ping(msgspec.Struct, tag_field="type", tag="ping"):
    pass


_decode = msgspec.json.Decoder(_Subscribe | _Unsubscribe | _Typing | _Ping).decode

_NONE: frozenset[int] = frozenset()

Topic = tuple[str, int]
"""What a client names: ("article", 3), ("moderation", 0) or ("me", 0)."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send this text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close the connection with this code."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class Open:
    """Find the channel, check the right to read it, and join it from this position (None: from now)."""

    topic: Topic
    token: str | None
    epoch: str | None
    since: int | None
    at: str | None

    @property
    def channel(self) -> str | None:
        """The channel's name; None for the person's own, which only the token tells."""
        kind, key = self.topic
        return article_channel(key) if kind == "article" else MODERATION_CHANNEL if kind == "moderation" else None


@dataclass(frozen=True, slots=True)
class Leave:
    """Drop this cursor."""

    cursor: Cursor


@dataclass(frozen=True, slots=True)
class Type:
    """Whoever reads this article is typing, below this comment (None: at top level)."""

    cursor: Cursor
    parent: int | None


@dataclass(frozen=True, slots=True)
class Watch:
    """Watch the counts of these articles, too, and answer with them."""

    articles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unwatch:
    """Watch the counts of these articles no more."""

    articles: tuple[int, ...]


Effect = Send | Close | Open | Leave | Type | Watch | Unwatch


class Session:
    """The state of one connection: its subscriptions (an Open while one is being opened), and its manners.

    Subscribing again moves the position, even while the first is being opened: the last that was asked counts, and only
    it is answered.
    """

    __slots__ = ("_bad", "_counted", "_tokens", "subscriptions", "watched")

    def __init__(self, now: float) -> None:
        self.subscriptions: dict[Topic, Cursor | Open] = {}
        self._tokens = float(MESSAGES_BURST)
        self._counted = now
        self._bad = 0
        self.watched: frozenset[int] = _NONE  # articles whose counts are told; the shell may put an equal one here

    def receive(self, text: str, now: float) -> Sequence[Effect]:
        """One message of the client, at monotonic time `now` in seconds."""
        if len(text) > MESSAGE_BYTES // 4 and len(text.encode("utf-8", "surrogatepass")) > MESSAGE_BYTES:
            return [Close(CLOSE_TOO_BIG, f"at most {MESSAGE_BYTES // 1024} KiB make a message")]
        self._tokens = min(MESSAGES_BURST, self._tokens + (now - self._counted) * MESSAGES_PER_SECOND)
        self._counted = now
        if self._tokens < 1:
            return self._bad_message(TooMany("too many messages; at most 10 a second are read", retry_after=1))
        self._tokens -= 1
        try:
            message = _decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            return self._bad_message(BadRequest(f"not a message of this protocol: {error}"))
        self._bad = max(0, self._bad - 1)
        if isinstance(message, _Ping):
            return [Send('{"type":"pong"}')]
        try:
            if isinstance(message, _Typing):
                return self._type(message)
            if message.counts is not None:
                if message.article is not None or message.channel is not None:
                    raise Invalid.field("counts", "subscribe to counts, or to an article or a channel")
                return self._watch(message) if isinstance(message, _Subscribe) else self._unwatch(message)
            topic = _topic(message.article, message.channel)
            if isinstance(message, _Subscribe):
                return self._subscribe(topic, message)
            return self._unsubscribe(topic)
        except ProblemError as error:
            return self._bad_message(error)

    def _subscribe(self, topic: Topic, message: _Subscribe) -> Sequence[Effect]:
        if (message.epoch is None) != (message.since is None):
            raise Invalid.field("since", "epoch and since are given together, or neither")
        if message.since is not None and not 0 <= message.since < 2**63:
            raise Invalid.field("since", "a whole number from 0 is accepted")
        known = self.subscriptions.get(topic)
        if known is None and self._is_full:
            return [Send(problem_text(_one_too_many(), topic))]
        asked = Open(topic, message.token, message.epoch, message.since, message.at)
        self.subscriptions[topic] = asked
        return [Leave(known), asked] if isinstance(known, Cursor) else [asked]

    @property
    def _is_full(self) -> bool:
        return len(self.subscriptions) + bool(self.watched) >= MAX_SUBSCRIPTIONS

    def _type(self, message: _Typing) -> Sequence[Effect]:
        if message.parent is not None and not 0 < message.parent < 2**63:
            raise Invalid.field("parent", "the id of a comment is accepted, or null")
        cursor = self.subscriptions.get(_topic(message.article, None))
        if cursor is None:
            raise Invalid.field("article", "subscribe to the article first")
        return [Type(cursor, message.parent)] if isinstance(cursor, Cursor) else []

    def _watch(self, message: _Subscribe) -> Sequence[Effect]:
        wanted = _ids(message.counts)
        watched = self.watched.union(wanted)
        if len(watched) > MOST_WATCHED:
            raise Invalid.field("counts", f"at most {MOST_WATCHED} articles on a connection")
        if not self.watched and self._is_full:
            return [_uncounted(wanted, _one_too_many())]
        self.watched = watched
        return [Watch(wanted)]

    def _unwatch(self, message: _Unsubscribe) -> Sequence[Effect]:
        if message.counts is False:
            raise Invalid.field("counts", "true is accepted, or the ids of articles")
        gone = tuple(self.watched) if message.counts is True else _ids(message.counts)
        self.watched = self.watched.difference(gone)
        told = {"type": "unsubscribed", "counts": message.counts, "reason": "asked"}
        return [Unwatch(gone), Send(events.encode(told))]

    def _unsubscribe(self, topic: Topic) -> Sequence[Effect]:
        known = self.subscriptions.pop(topic, None)
        gone: list[Effect] = [Leave(known)] if isinstance(known, Cursor) else []
        return [*gone, Send(events.encode({"type": "unsubscribed", **_named(topic), "reason": "asked"}))]

    def _bad_message(self, error: ProblemError) -> Sequence[Effect]:
        self._bad += 1
        if self._bad > MAX_BAD_MESSAGES:
            return [Close(CLOSE_PROTOCOL_ERROR, "too many messages that are not of this protocol")]
        return [Send(problem_text(error))]

    def binary(self) -> Sequence[Effect]:
        """A binary message: not of this protocol."""
        return [Close(CLOSE_PROTOCOL_ERROR, "text frames only")]

    def subscribed(self, asked: Open, cursor: Cursor, epoch: str, head: int, readers: int) -> Sequence[Effect]:
        """The channel was joined. If the client has asked otherwise meanwhile, the cursor is dropped again."""
        topic = asked.topic
        if self.subscriptions.get(topic) is not asked:
            return [Leave(cursor)]
        self.subscriptions[topic] = cursor
        return [
            Send(
                events.encode({"type": "subscribed", **_named(topic), "epoch": epoch, "seq": head, "readers": readers})
            )
        ]

    def reset(self, asked: Open, epoch: str, head: int) -> Sequence[Effect]:
        """The position cannot be resumed: the client loads the snapshot and subscribes again."""
        if self.subscriptions.get(asked.topic) is not asked:
            return []
        del self.subscriptions[asked.topic]
        return [_reset(asked.topic, epoch, head)]

    def refused(self, asked: Open, error: ProblemError) -> Sequence[Effect]:
        """The channel may not be read, or is not there."""
        if self.subscriptions.get(asked.topic) is not asked:
            return []
        del self.subscriptions[asked.topic]
        return [Send(problem_text(error, asked.topic))]

    def ended(self, cursor: Cursor, reason: str) -> Sequence[Effect]:
        """The hub dropped a cursor: its history ended (`reset`) or a right did."""
        for topic, own in self.subscriptions.items():
            if own is cursor:
                del self.subscriptions[topic]
                if reason == "reset":
                    return [_reset(topic, cursor.channel.epoch, cursor.channel.head)]
                return [Send(events.encode({"type": "unsubscribed", **_named(topic), "reason": reason}))]
        return []

    def uncounted(self, articles: Sequence[int], error: ProblemError) -> Sequence[Effect]:
        """The counts of these articles, as far as they are still wanted, cannot be told now: the client asks again."""
        lost = tuple(article for article in articles if article in self.watched)
        self.watched = self.watched.difference(lost)
        return [Unwatch(lost), _uncounted(lost, error)] if lost else []

    def heads(self) -> Sequence[Send]:
        """Where each channel stands. Only for level cursors: one that catches up would take it for a loss."""
        return [
            Send(head_text(topic, cursor.channel.epoch, cursor.seq))
            for topic, cursor in self.subscriptions.items()
            if isinstance(cursor, Cursor) and cursor.seq == cursor.channel.head
        ]

    def cursors(self) -> list[Cursor]:
        """The cursors of every open subscription."""
        return [cursor for cursor in self.subscriptions.values() if isinstance(cursor, Cursor)]


def _topic(article: int | None, channel: str | None) -> Topic:
    if (article is None) == (channel is None):
        raise Invalid.field("article", "name an article or a channel, and only one of them")
    if channel is not None:
        return channel, 0
    assert article is not None
    if not 0 < article < 2**63:
        raise Invalid.field("article", "the id of an article is accepted")
    return "article", article


def _ids(articles: list[int] | bool | None) -> tuple[int, ...]:
    """The articles that are named, each once."""
    assert isinstance(articles, list)
    if not 0 < len(articles) <= MOST_WATCHED:
        raise Invalid.field("counts", f"the ids of 1 to {MOST_WATCHED} articles are accepted")
    if not all(0 < article < 2**63 for article in articles):
        raise Invalid.field("counts", "the ids of articles are accepted")
    return tuple(dict.fromkeys(articles))


def _named(topic: Topic) -> dict[str, object]:
    kind, key = topic
    return {"article": key} if kind == "article" else {"channel": kind}


def _reset(topic: Topic, epoch: str, head: int) -> Send:
    return Send(events.encode({"type": "reset", **_named(topic), "epoch": epoch, "seq": head}))


def _one_too_many() -> TooMany:
    return TooMany(f"at most {MAX_SUBSCRIPTIONS} subscriptions on a connection", retry_after=1)


def _uncounted(articles: Sequence[int], error: ProblemError) -> Send:
    return Send(events.encode({"type": "error", "counts": articles, "problem": error.problem()}))


def problem_text(error: ProblemError, topic: Topic | None = None) -> str:
    """An `error` frame, with the subscription it is about if it is about one."""
    return events.encode({"type": "error", **(_named(topic) if topic else {}), "problem": error.problem()})


def head_text(topic: Topic, epoch: str, seq: int) -> str:
    """A `head` frame: where the channel stands, so that a silent loss is noticed."""
    return events.encode({"type": "head", **_named(topic), "epoch": epoch, "seq": seq})


def matches(at: str, known: int) -> bool:
    """Whether a client's `at` is the time of the event it claims to know."""
    return at == rfc3339(known)
