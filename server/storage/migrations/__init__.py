"""Migrations: Alembic, run when a database is opened for writing.

An SQLite file is copied first (`NAME.db.before-REVISION`, the newest five are kept). On PostgreSQL an advisory lock
lets one process migrate while the others wait. A database that is newer than the program is refused: it would be
damaged by code that does not know it.
"""

import logging
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
_ADVISORY_LOCK = 7_465_120_017  # any number that no other program uses on this database


def upgrade(connection: Connection) -> None:
    """Brings the database to the newest revision, in the connection's transaction. Raises CommandError."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
    if _current(connection) != _newest():
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def upgrade_sqlite(path: Path, raw: sqlite3.Connection) -> None:
    """The same on a `sqlite3` connection, which it closes, after copying the file if it holds an older database."""
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    with engine.connect() as connection:
        try:
            current = _current(connection)
        except DatabaseError as error:
            raise CommandError(f"cannot read the database {path}: {error.orig}") from None
        if current not in (None, _newest()):
            _copy(path, raw, current)
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            upgrade(connection)
        except BaseException:
            connection.exec_driver_sql("ROLLBACK")
            raise
        if raw.in_transaction:
            connection.exec_driver_sql("COMMIT")
    engine.dispose()


def require_current(connection: Connection) -> None:
    """Raises CommandError unless the database is at the newest revision."""
    if _current(connection) != _newest():
        raise CommandError("this database was made by an older Ripost; start `ripost serve` once to migrate it")


def _current(connection: Connection) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    if current is not None and current not in {script.revision for script in _scripts().walk_revisions()}:
        raise CommandError(
            f"this database is newer than this Ripost (revision {current}); install the newer version, "
            "or restore the copy that was made before it was migrated"
        )
    return current


def _newest() -> str | None:
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["target_metadata"] = metadata
    return config


def _copy(path: Path, raw: sqlite3.Connection, revision: str) -> None:
    target = path.with_name(f"{path.name}.before-{_newest()}")
    with sqlite3.connect(target) as copy:
        raw.backup(copy)
    copy.close()
    _log.info("copied the database (revision %s) to %s before migrating it", revision, target)
    copies = sorted(path.parent.glob(f"{path.name}.before-*"), key=lambda file: file.stat().st_mtime)
    for old in copies[:-COPIES_KEPT]:
        old.unlink()
