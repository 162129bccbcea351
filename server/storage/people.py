"""People, their sessions and one-time sign-in links. Tokens are stored as hashes; erasing a person keeps their id."""

from sqlalchemy import bindparam, delete, insert, or_, select, text, update

from server.models import Person, Role
from server.storage.schema import links, people, sessions
from server.storage.transaction import Transaction

_STANDING = text("people.role != 'guest'")  # written out: it is what the partial index covers
_COLUMNS = (people.c.id, people.c.name, people.c.role, people.c.email, people.c.created_at)
_GET = select(*_COLUMNS).where(people.c.id == bindparam("person"), people.c.erased_at.is_(None))
_GET_FOR_CHANGE = _GET.with_for_update(key_share=True)  # on PostgreSQL; SQLite has one writer anyway
_GET_FOR_SHARE = _GET.with_for_update(read=True)
_BY_NAME = select(*_COLUMNS).where(
    people.c.name == bindparam("person_name"), people.c.role != Role.GUEST, people.c.erased_at.is_(None)
)
_LOOK_ALIKES = select(*_COLUMNS).where(
    people.c.skeleton == bindparam("wanted"), _STANDING, people.c.erased_at.is_(None)
)
_BY_EMAIL = select(*_COLUMNS).where(people.c.email == bindparam("address"), people.c.erased_at.is_(None))
_BY_ORIGIN = select(people.c.id).where(people.c.origin == bindparam("from_"), people.c.origin_id == bindparam("key"))
_STAFF = select(people.c.skeleton).where(
    _STANDING, or_(people.c.role == Role.MODERATOR, people.c.role == Role.ADMIN), people.c.erased_at.is_(None)
)
_ADD = insert(people).returning(people.c.id)
_ADD_SESSION = insert(sessions)
_BY_TOKEN = (
    select(*_COLUMNS, sessions.c.origin)
    .join(sessions, sessions.c.person_id == people.c.id)
    .where(
        sessions.c.hash == bindparam("token_hash"),
        people.c.erased_at.is_(None),
        or_(sessions.c.expires_at.is_(None), sessions.c.expires_at > bindparam("moment")),
    )
)
_END_SESSION = delete(sessions).where(sessions.c.hash == bindparam("token_hash"))
_END_SESSIONS = delete(sessions).where(sessions.c.person_id == bindparam("person"))
_ADD_LINK = insert(links)
_TAKE_LINK = (
    delete(links)
    .where(links.c.hash == bindparam("token_hash"), links.c.expires_at > bindparam("moment"))
    .returning(links.c.person_id)
)
_ERASE = (
    update(people)
    .where(people.c.id == bindparam("person"))
    .values(name="", email=None, skeleton="", origin=None, origin_id=None, erased_at=bindparam("moment"))
)


def _person(row: tuple[object, ...] | None) -> Person | None:
    if row is None:
        return None
    id, name, role, email, created_at = row[:5]
    return Person(id, name, Role(role), email, created_at)  # type: ignore[arg-type]


def get(tx: Transaction, person_id: int) -> Person | None:
    """A person who was not erased."""
    return _person(tx.one(_GET, person=person_id))


def get_for_share(tx: Transaction, person_id: int) -> Person | None:
    """A person who was not erased, and who is not until the transaction ends.

    Asked first in a transaction, before anything else is held: writers would wait for each other otherwise.
    """
    return _person(tx.one(_GET_FOR_SHARE, person=person_id))


def get_for_change(tx: Transaction, person_id: int) -> Person | None:
    """A person who was not erased, held until the transaction ends: they do nothing meanwhile. Asked first, too."""
    return _person(tx.one(_GET_FOR_CHANGE, person=person_id))


def by_name(tx: Transaction, name: str) -> list[Person]:
    """The members and staff of this name (guests' names are not their own)."""
    return [person for row in tx.all(_BY_NAME, person_name=name) if (person := _person(row))]


def look_alikes(tx: Transaction, skeleton: str) -> list[Person]:
    """The members and staff whose names look like the one of this key (names.skeleton)."""
    return [person for row in tx.all(_LOOK_ALIKES, wanted=skeleton) if (person := _person(row))]


def by_email(tx: Transaction, email: str) -> Person | None:
    """The person with this address."""
    return _person(tx.one(_BY_EMAIL, address=email))


def by_origin(tx: Transaction, origin: str, origin_id: str) -> int | None:
    """The id of the person who was imported from there."""
    row = tx.one(_BY_ORIGIN, from_=origin, key=origin_id)
    return None if row is None else int(row[0])


def staff_skeletons(tx: Transaction) -> frozenset[str]:
    """The look-alike keys of staff names: nobody else may take a name with one of these."""
    return frozenset(str(row[0]) for row in tx.all(_STAFF))


def add(
    tx: Transaction,
    *,
    name: str,
    skeleton: str,
    role: Role,
    created_at: int,
    email: str | None = None,
    origin: str | None = None,
    origin_id: str | None = None,
) -> int:
    """Adds a person; their id."""
    row = tx.one(
        _ADD,
        name=name,
        role=role.value,
        email=email,
        skeleton=skeleton,
        created_at=created_at,
        erased_at=None,
        origin=origin,
        origin_id=origin_id,
    )
    assert row is not None
    return int(row[0])


def add_session(
    tx: Transaction, *, token_hash: str, person_id: int, origin: str | None, created_at: int, expires_at: int | None
) -> None:
    """Remembers a session token (by its hash) for a person, and the origin it was made on."""
    tx.run(
        _ADD_SESSION,
        hash=token_hash,
        person_id=person_id,
        origin=origin,
        created_at=created_at,
        expires_at=expires_at,
    )


def by_token(tx: Transaction, token_hash: str, now: int) -> tuple[Person, str | None] | None:
    """The person behind a session that has not ended, and the origin it was made on."""
    row = tx.one(_BY_TOKEN, token_hash=token_hash, moment=now)
    person = _person(row)
    return None if row is None or person is None else (person, row[5])


def end_session(tx: Transaction, token_hash: str) -> None:
    """Forgets a session; its token is unknown from then on."""
    tx.run(_END_SESSION, token_hash=token_hash)


def add_link(tx: Transaction, *, token_hash: str, person_id: int, expires_at: int) -> None:
    """Remembers a one-time sign-in link by the hash of its token."""
    tx.run(_ADD_LINK, hash=token_hash, person_id=person_id, expires_at=expires_at)


def take_link(tx: Transaction, token_hash: str, now: int) -> int | None:
    """Uses up a sign-in link: the person it was for, or None if it is unknown, used or too old."""
    row = tx.one(_TAKE_LINK, token_hash=token_hash, moment=now)
    return None if row is None else int(row[0])


def erase(tx: Transaction, person_id: int, now: int) -> None:
    """Takes name, address and sessions of a person away for good. Their comments are the caller's to delete."""
    tx.run(_END_SESSIONS, person=person_id)
    tx.run(_ERASE, person=person_id, moment=now)
