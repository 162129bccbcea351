"""Facts about the database itself, by key. `instance` names it for ever, across exports and imports."""

import secrets

from sqlalchemy import bindparam, delete, insert, select, update

from server.storage.schema import meta
from server.storage.transaction import Transaction

INSTANCE = "instance"

_GET = select(meta.c.value).where(meta.c.key == bindparam("wanted"))
_ADD = insert(meta)
_CHANGE = update(meta).where(meta.c.key == bindparam("wanted")).values(value=bindparam("new_value"))
_DROP = delete(meta).where(meta.c.key == bindparam("wanted"))


def get(tx: Transaction, key: str) -> str | None:
    """What is known under this key."""
    row = tx.one(_GET, wanted=key)
    return None if row is None else str(row[0])


def put(tx: Transaction, key: str, value: str) -> None:
    """Notes a fact, or changes it."""
    if not tx.run(_CHANGE, wanted=key, new_value=value):
        tx.run(_ADD, key=key, value=value)


def drop(tx: Transaction, key: str) -> None:
    """Forgets a fact."""
    tx.run(_DROP, wanted=key)


def ensure_instance(tx: Transaction) -> str:
    """The name of this database, made the first time it is asked for."""
    known = get(tx, INSTANCE)
    if known is None:
        known = secrets.token_hex(8)
        put(tx, INSTANCE, known)
    return known
