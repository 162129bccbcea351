"""Presence: numbers without names, told when something changed and not more often than is worth it."""

import json
from typing import Any

import pytest

from server.frames import Batch, Frame
from server.hub import Channel, Cursor
from server.presence import MOST_PLACES, NUMBER_SECONDS, TYPING_SECONDS, Presence

A, B = "article:1", "article:2"


class Room:
    """Articles with so many readers, and a clock that beats once a second."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.readers: dict[str, int] = {}
        self.now = 100.0

    def come(self, number: int, channel: str = A) -> None:
        """So many read it now."""
        self.readers[channel] = number
        self.presence.moved(channel)

    def type(self, who: str, parent: int | None = None, channel: str = A) -> None:
        self.presence.typing(who, channel, parent, self.now)

    def beat(self, seconds: float = 1) -> list[Any]:
        """What is said a second later."""
        self.now += seconds
        return [json.loads(text) for _, text in self.presence.due(self.now, lambda name: self.readers.get(name, 0))]

    def told(self) -> list[Any]:
        """What is said to newcomers only, and to whom."""
        told = self.presence.newcomers(lambda name: self.readers.get(name, 0))
        return [([json.loads(text)], who) for _, text, who in told]


@pytest.fixture
def room() -> Room:
    return Room()


def said(readers: int, *typing: tuple[int | None, int], article: int = 1) -> list[Any]:
    places = [{"parent": parent, "count": count} for parent, count in typing]
    return [{"type": "presence", "article": article, "readers": readers, "typing": places}]


def test_nothing_is_said_while_nothing_changes(room: Room) -> None:
    room.come(3)
    assert room.beat() == said(3)
    assert [room.beat() for _ in range(100)] == [[]] * 100


def test_who_comes_alone_knows_already(room: Room) -> None:
    room.come(1)
    assert room.beat() == []
    room.come(2)
    assert room.beat() == said(2)
    room.come(1)
    assert room.beat() == said(1)


def test_who_comes_and_goes_within_a_second_is_not_told_of(room: Room) -> None:
    room.come(3)
    room.beat()
    room.come(4)
    room.come(3)
    assert room.beat() == []


def test_a_small_change_of_a_large_number_waits_and_a_large_one_does_not(room: Room) -> None:
    room.come(1000)
    assert room.beat() == said(1000)
    room.come(1001)
    assert room.beat() == []
    room.come(1049)
    assert room.beat() == []
    room.come(1050)
    assert room.beat() == said(1050)
    room.come(1049)
    frames = [room.beat() for _ in range(NUMBER_SECONDS + 5)]
    assert [frame for frame in frames if frame] == [said(1049)]
    assert frames.index(said(1049)) == NUMBER_SECONDS - 1


def test_steady_coming_and_going_of_many_costs_few_frames(room: Room) -> None:
    frames = 0
    for second in range(600):
        room.come(10_000 + second % 7)
        frames += len(room.beat())
    assert frames <= 1 + 600 / NUMBER_SECONDS


def test_typing_is_counted_by_comment_and_ends_by_itself(room: Room) -> None:
    room.come(5)
    room.beat()
    room.type("ada", 7)
    room.type("ben", 7)
    room.type("cy")
    assert room.beat() == said(5, (None, 1), (7, 2))
    assert [room.beat() for _ in range(TYPING_SECONDS - 2)] == [[]] * (TYPING_SECONDS - 2)
    assert room.beat() == said(5)
    assert room.beat() == []


def test_who_goes_on_typing_is_counted_once_and_said_once(room: Room) -> None:
    room.come(2)
    room.beat()
    frames = []
    for _ in range(20):
        room.type("ada", 7)
        frames += room.beat()
    assert frames == said(2, (7, 1))


def test_one_types_in_one_place(room: Room) -> None:
    room.come(2)
    room.beat()
    room.type("ada", 7)
    assert room.beat() == said(2, (7, 1))
    room.type("ada", 8)
    assert room.beat() == said(2, (8, 1))


def test_more_than_one_word_a_second_does_not_count(room: Room) -> None:
    room.come(2)
    room.beat()
    room.type("ada", 7)
    for parent in range(100):
        room.type("ada", parent)
    assert room.beat() == said(2, (7, 1))


def test_who_leaves_types_no_more(room: Room) -> None:
    room.come(3)
    room.beat()
    room.type("ada", 7)
    room.beat()
    room.presence.gone("ada", A)
    room.presence.gone("ada", B)
    room.come(2)
    assert room.beat() == said(2)


def test_articles_are_apart(room: Room) -> None:
    room.come(2)
    room.come(2, B)
    assert sorted(frame["article"] for frame in room.beat()) == [1, 2]
    room.type("ada", 7, B)
    assert room.beat() == said(2, (7, 1), article=2)


def newcomer(channel: str = A) -> Cursor:
    class Nobody:
        def write(self, cursor: Cursor, batch: Batch) -> bool:
            return True

        def offer(self, frame: Frame) -> bool:
            return True

        def behind(self, cursor: Cursor) -> None: ...

        def ended(self, cursor: Cursor, reason: str) -> None: ...

    return Cursor(Nobody(), Channel(channel), 0)


def test_a_newcomer_is_told_once_who_is_typing_and_otherwise_nothing(room: Room) -> None:
    room.come(20)
    room.beat()
    ben, cy = newcomer(), newcomer()
    room.presence.came(ben, A)
    assert room.told() == []
    room.type("ada", 7)
    room.beat()
    room.come(21)
    room.presence.came(cy, A)
    room.presence.came(newcomer(B), B)
    assert room.beat() == said(21, (7, 1)), "one in twenty: everybody is told, and who tells skips newcomers"
    room.come(22)
    room.presence.came(cy, A)
    assert room.told() == [(said(22, (7, 1)), {cy})]
    assert room.told() == []


def test_who_came_while_somebody_stopped_typing_is_not_told(room: Room) -> None:
    room.come(3)
    room.type("ada", 7)
    room.beat()
    room.presence.came(newcomer(), A)
    assert room.beat(TYPING_SECONDS) == said(3)
    assert room.told() == []


def test_a_frame_is_bounded(room: Room) -> None:
    room.come(1000)
    room.beat()
    for who in range(1000):
        room.type(str(who), 1 + who % 200)
    room.type("one more", 150)
    (frame,) = room.beat()
    assert len(frame["typing"]) == MOST_PLACES
    assert {"parent": 150, "count": 6} in frame["typing"]


def test_what_nobody_reads_is_forgotten(room: Room) -> None:
    for number in range(100):
        room.come(2, f"article:{number}")
        room.type("ada", 7, f"article:{number}")
    room.beat()
    for number in range(100):
        room.come(0, f"article:{number}")
    assert room.beat() == []
    assert not room.presence._articles and not room.presence._waiting and not room.presence._newcomers


def test_a_crowd_that_is_coming_is_told_its_number_no_faster_than_it_can_be_written(room: Room) -> None:
    room.come(1000)
    assert room.beat() == said(1000)
    said_at = []
    for second in range(1, 13):
        room.come(min(12_000, 4000 * second))
        if room.beat():
            said_at.append(second)
    assert said_at == [1, 6]
    room.type("Ana", 7)
    assert room.beat() == said(12_000, (7, 1))  # who types is told at the next second all the same
