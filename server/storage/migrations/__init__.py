"""Migrations: Alembic, run when a database is opened for writing.

An SQLite file is copied first (`NAME.db.before-REVISION`, the newest five are kept). On PostgreSQL an advisory lock
lets one process migrate while the others wait. A database that is newer than the program is refused: it would be
damaged by code that does not know it.
"""

import contextlib
import glob
import logging
import os
import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from server.errors import CommandError
from server.storage.schema import metadata

_log = logging.getLogger("ripost.storage")

COPIES_KEPT = 5
SCRIPTS = Path(__file__).parent  # Alembic's folder: env.py and versions/
_ADVISORY_LOCK = 7_465_120_017  # any number that no other program uses on this database


def upgrade(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Brings the database to the newest revision, in the connection's transaction. Raises CommandError."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    if _current(connection, scripts) != _newest(scripts):
        config = _config(scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def upgrade_sqlite(path: Path, raw: sqlite3.Connection, scripts: Path = SCRIPTS) -> None:
    """The same on a `sqlite3` connection, which it closes, after copying the file if it holds an older database."""
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    try:
        with engine.connect() as connection:
            current = _current(connection, scripts)
            if current == _newest(scripts):
                return
            if current is not None:
                _copy(path, raw, current, _newest(scripts))
            # Tables that are made anew would take their children along; what is left must be whole before it counts.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                upgrade(connection, scripts)
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise CommandError(f"cannot migrate the database {path}: rows in it refer to others that are gone")
                if raw.in_transaction:
                    connection.exec_driver_sql("COMMIT")
            except BaseException:
                if raw.in_transaction:
                    connection.exec_driver_sql("ROLLBACK")
                raise
    except (DatabaseError, sqlite3.Error) as error:
        raise CommandError(f"cannot read and migrate the database {path}: {getattr(error, 'orig', error)}") from None
    finally:
        engine.dispose()
        raw.close()


def require_current(connection: Connection, scripts: Path = SCRIPTS) -> None:
    """Raises CommandError unless the database is at the newest revision."""
    if _current(connection, scripts) != _newest(scripts):
        raise CommandError("this database was made by an older Ripost; start `ripost serve` once to migrate it")


def _current(connection: Connection, scripts: Path) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in _directory(scripts).walk_revisions()}:
        raise CommandError(
            f"this database is newer than this Ripost (revision {current}); install the newer version, "
            "or restore the copy that was made before it was migrated"
        )
    return current


def _newest(scripts: Path) -> str | None:
    return _directory(scripts).get_current_head()


def _directory(scripts: Path) -> ScriptDirectory:
    return ScriptDirectory.from_config(_config(scripts))


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["target_metadata"] = metadata
    return config


def _copy(path: Path, raw: sqlite3.Connection, revision: str, newest: str | None) -> None:
    """Copies the file beside itself, whole or not at all, readable by its owner only."""
    target = path.with_name(f"{path.name}.before-{newest}")
    unfinished = path.with_name(f"{path.name}.copying")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite3.connect(unfinished)) as copy:
            raw.backup(copy)
        unfinished.replace(target)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise CommandError(f"cannot copy the database to {target} before migrating it: {error}") from None
    _log.info("copied the database (revision %s) to %s before migrating it", revision, target)
    copies = sorted(path.parent.glob(f"{glob.escape(path.name)}.before-*"), key=lambda file: file.stat().st_mtime_ns)
    for old in copies[:-COPIES_KEPT]:
        old.unlink()
