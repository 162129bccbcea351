"""The words of the domain as frozen values: what storage returns, what actions decide with, what routes are given.

Times are integer microseconds since 1970 UTC (server.times), trees are the JSON text of CONTRACT's node tree. Nothing
here knows where a value came from or how it is sent.
"""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person is here. Moderators and admins are staff."""

    GUEST = "guest"
    MEMBER = "member"
    MODERATOR = "moderator"
    ADMIN = "admin"

    @property
    def is_staff(self) -> bool:
        return self in (Role.MODERATOR, Role.ADMIN)


class Status(StrEnum):
    """What a comment is now. Only visible ones are shown; the last two are tombstones."""

    VISIBLE = "visible"
    PENDING = "pending"
    REMOVED = "removed"
    DELETED = "deleted"


class ArticleState(StrEnum):
    OPEN = "open"
    PREMODERATED = "premoderated"
    CLOSED = "closed"


class Sort(StrEnum):
    """Order of the top-level comments; replies are always oldest first."""

    OLDEST = "oldest"
    NEWEST = "newest"
    TOP = "top"


class Decision(StrEnum):
    """What a moderator can decide about a comment."""

    APPROVE = "approve"
    REJECT = "reject"
    SPAM = "spam"
    RESTORE = "restore"
    PIN = "pin"
    UNPIN = "unpin"


@dataclass(frozen=True, slots=True)
class Article:
    """One article as stored. `body` is safe HTML; `url` is the publisher's, if the article lives elsewhere."""

    id: int
    slug: str
    url: str | None
    canonical_url: str | None
    title: str
    byline: str | None
    body: str
    image_url: str | None
    image_caption: str | None
    published_at: int | None
    state: ArticleState
    slow_mode_seconds: int
    comment_count: int
    created_at: int
    origin: str | None
    origin_id: str | None

    @property
    def channel(self) -> str:
        """The channel whose audience is everyone who may read this article."""
        return article_channel(self.id)


@dataclass(frozen=True, slots=True)
class Comment:
    """One comment as stored, with its author's present name and role.

    `replies` counts direct visible replies; `kept` counts direct replies that are in the thread (visible, or tombstones
    that are kept): a comment is in the thread while it is visible or `kept` is above 0.
    """

    id: int
    article_id: int
    parent_id: int | None
    root_id: int
    depth: int
    path: bytes
    author_id: int | None
    ref: str
    tree: str
    status: Status
    up: int
    down: int
    replies: int
    kept: int
    created_at: int
    dated: int
    edited_at: int | None
    pinned: int
    author_name: str | None
    author_role: str | None

    @property
    def in_thread(self) -> bool:
        return self.status == Status.VISIBLE or self.kept > 0


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who writes or moderates; guests are people too."""

    id: int
    name: str
    role: Role
    email: str | None
    created_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who is asking: the person behind the token (None: nobody known), and what of their role counts here.

    `staff` is false for a moderator who asks from another origin than Ripost's own. `address` is a keyed hash of the
    network address, never the address.
    """

    person: Person | None
    staff: bool
    address: str
    origin: str | None = None
    session: str | None = None

    @property
    def id(self) -> int | None:
        return None if self.person is None else self.person.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A comment as its author sent it. `client_id` is the author's secret; it is stored and compared hashed."""

    client_id: str
    text: str
    parent: int | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a channel's log: the last event known, in the history named by `epoch`."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Appended:
    """An event that a transaction appended. `frame` is the exact JSON text that everyone gets."""

    channel: str
    epoch: str
    seq: int
    at: int
    frame: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """An earlier frame of a channel whose content changed or is gone."""

    channel: str
    seq: int
    frame: str


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction changed in the logs, said after it is on disk. `rewritten` comes before `appended`."""

    rewritten: tuple[Rewritten, ...]
    appended: tuple[Appended, ...]
    moment: float | None = None  # monotonic seconds of this process when it was on disk; None: another's commit


REPORT_REASON_MAX = 60  # characters
REPORT_NOTE_MAX = 1000
MODERATION_CHANNEL = "moderation"


def article_channel(article_id: int) -> str:
    """The public channel of an article."""
    return f"article:{article_id}"


def person_channel(person_id: int) -> str:
    """The channel that only this person may read."""
    return f"person:{person_id}"
