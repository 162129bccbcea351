"""Pages of a thread: what is in it (visible comments, and tombstones that still carry some), in order, bounded.

Every page is read in the transaction that reads the channel's position, so it is the state exactly at that position.
Nothing recurses over depth, and nothing costs more in a longer thread: each step is one index scan that stops at its
limit.
"""

from dataclasses import dataclass, field

from sqlalchemy import bindparam, or_, text, tuple_

from server.models import Comment, Sort, Status
from server.storage.comments import COLUMNS, PATH_LEVELS, from_row, get, select_comments
from server.storage.schema import comments
from server.storage.transaction import Transaction

PAGE_BYTES = 240 * 1024  # of comments, as JSON; with article and cursors 256 KiB: a few seconds on a poor line
PAGE_COMMENTS = 300
FIRST_REPLIES = 12  # of each top-level comment on a page of a thread; the rest by its cursor
MAX_PINNED = 5  # all of them stand on the first page, whatever their size
ANCESTORS = 100  # nearest ones shown with a linked comment, if they fit
_OVERHEAD = 420  # bytes of a comment's JSON besides its tree and its author's name

# Written out, not bound: a partial index is used only where its condition can be seen.
_IN_THREAD = text("(comments.status = 'visible' OR comments.kept > 0)")
_ROOTS = select_comments().where(
    comments.c.article_id == bindparam("article"), comments.c.parent_id.is_(None), comments.c.pinned == 0, _IN_THREAD
)
_SCORE = comments.c.up - comments.c.down
_PAGES = {
    Sort.OLDEST: _ROOTS.where(comments.c.id > bindparam("after")).order_by(comments.c.id).limit(bindparam("most")),
    Sort.NEWEST: _ROOTS.where(comments.c.id < bindparam("after"))
    .order_by(comments.c.id.desc())
    .limit(bindparam("most")),
    # The first condition is what an index scan starts at, the second skips those of the same score.
    Sort.TOP: _ROOTS.where(
        bindparam("score") >= _SCORE, or_(bindparam("score") > _SCORE, comments.c.id < bindparam("after"))
    )
    .order_by(_SCORE.desc(), comments.c.id.desc())
    .limit(bindparam("most")),
}
_PINNED = (
    select_comments()
    .where(comments.c.article_id == bindparam("article"), comments.c.pinned == 1, comments.c.parent_id.is_(None))
    .order_by(comments.c.id)
    .limit(MAX_PINNED)
)
_SUBTREE = (
    select_comments()
    .where(
        comments.c.article_id == bindparam("article"),
        tuple_(comments.c.path, comments.c.id) > tuple_(bindparam("from_path"), bindparam("after")),
        comments.c.path < bindparam("below_path"),
        _IN_THREAD,
    )
    .order_by(comments.c.path, comments.c.id)
    .limit(bindparam("most"))
)
_NAMES = ", ".join(f"{column.table.name}.{column.name}" for column in COLUMNS)
# Below the last level of `path`, a subtree is found by following parents.
_DEEP_SUBTREE = text(
    "WITH RECURSIVE below(id) AS (SELECT id FROM comments WHERE parent_id = :comment"
    " UNION ALL SELECT comments.id FROM comments JOIN below ON comments.parent_id = below.id)"
    f" SELECT {_NAMES} FROM comments LEFT JOIN people ON people.id = comments.author_id"
    " WHERE comments.id IN (SELECT id FROM below) AND comments.id > :after"
    " AND (comments.status = 'visible' OR comments.kept > 0) ORDER BY comments.id LIMIT :most"
)
_ANCESTORS = text(
    "WITH RECURSIVE above(id, parent_id, steps) AS"
    " (SELECT id, parent_id, 0 FROM comments WHERE id = :comment"
    " UNION ALL SELECT comments.id, comments.parent_id, steps + 1 FROM comments"
    " JOIN above ON comments.id = above.parent_id WHERE steps < :most)"
    f" SELECT {_NAMES} FROM above JOIN comments ON comments.id = above.id"
    " LEFT JOIN people ON people.id = comments.author_id WHERE steps > 0 ORDER BY steps DESC"
)
_ALL = (
    select_comments()
    .where(comments.c.article_id == bindparam("article"), comments.c.id > bindparam("after"))
    .order_by(comments.c.id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class RootCursor:
    """Where a list of top-level comments goes on: after this comment (and score, when sorted by it)."""

    id: int
    score: int = 0


@dataclass(frozen=True, slots=True)
class BranchCursor:
    """Where the replies of a comment go on, depth-first: after the comment with this path and id."""

    path: bytes
    id: int


@dataclass(slots=True)
class Page:
    """Comments, parents before their replies; where each cut branch goes on; where the list goes on."""

    comments: list[Comment] = field(default_factory=list)
    branches: dict[int, BranchCursor] = field(default_factory=dict)
    next_root: RootCursor | None = None
    next_reply: BranchCursor | None = None


class _Room:
    """What still fits on a page, in bytes as sent; the first comment always does."""

    def __init__(self) -> None:
        self.bytes = PAGE_BYTES
        self.comments = PAGE_COMMENTS

    def take(self, comment: Comment, *, always: bool = False) -> bool:
        size = len(comment.tree.encode()) + 2 * len((comment.author_name or "").encode()) + _OVERHEAD
        if not always and self.comments < PAGE_COMMENTS and (size > self.bytes or self.comments <= 0):
            return False
        self.bytes -= size
        self.comments -= 1
        return True


def page(tx: Transaction, article_id: int, sort: Sort, after: RootCursor | None, limit: int) -> Page:
    """At most `limit` top-level comments with their first replies. The first page starts with the pinned ones."""
    room, result = _Room(), Page()
    roots = pinned(tx, article_id) if after is None else []
    leading = len(roots)
    start = after or RootCursor(0 if sort == Sort.OLDEST else 2**62, 2**31 - 1)
    values = {"article": article_id, "after": start.id, "most": limit + 1}
    if sort == Sort.TOP:
        values["score"] = max(-(2**31), min(start.score, 2**31 - 1))  # a cursor may be made up
    roots += [from_row(row) for row in tx.all(_PAGES[sort], **values)]
    last = after
    for index, root in enumerate(roots):
        if index - leading >= limit or not room.take(root, always=index < leading):
            result.next_root = last or start
            break
        result.comments.append(root)
        if index >= leading:
            last = RootCursor(root.id, root.up - root.down)
        if root.kept:
            _add_replies(tx, result, room, root)
    return result


def pinned(tx: Transaction, article_id: int) -> list[Comment]:
    """The pinned comments of an article, oldest first; at most MAX_PINNED."""
    return [from_row(row) for row in tx.all(_PINNED, article=article_id)]


def _add_replies(tx: Transaction, result: Page, room: _Room, root: Comment) -> None:
    found = _subtree(tx, root, None, FIRST_REPLIES + 1)
    cursor = BranchCursor(root.path, root.id)
    for index, reply in enumerate(found):
        if index == FIRST_REPLIES or not room.take(reply):
            result.branches[root.id] = cursor
            return
        result.comments.append(reply)
        cursor = BranchCursor(reply.path, reply.id)


def replies(tx: Transaction, comment: Comment, after: BranchCursor | None, limit: int) -> Page:
    """At most `limit` comments below `comment`, depth-first, from a cursor on."""
    room, result = _Room(), Page()
    cursor = after or BranchCursor(comment.path, comment.id)
    for index, reply in enumerate(_subtree(tx, comment, after, limit + 1)):
        if index == limit or not room.take(reply):
            result.next_reply = cursor
            break
        result.comments.append(reply)
        cursor = BranchCursor(reply.path, reply.id)
    return result


def _subtree(tx: Transaction, comment: Comment, after: BranchCursor | None, most: int) -> list[Comment]:
    if comment.depth >= PATH_LEVELS:  # it shares its path with others
        rows = tx.all(_DEEP_SUBTREE, comment=comment.id, after=after.id if after else comment.id, most=most)
    else:
        start = after or BranchCursor(comment.path, comment.id)
        rows = tx.all(
            _SUBTREE,
            article=comment.article_id,
            from_path=start.path,
            below_path=comment.path + b"\xff",  # above every length byte: the end of this subtree
            after=start.id,
            most=most,
        )
    return [from_row(row) for row in rows]


def context(tx: Transaction, comment: Comment) -> Page:
    """A comment after its nearest ancestors (root first), with its first replies and where they go on."""
    room, result = _Room(), Page()
    room.take(comment)
    nearest: list[Comment] = []
    for ancestor in reversed(ancestors(tx, comment)):
        if not room.take(ancestor):
            break
        nearest.append(ancestor)
    result.comments += [*reversed(nearest), comment]
    if comment.kept:
        _add_replies(tx, result, room, comment)
    return result


def ancestors(tx: Transaction, comment: Comment) -> list[Comment]:
    """The nearest ancestors of a comment (at most ANCESTORS), root first."""
    return [from_row(row) for row in tx.all(_ANCESTORS, comment=comment.id, most=ANCESTORS)]


def hidden_ancestors(tx: Transaction, comment: Comment, most: int | None = None) -> list[Comment]:
    """The ancestors that are tombstones kept only for what is below them, root first; at most so many, the nearest.

    Walks up from the parent to the first visible comment: above that, every open page has what it needs.
    """
    found: list[Comment] = []
    above = comment.parent_id
    while above is not None and len(found) != most:
        ancestor = get(tx, above)
        if ancestor is None or ancestor.status == Status.VISIBLE:
            break
        found.append(ancestor)
        above = ancestor.parent_id
    return found[::-1]


def everything(tx: Transaction, article_id: int, after: int, most: int) -> list[Comment]:
    """All comments of an article, whatever their status, by id: for exports and checks."""
    return [from_row(row) for row in tx.all(_ALL, article=article_id, after=after, most=most)]
