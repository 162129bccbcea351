"""The load generator counts right: against the real server, and against everything that a server could do wrong."""

import sys
from collections.abc import Callable

import pytest

from tests.bench.delays import Delays, of_deliveries
from tests.bench.loop import Loop
from tests.bench.posters import Posters
from tests.bench.readers import Crowd
from tests.bench.servers import Comments, Ripost, began_on
from tests.bench.tape import Fault, Place, Tape, frames
from tests.support.server import RipostServer

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the generator needs epoll")

READERS = 50
COMMENTS = 200


def event(seq: int, text: str = "hello") -> bytes:
    payload = f'{{"type":"comment.posted","seq":{seq},"at":"2026-11-02T09:30:00.000000Z","text":"{text}"}}'.encode()
    return (
        bytes((0x81, len(payload))) + payload
        if len(payload) < 126
        else bytes((0x81, 126)) + len(payload).to_bytes(2, "big") + payload
    )


def head(seq: int) -> bytes:
    payload = f'{{"type":"head","article":1,"epoch":"e","seq":{seq}}}'.encode()
    return bytes((0x81, len(payload))) + payload


def place(tape: Tape, seq: int = 0) -> Place:
    return Place(tape, tape.place(seq), lambda opcode, payload: None)


@pytest.fixture
def ripost(ripost_server: Callable[..., RipostServer]) -> Ripost:
    """The server of the test, as the generator sees it."""
    server = ripost_server(
        RATE_LIMITS="off",
        MAX_CONNECTIONS="10000",
        MAX_CONNECTIONS_PER_ADDRESS="10000",
        ALLOWED_ORIGINS="http://bench.example",
    )
    return Ripost.around(server)


def test_every_event_is_counted_once_at_every_reader_of_a_real_server(ripost: Ripost) -> None:
    loop = Loop()
    try:
        channel, tape, crowd = ripost.articles(loop, 1)[0], ripost.tape(), Crowd(loop, ripost)
        crowd.open([(channel, tape)] * READERS)
        posters = Posters(loop, ripost.port, 8)
        posted = posters.closed_loop(Comments([channel]), 30, most=COMMENTS)
        assert loop.run(10, lambda: crowd.deliveries >= READERS * COMMENTS)
        loop.run(0.2)  # a double would come now

        assert posted.answered == COMMENTS and not posted.failures
        assert crowd.deliveries == READERS * COMMENTS
        assert [reader.place.events for reader in crowd.readers if reader.place] == [COMMENTS] * READERS
        assert not crowd.faults and not crowd.lost
        delays = of_deliveries(tape, began_on(posted, channel))
        assert len(delays) == READERS * COMMENTS and delays.missing == 0
        assert 0 < delays.p50 <= delays.p99 <= delays.most < 30
        assert sorted(began_on(posted, channel)) == tape.keys == list(range(1, COMMENTS + 1))
    finally:
        loop.close()


def test_readers_that_come_back_get_what_they_missed(ripost: Ripost) -> None:
    loop = Loop()
    try:
        channel, tape, crowd = ripost.articles(loop, 1)[0], ripost.tape(), Crowd(loop, ripost)
        crowd.open([(channel, tape)] * 2 * READERS)
        posters, exchange = Posters(loop, ripost.port, 8), Comments([channel])
        posters.closed_loop(exchange, 30, most=20)
        assert loop.run(10, lambda: crowd.deliveries >= 2 * READERS * 20)
        crowd.drop()
        posters.closed_loop(exchange, 30, most=20)
        crowd.join(crowd.readers, at_once=2 * READERS, caught_up=True)

        assert crowd.deliveries == 2 * READERS * 40
        assert not crowd.faults
    finally:
        loop.close()


def test_compressed_events_are_counted_like_others(ripost: Ripost) -> None:
    loop = Loop()
    try:
        channel, tape, crowd = ripost.articles(loop, 1)[0], ripost.tape(), Crowd(loop, ripost)
        crowd.open([(channel, tape)] * 5, deflate=True)
        Posters(loop, ripost.port, 4).closed_loop(Comments([channel]), 30, most=20)
        assert loop.run(10, lambda: crowd.deliveries >= 100 or bool(crowd.faults))
        assert not crowd.faults
        assert tape.keys == list(range(1, 21))
    finally:
        loop.close()


def test_chunks_may_be_cut_anywhere() -> None:
    stream = b"".join(event(seq) + (head(seq) if seq % 3 == 0 else b"") for seq in range(1, 10))
    tape = Tape()
    readers = [place(tape) for _ in range(4)]
    for reader, size in zip(readers, (1, 7, 130, len(stream)), strict=True):
        for start in range(0, len(stream), size):
            reader.take(stream[start : start + size], 1.0)
    assert [reader.events for reader in readers] == [9] * 4
    assert tape.deliveries == 36
    assert tape.keys == list(range(1, 10))


@pytest.mark.parametrize(
    "received",
    [
        pytest.param(event(1) + event(3), id="a gap"),
        pytest.param(event(1) + event(1), id="a double"),
        pytest.param(event(2) + event(1), id="another order"),
        pytest.param(event(1) + event(2, "HELLO"), id="other content"),
    ],
)
def test_a_reader_that_gets_anything_else_is_a_fault(received: bytes) -> None:
    tape = Tape()
    place(tape).take(event(1) + event(2) + event(3), 1.0)
    with pytest.raises(Fault):
        place(tape).take(received, 2.0)


def test_the_first_reader_is_held_to_the_numbers_too() -> None:
    with pytest.raises(Fault):
        place(Tape()).take(event(1) + event(3), 1.0)


def test_an_event_that_has_not_come_whole_does_not_count() -> None:
    tape = Tape()
    reader = place(tape)
    reader.take((event(1) + event(2))[:-1], 1.0)
    assert reader.events == 1
    reader.take(event(2)[-1:], 2.0)
    assert reader.events == 2
    assert list(tape.when) == [1.0, 2.0]


def test_who_joins_later_begins_where_it_said() -> None:
    tape = Tape(base=10)
    place(tape, 10).take(event(11) + event(12) + event(13), 1.0)
    late = place(tape, 12)
    late.take(event(13), 2.0)
    assert late.events == 3
    assert tape.deliveries == 4
    with pytest.raises(Fault):
        tape.place(14)


def test_delays_are_exact_to_a_tenth_of_a_millisecond() -> None:
    delays = Delays()
    for step in range(1, 101):
        delays.add(step / 1000)
    assert delays.p50 == pytest.approx(0.050, abs=2e-4)
    assert delays.p99 == pytest.approx(0.099, abs=2e-4)
    assert delays.most == pytest.approx(0.100, abs=2e-4)


def test_a_masked_or_fragmented_frame_is_refused() -> None:
    for data in (b"\x81\x81\0\0\0\0a", b"\x01\x01a"):
        with pytest.raises(ValueError):
            list(frames(data))
