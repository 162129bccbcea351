"""The `ripost` command from outside: its lines, its exit status, and that it works beside a running server."""

import gzip
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Outcome, run_ripost
from tests.support.live import LiveClient
from tests.support.server import RipostServer, server_environment

SAMPLE = Path(__file__).resolve().parent / "samples" / "allotments.txt"
REAL = Path(__file__).resolve().parents[1].parent / "shared" / "seeds" / "000_b7daf1e1bacdb257.txt"

Start = Callable[..., RipostServer]


@pytest.fixture
def ripost(tmp_path: Path, sqlite_url: str) -> Callable[..., Outcome]:
    """Runs the command on an SQLite database of its own."""
    return lambda *arguments, **settings: run_ripost(
        *arguments, folder=tmp_path, **{"DATABASE_URL": sqlite_url} | settings
    )


def one_line(outcome: Outcome) -> str:
    """What a command that failed said: one line, no traceback."""
    assert outcome.status == 1, outcome
    assert outcome.err.startswith("ripost: ") and outcome.err.count("\n") == 1, outcome.err
    return outcome.err.removeprefix("ripost: ").strip()


def ask(server: RipostServer, path: str) -> Any:
    with urllib.request.urlopen(server.url + path, timeout=10) as answer:
        return json.load(answer)


def test_importing_says_what_became_of_the_page(ripost: Callable[..., Outcome]) -> None:
    done = ripost("import", str(SAMPLE), "--dry-run")
    assert (done.status, done.out) == (0, "would import 1 article and 6 comments (3 replies); skipped 0\n")
    done = ripost("import", str(SAMPLE))
    assert (done.status, done.out, done.err) == (0, "imported 1 article and 6 comments (3 replies); skipped 0\n", "")
    done = ripost("import", str(SAMPLE), "--format", "page")
    assert done.out == "imported 0 articles and 0 comments; skipped 7: 7 already here\n"
    assert ripost("check").status == 0


@pytest.mark.skipif(not REAL.exists(), reason="the real page stands beside some checkouts only")
def test_the_real_page_is_one_article_and_four_comments(ripost: Callable[..., Outcome]) -> None:
    assert ripost("import", str(REAL)).out == "imported 1 article and 4 comments (1 a reply); skipped 0\n"


def test_a_dry_run_does_not_even_make_the_database(ripost: Callable[..., Outcome], tmp_path: Path) -> None:
    ripost("import", str(SAMPLE), "--dry-run")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"T\n\nB\xff\n", "line 3: text in UTF-8 is expected; byte 2 of the line is 0xff, save it as UTF-8"),
        (b"", "line 1: the article's title is expected; the file is empty"),
        (b"<rss></rss>", "line 1: the text of a page or an export of Ripost is expected; this looks like HTML or XML"),
        (b'{"a": 1}', 'line 1: the header of an export, {"format":"ripost",…}, is expected'),
        (b"\x1f\x8bnonsense", "is it complete?"),
    ],
)
def test_a_file_that_is_not_understood_is_refused_and_nothing_imported(
    ripost: Callable[..., Outcome], tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert said in one_line(ripost("import", "file"))
    assert not (tmp_path / "ripost.db").exists()


def test_the_second_half_of_an_export_being_broken_imports_nothing(
    ripost: Callable[..., Outcome], tmp_path: Path
) -> None:
    ripost("import", str(SAMPLE))
    assert ripost("export", "all.ndjson").status == 0
    lines = (tmp_path / "all.ndjson").read_text().splitlines()
    (tmp_path / "broken.ndjson").write_text("\n".join([*lines[:-1], "{broken"]) + "\n")
    there = f"sqlite:///{tmp_path / 'there.db'}"
    assert f"line {len(lines)}: " in one_line(ripost("import", "broken.ndjson", DATABASE_URL=there))
    assert not (tmp_path / "there.db").exists()


@pytest.mark.parametrize("name", ["all.ndjson", "all.ndjson.gz"])
def test_an_export_is_taken_back_without_loss(ripost: Callable[..., Outcome], tmp_path: Path, name: str) -> None:
    ripost("import", str(SAMPLE))
    done = ripost("export", name)
    assert (done.status, done.out) == (0, "")
    assert re.fullmatch(rf"exported 12 records to {name}\n", done.err)
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    there = {"DATABASE_URL": f"sqlite:///{tmp_path / 'there.db'}"}
    wanted = "1 article and 6 comments (3 replies), 5 people; skipped 0\n"
    assert ripost("import", name, "--dry-run", **there).out == f"would import {wanted}"
    assert ripost("import", name, **there).out == f"imported {wanted}"
    assert "12 already here" in ripost("import", name, **there).out
    again = ripost("export", "-", **there).out.splitlines()[1:]
    data = (tmp_path / name).read_bytes()
    assert again == (gzip.decompress(data) if name.endswith(".gz") else data).decode().splitlines()[1:]
    assert ripost("check", **there).out == "checked 1 article, 6 comments, 6 events: everything is right\n"


def test_a_person_gets_a_token_and_a_link_alone_on_the_last_line(ripost: Callable[..., Outcome]) -> None:
    made = ripost("person", "create", "Ana", "--email", "ana@news.example", "--role", "moderator")
    assert made.status == 0, made
    assert re.fullmatch(r"[\w-]{43}", ripost("person", "token", "Ana").last_line)
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/signin#[\w-]{43}", ripost("person", "link", "Ana").last_line)
    link = ripost("person", "link", "ana@news.example", PUBLIC_URL="https://talk.example/").last_line
    assert link.startswith("https://talk.example/signin#")
    assert "nobody here is 'Bo'" in one_line(ripost("person", "token", "Bo"))


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("nonsense",),
        ("import",),
        ("import", "file", "--format", "nonsense"),
        ("import", "file", "--format", "wordpress"),
        ("serve", "--port", "x"),
        ("serve", "--port", "65536"),
        ("person",),
        ("person", "create", "Ana", "--email", "a@b.example", "--role", "guest"),
    ],
)
def test_wrong_usage_is_status_2(ripost: Callable[..., Outcome], arguments: tuple[str, ...]) -> None:
    done = ripost(*arguments)
    assert done.status == 2
    assert done.err.startswith("usage: ripost")


