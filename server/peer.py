"""The app's side of one live connection, whatever carries it: session.py's effects carried out over a link.

The slim protocol of transport/ and the plain ASGI route are links; both make one of these for each connection, so both
behave the same. The session decides what is said and in which order. Rights are checked at subscribe; those of a
channel that is not everybody's again at every heartbeat, and when this process ends the session they came from.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass

from server import auth, tallies
from server.errors import CLOSE_TOO_SLOW, Forbidden, NotFound, ProblemError, Unauthorized
from server.follower import Follower
from server.frames import Frame
from server.hub import Cursor
from server.models import MODERATION_CHANNEL, Actor, person_channel
from server.relay import Reset
from server.session import Close, Effect, Leave, Open, Send, Session, Type, Unwatch, Watch
from server.state import State
from server.transport import Link

_ENDED = "the right to it has ended"  # said of a subscription


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who connected: a keyed hash of the address, the page's origin and whether it is ours, a token if one was sent."""

    address: str
    origin: str | None
    own_origin: bool
    token: str | None


class LivePeer(Follower):
    """One open connection."""

    __slots__ = ("_rights", "_session", "_state", "_tasks", "_visitor", "_wire")

    def __init__(self, state: State, link: Link, visitor: Visitor) -> None:
        super().__init__(state.hub, state.relay, link)
        self._wire = link
        self._state = state
        self._visitor = visitor
        self._session = Session(state.clock.monotonic())
        self._tasks: set[asyncio.Task[None]] | None = None
        self._rights: dict[Cursor, tuple[Open, str]] | None = None  # by what, and by which session, it was opened

    def receive(self, text: str | None) -> None:
        """See transport.Peer."""
        session = self._session
        effects = session.binary() if text is None else session.receive(text, self._state.clock.monotonic())
        self._carry_out(effects)

    def heartbeat(self) -> None:
        """See transport.Peer: says where each channel stands."""
        self._carry_out(self._session.heads())
        self._check_rights()

    def lost(self) -> None:
        """See transport.Peer."""
        self.stop()
        for task in self._tasks or ():
            task.cancel()
        for cursor in self._session.cursors():
            self.drop(cursor)
        self._state.tallies.unwatch(self)

    def drop(self, cursor: Cursor) -> None:
        """Leaves a channel, and types there no more."""
        super().drop(cursor)
        self._left(cursor)

    def offer(self, frame: Frame) -> bool:
        """See hub.Reader. One that catches up has more urgent things to read."""
        return not self.is_behind and self._wire.offer(frame)

    def ended(self, cursor: Cursor, reason: str) -> None:
        """See hub.Reader."""
        self._left(cursor)
        self._carry_out(self._session.ended(cursor, reason))

    def _left(self, cursor: Cursor) -> None:
        self._state.presence.gone(self, cursor.channel.name)
        if self._rights and (right := self._rights.pop(cursor, None)):
            if not any(session == right[1] for _, session in self._rights.values()):
                self._state.sessions.unwatch(right[1], self._check_rights)
            self._rights = self._rights or None

    def _carry_out(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Send(text):
                    self._wire.send(text)
                case Leave(cursor):
                    self.drop(cursor)
                case Close(code, reason):
                    self._state.metrics.aborted("protocol")  # a session closes for nothing else
                    self._wire.close(code, reason)
                case Type(cursor, parent):
                    now = self._state.clock.monotonic()
                    self._state.presence.typing(self, cursor.channel.name, parent, now)
                case Unwatch(named):
                    self._state.tallies.unwatch(self, named)
                case Watch(named):
                    self._watch(named)
                case Open():
                    self._run(self._open(effect))

    def _run(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        if self._tasks is None:
            self._tasks = set()
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        if self._tasks is not None:
            self._tasks.discard(task)
            if not self._tasks:
                self._tasks = None
        if not task.cancelled() and task.exception() is not None:
            self._wire.close(CLOSE_TOO_SLOW, "something went wrong; come back")
            raise task.exception()  # type: ignore[misc]  # the loop logs it

    async def _open(self, asked: Open) -> None:
        """Joins a channel. From the join on nothing awaits: `subscribed`, then the events, then live ones."""
        actor: Actor | None = None
        endings = self._state.sessions.endings
        try:
            name = asked.channel
            if asked.topic[0] != "article":
                name, actor = await self._authorised(asked)
                await self._state.relay.ensure(name)
            assert name is not None
            joined = await self._state.relay.subscribe(self, name, asked.epoch, asked.since, asked.at)
            if joined is None:
                raise NotFound(f"there is no article {asked.topic[1]}")
        except ProblemError as error:
            self._carry_out(self._session.refused(asked, error))
            return
        if isinstance(joined, Reset):
            self._carry_out(self._session.reset(asked, joined.epoch, joined.seq))
            return
        channel = joined.channel
        readers = self._state.hub.readers(channel)
        self._carry_out(self._session.subscribed(asked, joined, channel.epoch, channel.head, readers))
        if joined in channel.cursors:
            self.start(joined)
            self._state.presence.came(joined, channel.name)
            if actor is not None and actor.id is not None and actor.session is not None:
                self._rights = {**(self._rights or {}), joined: (asked, actor.session)}
                self._state.sessions.watch(actor.session, actor.id, self._check_rights)
                if self._state.sessions.endings != endings:  # it may have been this one, which nobody watched yet
                    self._run(self._check(joined, asked))

    def _watch(self, named: tuple[int, ...]) -> None:
        """Tells the counts of these articles; what changes after that is told once a second (pulse.py)."""
        table = self._state.tallies
        watch, numbers = table.watch(self, named), table.known(named)
        self._session.watched = watch.articles  # the same object for everyone, not a copy for each
        if numbers is None:
            self._run(self._read_counts(watch, named))
            return
        self._wire.send(tallies.frame(numbers).text)
        table.answered(watch, named)

    async def _read_counts(self, watch: tallies.Watch, named: tuple[int, ...]) -> None:
        table = self._state.tallies
        try:
            found = await self._state.relay.counts(named)
            table.read(named, found)
            wanted = tuple(article for article in named if article in watch.articles)  # not what was left meanwhile
            if wanted:
                numbers = table.known(wanted)  # a commit may have said a newer one
                self._wire.send(tallies.frame(numbers or {each: found[each] for each in wanted if each in found}).text)
        except ProblemError as error:
            self._carry_out(self._session.uncounted(named, error))
        finally:
            table.answered(watch, named)

    def _check_rights(self) -> None:
        for cursor, (asked, _) in (self._rights or {}).items():
            self._run(self._check(cursor, asked))

    async def _check(self, cursor: Cursor, asked: Open) -> None:
        """Ends a subscription whose reader may not read it any more."""
        try:
            await self._authorised(asked)
        except (Unauthorized, Forbidden):
            if cursor.joined:
                self.drop(cursor)
                self._carry_out(self._session.ended(cursor, _ENDED))
        except ProblemError:
            pass  # the database cannot be asked; the next heartbeat does

    async def _authorised(self, asked: Open) -> tuple[str, Actor]:
        """The channel of a topic that only some may read, and who reads it. Raises Unauthorized, Forbidden."""
        visitor = self._visitor
        actor = await auth.identify(
            self._state,
            asked.token or visitor.token,
            address=visitor.address,
            origin=visitor.origin,
            own_origin=visitor.own_origin,
        )
        if asked.topic[0] == "moderation":
            auth.require_staff(actor)
            name = MODERATION_CHANNEL
        elif actor.id is None:
            raise Unauthorized("the channel `me` needs a token")
        else:
            name = person_channel(actor.id)
        return name, actor
