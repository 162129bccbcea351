"""Small builders: an open server's state on any database, people, articles, and what they say, through the actions.

Everything goes through the doors that requests use; only people are put into the database directly, as `ripost person`
does. Nothing here asserts: that is the tests'.
"""

import contextlib
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from server import auth, events, names
from server.actions import articles, comments, moderation, threads
from server.actions.accounts import add_session
from server.app import open_state
from server.config import Config
from server.models import Actor, Article, Decision, Draft, Person, Role, Sort
from server.state import State
from server.storage import event_log, people
from server.storage.transaction import Transaction
from server.times import FixedClock

SECRET = "a secret that only the tests know, and long enough"
NOBODY = Actor(person=None, staff=False, address="address")


def new_id() -> str:
    """A fresh client id."""
    return str(uuid.uuid4())


def guest(address: str = "address", origin: str | None = None) -> Actor:
    """Somebody without a token."""
    return Actor(person=None, staff=False, address=address, origin=origin)


@dataclass
class Site:
    """An open server without its doors: what the tests of actions and storage work with."""

    state: State
    clock: FixedClock
    _people: int = field(default=0)

    @property
    def database(self) -> Any:
        """The open database."""
        return self.state.database

    async def person(self, name: str | None = None, role: Role = Role.MEMBER) -> Actor:
        """A person of this role, asking from Ripost's own origin."""
        self._people += 1
        name = name or f"{role.value} {self._people}"

        def work(tx: Transaction) -> Person:
            person_id = people.add(tx, name=name, skeleton=names.skeleton(name), role=role, created_at=self.clock.now())
            found = people.get(tx, person_id)
            assert found is not None
            return found

        person = await self.state.database.write(work)
        return Actor(person=person, staff=role.is_staff, address=f"address of {person.id}")

    async def moderator(self) -> Actor:
        """A moderator on Ripost's own origin."""
        return await self.person(role=Role.MODERATOR)

    async def token(self, actor: Actor, origin: str | None = None) -> str:
        """A session of this person, made on `origin`."""
        assert actor.id is not None
        person_id, token = actor.id, auth.new_token()
        await self.state.database.write(lambda tx: add_session(tx, person_id, token, origin, self.clock.now()))
        return token

    async def known(self, token: str | None, *, origin: str | None = None, own_origin: bool = True) -> Actor:
        """The actor whom a request with this token comes from. Raises Unauthorized."""
        return await auth.identify(self.state, token, address="address", origin=origin, own_origin=own_origin)

    async def article(self, title: str = "An article", **changes: Any) -> Article:
        """An article, changed as `articles.Changes` has it."""
        staff = Actor(person=Person(0, "", Role.ADMIN, None, 0), staff=True, address="")
        made = await articles.create_article(self.state, staff, articles.NewArticle(title=title))
        if changes:
            made = await articles.change_article(self.state, staff, made.id, msgspec.convert(changes, articles.Changes))
        return made

    async def post(
        self,
        article: Article | int,
        text: str = "Hello.",
        *,
        by: Actor | None = None,
        parent: int | None = None,
        name: str | None = "Ada",
        client_id: str | None = None,
    ) -> "Said":
        """Posts as `by` (a guest named `name` if nobody)."""
        draft = Draft(client_id=client_id or new_id(), text=text, parent=parent, name=name)
        article_id = article if isinstance(article, int) else article.id
        posted = await comments.post_comment(self.state, by or NOBODY, article_id, draft)
        return Said(json.loads(posted.frame), posted.created, posted.token, posted.frame)

    async def decide(
        self,
        by: Actor,
        comment_id: int,
        decision: str,
        reason: str | None = None,
        read: moderation.Reading | None = None,
    ) -> moderation.Decided:
        """A moderator's decision."""
        return await moderation.decide(self.state, by, comment_id, Decision(decision), reason, read)

    async def thread(
        self, article: Article, sort: Sort = Sort.OLDEST, limit: int = 25, cursor: str | None = None
    ) -> Any:
        """A page of a thread as JSON has it, read by nobody known."""
        view = await self.state.database.read(
            lambda tx: threads.read_thread(tx, article.id, sort, cursor, limit, NOBODY)
        )
        return as_json(threads.content(view))

    async def replies(self, comment_id: int, limit: int = 50, cursor: str | None = None) -> Any:
        """A page of what is below a comment as JSON has it."""
        view = await self.state.database.read(lambda tx: threads.read_replies(tx, comment_id, cursor, limit, NOBODY))
        return as_json(threads.content(view))

    async def context(self, comment_id: int, by: Actor = NOBODY) -> Any:
        """A comment with its ancestors and first replies as JSON has it."""
        view = await self.state.database.read(lambda tx: threads.read_context(tx, comment_id, by))
        return as_json(threads.content(view))

    async def log(self, channel: str) -> list[dict[str, Any]]:
        """Every event of a channel as it would be replayed now."""
        rows = await self.state.database.read(lambda tx: event_log.since(tx, channel, 0, 1_000_000))
        return [json.loads(frame) for _, _, frame in rows]


@dataclass(frozen=True)
class Said:
    """What the poster was answered."""

    event: dict[str, Any]
    created: bool
    token: str | None
    frame: str

    @property
    def comment(self) -> dict[str, Any]:
        """The comment in the event."""
        found: dict[str, Any] = self.event["comment"]
        return found

    @property
    def id(self) -> int:
        """The comment's id."""
        return int(self.comment["id"])


def as_json(value: object) -> Any:
    """What a reader of the JSON text of `value` sees."""
    return json.loads(events.encode(value))


@contextlib.asynccontextmanager
async def open_site(url: str, **settings: Any) -> AsyncIterator[Site]:
    """The state of a server on this database, with a clock that stands still. Rate limits are off unless asked for."""
    chosen: dict[str, Any] = {"database_url": url, "secret_key": SECRET, "rate_limits": False} | settings
    clock = FixedClock()
    async with open_state(Config(**chosen), clock) as state:
        yield Site(state, clock)
