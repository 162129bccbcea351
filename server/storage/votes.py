"""Votes: one row for what a person thinks of a comment, and marks for what the public scores do not show yet.

A vote never touches the scores themselves. It notes in `vote_marks` by how much they will change, in the same
transaction; who flushes takes the marks and adds them. So scores that came with an import stay the base that votes are
added to, and a vote costs the same however many there are. The caller holds the article (comments.get_for_change)
whenever votes or marks of its comments change: no mark is taken while it is written.
"""

from dataclasses import dataclass

from sqlalchemy import Executable, bindparam, delete, insert, select, text, update

from server import events
from server.models import Comment
from server.storage.schema import articles, comments, vote_marks, votes
from server.storage.transaction import Transaction

_GET = select(votes.c.value).where(votes.c.comment_id == bindparam("comment"), votes.c.person_id == bindparam("person"))
_ADD = insert(votes)
_CHANGE = (
    update(votes)
    .where(votes.c.comment_id == bindparam("comment"), votes.c.person_id == bindparam("person"))
    .values(value=bindparam("new_value"), at=bindparam("moment"))
)
_DROP = delete(votes).where(votes.c.comment_id == bindparam("comment"), votes.c.person_id == bindparam("person"))
_DROP_ALL = delete(votes).where(votes.c.comment_id == bindparam("comment"))
_MARK = text(
    "INSERT INTO vote_marks (article_id, comment_id, up, down) VALUES (:article, :comment, :up, :down)"
    " ON CONFLICT (comment_id) DO UPDATE"
    " SET up = vote_marks.up + excluded.up, down = vote_marks.down + excluded.down"
)
_UNMARK = delete(vote_marks).where(vote_marks.c.comment_id == bindparam("comment"))
_MARKS = (
    select(vote_marks.c.comment_id, vote_marks.c.up, vote_marks.c.down)
    .where(vote_marks.c.article_id == bindparam("article"))
    .order_by(vote_marks.c.comment_id)
    .limit(bindparam("most"))
)
_MARKED = select(vote_marks.c.article_id).distinct().order_by(vote_marks.c.article_id)
_OF_PERSON = (
    select(votes.c.comment_id, votes.c.value, votes.c.at)
    .where(votes.c.person_id == bindparam("person"), votes.c.comment_id > bindparam("after"))
    .order_by(votes.c.comment_id)
    .limit(bindparam("most"))
)
_AMONG = {
    "sqlite": text(
        "SELECT comment_id, value FROM votes WHERE person_id = :person"
        " AND comment_id IN (SELECT value FROM json_each(:ids))"
    ),
    "postgresql": text(
        "SELECT comment_id, value FROM votes WHERE person_id = :person AND comment_id IN"
        " (SELECT CAST(json_array_elements_text(CAST(CAST(:ids AS text) AS json)) AS bigint))"
    ),
}
_HOLD_ARTICLE: dict[str, Executable] = {
    "sqlite": select(articles.c.scored_at).where(articles.c.id == bindparam("article")),
    "postgresql": text("SELECT scored_at FROM articles WHERE id = :article FOR NO KEY UPDATE"),
}
_SCORED = update(articles).where(articles.c.id == bindparam("article")).values(scored_at=bindparam("moment"))
_ADD_SCORES = (
    update(comments)
    .where(comments.c.id == bindparam("comment"))
    .values(up=comments.c.up + bindparam("more_up"), down=comments.c.down + bindparam("more_down"))
    .returning(comments.c.up, comments.c.down)
)


@dataclass(frozen=True, slots=True)
class Vote:
    """What somebody thinks of a comment (1 or -1), since when."""

    comment_id: int
    value: int
    at: int


@dataclass(frozen=True, slots=True)
class Mark:
    """By how much the scores of a comment will change."""

    comment_id: int
    up: int
    down: int


def get(tx: Transaction, comment_id: int, person_id: int) -> int:
    """What a person thinks of a comment: 1, -1, or 0 if nothing."""
    row = tx.one(_GET, comment=comment_id, person=person_id)
    return 0 if row is None else int(row[0])


def put(tx: Transaction, comment: Comment, person_id: int, value: int, at: int) -> bool:
    """Stores what a person thinks of a comment (1, -1, or 0 to take it back) and marks the difference.

    False if that was so already: then nothing changes.
    """
    before = get(tx, comment.id, person_id)
    if value == before:
        return False
    if value == 0:
        tx.run(_DROP, comment=comment.id, person=person_id)
    elif before == 0:
        tx.run(_ADD, comment_id=comment.id, person_id=person_id, value=value, at=at)
    else:
        tx.run(_CHANGE, comment=comment.id, person=person_id, new_value=value, moment=at)
    up, down = int(value == 1) - int(before == 1), int(value == -1) - int(before == -1)
    tx.run(_MARK, article=comment.article_id, comment=comment.id, up=up, down=down)
    return True


def forget(tx: Transaction, comment: Comment) -> None:
    """Takes all votes on a comment away, and what they would still have changed; its scores stay as they are."""
    tx.run(_DROP_ALL, comment=comment.id)
    tx.run(_UNMARK, comment=comment.id)


def of_person(tx: Transaction, person_id: int, after: int, most: int) -> list[Vote]:
    """A person's votes on comments with an id above `after`, by that id."""
    return [Vote(*row) for row in tx.all(_OF_PERSON, person=person_id, after=after, most=most)]


def among(tx: Transaction, person_id: int, comment_ids: list[int]) -> dict[int, int]:
    """What a person thinks of these comments, where they voted."""
    return {row[0]: row[1] for row in tx.all(_AMONG[tx.dialect], person=person_id, ids=events.encode(comment_ids))}


def marked_articles(tx: Transaction) -> list[int]:
    """The articles whose public scores do not show all votes yet."""
    return [row[0] for row in tx.all(_MARKED)]


def hold_article(tx: Transaction, article_id: int) -> int | None:
    """When scores of this article were last published (None: never). It is held until the end of the transaction."""
    row = tx.one(_HOLD_ARTICLE[tx.dialect], article=article_id)
    return None if row is None else row[0]


def take_marks(tx: Transaction, article_id: int, most: int) -> list[Mark]:
    """At most `most` marks of an article, which are gone with that."""
    marks = [Mark(*row) for row in tx.all(_MARKS, article=article_id, most=most)]
    for mark in marks:
        tx.run(_UNMARK, comment=mark.comment_id)
    return marks


def add_scores(tx: Transaction, mark: Mark) -> tuple[int, int]:
    """Adds a mark to the public scores of its comment; the scores then."""
    row = tx.one(_ADD_SCORES, comment=mark.comment_id, more_up=mark.up, more_down=mark.down)
    assert row is not None, f"comment {mark.comment_id} has a mark and is not there"
    return int(row[0]), int(row[1])


def set_scored_at(tx: Transaction, article_id: int, at: int) -> None:
    """Notes when scores of this article were published."""
    tx.run(_SCORED, article=article_id, moment=at)
