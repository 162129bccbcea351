"""Jobs: what commands ask of the process that owns the database, over a Unix socket beside the file.

An SQLite file has one writer (DESIGN, Storage). A command that writes opens the database itself when nobody has it
open, and otherwise sends its job to the server that has. `connect` gives the same desk over both, so a command knows no
difference, and what it changes reaches open pages as any other change does. On PostgreSQL a command always writes
itself; running servers hear of it by their head check.

One request and one answer are one line of JSON each, bounded by LINE_BYTES; requests of a connection are done in turn.
The socket has mode 0600: whoever may connect to it could read and write the database file anyway.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import re
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from server.actions import imports, persons, reimports
from server.config import Config
from server.errors import CommandError, RipostError
from server.state import State
from server.storage.database import DatabaseLocked

_log = logging.getLogger("ripost.jobs")

LINE_BYTES = 16 << 20  # one request or answer; importers send a few hundred comments at a time, far below it
ANSWER_SECONDS = 60  # a server that has not answered a job by then is not well
PATH_BYTES = 100  # the system takes 107 (macOS: 103)

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Job(Generic[A, R]):
    """Something that can be asked for: a name, what it is given, what it answers, and the action that does it."""

    name: str
    given: type[A]
    answer: type[R]
    action: Callable[[State, A], Awaitable[R]]


CREATE_PERSON = Job("create_person", persons.NewPerson, persons.Known, persons.create)
MAKE_TOKEN = Job("make_token", persons.Wanted, persons.Token, persons.make_token)
MAKE_LINK = Job("make_link", persons.Wanted, persons.Link, persons.make_link)
IMPORT_PAGE = Job("import_page", imports.PageBatch, imports.Outcome, imports.import_page)
IMPORT_EXPORT = Job("import_export", reimports.ExportBatch, imports.Outcome, reimports.import_export)
NAME_INSTANCE = Job("name_instance", imports.NoArguments, imports.Instance, imports.name_instance)

_JOBS: dict[str, Job[Any, Any]] = {
    job.name: job for job in (CREATE_PERSON, MAKE_TOKEN, MAKE_LINK, IMPORT_PAGE, IMPORT_EXPORT, NAME_INSTANCE)
}


class Desk(Protocol):
    """Where jobs are handed in."""

    async def call(self, job: Job[A, R], given: A) -> R:
        """Has a job done; its answer. Raises CommandError with what went wrong."""


class _Request(msgspec.Struct):
    job: str
    given: msgspec.Raw


class _Answer(msgspec.Struct):
    answer: msgspec.Raw = msgspec.Raw(b"null")
    error: str | None = None


class _Here:
    """A desk in this process."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def call(self, job: Job[A, R], given: A) -> R:
        return await job.action(self._state, given)


