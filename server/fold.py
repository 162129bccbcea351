"""The reducer of a discussion: a snapshot and the events after it, folded into the state they amount to.

The page does the same in static/thread-state.js; the two are compared with each other and with fresh snapshots, and
`ripost check` folds whole logs with this one. It promises that an event counts once and in order, that counters are set
and never added up, and that nothing recurses over depth. It works on plain JSON values and keeps what it is given.

A tombstone stays while something below it is in the thread. A comment that an old event publishes may be a tombstone by
now (law 11: the past was rewritten): until its own `comment.removed` comes it counts as visible, because it was, and
what was said below it meanwhile needs it as a parent.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from server import events

Json = dict[str, Any]
Outcome = Literal["applied", "known", "gap", "reset"]


class Fold:
    """The state of one article's thread. `snapshot` is a page as the API gives it; None begins an unknown history."""

    def __init__(self, snapshot: Mapping[str, Any] | None = None) -> None:
        given: Mapping[str, Any] = snapshot or {}
        self.article: Json | None = given.get("article")
        self.epoch: str | None = given.get("epoch")
        self.seq: int = given.get("seq", 0)
        self.at: str | None = given.get("at")
        self.sort: str = given.get("sort", "oldest")
        self.comment_count: int = (self.article or {}).get("comment_count", 0)
        self.comments: dict[int, Json] = {}
        self._children: dict[int | None, set[int]] = {None: set()}
        self._branches = {int(key) for key in given.get("branches", {})}  # comments below which not all is loaded
        self._to_be_removed: set[int] = set()  # published by an old event, taken down by one that is still to come
        for comment in given.get("comments", ()):
            self._put(comment)

    def apply(self, event: Mapping[str, Any]) -> Outcome:
        """Folds the next event in. One that is known is ignored; a gap or another epoch changes nothing."""
        if self.epoch is None:
            self.epoch = event["epoch"]
        if event["epoch"] != self.epoch:
            return "reset"
        if event["seq"] <= self.seq:
            return "known"
        if event["seq"] > self.seq + 1:
            return "gap"
        self.seq, self.at = event["seq"], event["at"]
        match event["type"]:
            case events.POSTED | events.RESTORED:
                self._publish(event)
            case events.EDITED:
                new = event["comment"]
                self._set(new["id"], {name: new[name] for name in ("author", "tree", "edited_at", "status")})
            case events.REMOVED:
                self._count(event, event["parent"])
                content = {"author": None, "tree": None, "edited_at": None}
                self._set(event["id"], {"status": event["status"], **content, "pinned": False})
                self._to_be_removed.discard(event["id"])
                self._prune(event["id"])
            case events.PINNED:
                self._set(event["id"], {"pinned": event["pinned"]})
            case events.SCORED:
                for key, (up, down) in event["scores"].items():
                    self._set(int(key), {"up": up, "down": down})
            case events.ARTICLE_UPDATED:
                self.article = event["article"]
                self.comment_count = event["article"]["comment_count"]
        return "applied"

    def ordered(self) -> list[Json]:
        """The comments as a fresh page has them: pinned roots first, then by the sort, parents before replies."""

        def place(comment_id: int) -> tuple[bool, int, int]:
            root = self.comments[comment_id]
            if root["pinned"]:
                return False, 0, comment_id
            score = root["down"] - root["up"] if self.sort == "top" else 0
            return True, score, comment_id if self.sort == "oldest" else -comment_id

        order: list[Json] = []
        stack = sorted(self._children[None], key=place, reverse=True)
        while stack:
            comment_id = stack.pop()
            order.append(self.comments[comment_id])
            stack += sorted(self._children.get(comment_id, ()), reverse=True)
        return order

    def page(self) -> Json:
        """The state as the page a server would send for it, but for its cursors and viewer."""
        article = None if self.article is None else {**self.article, "comment_count": self.comment_count}
        return {
            "article": article,
            "epoch": self.epoch,
            "seq": self.seq,
            "at": self.at,
            "sort": self.sort,
            "comments": self.ordered(),
        }

    def _publish(self, event: Mapping[str, Any]) -> None:
        comment: Json = event["comment"]
        self._count(event, comment["parent"])
        for ancestor in event.get("ancestors", ()):
            if ancestor["id"] not in self.comments:
                self._put(ancestor)
        if self._put(comment):
            if comment["status"] == "visible":
                self._to_be_removed.discard(comment["id"])
            else:
                self._to_be_removed.add(comment["id"])

    def _count(self, event: Mapping[str, Any], parent: int | None) -> None:
        self.comment_count = event["comment_count"]
        if parent is not None:
            self._set(parent, {"replies": event["parent_replies"]})

    def _set(self, comment_id: int, fields: Json) -> None:
        known = self.comments.get(comment_id)
        if known is not None:
            self.comments[comment_id] = {**known, **fields}

    def _put(self, comment: Json) -> bool:
        """Inserts, or replaces by id. False if the parent is not loaded: a later page brings both."""
        parent = comment["parent"]
        if parent is not None and parent not in self.comments:
            return False
        self.comments[comment["id"]] = comment
        self._children.setdefault(parent, set()).add(comment["id"])
        return True

    def _prune(self, comment_id: int) -> None:
        """Drops a tombstone that holds nothing up, and then its parents likewise."""
        at: int | None = comment_id
        while at is not None:
            comment = self.comments.get(at)
            if comment is None or comment["status"] == "visible" or at in self._to_be_removed:
                return
            if comment["replies"] > 0 or self._children.get(at) or self._in_open_branch(at):
                return
            del self.comments[at]
            self._children.pop(at, None)
            self._branches.discard(at)
            self._children[comment["parent"]].discard(at)
            at = comment["parent"]

    def _in_open_branch(self, comment_id: int) -> bool:
        at: int | None = comment_id
        while self._branches and at is not None:
            if at in self._branches:
                return True
            at = self.comments[at]["parent"]
        return False


def fold(snapshot: Mapping[str, Any], later: Iterable[Mapping[str, Any]]) -> Json:
    """The page that a snapshot and the events after it amount to. Raises ValueError at a gap or another epoch."""
    state = Fold(snapshot)
    for event in later:
        outcome = state.apply(event)
        if outcome in ("gap", "reset"):
            raise ValueError(f"{outcome} at event {event['epoch']}:{event['seq']}, after {state.epoch}:{state.seq}")
    return state.page()
