"""An article and its discussion in the words of schema.org, for those who read pages by machine.

Owns what is said of comments to search engines: text, author, dates and place of those that may be read. Promises that
a comment that is not visible is not in it (its visible replies stand with the nearest visible comment above), and that
nesting is bounded. Never says more than the page shows.
"""

from collections.abc import Sequence
from typing import Any

from server import events, markdown
from server.events import Article, Comment

LEVELS = 6  # of nesting; deeper replies stand with their ancestor on the last level
TEXT_MAX = 128 * 1024  # characters of comments in all: with more, a page would be twice as heavy as it reads


def article(
    row: Article, *, url: str, page: str, description: str, comments: Sequence[Comment], modified_at: str | None
) -> str:
    """JSON-LD of an article. `url` is its canonical address, `page` ours; `comments` has parents before replies."""
    interaction = {
        "@type": "InteractionCounter",
        "interactionType": "https://schema.org/CommentAction",
        "userInteractionCount": row.comment_count,
    }
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Article",
        "@id": url,
        "url": url,
        "mainEntityOfPage": url,
        "headline": row.title,
        "description": description or None,
        "author": None if row.byline is None else {"@type": "Person", "name": author_of(row.byline)},
        "image": None if row.image is None else row.image.url,
        "datePublished": row.published_at,
        "dateModified": modified_at,
        "discussionUrl": page,
        "commentCount": row.comment_count,
        "interactionStatistic": interaction,
        "comment": _comments(comments, page),
    }
    return events.encode(_filled(found))


def author_of(byline: str) -> str:
    """The name in a byline: `By Ana Silva` is Ana Silva."""
    return byline[3:].strip() if byline[:3].lower() == "by " else byline


def _comments(comments: Sequence[Comment], page: str) -> list[dict[str, Any]]:
    top: list[dict[str, Any]] = []
    below: dict[int, tuple[list[dict[str, Any]], int]] = {}  # by id: where its replies go, and on which level
    room = TEXT_MAX
    for comment in comments:
        place, level = below.get(comment.parent or 0, (top, 0))
        below[comment.id] = (place, level)
        if comment.author is None or comment.tree is None or comment.status != "visible":
            continue
        text = markdown.plain_text(events.decode(bytes(comment.tree)))
        room -= len(text)
        if room < 0:
            break
        replies: list[dict[str, Any]] = []
        found = {
            "@type": "Comment",
            "@id": f"{page}?comment={comment.id}",
            "url": f"{page}?comment={comment.id}",
            "author": {"@type": "Person", "name": comment.author.name},
            "datePublished": comment.created_at if comment.dated else None,
            "dateModified": comment.edited_at,
            "text": text,
            "upvoteCount": comment.up or None,
            "downvoteCount": comment.down or None,
            "comment": replies,
        }
        place.append(found)
        if level < LEVELS:
            below[comment.id] = (replies, level + 1)
    for one in _all(top):
        if not one["comment"]:
            del one["comment"]
    return top


def _all(top: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every comment of the tree, with what is not known left out."""
    found, waiting = [], list(top)
    while waiting:
        one = waiting.pop()
        waiting += one["comment"]
        for key in [key for key, value in one.items() if value is None]:
            del one[key]
        found.append(one)
    return found


def _filled(value: dict[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if part is not None and part != []}