class _There:
    """A desk at the other end of a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def call(self, job: Job[A, R], given: A) -> R:
        line = msgspec.json.encode({"job": job.name, "given": given}) + b"\n"
        if len(line) > LINE_BYTES:
            raise CommandError(f"{job.name} is given {len(line)} bytes at once; at most {LINE_BYTES} are accepted")
        try:
            self._writer.write(line)
            await self._writer.drain()
            reply = await asyncio.wait_for(self._reader.readline(), ANSWER_SECONDS)
        except TimeoutError:
            raise CommandError(
                f"the running server did not answer within {ANSWER_SECONDS} s; its log may say why"
            ) from None
        except (OSError, ValueError) as error:
            raise CommandError(f"the running server cannot be reached any more: {error}; try again") from None
        if not reply.endswith(b"\n"):
            raise CommandError("the running server stopped before it answered; start it and run this again")
        answer = msgspec.json.decode(reply, type=_Answer)
        if answer.error is not None:
            raise CommandError(answer.error)
        return msgspec.json.decode(answer.answer, type=job.answer)


@contextlib.asynccontextmanager
async def connect(
    config: Config, open_state: Callable[[Config], contextlib.AbstractAsyncContextManager[State]]
) -> AsyncIterator[Desk]:
    """A desk: in this process if the database can be opened for writing here (`open_state`), else the running server's.

    Raises CommandError.
    """
    async with contextlib.AsyncExitStack() as stack:
        desk: Desk
        try:
            desk = _Here(await stack.enter_async_context(open_state(config)))
        except DatabaseLocked as locked:
            desk = await _reach(config, locked, stack)
        yield desk


async def _reach(config: Config, locked: DatabaseLocked, stack: contextlib.AsyncExitStack) -> Desk:
    path = socket_path(config.database_path)
    try:
        _check_private(path)
        reader, writer = await asyncio.open_unix_connection(str(path), limit=LINE_BYTES)
    except OSError as error:
        raise CommandError(
            f"{locked}, which takes no jobs now ({error.strerror or error}); if it is just starting or stopping, "
            "try again in a moment"
        ) from None
    stack.callback(writer.close)
    return _There(reader, writer)


@contextlib.asynccontextmanager
async def listen(state: State) -> AsyncIterator[None]:
    """Takes jobs for as long as it is entered. Does nothing on PostgreSQL, where commands write themselves.

    The caller holds the lock of the database, so a socket that is already there is left over and is replaced.
    """
    if state.config.is_postgres:
        yield
        return
    path = socket_path(state.config.database_path)
    connections: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_attend(state, reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    try:
        server = await asyncio.start_unix_server(connected, sock=_bind(path), limit=LINE_BYTES)
    except OSError as error:
        _log.warning("commands that write must wait until this server stops: cannot open %s (%s)", path, error)
        yield
        return
    try:
        yield
    finally:
        server.close()
        _unlink(path)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)


def _bind(path: Path) -> socket.socket:
    _make_private(path)
    path.unlink(missing_ok=True)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(str(path))
        path.chmod(0o600)  # nobody can connect before `listen`
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound


async def _attend(state: State, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while line := await reader.readline():
            writer.write(msgspec.json.encode(await _do(state, line)) + b"\n")
            await writer.drain()
    except (OSError, ValueError):  # it went away, or sent a line that is too long
        pass
    finally:
        writer.close()


async def _do(state: State, line: bytes) -> _Answer:
    try:
        request = msgspec.json.decode(line, type=_Request)
        job = _JOBS.get(request.job)
        if job is None:
            return _Answer(error=f"the running server knows no job {request.job[:40]!r}; is it of another version?")
        given = msgspec.json.decode(request.given, type=job.given)
    except msgspec.DecodeError as error:
        return _Answer(error=f"the running server does not understand this ({error}); is it of another version?")
    try:
        return _Answer(answer=msgspec.Raw(msgspec.json.encode(await job.action(state, given))))
    except RipostError as error:
        return _Answer(error=" ".join(str(error).split()))
    except Exception:
        _log.exception("the job %s failed", request.job)
        return _Answer(error="the running server could not do this; its log says why")


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def socket_path(database: Path) -> Path:
    """Where the server of a database takes jobs: beside the file, or for a path that is too long for the system in a
    private folder below /tmp. Both sides compute the same."""
    database = database.resolve()
    beside = database.with_name(database.name + ".sock")
    if len(os.fsencode(beside)) <= PATH_BYTES:
        return beside
    digest = hashlib.sha256(os.fsencode(database)).hexdigest()[:16]
    return Path("/tmp") / f"ripost-{_owner(database)}" / f"{digest}.sock"


def _owner(database: Path) -> int:
    """The user whose server has the database open: root may run a command for it."""
    try:
        return database.with_name(database.name + ".lock").stat().st_uid
    except OSError:
        return os.getuid()


def _make_private(path: Path) -> None:
    if _is_below_tmp(path):
        path.parent.mkdir(mode=0o700, exist_ok=True)
    _check_private(path)


def _check_private(path: Path) -> None:
    """Raises PermissionError if the folder below /tmp is somebody else's, who could pretend to be the server."""
    if _is_below_tmp(path):
        found = path.parent.lstat()
        if not stat.S_ISDIR(found.st_mode) or f"ripost-{found.st_uid}" != path.parent.name or found.st_mode & 0o077:
            raise PermissionError(f"{path.parent} is not a private folder of the server's user")


def _is_below_tmp(path: Path) -> bool:
    return path.parent.parent == Path("/tmp") and re.fullmatch(r"ripost-[0-9]+", path.parent.name) is not None
