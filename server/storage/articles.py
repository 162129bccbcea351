"""Articles and their slugs. Making an article makes its channel, so that a log is there before the first reader."""

from dataclasses import fields

from sqlalchemy import bindparam, func, insert, select, update

from server.models import Article, ArticleState, article_channel
from server.storage import event_log
from server.storage.schema import articles, slugs
from server.storage.transaction import Row, Transaction

_NAMES = [field.name for field in fields(Article)]
_STATE = _NAMES.index("state")
_COLUMNS = [articles.c[name] for name in _NAMES]
_GET = select(*_COLUMNS).where(articles.c.id == bindparam("article"))
_GET_FOR_CHANGE = _GET.with_for_update(key_share=True)  # on PostgreSQL; SQLite has one writer anyway
_BY_SLUG = (
    select(*_COLUMNS).join(slugs, slugs.c.article_id == articles.c.id).where(slugs.c.slug == bindparam("old_slug"))
)
_BY_CANONICAL = select(*_COLUMNS).where(articles.c.canonical_url == bindparam("canonical"))
_BY_ORIGIN = select(*_COLUMNS).where(articles.c.origin == bindparam("from_"), articles.c.origin_id == bindparam("key"))
_LIST = (
    select(*_COLUMNS).where(articles.c.id < bindparam("before")).order_by(articles.c.id.desc()).limit(bindparam("most"))
)
_ADD = insert(articles).returning(articles.c.id)
_SLUG_TAKEN = select(slugs.c.slug).where(slugs.c.slug == bindparam("wanted"))
_ADD_SLUG = insert(slugs)
_UPDATE = (
    update(articles)
    .where(articles.c.id == bindparam("article"))
    .values(
        slug=bindparam("new_slug"),
        title=bindparam("new_title"),
        url=bindparam("new_url"),
        canonical_url=bindparam("new_canonical_url"),
        byline=bindparam("new_byline"),
        body=bindparam("new_body"),
        image_url=bindparam("new_image_url"),
        image_caption=bindparam("new_image_caption"),
        published_at=bindparam("new_published_at"),
        state=bindparam("new_state"),
        slow_mode_seconds=bindparam("new_slow_mode_seconds"),
    )
)
_COUNT = (
    update(articles)
    .where(articles.c.id == bindparam("article"))
    .values(comment_count=articles.c.comment_count + bindparam("change"))
    .returning(articles.c.comment_count)
)
_COUNTS = select(articles.c.id, articles.c.comment_count).where(articles.c.id == bindparam("article"))
_TOTAL = select(func.count()).select_from(articles)
_IDS = select(articles.c.id).order_by(articles.c.id)

BEFORE_ALL = 2**62  # above every id: the cursor of the first page


def _article(row: Row | None) -> Article | None:
    if row is None:
        return None
    values = list(row)
    values[_STATE] = ArticleState(values[_STATE])
    return Article(*values)


def get(tx: Transaction, article_id: int) -> Article | None:
    """One article."""
    return _article(tx.one(_GET, article=article_id))


def get_for_change(tx: Transaction, article_id: int) -> Article | None:
    """The article, held until the end of the transaction: whoever changes anything in it begins here.

    Other processes then wait, so that what is decided on (statuses, counters, which tombstones stay) is still so when
    it is written.
    """
    return _article(tx.one(_GET_FOR_CHANGE, article=article_id))


def by_slug(tx: Transaction, slug: str) -> Article | None:
    """The article that has or once had this slug."""
    return _article(tx.one(_BY_SLUG, old_slug=slug))


def by_canonical_url(tx: Transaction, canonical_url: str) -> Article | None:
    """The article of a page, by `slugs.canonical_url` of its address."""
    return _article(tx.one(_BY_CANONICAL, canonical=canonical_url))


def by_origin(tx: Transaction, origin: str, origin_id: str) -> Article | None:
    """The article that was imported from there."""
    return _article(tx.one(_BY_ORIGIN, from_=origin, key=origin_id))


def newest(tx: Transaction, before: int, most: int) -> list[Article]:
    """Articles with an id below `before`, newest first."""
    return [found for row in tx.all(_LIST, before=before, most=most) if (found := _article(row))]


def ids(tx: Transaction) -> list[int]:
    """The ids of all articles."""
    return [int(row[0]) for row in tx.all(_IDS)]


def total(tx: Transaction) -> int:
    """How many articles there are."""
    row = tx.one(_TOTAL)
    return 0 if row is None else int(row[0])


def counts(tx: Transaction, article_ids: list[int]) -> dict[int, int]:
    """Visible comments of each of these articles; unknown ids are left out."""
    found = (tx.one(_COUNTS, article=article_id) for article_id in article_ids)
    return {row[0]: row[1] for row in found if row is not None}


def free_slug(tx: Transaction, wanted: str) -> str:
    """`wanted`, or the first of `wanted-2`, `wanted-3`, … that no article ever had."""
    slug, number = wanted, 1
    while tx.one(_SLUG_TAKEN, wanted=slug) is not None:
        number += 1
        slug = f"{wanted}-{number}"
    return slug


def add(
    tx: Transaction,
    *,
    slug: str,
    title: str,
    created_at: int,
    id: int | None = None,
    url: str | None = None,
    canonical_url: str | None = None,
    byline: str | None = None,
    body: str = "",
    image_url: str | None = None,
    image_caption: str | None = None,
    published_at: int | None = None,
    state: ArticleState = ArticleState.OPEN,
    slow_mode_seconds: int = 0,
    origin: str | None = None,
    origin_id: str | None = None,
) -> int:
    """Adds an article with its channel; its id. `slug` must be free."""
    row = tx.one(
        _ADD,
        **({} if id is None else {"id": id}),
        slug=slug,
        url=url,
        canonical_url=canonical_url,
        title=title,
        byline=byline,
        body=body,
        image_url=image_url,
        image_caption=image_caption,
        published_at=published_at,
        state=state.value,
        slow_mode_seconds=slow_mode_seconds,
        comment_count=0,
        created_at=created_at,
        origin=origin,
        origin_id=origin_id,
    )
    assert row is not None
    article_id = int(row[0])
    add_slug(tx, slug, article_id)
    event_log.add_channel(tx, article_channel(article_id))
    return article_id


def add_slug(tx: Transaction, slug: str, article_id: int) -> None:
    """A slug under which an article is found from now on."""
    tx.run(_ADD_SLUG, slug=slug, article_id=article_id)


def update_article(tx: Transaction, article: Article) -> None:
    """Stores an article's present fields (not its count)."""
    tx.run(
        _UPDATE,
        article=article.id,
        new_slug=article.slug,
        new_title=article.title,
        new_url=article.url,
        new_canonical_url=article.canonical_url,
        new_byline=article.byline,
        new_body=article.body,
        new_image_url=article.image_url,
        new_image_caption=article.image_caption,
        new_published_at=article.published_at,
        new_state=article.state.value,
        new_slow_mode_seconds=article.slow_mode_seconds,
    )


def count(tx: Transaction, article_id: int, change: int) -> int:
    """Changes the number of visible comments; the new number."""
    row = tx.one(_COUNT, article=article_id, change=change)
    assert row is not None
    return int(row[0])
