"""The hub: every reader gets every event once and in order, whatever is interleaved, and nothing waits for anybody."""

from collections import deque
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.frames import BATCH_BYTES, Batch, Frame, text_frame
from server.hub import (
    IDLE_BYTES,
    IDLE_CHANNELS,
    RING_BYTES,
    RING_FRAMES,
    WRITES_PER_TURN,
    Channel,
    Cursor,
    Hub,
    Progress,
)

NAME, EPOCH = "article:1", "e"


class Loop:
    """`call_soon` without a loop: turns are taken by the test."""

    def __init__(self) -> None:
        self.waiting: deque[Callable[[], None]] = deque()

    def turn(self) -> None:
        """Runs what waits now; what that asks for waits for the next turn."""
        for _ in range(len(self.waiting)):
            self.waiting.popleft()()

    def run(self) -> None:
        while self.waiting:
            self.turn()


class Reading:
    """A reader that keeps what it is given; it refuses while `full`."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.texts: list[str] = []
        self.full = False
        self.refused = 0
        self.late: list[Cursor] = []
        self.over: list[str] = []

    def write(self, cursor: Cursor, batch: Batch) -> bool:
        if self.full:
            self.refused += 1
            return False
        assert cursor.joined, "a cursor that left is given nothing"
        assert batch.wire == b"".join(text_frame(frame.text) for frame in batch.frames)
        self.got += [frame.seq for frame in batch.frames]
        self.texts += [frame.text for frame in batch.frames]
        return True

    def behind(self, cursor: Cursor) -> None:
        self.late.append(cursor)

    def ended(self, cursor: Cursor, reason: str) -> None:
        self.over.append(reason)


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def hub(loop: Loop) -> Hub:
    return Hub(lambda work: loop.waiting.append(work))


def opened(hub: Hub, seq: int = 0, name: str = NAME) -> Channel:
    channel = hub.channel(name)
    hub.open(channel, EPOCH, seq, None)
    return channel


def say(hub: Hub, seq: int, text: str | None = None, epoch: str = EPOCH) -> bool:
    return hub.deliver(NAME, epoch, seq, seq * 1000, text or f"event {seq}")


def test_an_event_that_arrives_alone_is_written_in_the_next_turn(hub: Hub, loop: Loop) -> None:
    reader = Reading()
    hub.join(reader, opened(hub), 0)
    say(hub, 1)
    assert reader.got == []
    loop.turn()
    assert reader.got == [1]


def test_what_gathers_before_a_flush_is_one_batch_of_the_same_bytes_for_all(hub: Hub, loop: Loop) -> None:
    batches: list[Batch] = []

    class Keeping(Reading):
        def write(self, cursor: Cursor, batch: Batch) -> bool:
            batches.append(batch)
            return super().write(cursor, batch)

    channel = opened(hub)
    for _ in range(3):
        hub.join(Keeping(), channel, 0)
    for seq in range(1, 6):
        say(hub, seq)
    loop.run()
    assert len(batches) == 3 and len({id(batch) for batch in batches}) == 1
    assert len({id(batch.wire) for batch in batches}) == 1


def test_a_flush_gives_the_loop_a_turn_after_every_slice(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    readers = [Reading() for _ in range(2 * WRITES_PER_TURN + 10)]
    for reader in readers:
        hub.join(reader, channel, 0)
    say(hub, 1)
    for slices in (1, 2):
        loop.turn()
        assert sum(len(reader.got) for reader in readers) == slices * WRITES_PER_TURN
        say(hub, slices + 1)  # arrives during the flush
    loop.run()
    assert all(reader.got == [1, 2, 3] for reader in readers)


def test_who_leaves_while_a_flush_is_under_way_gets_nothing_more(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    cursors = {Reading(): None for _ in range(2 * WRITES_PER_TURN)}
    joined = [(reader, hub.join(reader, channel, 0)) for reader in cursors]
    say(hub, 1)
    loop.turn()
    for _, cursor in joined:
        hub.leave(cursor)
    loop.run()
    assert sum(len(reader.got) for reader, _ in joined) == WRITES_PER_TURN
    assert hub.readers(channel) == 0


def test_who_joins_ahead_of_a_flush_is_given_only_what_is_new_to_it(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    for seq in (1, 2, 3):
        say(hub, seq)
    ahead, level, late = Reading(), Reading(), Reading()
    hub.join(ahead, channel, 2)
    hub.join(level, channel, 3)
    behind = hub.join(late, channel, 0)
    assert hub.advance(behind) is Progress.LEVEL
    loop.run()
    say(hub, 4)
    loop.run()
    assert (ahead.got, level.got, late.got) == ([3, 4], [4], [1, 2, 3, 4])


def test_a_refused_reader_is_passed_over_and_catches_up_from_the_ring(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    slow, quick = Reading(), Reading()
    cursor = hub.join(slow, channel, 0)
    hub.join(quick, channel, 0)
    slow.full = True
    for seq in range(1, 50):
        say(hub, seq)
        loop.run()
    assert hub.advance(cursor) is Progress.REFUSED
    assert quick.got == list(range(1, 50)) and slow.got == []
    slow.full = False
    assert hub.advance(cursor) is Progress.LEVEL
    assert slow.got == list(range(1, 50))


def test_the_ring_is_bounded_in_frames_and_in_bytes_and_says_when_it_does_not_reach_back(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    slow = Reading()
    cursor = hub.join(slow, channel, 0)
    slow.full = True
    for seq in range(1, RING_FRAMES + 100):
        say(hub, seq)
    assert len(channel.ring) == RING_FRAMES
    for seq in range(RING_FRAMES + 100, RING_FRAMES + 300):
        say(hub, seq, "x" * 16_000)
        loop.run()
    assert channel.ring_bytes == sum(len(frame.text) for frame in channel.ring) <= RING_BYTES
    assert hub.advance(cursor) is Progress.BELOW_RING


def test_more_in_one_turn_than_the_ring_holds_sends_every_reader_to_the_log(hub: Hub, loop: Loop) -> None:
    reader = Reading()
    cursor = hub.join(reader, opened(hub), 0)
    for seq in range(1, RING_FRAMES + 2):
        say(hub, seq)
    loop.run()
    assert reader.got == [] and reader.late == [cursor]


def test_a_batch_is_at_most_its_bound_but_for_a_single_larger_frame(hub: Hub, loop: Loop) -> None:
    sizes: list[int] = []

    class Measuring(Reading):
        def write(self, cursor: Cursor, batch: Batch) -> bool:
            sizes.append(sum(len(frame.text) for frame in batch.frames))
            return super().write(cursor, batch)

    reader = Measuring()
    hub.join(reader, opened(hub), 0)
    for seq, size in enumerate((30_000, 30_000, 30_000, 100_000, 10), 1):
        say(hub, seq, "x" * size)
    loop.run()
    assert reader.got == [1, 2, 3, 4, 5]
    assert sizes == [60_000, 30_000, 100_000, 10] and BATCH_BYTES == 65_536


def test_a_rewritten_frame_is_given_with_its_present_content_only(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    readers = [Reading() for _ in range(2 * WRITES_PER_TURN)]
    for reader in readers:
        hub.join(reader, channel, 0)
    say(hub, 1, "the secret")
    loop.turn()  # half of them have it
    hub.rewrite(NAME, 1, "gone")
    say(hub, 2)
    loop.run()
    late = Reading()
    hub.advance(hub.join(late, channel, 0))
    assert late.texts == ["gone", "event 2"]
    told = [reader.texts[0] for reader in readers]
    assert told.count("the secret") == WRITES_PER_TURN and told.count("gone") == WRITES_PER_TURN
    assert channel.ring_bytes == sum(len(frame.text) for frame in channel.ring)


def test_old_events_are_dropped_and_gaps_and_other_histories_are_refused(hub: Hub, loop: Loop) -> None:
    reader = Reading()
    hub.join(reader, opened(hub, seq=5), 5)
    assert say(hub, 5) and say(hub, 6) and say(hub, 6) and say(hub, 3)
    assert not say(hub, 8)
    assert not say(hub, 7, epoch="another")
    assert hub.deliver("article:2", EPOCH, 1, 0, "nobody reads this") and "article:2" not in hub.channels
    loop.run()
    assert reader.got == [6]


@pytest.mark.parametrize(
    "heard", [[6, 7], [7, 6], [6, 6, 7], [5, 6, 7], [7], []], ids=["order", "late", "doubled", "old", "gap", "nothing"]
)
def test_what_is_delivered_before_a_channel_is_opened_is_not_lost(hub: Hub, loop: Loop, heard: list[int]) -> None:
    """The database says 5; every position that the hub then claims can be read from the ring or is said to be below."""
    channel = hub.channel(NAME)
    for seq in heard:
        say(hub, seq)
    hub.open(channel, EPOCH, 5, None)
    assert channel.head == max([5, *heard])
    reader = Reading()
    progress = hub.advance(hub.join(reader, channel, 5))
    if heard in ([7], [7, 6]):
        assert progress is Progress.BELOW_RING and reader.got == []
    else:
        assert progress is Progress.LEVEL and reader.got == sorted({seq for seq in heard if seq > 5})


def test_frames_of_another_history_heard_before_opening_are_forgotten(hub: Hub) -> None:
    channel = hub.channel(NAME)
    say(hub, 9, epoch="old")
    hub.open(channel, "new", 3, None)
    assert (channel.epoch, channel.head, len(channel.ring)) == ("new", 3, 0)


def test_a_restart_drops_every_cursor_and_says_where_the_new_history_stands(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    readers = [Reading() for _ in range(2 * WRITES_PER_TURN)]
    for reader in readers:
        hub.join(reader, channel, 0)
    say(hub, 1)
    loop.turn()
    hub.restart(NAME, "new", 0)
    loop.run()
    assert all(reader.over == ["reset"] for reader in readers)
    assert sum(len(reader.got) for reader in readers) == WRITES_PER_TURN, "nothing of the old history after the reset"
    assert (channel.epoch, channel.head, len(channel.cursors)) == ("new", 0, 0)
    assert NAME not in hub.channels


def test_channels_that_nobody_reads_are_forgotten_and_others_never(
    hub: Hub, loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = opened(hub, name="article:0")
    hub.join(Reading(), kept, 0)
    opening = hub.channel("article:opening")
    for number in range(1, 3 * IDLE_CHANNELS):
        opened(hub, name=f"article:{number}")
    assert len(hub.channels) <= IDLE_CHANNELS + 2
    assert hub.channels["article:0"] is kept and hub.channels["article:opening"] is opening


_ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["say", "say", "say", "turn", "join", "fill", "empty", "advance", "leave", "rewrite", "burst"]),
        st.integers(0, 50),
    ),
    max_size=120,
)


@settings(max_examples=300, deadline=None)
@given(actions=_ACTIONS)
def test_whatever_is_interleaved_every_reader_sees_each_event_once_and_in_order(
    actions: list[tuple[str, int]],
) -> None:
    loop = Loop()
    hub = Hub(lambda work: loop.waiting.append(work))
    channel, head = opened(hub), 0
    log: dict[int, str] = {}
    readers: list[tuple[Reading, Cursor, int]] = []

    def catch_up(reader: Reading, cursor: Cursor) -> None:
        while cursor.joined and hub.advance(cursor) is Progress.BELOW_RING:  # the log has it
            for seq in range(cursor.seq + 1, min(cursor.seq + 100, channel.head) + 1):
                reader.got.append(seq)
                cursor.seq = seq

    def say_next(size: int) -> None:
        nonlocal head
        head += 1
        log[head] = "x" * size
        assert say(hub, head, log[head])

    for action, number in actions:
        some = readers[number % len(readers)] if readers else None
        match action:
            case "say":
                say_next(number + 1)
            case "burst":
                for _ in range(number * 30):
                    say_next(40)
            case "turn":
                loop.turn()
            case "join":
                since = head - number % (head + 1)
                reader = Reading()
                cursor = hub.join(reader, channel, since)
                readers.append((reader, cursor, since))
                catch_up(reader, cursor)
            case "rewrite" if head:
                hub.rewrite(NAME, 1 + number % head, "now")
            case "fill" if some:
                some[0].full = True
            case "empty" | "advance" if some:
                some[0].full = False
                catch_up(some[0], some[1])
            case "leave" if some:
                hub.leave(some[1])
        for reader, cursor, _ in readers:
            for late in reader.late:
                if not reader.full:
                    catch_up(reader, late)
            reader.late.clear()
            assert cursor.seq <= channel.head
    loop.run()
    for reader, cursor, since in readers:
        if cursor.joined:
            reader.full = False
            catch_up(reader, cursor)
            assert cursor.seq == head
        assert reader.got == list(range(since + 1, cursor.seq + 1))


def test_frames_of_every_size_are_valid_websocket_frames() -> None:
    for size, header in ((125, 2), (126, 4), (65_535, 4), (65_536, 10)):
        wire = text_frame("x" * size)
        assert wire[0] == 0x81 and len(wire) == header + size


def test_what_is_written_to_level_readers_is_told_once_for_each_slice(loop: Loop) -> None:
    told: list[tuple[list[int], int]] = []
    hub = Hub(loop.waiting.append, lambda batch, readers: told.append(([frame.seq for frame in batch.frames], readers)))
    channel = opened(hub)
    full, away = Reading(), Reading()
    full.full = True
    for reader in [Reading() for _ in range(WRITES_PER_TURN)] + [full]:
        hub.join(reader, channel, 0)
    hub.leave(hub.join(away, channel, 0))
    say(hub, 1)
    say(hub, 2)
    loop.run()
    assert sum(readers for _, readers in told) == WRITES_PER_TURN
    assert {tuple(seqs) for seqs, _ in told} == {(1, 2)} and len(told) <= 2
    say(hub, 3)
    loop.run()
    assert sum(readers for seqs, readers in told if seqs == [3]) == WRITES_PER_TURN, "one that is behind is not counted"


def test_what_readers_behind_are_given_is_counted(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    for seq in range(1, 6):
        say(hub, seq)
    loop.run()
    late = hub.join(Reading(), channel, 2)
    assert hub.advance(late) is Progress.LEVEL and hub.caught_up == 3
    say(hub, 6)
    loop.run()
    assert hub.caught_up == 3, "what it is given as one of all is not"


def test_a_frame_keeps_the_moment_of_its_commit(hub: Hub, loop: Loop) -> None:
    channel = opened(hub)
    hub.deliver(NAME, EPOCH, 1, 1000, "one", 7.5)
    say(hub, 2)
    assert [frame.moment for frame in channel.ring] == [7.5, None]


def frames_of(*seqs: int) -> list[Frame]:
    return [Frame(seq, seq * 1000, f"event {seq}") for seq in seqs]


def test_earlier_events_join_on_to_a_ring_or_to_the_head_without_a_gap(hub: Hub, loop: Loop) -> None:
    channel = opened(hub, 10)
    channel.extend(frames_of(6, 7, 8))
    assert not channel.ring, "9 and 10 are missing"
    channel.extend(frames_of(*range(5, 11)))
    say(hub, 11)
    channel.extend(frames_of(*range(3, 9)))
    assert [frame.seq for frame in channel.ring] == list(range(3, 12))
    channel.extend(frames_of(0, 1))
    assert channel.ring[0].seq == 3
    assert channel.ring_bytes == sum(len(frame.text) for frame in channel.ring)
    reader = Reading()
    assert hub.advance(hub.join(reader, channel, 4)) is Progress.LEVEL
    assert reader.got == list(range(5, 12)) and channel.time_of(4) == 4000


def test_earlier_events_fill_a_ring_to_its_bounds_and_no_further(hub: Hub) -> None:
    channel = opened(hub, 3 * RING_FRAMES)
    channel.extend(frames_of(*range(1, 3 * RING_FRAMES + 1)))
    assert len(channel.ring) == RING_FRAMES and channel.ring[-1].seq == 3 * RING_FRAMES
    large = opened(hub, 100, "article:2")
    large.extend([Frame(seq, 0, "x" * (RING_BYTES // 10)) for seq in range(1, 101)])
    assert large.ring[-1].seq == 100 and large.ring_bytes <= RING_BYTES and len(large.ring) == 10


def test_rings_that_nobody_reads_make_room_for_one_that_is_filled(hub: Hub) -> None:
    text = "x" * RING_BYTES
    count = IDLE_BYTES // RING_BYTES + 10
    channels = [opened(hub, 1, f"article:{number}") for number in range(count + 1)]
    hub.join(Reading(), channels[0], 1)
    for channel in channels[:count]:
        channel.extend([Frame(1, 0, text)])
    unopened = hub.channel("article:9999")
    unopened.add(Frame(5, 0, text))
    hub.recall(channels[count], [Frame(1, 0, text)])
    assert channels[0].ring and unopened.ring and channels[count].ring, "one that is read, or is being opened, stays"
    idle = [channel for channel in channels[1:count] if channel.ring]
    assert len(idle) == IDLE_BYTES // RING_BYTES, "the others as far as they are within the bound"
    assert all(channel.recalled == bool(channel.ring) for channel in channels)


def test_an_erasure_reaches_what_was_put_before_the_ring(hub: Hub) -> None:
    channel = opened(hub, 5)
    channel.extend(frames_of(3, 4, 5))
    hub.rewrite(NAME, 4, "gone")
    reader = Reading()
    hub.advance(hub.join(reader, channel, 2))
    assert reader.texts == ["event 3", "gone", "event 5"]
