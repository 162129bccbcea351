"""Pages kept for all who ask: fresh for people, bounded under load, never with what was taken down."""

import asyncio

from server.models import Appended, Commit, Rewritten
from server.snapshots import REMAKES_BURST, STALE_SECONDS, Snapshot, Snapshots
from server.times import FixedClock

CHANNEL = "article:1"


class Thread:
    """A discussion that counts how often it is read."""

    def __init__(self, snapshots: Snapshots) -> None:
        self.snapshots = snapshots
        self.seq = 0
        self.reads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def make(self) -> Snapshot:
        self.reads += 1
        seq = self.seq
        await self.gate.wait()
        return Snapshot(CHANNEL, f"{seq}", f"page at {seq}".encode())

    def change(self, *, rewrite: bool = False) -> None:
        self.seq += 1
        rewritten = (Rewritten(CHANNEL, 1, "{}"),) if rewrite else ()
        self.snapshots.committed(Commit(rewritten, (Appended(CHANNEL, "e", self.seq, 0, "{}"),)))

    async def get(self, key: str = "key") -> str:
        return (await self.snapshots.get(key, self.make)).etag


def thread(*, alone: bool = True) -> tuple[Thread, FixedClock]:
    clock = FixedClock()
    return Thread(Snapshots(clock, alone=alone)), clock


async def test_an_unchanged_page_is_read_once_for_everyone() -> None:
    page, clock = thread()
    assert [await page.get() for _ in range(50)] == ["0"] * 50
    clock.advance(3600)
    assert await page.get() == "0"
    assert page.reads == 1


async def test_all_who_wait_share_one_read() -> None:
    page, _ = thread()
    page.gate.clear()
    waiting = [asyncio.create_task(page.get()) for _ in range(20)]
    await asyncio.sleep(0)
    page.gate.set()
    assert await asyncio.gather(*waiting) == ["0"] * 20
    assert page.reads == 1


async def test_who_writes_and_reads_sees_what_was_written() -> None:
    page, clock = thread()
    for _ in range(100):
        await page.get()
        page.change()
        assert await page.get() == str(page.seq)
        clock.advance(0.5)


async def test_a_page_under_load_is_made_anew_a_bounded_number_of_times_and_is_at_most_a_second_old() -> None:
    page, clock = thread()
    for _ in range(5000):
        page.change()
        clock.advance(0.001)
        assert page.seq - int(await page.get()) <= STALE_SECONDS * 1000 + 1
    assert page.reads <= REMAKES_BURST + 5 * 5 + 6


async def test_a_page_whose_past_was_rewritten_is_never_served_again() -> None:
    page, _ = thread()
    for _ in range(REMAKES_BURST * 3):
        await page.get()
        page.change(rewrite=True)
        assert await page.get() == str(page.seq)


async def test_a_rewriting_overtakes_a_page_that_is_being_made() -> None:
    page, _ = thread()
    page.gate.clear()
    waiting = asyncio.create_task(page.get())
    while not page.reads:
        await asyncio.sleep(0)
    page.change(rewrite=True)
    page.gate.set()
    assert await waiting == "1"


async def test_beside_other_writers_no_page_is_older_than_a_second() -> None:
    page, clock = thread(alone=False)
    await page.get()
    page.seq += 1  # another process
    assert await page.get() == "0"
    clock.advance(STALE_SECONDS)
    assert await page.get() == "1"


async def test_pages_of_one_discussion_change_independently() -> None:
    page, clock = thread()
    await page.get("first")
    page.change()
    clock.advance(10)
    await page.get("second")
    clock.advance(10)
    page.change()
    assert await page.get("second") == "2"
    assert await page.get("first") == "2"


async def test_a_change_while_a_page_is_made_is_not_missed() -> None:
    page, clock = thread()
    page.gate.clear()
    waiting = asyncio.create_task(page.get())
    while not page.reads:
        await asyncio.sleep(0)
    clock.advance(0.1)
    page.change()
    page.gate.set()
    assert await waiting == "0"
    assert await page.get() == "1"
