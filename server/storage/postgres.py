"""The PostgreSQL side of the database: one task that commits what waits, together, over asyncpg.

The same functions as on SQLite run in savepoints of one transaction, inside `AsyncConnection.run_sync`. Serialisation
failures and deadlocks (40001, 40P01) run the batch again: functions have no effects of their own. A commit whose outcome
is unknown (the connection died) fails the batch without saying anything; the log tells later whether it happened, by
the head check here and by `client_id` for who retries.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.errors import StorageFull, Unavailable
from server.models import Commit
from server.storage.transaction import ConnectionTransaction, Statements, Work

_log = logging.getLogger("ripost.storage")

MAX_BATCH = 64  # functions in one COMMIT: bounds how long article and channel rows stay locked for other processes
MAX_TRIES = 5
_RETRIED = {"40001", "40P01"}  # serialization_failure, deadlock_detected
_FULL = {"53100", "54000"}  # disk_full, program_limit_exceeded

T = TypeVar("T")
OnCommit = Callable[[Commit], None]
_Job = tuple[Work[Any], asyncio.Future[Any]]
_Outcome = tuple[Any, Exception | None, ConnectionTransaction | None]


class PostgresWriter:
    """The writer task of this process. `on_commit` is called in commit order, before the callers are answered."""

    stopped: str | None = None

    def __init__(self, engine: AsyncEngine, statements: Statements, on_commit: OnCommit) -> None:
        self._engine = engine
        self._statements = statements
        self._on_commit = on_commit
        self._jobs: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="ripost-writer")

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Runs `work` in the next batch. Cancelling the future does not undo the work."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closing:
            future.set_exception(Unavailable("the server is shutting down"))
        else:
            self._jobs.append((work, future))
            self._wake.set()
        return future

    async def close(self) -> None:
        """Finishes what was submitted, then ends the task."""
        self._closing = True
        self._wake.set()
        await self._task

    async def _run(self) -> None:
        while self._jobs or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._jobs:
                batch = [self._jobs.popleft() for _ in range(min(MAX_BATCH, len(self._jobs)))]
                self._settle(batch, await self._commit([work for work, _ in batch]))

    async def _commit(self, works: list[Work[Any]]) -> list[_Outcome]:
        for attempt in range(1, MAX_TRIES + 1):
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(self._run_batch, works)
            except Exception as error:
                if _sqlstate(error) in _RETRIED and attempt < MAX_TRIES:
                    continue
                _log.warning("a batch of %d writes failed: %s", len(works), error)
                failure: Exception = Unavailable("the database cannot be written now; try again")
                if _sqlstate(error) in _FULL:
                    failure = StorageFull("the disk of the database is full; nothing was stored, try again later")
                return [(None, failure, None)] * len(works)
        raise AssertionError("the last attempt returns")

    def _run_batch(self, connection: Connection, works: list[Work[Any]]) -> list[_Outcome]:
        return [self._run_job(connection, work) for work in works]

    def _run_job(self, connection: Connection, work: Work[Any]) -> _Outcome:
        transaction = ConnectionTransaction(connection, self._statements)
        savepoint = connection.begin_nested()
        try:
            result = work(transaction)
        except Exception as error:
            if isinstance(error, DBAPIError) and (error.connection_invalidated or _sqlstate(error) in _RETRIED | _FULL):
                raise  # the whole batch is lost, or runs again
            savepoint.rollback()
            return None, error, None
        savepoint.commit()
        return result, None, transaction

    def _settle(self, batch: list[_Job], outcomes: list[_Outcome]) -> None:
        for _, _, done in outcomes:
            if done is not None and (done.appended or done.rewritten):
                self._on_commit(Commit(tuple(done.rewritten), tuple(done.appended)))
        for (_, future), (result, error, _) in zip(batch, outcomes, strict=True):
            if future.done():
                continue
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)


def _sqlstate(error: BaseException) -> str | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or getattr(getattr(cause, "__cause__", None), "sqlstate", None)
    return state if isinstance(state, str) else None
