"""What moderators decide, and what they see: each decision reaches every open page by the log, and is remembered."""

from dataclasses import dataclass
from typing import Any

from server import auth, characters, events
from server.actions import publishing
from server.errors import Conflict, Invalid, NotFound, Outdated
from server.models import Actor, Comment, Decision, Person, Status
from server.state import State
from server.storage import articles, comments, decisions, reports, threads
from server.storage.transaction import Transaction
from server.times import rfc3339

REASON_MAX = 1000  # characters
BURIED_MAX = 200  # tombstones above a comment that come back with it: they are all in its event, some 300 bytes each
_LETS_STAND = (Decision.APPROVE, Decision.RESTORE)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was taken: the comment as its moderator sees it, and the public event if there was one."""

    comment: events.Comment
    frame: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Which text of a comment somebody has read: `edited_at` as it was told."""

    edited_at: str | None

    def is_of(self, comment: Comment) -> bool:
        """Whether that is what the comment says."""
        return self.edited_at == (None if comment.edited_at is None else rfc3339(comment.edited_at))


async def decide(
    state: State, actor: Actor, comment_id: int, decision: Decision, reason: str | None, read: Reading | None = None
) -> Decided:
    """Approves, rejects, restores, pins or unpins. Deciding again what is so already changes and says nothing.

    Every decision but a pin closes the open reports of the comment; its author hears of it only if something changed.
    With `read`, what lets a comment stand is refused if its author has changed it since: nobody has read that text.

    Raises Unauthorized, Forbidden, NotFound, Conflict, Invalid, Outdated.
    """
    moderator = auth.require_staff(actor)
    reason = None if reason is None else characters.normalise_text(reason) or None
    if reason is not None and len(reason) > REASON_MAX:
        raise Invalid.field("reason", f"at most {REASON_MAX} characters are accepted")

    def work(tx: Transaction) -> Decided:
        now = state.clock.now()
        comment = comments.get_for_change(tx, comment_id)
        if comment is None:
            raise NotFound(f"there is no comment {comment_id}")
        if read is not None and decision in _LETS_STAND and not read.is_of(comment):
            raise Outdated("its author has changed this comment since you read it; look at it again")
        after, frame, changed = _carry_out(tx, comment, decision, now)
        # To approve what is on the page already is to say that its reports are answered.
        answered = decision not in (Decision.PIN, Decision.UNPIN) and publishing.answer_reports(tx, after, now)
        if changed or answered:
            _remember(tx, moderator, comment, after, decision, reason, now)
        if changed and decision not in (Decision.PIN, Decision.UNPIN):
            publishing.tell_author(tx, after, decision.value, now)
        return Decided(events.comment_with(after, shown=after.status != Status.DELETED), frame)

    return await state.database.write(work)


def _carry_out(tx: Transaction, comment: Comment, decision: Decision, now: int) -> tuple[Comment, str | None, bool]:
    status = comment.status
    if status == Status.DELETED:
        raise Conflict("its author deleted this comment; it cannot be brought back")
    match decision:
        case Decision.APPROVE | Decision.RESTORE:
            if status == Status.VISIBLE:
                return comment, None, False
            if decision == Decision.APPROVE and status != Status.PENDING:
                raise Conflict("this comment was removed; restore it instead")
            if len(threads.hidden_ancestors(tx, comment, BURIED_MAX + 1)) > BURIED_MAX:
                raise Conflict(
                    f"more than {BURIED_MAX} comments right above this one are gone; restore one of them first"
                )
            frame = publishing.publish(tx, comment, now)
            published = comments.get(tx, comment.id)
            assert published is not None
            return published, frame, True
        case Decision.REJECT | Decision.SPAM:
            if status == Status.REMOVED:
                return comment, None, False
            removed, said = publishing.take_down(tx, comment, Status.REMOVED, now)
            return removed, said, True
        case Decision.PIN | Decision.UNPIN:
            if status != Status.VISIBLE:
                raise Conflict(f"only a visible comment can be pinned; this one is {status}")
            if comment.parent_id is not None:
                raise Conflict("only a top-level comment can be pinned, not a reply")
            wanted = decision == Decision.PIN
            if bool(comment.pinned) == wanted:
                return comment, None, False
            if wanted and len(threads.pinned(tx, comment.article_id)) >= threads.MAX_PINNED:
                raise Conflict(f"{threads.MAX_PINNED} comments are pinned here already; unpin one first")
            pinned, frame = publishing.pin(tx, comment, wanted, now)
            return pinned, frame, True


def _remember(
    tx: Transaction,
    moderator: Person,
    before: Comment,
    after: Comment,
    decision: Decision,
    reason: str | None,
    now: int,
) -> None:
    decisions.add(
        tx,
        comment_id=before.id,
        article_id=before.article_id,
        moderator_id=moderator.id,
        decision=decision.value,
        reason=reason,
        at=now,
    )
    if before.status == Status.PENDING:
        publishing.leave_queue(tx, after, now)


async def queue(state: State, actor: Actor, status: Status, after: int, limit: int) -> dict[str, Any]:
    """A page of what waits (`pending`) or was taken down (`removed`), oldest first, with why it was held."""
    auth.require_staff(actor)

    def work(tx: Transaction) -> dict[str, Any]:
        found = comments.with_status(tx, status, after, limit + 1)
        page = found[:limit]
        return {
            **_shown(tx, page),
            "held_for": {str(comment.id): decisions.held_for(tx, comment.id) for comment in page},
            "next": str(page[-1].id) if len(found) > limit else None,
        }

    return await state.database.read(work)


async def reported(state: State, actor: Actor, after: int, limit: int) -> dict[str, Any]:
    """A page of the visible comments with open reports, oldest first, with what the reports say."""
    auth.require_staff(actor)

    def work(tx: Transaction) -> dict[str, Any]:
        found = reports.reported(tx, after, limit + 1)
        page = found[:limit]
        said = {comment.id: reports.summary(tx, comment.id) for comment in page}
        return {
            **_shown(tx, page),
            "reports": {
                str(comment_id): {"count": one.count, "reasons": dict(one.reasons), "notes": one.notes}
                for comment_id, one in said.items()
            },
            "next": str(page[-1].id) if len(found) > limit else None,
        }

    return await state.database.read(work)


def _shown(tx: Transaction, page: list[Comment]) -> dict[str, Any]:
    """Comments as moderators see them, and the articles they stand under."""
    known = {article_id: articles.get(tx, article_id) for article_id in {comment.article_id for comment in page}}
    return {
        "comments": [events.comment_with(comment, shown=True) for comment in page],
        "articles": {str(key): {"slug": one.slug, "title": one.title} for key, one in known.items() if one},
    }


async def log(state: State, actor: Actor, before: int, limit: int) -> dict[str, Any]:
    """A page of what was decided, newest first: what, about which comment, by whom, why, when."""
    auth.require_staff(actor)

    def work(tx: Transaction) -> dict[str, Any]:
        found = decisions.newest(tx, before, limit + 1)
        page = found[:limit]
        return {
            "decisions": [
                {
                    "id": row.id,
                    "comment": row.comment_id,
                    "article": row.article_id,
                    "moderator": {"id": row.moderator_id, "name": row.moderator_name},
                    "decision": row.decision,
                    "reason": row.reason,
                    "at": rfc3339(row.at),
                }
                for row in page
            ],
            "next": str(page[-1].id) if len(found) > limit else None,
        }

    return await state.database.read(work)
