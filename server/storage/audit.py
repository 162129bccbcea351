"""Reading a database for its check: questions whose right answer is no row, and everything in order of its keys.

Nothing here trusts what other queries promise: the questions are asked of the tables as they are, the same on both
databases. Each is one statement, and what may be long comes in portions.
"""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import bindparam, select, text

from server.storage.schema import channels, comments, events
from server.storage.transaction import Row, Transaction

MOST = 50  # findings of one kind; more would not be read
PORTION = 500  # rows in one read

_QUICK_CHECK = text("PRAGMA quick_check(20)")

# Each sentence is filled with the columns of a row that should not be there.
_QUESTIONS = {
    "article {0} has no channel": (
        "SELECT articles.id FROM articles"
        " LEFT JOIN channels ON channels.name = 'article:' || articles.id WHERE channels.name IS NULL"
    ),
    "article {0} says {1} comments, {2} are visible": (
        "SELECT articles.id, articles.comment_count, coalesce(found.total, 0) FROM articles LEFT JOIN"
        " (SELECT article_id, count(*) AS total FROM comments WHERE status = 'visible' GROUP BY article_id) AS found"
        " ON found.article_id = articles.id WHERE articles.comment_count <> coalesce(found.total, 0)"
    ),
    "article {0} is not found by its slug {1}": (
        "SELECT articles.id, articles.slug FROM articles LEFT JOIN slugs"
        " ON slugs.slug = articles.slug AND slugs.article_id = articles.id WHERE slugs.slug IS NULL"
    ),
    "comment {0} says {1} replies, {2} are visible": (
        "SELECT comments.id, comments.replies, coalesce(found.total, 0) FROM comments LEFT JOIN"
        " (SELECT parent_id, count(*) AS total FROM comments WHERE status = 'visible' GROUP BY parent_id) AS found"
        " ON found.parent_id = comments.id WHERE comments.replies <> coalesce(found.total, 0)"
    ),
    "comment {0} says {1} replies are in the thread, {2} are": (
        "SELECT comments.id, comments.kept, coalesce(found.total, 0) FROM comments LEFT JOIN"
        " (SELECT parent_id, count(*) AS total FROM comments WHERE status = 'visible' OR kept > 0 GROUP BY parent_id)"
        " AS found ON found.parent_id = comments.id WHERE comments.kept <> coalesce(found.total, 0)"
    ),
    "comment {0} replies to {1}, which is not there": (
        "SELECT comments.id, comments.parent_id FROM comments LEFT JOIN comments AS above"
        " ON above.id = comments.parent_id WHERE comments.parent_id IS NOT NULL AND above.id IS NULL"
    ),
    "comment {0} of article {1} replies to {2} of article {3}": (
        "SELECT comments.id, comments.article_id, above.id, above.article_id FROM comments JOIN comments AS above"
        " ON above.id = comments.parent_id WHERE above.article_id <> comments.article_id"
    ),
    "comment {0} has depth {1} below {2} of depth {3}": (
        "SELECT comments.id, comments.depth, above.id, above.depth FROM comments JOIN comments AS above"
        " ON above.id = comments.parent_id WHERE comments.depth <> above.depth + 1"
    ),
    "comment {0} has depth {1} or root {2}, but is at top level": (
        "SELECT id, depth, root_id FROM comments WHERE parent_id IS NULL AND (depth <> 0 OR root_id <> id)"
    ),
    "comment {0} has root {1}, its parent {2}": (
        "SELECT comments.id, comments.root_id, above.root_id FROM comments JOIN comments AS above"
        " ON above.id = comments.parent_id WHERE comments.root_id <> above.root_id"
    ),
    "comment {0} was deleted and still has its text or its author": (
        "SELECT id FROM comments WHERE status = 'deleted'"
        " AND (source IS NOT NULL OR tree <> '[]' OR author_id IS NOT NULL OR text_hash <> '')"
    ),
    "comment {0} is visible and has no text": (
        "SELECT id FROM comments WHERE status = 'visible' AND (source IS NULL OR tree = '[]')"
    ),
    "comment {0} is visible and was never published": (
        "SELECT id FROM comments WHERE status = 'visible' AND published <> 1"
    ),
    "comment {0} has an unknown status {1}": (
        "SELECT id, status FROM comments WHERE status NOT IN ('visible', 'pending', 'removed', 'deleted')"
    ),
    "comment {0} is pinned, but not a visible one at top level": (
        "SELECT id FROM comments WHERE pinned <> 0 AND (status <> 'visible' OR parent_id IS NOT NULL)"
    ),
    "comment {0} has no author": (
        "SELECT comments.id FROM comments LEFT JOIN people ON people.id = comments.author_id"
        " WHERE comments.status = 'visible' AND people.id IS NULL"
    ),
    "comment {0} says {1} up and {2} down, fewer than the {3} and {4} votes it has": (
        "SELECT comments.id, comments.up, comments.down, found.up, found.down FROM comments JOIN"
        " (SELECT comment_id, sum(CASE WHEN value = 1 THEN 1 ELSE 0 END) AS up,"
        " sum(CASE WHEN value = -1 THEN 1 ELSE 0 END) AS down FROM votes GROUP BY comment_id) AS found"
        " ON found.comment_id = comments.id LEFT JOIN vote_marks ON vote_marks.comment_id = comments.id"
        " AND vote_marks.article_id = comments.article_id"
        " WHERE comments.up + coalesce(vote_marks.up, 0) < found.up"
        " OR comments.down + coalesce(vote_marks.down, 0) < found.down"
    ),
    "comment {0} has a vote of {2} by person {1}; 1 and -1 are votes": (
        "SELECT comment_id, person_id, value FROM votes WHERE value NOT IN (1, -1)"
    ),
    "comment {0} was deleted and still has votes": (
        "SELECT comments.id FROM comments WHERE status = 'deleted'"
        " AND EXISTS (SELECT 1 FROM votes WHERE votes.comment_id = comments.id)"
    ),
    "person {0} was forgotten and still has votes": (
        "SELECT people.id FROM people WHERE erased_at IS NOT NULL"
        " AND EXISTS (SELECT 1 FROM votes WHERE votes.person_id = people.id)"
    ),
    "votes on comment {0} are marked under article {1}, not under {2}": (
        "SELECT comments.id, vote_marks.article_id, comments.article_id FROM vote_marks JOIN comments"
        " ON comments.id = vote_marks.comment_id WHERE comments.article_id <> vote_marks.article_id"
    ),
    "channel {0} says its events are {1} to {2}; the log has {3}, from {4} to {5}": (
        "SELECT channels.name, channels.floor + 1, channels.seq, coalesce(found.total, 0), found.first, found.last"
        " FROM channels LEFT JOIN (SELECT channel, count(*) AS total, min(seq) AS first, max(seq) AS last FROM events"
        " GROUP BY channel) AS found ON found.channel = channels.name"
        " WHERE coalesce(found.total, 0) <> channels.seq - channels.floor"
        " OR coalesce(found.first, channels.floor + 1) <> channels.floor + 1"
        " OR coalesce(found.last, channels.floor) <> channels.seq"
    ),
    "channel {0} has events and no row of its own": (
        "SELECT DISTINCT events.channel FROM events LEFT JOIN channels ON channels.name = events.channel"
        " WHERE channels.name IS NULL"
    ),
    "channel {0} is of no article": (
        "SELECT channels.name FROM channels LEFT JOIN articles ON channels.name = 'article:' || articles.id"
        " WHERE channels.name LIKE 'article:%' AND articles.id IS NULL"
    ),
}
_STATEMENTS = {sentence: text(f"{sql} LIMIT {MOST}") for sentence, sql in _QUESTIONS.items()}

