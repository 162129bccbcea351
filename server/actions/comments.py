"""Posting, editing and deleting comments: what authors do.

A post is acknowledged with the very event that everyone gets, once it is on disk. `client_id` makes a retry harmless:
the same one gives the same event, whatever happened to the first answer. Everything that can be computed before the
transaction is (Markdown, hashes); everything that depends on what others do is decided inside it.
"""

import hashlib
import re
from dataclasses import dataclass
from uuid import UUID

from server import auth, events, limits, markdown, moderation, names
from server.actions import publishing
from server.actions.moderation import Reading
from server.errors import Conflict, Forbidden, Invalid, NotFound, Outdated
from server.markdown import Node
from server.models import Actor, ArticleState, Comment, Draft, Person, Role, Status, article_channel
from server.state import State
from server.storage import articles, comments, event_log, people, reports
from server.storage.transaction import Transaction
from server.times import SECOND

TEXT_MAX = 10_000  # characters after normalisation
EDIT_SECONDS = 15 * 60

_USUAL_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Posted:
    """An acknowledged post: the event as JSON text, whether this request made it, and the guest's token."""

    frame: str
    created: bool
    token: str | None


async def post_comment(state: State, actor: Actor, article_id: int, draft: Draft) -> Posted:
    """Posts a comment or a reply, or answers a retry. Raises Unauthorized, Invalid, NotFound, Conflict, TooMany,
    Unavailable."""
    now = state.clock.monotonic()
    client_id = _client_id(draft.client_id)
    source, tree = parse_text(draft.text)
    tree_text = events.encode(tree)
    client_hash = auth.client_hash(client_id)
    text_hash = _text_hash(article_id, draft.parent, draft.text)
    guest_token = auth.guest_token(state.secret, client_id) if actor.person is None else None
    name = _guest_name(draft.name) if actor.person is None else ""
    slow_keys = [f"{article_id}:a:{actor.address}" if actor.id is None else f"{article_id}:p:{actor.id}"]
    if actor.person is None or auth.is_guest(actor.person):
        slow_keys = [*{*slow_keys, f"{article_id}:a:{actor.address}"}]
    if not actor.staff:
        state.limits.take(limits.POST_ADDRESS, actor.address, now)
        if actor.id is not None:
            state.limits.take(limits.POST_PERSON, str(actor.id), now)

    def work(tx: Transaction) -> Posted:
        author = None if actor.person is None else auth.still_known(tx, actor.person)
        opening = comments.open_post(tx, article_id, client_hash)
        if opening is None:
            raise NotFound(f"there is no article {article_id}")
        if opening.known is not None:
            return _retry(tx, state, actor, opening.known, text_hash, guest_token)
        if opening.state == ArticleState.CLOSED and not actor.staff:
            raise Conflict("this discussion is closed")
        parent = _parent(tx, article_id, draft.parent)
        if not actor.staff:
            for key in slow_keys:
                state.limits.space(key, opening.slow_mode_seconds, now, by=client_hash)
        at = state.clock.now()
        author = author or _add_guest(tx, state, actor, name, guest_token, at)
        verdict = moderation.review(opening.state, author.role, staff=actor.staff, tree=tree)
        status = Status.PENDING if verdict.is_held else Status.VISIBLE
        comment_id = comments.add(
            tx,
            id=opening.comment_id,
            article_id=article_id,
            parent=parent,
            author_id=author.id,
            client_hash=client_hash,
            ref=client_hash[:16],
            text_hash=text_hash,
            source=source,
            tree=tree_text,
            status=status,
            created_at=at,
            held_for=moderation.reason(verdict) or None,
        )
        comment = _new(comment_id, article_id, parent, author, client_hash, tree_text, status, at)
        if verdict.is_held:
            publishing.enter_queue(tx, comment, at)
            return Posted(events.encode(events.held(comment)), True, guest_token)
        return Posted(publishing.publish(tx, comment, at, parent_is_visible=True), True, guest_token)

    try:
        return await state.database.write(work)
    except Exception:
        for key in slow_keys:
            state.limits.unspace(key, by=client_hash)
        raise


