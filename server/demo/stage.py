"""The demo's database as it stands before anybody looks: articles, people, threads, and a moderator with a link.

Promises that all of it happened through the same steps as on a running site, in the order of its time, so that the logs
are what they would be and `ripost check` has nothing to say. One write makes everything or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from server import auth, bodies, events, markdown, moderation, names, slugs
from server.actions import publishing
from server.demo.articles import HOT, HOUR, NAMES, Step, WrittenArticle, WrittenComment, read, steps
from server.models import Article, ArticleState, Comment, Decision, Role, Status
from server.moderation import Verdict
from server.storage import articles, comments, decisions, people
from server.storage.database import Database
from server.storage.transaction import Transaction
from server.times import SECOND, SystemClock

MODERATOR = "Ines Falk"


@dataclass(frozen=True, slots=True)
class Commenter:
    """A guest of the demo whom the program plays, with the token that makes them the same person."""

    id: int
    name: str
    token: str


@dataclass(frozen=True, slots=True)
class Discussion:
    """An article on the stage. `cast` are the guests who wrote under it, `comments` has the id of each comment by its
    key, `authors` the person of each by its id."""

    id: int
    name: str
    label: str
    slug: str
    state: ArticleState
    cast: tuple[Commenter, ...]
    comments: Mapping[str, int]
    authors: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """What was set up. `link` is the secret of the moderator's one-time sign-in link."""

    discussions: tuple[Discussion, ...]
    link: str

    @property
    def hot(self) -> Discussion:
        """The discussion that goes on."""
        return next(discussion for discussion in self.discussions if discussion.name == HOT)


async def set_up(url: str) -> Stage:
    """Makes the database `url`, which must be empty, and fills it."""
    database = await Database.open(url, lambda commit: None)
    try:
        return await database.write(lambda tx: _fill(tx, SystemClock().now()))
    finally:
        await database.close()


def _fill(tx: Transaction, now: int) -> Stage:
    cast = _People(tx, now)
    moderator = cast.add_moderator()
    link = auth.new_token()
    people.add_link(
        tx, token_hash=auth.token_hash(link), person_id=moderator, expires_at=now + auth.LINK_SECONDS * SECOND
    )
    return Stage(tuple(_discussion(tx, read(name), cast, moderator, now) for name in NAMES), link)


class _People:
    """Who is on the stage. Everybody was here before the first comment."""

    def __init__(self, tx: Transaction, now: int) -> None:
        self._tx = tx
        self._since = now - 200 * HOUR
        self._guests: dict[str, Commenter] = {}

    def add_moderator(self) -> int:
        return self._add(MODERATOR, Role.MODERATOR)

    def guest(self, name: str) -> Commenter:
        """The guest of this name, made when first asked for."""
        if name not in self._guests:
            person_id, token = self._add(name, Role.GUEST), auth.new_token()
            people.add_session(
                self._tx,
                token_hash=auth.token_hash(token),
                person_id=person_id,
                origin=None,
                created_at=self._since,
                expires_at=None,
            )
            self._guests[name] = Commenter(person_id, name, token)
        return self._guests[name]

    def _add(self, name: str, role: Role) -> int:
        name = names.normalise(name)
        return people.add(self._tx, name=name, skeleton=names.skeleton(name), role=role, created_at=self._since)


def _discussion(tx: Transaction, written: WrittenArticle, cast: _People, moderator: int, now: int) -> Discussion:
    published = now - round(written.hours_ago * HOUR)
    article_id = articles.add(
        tx,
        slug=articles.free_slug(tx, slugs.slug(written.title)),
        title=written.title,
        created_at=published,
        byline=written.byline,
        body=bodies.to_html(written.body, "markdown"),
        published_at=published,
        state=written.state,
    )
    article = articles.get(tx, article_id)
    assert article is not None
    telling = _Telling(tx, article, cast, moderator)
    for step in steps(written, now):
        telling.take(step)
    return Discussion(
        id=article_id,
        name=written.name,
        label=written.label,
        slug=article.slug,
        state=article.state,
        cast=tuple(
            cast.guest(name)
            for name in dict.fromkeys(c.by for c in written.comments if c.status == Status.VISIBLE)
            if name != MODERATOR
        ),
        comments=telling.ids,
        authors=telling.authors,
    )


class _Telling:
    """Takes the steps of one thread, each as the action of its kind would."""

    def __init__(self, tx: Transaction, article: Article, cast: _People, moderator: int) -> None:
        self._tx = tx
        self._article = article
        self._cast = cast
        self._moderator = moderator
        self.ids: dict[str, int] = {}
        self.authors: dict[int, int] = {}

    def take(self, step: Step) -> None:
        written = step.comment
        match step.what:
            case "posted":
                self._post(written, step.at)
            case "edited":
                publishing.revise(
                    self._tx, self._comment(written), source=written.text, tree=_tree(written.text), at=step.at
                )
            case "pinned":
                self._decided(publishing.pin(self._tx, self._comment(written), True, step.at)[0], Decision.PIN, step.at)
            case "taken down":
                comment, _ = publishing.take_down(self._tx, self._comment(written), written.status, step.at)
                if written.status == Status.REMOVED:
                    self._decided(comment, Decision.REJECT, step.at)
                    publishing.tell_author(self._tx, comment, Decision.REJECT, step.at)

    def _post(self, written: WrittenComment, at: int) -> None:
        text = written.before or written.text
        pending = written.status == Status.PENDING
        client = auth.client_hash(str(uuid4()))
        author = self._moderator if written.by == MODERATOR else self._cast.guest(written.by).id
        comment_id = comments.add(
            self._tx,
            article_id=self._article.id,
            parent=None if written.under is None else self._known(written.under),
            author_id=author,
            client_hash=client,
            ref=client[:16],
            text_hash="",  # nobody has this client id any more, so nobody can ask again
            source=text,
            tree=_tree(text),
            status=Status.PENDING if pending else Status.VISIBLE,
            created_at=at,
            held_for=moderation.reason(Verdict.HOLD_PREMODERATED) if pending else None,
            up=written.up,
            down=written.down,
        )
        self.ids[written.key] = comment_id
        self.authors[comment_id] = author
        comment = self._comment(written)
        if pending:
            publishing.enter_queue(self._tx, comment, at)
        else:
            publishing.publish(self._tx, comment, at)

    def _decided(self, comment: Comment, decision: Decision, at: int) -> None:
        decisions.add(
            self._tx,
            comment_id=comment.id,
            article_id=self._article.id,
            moderator_id=self._moderator,
            decision=decision.value,
            reason=None,
            at=at,
        )

    def _comment(self, written: WrittenComment) -> Comment:
        return self._known(written.key)

    def _known(self, key: str) -> Comment:
        comment = comments.get(self._tx, self.ids[key])
        assert comment is not None
        return comment


def _tree(text: str) -> str:
    return events.encode(markdown.parse(text))
