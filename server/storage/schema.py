"""The tables, once for both databases.

Times are integer microseconds since 1970 UTC; flags are 0 or 1; trees and frames are JSON text; hashes are hex. No
column needs a conversion on the way in or out, so a statement can run on the driver's cursor as it is.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, Table, Text, text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_Id = BigInteger().with_variant(Integer, "sqlite")

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

articles = Table(
    "articles",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("url", Text),
    Column("canonical_url", Text, unique=True),
    Column("title", Text, nullable=False),
    Column("byline", Text),
    Column("body", Text, nullable=False),
    Column("image_url", Text),
    Column("image_caption", Text),
    Column("published_at", BigInteger),
    Column("state", Text, nullable=False),
    Column("slow_mode_seconds", Integer, nullable=False),
    Column("comment_count", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("origin", Text),
    Column("origin_id", Text),
    Column("scored_at", BigInteger),
    Index("uq_articles_origin", "origin", "origin_id", unique=True),
)

# Every slug an article ever had; the old ones redirect.
slugs = Table(
    "slugs",
    metadata,
    Column("slug", Text, primary_key=True),
    Column("article_id", _Id, ForeignKey("articles.id"), nullable=False, index=True),
)

people = Table(
    "people",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("email", Text, unique=True),
    Column("skeleton", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("erased_at", BigInteger),
    Column("origin", Text),
    Column("origin_id", Text),
    Index("uq_people_origin", "origin", "origin_id", unique=True),
    Index("ix_people_name", "name"),
)
# The few who are not guests: a new guest's name is compared with theirs.
Index(
    "ix_people_standing",
    people.c.skeleton,
    people.c.role,
    sqlite_where=text("role != 'guest'"),
    postgresql_where=text("role != 'guest'"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person_id", _Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("origin", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
)

# One-time sign-in links.
links = Table(
    "links",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("person_id", _Id, ForeignKey("people.id"), nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("article_id", _Id, ForeignKey("articles.id"), nullable=False),
    Column("parent_id", _Id, ForeignKey("comments.id")),
    Column("root_id", _Id, nullable=False),
    Column("depth", Integer, nullable=False),
    Column("path", LargeBinary, nullable=False),
    Column("author_id", _Id, ForeignKey("people.id")),
    Column("client_hash", Text, unique=True),
    Column("ref", Text, nullable=False),
    Column("text_hash", Text, nullable=False),
    Column("source", Text),
    Column("tree", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("published", Integer, nullable=False),
    Column("held_for", Text),
    Column("up", Integer, nullable=False),
    Column("down", Integer, nullable=False),
    Column("replies", Integer, nullable=False),
    Column("kept", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("dated", Integer, nullable=False),
    Column("edited_at", BigInteger),
    Column("pinned", Integer, nullable=False),
    Column("origin", Text),
    Column("origin_id", Text),
    Index("ix_comments_path", "article_id", "path", "id"),
    Index("ix_comments_parent_id", "parent_id", "id"),
    Index("ix_comments_author_id", "author_id", "id"),
    Index("ix_comments_article_id", "article_id", "id"),
    Index("uq_comments_origin", "origin", "origin_id", unique=True),
)
# What is in a thread: a run of removed comments must not be read again and again to find the few that are shown.
_SHOWN_ROOTS = text("parent_id IS NULL AND (status = 'visible' OR kept > 0)")
Index(
    "ix_comments_roots",
    comments.c.article_id,
    comments.c.id,
    sqlite_where=_SHOWN_ROOTS,
    postgresql_where=_SHOWN_ROOTS,
)
Index(
    "ix_comments_top",
    comments.c.article_id,
    (comments.c.up - comments.c.down),
    comments.c.id,
    sqlite_where=_SHOWN_ROOTS,
    postgresql_where=_SHOWN_ROOTS,
)
Index(
    "ix_comments_pinned",
    comments.c.article_id,
    sqlite_where=text("pinned = 1"),
    postgresql_where=text("pinned = 1"),
)
Index(
    "ix_comments_waiting",
    comments.c.status,
    comments.c.id,
    sqlite_where=text("status != 'visible'"),
    postgresql_where=text("status != 'visible'"),
)

# What each person thinks of a comment now: 1 or -1. One that was taken back has no row.
votes = Table(
    "votes",
    metadata,
    Column("comment_id", _Id, ForeignKey("comments.id"), primary_key=True),
    Column("person_id", _Id, ForeignKey("people.id"), primary_key=True),
    Column("value", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_votes_person_id", "person_id", "comment_id"),
)

# By how much the votes differ from the public scores (comments.up, comments.down) until the next flush adds it.
vote_marks = Table(
    "vote_marks",
    metadata,
    Column("comment_id", _Id, ForeignKey("comments.id"), primary_key=True),
    Column("article_id", _Id, ForeignKey("articles.id"), nullable=False),
    Column("up", Integer, nullable=False),
    Column("down", Integer, nullable=False),
    Index("ix_vote_marks_article_id", "article_id", "comment_id"),
)

channels = Table(
    "channels",
    metadata,
    Column("name", Text, primary_key=True),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("floor", BigInteger, nullable=False),
    Column("at", BigInteger),
)

events = Table(
    "events",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject", BigInteger),
    Column("frame", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Index("ix_events_subject", "subject", "channel", "seq"),
)

# What readers say is wrong with a comment. `reporter` is a keyed hash of who and which comment.
reports = Table(
    "reports",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("comment_id", _Id, ForeignKey("comments.id"), nullable=False),
    Column("reporter", Text, nullable=False),
    Column("person_id", _Id, ForeignKey("people.id"), index=True),
    Column("reason", Text, nullable=False),
    Column("note", Text),
    Column("at", BigInteger, nullable=False),
    Column("settled", Integer, nullable=False),
    Index("uq_reports_reporter", "comment_id", "reporter", unique=True),
)
Index(
    "ix_reports_open",
    reports.c.comment_id,
    sqlite_where=text("settled = 0"),
    postgresql_where=text("settled = 0"),
)

# The audit log: what was decided, about what, by whom.
decisions = Table(
    "decisions",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("comment_id", _Id, ForeignKey("comments.id"), index=True),
    Column("article_id", _Id, ForeignKey("articles.id"), nullable=False),
    Column("moderator_id", _Id, ForeignKey("people.id")),
    Column("decision", Text, nullable=False),
    Column("reason", Text),
    Column("at", BigInteger, nullable=False),
)
