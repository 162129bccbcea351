"""The relay: what the doorbell loses, doubles or brings late, the log makes good; a position is resumed or reset."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest

from server import events
from server.follower import Follower
from server.frames import Batch
from server.hub import RING_BYTES, RING_FRAMES, Cursor, Hub
from server.models import Commit, Rewritten, article_channel
from server.relay import KEPT_BYTES, READ_FRAMES, Relay, Reset
from server.storage import articles, event_log
from server.storage.database import Database
from server.storage.transaction import Transaction
from server.times import rfc3339

SECONDS = 10


class Sink:
    """A link that keeps everything; it refuses while `full`."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, str]] = []
        self.full = False
        self.changed = asyncio.Event()

    def write(self, batch: Batch) -> bool:
        if self.full:
            return False
        self.frames += [(frame.seq, frame.text) for frame in batch.frames]
        self.changed.set()
        return True


class Reader(Follower):
    """A reader of one channel."""

    def __init__(self, hub: Hub, relay: Relay) -> None:
        self.sink = Sink()
        super().__init__(hub, relay, self.sink)
        self.over: list[str] = []
        self.cursor: Cursor | None = None

    def ended(self, cursor: Cursor, reason: str) -> None:
        self.over.append(reason)
        self.sink.changed.set()

    @property
    def got(self) -> list[int]:
        return [seq for seq, _ in self.sink.frames]

    async def until(self, seq: int) -> None:
        """Until event `seq` has come, or the history ended."""
        async with asyncio.timeout(SECONDS):
            while not self.over and (not self.got or self.got[-1] < seq):
                self.sink.changed.clear()
                await self.sink.changed.wait()


class Rig:
    """A hub and relay over a database, and a doorbell that the test holds in its hand."""

    def __init__(self, database: Database, url: str) -> None:
        self.database = database
        self.url = url
        self.hub = Hub(asyncio.get_running_loop().call_soon)
        self.relay = Relay(self.hub, database)
        self.readers: list[Reader] = []
        self.heard: list[Commit] = []  # what this process's commits said, not yet passed on
        self.articles = itertools.count(1)

    async def channel(self) -> str:
        number = next(self.articles)
        article_id = await self.database.write(
            lambda tx: articles.add(tx, slug=f"a{number}", title="An article", created_at=0)
        )
        return article_channel(article_id)

    async def say(self, name: str, count: int = 1, text: str = "", database: Database | None = None) -> None:
        """Appends events; nobody is told of them until `ring`."""
        for number in range(count):
            await (database or self.database).write(
                lambda tx: event_log.append(tx, name, events.NOOP, 1_000_000 + number, {"text": text})  # noqa: B023
            )

    def ring(self) -> None:
        """Passes on everything, in order."""
        heard, self.heard = self.heard, []
        for commit in heard:
            self.relay.receive(commit)

    async def join(
        self, name: str, since: int | None = None, epoch: str | None = None, at: str | None = None
    ) -> Reader | Reset | None:
        reader = Reader(self.hub, self.relay)
        if since is not None and epoch is None:
            head = await self.database.read(lambda tx: event_log.head(tx, name))
            epoch = head.epoch if head else ""
        joined = await self.relay.subscribe(reader, name, epoch, since, at)
        if not isinstance(joined, Cursor):
            return joined
        reader.cursor = joined
        self.readers.append(reader)
        reader.start(joined)
        return reader

    async def reader(self, name: str, since: int | None = None) -> Reader:
        joined = await self.join(name, since)
        assert isinstance(joined, Reader)
        return joined


@pytest.fixture
async def rig(database_url: str) -> AsyncIterator[Rig]:
    async for made in _rig(database_url):
        yield made


@pytest.fixture
async def postgres_rig(postgres_url: str) -> AsyncIterator[Rig]:
    async for made in _rig(postgres_url):
        yield made


@pytest.fixture
async def sqlite_rig(sqlite_url: str) -> AsyncIterator[Rig]:
    async for made in _rig(sqlite_url):
        yield made


