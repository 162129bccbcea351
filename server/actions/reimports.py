"""Importing an export of Ripost: into an empty database as it was, into any other beside what is there.

Three cases, found out from the database and not asked for. *Adopting*: nothing is here, so the instance's name and
every number are taken over, with staff, addresses and sessions; an import that was interrupted goes on adopting.
*Returning*: the export is of this very instance; what is here stays, what is missing gets its number back. *Joining*:
another instance; everything gets new numbers and remembers its old ones as its origin.

Only an empty database takes over roles of staff, addresses and sessions: nobody gets to sign in, or a right, by a file
that was imported later. Known records are known again in every case, so nothing comes twice. Events are made anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import msgspec

from server import names, slugs
from server.actions import publishing
from server.actions.imports import Outcome
from server.importers import ripost
from server.models import Comment, Role, Status
from server.state import State
from server.storage import articles, comments, meta, people, reports, transfer, votes
from server.storage.transaction import Transaction
from server.times import parse_rfc3339

_ADOPTING = "adopting"  # the key in `meta` of an import that is under way


class ExportBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Some records of an export, in its order. `last`: no more will come."""

    instance: str
    exported_at: str
    records: Sequence[ripost.Record]
    last: bool = False


class Mode(Enum):
    """How an export meets a database."""

    ADOPTING = "adopting"
    RETURNING = "returning"
    JOINING = "joining"


async def import_export(state: State, batch: ExportBatch) -> Outcome:
    """Adds what is not there yet."""
    return await state.database.write(lambda tx: _Arrival(tx, batch, state.clock.now(), writing=True).run())


def preview_export(tx: Transaction, batch: ExportBatch) -> Outcome:
    """What `import_export` would answer, without changing anything."""
    return _Arrival(tx, batch, 0, writing=False).run()


def mode_of(tx: Transaction, batch: ExportBatch) -> Mode:
    """How this export meets this database."""
    if meta.get(tx, _ADOPTING) == _name_of(batch) or transfer.is_empty(tx):
        return Mode.ADOPTING
    return Mode.RETURNING if meta.get(tx, meta.INSTANCE) == batch.instance else Mode.JOINING


def _name_of(batch: ExportBatch) -> str:
    return f"{batch.instance} {batch.exported_at}"


def _moment(text: str) -> int:
    return parse_rfc3339(text)


def _moment_or_none(text: str | None) -> int | None:
    return None if text is None else parse_rfc3339(text)


