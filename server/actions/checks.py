"""`ripost check`: what the database promises, verified against what it holds. Reads one moment and changes nothing.

Logs gapless and every frame true to its place; counters right; trees in one article, without circles, with right paths;
nothing left of what was deleted, and no content of a comment that is not visible in any frame; and the frames of each
article, folded from nothing, equal to the thread as a fresh page shows it.
"""

from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from server import events
from server.fold import Fold
from server.models import article_channel
from server.storage import articles, audit, threads
from server.storage.comments import PATH_LEVELS
from server.storage.transaction import Transaction
from server.times import rfc3339

Advance = Callable[[int], None]

FINDINGS_MAX = 50  # of one article's comments that differ; the first ones tell
PORTION = 500  # comments in one read
_CARRYING = (events.POSTED, events.RESTORED, events.EDITED)


def check(tx: Transaction, advance: Advance) -> Iterator[str]:
    """A sentence for each thing that is wrong. `advance` hears of every event and comment that was looked at."""
    broken = audit.broken_file(tx)
    if broken:
        yield from (f"the file is damaged: {line}" for line in broken)
        return  # what else it says cannot be trusted
    yield from audit.wrong_rows(tx)
    yield from _paths(tx, advance)
    of_articles = {article_channel(article_id): article_id for article_id in articles.ids(tx)}
    for name, epoch, seq, floor in audit.all_channels(tx):
        article_id = of_articles.get(name)
        log = _Log(name, epoch, floor)
        if article_id is None:
            for row in audit.log_of(tx, name):
                yield from log.read(row)
                advance(1)
        else:
            yield from _article(tx, article_id, log, seq, advance)


def _paths(tx: Transaction, advance: Advance) -> Iterator[str]:
    for comment_id, path, above, depth in audit.paths(tx):
        advance(1)
        wanted = _path(above, depth, comment_id)
        if path != wanted:
            yield f"comment {comment_id} has the path {path.hex()}, not {wanted.hex()}"


def _path(above: bytes | None, depth: int | None, comment_id: int) -> bytes:
    if above is not None and depth is not None and depth + 1 >= PATH_LEVELS:
        return above
    digits = comment_id.to_bytes((comment_id.bit_length() + 7) // 8, "big")
    return (above or b"") + bytes([len(digits)]) + digits


def _article(tx: Transaction, article_id: int, log: "_Log", seq: int, advance: Advance) -> Iterator[str]:
    """The log of an article, and what it amounts to."""
    hidden = audit.hidden(tx, article_id)
    state = Fold()
    foldable = log.floor == 0
    for row in audit.log_of(tx, log.name):
        advance(1)
        wrong = list(log.read(row))
        yield from wrong
        event = log.event
        if event is None:
            foldable = False
            continue
        yield from _shown(event, hidden)
        if foldable:
            foldable = state.apply(_shrunk(event)) == "applied"
    if foldable:
        yield from _difference(tx, article_id, state)
    elif log.floor == 0 and seq:
        yield f"the log of {log.name} cannot be folded"


def _shown(event: dict[str, Any], hidden: dict[int, str]) -> Iterator[str]:
    """Content of comments that nobody may see any more, in a frame that anybody may ask for."""
    carried = [event["comment"]] if event["type"] in _CARRYING else []
    for comment in [*carried, *event.get("ancestors", ())]:
        status = hidden.get(comment["id"])
        if status is not None and (comment["author"] is not None or comment["tree"] is not None):
            place = f"event {event['seq']} of article {comment['article']}"
            yield f"{place} carries the content of comment {comment['id']}, which is {status}"


def _difference(tx: Transaction, article_id: int, state: Fold) -> Iterator[str]:
    """Where the folded log and the thread differ."""
    article = articles.get(tx, article_id)
    assert article is not None
    if state.comment_count != article.comment_count:
        said = f"{state.comment_count} comments, the article itself {article.comment_count}"
        yield f"the log of article {article_id} says {said}"
    found = 0
    after = 0
    folded = dict(state.comments)
    while portion := threads.everything(tx, article_id, after, PORTION):
        after = portion[-1].id
        for row in portion:
            was = folded.pop(row.id, None)
            now = _shrunk_comment(events.decode(events.encode(events.comment(row)))) if row.in_thread else None
            if was != now and found < FINDINGS_MAX:
                found += 1
                yield f"comment {row.id} is not what the log of article {article_id} says: {_how(was, now)}"
    for comment_id in list(folded)[: FINDINGS_MAX - found]:
        yield f"comment {comment_id} is in the log of article {article_id} and not in the article"


def _how(was: dict[str, Any] | None, now: dict[str, Any] | None) -> str:
    if was is None or now is None:
        return "it is in the thread and missing there" if was is None else "it is there and not in the thread"
    fields = [name for name in now if now[name] != was.get(name)]
    return ", ".join(
        name if name in ("tree", "author") else f"{name} is {now[name]!r}, there {was.get(name)!r}" for name in fields
    )


def _shrunk(event: dict[str, Any]) -> dict[str, Any]:
    """An event with the content of its comments as digests: a whole thread is held while it is folded."""
    if "comment" in event:
        event = {**event, "comment": _shrunk_comment(event["comment"])}
    if "ancestors" in event:
        event = {**event, "ancestors": [_shrunk_comment(ancestor) for ancestor in event["ancestors"]]}
    return event


def _shrunk_comment(comment: dict[str, Any]) -> dict[str, Any]:
    return {**comment, "tree": _digest(comment["tree"]), "author": _digest(comment["author"])}


def _digest(value: Any) -> bytes | None:
    return None if value is None else blake2b(msgspec.json.encode(value), digest_size=16).digest()


class _Log:
    """One channel's log as it is read: each frame must say its own place."""

    def __init__(self, name: str, epoch: str, floor: int) -> None:
        self.name = name
        self.floor = floor
        self.event: dict[str, Any] | None = None  # the last one read, if it is readable
        kind, _, key = name.partition(":")
        self._epoch = epoch
        self._address = {"article": int(key)} if kind == "article" else {"channel": "me" if kind == "person" else name}

    def read(self, row: tuple[Any, ...]) -> Iterator[str]:
        """One event: seq, type, subject, at, frame."""
        seq, kind, subject, at, frame = row
        place = f"event {seq} of {self.name}"
        self.event = None
        try:
            event = events.decode(frame)
        except msgspec.DecodeError as error:
            yield f"{place} is not JSON: {error}"
            return
        wanted = {"type": kind, "seq": seq, "at": rfc3339(at), "epoch": self._epoch, **self._address}
        for name, value in wanted.items():
            said = event.get(name)
            if name == "article" and kind == events.ARTICLE_UPDATED:
                said = said.get("id")  # the whole article stands there
            if said != value:
                yield f"{place} has the {name} {said!r} in its frame, not {value!r}"
        if kind in _CARRYING and event.get("comment", {}).get("id") != subject:
            yield f"{place} is about comment {subject} and carries another"
            return
        self.event = event
