"""What pages and feeds show, read in one transaction each: an article by its slug with a page of its discussion, the
list of articles, the newest comments.

Only what everyone may see is read here: nobody in particular is asking. Nothing here changes anything.
"""

import unicodedata
from dataclasses import dataclass

from server.actions import threads
from server.actions.threads import View
from server.errors import NotFound
from server.models import Actor, Article, Comment, Sort, Status
from server.storage import articles, comments, event_log, feeds
from server.storage.event_log import Head
from server.storage.threads import Page, ancestors
from server.storage.transaction import Transaction

SLUG_MAX = 400  # characters; ours are far shorter, with the number of a namesake too
LISTED = 20  # articles on a page of the list
NOBODY = Actor(person=None, staff=False, address="")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page's address asks for: an order and a place in it, or one comment, or more of what is below it."""

    sort: Sort = Sort.OLDEST
    cursor: str | None = None
    comment: int | None = None


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest comments with what an entry in a feed says of them; `changed_at` is when any of it last changed."""

    comments: list[Comment]
    articles: dict[int, Article]
    parents: dict[int, Comment]
    changed_at: int | None


def find_article(tx: Transaction, slug: str) -> Article:
    """The article that has or once had this slug. Raises NotFound."""
    for wanted in _spellings(slug):
        found = articles.by_slug(tx, wanted)
        if found is not None:
            return found
    raise NotFound("There is no article at this address.")


def _spellings(slug: str) -> list[str]:
    """`slug` as it may be stored: as given; as people and chat programs respell it."""
    if len(slug) > SLUG_MAX or any(unicodedata.category(character) in ("Cc", "Cs") for character in slug):
        return []
    composed = unicodedata.normalize("NFC", slug)
    return list(dict.fromkeys([slug, composed, unicodedata.normalize("NFC", composed.casefold()).rstrip("-")]))


def head(tx: Transaction, article: Article) -> Head:
    """Where the article's log stands: whatever a page of it shows changes only with this."""
    found = event_log.head(tx, article.channel)
    assert found is not None, "an article is made with its channel"
    return found


def read_page(tx: Transaction, article: Article, asked: Asked) -> View:
    """The page of the discussion that is asked for. Raises NotFound, BadRequest (a cursor that none gave)."""
    if asked.comment is None:
        return threads.read_thread(tx, article.id, asked.sort, asked.cursor, threads.ROOTS, NOBODY)
    if asked.cursor is None:
        view = threads.read_context(tx, asked.comment, NOBODY)
    else:
        view = _further(tx, threads.read_replies(tx, asked.comment, asked.cursor, threads.REPLIES, NOBODY))
    if view.article.id != article.id:
        raise NotFound("There is no such comment in this discussion.")
    return view


def _further(tx: Transaction, view: View) -> View:
    """A further page of replies as one that stands by itself: with the comments above that it hangs on."""
    assert view.asked is not None
    replies = view.page.comments
    above = ancestors(tx, replies[0]) if replies else [*ancestors(tx, view.asked), view.asked]
    known = {comment.id for comment in above} | {comment.id for comment in replies}
    # Below the last level that the database sorts by, replies come by id and their parents may be anywhere before.
    for reply in replies:
        if reply.parent_id is not None and reply.parent_id not in known:
            parent = comments.get(tx, reply.parent_id)
            if parent is not None:
                above.append(parent)
                known.add(parent.id)
    branches = {} if view.page.next_reply is None else {view.asked.id: view.page.next_reply}
    return View(view.article, view.head, view.sort, Page([*above, *replies], branches), view.asked)


def list_articles(tx: Transaction, before: int) -> tuple[list[Article], int | None]:
    """Articles with an id below `before`, newest first, and the id after which older ones go on."""
    found = articles.newest(tx, before, LISTED + 1)
    return found[:LISTED], found[LISTED - 1].id if len(found) > LISTED else None


def newest_comments(tx: Transaction, article: Article | None, most: int) -> Newest:
    """The newest visible comments, of one article or of all (None)."""
    found = comments.newest(tx, most, None if article is None else article.id)
    of: dict[int, Article] = {} if article is None else {article.id: article}
    parents: dict[int, Comment] = {}
    for comment in found:
        if comment.article_id not in of and (row := articles.get(tx, comment.article_id)) is not None:
            of[row.id] = row
        if comment.parent_id is not None and (parent := comments.get(tx, comment.parent_id)) is not None:
            parents[parent.id] = parent
    changed = feeds.last_change(tx) if article is None else head(tx, article).at
    visible = [comment for comment in found if comment.status == Status.VISIBLE and comment.author_name is not None]
    return Newest(visible, of, parents, changed)
