"""Counts for front pages: each watcher ends with the latest number of each of its articles, told once a second at most."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import events
from server.frames import Frame
from server.models import Appended, Commit
from server.tallies import Tallies, frame


class Page:
    """A front page that keeps what it is told."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.frames = 0
        self.full = False

    def offer(self, frame: Frame) -> bool:
        if self.full:
            return False
        self.counts |= json.loads(frame.text)["counts"]
        self.frames += 1
        return True


def commit(article: int, count: int, text: str = "Hello.") -> Commit:
    content: dict[str, object] = {"comment": {"tree": [["p", text]]}, "comment_count": count}
    frame = events.frame("comment.posted", f"article:{article}", "e", 1, 0, content)
    return Commit((), (Appended(f"article:{article}", "e", 1, 0, frame),))


def watch(table: Tallies, page: Any, *articles: int, found: dict[int, int] | None = None) -> None:
    asked = table.watch(page, articles)
    table.read(articles, found or {})
    page.offer(frame(table.known(articles) or {}))
    table.answered(asked)


def beat(table: Tallies) -> None:
    for asked, numbers in table.due():
        if asked.watcher.offer(frame(numbers)):
            table.told(asked, numbers)


@pytest.fixture
def table() -> Tallies:
    return Tallies()


@pytest.fixture
def page() -> Page:
    return Page()


def test_what_changes_is_told_at_the_next_beat_and_only_that(table: Tallies, page: Page) -> None:
    watch(table, page, 1, 2, found={1: 5, 2: 0})
    assert (page.counts, page.frames) == ({"1": 5, "2": 0}, 1)
    beat(table)
    for count in (6, 7, 8):
        table.committed(commit(1, count))
    table.committed(commit(3, 99))
    beat(table)
    assert (page.counts, page.frames) == ({"1": 8, "2": 0}, 2)
    table.committed(commit(1, 8))
    beat(table)
    assert page.frames == 2


def test_a_number_in_the_words_of_a_comment_is_not_taken_for_the_count(table: Tallies, page: Page) -> None:
    watch(table, page, 1, found={1: 1})
    table.committed(commit(1, 2, text='"comment_count":99'))
    beat(table)
    assert page.counts == {"1": 2}


def test_an_article_that_is_not_there_is_left_out_until_it_is(table: Tallies, page: Page) -> None:
    watch(table, page, 1, 2, found={1: 5})
    assert page.counts == {"1": 5}
    assert table.known((1, 2)) == {1: 5}
    table.committed(commit(2, 1))
    beat(table)
    assert page.counts == {"1": 5, "2": 1}


def test_a_newer_number_than_the_one_that_was_read_counts(table: Tallies, page: Page) -> None:
    asked = table.watch(page, [1])
    table.committed(commit(1, 7))
    beat(table)
    assert page.frames == 0, "the answer comes first"
    table.read([1], {1: 6})
    assert table.known((1,)) == {1: 7}
    page.offer(frame({1: 7}))
    table.answered(asked)
    beat(table)
    assert page.counts == {"1": 7}


def test_who_cannot_take_it_is_told_the_latest_later(table: Tallies, page: Page) -> None:
    watch(table, page, 1, found={1: 1})
    page.full = True
    for count in range(2, 50):
        table.committed(commit(1, count))
        beat(table)
    page.full = False
    beat(table)
    beat(table)
    assert (page.counts, page.frames) == ({"1": 49}, 2)


def test_what_is_watched_no_more_is_forgotten(table: Tallies, page: Page) -> None:
    other = Page()
    watch(table, page, 1, 2, 3, found={1: 1, 2: 2, 3: 3})
    watch(table, other, 1, found={1: 1})
    table.committed(commit(2, 9))
    table.unwatch(page, [2, 77])
    table.committed(commit(1, 2))
    beat(table)
    assert page.counts == {"1": 2, "2": 2, "3": 3}
    table.unwatch(page)
    table.unwatch(page)
    table.committed(commit(1, 5))
    beat(table)
    assert (page.counts["1"], other.counts["1"]) == (2, 5)
    table.unwatch(other)
    assert not table._watches and not table._of and not table._latest and not table._owing


def test_a_refresh_does_not_put_an_older_number_back(table: Tallies, page: Page) -> None:
    watch(table, page, 1, 2, found={1: 1, 2: 1})
    assert sorted(table.refreshing()) == [1, 2]
    table.committed(commit(1, 3))
    table.refreshed({1: 2, 2: 4})
    beat(table)
    assert page.counts == {"1": 3, "2": 4}


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 3)),
        st.tuples(st.just("watch"), st.integers(0, 1), st.sets(st.integers(1, 3), min_size=1)),
        st.tuples(st.just("unwatch"), st.integers(0, 1), st.sets(st.integers(1, 3))),
        st.tuples(st.just("full"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("beat")),
    ),
    max_size=40,
)


@given(_STEPS)
def test_whatever_happens_everyone_ends_with_the_latest(steps: list[Any]) -> None:
    table, pages = Tallies(), [Page(), Page()]
    counts = {1: 0, 2: 0, 3: 0}
    watched: list[set[int]] = [set(), set()]
    for step in steps:
        match step:
            case ("commit", article):
                counts[article] += 1
                table.committed(commit(article, counts[article]))
            case ("watch", number, articles) if not pages[number].full:
                watch(table, pages[number], *articles, found=counts)
                watched[number] |= articles
            case ("unwatch", number, articles):
                table.unwatch(pages[number], articles)
                watched[number] -= articles
            case ("full", number, full):
                pages[number].full = full
            case ("beat",):
                beat(table)
    for page in pages:
        page.full = False
    beat(table)
    for page, articles in zip(pages, watched, strict=True):
        assert {article: page.counts[str(article)] for article in articles} == {a: counts[a] for a in articles}
    told = [page.frames for page in pages]
    beat(table)
    assert [page.frames for page in pages] == told
