"""The simulated commenters: guests who talk to each other under the hot article and answer whoever else writes.

They come over the public HTTP interface like everybody else, each from an address of their own out of the blocks that
are reserved for examples (RFC 5737), so that a visitor's limits stay the visitor's. They never say anything in a
discussion that is not open, keep the limits of server/limits.py by their pace, stop by themselves after LIFE_SECONDS,
and never raise into the server: what goes wrong is logged once and tried again later.
"""

import asyncio
import logging
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

from server import markdown
from server.demo.articles import content
from server.demo.client import Answer, Client
from server.demo.conversation import Answers, Exchange, Script, Turn
from server.demo.stage import Commenter, Discussion, Stage
from server.models import ArticleState, Status

LIFE_SECONDS = 12 * 3600
FIRST_SECONDS = (4.0, 7.0)  # until the first comment
PACE_SECONDS = (6.0, 15.0)  # between comments
THINKING_SECONDS = (2.0, 3.4)  # until a visitor is answered
ANSWER_BURST = 3  # answers in a row; then
ANSWER_SECONDS = 3.0  # between them
WAITING_MOST = 6  # visitors' comments; somebody who writes faster is not answered each time
OPEN_EXCHANGES = 3  # told at the same time
AUTHORS_MOST = 5_000  # comments whose author is remembered
POLL_SECONDS = 40.0  # the server answers a long poll after 25
RETRY_SECONDS = 2.0

_log = logging.getLogger("ripost.demo")


@dataclass(slots=True)
class _Telling:
    """An exchange that is being told: who speaks its parts, and the comments that it has become so far."""

    exchange: Exchange
    parts: dict[str, Commenter] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list)

    @property
    def next(self) -> Turn | None:
        told = len(self.ids)
        return self.exchange.turns[told] if told < len(self.exchange.turns) else None


