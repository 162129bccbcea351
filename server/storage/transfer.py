"""Whole tables, for exports and for imports of them: every row in order of its key, and rows that keep their numbers.

Adding a row here checks nothing but what the tables themselves enforce; what belongs together is the importer's.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Table, bindparam, func, insert, select, text, tuple_, update

from server.storage.schema import articles, comments, decisions, people, reports, sessions, slugs, vote_marks, votes
from server.storage.transaction import Transaction

PORTION = 500  # rows in one read

_TABLES = {table.name: table for table in (people, articles, comments, reports, decisions, sessions)}


def _without_votes(name: str, value: int) -> Any:
    """What a score has beside the votes that are counted in it or will be: what came with an import."""
    marked = select(vote_marks.c[name]).where(vote_marks.c.comment_id == comments.c.id)
    cast = select(func.count()).where(votes.c.comment_id == comments.c.id, votes.c.value == value)
    return comments.c[name] + func.coalesce(marked.scalar_subquery(), 0) - cast.scalar_subquery()


_SCORES = {"up": _without_votes("up", 1), "down": _without_votes("down", -1)}


def _columns(table: Table) -> list[Any]:
    return [_SCORES.get(column.name, column) if table is comments else column for column in table.c]


_KEYS: dict[str, Any] = {name: table.c.hash if name == "sessions" else table.c.id for name, table in _TABLES.items()}
_PORTIONS = {
    name: select(*_columns(table)).where(_KEYS[name] > bindparam("after")).order_by(_KEYS[name]).limit(PORTION)
    for name, table in _TABLES.items()
}
_ADD: dict[str, Any] = {name: insert(table) for name, table in _TABLES.items()}
_SLUGS = select(slugs.c.slug).where(slugs.c.article_id == bindparam("article")).order_by(slugs.c.slug)
_COUNTS = {name: text(f"SELECT count(*) FROM {name}") for name in (*_TABLES, "votes")}
_VOTES = (
    select(votes.c.comment_id, votes.c.person_id, votes.c.value, votes.c.at)
    .where(
        tuple_(votes.c.comment_id, votes.c.person_id) > tuple_(bindparam("after_comment"), bindparam("after_person"))
    )
    .order_by(votes.c.comment_id, votes.c.person_id)
    .limit(PORTION)
)


def _mark(table: Table, *columns: str) -> Any:
    return select(*(table.c[column] for column in columns)).where(table.c.id == bindparam("wanted"))


_MARKS = {
    "people": _mark(people, "created_at"),
    "articles": _mark(articles, "created_at"),
    "comments": _mark(comments, "ref"),
}
_ANY = text("SELECT 1 WHERE EXISTS (SELECT 1 FROM people) OR EXISTS (SELECT 1 FROM articles)")
_SESSION = select(sessions.c.hash).where(sessions.c.hash == bindparam("wanted"))
_DECISION = select(decisions.c.id).where(
    decisions.c.article_id == bindparam("article"),
    decisions.c.decision == bindparam("decided"),
    decisions.c.at == bindparam("moment"),
)
_DECISION_NUMBER = _mark(decisions, "id")
_SET_ORIGIN = (
    update(articles)
    .where(articles.c.id == bindparam("article"))
    .values(origin=bindparam("from_"), origin_id=bindparam("key"))
)
_ADVANCE = {
    name: text(
        f"SELECT setval('{name}_id_seq', greatest((SELECT last_value FROM {name}_id_seq),"
        f" (SELECT coalesce(max(id), 1) FROM {name})))"
    )
    for name in ("people", "articles", "comments", "decisions")
}


def rows(tx: Transaction, table: str) -> Iterator[dict[str, Any]]:
    """Every row of a table, in order of its key. Scores of comments are without the votes that `votes_cast` has."""
    names = [column.name for column in _TABLES[table].c]
    key = _KEYS[table].name
    after: Any = "" if key == "hash" else 0
    while found := tx.all(_PORTIONS[table], after=after):
        for row in found:
            yield dict(zip(names, row, strict=True))
        after = found[-1][names.index(key)]


def votes_cast(tx: Transaction) -> Iterator[tuple[int, int, int, int]]:
    """Every vote: comment, person, value, when."""
    comment = person = 0
    while found := tx.all(_VOTES, after_comment=comment, after_person=person):
        for row in found:
            comment, person = row[0], row[1]
            yield comment, person, row[2], row[3]


def count(tx: Transaction, table: str) -> int:
    """How many rows a table has."""
    row = tx.one(_COUNTS[table])
    assert row is not None
    return int(row[0])


def slugs_of(tx: Transaction, article_id: int) -> list[str]:
    """Every slug that an article has or had."""
    return [str(row[0]) for row in tx.all(_SLUGS, article=article_id)]


def mark(tx: Transaction, table: str, number: int) -> Any:
    """What tells the row of this number from another that might have it: the time a person or an article was made, a
    comment's `ref`. None if there is no such row."""
    row = tx.one(_MARKS[table], wanted=number)
    return None if row is None else row[0]


def is_empty(tx: Transaction) -> bool:
    """Whether nobody and nothing is here yet."""
    return tx.one(_ANY) is None


def has_session(tx: Transaction, hash: str) -> bool:
    """Whether this session is known."""
    return tx.one(_SESSION, wanted=hash) is not None


def has_decision(tx: Transaction, article_id: int, decision: str, at: int) -> bool:
    """Whether this was decided about a comment of the article at this very moment."""
    return tx.one(_DECISION, article=article_id, decided=decision, moment=at) is not None


def has_decision_number(tx: Transaction, number: int) -> bool:
    """Whether a decision has this number."""
    return tx.one(_DECISION_NUMBER, wanted=number) is not None


def add(tx: Transaction, table: str, **values: Any) -> None:
    """Adds a row as it is."""
    tx.run(_ADD[table], **values)


def set_article_origin(tx: Transaction, article_id: int, origin: str, origin_id: str) -> None:
    """Notes that comments of another instance's article belong to this one."""
    tx.run(_SET_ORIGIN, article=article_id, from_=origin, key=origin_id)


def advance_numbers(tx: Transaction) -> None:
    """Lets new rows have numbers above all that are there. SQLite does so by itself."""
    if tx.dialect == "postgresql":
        for statement in _ADVANCE.values():
            tx.one(statement)
