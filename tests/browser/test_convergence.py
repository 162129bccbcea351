"""Whatever happens, and however a window came to what it shows: in the end all show what the server has, in its order."""

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from playwright.async_api import expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import ROOT, Window, all_equal
from tests.support.browser import Pages
from tests.support.server import RipostServer


async def test_three_windows_equal_the_server_after_sixty_mixed_events_while_one_of_them_pages(
    pages: Pages, newsroom: Newsroom
) -> None:
    chance = random.Random(7)
    article = await newsroom.article()
    known = [await newsroom.say(article, f"Root {n}") for n in range(55)]
    for n in range(40):
        known.append(await newsroom.say(article, f"Reply {n}", "Bo", under=chance.choice(known[:20])))
    windows = [await Window.open(pages, newsroom.link(article)) for _ in range(3)]
    taken: set[int] = set()

    async def happen(n: int) -> None:
        living = [one for one in known if one["id"] not in taken]
        match n % 6:
            case 0:
                known.append(await newsroom.say(article, f"New root {n}", "Cy"))
            case 1 | 2:
                known.append(await newsroom.say(article, f"New reply {n}", "Cy", under=chance.choice(living)))
            case 3:
                await newsroom.edit(chance.choice(living), f"Changed by event {n}")
            case 4:
                one = chance.choice(living)
                taken.add(one["id"])
                await newsroom.decide(one, "reject")
            case _:
                if taken and n % 12 == 5:
                    back = taken.pop()
                    await newsroom.decide({"id": back}, "restore")
                else:
                    await newsroom.change(article, title=f"The tide tables, edition {n}")

    async def happenings() -> None:
        for n in range(60):
            await happen(n)

    async def load_everything(window: Window) -> None:
        more = window.page.locator('a[data-ripost="more"], a[data-ripost="more-replies"]')
        while await more.count():
            await more.first.dispatch_event("click")
            await expect(window.page.locator("a[aria-busy]")).to_have_count(0)

    await asyncio.gather(happenings(), load_everything(windows[0]))
    for window in windows:
        await load_everything(window)
    await all_equal(windows, newsroom, article)


async def test_a_pill_that_is_pressed_all_the_time_breaks_nothing(pages: Pages, newsroom: Newsroom) -> None:
    chance = random.Random(11)
    article = await newsroom.article()
    roots = [await newsroom.say(article, f"Root {n}") for n in range(40)]
    window = await Window.open(pages, newsroom.link(article))
    thrown: list[str] = []
    window.page.on("pageerror", lambda error: thrown.append(str(error)))
    await window.page.evaluate(
        f"""window.pressing = setInterval(() => {{
          for (const one of {ROOT}.querySelectorAll('button[data-ripost^=new]')) one.click();
        }}, 20)"""
    )
    for n in range(40):
        one = await newsroom.say(article, f"Reply {n}", "Cy", under=chance.choice(roots))
        if n % 3 == 0:
            await newsroom.decide(one, "reject")
    await window.page.evaluate("clearInterval(window.pressing)")
    more = window.page.locator('a[data-ripost="more"]')
    while await more.count():
        await more.dispatch_event("click")
        await expect(window.page.locator("a[aria-busy]")).to_have_count(0)
    await all_equal([window], newsroom, article)
    assert not thrown


@pytest.mark.faults
async def test_windows_catch_up_with_a_server_that_was_killed_while_eight_connections_posted(
    pages: Pages,
    ripost_server: Callable[..., RipostServer],
    newsroom_of: Callable[[RipostServer], Awaitable[Newsroom]],
) -> None:
    server = ripost_server(RATE_LIMITS="off")
    newsroom = await newsroom_of(server)
    article = await newsroom.article()
    await newsroom.say(article, "The first word.")
    windows = [await Window.open(pages, newsroom.link(article)) for _ in range(2)]
    acknowledged: list[str] = []
    ended = asyncio.Event()

    async def poster(number: int) -> None:
        async with httpx2.AsyncClient(base_url=server.url, timeout=5) as client:
            while not ended.is_set():
                client_id = str(uuid.uuid4())
                while True:  # the same client_id until somebody says that it is there
                    body = {"client_id": client_id, "text": f"From poster {number}: {client_id}", "name": f"P{number}"}
                    try:
                        answer = await client.post(f"/api/articles/{article['id']}/comments", json=body)
                    except httpx2.TransportError:
                        await asyncio.sleep(0.05)
                        continue
                    assert answer.status_code in (200, 201), answer.text
                    acknowledged.append(body["text"])
                    break
                await asyncio.sleep(0.02)

    posters = [asyncio.create_task(poster(number)) for number in range(8)]
    for _ in range(2):
        for window in windows:
            await expect(window.pill).to_be_visible()
        await asyncio.to_thread(server.kill)
        for window in windows:
            await window.until("offline")
        await asyncio.to_thread(server.start)
        for window in windows:
            await window.until("live")
    ended.set()
    await asyncio.gather(*posters)
    for window in windows:
        while await window.page.locator('a[data-ripost="more"]').count():
            await window.page.locator('a[data-ripost="more"]').dispatch_event("click")
            await expect(window.page.locator("a[aria-busy]")).to_have_count(0)
    await all_equal(windows, newsroom, article)
    texts = [one[3] for one in await windows[0].shown()]
    assert sorted(texts) == sorted([*acknowledged, "The first word."]), "acknowledged comments, each exactly once"
    print(f"{len(acknowledged)} comments acknowledged by 8 connections over two kills")


async def test_a_window_that_slept_through_everything_catches_up_when_it_wakes(
    pages: Pages, newsroom: Newsroom
) -> None:
    article = await newsroom.article()
    root = await newsroom.say(article, "The first word.")
    window = await Window.open(pages, newsroom.link(article))
    await window.page.goto("about:blank")
    comments: list[Json] = [await newsroom.say(article, f"Said meanwhile {n}", under=root) for n in range(5)]
    await newsroom.decide(comments[0], "reject")
    await window.page.go_back()
    await all_equal([window], newsroom, article)
