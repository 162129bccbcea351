"""Parents before replies, whatever the order of a file."""

from hypothesis import given
from hypothesis import strategies as st

from server.importers.records import ParentsFirst


def ordered(records: list[tuple[int, int | None]]) -> list[int]:
    order: ParentsFirst[int] = ParentsFirst()
    out = [out for key, parent in records for out in order.take(key, parent, key)]
    return [*out, *order.rest()]


def test_what_is_in_order_stays_in_order() -> None:
    assert ordered([(1, None), (2, 1), (3, None), (4, 2)]) == [1, 2, 3, 4]


def test_a_reply_waits_for_its_parent() -> None:
    assert ordered([(3, 2), (2, 1), (4, None), (1, None)]) == [4, 1, 2, 3]


def test_who_waits_for_nobody_comes_last_with_what_waits_for_them() -> None:
    assert ordered([(5, 4), (4, 99), (1, None)]) == [1, 4, 5]


def test_a_circle_is_broken_once() -> None:
    assert sorted(ordered([(1, 2), (2, 3), (3, 1), (4, 4)])) == [1, 2, 3, 4]


def test_a_chain_of_ten_thousand_comes_backwards_without_recursion() -> None:
    chain: list[tuple[int, int | None]] = [(n, n - 1 if n else None) for n in range(10_000)]
    assert ordered(chain[::-1]) == list(range(10_000))


@given(st.dictionaries(st.integers(0, 30), st.none() | st.integers(0, 40)))
def test_everything_comes_out_once_and_only_the_lost_before_their_parents(parents: dict[int, int | None]) -> None:
    out = ordered(list(parents.items()))
    assert sorted(out) == sorted(parents)
    for place, key in enumerate(out):
        parent = parents[key]
        if parent is not None and parent in parents and parent not in out[:place]:
            above, seen = parent, {key}
            while above not in seen:
                seen.add(above)
                following = parents[above]
                assert following is not None and following in parents, (
                    "it came before a parent it could have waited for"
                )
                above = following
