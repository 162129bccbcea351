"""Ripost's own export: one JSON object a line.

A header first, then people, sessions, articles, comments, votes, reports, decisions.

These structs are the format, for writing and for reading. It holds what another instance needs to go on as this one:
numbers, slugs, hashes of sessions and of client ids, what was held, removed and decided. It never holds a token, a
client id, or the text of a deleted comment. Content is checked on the way in like everybody's: only nodes that
Markdown may make, only links that are safe.
"""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import msgspec

from server import bodies, events, markdown, web_links
from server.importers.records import NotUnderstood, ParentsFirst
from server.models import REPORT_NOTE_MAX, REPORT_REASON_MAX, ArticleState, Decision, Role, Status
from server.times import parse_rfc3339

FORMAT = "ripost"
VERSION = 1
LINE_BYTES = 8 << 20  # an article's body of 1 MiB, every character escaped, and room
NUMBER_MAX = 2**53  # what JSON readers everywhere keep exactly


class Header(msgspec.Struct, frozen=True):
    """The first line. `instance` names the database that the numbers belong to."""

    format: str
    version: int
    instance: str
    exported_at: str


class _Record(msgspec.Struct, frozen=True, kw_only=True, tag_field="record"):
    pass


class Person(_Record, frozen=True, kw_only=True, tag="person"):
    """Someone who writes or moderates; `erased_at` for one who was forgotten."""

    id: int
    name: str
    role: Role
    email: str | None = None
    created_at: str
    erased_at: str | None = None
    origin: str | None = None
    origin_id: str | None = None


class Session(_Record, frozen=True, kw_only=True, tag="session"):
    """A signed-in device, by the hash of its token."""

    hash: str
    person: int
    origin: str | None = None
    created_at: str
    expires_at: str | None = None


class Article(_Record, frozen=True, kw_only=True, tag="article"):
    """An article with its body and every slug it ever had."""

    id: int
    slug: str
    slugs: list[str] = []
    url: str | None = None
    title: str
    byline: str | None = None
    body: str = ""
    image_url: str | None = None
    image_caption: str | None = None
    published_at: str | None = None
    state: ArticleState = ArticleState.OPEN
    slow_mode_seconds: int = 0
    created_at: str
    origin: str | None = None
    origin_id: str | None = None


class Comment(_Record, frozen=True, kw_only=True, tag="comment"):
    """A comment, whatever its status. `published`: whether it was ever public. `up` and `down` are without the votes
    that have records of their own."""

    id: int
    article: int
    parent: int | None = None
    author: int | None = None
    ref: str
    client_hash: str | None = None
    text_hash: str = ""
    source: str | None = None
    tree: list[Any] = []
    status: Status = Status.VISIBLE
    published: bool = True
    held_for: str | None = None
    up: int = 0
    down: int = 0
    created_at: str
    dated: bool = True
    edited_at: str | None = None
    pinned: bool = False
    origin: str | None = None
    origin_id: str | None = None


class Vote(_Record, frozen=True, kw_only=True, tag="vote"):
    """What a person thinks of a comment: 1 or -1."""

    comment: int
    person: int
    value: Literal[1, -1]
    at: str


class Report(_Record, frozen=True, kw_only=True, tag="report"):
    """What a reader says is wrong with a comment. `reporter` is a keyed hash of them and the comment; `settled`: a
    moderator has decided, and who it was and what they wrote is forgotten."""

    comment: int
    reporter: Annotated[str, msgspec.Meta(max_length=64)]
    person: int | None = None
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=REPORT_REASON_MAX)]
    note: Annotated[str, msgspec.Meta(max_length=REPORT_NOTE_MAX)] | None = None
    settled: bool = False
    at: str


class Decided(_Record, frozen=True, kw_only=True, tag="decision"):
    """What a moderator decided."""

    id: int
    comment: int | None = None
    article: int
    moderator: int | None = None
    decision: Decision
    reason: str | None = None
    at: str


