"""`ripost backup` and `ripost restore`, for SQLite files."""

from datetime import UTC, datetime
from pathlib import Path

from server.actions import backups
from server.commands import running
from server.commands.running import counted
from server.config import Config
from server.errors import CommandError


def backup(config: Config, file: Path) -> int:
    """Copies the database and says what is in the copy. Raises CommandError."""
    if config.is_postgres:
        raise CommandError(
            "`ripost backup` copies SQLite files; PostgreSQL has pg_dump: pg_dump --format=custom --file=FILE DATABASE"
        )
    with running.progress("copying", 100) as bar:
        held = backups.back_up(config.database_path, file, bar.reach)
    print(f"copied {config.database_path} to {file}: {_said(held)}, checked")
    return 0


def restore(config: Config, file: Path) -> int:
    """Puts a backup in the place of the database and says what became of the old one. Raises CommandError."""
    if config.is_postgres:
        raise CommandError(
            "`ripost restore` restores SQLite files; PostgreSQL has pg_restore: "
            "pg_restore --clean --dbname=DATABASE FILE"
        )
    with running.progress("restoring", 100) as bar:
        held, kept = running.run(backups.restore(config.database_path, file, datetime.now(UTC), bar.reach))
    print(f"restored {config.database_path} from {file}: {_said(held)}, new epochs")
    if kept is not None:
        print(f"the database that was there is kept as {kept}")
    return 0


def _said(held: backups.Held) -> str:
    return f"{counted(held.articles, 'article')}, {counted(held.comments, 'comment')}"
