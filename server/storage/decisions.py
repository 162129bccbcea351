"""The moderation audit log: what was decided, about which comment, by whom. Rows are only ever added."""

from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select

from server.storage.schema import comments, decisions, people
from server.storage.transaction import Transaction

_ADD = insert(decisions)
_NEWEST = (
    select(
        decisions.c.id,
        decisions.c.comment_id,
        decisions.c.article_id,
        decisions.c.moderator_id,
        people.c.name,
        decisions.c.decision,
        decisions.c.reason,
        decisions.c.at,
    )
    .select_from(decisions.outerjoin(people, people.c.id == decisions.c.moderator_id))
    .where(decisions.c.id < bindparam("before"))
    .order_by(decisions.c.id.desc())
    .limit(bindparam("most"))
)
_HELD_FOR = select(comments.c.held_for).where(comments.c.id == bindparam("comment"))


@dataclass(frozen=True, slots=True)
class Row:
    """One decision, with the present name of who took it."""

    id: int
    comment_id: int | None
    article_id: int
    moderator_id: int | None
    moderator_name: str | None
    decision: str
    reason: str | None
    at: int


def add(
    tx: Transaction,
    *,
    comment_id: int | None,
    article_id: int,
    moderator_id: int | None,
    decision: str,
    reason: str | None,
    at: int,
) -> None:
    """Remembers a decision."""
    tx.run(
        _ADD,
        comment_id=comment_id,
        article_id=article_id,
        moderator_id=moderator_id,
        decision=decision,
        reason=reason,
        at=at,
    )


def newest(tx: Transaction, before: int, most: int) -> list[Row]:
    """Decisions with an id below `before`, newest first."""
    return [Row(*row) for row in tx.all(_NEWEST, before=before, most=most)]


def held_for(tx: Transaction, comment_id: int) -> str | None:
    """Why a comment waits for a moderator."""
    row = tx.one(_HELD_FOR, comment=comment_id)
    return None if row is None else row[0]
