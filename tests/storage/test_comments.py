"""Single comments: the path that orders a thread."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from server.models import Comment, Status
from server.storage.comments import PATH_LEVELS, child_path, path_ids

ROOT = Comment(1, 1, None, 1, 0, b"", None, "", "", Status.VISIBLE, 0, 0, 0, 0, 0, 1, None, 0, None, None)
IDS = st.integers(1, 2**62)


@given(IDS, IDS)
def test_paths_sort_as_their_ids(one: int, other: int) -> None:
    assert (child_path(None, one) < child_path(None, other)) == (one < other)


@given(st.lists(IDS, min_size=1, max_size=5), st.lists(IDS, min_size=1, max_size=5))
def test_paths_sort_as_lists_of_ids_and_a_subtree_is_one_range(one: list[int], other: list[int]) -> None:
    paths = [_path(ids) for ids in (one, other)]
    assert (paths[0] < paths[1]) == (one < other)
    assert (paths[0] <= paths[1] < paths[0] + b"\xff") == (other[: len(one)] == one)


def test_below_the_last_level_a_path_is_that_of_its_ancestor() -> None:
    path = _path(list(range(1, PATH_LEVELS + 1)))
    last = replace(ROOT, path=path, depth=PATH_LEVELS - 1)
    assert child_path(last, 999) == path
    assert child_path(replace(last, depth=5000), 999) == path


def _path(ids: list[int]) -> bytes:
    path = b""
    for depth, comment_id in enumerate(ids):
        path = child_path(None if depth == 0 else replace(ROOT, path=path, depth=depth - 1), comment_id)
    return path


@given(st.lists(st.integers(1, 2**40), max_size=PATH_LEVELS))
def test_a_path_tells_the_ids_it_is_made_of(ids: list[int]) -> None:
    assert path_ids(_path(ids)) == ids