Record = Person | Session | Article | Comment | Vote | Report | Decided

_header = msgspec.json.Decoder(Header)
_record: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_TIMES: dict[type, tuple[str, ...]] = {
    Person: ("created_at", "erased_at"),
    Session: ("created_at", "expires_at"),
    Article: ("created_at", "published_at"),
    Comment: ("created_at", "edited_at"),
    Vote: ("at",),
    Report: ("at",),
    Decided: ("at",),
}
_NUMBERS: dict[type, tuple[str, ...]] = {
    Person: ("id",),
    Session: ("person",),
    Article: ("id",),
    Comment: ("id", "article", "parent", "author"),
    Vote: ("comment", "person"),
    Report: ("comment", "person"),
    Decided: ("id", "comment", "article", "moderator"),
}


def header(line: bytes) -> Header:
    """The first line of an export. Raises NotUnderstood."""
    try:
        found = _header.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    if found is None or found.format != FORMAT:
        raise NotUnderstood(1, 'the header of an export, {"format":"ripost",…}, is expected')
    if found.version != VERSION:
        raise NotUnderstood(
            1, f"an export of version {VERSION} is expected; this is version {found.version}, of a newer Ripost"
        )
    return found


def parse(lines: Iterable[bytes]) -> Iterator[Record]:
    """The records of the lines after the header: parents before replies, then votes and reports, then decisions.

    Raises NotUnderstood.
    """
    order: ParentsFirst[Record] = ParentsFirst()
    decisions: list[Record] = []
    said: list[Record] = []  # votes and reports that come while a comment waits for its parent
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        record = _read(number, line)
        if isinstance(record, Comment):
            yield from order.take(record.id, record.parent, record)
        elif isinstance(record, Vote | Report) and order.waits:
            said.append(record)
        elif isinstance(record, Decided):
            decisions.append(record)
        else:
            yield record
    yield from order.rest()
    yield from said
    yield from decisions


def _read(number: int, line: bytes) -> Record:
    try:
        record = _record.decode(line)
        for name in _TIMES[type(record)]:
            if (moment := getattr(record, name)) is not None:
                parse_rfc3339(moment)
        for name in _NUMBERS[type(record)]:
            if (known := getattr(record, name)) is not None and not 0 < known < NUMBER_MAX:
                raise ValueError(f"{name} is {known}, a number from 1 to {NUMBER_MAX - 1} is accepted")
        return _safe(record)
    except (ValueError, OverflowError, RecursionError) as error:  # msgspec's errors are ValueErrors
        raise NotUnderstood(number, f"a record of an export is expected ({error})") from None


def _safe(record: Record) -> Record:
    """The record with nothing in it that could not have been posted here."""
    if isinstance(record, Article):
        return msgspec.structs.replace(record, body=bodies.to_html(record.body, "html") if record.body else "")
    if not isinstance(record, Comment):
        return record
    if record.status == Status.DELETED:
        return msgspec.structs.replace(record, source=None, tree=[], author=None, text_hash="")
    if is_tree(record.tree):
        return record
    return msgspec.structs.replace(record, tree=markdown.parse(record.source or ""))


def is_tree(tree: list[Any]) -> bool:
    """Whether a value is a tree as `markdown.parse` could have made it."""
    waiting: list[tuple[Any, int]] = [(node, 1) for node in tree]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, str):
            continue
        if not isinstance(node, list) or not node or node[0] not in markdown.TAGS or depth > markdown.DEPTH_MAX:
            return False
        children = node[1:]
        if node[0] == "a":
            link = children[0] if children else None
            if not isinstance(link, dict) or link.keys() != {"href"} or not isinstance(link["href"], str):
                return False
            if web_links.safe_href(link["href"]) != link["href"]:
                return False
            children = children[1:]
        waiting += [(child, depth + 1) for child in children]
    return True


def tree_text(comment: Comment) -> str:
    """The JSON of a comment's tree, as it is stored."""
    return events.encode(comment.tree)
