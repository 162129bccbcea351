"""Delays as exact counts in steps of 0.1 ms: percentiles over every single delivery, none sampled."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from itertools import accumulate

from tests.bench.tape import Tape

STEP = 1e-4  # seconds


class Delays:
    """How often each delay was measured."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.missing = 0  # deliveries of events whose beginning is not known

    def add(self, seconds: float) -> None:
        """One measurement; below zero (two clocks) counts as none."""
        self._counts[max(0, int(seconds / STEP))] += 1

    def __len__(self) -> int:
        return self._counts.total()

    def percentile(self, share: float) -> float:
        """The delay in seconds that this share of all did not exceed; nan if there were none."""
        if not self._counts:
            return float("nan")
        steps = sorted(self._counts)
        wanted = share * len(self)
        for step, total in zip(steps, accumulate(self._counts[step] for step in steps), strict=True):
            if total >= wanted:
                return (step + 0.5) * STEP
        return (steps[-1] + 0.5) * STEP

    @property
    def p50(self) -> float:
        """The median in seconds."""
        return self.percentile(0.50)

    @property
    def p99(self) -> float:
        """What 99 of 100 did not exceed, in seconds."""
        return self.percentile(0.99)

    @property
    def most(self) -> float:
        """The longest, in seconds."""
        return self.percentile(1.0)


def of_deliveries(tape: Tape, began: Mapping[int, float], into: Delays | None = None) -> Delays:
    """From each event's beginning (`began`, by its number) to each reader's read of its last byte."""
    delays = Delays() if into is None else into
    counts = delays._counts
    starts = [began.get(key) for key in tape.keys]
    for now, since, until in zip(tape.when, tape.since, tape.until, strict=True):
        for start in starts[since:until]:
            if start is None:
                delays.missing += 1
            else:
                counts[int((now - start) / STEP) if now > start else 0] += 1
    return delays


def commits(tape: Tape, offset: float) -> dict[int, float]:
    """When each event says it was committed (`at`), on the generator's clock: `offset` is wall clock minus that."""
    return {
        key: datetime.fromisoformat(at.decode()).timestamp() - offset
        for key, at in zip(tape.keys, tape.ats, strict=True)
        if at
    }
