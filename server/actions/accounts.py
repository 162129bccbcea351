"""Sessions, and what a person may ask about themselves: their data, and to be forgotten. Guests too, by their token."""

from dataclasses import dataclass
from typing import Any

from server import auth, limits
from server.actions import votes as voting
from server.actions.comments import take_down_quietly
from server.errors import Unauthorized
from server.models import Actor, Person, Status
from server.state import State
from server.storage import comments, people, reports, votes
from server.storage.transaction import Transaction
from server.times import SECOND, rfc3339

CHUNK = 50  # comments deleted, or votes taken back, in one write: others' posts go on in between


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session: the token is shown this once."""

    person: Person
    token: str


async def sign_in_with_link(state: State, actor: Actor, link: str) -> SignedIn:
    """Uses up a one-time link. The session is bound to the origin that asked. Raises Unauthorized, TooMany."""
    state.limits.take(limits.SIGN_IN, actor.address, state.clock.monotonic())
    token = auth.new_token()

    def work(tx: Transaction) -> SignedIn:
        now = state.clock.now()
        person_id = people.take_link(tx, auth.token_hash(link), now)
        person = None if person_id is None else people.get(tx, person_id)
        if person is None:
            raise Unauthorized(
                "this sign-in link was used or is too old; ask for a new one (`ripost person link NAME`)"
            )
        add_session(tx, person.id, token, actor.origin, now)
        return SignedIn(person, token)

    return await state.database.write(work)


def add_session(tx: Transaction, person_id: int, token: str, origin: str | None, now: int) -> None:
    """Remembers a session that ends by itself after a year."""
    people.add_session(
        tx,
        token_hash=auth.token_hash(token),
        person_id=person_id,
        origin=origin,
        created_at=now,
        expires_at=now + auth.SESSION_SECONDS * SECOND,
    )


async def sign_out(state: State, actor: Actor) -> None:
    """Ends the session of this token. Raises Unauthorized."""
    auth.require_person(actor)
    session = actor.session
    assert session is not None
    await state.database.write(lambda tx: people.end_session(tx, session))
    state.sessions.forget(session)


def me(actor: Actor) -> dict[str, Any]:
    """The person behind the token. Raises Unauthorized."""
    person = auth.require_person(actor)
    return {
        "id": person.id,
        "name": person.name,
        "role": person.role,
        "email": person.email,
        "can": auth.rights(actor),
        "created_at": rfc3339(person.created_at),
    }


async def export(state: State, actor: Actor) -> dict[str, Any]:
    """Everything kept about a person, as they may take it along. Raises Unauthorized."""
    person = auth.require_person(actor)
    state.limits.take(limits.ERASE, f"export:{person.id}", state.clock.monotonic())
    written: list[dict[str, Any]] = []
    after = 0
    while True:
        chunk = await state.database.read(lambda tx: _written(tx, person.id, after))  # noqa: B023
        written += chunk
        if len(chunk) < CHUNK:
            break
        after = int(chunk[-1]["id"])
    voted: list[dict[str, Any]] = []
    after = 0
    while True:
        chunk = await state.database.read(lambda tx: _voted(tx, person.id, after))  # noqa: B023
        voted += chunk
        if len(chunk) < CHUNK:
            break
        after = int(chunk[-1]["comment"])
    return {
        "person": me(actor),
        "comments": written,
        "votes": voted,
        "reports": await state.database.read(lambda tx: _reported(tx, person.id)),
        "exported_at": rfc3339(state.clock.now()),
    }


def _written(tx: Transaction, person_id: int, after: int) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "article": row.article_id,
            "parent": row.parent_id,
            "text": comments.source(tx, row.id),
            "status": row.status,
            "created_at": rfc3339(row.created_at),
            "edited_at": None if row.edited_at is None else rfc3339(row.edited_at),
        }
        for row in comments.of_author(tx, person_id, after, CHUNK)
    ]


def _voted(tx: Transaction, person_id: int, after: int) -> list[dict[str, Any]]:
    return [
        {"comment": row.comment_id, "value": row.value, "at": rfc3339(row.at)}
        for row in votes.of_person(tx, person_id, after, CHUNK)
    ]


def _reported(tx: Transaction, person_id: int) -> list[dict[str, Any]]:
    return [
        {"comment": comment, "reason": reason, "note": note, "at": rfc3339(at)}
        for comment, reason, note, at in reports.of_person(tx, person_id)
    ]


async def erase(state: State, actor: Actor) -> int:
    """Deletes all comments of a person everywhere, takes their votes back and forgets the person; how many comments.

    Raises Unauthorized. Ends in the same state if it is interrupted and asked again: the person is forgotten last.
    """
    person = auth.require_person(actor)

    def work(tx: Transaction) -> tuple[int, bool]:
        now = state.clock.now()
        people.get_for_change(tx, person.id)  # what they post and vote meanwhile is in what is read next, or refused
        chunk = comments.of_author(tx, person.id, 0, CHUNK)
        for found in chunk:
            comment = comments.get_for_change(tx, found.id)
            if comment is not None and comment.author_id == person.id:
                take_down_quietly(tx, comment, Status.DELETED, now)
        done = len(chunk) < CHUNK and voting.forget_person(tx, person.id, CHUNK) < CHUNK
        if done:
            reports.forget_person(tx, person.id)
            people.erase(tx, person.id, now)
        return len(chunk), done

    deleted = 0
    while True:
        changed, done = await state.database.write(work)
        deleted += changed
        if done:
            state.sessions.forget_person(person.id)
            return deleted


def shown(signed_in: SignedIn) -> dict[str, Any]:
    """A new session as its owner gets it."""
    person = signed_in.person
    return {"token": signed_in.token, "person": {"id": person.id, "name": person.name, "role": person.role}}
