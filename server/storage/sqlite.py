"""The SQLite side of the database: one thread that owns the only writing connection, and the lock on the file.

It takes all functions that wait, runs each in a savepoint inside one `BEGIN IMMEDIATE`, commits once with
`synchronous=FULL`, and hands the whole batch back to the event loop in one callback: what was appended is published
in order, then the callers are answered. So nothing is said before it is on disk, and a hundred posts cost one fsync.

Failure of a batch: an error inside one function rolls back its savepoint and fails only it. An error that ends the
transaction, or a full disk at COMMIT (after which ROLLBACK succeeds, so the outcome is known), fails the whole batch
and nothing of it was said. Any other failed COMMIT stops the writer: its outcome is unknown until a person or a restart
has looked (a later fsync may lie: Rebello et al., ATC '20).

Only this connection writes and checkpoints (SQLite below 3.51.3 can corrupt a WAL that two connections write or
checkpoint), `mmap_size` is 0, and readers are opened read-only elsewhere.
"""

import asyncio
import fcntl
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from server.errors import CommandError, StorageFull, Unavailable
from server.models import Commit
from server.storage.transaction import CursorTransaction, Statements, Work

_log = logging.getLogger("ripost.storage")

MAX_BATCH = 256  # functions in one COMMIT: bounds the time that the first of them waits for the last
WAL_FIXED = (3, 51, 3)  # the first SQLite without the WAL-reset corruption

T = TypeVar("T")
OnCommit = Callable[[Commit], None]


class _Job:
    __slots__ = ("error", "future", "result", "transaction", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self.transaction: CursorTransaction | None = None


class FileLock:
    """The lock beside an SQLite file that says: a process owns the writing connection. Freed by the system on a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".lock")
        self._fd: int | None = None

    def acquire(self) -> bool:
        """Takes the lock; False if another process holds it. Raises CommandError if the folder cannot be written."""
        try:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CommandError(
                f"cannot open {self.path}: {error.strerror}; the folder must exist and be writable"
            ) from None
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        os.ftruncate(fd, 0)
        os.write(fd, f"{os.getpid()}\n".encode())
        self._fd = fd
        return True

    def release(self) -> None:
        """Gives the lock back; the file stays (removing it would let two processes lock two files of one name)."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def connect_writer(path: Path) -> sqlite3.Connection:
    """The connection that writes. Raises CommandError if the file is not a readable SQLite database."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        for pragma in (
            "mmap_size=0",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "wal_autocheckpoint=1000",
            "journal_size_limit=67108864",
            "secure_delete=ON",  # erased text leaves the file, not only the rows
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.Error as error:
        raise CommandError(
            f"cannot open the database {path}: {error}; it must be a readable and writable SQLite file"
        ) from None
    return connection


def warn_of_old_sqlite() -> None:
    """Logs the SQLite version, and what an old one means here."""
    if sqlite3.sqlite_version_info < WAL_FIXED:
        _log.info(
            "SQLite %s: before 3.51.3 a WAL file that two connections write can be corrupted; only one of ours writes",
            sqlite3.sqlite_version,
        )


class SQLiteWriter:
    """The writer thread. `submit` from the event loop; `on_commit` is called on the loop, in commit order."""

    def __init__(self, connection: sqlite3.Connection, statements: Statements, on_commit: OnCommit) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._statements = statements
        self._on_commit = on_commit
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._stopped: str | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="ripost-writer", daemon=True)
        self._thread.start()

    @property
    def stopped(self) -> str | None:
        """Why the writer takes no more work, or None while it works."""
        return self._stopped

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Runs `work` in the next batch. Cancelling the future does not undo the work."""
        future: asyncio.Future[T] = self._loop.create_future()
        if self._stopped is not None or self._closing:
            future.set_exception(Unavailable(self._stopped or "the server is shutting down"))
        else:
            self._jobs.put(_Job(work, future))
        return future

    async def close(self) -> None:
        """Finishes what was submitted, then ends the thread and closes the connection."""
        self._closing = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    def _run(self) -> None:
        closing = False
        while not closing:
            waiting = [self._jobs.get()]
            while len(waiting) < MAX_BATCH and not self._jobs.empty():
                waiting.append(self._jobs.get())
            closing = None in waiting
            batch = [job for job in waiting if job is not None]
            if batch:
                self._run_batch(batch)
                self._loop.call_soon_threadsafe(self._settle, batch)

    def _run_batch(self, batch: list[_Job]) -> None:
        if self._stopped is not None:
            return _fail(batch, Unavailable(self._stopped))
        execute = self._cursor.execute
        try:
            execute("BEGIN IMMEDIATE")
            for job in batch:
                self._run_job(job)
        except sqlite3.Error as error:
            self._roll_back()
            return _fail(batch, _failure(error))
        try:
            execute("COMMIT")
        except sqlite3.Error as error:
            if _is_full(error) and self._roll_back():
                return _fail(batch, _failure(error))
            self._stopped = f"the database could not commit ({error}); nothing is written until the server is restarted"
            _log.critical("a COMMIT failed and its outcome is unknown: %s; the writer has stopped", error)
            self._roll_back()
            _fail(batch, Unavailable(self._stopped))

    def _run_job(self, job: _Job) -> None:
        """Runs one function in its savepoint. Raises sqlite3.Error only when the whole transaction is gone."""
        execute = self._cursor.execute
        execute("SAVEPOINT job")
        job.transaction = CursorTransaction(self._cursor, self._statements)
        try:
            job.result = job.work(job.transaction)
        except Exception as error:
            if not self._connection.in_transaction:
                # SQLITE_FULL, SQLITE_IOERR and SQLITE_NOMEM may roll back everything by themselves.
                raise error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error)) from error
            execute("ROLLBACK TO job")
            job.error = _failure(error) if _is_full(error) else error
            job.transaction = None
        execute("RELEASE job")

    def _roll_back(self) -> bool:
        if self._connection.in_transaction:
            try:
                self._cursor.execute("ROLLBACK")
            except sqlite3.Error:
                _log.exception("a ROLLBACK failed")
        return not self._connection.in_transaction

    def _settle(self, batch: list[_Job]) -> None:
        for job in batch:
            done = job.transaction
            if job.error is None and done is not None and (done.appended or done.rewritten):
                self._on_commit(Commit(tuple(done.rewritten), tuple(done.appended)))
        for job in batch:
            if job.future.done():
                continue
            if job.error is not None:
                job.future.set_exception(job.error)
            else:
                job.future.set_result(job.result)


def _fail(batch: list[_Job], error: Exception) -> None:
    for job in batch:
        job.error = error
        job.transaction = None


def _is_full(error: BaseException) -> bool:
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"


def _failure(error: Exception) -> Exception:
    if _is_full(error):
        return StorageFull("the disk of the database is full; nothing was stored, try again later")
    return Unavailable(f"the database cannot be written now ({error}); nothing was stored")
