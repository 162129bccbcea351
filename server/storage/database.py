"""The database: one door for writes, one for reads, on SQLite or PostgreSQL.

`write(work)` runs a synchronous function of a Transaction on the one writer of this process (group commit: sqlite.py,
postgres.py) and returns once it is on disk and published. `read(work)` runs one in a read-only transaction that sees
one moment. Both databases run the same functions. Start-up migrates (migrations/), and an SQLite file is locked for as
long as it is open for writing.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from sqlalchemy import Connection, event, text
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.errors import CommandError, Unavailable
from server.models import Commit
from server.storage import migrations
from server.storage.batch import OnBatch, uncounted
from server.storage.postgres import PostgresWriter
from server.storage.sqlite import FileLock, SQLiteWriter, connect_writer, warn_of_old_sqlite
from server.storage.transaction import ConnectionTransaction, Statements, Transaction, Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

T = TypeVar("T")

READS = ("page", "position", "log", "counts", "check", "person", "other")
"""What the database is read for: a page of a thread; where a channel stands; events of a log; counts for front pages;
the regular looks whether something was missed or votes wait; whose token it is; anything else."""

READERS = 4  # concurrent read transactions; more only wait for the same two cores


class DatabaseLocked(CommandError):
    """Another process has the SQLite file open for writing."""


class Database:
    """An open database, made by `Database.open`; `on_commit` hears of every commit, in order, before its caller."""

    def __init__(
        self,
        engine: AsyncEngine,
        statements: Statements,
        writer: SQLiteWriter | PostgresWriter | None,
        lock: FileLock | None,
    ) -> None:
        self._engine = engine
        self._statements = statements
        self._writer = writer
        self._lock = lock
        self.reads = dict.fromkeys(READS, 0)  # how often the database was read for what

    @classmethod
    async def open(cls, url: str, on_commit: Callable[[Commit], None], on_batch: OnBatch = uncounted) -> Self:
        """Opens for reading and writing, after migrating; `on_batch` hears what each transaction took. Raises
        DatabaseLocked, CommandError."""
        if not url.startswith("sqlite"):
            return await cls._open_postgres(url, on_commit, on_batch)
        path = _sqlite_path(url)
        lock = FileLock(path)
        if not lock.acquire():
            raise DatabaseLocked(f"the database {path} is in use by another Ripost process")
        try:
            warn_of_old_sqlite()
            connection = await asyncio.to_thread(_prepare_sqlite, path)
        except BaseException:
            lock.release()
            raise
        statements = Statements(sqlite_dialect.dialect())
        return cls(_reading_engine(path), statements, SQLiteWriter(connection, statements, on_commit, on_batch), lock)

    @classmethod
    async def open_readonly(cls, url: str) -> Self:
        """Opens for reading beside whoever writes. Raises CommandError if there is no database or it is not ours."""
        if not url.startswith("sqlite"):
            engine = _postgres_engine(url)
            await _run(engine, url, migrations.require_current)
            return cls(engine, Statements(engine.dialect), None, None)
        path = _sqlite_path(url)
        if not await asyncio.to_thread(os.path.exists, path):  # unlike Path.exists, False for what may not be seen
            raise CommandError(f"there is no database {path}; `ripost serve` or `ripost import` makes one")
        engine = _reading_engine(path)
        await _run(engine, url, migrations.require_current)
        return cls(engine, Statements(sqlite_dialect.dialect()), None, None)

    @classmethod
    async def _open_postgres(cls, url: str, on_commit: Callable[[Commit], None], on_batch: OnBatch) -> Self:
        engine = _postgres_engine(url)
        await _run(engine, url, migrations.upgrade)
        statements = Statements(engine.dialect)
        return cls(engine, statements, PostgresWriter(engine, statements, on_commit, on_batch), None)

    async def write(self, work: Work[T]) -> T:
        """Runs `work` and returns its result once it is committed and published.

        An exception of `work` undoes only its own changes and is raised here. Raises Unavailable or StorageFull if the
        batch could not be committed; then nothing of it was said. Cancelling the caller does not cancel the work: only
        its future is cancelled, and nobody is told.
        """
        if self._writer is None:
            raise AssertionError("this database was opened for reading only")
        return await self._writer.submit(work)

    async def read(self, work: Work[T], purpose: str = "other") -> T:
        """Runs `work` in a read-only transaction that sees one moment of the database; `purpose` is one of READS and
        only counted. Raises Unavailable."""
        self.reads[purpose] += 1
        try:
            async with self._reading() as connection:
                result: T = await connection.run_sync(self._run_read, work)
                return result
        except (SQLAlchemyError, OSError) as error:
            raise Unavailable(f"the database cannot be read now ({_first_line(error)})") from error

    @asynccontextmanager
    async def _reading(self) -> "AsyncIterator[Any]":
        async with self._engine.connect() as connection:
            if self._engine.dialect.name == "postgresql":
                await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            async with connection.begin():
                yield connection

    def _run_read(self, connection: Connection, work: Work[T]) -> T:
        transaction: Transaction = ConnectionTransaction(connection, self._statements)
        return work(transaction)

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._engine.dialect.name

    @property
    def stopped(self) -> str | None:
        """Why nothing can be written until a person or a restart has looked; None while all is well."""
        return None if self._writer is None else self._writer.stopped

    async def ping(self) -> None:
        """Raises Unavailable if the database cannot be read, or not written any more."""
        if self.stopped:
            raise Unavailable(self.stopped)
        await self.read(lambda tx: tx.one(text("SELECT 1")))

    async def close(self) -> None:
        """Finishes what was submitted, closes every connection, gives the lock back."""
        if self._writer is not None:
            await self._writer.finish()
        # Readers first: the connection that closes last folds SQLite's WAL into the file, and only the writer may.
        await self._engine.dispose()
        if self._writer is not None:
            await self._writer.close()
        if self._lock is not None:
            self._lock.release()


def _sqlite_path(url: str) -> Path:
    # Resolved: two names of one file must not be two locks.
    return Path(url.removeprefix("sqlite:///")).resolve()


def _prepare_sqlite(path: Path) -> sqlite3.Connection:
    migrations.upgrade_sqlite(path, connect_writer(path))
    return connect_writer(path)


def _reading_engine(path: Path) -> AsyncEngine:
    """Read-only connections; each read is one deferred transaction, so it sees one moment."""
    location = path.as_uri().removeprefix("file://")
    engine = create_async_engine(
        f"sqlite+aiosqlite:///file:{location}?mode=ro&uri=true",
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=10,
        connect_args={"isolation_level": None, "timeout": 5},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        for pragma in ("query_only=1", "mmap_size=0"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _postgres_engine(url: str) -> AsyncEngine:
    try:
        return create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            pool_size=READERS + 1,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=True,
        )
    except ModuleNotFoundError:
        raise CommandError("PostgreSQL needs asyncpg: pip install 'ripost[postgres]'") from None


async def _run(engine: AsyncEngine, url: str, work: Callable[[Connection], None]) -> None:
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    except CommandError:
        await engine.dispose()
        raise
    except (SQLAlchemyError, OSError) as error:
        await engine.dispose()
        place = url.rsplit("@", 1)[-1]  # never the password
        raise CommandError(f"cannot open the database {place}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