async def _rig(url: str) -> AsyncIterator[Rig]:
    made: list[Rig] = []
    database = await Database.open(url, lambda commit: made[0].heard.append(commit))
    made.append(Rig(database, url))
    yield made[0]
    for reader in made[0].readers:
        reader.stop()
    await made[0].relay.close()
    await database.close()


async def test_an_unknown_channel_is_nothing_and_leaves_nothing(rig: Rig) -> None:
    assert await rig.join("article:99") is None
    assert rig.hub.channels == {}


async def test_who_comes_when_the_head_was_read_but_nobody_has_heard_of_it_yet_finds_the_channel_open(rig: Rig) -> None:
    """A read ends, and those who wait for it go on a turn later: who comes in between must not read once more."""
    name = await rig.channel()
    await rig.say(name, 3)
    rig.heard.clear()
    others = asyncio.all_tasks()
    first = asyncio.create_task(rig.join(name))
    await asyncio.sleep(0)
    (read,) = asyncio.all_tasks() - others - {first}
    came: list[Cursor] = []

    def come(_: object) -> None:
        coming = rig.relay.subscribe(Reader(rig.hub, rig.relay), name, None, None, None)
        try:
            coming.send(None)  # its first step, in the turn after the end of the read
        except StopIteration as done:
            came.append(done.value)

    read.add_done_callback(come)
    assert isinstance(await first, Reader)
    assert [cursor.seq for cursor in came] == [3]


@pytest.mark.parametrize("order", ["lost", "doubled", "backwards", "shuffled", "every second"])
async def test_whatever_the_doorbell_does_the_reader_gets_each_event_once_and_in_order(rig: Rig, order: str) -> None:
    name = await rig.channel()
    rig.heard.clear()
    reader = await rig.reader(name)
    await rig.say(name, 60)
    heard, rig.heard = rig.heard, []
    match order:
        case "lost":
            heard = heard[-1:]
        case "doubled":
            heard = [commit for commit in heard for _ in range(2)]
        case "backwards":
            heard.reverse()
        case "shuffled":
            random.Random(1).shuffle(heard)
        case "every second":
            heard = heard[1::2]
    for index, commit in enumerate(heard):
        rig.relay.receive(commit)
        if index % 7 == 0:
            await asyncio.sleep(0)
    await _all_have_the_rest([reader], [0], 60)


async def test_the_head_check_closes_a_loss_that_nothing_tells_of(rig: Rig) -> None:
    name = await rig.channel()
    reader = await rig.reader(name)
    await rig.say(name, 3)
    rig.heard.clear()
    await rig.relay.check_heads()
    await _all_have_the_rest([reader], [0], 3)


async def test_what_another_process_writes_is_found_in_the_log(postgres_rig: Rig) -> None:
    """Two processes on one PostgreSQL, and no broker at all: only the head check."""
    rig = postgres_rig
    other = await Database.open(rig.url, lambda commit: None)
    try:
        name = await rig.channel()
        reader = await rig.reader(name)
        for _ in range(5):
            await asyncio.gather(rig.say(name, 10), rig.say(name, 10, database=other))
            rig.ring()
            await rig.relay.check_heads()
        await _all_have_the_rest([reader], [0], 100)
    finally:
        await other.close()


async def test_a_reader_far_behind_reads_the_log_in_pieces_then_the_ring(rig: Rig) -> None:
    name = await rig.channel()
    rig.heard.clear()
    await rig.say(name, READ_FRAMES + 50)
    rig.heard.clear()
    reader = await rig.reader(name, 0)
    await rig.say(name, 5)
    rig.ring()
    await _all_have_the_rest([reader], [0], READ_FRAMES + 55)


