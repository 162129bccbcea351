"""Comment counts for front pages: who watches the counts of which articles, and what each has not been told yet.

One watch is many articles on one connection, and costs no cursor: commits say the new number, and who watches is told
it at the next second. A commit only notes that an article changed, however many watch it; who must be told is worked
out once a second, in steps between which the loop has its turns (`due`). A watcher who cannot take it then is told the
latest number later; there is no queue. Nothing here reads or sends.

Changes are numbered, and a watch knows up to which number they were told to it or are owed: so none is lost and none
is told for nothing, whoever comes, moves or asks while the steps of a second go on.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Set
from typing import Protocol

from server import events
from server.frames import Frame
from server.models import Commit, article_channel

MOST_WATCHED = 200  # articles on one connection

# Quotes inside a JSON text are escaped, so this stands in a frame only where the number itself does.
_COUNT = re.compile(r'"comment_count":(\d+)')


class Watcher(Protocol):
    """Who is told: a live connection."""

    def offer(self, frame: Frame) -> bool:
        """Takes a frame beside the log now, or refuses it because earlier ones wait. Never blocks or raises."""


class Watch:
    """One connection's articles."""

    __slots__ = ("articles", "asking", "owed", "seen", "watcher")

    def __init__(self, watcher: Watcher, seen: int) -> None:
        self.watcher = watcher
        self.seen = seen  # changes up to this number were told or are owed
        self.articles: frozenset[int] = frozenset()  # the same object for all who watch the same
        self.owed: frozenset[int] | None = None  # whose number changed since it was told, while there are any
        self.asking = 0  # answers under way: until they are sent, a newer number waits


class _Group:
    """All who watch the same articles, as most visitors of a front page do: what an article costs, it costs once."""

    __slots__ = ("articles", "watches")

    def __init__(self, articles: frozenset[int]) -> None:
        self.articles = articles
        self.watches: set[Watch] = set()


