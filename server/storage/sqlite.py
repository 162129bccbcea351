"""The SQLite side of the database: one thread that owns the only writing connection, and the lock on the file.

It takes all functions that wait, runs each in a savepoint inside one `BEGIN IMMEDIATE`, commits once with
`synchronous=FULL`, and hands the whole batch back to the event loop in one callback: what was appended is published
in order, then the callers are answered. So nothing is said before it is on disk, and a hundred posts cost one fsync.

Failure of a batch: an error inside one function rolls back its savepoint and fails only it. An error of the database
itself inside a function (a full disk, I/O, memory), or a full disk at COMMIT (after which ROLLBACK succeeds, so the
outcome is known), fails the whole batch and nothing of it was said. Any other failed COMMIT stops the writer: its
outcome is unknown until a person or a restart has looked (a later fsync may lie: Rebello et al., ATC '20).

Only this connection writes and checkpoints (SQLite below 3.51.3 can corrupt a WAL that two connections write or
checkpoint), `mmap_size` is 0, and readers are opened read-only elsewhere.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from server.errors import CommandError, StorageFull, Unavailable
from server.storage.batch import Job, OnBatch, OnCommit, fail, settle
from server.storage.transaction import CursorTransaction, Statements, Work

_log = logging.getLogger("ripost.storage")

MAX_BATCH = 256  # functions in one COMMIT: bounds the time that the first of them waits for the last
SCRUB_AFTER = 2  # seconds: how long the WAL may keep what an edit or a deletion took away; batches checkpoints of many
WAL_FIXED = (3, 51, 3)  # the first SQLite without the WAL-reset corruption

# What ends the whole batch, whichever function met it: the transaction may be gone, and the next one would meet it too.
_ENDS_BATCH = {
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_READONLY,
}

T = TypeVar("T")


class FileLock:
    """The lock beside an SQLite file: the process that holds it owns the writing connection. A crash frees it."""

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
    """The connection that writes; a file that it makes is its owner's alone (WAL and index get the same mode).

    Raises CommandError if the file is not a readable SQLite database.
    """
    connection = None
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
        for pragma in (
            "mmap_size=0",
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "wal_autocheckpoint=4000",
            "journal_size_limit=67108864",
            "secure_delete=ON",  # erased text leaves the file, not only the rows
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        reason = error.strerror if isinstance(error, OSError) else error
        raise CommandError(
            f"cannot open the database {path}: {reason}; it must be a readable and writable SQLite file"
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

    def __init__(
        self, connection: sqlite3.Connection, statements: Statements, on_commit: OnCommit, on_batch: OnBatch
    ) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._statements = statements
        self._on_commit = on_commit
        self._on_batch = on_batch
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._stopped: str | None = None
        self._closing = False
        self._scrub_at: float | None = None  # monotonic; set while the WAL may hold what was taken away
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
            self._jobs.put(Job(work, future))
        return future

    async def finish(self) -> None:
        """Finishes what was submitted, then ends the thread. Nothing is taken any more."""
        self._closing = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def close(self) -> None:
        """Closes the connection of a finished writer. As the last one it leaves everything in the one file."""
        await asyncio.to_thread(self._connection.close)

    def _run(self) -> None:
        closing = False
        while not closing:
            waiting = [self._next()]
            while len(waiting) < MAX_BATCH and not self._jobs.empty():
                waiting.append(self._jobs.get())
            closing = None in waiting
            batch = [job for job in waiting if job is not None]
            if batch:
                began = time.monotonic()
                try:
                    self._run_batch(batch)
                except BaseException as error:  # a bug of ours; nobody may wait for ever because of it
                    self._stop(batch, error)
                ended = time.monotonic()
                if self._scrub_at is None and any(job.transaction and job.transaction.rewritten for job in batch):
                    self._scrub_at = ended + SCRUB_AFTER
                self._loop.call_soon_threadsafe(settle, batch, self._on_commit, self._on_batch, began, ended)

    def _next(self) -> Job | None:
        """Waits for a job, and meanwhile empties the WAL when that is due."""
        while self._scrub_at is not None:
            left = self._scrub_at - time.monotonic()
            if left <= 0:
                self._scrub()
            else:
                with contextlib.suppress(queue.Empty):
                    return self._jobs.get(timeout=left)
        return self._jobs.get()

    def _scrub(self) -> None:
        """Folds the WAL into the file and empties it: `secure_delete` does not reach the pages that still lie there."""
        self._scrub_at = None
        if self._stopped is not None:
            return
        try:
            self._cursor.execute("PRAGMA busy_timeout=0")  # a reader in the way is no reason to keep writers waiting
            busy = self._cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
            self._cursor.execute("PRAGMA busy_timeout=5000")
        except sqlite3.Error as error:
            _log.warning("the WAL could not be emptied (%s); it is tried again", error)
            busy = 1
        if busy:
            self._scrub_at = time.monotonic() + SCRUB_AFTER

    def _run_batch(self, batch: list[Job]) -> None:
        stopped = self._stopped
        if stopped is not None:
            return fail(batch, lambda: Unavailable(stopped))
        execute = self._cursor.execute
        try:
            execute("BEGIN IMMEDIATE")
            for job in batch:
                self._run_job(job)
        except sqlite3.Error as error:
            reason = _failure(error)
            if not self._roll_back():
                return self._stop(batch, error)
            return fail(batch, reason)
        try:
            execute("COMMIT")
        except sqlite3.Error as error:
            reason = _failure(error)
            if not self._roll_back() or _code(error) != sqlite3.SQLITE_FULL:
                return self._stop(batch, error)
            fail(batch, reason)

    def _run_job(self, job: Job) -> None:
        """Runs one function in its savepoint. Raises sqlite3.Error only when the whole transaction is gone or lost."""
        execute = self._cursor.execute
        execute("SAVEPOINT job")
        transaction = CursorTransaction(self._cursor, self._statements)
        try:
            job.succeed(job.work(transaction), transaction)
        except Exception as error:
            if isinstance(error, sqlite3.Error) and _code(error) in _ENDS_BATCH:
                raise
            if not self._connection.in_transaction:  # SQLite has rolled everything back by itself
                raise sqlite3.OperationalError(str(error)) from error
            execute("ROLLBACK TO job")
            job.fail(error)
        execute("RELEASE job")

    def _stop(self, batch: list[Job], error: BaseException) -> None:
        """Takes no more work: whether this batch is on disk cannot be told from here."""
        reason = f"the database could not commit ({error}); nothing is written until the server is restarted"
        self._stopped = reason
        _log.critical("a COMMIT failed and its outcome is unknown: %s; the writer has stopped", error)
        fail(batch, lambda: Unavailable(reason))

    def _roll_back(self) -> bool:
        if self._connection.in_transaction:
            try:
                self._cursor.execute("ROLLBACK")
            except sqlite3.Error:
                _log.exception("a ROLLBACK failed")
        return not self._connection.in_transaction


def _code(error: sqlite3.Error) -> int:
    """The primary result code: extended ones keep it in the lowest byte."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _failure(error: sqlite3.Error) -> Callable[[], Exception]:
    if _code(error) == sqlite3.SQLITE_FULL:
        return lambda: StorageFull("the disk of the database is full; nothing was stored, try again later")
    sentence = f"the database cannot be written now ({error}); nothing was stored"
    return lambda: Unavailable(sentence)
