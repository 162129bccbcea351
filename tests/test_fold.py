"""The reducer law, case by case; that it equals a fresh snapshot whatever happens is integration/test_convergence.py."""

from typing import Any

import pytest

from server.fold import Fold, fold

GONE = {"status": "removed", "author": None, "tree": None}


def comment(id: int, parent: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": id, "parent": parent, "author": {"id": 1}, "tree": [["p", "x"]], "status": "visible", "replies": 0, "up": 0,
        "down": 0, "pinned": False, "edited_at": None,
    } | more  # fmt: skip


def page(*comments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"article": {"comment_count": 0}, "epoch": "e", "seq": 10, "at": None, "comments": list(comments)} | more


def event(seq: int, type: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "epoch": "e", "seq": seq, "at": f"T{seq}", **more}


def removal(seq: int, id: int, parent: int | None = None, left: int | None = None) -> dict[str, Any]:
    return event(seq, "comment.removed", id=id, status="removed", parent=parent, comment_count=0, parent_replies=left)


def ids(state: Fold) -> list[int]:
    return [row["id"] for row in state.ordered()]


def test_an_event_counts_once_and_in_order() -> None:
    state = Fold(page())
    posted = event(11, "comment.posted", comment=comment(1), comment_count=1, parent_replies=None)
    assert [state.apply(posted), state.apply(posted), state.apply(event(13, "noop"))] == ["applied", "known", "gap"]
    assert state.apply(event(12, "noop") | {"epoch": "another"}) == "reset"
    assert (state.seq, state.at, ids(state), state.comment_count) == (11, "T11", [1], 1)
    with pytest.raises(ValueError, match="gap"):
        fold(page(), [event(12, "noop")])


def test_counters_are_set_and_never_added_up() -> None:
    state = Fold(page(comment(1, replies=7)))
    state.apply(event(11, "comment.posted", comment=comment(2, 1), comment_count=5, parent_replies=3))
    assert (state.comments[1]["replies"], state.comment_count) == (3, 5)


def test_a_tombstone_stays_while_something_is_below_it_and_goes_with_the_last() -> None:
    state = Fold(page(comment(1, replies=1), comment(2, 1, replies=1), comment(3, 2)))
    state.apply(removal(11, 2, 1, 0))
    state.apply(removal(12, 1))
    assert ids(state) == [1, 2, 3]
    state.apply(removal(13, 3, 2, 0))
    assert ids(state) == []


def test_what_an_old_event_published_counts_as_visible_until_its_removal_comes() -> None:
    state = Fold(page())
    state.apply(event(11, "comment.posted", comment=comment(1, **GONE), comment_count=1, parent_replies=None))
    state.apply(event(12, "comment.posted", comment=comment(2, 1, **GONE), comment_count=2, parent_replies=1))
    state.apply(removal(13, 2, 1, 0))
    assert ids(state) == [1]
    state.apply(event(14, "comment.posted", comment=comment(3, 1), comment_count=2, parent_replies=1))
    state.apply(removal(15, 1))
    assert ids(state) == [1, 3]


def test_a_restored_reply_brings_back_the_tombstones_it_hangs_on() -> None:
    state = Fold(page(comment(9)))
    hidden = [comment(1, **GONE), comment(2, 1, **GONE)]
    state.apply(
        event(11, "comment.restored", comment=comment(3, 2), ancestors=hidden, comment_count=2, parent_replies=1)
    )
    assert ids(state) == [1, 2, 3, 9]


def test_a_reply_whose_parent_is_not_loaded_waits_for_its_page() -> None:
    state = Fold(page(comment(1), branches={"1": "cursor"}))
    state.apply(event(11, "comment.posted", comment=comment(9, 7), comment_count=3, parent_replies=1))
    assert ids(state) == [1] and state.comment_count == 3


def test_a_tombstone_below_which_not_all_is_loaded_stays() -> None:
    state = Fold(page(comment(1), branches={"1": "cursor"}))
    state.apply(removal(11, 1))
    assert ids(state) == [1]


@pytest.mark.parametrize(
    ("sort", "order"), [("oldest", [2, 4, 1, 3, 5]), ("newest", [2, 4, 5, 3, 1]), ("top", [2, 4, 3, 5, 1])]
)
def test_pinned_roots_come_first_then_the_sort_decides(sort: str, order: list[int]) -> None:
    rows = [comment(1), comment(2, pinned=True), comment(3, up=1), comment(4, pinned=True), comment(5)]
    assert ids(Fold(page(*rows, sort=sort))) == order


def test_a_chain_of_twenty_thousand_is_folded_ordered_and_pruned_without_recursion() -> None:
    depth = 20_000
    state = Fold()
    for id in range(1, depth + 1):
        parent = id - 1 or None
        state.apply(
            event(id, "comment.posted", comment=comment(id, parent), comment_count=id, parent_replies=parent and 1)
        )
    assert ids(state) == list(range(1, depth + 1))
    for seq, id in enumerate(range(1, depth + 1), depth + 1):
        state.apply(removal(seq, id, id - 1 or None, 0))
    assert ids(state) == []
