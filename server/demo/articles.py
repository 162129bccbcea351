"""The articles of the demo with the threads they start with, as values read from content/*.toml.

Owns the form of these files and the order in which everything in them happened. Promises that a comment follows what it
answers and that every moment lies in the past. Never touches a database.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from server.models import ArticleState, Status
from server.times import SECOND

HOT = "night-train"
# The order in which they were published; the index shows the last one first.
NAMES = ("saplings", "library-boat", "lake-mud", "harbour-microphones", HOT)

HOUR = 3600 * SECOND
MINUTE = 60 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenComment:
    """A comment as its file has it. `text` is what it says in the end, `before` what it said until `edited_after`
    minutes; `removed_after` minutes it was taken down (`status`)."""

    key: str
    by: str
    hours_ago: float
    text: str
    under: str | None = None
    before: str | None = None
    edited_after: float | None = None
    removed_after: float | None = None
    status: Status = Status.VISIBLE
    pinned: bool = False
    up: int = 0
    down: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenArticle:
    """An article as its file has it; `body` is Markdown. `name` is the file's, `label` what it is a sample of."""

    name: str
    label: str
    title: str
    byline: str
    state: ArticleState
    hours_ago: float
    body: str
    comments: tuple[WrittenComment, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to a comment: `posted`, `edited`, `taken down` or `pinned`; `at` in microseconds since 1970."""

    at: int
    what: str
    comment: WrittenComment


def content(name: str) -> dict[str, Any]:
    """The values of a file in content/, without its ending."""
    return tomllib.loads((files("server.demo") / "content" / f"{name}.toml").read_text("utf-8"))


def read(name: str) -> WrittenArticle:
    """An article of the demo."""
    values = content(name)
    comments = tuple(_comment(entry) for entry in values.pop("comments", ()))
    state = ArticleState(values.pop("state"))
    return WrittenArticle(name=name, state=state, comments=comments, **values)


def _comment(entry: dict[str, Any]) -> WrittenComment:
    values = {**entry, "text": entry["text"].strip()}
    if "before" in values:
        values["before"] = values["before"].strip()
    if "status" in values:
        values["status"] = Status(values["status"])
    return WrittenComment(**values)


def steps(article: WrittenArticle, now: int) -> list[Step]:
    """Everything that happened under an article until `now`, in order."""
    return sorted(_steps(article, now), key=lambda step: step.at)


def _steps(article: WrittenArticle, now: int) -> Iterator[Step]:
    for place, comment in enumerate(article.comments):
        # Nobody writes on the full minute.
        at = now - round(comment.hours_ago * HOUR) + (place * 97 % 211) * SECOND + place * 7919 % 1000 * 997
        yield Step(at, "posted", comment)
        if comment.edited_after is not None:
            yield Step(at + round(comment.edited_after * MINUTE), "edited", comment)
        if comment.removed_after is not None:
            yield Step(at + round(comment.removed_after * MINUTE), "taken down", comment)
        if comment.pinned:
            yield Step(at + MINUTE // 2, "pinned", comment)
