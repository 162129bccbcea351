"""Jobs over the socket beside the database: the same as in the server's own process, and nothing that could hurt it."""

import asyncio
import contextlib
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server import jobs
from server.actions import persons
from server.app import open_state
from server.config import Config
from server.errors import CommandError
from server.models import Role
from tests.support.build import SECRET, Site, open_site


@contextlib.asynccontextmanager
async def attended(database: Path) -> AsyncIterator[tuple[Site, Config]]:
    """An open site that takes jobs, and the configuration of a command beside it."""
    async with open_site(f"sqlite:///{database}") as site, jobs.listen(site.state):
        yield site, Config(database_url=f"sqlite:///{database}", secret_key=SECRET)


async def create(config: Config, name: str = "Ana") -> persons.Known:
    async with jobs.connect(config, open_state) as desk:
        new = persons.NewPerson(name, f"{name.lower()}@news.example", Role.MODERATOR)
        return await desk.call(jobs.CREATE_PERSON, new)


async def test_a_job_is_done_by_the_server_that_has_the_database(tmp_path: Path) -> None:
    async with attended(tmp_path / "ripost.db") as (site, config):
        made = await create(config)
        async with jobs.connect(config, open_state) as desk:
            token = await desk.call(jobs.MAKE_TOKEN, persons.Wanted("Ana"))
        assert (await site.known(token.token)).id == made.id


async def test_a_job_is_done_here_when_nobody_has_the_database(database_url: str) -> None:
    config = Config(database_url=database_url, secret_key=SECRET)
    made = await create(config)
    async with open_site(database_url) as site:
        assert (await site.known((await persons.make_token(site.state, persons.Wanted("Ana"))).token)).id == made.id


async def test_what_goes_wrong_is_said_in_the_same_words(tmp_path: Path) -> None:
    said = []
    async with attended(tmp_path / "ripost.db") as (_, config):
        await create(config)
        with pytest.raises(CommandError) as there:
            await create(config)
        said.append(str(there.value))
    with pytest.raises(CommandError) as here:
        await create(config)
    assert said == [str(here.value)]


async def test_a_connection_does_many_jobs_in_turn(tmp_path: Path) -> None:
    async with attended(tmp_path / "ripost.db") as (_, config), jobs.connect(config, open_state) as desk:
        for number in range(20):
            new = persons.NewPerson(f"Person {number}x", f"p{number}@news.example", Role.MEMBER)
            assert (await desk.call(jobs.CREATE_PERSON, new)).id == number + 1


async def test_the_socket_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    async with attended(tmp_path / "ripost.db"):
        mode = (tmp_path / "ripost.db.sock").stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not (tmp_path / "ripost.db.sock").exists()


async def test_a_socket_left_by_a_killed_server_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "ripost.db.sock").write_text("left over")
    async with attended(tmp_path / "ripost.db") as (_, config):
        assert (await create(config)).id == 1


async def test_a_path_too_long_for_a_socket_gets_a_short_private_one(tmp_path: Path) -> None:
    folder = tmp_path / ("long " * 30).strip()
    folder.mkdir()
    async with attended(folder / "ripost.db") as (_, config):
        path = jobs.socket_path(config.database_path)
        assert len(os.fsencode(path)) <= jobs.PATH_BYTES
        assert path.parent.stat().st_mode & 0o077 == 0
        assert (await create(config)).id == 1
    assert not path.exists()


async def test_a_server_that_takes_no_jobs_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ripost.db'}"
    async with open_site(url):
        with pytest.raises(CommandError, match="is in use by another Ripost process, which takes no jobs now"):
            await create(Config(database_url=url, secret_key=SECRET))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"nonsense\n", b"does not understand this"),
        (b'{"job":"burn","given":{}}\n', b"knows no job 'burn'"),
        (b'{"job":"make_token","given":{"who":7}}\n', b"does not understand this"),
        (b'{"job":"make_token","given":{"who":"Nobody"}}\n', b"nobody here is 'Nobody'"),
    ],
)
async def test_what_is_no_job_is_answered_and_the_connection_goes_on(tmp_path: Path, sent: bytes, said: bytes) -> None:
    async with attended(tmp_path / "ripost.db") as (_, config):
        reader, writer = await asyncio.open_unix_connection(jobs.socket_path(config.database_path))
        for _ in range(2):
            writer.write(sent)
            assert said in await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        await writer.wait_closed()
        assert (await create(config)).id == 1


async def test_a_line_without_end_closes_only_its_connection(tmp_path: Path) -> None:
    async with attended(tmp_path / "ripost.db") as (_, config):
        reader, writer = await asyncio.open_unix_connection(jobs.socket_path(config.database_path))
        with contextlib.suppress(ConnectionError):
            writer.write(b"x" * (jobs.LINE_BYTES + 1000))
            await writer.drain()
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        assert (await create(config)).id == 1


async def test_a_server_that_stops_in_the_middle_of_a_job_is_named(tmp_path: Path) -> None:
    database = tmp_path / "ripost.db"
    async with attended(database) as (_, config):
        path = jobs.socket_path(config.database_path)
        path.unlink()

        def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_unix_server(hang_up, str(path))
        with pytest.raises(CommandError, match=r"stopped before it answered|cannot be reached"):
            await create(config)
        server.close()