_CHANNELS = select(channels.c.name, channels.c.epoch, channels.c.seq, channels.c.floor).order_by(channels.c.name)
_EVENTS = (
    select(events.c.seq, events.c.type, events.c.subject, events.c.at, events.c.frame)
    .where(events.c.channel == bindparam("channel_name"), events.c.seq > bindparam("after"))
    .order_by(events.c.seq)
    .limit(PORTION)
)
_above = comments.alias("above")
_PATHS = (
    select(comments.c.id, comments.c.path, _above.c.path, _above.c.depth)
    .select_from(comments.outerjoin(_above, _above.c.id == comments.c.parent_id))
    .where(comments.c.id > bindparam("after"))
    .order_by(comments.c.id)
    .limit(PORTION)
)
_STATUSES = select(comments.c.id, comments.c.status).where(
    comments.c.article_id == bindparam("article"), comments.c.status != "visible"
)
_TOTALS = text("SELECT (SELECT count(*) FROM articles), (SELECT count(*) FROM comments), (SELECT count(*) FROM events)")


def broken_file(tx: Transaction) -> list[str]:
    """What SQLite says is wrong with its file; nothing on PostgreSQL, which watches over its own."""
    if tx.dialect != "sqlite":
        return []
    return [str(row[0]) for row in tx.all(_QUICK_CHECK) if row[0] != "ok"]


def wrong_rows(tx: Transaction) -> Iterator[str]:
    """A sentence for each row that should not be, at most MOST of a kind."""
    for sentence, statement in _STATEMENTS.items():
        for row in tx.all(statement):
            yield sentence.format(*row)


def totals(tx: Transaction) -> tuple[int, int, int]:
    """How many articles, comments and events there are."""
    row = tx.one(_TOTALS)
    assert row is not None
    return int(row[0]), int(row[1]), int(row[2])


def all_channels(tx: Transaction) -> list[tuple[str, str, int, int]]:
    """Every channel: name, epoch, last event, floor."""
    return [(name, epoch, seq, floor) for name, epoch, seq, floor in tx.all(_CHANNELS)]


def log_of(tx: Transaction, channel: str) -> Iterator[Row]:
    """Every event of a channel in order: seq, type, subject, at, frame."""
    after = 0
    while rows := tx.all(_EVENTS, channel_name=channel, after=after):
        yield from rows
        after = rows[-1][0]


def paths(tx: Transaction) -> Iterator[tuple[int, bytes, bytes | None, int | None]]:
    """Every comment's id and path, and its parent's path and depth (None at top level)."""
    after = 0
    while rows := tx.all(_PATHS, after=after):
        yield from ((row[0], bytes(row[1]), None if row[2] is None else bytes(row[2]), row[3]) for row in rows)
        after = rows[-1][0]


def hidden(tx: Transaction, article_id: int) -> dict[int, str]:
    """The comments of an article that are not visible, with their status."""
    rows: Any = tx.all(_STATUSES, article=article_id)
    return dict(rows)
