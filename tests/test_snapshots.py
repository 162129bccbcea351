"""Pages kept for all who ask: fresh for people, bounded under load, never with what was taken down."""

import asyncio

from server.models import Appended, Commit, Rewritten
from server.snapshots import REMAKES_BURST, STALE_SECONDS, Make, Snapshot, Snapshots
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


async def test_a_rewriting_overtakes_every_page_of_the_discussion_that_is_being_made() -> None:
    """Whichever is finished first must not be taken for the only one that had read what is gone."""
    page, clock = thread()
    page.gate.clear()
    waiting = [asyncio.create_task(page.get(key)) for key in ("first", "second", "third")]
    while page.reads < 3:
        await asyncio.sleep(0)
    page.change(rewrite=True)
    clock.advance(0.001)
    page.gate.set()
    assert await asyncio.gather(*waiting) == ["1"] * 3
    assert [await page.get(key) for key in ("first", "second", "third")] == ["1"] * 3
    assert page.reads == 6, "what was read before is not kept, what was read after is"


async def test_who_asks_after_a_rewriting_is_not_given_what_was_finished_just_before_it() -> None:
    """A page is finished, and those who wait for it go on a turn later: who comes in between must read anew."""
    page, _ = thread()
    late: list[asyncio.Task[str]] = []

    async def erase_and_ask() -> str:
        page.change(rewrite=True)
        return await page.get()

    async def make() -> Snapshot:
        made = await page.make()
        late.append(asyncio.create_task(erase_and_ask()))  # its turn is the one after this
        return made

    await page.snapshots.get("key", make)
    assert await late[0] == "1"
    assert await page.get() == "1"


async def test_a_discussion_that_is_rewritten_all_the_time_is_served_without_what_was_gone_when_it_was_asked_for() -> (
    None
):
    page, _ = thread()
    read: Make = page.make
    told: list[tuple[int, int]] = []

    async def make() -> Snapshot:
        made = await read()
        await asyncio.sleep(0)
        page.change(rewrite=True)  # each reading is overtaken
        return made

    async def ask() -> None:
        asked = page.seq
        told.append((asked, int((await page.snapshots.get("key", make)).etag)))

    async with asyncio.timeout(10):
        for _ in range(20):
            asking = asyncio.gather(ask(), ask())
            for _ in range(7):
                await asyncio.sleep(0)
            await asyncio.gather(asking, ask())
    assert all(shown >= asked for asked, shown in told), told


async def test_a_rewriting_of_one_discussion_lets_the_pages_of_others_be() -> None:
    page, _ = thread()
    page.gate.clear()
    waiting = asyncio.create_task(page.get())
    while not page.reads:
        await asyncio.sleep(0)
    page.snapshots.committed(Commit((Rewritten("article:2", 1, "{}"),), ()))
    page.gate.set()
    await waiting
    assert page.reads == 1


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