async def test_a_refused_reader_goes_on_from_where_it_was(rig: Rig) -> None:
    name = await rig.channel()
    rig.heard.clear()
    await rig.say(name, 20)
    rig.heard.clear()
    reader = await rig.reader(name, 0)
    reader.sink.full = True
    await rig.say(name, 20)
    rig.ring()
    async with asyncio.timeout(SECONDS):
        while reader._reading is not None:  # its read of the log ends at the full link
            await asyncio.sleep(0)
    reader.sink.full = False
    reader.writable()
    await _all_have_the_rest([reader], [0], 40)


async def test_a_snapshot_ahead_of_delivery_is_resumed_not_reset(rig: Rig) -> None:
    name = await rig.channel()
    rig.heard.clear()
    await rig.reader(name)
    await rig.say(name, 4)  # committed; the hub was not told yet
    reader = await rig.reader(name, 4)
    rig.ring()
    await rig.say(name, 1)
    rig.ring()
    await _all_have_the_rest([reader], [4], 5)


async def test_positions_that_are_of_no_history_known_here_are_reset(rig: Rig) -> None:
    name = await rig.channel()
    await rig.say(name, 3)
    rig.ring()
    head = await rig.database.read(lambda tx: event_log.head(tx, name))
    assert head is not None
    reset = Reset(head.epoch, 3)
    assert await rig.join(name, 4) == reset, "above the head"
    assert await rig.join(name, 2, "another") == reset, "another epoch"
    assert await rig.join(name, 0, "another") == reset, "another epoch, from the beginning"
    assert await rig.join(name, 3, at=rfc3339(7)) == reset, "another event at that position"
    assert await rig.join(name, 2, at=rfc3339(7)) == reset, "another event at an earlier position"
    assert isinstance(await rig.join(name, 3, at=rfc3339(head.at or 0)), Reader)
    assert isinstance(await rig.join(name, 0, at=rfc3339(7)), Reader), "before the first event there is no time"


async def test_a_position_below_the_floor_is_reset(rig: Rig) -> None:
    from sqlalchemy import text

    name = await rig.channel()
    await rig.say(name, 10)
    await rig.database.write(lambda tx: tx.run(text(f"UPDATE channels SET floor = 5 WHERE name = '{name}'")))
    await rig.database.write(lambda tx: tx.run(text(f"DELETE FROM events WHERE channel = '{name}' AND seq <= 5")))
    assert isinstance(await rig.join(name, 4), Reset)
    reader = await rig.reader(name, 5)
    await reader.until(10)
    assert reader.got == [6, 7, 8, 9, 10]


async def test_a_new_epoch_resets_every_reader_and_the_next_reads_the_new_history(rig: Rig) -> None:
    name = await rig.channel()
    rig.heard.clear()
    await rig.say(name, 3)
    rig.ring()
    reader = await rig.reader(name)
    await rig.database.write(event_log.renew_epochs)
    await rig.relay.check_heads()
    assert reader.over == ["reset"] and reader.cursor is not None
    head = await rig.database.read(lambda tx: event_log.head(tx, name))
    assert head is not None and (reader.cursor.channel.epoch, reader.cursor.channel.head) == (head.epoch, 3)
    later = await rig.reader(name, 3)
    await rig.say(name, 1)
    rig.ring()
    await later.until(4)
    assert (later.got, reader.got) == ([4], [])


async def test_a_reader_below_the_ring_is_reset_when_the_log_is_of_another_epoch(rig: Rig) -> None:
    name = await rig.channel()
    await rig.say(name, 5)
    rig.ring()
    reader = await rig.reader(name)
    reader.sink.full = True
    await rig.say(name, 1)
    rig.ring()
    await asyncio.sleep(0)
    assert reader.cursor is not None
    reader.cursor.channel.clear()
    await rig.database.write(event_log.renew_epochs)
    reader.sink.full = False
    reader.writable()
    await reader.until(6)
    assert (reader.over, reader.got) == (["reset"], [])


