"""Who reads and who is typing, as numbers: what the readers of an article were told last, and when to tell them again.

Nobody is named, to anyone. `due` is asked once a second and answers only for articles where something changed; a
change of the number alone waits until it is worth as many writes as there are readers. Who comes while somebody is
typing is told so at that second, too, and with everybody if everybody is told. An article that nobody reads is
forgotten. The moment is passed in, and who is counted; nothing here sends.
"""

from collections.abc import Callable, Hashable

from server import events
from server.hub import Cursor

TYPING_SECONDS = 6  # after that somebody who said no more has stopped
TYPING_SPACING = 1  # seconds; what somebody says more often does not count
MOST_PLACES = 50  # comments under which somebody is typing, in one frame; those with the most
NUMBER_SHARE = 20  # a change of the number by one in so many readers is told at the next second,
NUMBER_SECONDS = 10  # a smaller one when this time has passed since they were told anything;
NUMBER_WRITES = 2000  # a second, at most, for the number alone: a crowd that is coming needs the time itself

Places = tuple[tuple[int | None, int], ...]
"""How many are typing a reply to which comment (None: a top-level comment)."""


class _Article:
    """What the readers of one article were told, and who is typing there."""

    __slots__ = ("places", "readers", "told_at", "typing")

    def __init__(self, now: float) -> None:
        self.readers = 0  # as told last
        self.places: Places = ()  # as told last
        self.told_at = now
        self.typing: dict[Hashable, tuple[int | None, float]] = {}  # who -> below which comment, when they last said so


class Presence:
    """The articles that somebody reads on this process, by channel. Moments are monotonic seconds."""

    def __init__(self) -> None:
        self._articles: dict[str, _Article] = {}
        self._waiting: set[str] = set()  # something changed, or may change with time
        self._newcomers: dict[str, set[Cursor]] = {}  # by channel: who came since `newcomers` was asked

    def moved(self, channel: str) -> None:
        """The number of an article's readers changed."""
        self._waiting.add(channel)

    def typing(self, who: Hashable, channel: str, parent: int | None, now: float) -> None:
        """Somebody is typing a reply to `parent`, or a top-level comment (None)."""
        article = self._articles.get(channel)
        if article is None:
            article = self._articles[channel] = _Article(now)
        known = article.typing.get(who)
        if known is not None and now - known[1] < TYPING_SPACING:
            return
        article.typing[who] = (parent, now)
        self._waiting.add(channel)

    def gone(self, who: Hashable, channel: str) -> None:
        """Somebody reads the article no more, hence types there no more."""
        article = self._articles.get(channel)
        if article is not None and article.typing.pop(who, None) is not None:
            self._waiting.add(channel)

    def due(self, now: float, readers: Callable[[str], int]) -> list[tuple[str, str]]:
        """What must be said now: channels, each with the frame for all of its readers. To be asked once a second."""
        frames = []
        for channel in tuple(self._waiting):
            number = readers(channel)
            if not number:
                self._waiting.discard(channel)
                self._articles.pop(channel, None)
                continue
            article = self._articles.get(channel)
            if article is None:
                article = self._articles[channel] = _Article(now)
            places = _places(article, now)
            if article.readers == 0 and number == 1:
                article.readers = 1  # who comes alone was told so when they came
            if places != article.places or _is_worth_telling(article, number, now):
                article.readers, article.places, article.told_at = number, places, now
                frames.append((channel, frame(channel, number, places)))
            if not article.typing and article.readers == number:
                self._waiting.discard(channel)
        return frames

    def came(self, who: Cursor, channel: str) -> None:
        """Somebody has begun to read an article; they were told the number of its readers, but not who is typing."""
        article = self._articles.get(channel)
        if article is not None and article.places:
            self._newcomers.setdefault(channel, set()).add(who)

    def newcomers(self, readers: Callable[[str], int]) -> list[tuple[str, str, set[Cursor]]]:
        """Who came since this was asked, if somebody is still typing: channels, each with its frame and those who came.

        To be asked after `due`, which says what changed to all readers of an article, newcomers included.
        """
        came, self._newcomers = self._newcomers, {}
        told = []
        for channel, who in came.items():
            article = self._articles.get(channel)
            if article is not None and article.places:
                told.append((channel, frame(channel, readers(channel), article.places), who))
        return told


def frame(channel: str, readers: int, places: Places) -> str:
    """A `presence` frame."""
    return events.encode(
        {
            "type": "presence",
            "article": int(channel.partition(":")[2]),
            "readers": readers,
            "typing": [{"parent": parent, "count": count} for parent, count in places],
        }
    )


def _places(article: _Article, now: float) -> Places:
    """Who is typing where, at present; who has stopped is forgotten."""
    counts: dict[int | None, int] = {}
    for who, (parent, since) in tuple(article.typing.items()):
        if now - since >= TYPING_SECONDS:
            del article.typing[who]
        else:
            counts[parent] = counts.get(parent, 0) + 1
    most = sorted(counts.items(), key=lambda place: (-place[1], place[0] or 0))[:MOST_PLACES]
    return tuple(sorted(most, key=lambda place: place[0] or 0))


def _is_worth_telling(article: _Article, number: int, now: float) -> bool:
    change, waited = abs(number - article.readers), now - article.told_at
    if change == 0 or (article.readers and waited * NUMBER_WRITES < number - NUMBER_WRITES):
        return False
    return change * NUMBER_SHARE >= article.readers or waited >= NUMBER_SECONDS
