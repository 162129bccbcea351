"""`python -m tests.support.screens [NAME…]`: the page in all its states as pictures in screens/, for people to look at.

The demo's own articles stand in a fresh database; no commenters are played, so that every picture shows what it is
about. NAMEs are parts of file names: only those pictures are taken.
"""

import asyncio
import contextlib
import http.server
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from server.demo.stage import MODERATOR, Discussion, set_up
from tests.browser.newsroom import Newsroom
from tests.support import provision, situations
from tests.support.browser import PHONE, chromium
from tests.support.commands import run_ripost
from tests.support.proxy import FaultProxy
from tests.support.server import RipostServer
from tests.support.shots import SHOTS, held, live, to_thread, write
from tests.support.studio import DARK, FOLDER, NARROW, ROOT, TALL, TALL_PHONE, Studio


async def _shoot(studio: Studio) -> None:
    for name, place, query, options, act, whole in SHOTS:
        if not studio.wants(name):
            continue
        query = query.format(deep=max(studio.discussions["night-train"].comments.values()) - 4)
        url = studio.server.url + place if place.startswith("/") else studio.link(place, query)
        async with studio.page(url, **options) as page:
            await act(studio, page)
            await studio.take(page, name, full=whole)
    for state in ("empty", "closed", "rtl"):
        discussion = next((each for each in studio.discussions.values() if _kind(each) == state), None)
        assert discussion is not None, f"the demo has no {state} article"
        for suffix, options in (("", TALL), ("-dark", TALL | DARK), ("-phone", TALL_PHONE), ("-320", NARROW)):
            if studio.wants(f"{state}{suffix}"):
                async with studio.page(studio.newsroom.link(studio.article(discussion.name)), **options) as page:
                    await to_thread(studio, page)
                    await studio.take(page, f"{state}{suffix}")
        if state == "rtl" and studio.wants("rtl-article"):
            async with studio.page(studio.newsroom.link(studio.article(discussion.name))) as page:
                await studio.take(page, "rtl-article")
        if state == "rtl" and studio.wants("rtl-whole-phone"):
            async with studio.page(studio.newsroom.link(studio.article(discussion.name)), **PHONE) as page:
                await studio.take(page, "rtl-whole-phone", full=True)
    await situations.shoot(studio)
    await _held(studio)
    await _offline(studio)
    await _foreign(studio)


def _kind(discussion: Discussion) -> str:
    if discussion.state == "closed":
        return "closed"
    if not discussion.comments:
        return "empty"
    return "rtl" if "right" in discussion.label.lower() or not discussion.slug.isascii() else "open"


async def _held(studio: Studio) -> None:
    article = await studio.newsroom.article(
        "The council counts its saplings", body="A short notice.", state="premoderated"
    )
    for name, options in (("premoderated", {}), ("premoderated-phone-dark", PHONE | DARK)):
        if studio.wants(name):
            async with studio.page(studio.newsroom.link(article), **options) as page:
                await held(studio, page)
                await studio.take(page, name)


async def _offline(studio: Studio) -> None:
    for name, options in (("offline", {}), ("offline-phone-dark", PHONE | DARK)):
        if not studio.wants(name):
            continue
        proxy = await FaultProxy(studio.server.url).start()
        async with studio.page(studio.link("night-train", at=proxy.url), **options) as page:
            await to_thread(studio, page)
            await page.locator("textarea").focus()
            await page.locator("form [role=toolbar]").wait_for()
            proxy.refuse()
            await write(page, "The bridge is shut, I hear, but the words stay.")
            await page.locator('[data-ripost="status"]:not(:empty)').wait_for()
            await page.locator(".message.wrong").wait_for()
            await studio.take(page, name)
        await proxy.close()


async def _foreign(studio: Studio) -> None:
    for name, path, options in (
        ("foreign", "/post.html", TALL),
        ("foreign-phone-dark", "/post.html", PHONE | DARK),
        ("foreign-refused", "/refused.html", {}),
    ):
        if not studio.wants(name):
            continue
        async with studio.page(studio.foreign + path, **options) as page:
            if "refused" in name:
                await page.locator(".failure").wait_for()
            else:
                await live(studio, page)
                await page.locator("textarea").first.wait_for()
            await studio.take(page, name)


@contextlib.contextmanager
def _publisher(folder: Path) -> Iterator[str]:
    """Another site: a plain server of files on a port of its own."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as publisher:
        thread = threading.Thread(target=publisher.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{publisher.server_port}"
        finally:
            publisher.shutdown()
            thread.join()


def _write_foreign(folder: Path, ours: str, foreign: str) -> None:
    page = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>A blog</title><style>body {{ max-width: 40rem; margin: 3rem auto; padding: 0 1rem; font: 18px/1.6 Georgia, serif;
color: #432; background: #fbf6ec }} button {{ text-transform: uppercase; border: 3px dotted red }}</style>
<h1>Bees in the gutter</h1><p>They arrived on a Tuesday, all at once, and by Friday they had an address.</p>
<script type="module" src="{ours}/static/ripost.js"></script>
<ripost-thread article-url="{url}"></ripost-thread>"""
    arabic = page.replace('lang="en"', 'lang="ar" dir="rtl"')
    for old, new in (
        ("A blog", "مدونة"),
        ("Bees in the gutter", "نحل في المزراب"),
        (
            "They arrived on a Tuesday, all at once, and by Friday they had an address.",
            "وصل النحل يوم الثلاثاء دفعة واحدة، ولم يأتِ الجمعة إلا وله عنوان.",
        ),
    ):
        arabic = arabic.replace(old, new)
    (folder / "post-ar.html").write_text(arabic.format(ours=ours, url=f"{foreign}/post-ar.html"))
    (folder / "post.html").write_text(page.format(ours=ours, url=f"{foreign}/post.html"))
    (folder / "refused.html").write_text(page.format(ours=ours, url="https://example.org/somebody-elses"))


async def _main(only: list[str]) -> int:
    found = provision.find("browser")
    if found is None:
        print(f"browser is not here: {provision.REMEDIES['browser']}", file=sys.stderr)
        return 1
    FOLDER.mkdir(exist_ok=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server").mkdir()
        (folder / "foreign").mkdir()
        with _publisher(folder / "foreign") as foreign:
            server = RipostServer(folder / "server", {"ALLOWED_ORIGINS": foreign, "RATE_LIMITS": "off"})
            stage = await set_up(server.database_url)
            server.start()
            try:
                _write_foreign(folder / "foreign", server.url, foreign)
                token = run_ripost("person", "token", MODERATOR, folder=folder, DATABASE_URL=server.database_url)
                newsroom = Newsroom(server.url, token.last_line)
                async with chromium(found.where) as browser:
                    discussions = {each.name: each for each in stage.discussions}
                    await _shoot(Studio(browser, server, newsroom, discussions, foreign, only))
                await newsroom.close()
            finally:
                server.kill()
    print(f"pictures are in {FOLDER.relative_to(ROOT)}/, taken in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(_main(sys.argv[1:])))
