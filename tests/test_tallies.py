"""Counts for front pages: each watcher ends with the latest number of each of its articles, told once a second at most."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import events
from server.frames import Frame
from server.models import Appended, Commit
from server.tallies import Tallies, Watch, frame


class Page:
    """A front page that keeps what it is told."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.frames = 0
        self.full = False

    def offer(self, frame: Frame) -> bool:
        if self.full:
            return False
        told = json.loads(frame.text)["counts"]
        assert all(number >= self.counts.get(article, 0) for article, number in told.items()), "older than told before"
        self.counts |= told
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
    table.answered(asked, articles)


def beat(table: Tallies) -> None:
    for step in table.due():
        tell(table, step)


def tell(table: Tallies, step: tuple[Watch, dict[int, int]] | None) -> None:
    """What the pulse does at a step."""
    if step is not None and step[0].articles and step[0].watcher.offer(frame(step[1])):
        table.told(*step)


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
    table.answered(asked, [1])
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


def test_a_commit_costs_the_same_however_many_watch(table: Tallies) -> None:
    pages = [Page() for _ in range(1000)]
    for number, page in enumerate(pages):
        watch(table, page, 1, 2 + number % 3, found={1: 0})
    for count in range(1, 50):
        table.committed(commit(1, count))
    assert not table._owing and len(table._changed) == 1, "it notes the article, and nothing for anybody"
    beat(table)
    assert [(page.counts["1"], page.frames) for page in pages] == [(49, 2)] * 1000


def test_between_two_steps_of_a_second_nobody_is_lost_and_nothing_older_is_told(table: Tallies) -> None:
    pages = [Page() for _ in range(100)]
    for number, page in enumerate(pages):
        watch(table, page, 1, 2 + number % 5, found=dict.fromkeys(range(1, 7), 0))
    table.committed(commit(1, 1))
    count = 1
    for number, step in enumerate(table.due()):
        tell(table, step)
        page = pages[number * 7 % 100]
        match number % 4:
            case 0:
                count += 1
                table.committed(commit(1, count))
            case 1:
                watch(table, page, 7 + number % 3)  # it moves to another group
            case 2:
                table.unwatch(page, [2, 3])
            case 3:
                watch(table, page, 1)  # it is answered with the newest
    beat(table)
    assert {page.counts["1"] for page in pages} == {count}


def test_who_was_answered_since_a_change_is_not_told_of_it_again(table: Tallies, page: Page) -> None:
    watch(table, Page(), 1, 2, found={1: 0, 2: 0})
    table.committed(commit(1, 1))
    watch(table, page, 1, 2)
    beat(table)
    assert (page.counts, page.frames) == ({"1": 1, "2": 0}, 1)
    table.committed(commit(1, 2))
    table.committed(commit(2, 1))
    watch(table, page, 1)
    beat(table)
    assert (page.counts, page.frames) == ({"1": 2, "2": 1}, 3), "the answer, and the other article"


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 3)),
        st.tuples(st.just("watch"), st.integers(0, 1), st.sets(st.integers(1, 3), min_size=1)),
        st.tuples(st.just("unwatch"), st.integers(0, 1), st.sets(st.integers(1, 3))),
        st.tuples(st.just("full"), st.integers(0, 1), st.booleans()),
        st.tuples(st.just("ask"), st.integers(0, 1), st.sets(st.integers(1, 3), min_size=1)),
        st.tuples(st.just("answer")),
        st.tuples(st.just("beat")),
        st.tuples(st.just("step")),
    ),
    max_size=60,
)


def answer(table: Tallies, asked: list[tuple[int, Watch, set[int]]], pages: list[Page], counts: dict[int, int]) -> None:
    """The database has been asked for whoever waits longest; a full link takes the answer when it can."""
    if asked:
        number, waiting, articles = asked.pop(0)
        table.read(articles, counts)
        page, numbers = pages[number], table.known(articles)
        assert numbers is not None
        full, page.full = page.full, False
        page.offer(frame(numbers))
        page.full = full
        table.answered(waiting, articles)


@given(_STEPS)
def test_whatever_happens_everyone_ends_with_the_latest(steps: list[Any]) -> None:
    table, pages = Tallies(), [Page(), Page()]
    counts = {1: 0, 2: 0, 3: 0}
    watched: list[set[int]] = [set(), set()]
    asked: list[tuple[int, Watch, set[int]]] = []
    second: Iterator[Any] = iter(())  # one that is gone through step by step
    for step in steps:
        match step:
            case ("commit", article):
                counts[article] += 1
                table.committed(commit(article, counts[article]))
            case ("watch", number, articles) if not pages[number].full:
                watch(table, pages[number], *articles, found=counts)
                watched[number] |= articles
            case ("ask", number, articles):
                asked.append((number, table.watch(pages[number], articles), articles))
                watched[number] |= articles
            case ("answer",):
                answer(table, asked, pages, counts)
            case ("unwatch", number, articles) if not any(waiting == number for waiting, _, _ in asked):
                table.unwatch(pages[number], articles)
                watched[number] -= articles
            case ("full", number, full):
                pages[number].full = full
            case ("beat",):
                for rest in second:
                    tell(table, rest)
                beat(table)
            case ("step",):
                rest = next(second, 0)
                if rest == 0:
                    second = table.due()
                else:
                    tell(table, rest)
    for rest in second:
        tell(table, rest)
    while asked:
        answer(table, asked, pages, counts)
    for page in pages:
        page.full = False
    beat(table)
    for page, articles in zip(pages, watched, strict=True):
        assert {article: page.counts[str(article)] for article in articles} == {a: counts[a] for a in articles}
    told = [page.frames for page in pages]
    beat(table)
    assert [page.frames for page in pages] == told