@dataclass(slots=True)
class _Room:
    """A discussion as the commenters see it: whether it is open, and who wrote what."""

    discussion: Discussion
    cast: tuple[Commenter, ...]
    open: bool
    authors: OrderedDict[int, int]

    def remember(self, comment_id: int, person_id: int) -> None:
        self.authors[comment_id] = person_id
        if len(self.authors) > AUTHORS_MOST:
            self.authors.popitem(last=False)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A visitor's comment that waits for an answer, due at `due` on the loop's clock."""

    room: _Room
    id: int
    parent: int | None
    name: str
    text: str
    due: float


class Commenters:
    """The people of a stage, at the server behind `client`. `run` plays them until it is cancelled."""

    def __init__(self, stage: Stage, client: Client, random: Random) -> None:
        self._client = client
        self._random = random
        self._script = Script(content("exchanges"), random)
        self._answers = Answers(content("answers"), random)
        self._rooms = [
            _Room(
                discussion,
                discussion.cast or stage.hot.cast,
                discussion.state == ArticleState.OPEN,
                OrderedDict(discussion.authors),
            )
            for discussion in stage.discussions
        ]
        self._hot = next(room for room in self._rooms if room.discussion is stage.hot)
        everybody = {person.id: person for discussion in stage.discussions for person in discussion.cast}
        self._people = everybody
        self._addresses = {id: f"198.51.100.{place % 250 + 1}" for place, id in enumerate(everybody)}
        self._tellings: list[_Telling] = []
        self._heard: deque[_Heard] = deque(maxlen=WAITING_MOST)
        self._hearing = asyncio.Event()
        self._complaints: set[str] = set()

    async def run(self) -> None:
        """Talks, listens and answers, for at most LIFE_SECONDS. Ends only by being cancelled or by old age."""
        try:
            async with asyncio.timeout(LIFE_SECONDS), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._talk())
                tasks.create_task(self._answer())
                for room in self._rooms:
                    tasks.create_task(self._listen(room))
        except TimeoutError:
            _log.warning("the simulated commenters have gone to bed; restart the demo to wake them")

    async def _talk(self) -> None:
        await asyncio.sleep(self._random.uniform(*FIRST_SECONDS))
        while True:
            try:
                if self._hot.open:
                    await self._say_something()
            except OSError as error:
                self._complain("the simulated commenters cannot reach the server", error)
            await asyncio.sleep(self._random.uniform(*PACE_SECONDS))

    async def _say_something(self) -> None:
        telling = self._choose()
        turn = telling.next
        assert turn is not None
        speaker = self._speaker(telling, turn)
        if turn.answers is not None:
            parent: int | None = telling.ids[turn.answers]
        else:
            parent = self._hot.discussion.comments.get(telling.exchange.under or "")
        comment_id = await self._post(self._hot, speaker, turn.text, parent)
        if comment_id is None:  # what it answers is gone, or it is held
            self._tellings.remove(telling)
            return
        telling.ids.append(comment_id)
        if telling.next is None:
            self._tellings.remove(telling)

    def _choose(self) -> _Telling:
        """An exchange that goes on, or a new one: never so many at once that a reader would lose the thread."""
        begun = len(self._tellings)
        if begun == 0 or (begun < OPEN_EXCHANGES and self._random.random() < 0.35):
            self._tellings.append(_Telling(self._script.deal()))
            return self._tellings[-1]
        return self._random.choice(self._tellings)

    def _speaker(self, telling: _Telling, turn: Turn) -> Commenter:
        if turn.speaker not in telling.parts:
            taken = {person.id for person in telling.parts.values()}
            taken |= {person.id for other in self._tellings for person in other.parts.values()}
            free = [person for person in self._hot.cast if person.id not in taken]
            telling.parts[turn.speaker] = self._random.choice(free or self._hot.cast)
        return telling.parts[turn.speaker]

    async def _listen(self, room: _Room) -> None:
        """Follows an article's log by long poll from now on."""
        path = f"/api/articles/{room.discussion.id}/events"
        position: str | None = None
        while True:
            try:
                if position is None:
                    position = await self._position(room)
                answer = await self._client.ask("GET", f"{path}?{position}", seconds=POLL_SECONDS)
                if answer.status != 200:
                    raise ConnectionError(f"{path} answered {answer.status}")
                if "reset" not in answer.body:
                    for event in answer.body["events"]:
                        self._hear(room, event)
                position = f"epoch={answer.body['epoch']}&since={answer.body['seq']}"
            except (OSError, KeyError, TypeError) as error:
                self._complain("the simulated commenters cannot follow the discussion", error)
                await asyncio.sleep(RETRY_SECONDS)

    async def _position(self, room: _Room) -> str:
        answer = await self._client.ask("GET", f"/api/articles/{room.discussion.id}/thread?limit=1")
        if answer.status != 200:
            raise ConnectionError(f"the thread answered {answer.status}")
        room.open = answer.body["article"]["state"] == ArticleState.OPEN
        return f"epoch={answer.body['epoch']}&since={answer.body['seq']}"

    def _hear(self, room: _Room, event: dict[str, Any]) -> None:
        if event["type"] == "article.updated":
            room.open = event["article"]["state"] == ArticleState.OPEN
        if event["type"] != "comment.posted" or event["comment"]["author"] is None:
            return
        comment = event["comment"]
        author = comment["author"]
        room.remember(comment["id"], author["id"])
        if author["id"] in self._people:
            return
        now = asyncio.get_running_loop().time()
        text = markdown.plain_text(comment["tree"])
        due = now + self._random.uniform(*THINKING_SECONDS)
        self._heard.append(_Heard(room, comment["id"], comment["parent"], author["name"], text, due))
        self._hearing.set()

    async def _answer(self) -> None:
        clock = asyncio.get_running_loop().time
        tokens, since = float(ANSWER_BURST), clock()
        while True:
            while not self._heard:
                self._hearing.clear()
                await self._hearing.wait()
            heard = self._heard.popleft()
            await asyncio.sleep(max(0.0, heard.due - clock()))
            tokens, since = min(ANSWER_BURST, tokens + (clock() - since) / ANSWER_SECONDS), clock()
            if tokens < 1:
                await asyncio.sleep((1 - tokens) * ANSWER_SECONDS)
                tokens, since = 1.0, clock()
            tokens -= 1
            if not heard.room.open:
                continue
            text = self._answers.answer(heard.text, heard.name, heard.room.discussion.name)
            try:
                await self._post(heard.room, self._answerer(heard), text, heard.id)
            except OSError as error:
                self._complain("the simulated commenters cannot reach the server", error)

    def _answerer(self, heard: _Heard) -> Commenter:
        """Whoever the visitor spoke to; else anybody of that discussion."""
        spoken_to = self._people.get(heard.room.authors.get(heard.parent or 0, 0))
        return spoken_to or self._random.choice(heard.room.cast)

    async def _post(self, room: _Room, person: Commenter, text: str, parent: int | None) -> int | None:
        """Posts a comment; its id if everybody can see it, None if it was refused or is held. Raises OSError."""
        body = {"client_id": str(uuid4()), "text": text, "parent": parent}
        path = f"/api/articles/{room.discussion.id}/comments"
        answer = await self._ask_to_post(path, body, person)
        if answer.status == 429:
            await asyncio.sleep(min(answer.retry_after, 30.0) + 0.1)
            answer = await self._ask_to_post(path, body, person)
        if answer.status not in (200, 201):
            if answer.status not in (404, 409, 429):  # a parent that was taken down, a closed discussion
                self._complain(f"a simulated comment was answered {answer.status}", None)
            return None
        comment = answer.body["event"]["comment"]
        if comment["status"] != Status.VISIBLE:
            return None
        room.remember(comment["id"], person.id)
        return int(comment["id"])

    async def _ask_to_post(self, path: str, body: object, person: Commenter) -> Answer:
        try:
            return await self._client.ask("POST", path, body, token=person.token, address=self._addresses[person.id])
        except OSError:  # the same client_id again is harmless
            await asyncio.sleep(RETRY_SECONDS)
            return await self._client.ask("POST", path, body, token=person.token, address=self._addresses[person.id])

    def _complain(self, what: str, error: BaseException | None) -> None:
        """Logs each kind of failure once."""
        if what not in self._complaints:
            self._complaints.add(what)
            _log.warning("%s%s", what, f" ({error})" if error is not None else "")