def test_the_version_is_said(ripost: Callable[..., Outcome]) -> None:
    assert re.fullmatch(r"ripost \d+\.\d+\.\d+\n", ripost("--version").out)


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("serve",), {"PORT": "high"}, "PORT is 'high': a port from 0 to 65535 is accepted"),
        (("serve",), {"LOG_LEVEL": "loud"}, "LOG_LEVEL is 'loud'"),
        (("serve",), {"WEB_CONCURRENCY": "2"}, "more than one process needs PostgreSQL"),
        (("serve", "--port", "0"), {"DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "the folder must exist"),
        (("serve", "--port", "0", "--host", "nowhere.invalid"), {}, "HOST is 'nowhere.invalid'"),
        (("check",), {}, "there is no database"),
        (("person", "token", "Ana"), {}, "there is no database"),
        (("person", "link", "Ana"), {}, "there is no database"),
        (("export", "x"), {}, "there is no database"),
        (("backup", "x"), {}, "there is no database"),
        (("restore", "x"), {}, "there is no file x"),
        (("import", "nothing"), {}, "cannot read nothing: No such file or directory"),
        (("import", "."), {}, "is a folder"),
        (("backup", "x"), {"DATABASE_URL": "postgres://x@localhost/x"}, "PostgreSQL has pg_dump"),
        (("restore", "x"), {"DATABASE_URL": "postgres://x@localhost/x"}, "PostgreSQL has pg_restore"),
        (("check",), {"DATABASE_URL": "postgres://x:secret@127.0.0.1:1/x"}, "cannot open the database 127.0.0.1:1/x"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    ripost: Callable[..., Outcome], arguments: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    line = one_line(ripost(*arguments, **settings))
    assert said in line
    assert "secret" not in line


def test_a_database_that_is_none_stops_the_start(ripost: Callable[..., Outcome], tmp_path: Path) -> None:
    (tmp_path / "ripost.db").write_text("nonsense " * 100)
    done = ripost("serve", "--port", "0", LOG_LEVEL="error")
    assert "it must be a readable and writable SQLite file" in one_line(done)
    assert "cannot open the database" in one_line(ripost("check"))


def test_a_newer_database_stops_the_start(ripost: Callable[..., Outcome], tmp_path: Path) -> None:
    import sqlite3

    ripost("import", str(SAMPLE))
    connection = sqlite3.connect(tmp_path / "ripost.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert "newer than this Ripost" in one_line(ripost("serve", "--port", "0", LOG_LEVEL="error"))


def test_a_busy_port_is_one_sentence_with_its_remedy(ripost: Callable[..., Outcome], ripost_server: Start) -> None:
    port = ripost_server().port
    line = one_line(ripost("serve", "--port", str(port)))
    assert f"port {port} on 127.0.0.1 is in use" in line
    assert f"ripost serve --port {port + 1}" in line


def test_a_second_server_on_the_same_database_is_refused(ripost: Callable[..., Outcome], ripost_server: Start) -> None:
    server = ripost_server()
    done = ripost("serve", "--port", "0", DATABASE_URL=server.database_url, LOG_LEVEL="error")
    assert "is in use by another Ripost process" in one_line(done)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_is_asked_to_stop_ends_with_status_0(tmp_path: Path, sqlite_url: str, number: int) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "server", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=server_environment(DATABASE_URL=sqlite_url),
        cwd=tmp_path,
        start_new_session=True,
    )
    assert server.stdout is not None and server.stderr is not None
    try:
        assert re.fullmatch(r"Ripost is listening on http://127\.0\.0\.1:\d+\n", server.stdout.readline())
        server.send_signal(number)
        assert server.wait(12) == 0
        assert "Traceback" not in server.stderr.read()
    finally:
        server.kill()
        server.communicate()


def test_the_log_is_lines_of_json_when_asked_for(ripost_server: Start) -> None:
    server = ripost_server(LOG_FORMAT="json", LOG_LEVEL="debug")
    ask(server, "/healthz")
    server.stop()
    lines = [line for line in server.log.splitlines() if not line.startswith("Ripost is listening")]
    assert lines
    for line in lines:
        assert {"at", "level", "logger", "message"} <= json.loads(line).keys()


async def test_what_a_command_imports_reaches_an_open_page(ripost_server: Start, tmp_path: Path) -> None:
    server = ripost_server()
    settings = {"DATABASE_URL": server.database_url}
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    text = SAMPLE.read_text("utf-8")
    first.write_text(text)
    second.write_text(text + "\n\n  4. Bo says:\n\n    While you were reading.\n")
    assert run_ripost("import", str(first), folder=tmp_path, **settings).status == 0
    page = ask(server, "/api/articles/1/thread")
    async with LiveClient(server.url) as reader:
        await reader.subscribe(1, page["epoch"], page["seq"])
        done = run_ripost("import", str(second), folder=tmp_path, **settings)
        assert done.out == "imported 0 articles and 1 comment; skipped 7: 7 already here\n"
        event = await reader.next_event()
        assert event["comment"]["tree"] == [["p", "While you were reading."]]
    for command in ("check", "export", "backup"):
        arguments = () if command == "check" else (str(tmp_path / command),)
        assert run_ripost(command, *arguments, folder=tmp_path, **settings).status == 0
    link = run_ripost(
        "person", "create", "Ana", "--email", "a@b.example", "--role", "admin", folder=tmp_path, **settings
    )
    assert link.status == 0
    assert run_ripost("person", "link", "Ana", folder=tmp_path, **settings).last_line.startswith(
        f"{server.url}/signin#"
    )
    refused = run_ripost("restore", str(tmp_path / "backup"), folder=tmp_path, **settings)
    assert "stop it first" in one_line(refused)


def test_a_command_on_postgresql_needs_no_server_and_minds_none(
    ripost_server: Start, postgres_url: str, tmp_path: Path
) -> None:
    settings = {"DATABASE_URL": postgres_url}
    assert run_ripost("import", str(SAMPLE), folder=tmp_path, **settings).status == 0
    server = ripost_server(**settings)
    longer = tmp_path / "longer.txt"
    longer.write_text(SAMPLE.read_text("utf-8") + "\n\n  4. Bo says:\n\n    More.\n")
    page = ask(server, "/api/articles/1/thread")
    done = run_ripost("import", str(longer), folder=tmp_path, **settings)
    assert done.out == "imported 0 articles and 1 comment; skipped 7: 7 already here\n"
    later = ask(server, f"/api/articles/1/events?epoch={page['epoch']}&since={page['seq']}")
    assert [event["type"] for event in later["events"]] == ["comment.posted"]
    assert run_ripost("check", folder=tmp_path, **settings).status == 0


def test_long_work_shows_a_bar_on_a_terminal_only(tmp_path: Path, sqlite_url: str) -> None:
    page = tmp_path / "long.txt"
    page.write_text("T\n\nB\n" + "".join(f"\n{n}. A says:\n\n  Comment {n}.\n" for n in range(1, 1500)))
    ours, theirs = os.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "server", "import", str(page)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=server_environment(DATABASE_URL=sqlite_url),
        cwd=tmp_path,
    )
    os.close(theirs)
    shown = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([ours], [], [], 1)[0]:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
    os.close(ours)
    out, _ = child.communicate(timeout=30)
    assert out == b"imported 1 article and 1499 comments; skipped 0\n"
    assert b"importing [" in shown
    quiet = run_ripost("import", str(page), folder=tmp_path, DATABASE_URL=sqlite_url)
    assert quiet.err == ""