async def test_a_read_of_the_log_that_an_erasure_overtakes_does_not_bring_back_what_is_gone(sqlite_rig: Rig) -> None:
    """Law 11: 200 reads that race with the rewriting of the frame they read; none shows it after it was rewritten."""
    rig = sqlite_rig
    for _ in range(200):
        name = await rig.channel()
        await rig.say(name, 1, "the secret")
        rig.heard.clear()
        await rig.reader(name)  # opens the channel; its ring is empty

        early = asyncio.create_task(rig.join(name, 0))
        await rig.database.write(_erase(name, 1))
        rig.ring()
        told = len(rig.readers)
        late = await rig.reader(name, 0)
        await late.until(2)
        assert next(text for _, text in late.sink.frames) == '{"gone":1}' and told
        joined = await early
        assert isinstance(joined, Reader)
        await joined.until(2)


async def test_two_thousand_subscriptions_while_publishing_miss_nothing_and_double_nothing(rig: Rig) -> None:
    """Fresh channels; the first event is committed while the reader subscribes, at every distance from it."""
    rounds = 2000 if rig.url.startswith("sqlite") else 300
    seen = 0
    for number in range(rounds):
        if number % 10 == 0:
            name = await rig.channel()
            rig.heard.clear()
        head = await rig.database.read(lambda tx: event_log.head(tx, name))  # noqa: B023
        assert head is not None
        since = [None, head.seq, random.Random(number).randint(0, head.seq)][number % 3]
        writing = asyncio.gather(*(rig.say(name) for _ in range(1 + number % 3)))
        for _ in range(number % 5):
            await asyncio.sleep(0)
        if number % 2:
            rig.ring()
        reader = await rig.reader(name, since)
        start = reader.cursor.seq if reader.cursor and not reader.got else None
        await writing
        rig.ring()
        last = head.seq + 1 + number % 3
        if start is None or start < last or reader.got:
            await reader.until(last)
        first = since + 1 if since is not None else (reader.got[0] if reader.got else last + 1)
        assert reader.got == list(range(first, last + 1)), f"round {number}"
        seen += len(reader.got)
        assert reader.cursor is not None
        reader.drop(reader.cursor)
        rig.readers.remove(reader)
    assert seen > rounds
    assert all(not channel.cursors for channel in rig.hub.channels.values())


async def test_readers_join_and_are_full_at_random_while_others_write(sqlite_rig: Rig) -> None:
    """200 readers at random positions with links that stop and go; every one sees the rest of the log, once."""
    rig, chance = sqlite_rig, random.Random(5)
    name = await rig.channel()
    rig.heard.clear()
    joined: list[tuple[Reader, int]] = []
    total = 0
    for _ in range(200):
        count = chance.randint(0, 4)
        await rig.say(name, count)
        total += count
        if chance.random() < 0.8:
            rig.ring()
        since = chance.randint(0, total)
        joined.append((await rig.reader(name, since), since))
        for reader, _ in chance.sample(joined, min(5, len(joined))):
            reader.sink.full = not reader.sink.full
            if not reader.sink.full:
                reader.writable()
    rig.ring()
    await rig.relay.check_heads()
    for reader, since in joined:
        reader.sink.full = False
        reader.writable()
        if since < total:
            await reader.until(total)
        assert reader.got == list(range(since + 1, total + 1))


async def test_all_who_come_back_to_a_forgotten_channel_within_a_ring_of_its_end_share_two_reads(rig: Rig) -> None:
    name, epoch = await _log(rig, 1500)
    before = dict(rig.database.reads)
    places = [1500 - RING_FRAMES + 7 * number % 1000 for number in range(150)]
    joined = await asyncio.gather(*(rig.join(name, since, epoch, rfc3339(_time(since))) for since in places[1:]))
    await _all_have_the_rest(joined, places[1:], 1500)
    assert _asked(rig, before) == {"position": 1, "log": 1}
    await _all_have_the_rest([await rig.join(name, places[0], epoch)], places[:1], 1500)
    assert _asked(rig, before) == {"position": 1, "log": 1}, "the ring holds the frame after the lowest position"