async def edit_comment(state: State, actor: Actor, comment_id: int, text: str, read: Reading | None = None) -> str:
    """Gives a comment new text; the event as JSON text.

    With `read`, a text that somebody else has put there since is not replaced; the retry of an edit is none.

    Raises Invalid, NotFound, Forbidden, Conflict, Outdated.
    """
    person = auth.require_person(actor)
    if not actor.staff:
        state.limits.take(limits.CHANGE, str(person.id), state.clock.monotonic())
    source, tree = parse_text(text)
    tree_text = events.encode(tree)

    def work(tx: Transaction) -> str:
        now = state.clock.now()
        comment = _changeable(tx, actor, person, comment_id, now)
        if read is not None and not read.is_of(comment) and comments.source(tx, comment_id) != source:
            raise Outdated("this comment was changed since you began to edit it; look at what it says now")
        article = articles.get(tx, comment.article_id)
        assert article is not None
        verdict = moderation.review(article.state, person.role, staff=actor.staff, tree=tree)
        if comment.status == Status.VISIBLE and verdict is moderation.Verdict.HOLD_LINKS:
            raise Invalid.field(
                "text", "an edit cannot bring a link in; post it as a new comment, which a moderator will look at"
            )
        if comment.status == Status.VISIBLE and verdict is moderation.Verdict.HOLD_PREMODERATED:
            raise Conflict("comments here are looked at before they are published; an approved one cannot be edited")
        comment, frame = publishing.revise(tx, comment, source=source, tree=tree_text, at=now)
        if comment.status == Status.PENDING:
            publishing.enter_queue(tx, comment, now)  # what moderators see of it is not what it says any more
        return frame or events.encode(events.held(comment))

    return await state.database.write(work)


async def delete_comment(state: State, actor: Actor, comment_id: int) -> str:
    """Deletes one's own comment, or removes another's as a moderator; the event as JSON text."""
    person = auth.require_person(actor)

    def work(tx: Transaction) -> str:
        now = state.clock.now()
        comment = _changeable(tx, actor, person, comment_id, now)
        own = comment.author_id == person.id
        return take_down_quietly(tx, comment, Status.DELETED if own else Status.REMOVED, now)

    return await state.database.write(work)


def take_down_quietly(tx: Transaction, comment: Comment, status: Status, now: int) -> str:
    """Takes a comment down; the event, without a place in the log if the comment never was public."""
    waited = comment.status == Status.PENDING
    comment, frame = publishing.take_down(tx, comment, status, now)
    reported = publishing.answer_reports(tx, comment, now)
    if status == Status.DELETED:
        reports.forget_comment(tx, comment.id)
    if waited and not reported:
        publishing.leave_queue(tx, comment, now)
    return frame or events.encode(
        {"type": events.REMOVED, "article": comment.article_id, "id": comment.id, "status": status.value}
    )


async def comment_source(state: State, actor: Actor, comment_id: int) -> str:
    """The Markdown source, for its author or a moderator. Raises NotFound, Unauthorized, Forbidden."""
    person = auth.require_person(actor)

    def work(tx: Transaction) -> str | None:
        comment = comments.get(tx, comment_id)
        if comment is None:
            raise NotFound(f"there is no comment {comment_id}")
        if comment.author_id != person.id and not actor.staff:
            raise Forbidden("only the author or a moderator may see the source")
        return comments.source(tx, comment_id)

    source = await state.database.read(work)
    if source is None:
        raise NotFound(f"the source of comment {comment_id} was wiped when its author deleted it")
    return source


def preview(state: State, actor: Actor, text: str) -> list[Node]:
    """The tree that a text would become; nothing is stored. Raises Invalid, TooMany."""
    if not actor.staff:
        state.limits.take(limits.PREVIEW, actor.address, state.clock.monotonic())
    return parse_text(text)[1]


def parse_text(text: str) -> tuple[str, list[Node]]:
    """The normalised source of a comment and its tree. Raises Invalid."""
    if len(text) > 4 * TEXT_MAX:
        raise Invalid.field("text", f"at most {TEXT_MAX} characters are accepted, not {len(text)}")
    source = markdown.normalise(text)
    if len(source) > TEXT_MAX:
        raise Invalid.field("text", f"at most {TEXT_MAX} characters are accepted, not {len(source)}")
    tree = markdown.parse(source)
    if not tree:
        raise Invalid.field("text", "a comment needs some text")
    return source, tree


