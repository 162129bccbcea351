"""Making people, tokens and sign-in links for whoever runs the machine: what `ripost person` does.

No actor is checked here: who can run these can read and write the database anyway. Tokens and links are shown once and
stored as hashes only.
"""

import re

import msgspec

from server import auth, names
from server.actions import accounts
from server.errors import CommandError
from server.models import Person, Role
from server.state import State
from server.storage import people
from server.storage.transaction import Transaction
from server.times import SECOND

EMAIL_MAX = 254  # characters (RFC 5321 section 4.5.3.1.3, less the angle brackets)
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+\.[^\s@<>\"'(),;:.]+")


class NewPerson(msgspec.Struct, frozen=True):
    """Whom to make."""

    name: str
    email: str
    role: Role


class Wanted(msgspec.Struct, frozen=True):
    """Who is meant: a name, or an email address."""

    who: str


class Known(msgspec.Struct, frozen=True):
    """A person."""

    id: int
    name: str
    role: Role


class Token(msgspec.Struct, frozen=True):
    """A new bearer token, and whose it is."""

    person: Known
    token: str


class Link(msgspec.Struct, frozen=True):
    """A new one-time sign-in link, and whose it is."""

    person: Known
    url: str


async def create(state: State, new: NewPerson) -> Known:
    """Makes a member, moderator or admin. Raises CommandError if the name or the address is taken or cannot be used."""
    if new.role == Role.GUEST:
        raise CommandError("a guest is made by posting; member, moderator or admin is accepted")
    try:
        name = names.normalise(new.name)
    except ValueError as error:
        raise CommandError(str(error)) from None
    skeleton = names.skeleton(name)
    email = email_of(new.email)

    def work(tx: Transaction) -> Known:
        for other in people.look_alikes(tx, skeleton):
            how = "is called" if other.name == name else "has a name that looks the same:"
            raise CommandError(f"a {other.role} {how} {other.name} already; choose a name that cannot be mistaken")
        taken = people.by_email(tx, email)
        if taken is not None:
            raise CommandError(f"{email} is the address of {taken.name} already")
        if not new.role.is_staff and names.is_reserved(name, frozenset()):
            raise CommandError(f"{name} is a name of the site's own people; a member needs another")
        now = state.clock.now()
        person_id = people.add(tx, name=name, skeleton=skeleton, role=new.role, email=email, created_at=now)
        return Known(person_id, name, new.role)

    return await state.database.write(work)


async def make_token(state: State, wanted: Wanted) -> Token:
    """A bearer token that works from anywhere. Raises CommandError."""
    token = auth.new_token()

    def work(tx: Transaction) -> Token:
        person = _find(tx, wanted.who)
        accounts.add_session(tx, person.id, token, None, state.clock.now())
        return Token(Known(person.id, person.name, person.role), token)

    return await state.database.write(work)


async def make_link(state: State, wanted: Wanted) -> Link:
    """A sign-in link that works once, within a day. Raises CommandError."""
    token = auth.new_token()

    def work(tx: Transaction) -> Link:
        person = _find(tx, wanted.who)
        expires_at = state.clock.now() + auth.LINK_SECONDS * SECOND
        people.add_link(tx, token_hash=auth.token_hash(token), person_id=person.id, expires_at=expires_at)
        return Link(Known(person.id, person.name, person.role), f"{state.config.own_url}/signin#{token}")

    return await state.database.write(work)


def email_of(text: str) -> str:
    """An address as it is stored and compared. Raises CommandError."""
    email = text.strip().lower()
    if len(email) > EMAIL_MAX or not _EMAIL.fullmatch(email):
        raise CommandError(f"{text.strip()[:80]!r} is not an email address; ana@news.example is accepted")
    return email


def _find(tx: Transaction, who: str) -> Person:
    """The member or staff of this name or address. Raises CommandError."""
    who = who.strip()
    if "@" in who:
        person = people.by_email(tx, who.lower())
        found = [] if person is None else [person]
    else:
        try:
            name = names.normalise(who)
        except ValueError as error:
            raise CommandError(str(error)) from None
        found = people.by_name(tx, name) or people.look_alikes(tx, names.skeleton(name))
    if not found:
        raise CommandError(
            f"nobody here is {who!r}: the name or email of a member, moderator or admin is accepted; "
            "`ripost person create` makes one"
        )
    if len(found) > 1:
        known = ", ".join(person.email or f"person {person.id}, who has no address" for person in found)
        raise CommandError(f"{len(found)} people are called {who}; give the address instead: {known}")
    return found[0]