async def test_those_who_are_far_behind_share_reads_of_the_log_whatever_their_positions(rig: Rig) -> None:
    name, epoch = await _log(rig, 1500)
    before = dict(rig.database.reads)
    places = list(range(0, 1000, 5))
    joined = await asyncio.gather(*(rig.join(name, since, epoch, rfc3339(_time(since))) for since in places))
    await _all_have_the_rest(joined, places, 1500)
    blocks = -(-(1500 - RING_FRAMES) // READ_FRAMES)
    assert _asked(rig, before) == {"position": 1, "log": 1 + blocks}, "the ring once, and each block before it once"


async def test_those_who_follow_each_other_through_the_log_share_its_blocks(rig: Rig) -> None:
    name, epoch = await _log(rig, 1500)
    before = dict(rig.database.reads)
    for _ in range(20):
        await _all_have_the_rest([await rig.join(name, 0, epoch, None)], [0], 1500)
    blocks = -(-(1500 - RING_FRAMES) // READ_FRAMES)
    assert _asked(rig, before)["log"] <= 1 + blocks * 2, "once, or twice if this takes more than a second"


async def test_a_block_that_nobody_asks_for_any_more_is_dropped(rig: Rig) -> None:
    name, epoch = await _log(rig, RING_FRAMES + 200)
    await _all_have_the_rest([await rig.join(name, 0, epoch)], [0], RING_FRAMES + 200)
    relay = rig.relay
    assert len(relay._blocks) == 2 and relay._kept_bytes == sum(block.size for block in relay._blocks.values())
    relay._sweep()
    relay._sweep()
    assert not relay._blocks and not relay._kept_bytes and relay._sweeping is None


async def test_blocks_are_bounded_in_bytes(sqlite_rig: Rig) -> None:
    rig = sqlite_rig
    name, _ = await _log(rig, READ_FRAMES * 3, "x" * (KEPT_BYTES // READ_FRAMES // 2))
    await _all_have_the_rest([await rig.join(name, 0)], [0], READ_FRAMES * 3)
    assert rig.relay._blocks and rig.relay._kept_bytes <= KEPT_BYTES


async def test_a_block_that_was_read_at_the_end_of_the_log_is_read_again_for_what_came_since(sqlite_rig: Rig) -> None:
    rig = sqlite_rig
    name = await rig.channel()
    long = "x" * (RING_BYTES * 2 // 3)  # the ring holds one of them
    await rig.say(name, 3, long)
    rig.ring()
    await _all_have_the_rest([await rig.join(name, 0)], [0], 3)
    await rig.say(name, 3, long)
    rig.ring()
    await _all_have_the_rest([await rig.join(name, since) for since in (3, 0)], [3, 0], 6)
    assert rig.relay.resets["unreadable"] == 0


async def test_an_erasure_reaches_what_is_kept_of_the_log(rig: Rig) -> None:
    """Law 11, beyond the ring: who follows somebody through the log is not given what was erased in between."""
    name, epoch = await _log(rig, RING_FRAMES + 200)
    first = await rig.join(name, 0, epoch)
    await _all_have_the_rest([first], [0], RING_FRAMES + 200)
    assert rig.relay._blocks
    await rig.database.write(_erase(name, 1))
    rig.ring()
    second = await rig.join(name, 0, epoch)
    await _all_have_the_rest([first, second], [0, 0], RING_FRAMES + 201)
    assert isinstance(second, Reader) and second.sink.frames[0] == (1, '{"gone":1}')


class Held:
    """The database over a slow line: what it says arrives while `line` is open."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.line = asyncio.Event()
        self.line.set()
        self.said = asyncio.Event()  # it has said something that has not arrived

    async def read(self, work: Callable[[Transaction], Any], purpose: str) -> Any:
        found = await self.database.read(work, purpose)
        if not self.line.is_set():
            self.said.set()
        await self.line.wait()
        return found


async def test_a_block_that_an_erasure_overtakes_is_given_to_nobody_and_not_kept(rig: Rig) -> None:
    held = Held(rig.database)
    rig.relay = Relay(rig.hub, held)  # type: ignore[arg-type]
    name, epoch = await _log(rig, RING_FRAMES + 200)
    await rig.join(name, RING_FRAMES, epoch)
    held.line.clear()
    early = asyncio.create_task(rig.join(name, 0, epoch))
    await held.said.wait()
    await rig.database.write(_erase(name, 1))
    rig.ring()
    held.line.set()
    readers = [await early, await rig.join(name, 0, epoch)]
    await _all_have_the_rest(readers, [0, 0], RING_FRAMES + 201)
    assert [reader.sink.frames[0] for reader in readers if isinstance(reader, Reader)] == [(1, '{"gone":1}')] * 2
    await rig.relay.close()


async def _log(rig: Rig, count: int, text: str = "") -> tuple[str, str]:
    """A channel with so many events that nobody reads; its name and epoch."""
    name = await rig.channel()

    def work(tx: Transaction) -> None:
        for number in range(count):
            event_log.append(tx, name, events.NOOP, 1_000_000 + number, {"text": text})

    await rig.database.write(work)
    rig.heard.clear()
    head = await rig.database.read(lambda tx: event_log.head(tx, name))
    assert head is not None
    return name, head.epoch


def _erase(name: str, seq: int) -> Callable[[Transaction], None]:
    """What an erasure does to a log: the frame `seq` has other content, and an event says so."""

    def work(tx: Transaction) -> None:
        tx.run(event_log._REPLACE, channel_name=name, event_seq=seq, new_frame='{"gone":1}', new_type="noop")
        tx.rewritten.append(Rewritten(name, seq, '{"gone":1}'))
        event_log.append(tx, name, events.NOOP, 2, {})

    return work


async def _all_have_the_rest(joined: Sequence[Any], places: Sequence[int], last: int) -> None:
    for reader, since in zip(joined, places, strict=True):
        assert isinstance(reader, Reader)
        await reader.until(last)
        assert reader.got == list(range(since + 1, last + 1))


def _asked(rig: Rig, before: dict[str, int]) -> dict[str, int]:
    return {purpose: rig.database.reads[purpose] - before[purpose] for purpose in ("position", "log")}


def _time(seq: int) -> int:
    """What `Rig.say` gives the event `seq` of a channel as its time."""
    return 1_000_000 + seq - 1


async def test_what_is_recalled_is_only_what_joins_on_to_the_ring(rig: Rig) -> None:
    name, _ = await _log(rig, RING_FRAMES + 500)
    await rig.reader(name)
    await rig.say(name, 10)
    rig.ring()
    last = RING_FRAMES + 510
    old = await rig.reader(name, 1)
    near = await rig.reader(name, last - 20)
    await _all_have_the_rest([old, near], [1, last - 20], last)
    channel = rig.hub.channels[name]
    assert [frame.seq for frame in channel.ring] == list(range(511, last + 1)), "the newest of the log, and no gap"
    assert channel.ring_bytes == sum(len(frame.text) for frame in channel.ring)


async def test_no_more_is_recalled_than_the_ring_holds_in_bytes(sqlite_rig: Rig) -> None:
    rig = sqlite_rig
    name, _ = await _log(rig, 600, "x" * 8000)
    await _all_have_the_rest([await rig.reader(name, 580)], [580], 600)
    channel = rig.hub.channels[name]
    assert len(channel.ring) == RING_BYTES // len(channel.ring[0].text)


async def test_a_database_that_cannot_be_read_leaves_no_channel_behind(sqlite_rig: Rig) -> None:
    from server.errors import Unavailable

    class Failing:
        async def read(self, work: Any, purpose: str) -> Any:
            raise Unavailable("the database cannot be read now")

    hub = Hub(asyncio.get_running_loop().call_soon)
    relay = Relay(hub, Failing())  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await relay.subscribe(Reader(hub, relay), "article:1", None, None, None)
    assert hub.channels == {}
    await relay.close()
