"""A transaction as every query of ours sees it: three verbs over Core statements that were compiled once.

Owns the compiled text of statements and the list of what a transaction appended to logs. It promises the same
behaviour on a bare `sqlite3` cursor (the SQLite writer: no layer between a statement and the database) and on a
SQLAlchemy connection (readers, and PostgreSQL through asyncpg). It never commits: whoever made it does.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Executable, Insert
from sqlalchemy.engine import Dialect

from server.models import Appended, Rewritten

T = TypeVar("T")
Row = tuple[Any, ...]
InOrder = Callable[[Mapping[str, Any]], tuple[Any, ...]]


class Statements:
    """The text of every statement used so far, for one dialect; bounded, as statements are module-level constants."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._texts: dict[tuple[int, tuple[str, ...]], tuple[str, InOrder, object]] = {}

    def text(self, statement: Executable, given: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """The SQL text and its positional values. `given` names every value that has no default in the statement."""
        key = (id(statement), tuple(given))
        entry = self._texts.get(key)
        if entry is None:
            columns = list(given) if isinstance(statement, Insert) else None
            core: Any = statement
            compiled: Any = core.compile(dialect=self._dialect, column_keys=columns)
            # The statement is kept with its text: an id is unique only among living objects.
            in_order = _in_order(tuple(compiled.positiontup or ()), dict(compiled.params), frozenset(given))
            entry = self._texts[key] = (compiled.string, in_order, statement)
        sql, in_order, _ = entry
        return sql, in_order(given)


def _in_order(names: Sequence[str], defaults: Mapping[str, Any], given: frozenset[str]) -> InOrder:
    """What puts values in a statement's order, `given` being the names of those that come with a call."""
    if len(names) > 1 and given.issuperset(names):
        return itemgetter(*names)
    return lambda values: tuple(values[name] if name in given else defaults[name] for name in names)


class Transaction(Protocol):
    """What a read or write function is given. Rows are plain tuples in the order of the statement's columns."""

    appended: list[Appended]
    rewritten: list[Rewritten]

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        """The first row, or None."""

    def all(self, statement: Executable, /, **values: Any) -> Sequence[Row]:
        """Every row."""

    def run(self, statement: Executable, /, **values: Any) -> int:
        """Runs a statement that returns nothing; the number of rows it changed."""


Work = Callable[[Transaction], T]


class CursorTransaction:
    """A transaction on the cursor of a `sqlite3` connection."""

    dialect = "sqlite"

    def __init__(self, cursor: Any, statements: Statements) -> None:
        self._cursor = cursor
        self._statements = statements
        self.appended: list[Appended] = []
        self.rewritten: list[Rewritten] = []

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        sql, parameters = self._statements.text(statement, values)
        rows: list[Row] = self._cursor.execute(sql, parameters).fetchall()
        return rows[0] if rows else None

    def all(self, statement: Executable, /, **values: Any) -> Sequence[Row]:
        sql, parameters = self._statements.text(statement, values)
        rows: list[Row] = self._cursor.execute(sql, parameters).fetchall()
        return rows

    def run(self, statement: Executable, /, **values: Any) -> int:
        sql, parameters = self._statements.text(statement, values)
        changed: int = self._cursor.execute(sql, parameters).rowcount
        return changed


class ConnectionTransaction:
    """A transaction on a SQLAlchemy connection (inside `AsyncConnection.run_sync`)."""

    def __init__(self, connection: Connection, statements: Statements) -> None:
        self._connection = connection
        self._statements = statements
        self.appended: list[Appended] = []
        self.rewritten: list[Rewritten] = []

    @property
    def dialect(self) -> str:
        return self._connection.dialect.name

    def one(self, statement: Executable, /, **values: Any) -> Row | None:
        sql, parameters = self._statements.text(statement, values)
        row = self._connection.exec_driver_sql(sql, parameters).first()
        return None if row is None else tuple(row)

    def all(self, statement: Executable, /, **values: Any) -> Sequence[Row]:
        sql, parameters = self._statements.text(statement, values)
        return [tuple(row) for row in self._connection.exec_driver_sql(sql, parameters).all()]

    def run(self, statement: Executable, /, **values: Any) -> int:
        sql, parameters = self._statements.text(statement, values)
        return self._connection.exec_driver_sql(sql, parameters).rowcount
