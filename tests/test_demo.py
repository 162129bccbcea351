"""`ripost demo` as somebody sees it who has just typed it: a process, its links, and people who talk and answer."""

import asyncio
import os
import re
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import httpx2
import pytest

from tests.support.live import LiveClient
from tests.support.processes import Child
from tests.support.server import LISTENING, ROOT, server_environment

DEMO = [sys.executable, "-m", "server", "demo", "--port"]


@dataclass
class Demo:
    """A running demo, its address, the links it printed by their label, and the folder it lives in."""

    child: Child
    url: str
    links: dict[str, str]
    sign_in: str
    folder: Path


def start(folder: Path, port: int = 0) -> Child:
    return Child([*DEMO, str(port)], env=server_environment(TMPDIR=str(folder)), cwd=ROOT)


def started(folder: Path) -> Demo:
    child = start(folder)
    url = child.wait_for(LISTENING)[1]
    child.wait_for("Ctrl-C")
    links = dict(re.findall(r"^ {2}(\w[\w ]*?) {2,}(http\S+/a/\S+)$", child.log, re.MULTILINE))
    hot = re.search(r"^ {2}(http\S+/a/\S+)$", child.log, re.MULTILINE)
    sign_in = re.search(r"^ {2}(http\S+/signin#\S+)$", child.log, re.MULTILINE)
    assert hot and sign_in, child.log
    return Demo(child, url, {"lively": hot[1], **links}, sign_in[1], folder)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    running = started(tmp_path_factory.mktemp("demo"))
    yield running
    running.child.signal(signal.SIGTERM)
    assert running.child.wait() == 0
    assert "Traceback" not in running.child.log and "WARNING" not in running.child.log, running.child.log


async def article_of(client: httpx2.AsyncClient, link: str) -> dict[str, Any]:
    slug = unquote(link.rpartition("/")[2])
    found = (await client.get("/api/articles")).json()["articles"]
    return next(article for article in found if article["slug"] == slug)


async def post(client: httpx2.AsyncClient, article: int, text: str, token: str | None = None, **more: Any) -> Any:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    body = {"client_id": str(uuid4()), "text": text, "name": "Visitor", **more}
    answer = await client.post(f"/api/articles/{article}/comments", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_hot_thread_grows_by_itself_within_ten_seconds(demo: Demo) -> None:
    async with httpx2.AsyncClient(base_url=demo.url) as client, LiveClient(demo.url) as live:
        await live.subscribe((await article_of(client, demo.links["lively"]))["id"])
        event = await live.wait_for("comment.posted", seconds=15)
        assert event["comment"]["author"]["role"] == "guest"


def test_the_links_lead_to_the_articles(demo: Demo) -> None:
    assert set(demo.links) == {"lively", "empty", "closed", "premoderated", "right to left"}
    assert demo.child.log.index(demo.links["lively"]) < min(
        demo.child.log.index(link) for label, link in demo.links.items() if label != "lively"
    )
    for link in demo.links.values():
        assert httpx2.get(link).status_code == 200, link


@pytest.mark.parametrize("label", ["lively", "empty", "right to left"])
async def test_a_visitor_is_answered_within_five_seconds(demo: Demo, label: str) -> None:
    async with httpx2.AsyncClient(base_url=demo.url) as client, LiveClient(demo.url) as live:
        article = await article_of(client, demo.links[label])
        await live.subscribe(article["id"])
        started_at = time.monotonic()
        mine = (await post(client, article["id"], "Hello, is anybody here?"))["event"]["comment"]["id"]
        await live.wait_for(
            lambda frame: frame["type"] == "comment.posted" and frame["comment"]["parent"] == mine, seconds=6
        )
        assert time.monotonic() - started_at <= 5


async def test_whoever_is_spoken_to_is_who_answers(demo: Demo) -> None:
    async with httpx2.AsyncClient(base_url=demo.url) as client, LiveClient(demo.url) as live:
        article = (await article_of(client, demo.links["lively"]))["id"]
        thread = (await client.get(f"/api/articles/{article}/thread")).json()["comments"]
        spoken_to = next(c for c in thread if c["author"] and c["author"]["role"] == "guest")
        await live.subscribe(article)
        mine = (await post(client, article, "Do you still think so today?", parent=spoken_to["id"]))["event"]
        answer = await live.wait_for(
            lambda frame: frame["type"] == "comment.posted" and frame["comment"]["parent"] == mine["comment"]["id"],
            seconds=8,
        )
        assert answer["comment"]["author"]["id"] == spoken_to["author"]["id"]


async def test_the_moderators_link_signs_in_once_and_a_closed_discussion_falls_silent(demo: Demo) -> None:
    async with httpx2.AsyncClient(base_url=demo.url) as client, LiveClient(demo.url) as live:
        link = {"link": demo.sign_in.partition("#")[2]}
        signed_in = await client.post("/api/sessions", json=link)
        assert signed_in.status_code in (200, 201), signed_in.text
        assert (await client.post("/api/sessions", json=link)).status_code == 401
        staff = {"Authorization": f"Bearer {signed_in.json()['token']}"}
        queue = (await client.get("/api/moderation/queue?state=pending", headers=staff)).json()["comments"]
        assert len(queue) == 2
        article = (await article_of(client, demo.links["empty"]))["id"]
        await live.subscribe(article)
        path = f"/api/articles/{article}"
        assert (await client.patch(path, json={"state": "closed"}, headers=staff)).status_code == 200
        await live.wait_for("article.updated")
        closed = await post(client, article, "Only I may still write here.", token=signed_in.json()["token"])
        # Visitors are answered in turn: whoever wrote after it in an open discussion is answered after it.
        elsewhere = (await article_of(client, demo.links["right to left"]))["id"]
        await live.subscribe(elsewhere)
        open_ = await post(client, elsewhere, "And what about this one?", token=signed_in.json()["token"])
        await live.wait_for(
            lambda frame: (
                frame["type"] == "comment.posted" and frame["comment"]["parent"] == open_["event"]["comment"]["id"]
            )
        )
        under = closed["event"]["comment"]["id"]
        assert not [event for event in live.events if event.get("comment", {}).get("parent") == under]
        assert (await client.patch(path, json={"state": "open"}, headers=staff)).status_code == 200


async def test_check_finds_nothing_in_its_database(demo: Demo) -> None:
    [database] = demo.folder.glob("ripost-demo-*/ripost.db")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "check"),
        env=server_environment(DATABASE_URL=f"sqlite:///{database}"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


def test_a_busy_port_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        child = start(tmp_path, port)
        assert child.wait() == 1
    [line] = child.lines
    assert str(port) in line and "ripost demo --port" in line
    assert not list(tmp_path.iterdir()), "something was left behind"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_quietly_and_removes_its_folder(tmp_path: Path, number: int) -> None:
    running = started(tmp_path)
    assert list(tmp_path.glob("ripost-demo-*"))
    said = len(running.child.lines)
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as polling:  # a page that waits for news does not hold it up
        polling.sendall(b"GET /api/articles/1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        os.kill(running.child.pid, number)
        assert running.child.wait(seconds=6) == 0
    assert not "".join(running.child.lines[said:]).strip()
    assert not list(tmp_path.iterdir())
