"""What an importer yields: an article and its comments, or a sentence about the line it could not read."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from server.errors import CommandError

T = TypeVar("T")


class NotUnderstood(CommandError):
    """A file is not of its format: the line, and what was expected there."""

    def __init__(self, line: int, expected: str) -> None:
        super().__init__(f"line {line}: {expected}")
        self.line = line


class Article(msgspec.Struct, frozen=True, kw_only=True):
    """An article as it was found. `key` is the same whenever the same article is found; `body` is safe HTML."""

    key: str
    title: str
    body: str
    byline: str | None = None
    published_at: int | None = None


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """A comment as it was found. `key` tells it from every other of its article and is the same whenever it is found.

    `source` is Markdown and `tree` its JSON. Without `created_at` (microseconds) it is shown without a time.
    """

    key: str
    parent: str | None
    name: str
    source: str
    tree: str
    created_at: int | None = None


def parents_first(
    records: Iterable[T], key_of: Callable[[T], object], parent_of: Callable[[T], object | None]
) -> Iterator[T]:
    """The records in an order in which every parent comes before its replies, otherwise as given.

    A record whose parent is nowhere comes at the end, as does one record of every circle, with the rest of it behind.
    Holds back only what is waiting.
    """
    given: set[object] = set()
    waiting: dict[object, list[T]] = {}

    def release(first: T) -> Iterator[T]:
        ready = [first]
        while ready:
            record = ready.pop()
            given.add(key_of(record))
            yield record
            ready += reversed(waiting.pop(key_of(record), []))

    for record in records:
        parent = parent_of(record)
        if parent is None or parent in given:
            yield from release(record)
        else:
            waiting.setdefault(parent, []).append(record)
    known = {key_of(record) for group in waiting.values() for record in group}
    for parent in [parent for parent in waiting if parent not in known]:
        for record in waiting.pop(parent):
            yield from release(record)
    while waiting:  # circles: their first member becomes the top
        parent, group = next(iter(waiting.items()))
        first = group.pop(0)
        if not group:
            del waiting[parent]
        yield from release(first)