@dataclass(slots=True)
class _Arrival:
    """One run of one batch. It may be run again, so all it remembers is made anew with it."""

    tx: Transaction
    batch: ExportBatch
    now: int
    writing: bool
    outcome: Outcome = field(default_factory=Outcome)
    _mode: Mode = Mode.JOINING
    _parents: dict[int, Comment] = field(default_factory=dict)

    def run(self) -> Outcome:
        tx = self.tx
        self._mode = mode_of(tx, self.batch)
        if self.writing and self._mode is Mode.ADOPTING:
            meta.put(tx, meta.INSTANCE, self.batch.instance)
            meta.put(tx, _ADOPTING, _name_of(self.batch))
        for record in self.batch.records:
            match record:
                case ripost.Person():
                    self._person(record)
                case ripost.Session():
                    self._session(record)
                case ripost.Article():
                    self._article(record)
                case ripost.Comment():
                    self._comment(record)
                case ripost.Vote():
                    self._vote(record)
                case ripost.Report():
                    self._report(record)
                case ripost.Decided():
                    self._decision(record)
        if self.writing:
            if self._mode is not Mode.JOINING:
                transfer.advance_numbers(tx)
            if self.batch.last:
                meta.drop(tx, _ADOPTING)
        return self.outcome

    @property
    def _origin(self) -> str:
        return f"ripost:{self.batch.instance}"

    @property
    def _keeps_numbers(self) -> bool:
        return self._mode is not Mode.JOINING

    def _known_person(self, number: int) -> int | None:
        known = people.by_origin(self.tx, self._origin, str(number))
        if known is not None:
            return known
        return number if self._keeps_numbers and transfer.mark(self.tx, "people", number) is not None else None

    def _known_article(self, number: int) -> int | None:
        known = articles.by_origin(self.tx, self._origin, str(number))
        if known is not None:
            return known.id
        return number if self._keeps_numbers and transfer.mark(self.tx, "articles", number) is not None else None

    def _known_comment(self, number: int) -> int | None:
        known = comments.by_origin(self.tx, self._origin, str(number))
        if known is not None:
            return known
        return number if self._keeps_numbers and transfer.mark(self.tx, "comments", number) is not None else None

    def _person(self, one: ripost.Person) -> None:
        tx = self.tx
        created_at = _moment(one.created_at)
        there = transfer.mark(tx, "people", one.id) if self._keeps_numbers else None
        if there == created_at or people.by_origin(tx, self._origin, str(one.id)) is not None:
            self.outcome.present += 1
            return
        self.outcome.people += 1
        if not self.writing:
            return
        kept = self._keeps_numbers and there is None
        erased_at = _moment_or_none(one.erased_at)
        role, email = self._standing(one)
        origin, origin_id = self._origin, str(one.id)
        if kept:
            taken = one.origin is None or people.by_origin(tx, one.origin, one.origin_id or "") is not None
            origin, origin_id = ("", "") if taken else (one.origin or "", one.origin_id or "")
        values = {
            "name": one.name,
            "role": role.value,
            "email": email,
            "skeleton": "" if erased_at is not None else names.skeleton(one.name),
            "created_at": created_at,
            "erased_at": erased_at,
            "origin": origin or None,
            "origin_id": origin_id or None,
        }
        transfer.add(tx, "people", **({"id": one.id} if kept else {}), **values)

    def _standing(self, one: ripost.Person) -> tuple[Role, str | None]:
        """The role and the address that a person is given here."""
        if one.role == Role.GUEST or one.erased_at is not None:
            return one.role, None
        if self._mode is Mode.ADOPTING:
            free = one.email is not None and people.by_email(self.tx, one.email) is None
            return one.role, one.email if free else None
        # A name is somebody's own only if nobody here has one that looks like it.
        alike = people.look_alikes(self.tx, names.skeleton(one.name))
        return (Role.GUEST if alike else Role.MEMBER), None

    def _session(self, one: ripost.Session) -> None:
        if self._mode is not Mode.ADOPTING:
            return
        if transfer.has_session(self.tx, one.hash):
            self.outcome.present += 1
            return
        if not self.writing:
            self.outcome.sessions += 1
            return
        person = self._known_person(one.person)
        if person is None:
            self.outcome.unknown += 1
            return
        self.outcome.sessions += 1
        transfer.add(
            self.tx,
            "sessions",
            hash=one.hash,
            person_id=person,
            origin=one.origin,
            created_at=_moment(one.created_at),
            expires_at=_moment_or_none(one.expires_at),
        )

    def _article(self, one: ripost.Article) -> None:
        tx = self.tx
        created_at = _moment(one.created_at)
        there = transfer.mark(tx, "articles", one.id) if self._keeps_numbers else None
        if there == created_at or articles.by_origin(tx, self._origin, str(one.id)) is not None:
            self.outcome.present += 1
            return
        url, canonical = _address(one.url)
        at_url = articles.by_canonical_url(tx, canonical) if canonical else None
        if at_url is not None and at_url.origin is None:
            # The same page is discussed here already: its comments join. The article remembers where they came from.
            self.outcome.present += 1
            if self.writing:
                transfer.set_article_origin(tx, at_url.id, self._origin, str(one.id))
            return
        self.outcome.articles += 1
        if not self.writing:
            return
        if at_url is not None:
            url = canonical = None
        kept = self._keeps_numbers and there is None
        origin, origin_id = self._origin, str(one.id)
        if kept:
            taken = one.origin is None or articles.by_origin(tx, one.origin, one.origin_id or "") is not None
            origin, origin_id = ("", "") if taken else (one.origin or "", one.origin_id or "")
        article_id = articles.add(
            tx,
            slug=articles.free_slug(tx, one.slug),
            title=one.title,
            created_at=created_at,
            id=one.id if kept else None,
            url=url,
            canonical_url=canonical,
            byline=one.byline,
            body=one.body,
            image_url=one.image_url,
            image_caption=one.image_caption,
            published_at=_moment_or_none(one.published_at),
            state=one.state,
            slow_mode_seconds=one.slow_mode_seconds,
            origin=origin or None,
            origin_id=origin_id or None,
        )
        for slug in one.slugs:
            if articles.by_slug(tx, slug) is None:
                articles.add_slug(tx, slug, article_id)

    def _comment(self, one: ripost.Comment) -> None:
        tx = self.tx
        there = transfer.mark(tx, "comments", one.id) if self._keeps_numbers else None
        posted_here = None if one.client_hash is None else comments.by_client(tx, one.client_hash)
        if there == one.ref or posted_here or comments.by_origin(tx, self._origin, str(one.id)) is not None:
            self.outcome.present += 1
            return
        if not self.writing:
            self.outcome.comments += 1
            self.outcome.replies += one.parent is not None
            return
        article_id = self._known_article(one.article)
        author_id = None if one.author is None else self._known_person(one.author)
        if article_id is None or (author_id is None and one.status != Status.DELETED):
            self.outcome.unknown += 1
            return
        parent = self._parent(one, article_id)
        self.outcome.comments += 1
        self.outcome.replies += parent is not None
        self.outcome.orphans += one.parent is not None and parent is None
        kept = self._keeps_numbers and there is None
        self.outcome.renumbered += not kept
        origin, origin_id = self._origin, str(one.id)
        if kept:
            taken = one.origin is None or comments.by_origin(tx, one.origin, one.origin_id or "") is not None
            origin, origin_id = ("", "") if taken else (one.origin or "", one.origin_id or "")
        visible = one.status == Status.VISIBLE
        comment_id = comments.add(
            tx,
            article_id=article_id,
            parent=parent,
            author_id=author_id,
            client_hash=one.client_hash,
            ref=one.ref,
            text_hash=one.text_hash,
            source=one.source,
            tree=ripost.tree_text(one),
            status=one.status,
            published=visible or one.published,
            held_for=one.held_for if one.status == Status.PENDING else None,
            up=one.up,
            down=one.down,
            created_at=_moment(one.created_at),
            dated=one.dated,
            edited_at=_moment_or_none(one.edited_at),
            pinned=one.pinned and visible and parent is None,
            origin=origin or None,
            origin_id=origin_id or None,
            id=one.id if kept else None,
        )
        comment = comments.get(tx, comment_id)
        assert comment is not None
        self._parents[comment_id] = comment
        if visible:
            publishing.publish(
                tx, comment, self.now, parent_is_visible=parent is None or parent.status == Status.VISIBLE
            )
        elif one.status == Status.PENDING:
            publishing.enter_queue(tx, comment, self.now)

    def _parent(self, one: ripost.Comment, article_id: int) -> Comment | None:
        number = None if one.parent is None else self._known_comment(one.parent)
        if number is None:
            return None
        parent = self._parents.get(number) or comments.get(self.tx, number)
        return parent if parent is not None and parent.article_id == article_id else None

    def _vote(self, one: ripost.Vote) -> None:
        """Counts like one that is cast here: the next flush adds it to the scores."""
        tx = self.tx
        number = self._known_comment(one.comment)
        found = comments.get_for_change if self.writing else comments.get
        comment = None if number is None else found(tx, number)
        person_id = self._known_person(one.person)
        if comment is None or person_id is None:
            if self.writing:
                self.outcome.unknown += 1
            else:
                self.outcome.votes += 1
            return
        gone = comment.status == Status.DELETED or people.get(tx, person_id) is None
        if gone or comment.author_id == person_id or votes.get(tx, comment.id, person_id):
            self.outcome.present += 1
            return
        self.outcome.votes += 1
        if self.writing:
            votes.put(tx, comment, person_id, one.value, _moment(one.at))

    def _report(self, one: ripost.Report) -> None:
        """An open report of a comment that nobody had reported here brings it before the moderators."""
        tx = self.tx
        number = self._known_comment(one.comment)
        comment = None if number is None else comments.get(tx, number)
        if comment is None:
            if self.writing:
                self.outcome.unknown += 1
            else:
                self.outcome.reports += 1
            return
        if comment.status == Status.DELETED or reports.is_known(tx, comment.id, one.reporter):
            self.outcome.present += 1
            return
        self.outcome.reports += 1
        if not self.writing:
            return
        is_first = not one.settled and comment.status == Status.VISIBLE and not reports.count_open(tx, comment.id)
        transfer.add(
            tx,
            "reports",
            comment_id=comment.id,
            reporter=one.reporter,
            person_id=None if one.person is None or one.settled else self._known_person(one.person),
            reason=one.reason,
            note=None if one.settled else one.note,
            at=_moment(one.at),
            settled=int(one.settled),
        )
        if is_first:
            publishing.enter_queue(tx, comment, self.now)

    def _decision(self, one: ripost.Decided) -> None:
        tx = self.tx
        article_id = self._known_article(one.article)
        at = _moment(one.at)
        if article_id is None:
            if self.writing:
                self.outcome.unknown += 1
            else:
                self.outcome.decisions += 1
            return
        if transfer.has_decision(tx, article_id, one.decision.value, at):
            self.outcome.present += 1
            return
        self.outcome.decisions += 1
        if not self.writing:
            return
        comment_id = None if one.comment is None else self._known_comment(one.comment)
        moderator_id = None if one.moderator is None else self._known_person(one.moderator)
        number = one.id if self._keeps_numbers and not transfer.has_decision_number(tx, one.id) else None
        transfer.add(
            tx,
            "decisions",
            **({} if number is None else {"id": number}),
            comment_id=comment_id,
            article_id=article_id,
            moderator_id=moderator_id,
            decision=one.decision.value,
            reason=one.reason,
            at=at,
        )


def _address(url: str | None) -> tuple[str | None, str | None]:
    if url is None:
        return None, None
    try:
        return url, slugs.canonical_url(url)
    except ValueError:
        return None, None
