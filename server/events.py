"""The events of a discussion as the exact JSON text that is stored in the log and sent to everyone.

Owns the wire forms of articles, comments and events (CONTRACT.md), and how an earlier frame is rewritten when its
content changes or goes (DESIGN law 11). A frame is the same for every reader: nothing here knows who reads. Encoding
happens once per event, inside the transaction that makes it.
"""

from typing import Any

import msgspec

from server import models
from server.models import Status
from server.times import rfc3339

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()

POSTED = "comment.posted"
EDITED = "comment.edited"
REMOVED = "comment.removed"
RESTORED = "comment.restored"
PINNED = "comment.pinned"
SCORED = "comments.scored"
ARTICLE_UPDATED = "article.updated"
NOOP = "noop"
QUEUE_ENTERED = "queue.entered"
QUEUE_LEFT = "queue.left"
DECIDED = "comment.decided"


class Image(msgspec.Struct, frozen=True):
    url: str
    caption: str | None


class Article(msgspec.Struct, frozen=True):
    """An article as published."""

    id: int
    slug: str
    url: str | None
    title: str
    byline: str | None
    published_at: str | None
    image: Image | None
    state: str
    slow_mode_seconds: int
    comment_count: int
    created_at: str


class Author(msgspec.Struct, frozen=True):
    """A comment's author as everyone sees them. `avatar` is null: the page shows an initial, and fetches no picture."""

    id: int
    name: str
    role: str
    avatar: str | None


class Comment(msgspec.Struct, frozen=True):
    """A comment as published; `author`, `tree` and `edited_at` are null unless it may be read."""

    id: int
    article: int
    parent: int | None
    depth: int
    ref: str
    author: Author | None
    tree: msgspec.Raw | None
    created_at: str
    dated: bool
    edited_at: str | None
    status: str
    up: int
    down: int
    replies: int
    pinned: bool


def article(row: models.Article) -> Article:
    """The wire form of an article."""
    return Article(
        id=row.id,
        slug=row.slug,
        url=row.url,
        title=row.title,
        byline=row.byline,
        published_at=None if row.published_at is None else rfc3339(row.published_at),
        image=None if row.image_url is None else Image(row.image_url, row.image_caption),
        state=row.state,
        slow_mode_seconds=row.slow_mode_seconds,
        comment_count=row.comment_count,
        created_at=rfc3339(row.created_at),
    )


def comment(row: models.Comment, *, show_held: bool = False) -> Comment:
    """The wire form of a comment. Its content shows while it is visible; with `show_held` (for its author and
    moderators) while it is pending, too."""
    shown = row.status == Status.VISIBLE or (show_held and row.status == Status.PENDING)
    return comment_with(row, shown=shown)


def comment_with(row: models.Comment, *, shown: bool) -> Comment:
    """The wire form of a comment whose content is shown or not, whatever its status: for moderators' own pages."""
    author = None
    if shown and row.author_id is not None:
        author = Author(row.author_id, row.author_name or "", row.author_role or "guest", None)
    return Comment(
        id=row.id,
        article=row.article_id,
        parent=row.parent_id,
        depth=row.depth,
        ref=row.ref,
        author=author,
        tree=msgspec.Raw(row.tree.encode()) if shown else None,
        created_at=rfc3339(row.created_at),
        dated=bool(row.dated),
        edited_at=rfc3339(row.edited_at) if shown and row.edited_at is not None else None,
        status=row.status,
        up=row.up,
        down=row.down,
        replies=row.replies,
        pinned=bool(row.pinned),
    )


def encode(value: object) -> str:
    """JSON text of a wire form."""
    return _encoder.encode(value).decode()


def decode(frame: str | bytes) -> Any:
    """The JSON value of a frame. Raises msgspec.DecodeError."""
    return _decoder.decode(frame)


def frame(type: str, channel: str, epoch: str, seq: int, at: int, content: dict[str, object]) -> str:
    """The exact text of one event: `type`, the channel, `epoch`, `seq`, `at`, then its content."""
    return encode({"type": type, **_address(channel), "epoch": epoch, "seq": seq, "at": rfc3339(at), **content})


def held(row: models.Comment) -> dict[str, object]:
    """What the poster of a held comment is answered: the event it will be, without a place in the log."""
    return {"type": POSTED, "article": row.article_id, "comment": comment(row, show_held=True)}


def _address(channel: str) -> dict[str, object]:
    kind, _, key = channel.partition(":")
    if kind == "article":
        return {"article": int(key)}
    return {"channel": "me" if kind == "person" else channel}


def rewritten(text: str, present: models.Comment) -> str:
    """An earlier frame of a comment, with the content the comment has at present (law 11).

    `comment.posted` and `comment.restored` keep their type, position and counters and carry the present content; an
    older `comment.edited` becomes `noop`; every other frame carries no content and stays as it is.
    """
    event = decode(text)
    if event["type"] in (POSTED, RESTORED):
        now = comment(present)
        event["comment"] |= {
            "author": now.author,
            "tree": now.tree,
            "edited_at": now.edited_at,
            "status": now.status,
        }
        return encode(event)
    if event["type"] == EDITED:
        kept = ("article", "channel", "epoch", "seq", "at")
        return encode({"type": NOOP, **{key: event[key] for key in kept if key in event}})
    return text
