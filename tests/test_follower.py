"""A reader over a link that stops and goes: nothing is queued here, nothing is lost at the turns. See also test_relay."""

import asyncio
from typing import Any

import pytest

from server.follower import Follower
from server.frames import BATCH_BYTES, Batch, Frame
from server.hub import RING_FRAMES, Channel, Cursor, Hub


class Log:
    """The part of a relay that a follower uses: the log, one piece at a time, with a turn of the loop in between."""

    def __init__(self, piece: int = 50) -> None:
        self.texts: dict[int, str] = {}
        self.piece = piece
        self.broken = False
        self.resets = {"unreadable": 0}

    async def after(self, cursor: Cursor) -> list[Frame]:
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("the database cannot be read")
        seqs = range(cursor.seq + 1, min(cursor.seq + self.piece, len(self.texts)) + 1)
        return [Frame(seq, seq, self.texts[seq]) for seq in seqs if seq in self.texts]


class Link:
    """Takes `room` batches, then refuses."""

    def __init__(self, room: int = 10**9) -> None:
        self.room = room
        self.got: list[int] = []

    def write(self, batch: Batch) -> bool:
        if not self.room:
            return False
        self.room -= 1
        self.got += [frame.seq for frame in batch.frames]
        return True


class Reader(Follower):
    def __init__(self, hub: Hub, log: Log, link: Link) -> None:
        super().__init__(hub, log, link)  # type: ignore[arg-type]
        self.over: list[str] = []

    def ended(self, cursor: Cursor, reason: str) -> None:
        self.over.append(reason)


class Rig:
    def __init__(self) -> None:
        self.hub = Hub(asyncio.get_running_loop().call_soon)
        self.log = Log()
        self.channel: Channel = self.hub.channel("article:1")
        self.hub.open(self.channel, "e", 0, None)
        self.head = 0

    def say(self, count: int) -> None:
        for _ in range(count):
            self.head += 1
            self.log.texts[self.head] = f"event {self.head}"
            self.hub.deliver("article:1", "e", self.head, self.head, self.log.texts[self.head])

    def join(self, link: Link, since: int) -> tuple[Reader, Cursor]:
        reader = Reader(self.hub, self.log, link)
        cursor = self.hub.join(reader, self.channel, since)
        reader.start(cursor)
        return reader, cursor

    async def until(self, link: Link, seq: int) -> None:
        async with asyncio.timeout(5):
            while not link.got or link.got[-1] < seq:
                await asyncio.sleep(0)


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def test_what_the_ring_has_is_given_in_the_turn_of_joining(rig: Rig) -> None:
    rig.say(10)
    link = Link()
    rig.join(link, 4)
    assert link.got == [5, 6, 7, 8, 9, 10]


async def test_below_the_ring_the_log_is_read_up_to_it(rig: Rig) -> None:
    rig.say(RING_FRAMES + 130)
    link = Link()
    rig.join(link, 0)
    await rig.until(link, rig.head)
    assert link.got == list(range(1, rig.head + 1))


@pytest.mark.parametrize("room", [1, 2, 3, 5])
async def test_a_link_that_takes_a_little_at_a_time_gets_everything_once(rig: Rig, room: int) -> None:
    rig.say(RING_FRAMES + 500)
    link = Link(room)
    reader, cursor = rig.join(link, 0)
    async with asyncio.timeout(20):
        while cursor.seq < rig.head:
            for _ in range(3):
                await asyncio.sleep(0)
            if rig.head < RING_FRAMES + 1500:
                rig.say(7)
            link.room = room
            reader.writable()
    await asyncio.sleep(0)
    assert link.got == list(range(1, rig.head + 1)) and reader.over == []


async def test_room_that_comes_in_the_turn_in_which_a_read_ends_is_not_missed(rig: Rig) -> None:
    """The read ends at a full link; `writable` comes before the loop has told anyone that it ended."""
    rig.say(RING_FRAMES + 300)
    link = Link(0)
    reader, cursor = rig.join(link, 0)
    task = reader._reading
    assert task is not None
    async with asyncio.timeout(5):
        while not task.done():
            await asyncio.sleep(0)
            if task.done():
                break
    link.room = 10**9
    reader.writable()
    await rig.until(link, rig.head)
    assert link.got == list(range(1, rig.head + 1))
    assert cursor.seq == rig.head


async def test_a_reader_that_the_hub_calls_behind_goes_on_from_wherever_it_can(rig: Rig) -> None:
    link = Link()
    reader, cursor = rig.join(link, 0)
    rig.say(RING_FRAMES + 10)  # in one turn: more than the ring holds
    await rig.until(link, rig.head)
    assert link.got == list(range(1, rig.head + 1))
    link.room = 0
    rig.say(3)
    await asyncio.sleep(0)
    link.room = 10**9
    reader.behind(cursor)  # the ring reaches back to it
    assert link.got[-1] == rig.head


async def test_what_the_log_has_is_written_in_batches_no_larger_than_others(rig: Rig) -> None:
    rig.say(RING_FRAMES + 200)
    rig.log.texts = dict.fromkeys(rig.log.texts, "x" * 8000)
    link = Link(2)
    reader, cursor = rig.join(link, 0)
    async with asyncio.timeout(5):
        while reader._reading is not None:
            await asyncio.sleep(0)
    assert len(link.got) == cursor.seq == 2 * (BATCH_BYTES // 8000), "two batches, and it was refused the third"
    link.room = 10**9
    reader.writable()
    await rig.until(link, rig.head)
    assert link.got == list(range(1, rig.head + 1))


async def test_a_log_that_does_not_go_on_is_a_reset(rig: Rig) -> None:
    rig.say(RING_FRAMES + 10)
    rig.log.texts.clear()
    link = Link()
    reader, cursor = rig.join(link, 0)
    async with asyncio.timeout(5):
        while not reader.over:
            await asyncio.sleep(0)
    assert (reader.over, link.got, cursor.joined) == (["reset"], [], False)


async def test_a_log_that_cannot_be_read_is_a_reset_too(rig: Rig) -> None:
    rig.say(RING_FRAMES + 10)
    rig.log.broken = True
    reader, _ = rig.join(Link(), 0)
    async with asyncio.timeout(5):
        while not reader.over:
            await asyncio.sleep(0)
    assert reader.over == ["reset"]


async def test_a_cursor_that_left_or_was_dropped_is_given_nothing_more(rig: Rig) -> None:
    link = Link(0)
    reader, cursor = rig.join(link, 0)
    rig.say(5)
    await asyncio.sleep(0)
    rig.hub.restart("article:1", "new", 0)
    link.room = 10**9
    reader.writable()
    for _ in range(5):
        await asyncio.sleep(0)
    assert (link.got, reader.over, cursor.joined) == ([], ["reset"], False)


async def test_a_reader_that_stops_ends_its_read(rig: Rig) -> None:
    rig.say(RING_FRAMES + 10)
    reader, cursor = rig.join(Link(), 0)
    task: Any = reader._reading
    reader.stop()
    reader.drop(cursor)
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled() and not rig.channel.cursors
