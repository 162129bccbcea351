"""Time as Ripost keeps it: integer microseconds since 1970 UTC inside, RFC 3339 with microseconds outside.

Owns the conversion and the clocks that are passed to whoever needs one. Nothing else in the server asks the system for
the time, so every rule can be tested at any moment.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

SECOND = 1_000_000
"""Microseconds in a second."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UTC = _EPOCH.replace(tzinfo=None)  # for what says itself that it is UTC


class Clock(Protocol):
    """Wall time for what is stored and shown, monotonic time for what is measured."""

    def now(self) -> int:
        """Microseconds since 1970 UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""


class SystemClock:
    """The machine's clocks."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


class FixedClock:
    """A clock that moves only when told to."""

    def __init__(self, now: int = 1_800_000_000 * SECOND) -> None:
        self._now = now
        self._start = now

    def now(self) -> int:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self._start) / SECOND

    def advance(self, seconds: float) -> None:
        """Moves both clocks forward."""
        self._now += round(seconds * SECOND)


def rfc3339(microseconds: int) -> str:
    """`2026-03-01T12:00:00.000000Z` (RFC 3339, UTC, always six fractional digits)."""
    return (_EPOCH_UTC + timedelta(microseconds=microseconds)).isoformat(timespec="microseconds") + "Z"


def parse_rfc3339(text: str) -> int:
    """Microseconds since 1970 UTC; a time without an offset counts as UTC. Raises ValueError."""
    parsed = datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return (parsed - _EPOCH) // timedelta(microseconds=1)
