"""What feeds and the sitemap need besides comments: which articles there are, and when a discussion last changed."""

from dataclasses import dataclass

from sqlalchemy import Text, bindparam, cast, func, literal, select

from server.storage.schema import articles, channels
from server.storage.transaction import Transaction

_PLACES = (
    select(articles.c.id, articles.c.slug, func.coalesce(channels.c.at, articles.c.created_at))
    .join(channels, channels.c.name == literal("article:").concat(cast(articles.c.id, Text)))
    .where(articles.c.id < bindparam("before"))
    .order_by(articles.c.id.desc())
    .limit(bindparam("most"))
)
_LAST = select(func.max(channels.c.at)).where(channels.c.name.like("article:%"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where an article is, and when it or its discussion last changed."""

    id: int
    slug: str
    changed_at: int


def places(tx: Transaction, before: int, most: int) -> list[Place]:
    """Articles with an id below `before`, newest first."""
    return [Place(*row) for row in tx.all(_PLACES, before=before, most=most)]


def last_change(tx: Transaction) -> int | None:
    """When anything public last changed; None before the first event."""
    row = tx.one(_LAST)
    return None if row is None or row[0] is None else int(row[0])
