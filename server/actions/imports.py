"""Importing what an importer read: each record once, whatever is there already, and every visible comment published.

A batch is one write, small enough that people's posts in between do not wait (BATCH_COMMENTS). Records are known again
by their origin, so the same file twice adds nothing and a longer one adds what is new. Nothing is ever changed or
deleted, but that an article without an address gets the one that was given.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TypeVar

import msgspec

from server import events, names, slugs
from server.actions import publishing
from server.errors import CommandError
from server.importers import records
from server.models import Article, Comment, Role, Status
from server.state import State
from server.storage import articles, comments, event_log, meta, people
from server.storage.transaction import Transaction

BATCH_COMMENTS = 100  # in one write: measured, a post beside an import of 10,000 waits at most 17 ms instead of 10
BATCH_BYTES = 1 << 20  # of source and tree in one write

T = TypeVar("T")


class PageBatch(msgspec.Struct, frozen=True, kw_only=True):
    """An article and some of its comments, parents before replies. `origin` names the importer."""

    origin: str
    article: records.Article
    comments: Sequence[records.Comment]
    url: str | None = None


class Outcome(msgspec.Struct, kw_only=True):
    """What became of the records. `present`: they were here already. `orphans`: replies whose parent is not here, which
    became top-level comments. `unknown`: their article or their author is nowhere. `renumbered`: comments whose number
    is another here than it was."""

    articles: int = 0
    comments: int = 0
    replies: int = 0
    people: int = 0
    votes: int = 0
    reports: int = 0
    decisions: int = 0
    sessions: int = 0
    present: int = 0
    orphans: int = 0
    unknown: int = 0
    renumbered: int = 0

    def add(self, other: "Outcome") -> None:
        """Counts another outcome's records as well."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class NoArguments(msgspec.Struct, frozen=True):
    """Nothing is given."""


class Instance(msgspec.Struct, frozen=True):
    """The name of a database."""

    name: str


async def name_instance(state: State, _given: NoArguments) -> Instance:
    """The name of this database, made now if it has none."""
    return Instance(await state.database.write(meta.ensure_instance))


async def import_page(state: State, batch: PageBatch) -> Outcome:
    """Adds what is not there yet. Raises CommandError if the address cannot be one."""
    url, canonical = address(batch.url)

    def work(tx: Transaction) -> Outcome:
        return _Arrival(tx, state, batch, url, canonical).run()

    return await state.database.write(work)


def preview_page(tx: Transaction, batch: PageBatch) -> Outcome:
    """What `import_page` would answer, without changing anything. Raises CommandError."""
    _, canonical = address(batch.url)
    article = find_article(tx, batch, canonical)
    if article is None:
        total = len(batch.comments)
        return Outcome(articles=1, comments=total, replies=sum(1 for one in batch.comments if one.parent is not None))
    outcome = Outcome(present=1)
    for one in batch.comments:
        if comments.by_origin(tx, batch.origin, _origin_id(article.id, one.key)) is not None:
            outcome.present += 1
        else:
            outcome.comments += 1
            outcome.replies += one.parent is not None
    return outcome


def address(url: str | None) -> tuple[str | None, str | None]:
    """A given address and its canonical form. Raises CommandError."""
    if url is None:
        return None, None
    try:
        return url.strip(), slugs.canonical_url(url)
    except ValueError as error:
        raise CommandError(str(error)) from None


def find_article(tx: Transaction, batch: PageBatch, canonical: str | None) -> Article | None:
    """The article that a batch is about, by its address or by what it says."""
    known = articles.by_canonical_url(tx, canonical) if canonical else None
    if known is None:
        known = articles.by_origin(tx, batch.origin, batch.article.key)
        if known is not None and canonical and known.canonical_url:
            return None  # the same text at another address is another article
    return known


