"""The steps inside a transaction by which a comment comes into a thread, changes in it, or is taken down from it.

Every step changes the rows, rewrites the past where content changed or went (DESIGN law 11), and appends the event that
says so, last, so that the lock on the channel is short. Counters in events are those after the event: a reader sets
them and never has to add up. Whether a step may be taken is decided before it, elsewhere.
"""

from dataclasses import replace

from server import events
from server.models import MODERATION_CHANNEL, Comment, Status, article_channel, person_channel
from server.storage import articles, comments, event_log, reports, threads, votes
from server.storage.transaction import Transaction


def publish(tx: Transaction, comment: Comment, at: int, *, parent_is_visible: bool = False) -> str:
    """A stored comment becomes visible: `comment.posted` the first time, `comment.restored` after that. The frame."""
    first = comment.status == Status.VISIBLE or not comments.was_published(tx, comment.id)
    if comment.status != Status.VISIBLE:
        comments.set_status(tx, comment, Status.VISIBLE)
        comment = replace(comment, status=Status.VISIBLE)
    replies = comments.attach(tx, comment)
    # Read after that: a page that lacks these tombstones takes them as they are, the new reply counted.
    hidden = [] if parent_is_visible else threads.hidden_ancestors(tx, comment)
    count = articles.count(tx, comment.article_id, 1)
    channel = article_channel(comment.article_id)
    if not first:
        event_log.rewrite(tx, channel, comment)
    content: dict[str, object] = {
        "comment": events.comment(comment),
        "comment_count": count,
        "parent_replies": replies,
        "root": comment.root_id,
    }
    if comment.depth > 2:
        # Where a page that has not loaded the parent can say that there is something; the levels of a path bound it.
        known = (comment.root_id, comment.parent_id, comment.id)
        content["above"] = [id for id in comments.path_ids(comment.path) if id not in known]
    if hidden:
        content["ancestors"] = [events.comment(ancestor) for ancestor in hidden]
    kind = events.POSTED if first else events.RESTORED
    return event_log.append(tx, channel, kind, at, content, subject=comment.id)


def revise(tx: Transaction, comment: Comment, *, source: str, tree: str, at: int) -> tuple[Comment, str | None]:
    """A comment gets new content; the comment, and the frame of `comment.edited` if it is visible."""
    comments.edit(tx, comment.id, source=source, tree=tree, edited_at=at)
    comment = replace(comment, tree=tree, edited_at=at)
    if comment.status != Status.VISIBLE:
        return comment, None
    channel = article_channel(comment.article_id)
    event_log.rewrite(tx, channel, comment)
    frame = event_log.append(tx, channel, events.EDITED, at, {"comment": events.comment(comment)}, subject=comment.id)
    return comment, frame


def take_down(tx: Transaction, comment: Comment, status: Status, at: int) -> tuple[Comment, str | None]:
    """A comment is removed by a moderator or deleted by its author, who thereby wipes it.

    The comment, and the frame of `comment.removed` if it ever was public.
    """
    was_visible = comment.status == Status.VISIBLE
    published = comments.was_published(tx, comment.id)
    comments.set_status(tx, comment, status)
    if status == Status.DELETED:
        comments.wipe(tx, comment.id)
        votes.forget(tx, comment)
        comment = replace(comment, author_id=None, author_name=None, author_role=None, tree="[]")
    comment = replace(comment, status=status, pinned=0)
    if not published:
        return comment, None
    replies = comments.detach(tx, comment) if was_visible else _replies_of_parent(tx, comment)
    count = articles.count(tx, comment.article_id, -1 if was_visible else 0)
    channel = article_channel(comment.article_id)
    event_log.rewrite(tx, channel, comment)
    content: dict[str, object] = {
        "id": comment.id,
        "status": status.value,
        "parent": comment.parent_id,
        "comment_count": count,
        "parent_replies": replies,
    }
    return comment, event_log.append(tx, channel, events.REMOVED, at, content, subject=comment.id)


def pin(tx: Transaction, comment: Comment, pinned: bool, at: int) -> tuple[Comment, str]:
    """A visible comment is pinned or unpinned; the comment and the frame."""
    comments.set_pinned(tx, comment.id, pinned)
    frame = event_log.append(
        tx,
        article_channel(comment.article_id),
        events.PINNED,
        at,
        {"id": comment.id, "pinned": pinned},
        subject=comment.id,
    )
    return replace(comment, pinned=int(pinned)), frame


def enter_queue(tx: Transaction, comment: Comment, at: int) -> None:
    """Tells moderators that a comment waits."""
    _tell_moderators(tx, events.QUEUE_ENTERED, comment, at)


def leave_queue(tx: Transaction, comment: Comment, at: int) -> None:
    """Tells moderators that a comment no longer waits."""
    _tell_moderators(tx, events.QUEUE_LEFT, comment, at)


def answer_reports(tx: Transaction, comment: Comment, at: int) -> bool:
    """Closes the open reports of a comment and tells moderators that it no longer waits; whether there were any."""
    if not reports.settle(tx, comment.id):
        return False
    leave_queue(tx, comment, at)
    return True


def tell_author(tx: Transaction, comment: Comment, decision: str, at: int) -> None:
    """Tells the author what was decided about their comment."""
    if comment.author_id is not None:
        content: dict[str, object] = {
            "id": comment.id,
            "article": comment.article_id,
            "decision": decision,
            "status": comment.status,
        }
        event_log.append(tx, person_channel(comment.author_id), events.DECIDED, at, content)


def _tell_moderators(tx: Transaction, kind: str, comment: Comment, at: int) -> None:
    content: dict[str, object] = {"id": comment.id, "article": comment.article_id}
    event_log.append(tx, MODERATION_CHANNEL, kind, at, content)


def _replies_of_parent(tx: Transaction, comment: Comment) -> int | None:
    parent = None if comment.parent_id is None else comments.get(tx, comment.parent_id)
    return None if parent is None else parent.replies
