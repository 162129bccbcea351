"""Reading a discussion: pages that carry the position they are true at.

A page and the position of its channel are read in one transaction, so that the page plus every event after the position
is the present state, whenever it is read. Nothing here changes anything.
"""

from dataclasses import dataclass, field
from typing import Any

from server import auth, cursors, events, models
from server.actions.comments import EDIT_SECONDS, TEXT_MAX
from server.errors import BadRequest, NotFound
from server.models import Actor, Sort, Status
from server.names import NAME_MAX
from server.state import State
from server.storage import articles, comments, event_log, threads, votes
from server.storage.event_log import Head
from server.storage.threads import BranchCursor, RootCursor
from server.storage.transaction import Transaction
from server.times import rfc3339

ROOTS = 25  # top-level comments on a page unless asked otherwise
REPLIES = 50
MAX_LIMIT = 100
LIMITS = {"text_max": TEXT_MAX, "name_max": NAME_MAX, "edit_seconds": EDIT_SECONDS}


@dataclass(frozen=True, slots=True)
class View:
    """A page as read: rows for those who render, and the position they are true at."""

    article: models.Article
    head: Head
    sort: Sort
    page: threads.Page
    asked: models.Comment | None = None  # the comment whose replies or context were asked for
    held: tuple[models.Comment, ...] = ()  # the viewer's own comments that wait for a moderator
    votes: dict[int, int] = field(default_factory=dict)  # what the viewer thinks of comments of this page


def read_thread(tx: Transaction, article_id: int, sort: Sort, cursor: str | None, limit: int, actor: Actor) -> View:
    """A page of an article's thread. Raises NotFound, BadRequest."""
    article, head = _article(tx, article_id)
    after = None
    if cursor is not None:
        place, score, order = cursors.decode(cursor, int, int, int)
        if list(Sort)[int(order) % 3] != sort:
            raise BadRequest("this cursor belongs to another sort")
        after = RootCursor(int(place), int(score))
    page = threads.page(tx, article_id, sort, after, limit)
    held = () if actor.id is None else tuple(comments.held_of_author(tx, actor.id, article_id))
    return View(article, head, sort, page, held=held, votes=_votes(tx, page, actor))


def read_replies(tx: Transaction, comment_id: int, cursor: str | None, limit: int, actor: Actor) -> View:
    """A page of what is below a comment, depth-first. Raises NotFound, BadRequest."""
    comment = _comment(tx, comment_id, actor)
    article, head = _article(tx, comment.article_id)
    after = None
    if cursor is not None:
        path, place = cursors.decode(cursor, bytes, int)
        assert isinstance(path, bytes)
        after = BranchCursor(path, int(place))
    page = threads.replies(tx, comment, after, limit)
    return View(article, head, Sort.OLDEST, page, comment, votes=_votes(tx, page, actor))


def read_context(tx: Transaction, comment_id: int, actor: Actor) -> View:
    """A comment with its ancestors and first replies. Raises NotFound."""
    comment = _comment(tx, comment_id, actor)
    article, head = _article(tx, comment.article_id)
    page = threads.context(tx, comment)
    return View(article, head, Sort.OLDEST, page, comment, votes=_votes(tx, page, actor))


def content(view: View) -> dict[str, Any]:
    """A page as CONTRACT.md has it, but for the viewer. Equal positions give equal content."""
    page = view.page
    if page.next_root is not None:
        following: str | None = root_cursor(page.next_root, view.sort)
    else:
        following = None if page.next_reply is None else branch_cursor(page.next_reply)
    shows_held = view.asked is not None and view.asked.status == Status.PENDING
    return {
        "article": events.article(view.article),
        "epoch": view.head.epoch,
        "seq": view.head.seq,
        "at": None if view.head.at is None else rfc3339(view.head.at),
        "sort": view.sort,
        "comments": [
            events.comment(row, show_held=shows_held and row.id == view.asked.id if view.asked else False)
            for row in page.comments
        ],
        "branches": {str(comment): branch_cursor(place) for comment, place in page.branches.items()},
        "next": following,
    }


def viewer(state: State, actor: Actor, view: View) -> dict[str, Any] | None:
    """What the page needs to know about who looks at it; None without a token."""
    if actor.person is None:
        return None
    return {
        "person": {"id": actor.person.id, "name": actor.person.name, "role": actor.person.role},
        "can": auth.rights(actor),
        "votes": {str(comment): value for comment, value in view.votes.items()},
        "pending": [events.comment(row, show_held=True) for row in view.held],
        "limits": LIMITS,
        "now": rfc3339(state.clock.now()),
    }


def root_cursor(place: RootCursor, sort: Sort) -> str:
    """The text of a cursor into the top-level comments of a thread."""
    return cursors.encode(place.id, place.score, list(Sort).index(sort))


def branch_cursor(place: BranchCursor) -> str:
    """The text of a cursor into the replies of a comment."""
    return cursors.encode(place.path, place.id)


def _article(tx: Transaction, article_id: int) -> tuple[models.Article, Head]:
    # The position first: on SQLite and PostgreSQL alike both come from one moment.
    head = event_log.head(tx, models.article_channel(article_id))
    article = articles.get(tx, article_id)
    if article is None or head is None:
        raise NotFound(f"there is no article {article_id}")
    return article, head


def _votes(tx: Transaction, page: threads.Page, actor: Actor) -> dict[int, int]:
    """What whoever asks thinks of the comments of a page."""
    if actor.id is None or not page.comments:
        return {}
    return votes.among(tx, actor.id, [comment.id for comment in page.comments])


def _comment(tx: Transaction, comment_id: int, actor: Actor) -> models.Comment:
    """A comment that is in its thread, or waits and is shown to its author and to moderators. Raises NotFound."""
    comment = comments.get(tx, comment_id)
    if comment is not None:
        own = comment.author_id is not None and comment.author_id == actor.id
        if comment.in_thread or (comment.status == Status.PENDING and (own or actor.staff)):
            return comment
    raise NotFound(f"there is no comment {comment_id}")