def batches(found: Iterable[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """Records in portions that one write takes."""
    portion: list[T] = []
    size = 0
    for one in found:
        portion.append(one)
        size += size_of(one)
        if len(portion) >= BATCH_COMMENTS or size >= BATCH_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def ref_of(origin: str, origin_id: str) -> str:
    """The public `ref` of a comment that nobody posted here."""
    return sha256(f"{origin}:{origin_id}".encode()).hexdigest()[:16]


def _origin_id(article_id: int, key: str) -> str:
    return f"{article_id}:{key}"


@dataclass(slots=True)
class _Arrival:
    """One run of one batch. It may be run again, so all it remembers is made anew with it."""

    tx: Transaction
    state: State
    batch: PageBatch
    url: str | None
    canonical: str | None
    outcome: Outcome = field(default_factory=Outcome)
    _added: dict[str, Comment] = field(default_factory=dict)
    _people: dict[str, int] = field(default_factory=dict)

    def run(self) -> Outcome:
        now = self.state.clock.now()
        article = self._article(now)
        for place, one in enumerate(self.batch.comments):
            self._comment(article, one, now, now + place)
        return self.outcome

    def _article(self, now: int) -> Article:
        tx, found = self.tx, self.batch.article
        known = find_article(tx, self.batch, self.canonical)
        if known is not None:
            self.outcome.present += 1
            if self.canonical and known.canonical_url is None:
                known = replace(known, url=self.url, canonical_url=self.canonical)
                articles.update_article(tx, known)
                content: dict[str, object] = {"article": events.article(known)}
                event_log.append(tx, known.channel, events.ARTICLE_UPDATED, now, content)
            return known
        # The same text at another address is another article: its key is taken.
        taken = articles.by_origin(tx, self.batch.origin, found.key) is not None
        article_id = articles.add(
            tx,
            slug=articles.free_slug(tx, slugs.slug(found.title)),
            title=found.title,
            created_at=now,
            url=self.url,
            canonical_url=self.canonical,
            byline=found.byline,
            body=found.body,
            published_at=found.published_at,
            origin=None if taken else self.batch.origin,
            origin_id=None if taken else found.key,
        )
        self.outcome.articles += 1
        added = articles.get(tx, article_id)
        assert added is not None
        return added

    def _comment(self, article: Article, one: records.Comment, now: int, in_order: int) -> None:
        tx, origin = self.tx, self.batch.origin
        origin_id = _origin_id(article.id, one.key)
        if comments.by_origin(tx, origin, origin_id) is not None:
            self.outcome.present += 1
            return
        parent = None if one.parent is None else self._parent(article.id, one.parent)
        self.outcome.comments += 1
        self.outcome.replies += parent is not None
        self.outcome.orphans += one.parent is not None and parent is None
        self._added[one.key] = publish_new(
            tx,
            article_id=article.id,
            parent=parent,
            author=(self._person(one.name, now), one.name),
            source=one.source,
            tree=one.tree,
            created_at=in_order if one.created_at is None else one.created_at,
            dated=one.created_at is not None,
            origin=origin,
            origin_id=origin_id,
            now=now,
        )

    def _parent(self, article_id: int, key: str) -> Comment | None:
        known = self._added.get(key)
        if known is not None:
            return known
        found = comments.by_origin(self.tx, self.batch.origin, _origin_id(article_id, key))
        return None if found is None else comments.get(self.tx, found)

    def _person(self, name: str, now: int) -> int:
        known = self._people.get(name)
        if known is None:
            known = people.by_origin(self.tx, self.batch.origin, name)
            if known is None:
                known = people.add(
                    self.tx,
                    name=name,
                    skeleton=names.skeleton(name),
                    role=Role.GUEST,
                    created_at=now,
                    origin=self.batch.origin,
                    origin_id=name,
                )
                self.outcome.people += 1
            self._people[name] = known
        return known


def publish_new(
    tx: Transaction,
    *,
    article_id: int,
    parent: Comment | None,
    author: tuple[int, str],
    source: str,
    tree: str,
    created_at: int,
    dated: bool,
    origin: str,
    origin_id: str,
    now: int,
) -> Comment:
    """Adds a guest's imported comment and publishes it; the comment."""
    ref = ref_of(origin, origin_id)
    author_id, author_name = author
    comment_id = comments.add(
        tx,
        article_id=article_id,
        parent=parent,
        author_id=author_id,
        client_hash=None,
        ref=ref,
        text_hash="",
        source=source,
        tree=tree,
        status=Status.VISIBLE,
        created_at=created_at,
        dated=dated,
        origin=origin,
        origin_id=origin_id,
    )
    comment = Comment(
        id=comment_id,
        article_id=article_id,
        parent_id=None if parent is None else parent.id,
        root_id=comment_id if parent is None else parent.root_id,
        depth=0 if parent is None else parent.depth + 1,
        path=comments.child_path(parent, comment_id),
        author_id=author_id,
        ref=ref,
        tree=tree,
        status=Status.VISIBLE,
        up=0,
        down=0,
        replies=0,
        kept=0,
        created_at=created_at,
        dated=int(dated),
        edited_at=None,
        pinned=0,
        author_name=author_name,
        author_role=Role.GUEST,
    )
    publishing.publish(tx, comment, now, parent_is_visible=parent is None or parent.status == Status.VISIBLE)
    return comment
