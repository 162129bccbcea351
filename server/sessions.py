"""Who is behind a token, remembered for a moment so that a busy commenter is not looked up at every step.

Owns nothing: the database does. A session that this process ends is forgotten at once, and whoever relies on it is
told; one that another process ends is known here for KEPT_SECONDS at most. Only hashes of tokens are kept.
"""

from collections import OrderedDict
from collections.abc import Callable

from server.models import Person

KEPT_SECONDS = 5
MAX_SESSIONS = 50_000

Known = tuple[Person, str | None]
"""The person, and the origin the session was made on."""


class Sessions:
    """The sessions seen lately by this process. Moments are monotonic seconds and are passed in."""

    endings: int
    """How often sessions ended here. What the database was asked before that is not remembered."""

    def __init__(self) -> None:
        self.endings = 0
        self._known: OrderedDict[str, tuple[Known, float]] = OrderedDict()
        self._watched: dict[str, dict[Callable[[], None], int]] = {}  # by token: who is told, and whose token it is

    def get(self, token_hash: str, now: float) -> Known | None:
        """Who this is, if that was asked within KEPT_SECONDS."""
        entry = self._known.get(token_hash)
        if entry is None or now - entry[1] > KEPT_SECONDS:
            return None
        return entry[0]

    def keep(self, token_hash: str, known: Known, now: float, endings: int) -> None:
        """Remembers what the database was asked at `now`, when sessions had ended `endings` times."""
        if endings != self.endings:
            return
        self._known.pop(token_hash, None)
        self._known[token_hash] = (known, now)
        if len(self._known) > MAX_SESSIONS:
            self._known.popitem(last=False)

    def forget(self, token_hash: str) -> None:
        """A session ended."""
        self.endings += 1
        self._known.pop(token_hash, None)
        for ended in tuple(self._watched.get(token_hash, ())):
            ended()

    def forget_person(self, person_id: int) -> None:
        """All sessions of a person ended, or what they may do changed."""
        self.endings += 1
        for token_hash in [key for key, ((person, _), _) in self._known.items() if person.id == person_id]:
            del self._known[token_hash]
        for watching in tuple(self._watched.values()):
            for ended, whose in tuple(watching.items()):
                if whose == person_id:
                    ended()

    def watch(self, token_hash: str, person_id: int, ended: Callable[[], None]) -> None:
        """Has `ended` called whenever this session may have ended by this process."""
        self._watched.setdefault(token_hash, {})[ended] = person_id

    def unwatch(self, token_hash: str, ended: Callable[[], None]) -> None:
        """Nobody relies on it any more."""
        watching = self._watched.get(token_hash, {})
        watching.pop(ended, None)
        if not watching:
            self._watched.pop(token_hash, None)
