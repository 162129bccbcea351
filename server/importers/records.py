"""What an importer yields: an article and its comments, or a sentence about the line it could not read."""

from collections.abc import Iterator
from typing import Generic, TypeVar

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


class ParentsFirst(Generic[T]):
    """Puts records in an order in which every parent comes before its replies, otherwise as given.

    Holds back only what waits for its parent. A record whose parent never came goes out at the end, and so does one of
    every circle, with the rest of it behind.
    """

    def __init__(self) -> None:
        self._given: set[object] = set()
        self._waiting: dict[object, list[tuple[object, T]]] = {}

    @property
    def waits(self) -> bool:
        """Whether some record waits for its parent."""
        return bool(self._waiting)

    def take(self, key: object, parent: object | None, record: T) -> Iterator[T]:
        """The records that may go out now that this one has come."""
        if parent is None or parent in self._given:
            yield from self._release(key, record)
        else:
            self._waiting.setdefault(parent, []).append((key, record))

    def rest(self) -> Iterator[T]:
        """What still waits when no more will come."""
        known = {key for group in self._waiting.values() for key, _ in group}
        for parent in [parent for parent in self._waiting if parent not in known]:
            for key, record in self._waiting.pop(parent):
                yield from self._release(key, record)
        while self._waiting:  # circles
            parent, group = next(iter(self._waiting.items()))
            key, record = group.pop(0)
            if not group:
                del self._waiting[parent]
            yield from self._release(key, record)

    def _release(self, key: object, record: T) -> Iterator[T]:
        ready = [(key, record)]
        while ready:
            key, record = ready.pop()
            self._given.add(key)
            yield record
            ready += reversed(self._waiting.pop(key, []))