class Tallies:
    """The watches of this process, and the latest number of every article that is watched."""

    def __init__(self) -> None:
        self._watches: dict[Watcher, Watch] = {}
        self._groups: dict[frozenset[int], _Group] = {}
        self._of: dict[str, set[_Group]] = {}  # by channel
        self._latest: dict[int, int | None] = {}  # None: there is no such article yet
        self._owing: set[Watch] = set()
        self._changes = 0  # so many there were
        self._changed: dict[int, int] = {}  # article -> the number of its last change, since `due` was last asked
        self._telling: dict[int, int] = {}  # the same for what is being told now
        self._said: set[int] | None = None  # whose number commits said since `refreshing`

    def watch(self, watcher: Watcher, articles: Iterable[int]) -> Watch:
        """Watches these articles, too. The caller answers with their numbers and says so (`answered`)."""
        watch = self._watches.get(watcher)
        if watch is None:
            watch = self._watches[watcher] = Watch(watcher, self._changes)
        watch.asking += 1
        self._move(watch, watch.articles.union(articles))
        return watch

    def unwatch(self, watcher: Watcher, articles: Iterable[int] | None = None) -> None:
        """Watches these articles no more, or none at all (None)."""
        watch = self._watches.get(watcher)
        if watch is None:
            return
        self._move(watch, frozenset() if articles is None else watch.articles.difference(articles))
        if watch.owed is not None:
            self._owe(watch, watch.owed & watch.articles)
        if not watch.articles:
            del self._watches[watcher]

    def _move(self, watch: Watch, articles: frozenset[int]) -> None:
        """Puts a watch among those of the same articles."""
        if articles == watch.articles:
            return
        self._catch_up(watch)
        before = self._groups.get(watch.articles)
        if articles:
            group = self._groups.get(articles)
            if group is None:
                group = self._groups[articles] = _Group(articles)
                for article in articles:
                    self._of.setdefault(article_channel(article), set()).add(group)
            group.watches.add(watch)
            articles = group.articles
        watch.articles = articles
        if before is not None:
            before.watches.discard(watch)
            if not before.watches:
                self._disband(before)

    def _disband(self, group: _Group) -> None:
        del self._groups[group.articles]
        for article in group.articles:
            channel = article_channel(article)
            self._of[channel].discard(group)
            if not self._of[channel]:
                del self._of[channel]
                self._latest.pop(article, None)

    def _catch_up(self, watch: Watch) -> None:
        """Owes a watch every change of its articles so far, before the second that would have found it in its group."""
        if watch.seen == self._changes:
            return
        changes = (*self._telling.items(), *self._changed.items())
        missed = {article for article, number in changes if number > watch.seen and article in watch.articles}
        watch.seen = self._changes
        if missed:
            self._owe(watch, missed.union(watch.owed or ()))

    def _owe(self, watch: Watch, articles: Set[int]) -> None:
        """Notes what a watch is still to be told."""
        watch.owed = frozenset(articles) or None  # one that is frozen is not copied
        if articles:
            self._owing.add(watch)
        else:
            self._owing.discard(watch)

    def known(self, articles: Collection[int]) -> dict[int, int] | None:
        """The latest numbers of these articles, without those that are not there; None if one must be read."""
        found = {article: self._latest[article] for article in articles if article in self._latest}
        if len(found) < len(articles):
            return None
        return {article: number for article, number in found.items() if number is not None}

    def read(self, articles: Iterable[int], found: Mapping[int, int]) -> None:
        """What the database says of these articles; a number that a commit said meanwhile is newer."""
        for article in articles:
            if article_channel(article) in self._of:
                self._latest.setdefault(article, found.get(article))

    def answered(self, watch: Watch, articles: Iterable[int]) -> None:
        """The latest numbers of these articles, which were asked for, are sent."""
        watch.asking -= 1
        self._catch_up(watch)
        if watch.owed is not None:
            self._owe(watch, watch.owed.difference(articles))

    def committed(self, commit: Commit) -> None:
        """What a commit says of the counts of watched articles."""
        for event in commit.appended:
            if event.channel in self._of and (said := _COUNT.findall(event.frame)):
                self._say(int(event.channel.partition(":")[2]), int(said[-1]))

    def refreshing(self) -> list[int]:
        """All articles that are watched, to be read again: other processes may have written."""
        self._said = set()
        return list(self._latest)

    def refreshed(self, found: Mapping[int, int]) -> None:
        """What was read since `refreshing`."""
        said, self._said = self._said or set(), None
        for article, number in found.items():
            if article not in said and article in self._latest:
                self._say(article, number)

    def due(self) -> Iterator[tuple[Watch, dict[int, int]] | None]:
        """Who must be told what now, step by step; None for a step at which nobody has to.

        To be asked once a second and gone through in pieces: the numbers of a step are the latest at that moment, and
        whatever happens between two steps, nobody is left out. Whoever took theirs is to be named to `told`; others
        come again next time. The same numbers are the same object.
        """
        self._telling, self._changed = self._telling | self._changed, {}  # the first is empty unless a second failed
        upto = self._changes
        for watch in tuple(self._owing):
            self._catch_up(watch)
            yield self._step(watch)
        changed, first = frozenset(self._telling), min(self._telling.values(), default=0)
        for group in tuple(self._groups.values()) if changed else ():
            touched = group.articles & changed
            numbers, as_of = self._numbers(touched), self._changes
            yield None
            for watch in tuple(group.watches) if touched else ():
                if watch.seen >= upto:
                    continue  # it came, moved or was told since
                if watch.seen < first and watch.owed is None:
                    self._owe(watch, touched)
                    watch.seen = upto
                else:
                    self._catch_up(watch)
                if as_of != self._changes:
                    numbers, as_of = self._numbers(touched), self._changes
                yield (watch, numbers) if watch.owed is touched and not watch.asking else self._step(watch)
        self._telling = {}

    def _step(self, watch: Watch) -> tuple[Watch, dict[int, int]] | None:
        return (watch, self._numbers(watch.owed)) if watch.owed and not watch.asking else None

    def _numbers(self, articles: Iterable[int]) -> dict[int, int]:
        return {article: self._latest.get(article) or 0 for article in sorted(articles)}

    def told(self, watch: Watch, numbers: Mapping[int, int]) -> None:
        """A watcher took these numbers."""
        said = {article for article, number in numbers.items() if self._latest.get(article) == number}
        self._owe(watch, (watch.owed or frozenset()) - said)

    def _say(self, article: int, number: int) -> None:
        if self._said is not None:
            self._said.add(article)
        if self._latest.get(article) == number:
            return
        self._latest[article] = number
        self._changes += 1
        self._changed[article] = self._changes


def frame(numbers: Mapping[int, int]) -> Frame:
    """A `counts` frame."""
    text = events.encode({"type": "counts", "counts": {str(article): number for article, number in numbers.items()}})
    return Frame(0, 0, text)
