"""Backups of an SQLite file: an online copy, and putting one in the place of the database.

A backup is one moment of the database, whole and checked, in one file that needs nothing beside it. Restoring keeps the
database that was there, and starts new epochs: later events of the lost history may be known to open pages, which then
load the discussion anew. Both are for SQLite only; PostgreSQL has its own tools.
"""

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from server.errors import CommandError
from server.storage import comments, event_log
from server.storage.database import Database
from server.storage.sqlite import FileLock
from server.storage.transaction import Transaction

STEP_PAGES = 500  # copied between two signs of progress
_TABLES = {"alembic_version", "articles", "comments", "channels", "events", "people", "meta"}

Advance = Callable[[int, int], None]
"""Told how many pages are done, of how many."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a file of ours holds."""

    articles: int
    comments: int


def back_up(database: Path, target: Path, advance: Advance) -> Held:
    """Copies the database as it is at this moment, beside whoever uses it; what the copy holds. Raises CommandError."""
    if not database.exists():
        raise CommandError(f"there is no database {database}")
    if target.is_dir():
        raise CommandError(f"{target} is a folder; the name of a file is expected")
    if target.exists() and target.samefile(database):
        raise CommandError(f"{target} is the database itself; give the backup another name")
    try:
        with _room_beside(target) as room:
            unfinished = room / "copy.db"
            _copy(database, unfinished, advance)
            held = inspect(unfinished)
            unfinished.replace(target)
            _sync_folder(target.parent)
    except OSError as error:
        raise CommandError(f"cannot write {target}: {error.strerror or error}") from None
    return held


async def restore(database: Path, backup: Path, moment: datetime, advance: Advance) -> tuple[Held, Path | None]:
    """Puts a backup in the place of the database, migrated and with new epochs; what it holds, and where the replaced
    database is kept.

    Raises CommandError if a server is running, or the file is not a healthy database of a Ripost that is known here.
    """
    _refuse_itself(database, backup)
    lock = FileLock(database)
    if not lock.acquire():
        raise CommandError(f"a server or another command is using {database}; stop it first")
    try:
        held = inspect(backup)
        with _room_beside(database) as room:
            copy = room / "copy.db"
            _copy(backup, copy, advance)
            await _renew(copy)
            kept = _set_aside(database, moment)
            copy.replace(database)
            _sync_folder(database.parent)
            return held, kept
    except OSError as error:
        raise CommandError(f"cannot restore {database}: {error.strerror or error}") from None
    finally:
        lock.release()


def _refuse_itself(database: Path, backup: Path) -> None:
    if not backup.is_file():
        raise CommandError(f"there is no file {backup}")
    if database.exists() and backup.samefile(database):
        raise CommandError(f"{backup} is the database itself; a backup of it is expected")


def inspect(file: Path) -> Held:
    """Raises CommandError unless a file is a healthy database of ours."""
    connection: sqlite3.Connection | None = None
    try:
        connection = _reading(file)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        if not tables >= _TABLES:
            raise CommandError(f"{file} is an SQLite database, but not one of Ripost")
        problem = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if problem != "ok":
            raise CommandError(f"{file} is damaged: {problem}")
        articles = connection.execute("SELECT count(*) FROM articles").fetchone()[0]
        comments = connection.execute("SELECT count(*) FROM comments").fetchone()[0]
        return Held(articles, comments)
    except sqlite3.Error as error:
        raise CommandError(f"{file} is not a readable SQLite database ({error})") from None
    finally:
        if connection is not None:
            connection.close()


def _reading(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None, timeout=5)


def _copy(source: Path, target: Path, advance: Advance) -> None:
    """One moment of `source` as a single file in `target`. Raises CommandError."""
    reading = writing = None
    try:
        reading = _reading(source)
        # The open read keeps one moment: without it, every write of the server would make the copy begin anew.
        reading.execute("BEGIN").execute("SELECT count(*) FROM sqlite_schema").fetchone()
        writing = sqlite3.connect(target, isolation_level=None)
        target.chmod(0o600)
        writing.execute("PRAGMA synchronous=FULL")
        reading.backup(
            writing, pages=STEP_PAGES, progress=lambda _status, left, total: advance(total - left, total), sleep=0
        )
        # A file in WAL mode could not be read from where nothing may be written; the server sets it again.
        writing.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.Error as error:
        raise CommandError(f"cannot copy {source}: {error}") from None
    finally:
        for connection in (writing, reading):
            if connection is not None:
                connection.close()
    with target.open("rb") as file:
        os.fsync(file.fileno())


async def _renew(copy: Path) -> None:
    """Migrates the copy, and starts new epochs and new numbers in it. Raises CommandError if a newer Ripost made it."""
    database = await Database.open(f"sqlite:///{copy}", lambda _commit: None)

    def work(tx: Transaction) -> None:
        event_log.renew_epochs(tx)
        comments.skip_numbers(tx)

    try:
        await database.write(work)
    finally:
        await database.close()


def _set_aside(database: Path, moment: datetime) -> Path | None:
    """Gives the database that is there another name, with what belongs to it; none if there is none."""
    kept: Path | None = None
    if database.exists():
        kept = database.with_name(f"{database.name}.before-restore-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}")
        number = 1
        while kept.exists():
            number += 1
            kept = database.with_name(
                f"{database.name}.before-restore-{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}-{number}"
            )
        # A server that was killed leaves its last commits in the -wal: it stays with the file that it continues.
        wal = Path(f"{database}-wal")
        if wal.exists() and wal.stat().st_size:
            wal.replace(Path(f"{kept}-wal"))
        database.replace(kept)
    for stale in ("-wal", "-shm"):
        Path(f"{database}{stale}").unlink(missing_ok=True)
    return kept


@contextlib.contextmanager
def _room_beside(file: Path) -> Iterator[Path]:
    """A private folder beside a file, on the same file system, removed with whatever was left in it."""
    room = Path(tempfile.mkdtemp(prefix=".ripost-", dir=file.parent))
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _sync_folder(folder: Path) -> None:
    """Makes the new name of a file as durable as the file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
