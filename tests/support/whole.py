"""Whole threads for comparison: a fresh snapshot of every page at one moment, and the page's own reducer under node."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.actions import threads
from server.models import Sort
from server.storage.transaction import Transaction
from tests.support.build import NOBODY, Site, as_json

Page = dict[str, Any]
FOLD = Path(__file__).resolve().parents[1] / "client" / "fold.js"
COMPARED = ("article", "epoch", "seq", "at", "sort", "comments")


async def whole_thread(site: Site, article_id: int, sort: Sort = Sort.OLDEST, *, limit: int = 100) -> Page:
    """Every page of a thread as if it were one, read in one transaction: no cursors are left."""

    def read(tx: Transaction) -> Page:
        first = as_json(threads.content(threads.read_thread(tx, article_id, sort, None, limit, NOBODY)))
        page, comments = first, list[Page]()
        while True:
            rest: dict[int, list[Page]] = {}
            for root, cursor in page["branches"].items():
                rest[int(root)] = []
                following: str | None = cursor
                while following is not None:
                    more = threads.content(threads.read_replies(tx, int(root), following, limit, NOBODY))
                    rest[int(root)] += as_json(more["comments"])
                    following = more["next"]
            comments += _with_rest(page["comments"], rest)
            if page["next"] is None:
                return first | {"comments": comments, "branches": {}, "next": None, "viewer": None}
            page = as_json(threads.content(threads.read_thread(tx, article_id, sort, page["next"], limit, NOBODY)))

    found: Page = await site.database.read(read)
    return found


def _with_rest(page: list[Page], rest: dict[int, list[Page]]) -> list[Page]:
    """The comments of a page, with what was cut from each branch at its end."""
    result: list[Page] = []
    root = 0
    for comment in page:
        if comment["parent"] is None:
            result += rest.pop(root, [])
            root = comment["id"]
        result.append(comment)
    return result + rest.pop(root, [])


def compared(page: Page) -> Page:
    """What of a page must be equal, by whatever way it was reached."""
    return {name: page[name] for name in COMPARED}


class PageReducer:
    """static/thread-state.js in a process of its own: a snapshot and events in, the page they amount to out."""

    def __init__(self, node: str) -> None:
        self._process = subprocess.Popen([node, str(FOLD)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def fold(self, snapshot: Page, events: list[Page]) -> Page:
        """The page after the events. AssertionError if one was refused."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"snapshot": snapshot, "events": events}) + "\n")
        self._process.stdin.flush()
        page: Page = json.loads(self._process.stdout.readline())
        assert not page["gap"] and not page["reset"], page
        return page

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(5)
        self._process.stdout.close()


@contextlib.contextmanager
def page_reducer(node: str) -> Iterator[PageReducer]:
    """A PageReducer, closed at the end."""
    reducer = PageReducer(node)
    try:
        yield reducer
    finally:
        reducer.close()