def _client_id(text: str) -> str:
    if _USUAL_UUID.fullmatch(text):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise Invalid.field("client_id", "a UUID is accepted, made anew for each comment") from None


def _guest_name(name: str | None) -> str:
    if name is None:
        raise Invalid.field("name", "a guest needs a name")
    try:
        return names.normalise(name)
    except ValueError as error:
        raise Invalid.field("name", str(error)) from None


def _text_hash(article_id: int, parent: int | None, text: str) -> str:
    return hashlib.sha256(f"{article_id}\0{parent or 0}\0{text}".encode(errors="replace")).hexdigest()


def _retry(
    tx: Transaction, state: State, actor: Actor, found: tuple[int, str], text_hash: str, guest_token: str | None
) -> Posted:
    """Answers a request whose client id is known: the same request gets the same answer, any other a conflict."""
    comment_id, known_hash = found
    comment = comments.get(tx, comment_id)
    assert comment is not None
    person_id = actor.id
    if guest_token is not None:
        guest = people.by_token(tx, auth.token_hash(guest_token), state.clock.now())
        person_id = None if guest is None else guest[0].id
    if known_hash != text_hash or person_id is None or comment.author_id != person_id:
        raise Conflict("this client_id was used for another comment; make a new one for each")
    frame = event_log.posted_frame(tx, article_channel(comment.article_id), comment_id)
    return Posted(frame or events.encode(events.held(comment)), False, guest_token)


def _parent(tx: Transaction, article_id: int, parent_id: int | None) -> Comment | None:
    if parent_id is None:
        return None
    parent = comments.get(tx, parent_id)
    if parent is None or parent.article_id != article_id:
        raise NotFound(f"there is no comment {parent_id} on this article to reply to")
    if parent.status != Status.VISIBLE:
        raise Conflict("the comment you reply to is no longer there")
    return parent


def _add_guest(tx: Transaction, state: State, actor: Actor, name: str, token: str | None, now: int) -> Person:
    assert token is not None
    if names.is_reserved(name, people.staff_skeletons(tx)):
        raise Invalid.field("name", f"{name} is the name of somebody else here; choose another")
    person_id = people.add(tx, name=name, skeleton=names.skeleton(name), role=Role.GUEST, created_at=now)
    people.add_session(
        tx,
        token_hash=auth.token_hash(token),
        person_id=person_id,
        origin=actor.origin,
        created_at=now,
        expires_at=None,
    )
    return Person(person_id, name, Role.GUEST, None, now)


def _new(
    comment_id: int,
    article_id: int,
    parent: Comment | None,
    author: Person,
    client_hash: str,
    tree: str,
    status: Status,
    at: int,
) -> Comment:
    return Comment(
        id=comment_id,
        article_id=article_id,
        parent_id=None if parent is None else parent.id,
        root_id=comment_id if parent is None else parent.root_id,
        depth=0 if parent is None else parent.depth + 1,
        path=comments.child_path(parent, comment_id),
        author_id=author.id,
        ref=client_hash[:16],
        tree=tree,
        status=status,
        up=0,
        down=0,
        replies=0,
        kept=0,
        created_at=at,
        dated=1,
        edited_at=None,
        pinned=0,
        author_name=author.name,
        author_role=author.role,
    )


def _changeable(tx: Transaction, actor: Actor, person: Person, comment_id: int, now: int) -> Comment:
    """The comment, if this person may change it now. Raises NotFound, Forbidden, Conflict."""
    comment = comments.get_for_change(tx, comment_id)
    if comment is None:
        raise NotFound(f"there is no comment {comment_id}")
    if comment.status in (Status.DELETED, Status.REMOVED):
        raise Conflict(f"this comment was {comment.status}")
    if actor.staff:
        return comment
    if comment.author_id != person.id:
        raise Forbidden("only the author or a moderator may change a comment")
    if now - comment.created_at > EDIT_SECONDS * SECOND:
        raise Forbidden(f"a comment can be changed for {EDIT_SECONDS // 60} minutes after it was posted")
    return comment
