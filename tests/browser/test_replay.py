"""Watching a discussion grow again: in order, by hand or by itself, without what was taken down, and back to the place."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.browser.newsroom import Json, Newsroom
from tests.browser.window import Window
from tests.support.browser import PHONE, Pages
from tests.support.commands import run_ripost
from tests.support.server import RipostServer


class Replay:
    """The replay in an open window."""

    def __init__(self, window: Window) -> None:
        self.page = window.page
        self.button = window.page.locator('button[data-ripost="replay"]')
        self.panel = window.page.locator(".replay")
        self.slider = self.panel.locator("input[type=range]")
        self.play = self.panel.locator('button[data-ripost="replay-play"]')

    async def open(self) -> "Replay":
        await self.button.click()
        await expect(self.slider).to_be_enabled()
        return self

    async def pause(self) -> None:
        """However far it is: ends the playing."""
        if await self.play.get_attribute("aria-label") == "Pause":
            await self.play.click()
        await expect(self.play).to_have_accessible_name("Play")

    async def at(self, step: int) -> list[str]:
        """The texts that stand there after so many steps, from top to bottom."""
        await self.slider.fill(str(step))
        bodies = self.panel.locator("article:visible > .entry > :is(.body, .byline > .gone)")
        return await bodies.all_inner_texts()

    @property
    def gone(self) -> Locator:
        return self.panel.locator(".gone:visible")


async def discussion(newsroom: Newsroom) -> tuple[Json, list[Json]]:
    """Four comments in an order that is not the one in which they stand."""
    article = await newsroom.article("Grows again")
    first = await newsroom.say(article, "First.", "Ana")
    second = await newsroom.say(article, "Second.", "Bo")
    reply = await newsroom.say(article, "A reply to the first.", "Cleo", under=first)
    deep = await newsroom.say(article, "A reply to that.", "Ana", under=reply)
    return article, [first, second, reply, deep]


async def import_long(newsroom: Newsroom, server: RipostServer, folder: Path, count: int) -> Json:
    """A discussion of so many comments, every third a reply, seven minutes between two."""
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    url = "https://long.example/replay"

    def at(number: int) -> str:
        return (start + timedelta(minutes=7 * number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    records: list[Json] = [{"format": "ripost", "version": 1, "instance": "elsewhere", "exported_at": at(count)}]
    records += [
        {"record": "person", "id": number, "name": f"Person {number}", "role": "guest", "created_at": at(0)}
        for number in range(1, 21)
    ]
    records.append(
        {"record": "article", "id": 1, "slug": "long", "title": "A long one", "url": url, "created_at": at(0)}
    )
    records += [
        {
            "record": "comment", "id": number, "article": 1, "author": 1 + number % 20, "ref": f"{number:016x}",
            "parent": number - 1 if number % 3 == 0 else None, "source": f"Comment {number}.",
            "tree": [["p", f"Comment {number}."]], "created_at": at(number),
        }
        for number in range(1, count + 1)
    ]  # fmt: skip
    file = folder / "long.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    command = ("import", str(file), "--format", "ripost")
    done = await asyncio.to_thread(run_ripost, *command, folder=folder, DATABASE_URL=server.database_url)
    assert done.status == 0, done.err
    found = await newsroom.request("GET", f"/api/articles?url={url}")
    return found["articles"][0]  # type: ignore[no-any-return]


async def test_it_grows_by_the_time_of_writing_and_the_slider_leads_anywhere(pages: Pages, newsroom: Newsroom) -> None:
    article, [first, *_] = await discussion(newsroom)
    window = await Window.open(pages, newsroom.link(article))
    replay = await Replay(window).open()
    await replay.pause()
    assert await replay.at(0) == []
    assert await replay.at(2) == ["First.", "Second."]
    assert await replay.at(3) == ["First.", "A reply to the first.", "Second."]
    assert await replay.at(4) == ["First.", "A reply to the first.", "A reply to that.", "Second."]
    assert await replay.at(1) == ["First."]
    said = await replay.slider.get_attribute("aria-valuetext")
    assert said is not None and said.startswith("1 of 4 · ")
    await expect(window.comment(first)).to_have_count(1)  # the one behind it: no id is there twice
    await expect(window.composer).to_be_hidden()


async def test_it_plays_by_itself_and_again_from_the_start(pages: Pages, newsroom: Newsroom) -> None:
    article, _ = await discussion(newsroom)
    window = await Window.open(pages, newsroom.link(article))
    replay = await Replay(window).open()
    await expect(replay.play).to_have_accessible_name("Pause")
    speed = replay.panel.get_by_role("button", name="Speed: 1×")
    await speed.click()
    await replay.panel.get_by_role("button", name="Speed: 2×").click()
    await expect(replay.panel.get_by_role("button", name="Speed: 4×")).to_be_visible()
    await expect(replay.slider).to_have_value("4", timeout=10_000)
    await expect(replay.play).to_have_accessible_name("Play")
    await replay.play.click()
    await expect(replay.play).to_have_accessible_name("Pause")
    await expect(replay.slider).to_have_value("4", timeout=10_000)


async def test_closing_returns_to_the_place_and_to_what_came_meanwhile(pages: Pages, newsroom: Newsroom) -> None:
    article, [first, *_] = await discussion(newsroom)
    for number in range(12):
        await newsroom.say(article, f"More, number {number}.", "Dia")
    window = await Window.open(pages, newsroom.link(article), **PHONE)
    replay = Replay(window)
    await replay.button.scroll_into_view_if_needed()
    top = "(button) => button.getBoundingClientRect().top"
    before = await replay.button.evaluate(top)
    await replay.open()
    await newsroom.say(article, "Said during the replay.", "Eve", under=first)
    await expect(window.count).to_have_text("17 comments")
    assert "Said during the replay." not in await replay.at(16)
    await replay.panel.get_by_role("button", name="Close").click()
    await expect(replay.panel).to_have_count(0)
    assert abs(await replay.button.evaluate(top) - before) <= 1
    await expect(replay.button).to_be_focused()
    await expect(window.pill).to_have_attribute("data-count", "1")
    await window.pill.click()
    await expect(window.saying("Said during the replay.")).to_be_visible()


async def test_what_was_taken_down_never_shows(pages: Pages, newsroom: Newsroom) -> None:
    article, [first, second, reply, deep] = await discussion(newsroom)
    await newsroom.decide(reply, "reject")
    await newsroom.decide(second, "reject")
    window = await Window.open(pages, newsroom.link(article))
    replay = await Replay(window).open()
    await replay.pause()
    assert await replay.at(1) == ["First."]
    await expect(replay.gone).to_have_count(0)  # nothing readable stands below it yet
    assert await replay.at(2) == ["First.", "A reply to that."]
    await expect(replay.gone).to_have_text("Removed by a moderator")
    await newsroom.decide(deep, "reject")  # and meanwhile
    await expect(replay.panel.get_by_text("A reply to that.")).to_have_count(0)
    await expect(replay.gone).to_have_count(0)
    await newsroom.edit(first, "First, changed.")
    await expect(replay.panel.get_by_text("First, changed.")).to_be_visible()
    assert await replay.at(1) == ["First, changed."]


async def test_what_is_taken_down_while_it_plays_leaves_the_end_where_it_is(pages: Pages, newsroom: Newsroom) -> None:
    article, [*_, deep] = await discussion(newsroom)
    last = await newsroom.say(article, "Last.", "Dia")
    window = await Window.open(pages, newsroom.link(article))
    replay = await Replay(window).open()
    moment = replay.panel.locator(".moment")
    await expect(moment).to_contain_text("4 of 5", timeout=10_000)
    await newsroom.decide(last, "reject")
    await expect(moment).to_contain_text("4 of 4")
    await expect(replay.play).to_have_accessible_name("Play")
    await replay.play.click()
    await expect(moment).to_contain_text("2 of 4", timeout=10_000)
    await newsroom.decide(deep, "reject")
    await expect(moment).to_contain_text("3 of 3", timeout=10_000)
    await expect(replay.play).to_have_accessible_name("Play")


async def test_what_is_undated_does_not_come_at_once_when_something_changes(
    pages: Pages, newsroom: Newsroom, _shared_server: RipostServer, tmp_path: Path
) -> None:
    text = "Undated\n\n" + "\n\n".join(f"{n}. Person {n} says:\n\n   Comment {n}." for n in range(1, 6))
    file = tmp_path / "page.txt"
    file.write_text(text)
    command = ("import", str(file), "--format", "page", "--url", "https://undated.example/replay")
    done = await asyncio.to_thread(run_ripost, *command, folder=tmp_path, DATABASE_URL=_shared_server.database_url)
    assert done.status == 0, done.err
    found = await newsroom.request("GET", "/api/articles?url=https://undated.example/replay")
    article = found["articles"][0]
    first = (await newsroom.thread(article))[0]
    window = await Window.open(pages, newsroom.link(article))
    replay = await Replay(window).open()
    await replay.pause()
    assert await replay.at(2) == ["Comment 1.", "Comment 2."]
    await newsroom.edit(first, "Comment 1, changed.")
    await expect(replay.panel.get_by_text("Comment 1, changed.")).to_be_visible()
    await expect(replay.slider).to_have_value("2")


async def test_it_opens_when_it_is_asked_for_again_after_it_could_not_be_loaded(
    pages: Pages, newsroom: Newsroom
) -> None:
    article, _ = await discussion(newsroom)
    window = await Window.open(pages, newsroom.link(article))
    replay = Replay(window)
    await window.page.route("**/replay.js*", lambda route: route.abort())
    await replay.button.click()
    await expect(window.page.get_by_role("alert")).to_contain_text("could not be loaded")
    await window.page.unroute("**/replay.js*")
    await window.page.get_by_role("button", name="Try again").click()
    await expect(replay.slider).to_be_enabled()
    await expect(window.page.get_by_role("alert")).to_have_count(0)


async def test_the_keyboard_is_enough(pages: Pages, newsroom: Newsroom) -> None:
    article, _ = await discussion(newsroom)
    window = await Window.open(pages, newsroom.link(article))
    replay = Replay(window)
    await replay.button.focus()
    keyboard = window.page.keyboard
    await keyboard.press("Enter")
    await expect(replay.play).to_be_focused()
    await keyboard.press("Space")
    await expect(replay.play).to_have_accessible_name("Play")
    await keyboard.press("Tab")
    await keyboard.press("End")
    await expect(replay.slider).to_have_value("4")
    await keyboard.press("Home")
    await expect(replay.slider).to_have_value("0")
    await keyboard.press("ArrowRight")
    await expect(replay.slider).to_have_value("1")
    await keyboard.press("n")  # a key of the thread, not of the replay
    await expect(replay.slider).to_be_focused()
    await keyboard.press("Space")
    await expect(replay.play).to_have_accessible_name("Pause")
    await keyboard.press("Escape")
    await expect(replay.panel).to_have_count(0)
    await expect(replay.button).to_be_focused()


async def test_who_wants_less_motion_starts_it_themselves(pages: Pages, newsroom: Newsroom) -> None:
    article, _ = await discussion(newsroom)
    window = await Window.open(pages, newsroom.link(article), reduced_motion="reduce")
    replay = await Replay(window).open()
    await expect(replay.play).to_have_accessible_name("Play")
    await expect(replay.slider).to_have_value("1")


async def test_a_link_to_a_comment_leads_back_to_it_in_the_discussion(pages: Pages, newsroom: Newsroom) -> None:
    article, [*_, deep] = await discussion(newsroom)
    window = await Window.open(pages, newsroom.link(article))
    replay = await Replay(window).open()
    await replay.pause()
    await replay.at(4)
    await replay.panel.locator(f'.permalink[href="?comment={deep["id"]}"]').click()
    await expect(replay.panel).to_have_count(0)
    await expect(window.comment(deep)).to_be_focused()


@pytest.mark.parametrize(
    "options", [{}, PHONE | {"color_scheme": "dark", "locale": "ar"}], ids=["desktop", "dark phone"]
)
async def test_axe_finds_nothing_to_complain_about(
    pages: Pages, newsroom: Newsroom, axe: str, options: dict[str, Any]
) -> None:
    article, _ = await discussion(newsroom)
    window = await Window.open(pages, newsroom.link(article), bypass_csp=True, reduced_motion="reduce", **options)
    replay = await Replay(window).open()
    await replay.at(4)
    assert await window.overflow() == 0
    await window.page.evaluate(axe)
    found = await window.page.evaluate(
        "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })"
    )
    complaints = [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
    assert not complaints, "\n".join(complaints)


async def test_two_thousand_comments_are_a_matter_of_a_moment(
    pages: Pages, newsroom: Newsroom, _shared_server: RipostServer, tmp_path: Path
) -> None:
    article = await import_long(newsroom, _shared_server, tmp_path, 2200)
    window = await Window.open(pages, newsroom.link(article))
    replay = await Replay(window).open()
    await replay.pause()
    await expect(replay.panel.locator(".note")).to_have_text(
        "The discussion is very long: only 2,000 comments are replayed."
    )
    took = await replay.slider.evaluate(
        """(slider) => {
          const start = performance.now();
          slider.value = slider.max;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
          return performance.now() - start;
        }"""
    )
    assert took < 3_000, f"{took:.0f} ms to show 2,000 comments at once"
    assert await replay.panel.locator("article").count() == 2000
    said = await replay.slider.get_attribute("aria-valuetext")
    assert said is not None and said.startswith("2,000 of 2,000 · ")
