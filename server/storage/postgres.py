"""The PostgreSQL side of the database: one task that commits what waits, together, over asyncpg.

The same functions as on SQLite run in savepoints of one transaction, inside `AsyncConnection.run_sync`. A batch of
several runs alone among all processes: two that lock articles and channels in different orders would wait for each
other until PostgreSQL ends one after a second. A single function takes its locks in one order (the person it acts for,
its article, then channels) and runs beside others, so processes wait for each other only when writes queue up anyway.
Serialisation failures and deadlocks (40001, 40P01) run the batch again, a unique violation (two processes added the
same thing) runs the one function again: functions have no effects of their own. A commit whose outcome is unknown (the
connection died) fails the batch without saying anything; the log tells later whether it happened, by the head check
here and by `client_id` for who retries.
"""

import asyncio
import logging
import time
from collections import deque
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.errors import StorageFull, Unavailable
from server.storage.batch import Job, OnBatch, OnCommit, fail, settle
from server.storage.transaction import ConnectionTransaction, Statements, Work

_log = logging.getLogger("ripost.storage")

MAX_BATCH = 64  # functions in one COMMIT: bounds how long article and channel rows stay locked for other processes
MAX_TRIES = 5
_RETRIED = {"40001", "40P01"}  # serialization_failure, deadlock_detected
_FULL = {"53100"}  # disk_full
_FULL_SENTENCE = "the disk of the database is full; nothing was stored, try again later"
_UNIQUE_VIOLATION = "23505"

# Held to the end of a transaction. The numbers are any that no other program uses on this database.
_ALONE = "SELECT pg_advisory_xact_lock(746512, 1)"
_BESIDE_OTHERS = "SELECT pg_advisory_xact_lock_shared(746512, 1)"

T = TypeVar("T")


class PostgresWriter:
    """The writer task of this process. `on_commit` is called in commit order, before the callers are answered."""

    stopped: str | None = None

    def __init__(self, engine: AsyncEngine, statements: Statements, on_commit: OnCommit, on_batch: OnBatch) -> None:
        self._engine = engine
        self._statements = statements
        self._on_commit = on_commit
        self._on_batch = on_batch
        self._jobs: deque[Job] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._task = asyncio.create_task(self._run(), name="ripost-writer")

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Runs `work` in the next batch. Cancelling the future does not undo the work."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closing:
            future.set_exception(Unavailable("the server is shutting down"))
        else:
            self._jobs.append(Job(work, future))
            self._wake.set()
        return future

    async def finish(self) -> None:
        """Finishes what was submitted, then ends the task. Nothing is taken any more."""
        self._closing = True
        self._wake.set()
        await self._task

    async def close(self) -> None:
        """Nothing is left to close: the connections belong to the engine."""

    async def _run(self) -> None:
        while self._jobs or not self._closing:
            await self._wake.wait()
            self._wake.clear()
            while self._jobs:
                batch = [self._jobs.popleft() for _ in range(min(MAX_BATCH, len(self._jobs)))]
                began = time.monotonic()
                await self._commit(batch)
                settle(batch, self._on_commit, self._on_batch, began, time.monotonic())

    async def _commit(self, batch: list[Job]) -> None:
        for attempt in range(1, MAX_TRIES + 1):
            alone = len(batch) > 1 or attempt > 1
            try:
                async with self._engine.begin() as connection:
                    await connection.exec_driver_sql(_ALONE if alone else _BESIDE_OTHERS)
                    await connection.run_sync(self._run_batch, batch)
                return
            except Exception as error:
                state = _sqlstate(error)
                if state in _RETRIED and attempt < MAX_TRIES:
                    continue
                _log.warning("a batch of %d writes failed: %s", len(batch), error)
                if state in _FULL:
                    return fail(batch, lambda: StorageFull(_FULL_SENTENCE))
                return fail(batch, lambda: Unavailable("the database cannot be written now; try again"))

    def _run_batch(self, connection: Connection, batch: list[Job]) -> None:
        for job in batch:
            self._run_job(connection, job)

    def _run_job(self, connection: Connection, job: Job) -> None:
        for attempt in range(1, MAX_TRIES + 1):
            transaction = ConnectionTransaction(connection, self._statements)
            savepoint = connection.begin_nested()
            try:
                result = job.work(transaction)
            except Exception as error:
                state = _sqlstate(error)
                if isinstance(error, DBAPIError) and (error.connection_invalidated or state in _RETRIED | _FULL):
                    raise  # the whole batch is lost, or runs again
                savepoint.rollback()
                if state == _UNIQUE_VIOLATION and attempt < MAX_TRIES:
                    continue  # another process has just added what this function looked for: now it finds it
                return job.fail(error)
            savepoint.commit()
            return job.succeed(result, transaction)


def _sqlstate(error: BaseException) -> str | None:
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or getattr(getattr(cause, "__cause__", None), "sqlstate", None)
    return state if isinstance(state, str) else None
