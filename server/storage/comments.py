"""Comments: adding, changing and finding single ones. Pages of a thread are read by threads.py.

A comment's `path` orders a whole thread depth-first with one index scan: the ids from the root down, each as a length
byte and that many big-endian bytes, so that longer (larger) ids sort later. It holds at most 64 levels; a deeper reply
has the path of its ancestor on the last level and sorts there by id.

`replies` and `kept` are maintained by the steps below: `attach` and `detach` say that a comment came into the thread or
left it, and walk up only through tombstones that come or go with it.
"""

from dataclasses import dataclass

from sqlalchemy import Select, bindparam, func, insert, literal_column, select, text, update

from server.models import ArticleState, Comment, Status
from server.storage import meta
from server.storage.schema import articles, comments, people
from server.storage.transaction import Row, Transaction

PATH_LEVELS = 64

COLUMNS = (
    comments.c.id,
    comments.c.article_id,
    comments.c.parent_id,
    comments.c.root_id,
    comments.c.depth,
    comments.c.path,
    comments.c.author_id,
    comments.c.ref,
    comments.c.tree,
    comments.c.status,
    comments.c.up,
    comments.c.down,
    comments.c.replies,
    comments.c.kept,
    comments.c.created_at,
    comments.c.dated,
    comments.c.edited_at,
    comments.c.pinned,
    people.c.name,
    people.c.role,
)


def select_comments() -> Select[Row]:
    """A select of whole comments (models.Comment's fields in order) with their authors."""
    return select(*COLUMNS).select_from(comments.outerjoin(people, people.c.id == comments.c.author_id))


_GET = select_comments().where(comments.c.id == bindparam("comment"))
_HOLD_ARTICLE = text(
    "SELECT id FROM articles WHERE id = (SELECT article_id FROM comments WHERE id = :comment) FOR NO KEY UPDATE"
)
_BY_CLIENT = select(comments.c.id, comments.c.text_hash).where(comments.c.client_hash == bindparam("client"))
_SOURCE = select(comments.c.source).where(comments.c.id == bindparam("comment"))
SKIPPED = 1_000_000  # numbers; more comments than are posted between a backup and its restoration
_NEXT = {
    "sqlite": "max((SELECT coalesce(max(id), 0) FROM comments),"
    " (SELECT coalesce(max(CAST(value AS INTEGER)), 0) FROM meta WHERE key = 'comments_above')) + 1",
    "postgresql": "nextval('comments_id_seq')",
}
_NEXT_ID = {dialect: text(f"SELECT {number}") for dialect, number in _NEXT.items()}
_OPENING = {
    dialect: select(
        articles.c.state, articles.c.slow_mode_seconds, literal_column(number), comments.c.id, comments.c.text_hash
    )
    .select_from(articles.outerjoin(comments, comments.c.client_hash == bindparam("client")))
    .where(articles.c.id == bindparam("article"))
    .with_for_update(of=articles, key_share=True)  # see articles.get_for_change
    for dialect, number in _NEXT.items()
}
_ADD = insert(comments)
_BY_ORIGIN = select(comments.c.id).where(
    comments.c.origin == bindparam("from_"), comments.c.origin_id == bindparam("key")
)
_EDIT = (
    update(comments)
    .where(comments.c.id == bindparam("comment"))
    .values(source=bindparam("new_source"), tree=bindparam("new_tree"), edited_at=bindparam("moment"))
)
_STATUS = (
    update(comments)
    .where(comments.c.id == bindparam("comment"))
    .values(
        status=bindparam("new_status"),
        published=bindparam("new_published"),
        pinned=bindparam("new_pinned"),
        held_for=None,
    )
)
_PUBLISHED = select(comments.c.published).where(comments.c.id == bindparam("comment"))
_WIPE = (
    update(comments)
    .where(comments.c.id == bindparam("comment"))
    .values(source=None, tree="[]", text_hash="", author_id=None)
)
_PIN = update(comments).where(comments.c.id == bindparam("comment")).values(pinned=bindparam("new_pinned"))
_CHANGE_CHILDREN = (
    update(comments)
    .where(comments.c.id == bindparam("comment"))
    .values(replies=comments.c.replies + bindparam("reply_change"), kept=comments.c.kept + bindparam("kept_change"))
    .returning(comments.c.replies, comments.c.kept, comments.c.status, comments.c.parent_id)
)
_OF_AUTHOR = (
    select_comments()
    .where(comments.c.author_id == bindparam("author"), comments.c.id > bindparam("after"))
    .order_by(comments.c.id)
    .limit(bindparam("most"))
)
_HELD_OF_AUTHOR = (
    select_comments()
    .where(
        comments.c.author_id == bindparam("author"),
        comments.c.article_id == bindparam("article"),
        comments.c.status == Status.PENDING,
    )
    .order_by(comments.c.id)
    .limit(50)
)
_WAITING = (
    select_comments()
    .where(
        text("comments.status != 'visible'"),  # written out: it is what the partial index covers
        comments.c.status == bindparam("wanted"),
        comments.c.id > bindparam("after"),
    )
    .order_by(comments.c.id)
    .limit(bindparam("most"))
)
_NEWEST = (
    select_comments().where(comments.c.status == Status.VISIBLE).order_by(comments.c.id.desc()).limit(bindparam("most"))
)
_NEWEST_OF_ARTICLE = (
    select_comments()
    .where(comments.c.status == Status.VISIBLE, comments.c.article_id == bindparam("article"))
    .order_by(comments.c.id.desc())
    .limit(bindparam("most"))
)
_LAST_ID = select(func.max(comments.c.id))


