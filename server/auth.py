"""Who is asking, and whether they may.

Owns tokens: opaque, 256 bits, stored as SHA-256 only. A guest's token is an HMAC of the secret `client_id` of their
first post, so that a retry after a lost answer gets the same working token. A session is bound to the origin it was
made on; a staff member's rights count only on Ripost's own origin (DESIGN law 13).
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode

from server.errors import Forbidden, Unauthorized
from server.models import Actor, Person, Role
from server.state import State
from server.storage import people
from server.storage.transaction import Transaction

SESSION_SECONDS = 365 * 24 * 3600
LINK_SECONDS = 24 * 3600

_UNKNOWN = "the token is unknown or has expired; sign in again, or go on as a guest without it"


def new_token() -> str:
    """A fresh bearer token (256 bits)."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What the database knows of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def guest_token(secret: bytes, client_id: str) -> str:
    """The token of the guest whose first post had this client id; the same for every retry."""
    # Not hmac.digest: that gives up the GIL, and the writer's thread then keeps it for a while.
    digest = hmac.new(secret, b"guest:" + client_id.encode(), "sha256").digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def client_hash(client_id: str) -> str:
    """What the database knows of a client id; its first 16 digits are the comment's public `ref`."""
    return hashlib.sha256(client_id.encode()).hexdigest()


def address_key(secret: bytes, address: str) -> str:
    """A keyed hash of a network address (IPv6: of its /64): the address itself is never kept."""
    if ":" in address and "." not in address:
        groups = address.split("%")[0].split("::")[0].split(":")
        address = ":".join((groups + ["0"] * 4)[:4])
    return hashlib.blake2b(address.encode(), key=secret, digest_size=12, person=b"address").hexdigest()


async def identify(state: State, token: str | None, *, address: str, origin: str | None, own_origin: bool) -> Actor:
    """The actor behind a request; `origin` is the page's (None: not a browser). Raises Unauthorized."""
    if token is None:
        return Actor(person=None, staff=False, address=address, origin=origin)
    hashed, now = token_hash(token), state.clock.monotonic()
    found = state.sessions.get(hashed, now)
    if found is None:
        endings = state.sessions.endings
        found = await state.database.read(lambda tx: people.by_token(tx, hashed, state.clock.now()), "person")
        if found is None:
            raise Unauthorized(_UNKNOWN)
        state.sessions.keep(hashed, found, now, endings)
    person, made_on = found
    if made_on is not None and origin is not None and origin != made_on:
        raise Unauthorized(f"this token was made on {made_on} and does not work on {origin}")
    return Actor(
        person=person,
        staff=person.role.is_staff and (origin is None or own_origin),
        address=address,
        origin=origin,
        session=hashed,
    )


def still_known(tx: Transaction, person: Person) -> Person:
    """A person as they are now; they are not forgotten until the transaction ends. Asked first in it: who they were
    when the request came may be over, in another process for seconds. Raises Unauthorized."""
    found = people.get_for_share(tx, person.id)
    if found is None:
        raise Unauthorized(_UNKNOWN)
    return found


def require_staff(actor: Actor) -> Person:
    """The moderator or admin who asks. Raises Unauthorized, Forbidden."""
    person = require_person(actor)
    if actor.staff:
        return person
    if person.role.is_staff:
        raise Forbidden(f"a {person.role}'s rights count only on Ripost's own pages, not on {actor.origin}")
    raise Forbidden("only a moderator may do this")


def require_person(actor: Actor) -> Person:
    """The person who asks. Raises Unauthorized."""
    if actor.person is None:
        raise Unauthorized("this needs a token in the Authorization header")
    return actor.person


def rights(actor: Actor) -> list[str]:
    """What an actor may do besides reading, for the page."""
    return ["post", "vote", "moderate"] if actor.staff else ["post", "vote"]


def is_guest(person: Person) -> bool:
    """Whether a person has only the token of their first comment."""
    return person.role == Role.GUEST
