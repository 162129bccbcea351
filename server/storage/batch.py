"""A batch: the writes that share one COMMIT, and what the world and their callers are told once it is decided.

Owns the order of telling, which is the same on every database: what was appended is published, write by write in the
order in which they ran, and only then is anybody answered. Never commits, never decides what became of the batch.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from server.models import Commit
from server.storage.transaction import Transaction, Work

_log = logging.getLogger("ripost.storage")

OnCommit = Callable[[Commit], None]

OnBatch = Callable[[int, float], None]
"""Told of every transaction that was committed: how many writes shared it, and how many seconds it took."""


def uncounted(writes: int, seconds: float) -> None:
    """Nobody wants to know."""


class Job:
    """One write that waits: its function and its caller's future; then its result and transaction, or its error."""

    __slots__ = ("error", "future", "result", "transaction", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: Exception | None = None
        self.transaction: Transaction | None = None

    def succeed(self, result: Any, transaction: Transaction) -> None:
        """It ran; it counts once the batch is committed."""
        self.result, self.error, self.transaction = result, None, transaction

    def fail(self, error: Exception) -> None:
        """It did not run, or everything it did was undone."""
        self.result, self.error, self.transaction = None, error, None


def fail(batch: Sequence[Job], reason: Callable[[], Exception]) -> None:
    """Fails every job, each with an error of its own: one object raised in many tasks would mix their tracebacks."""
    for job in batch:
        job.fail(reason())


def settle(batch: Sequence[Job], on_commit: OnCommit, on_batch: OnBatch, began: float, ended: float) -> None:
    """Publishes what a decided batch appended, in order, then answers its callers. On the event loop; never raises.

    Its transaction took from `began` to `ended`, in monotonic seconds.
    """
    kept = sum(job.error is None for job in batch)
    if kept:
        on_batch(kept, ended - began)
    for job in batch:
        done = job.transaction
        if done is not None and (done.appended or done.rewritten):
            try:
                on_commit(Commit(tuple(done.rewritten), tuple(done.appended), ended))
            except Exception:  # it is on disk: its caller and everyone else's must be answered all the same
                _log.exception("a commit could not be published; readers find it in the log")
    for job in batch:
        if job.future.done():  # its caller has gone
            continue
        if job.error is None:
            job.future.set_result(job.result)
        elif isinstance(job.error, StopIteration):  # which a future refuses
            job.future.set_exception(RuntimeError("a write function raised StopIteration"))
        else:
            job.future.set_exception(job.error)