def from_row(row: Row) -> Comment:
    """The comment of a row of `select_comments`."""
    return Comment(*row)


def path_ids(path: bytes) -> list[int]:
    """The ids that a path is made of, from the root down."""
    ids = []
    at = 0
    while at < len(path):
        end = at + 1 + path[at]
        ids.append(int.from_bytes(path[at + 1 : end], "big"))
        at = end
    return ids


def child_path(parent: Comment | None, comment_id: int) -> bytes:
    """The path of a comment below `parent` (None: top level)."""
    if parent is not None and parent.depth + 1 >= PATH_LEVELS:
        return parent.path
    digits = comment_id.to_bytes((comment_id.bit_length() + 7) // 8, "big")
    return (parent.path if parent else b"") + bytes([len(digits)]) + digits


def get(tx: Transaction, comment_id: int) -> Comment | None:
    """A comment, whatever its status."""
    row = tx.one(_GET, comment=comment_id)
    return None if row is None else from_row(row)


def get_for_change(tx: Transaction, comment_id: int) -> Comment | None:
    """A comment as it is once its article is held until the end of the transaction (articles.get_for_change)."""
    if tx.dialect == "postgresql":
        tx.one(_HOLD_ARTICLE, comment=comment_id)
    return get(tx, comment_id)


@dataclass(frozen=True, slots=True)
class Opening:
    """What a post begins with: the state of its discussion, the number it will have, and the comment (id, text hash)
    that was posted under its client id before, if it is a retry."""

    state: ArticleState
    slow_mode_seconds: int
    comment_id: int
    known: tuple[int, str] | None


def open_post(tx: Transaction, article_id: int, client_hash: str) -> Opening | None:
    """Holds the article until the end of the transaction, as articles.get_for_change does; None if there is none."""
    row = tx.one(_OPENING[tx.dialect], article=article_id, client=client_hash)
    if row is None:
        return None
    state, slow_mode_seconds, comment_id, known_id, text_hash = row
    known = None if known_id is None else (known_id, text_hash)
    return Opening(ArticleState(state), slow_mode_seconds, comment_id, known)


def by_client(tx: Transaction, client_hash: str) -> tuple[int, str] | None:
    """Id and text hash of the comment that was posted under this client id."""
    row = tx.one(_BY_CLIENT, client=client_hash)
    return None if row is None else (int(row[0]), str(row[1]))


def by_origin(tx: Transaction, origin: str, origin_id: str) -> int | None:
    """The id of the comment that was imported from there."""
    row = tx.one(_BY_ORIGIN, from_=origin, key=origin_id)
    return None if row is None else int(row[0])


def source(tx: Transaction, comment_id: int) -> str | None:
    """The Markdown source; None once it was wiped."""
    row = tx.one(_SOURCE, comment=comment_id)
    return None if row is None else row[0]


def add(
    tx: Transaction,
    *,
    article_id: int,
    parent: Comment | None,
    author_id: int | None,
    client_hash: str | None,
    ref: str,
    text_hash: str,
    source: str | None,
    tree: str,
    status: Status,
    created_at: int,
    dated: bool = True,
    edited_at: int | None = None,
    held_for: str | None = None,
    published: bool | None = None,
    pinned: bool = False,
    up: int = 0,
    down: int = 0,
    origin: str | None = None,
    origin_id: str | None = None,
    id: int | None = None,
) -> int:
    """Adds a comment (not yet attached to its thread); its id."""
    if id is None:
        row = tx.one(_NEXT_ID[tx.dialect])
        assert row is not None
        id = int(row[0])
    tx.run(
        _ADD,
        id=id,
        article_id=article_id,
        parent_id=None if parent is None else parent.id,
        root_id=id if parent is None else parent.root_id,
        depth=0 if parent is None else parent.depth + 1,
        path=child_path(parent, id),
        author_id=author_id,
        client_hash=client_hash,
        ref=ref,
        text_hash=text_hash,
        source=source,
        tree=tree,
        status=status.value,
        published=int(status == Status.VISIBLE if published is None else published),
        held_for=held_for,
        up=up,
        down=down,
        replies=0,
        kept=0,
        created_at=created_at,
        dated=int(dated),
        edited_at=edited_at,
        pinned=int(pinned),
        origin=origin,
        origin_id=origin_id,
    )
    return id


def skip_numbers(tx: Transaction) -> None:
    """Lets the next comments have numbers that no comment has had which came after a backup of this SQLite database: a
    link to one that is lost must lead nowhere, and not to another comment."""
    row = tx.one(_NEXT_ID[tx.dialect])
    assert row is not None
    meta.put(tx, "comments_above", str(row[0] - 1 + SKIPPED))


def edit(tx: Transaction, comment_id: int, *, source: str, tree: str, edited_at: int) -> None:
    """Stores new content."""
    tx.run(_EDIT, comment=comment_id, new_source=source, new_tree=tree, moment=edited_at)


def was_published(tx: Transaction, comment_id: int) -> bool:
    """Whether `comment.posted` was ever said of it."""
    row = tx.one(_PUBLISHED, comment=comment_id)
    return row is not None and bool(row[0])


def set_status(tx: Transaction, comment: Comment, status: Status) -> None:
    """Changes the status; one that becomes visible counts as published, one that stops being visible loses its pin."""
    visible = status == Status.VISIBLE
    tx.run(
        _STATUS,
        comment=comment.id,
        new_status=status.value,
        new_published=int(visible or was_published(tx, comment.id)),
        new_pinned=comment.pinned if visible else 0,
    )


def wipe(tx: Transaction, comment_id: int) -> None:
    """Takes source, tree and author of a comment away for good."""
    tx.run(_WIPE, comment=comment_id)


def set_pinned(tx: Transaction, comment_id: int, pinned: bool) -> None:
    """Stores whether a comment is pinned."""
    tx.run(_PIN, comment=comment_id, new_pinned=int(pinned))


def attach(tx: Transaction, comment: Comment) -> int | None:
    """Counts a comment that became visible at its parent; the parent's visible replies (None at top level).

    A comment with kept replies was in the thread already, as a tombstone.
    """
    return _count(tx, comment, 1)


def detach(tx: Transaction, comment: Comment) -> int | None:
    """Uncounts a comment that stopped being visible; the parent's visible replies (None at top level)."""
    return _count(tx, comment, -1)


def _count(tx: Transaction, comment: Comment, change: int) -> int | None:
    if comment.parent_id is None:
        return None
    moved = comment.kept == 0  # comes into the thread or leaves it; otherwise only its visibility changes
    row = tx.one(_CHANGE_CHILDREN, comment=comment.parent_id, reply_change=change, kept_change=change * moved)
    assert row is not None
    replies, kept, status, above = row
    # A tombstone comes with its first kept reply and goes with its last: tell its parent, and so on.
    while moved and status != Status.VISIBLE and kept == (1 if change > 0 else 0) and above is not None:
        row = tx.one(_CHANGE_CHILDREN, comment=above, reply_change=0, kept_change=change)
        assert row is not None
        _, kept, status, above = row
    return int(replies)


def of_author(tx: Transaction, author_id: int, after: int, most: int) -> list[Comment]:
    """A person's comments with an id above `after`, oldest first."""
    return [from_row(row) for row in tx.all(_OF_AUTHOR, author=author_id, after=after, most=most)]


def held_of_author(tx: Transaction, author_id: int, article_id: int) -> list[Comment]:
    """A person's comments under an article that wait for a moderator; at most 50."""
    return [from_row(row) for row in tx.all(_HELD_OF_AUTHOR, author=author_id, article=article_id)]


def with_status(tx: Transaction, status: Status, after: int, most: int) -> list[Comment]:
    """Comments of one status (not visible) with an id above `after`, oldest first."""
    return [from_row(row) for row in tx.all(_WAITING, wanted=status.value, after=after, most=most)]


def newest(tx: Transaction, most: int, article_id: int | None = None) -> list[Comment]:
    """The newest visible comments, of one article or of all."""
    if article_id is None:
        return [from_row(row) for row in tx.all(_NEWEST, most=most)]
    return [from_row(row) for row in tx.all(_NEWEST_OF_ARTICLE, most=most, article=article_id)]
