"""Token buckets: how often someone may do something. In memory, bounded, and forgotten within hours.

Keys are given by the caller, addresses as keyed hashes only. The moment is passed in. A bucket that is full again is
the same as none, so the oldest are dropped first and nothing has to be swept.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from server.errors import TooMany

MAX_BUCKETS = 100_000
KEPT_SECONDS = 2 * 3600  # after its last use a key is forgotten; slow mode is at most one hour


@dataclass(frozen=True, slots=True)
class Rule:
    """`burst` at once, then one every `seconds`. `what` completes "too many …"."""

    name: str
    burst: int
    seconds: float
    what: str


POST_PERSON = Rule("post-person", 5, 6, "comments in a short time")
POST_ADDRESS = Rule("post-address", 20, 3, "comments from your network in a short time")
NEW_GUEST = Rule("new-guest", 10, 30, "new guests from your network in a short time")
CHANGE = Rule("change", 20, 2, "changes in a short time")
VOTE_PERSON = Rule("vote-person", 30, 2, "votes in a short time")
VOTE_ADDRESS = Rule("vote-address", 90, 1, "votes from your network in a short time")
RESOLVE = Rule("resolve", 30, 2, "pages in a short time")
NEW_ARTICLE = Rule("new-article", 10, 30, "new pages from your network in a short time")
SIGN_IN = Rule("sign-in", 10, 30, "sign-ins from your network in a short time")
REPORT = Rule("report", 10, 30, "reports from your network in a short time")
PREVIEW = Rule("preview", 30, 1, "previews in a short time")
ERASE = Rule("erase", 5, 60, "requests in a short time")


class Limits:
    """The buckets of this process. `enabled` false lets everything through (load tests)."""

    def __init__(self, *, enabled: bool = True) -> None:
        self._enabled = enabled
        self._buckets: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()
        self._spaced: OrderedDict[str, tuple[str, float]] = OrderedDict()  # who used a place last, and when

    def take(self, rule: Rule, key: str, now: float) -> None:
        """Uses one of `key`'s tokens at monotonic time `now`. Raises TooMany with the seconds until the next one."""
        if not self._enabled:
            return
        place = (rule.name, key)
        tokens, since = self._buckets.pop(place, (float(rule.burst), now))
        tokens = min(float(rule.burst), tokens + (now - since) / rule.seconds)
        self._buckets[place] = (tokens - 1 if tokens >= 1 else tokens, now)
        while len(self._buckets) > MAX_BUCKETS or next(iter(self._buckets.values()))[1] < now - KEPT_SECONDS:
            self._buckets.popitem(last=False)
        if tokens < 1:
            raise TooMany(f"too many {rule.what}", retry_after=max(1.0, (1 - tokens) * rule.seconds))

    def space(self, key: str, seconds: float, now: float, *, by: str) -> None:
        """One use of `key` every `seconds`: an article's slow mode. Raises TooMany.

        Takes the place for `by` at once, so that two at one moment are two; `by` may ask again.
        """
        if not self._enabled or seconds <= 0:
            return
        holder, last = self._spaced.get(key, (by, now))
        if holder != by and now - last < seconds:
            raise TooMany(
                f"this discussion is in slow mode: one comment every {seconds:g} seconds",
                retry_after=seconds - (now - last),
            )
        self._spaced.pop(key, None)
        self._spaced[key] = (by, now)
        while len(self._spaced) > MAX_BUCKETS or next(iter(self._spaced.values()))[1] < now - KEPT_SECONDS:
            self._spaced.popitem(last=False)

    def unspace(self, key: str, *, by: str) -> None:
        """Gives back the place that `by` took and did not use."""
        if self._spaced.get(key, ("", 0.0))[0] == by:
            self._spaced.pop(key, None)


class Connections:
    """How many streams of all kinds are open, in all and from each address."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self.open = 0
        self._most = most
        self._most_per_address = most_per_address
        self._by_address: dict[str, int] = {}

    @contextmanager
    def one(self, address: str) -> Iterator[None]:
        """Counts a connection while it is entered. Raises TooMany."""
        leave = self.enter(address)
        try:
            yield
        finally:
            leave()

    def enter(self, address: str) -> Callable[[], None]:
        """Counts a connection until what this returns is called, once. Raises TooMany."""
        own = self._by_address.get(address, 0)
        if own >= self._most_per_address:
            raise TooMany(f"at most {self._most_per_address} connections from one network", retry_after=30)
        if self.open >= self._most:
            raise TooMany("this server has as many connections as it may", retry_after=30)
        self.open += 1
        self._by_address[address] = own + 1
        return partial(self._leave, address)

    def _leave(self, address: str) -> None:
        self.open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
