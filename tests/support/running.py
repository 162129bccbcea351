"""A running server with somebody who asks it over HTTP: what the tests of the live protocol and of the doors share."""

import asyncio
import contextlib
import json
import re
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from server.actions import persons
from server.app import open_state
from server.config import Config
from server.models import Role
from tests.support.live import LiveClient
from tests.support.server import RipostServer

Json = dict[str, Any]


@dataclass
class Running:
    """A server process, a client of its HTTP interface, and a moderator's token."""

    server: RipostServer
    http: httpx2.AsyncClient
    moderator: str

    @property
    def url(self) -> str:
        return self.server.url

    def live(self, **options: Any) -> LiveClient:
        """A client of `/live`, not connected yet."""
        return LiveClient(self.url, **options)

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> httpx2.Response:
        """Any request; `body` is sent as JSON. Underscores in the names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            named = {"Content-Type": "application/json"} | named
        return await self.http.request(method, self.url + path, content=content, headers=named)

    async def article(self, title: str = "An article", **changes: Any) -> int:
        """A new article's id."""
        made = await self.ask("POST", "/api/articles", {"title": title}, token=self.moderator)
        assert made.status_code == 201, made.text
        found = int(made.json()["id"])
        if changes:
            changed = await self.ask("PATCH", f"/api/articles/{found}", changes, token=self.moderator)
            assert changed.status_code == 200, changed.text
        return found

    async def post(self, article: int, text: str = "Hello.", *, token: str | None = None, **more: Any) -> Json:
        """A comment; the answer `{event, token?}`."""
        body = {"client_id": str(uuid.uuid4()), "text": text, "name": "Ada"} | more
        answer = await self.ask("POST", f"/api/articles/{article}/comments", body, token=token)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made

    async def decide(self, comment: int, decision: str) -> Json:
        """A moderator's decision."""
        answer = await self.ask(
            "POST", f"/api/comments/{comment}/decision", {"decision": decision}, token=self.moderator
        )
        assert answer.status_code == 200, answer.text
        made: Json = answer.json()
        return made

    async def thread(self, article: int, **query: Any) -> Json:
        """The first page of a thread."""
        answer = await self.http.get(f"{self.url}/api/articles/{article}/thread", params=query)
        assert answer.status_code == 200, answer.text
        page: Json = answer.json()
        return page

    async def number(self, name: str) -> float:
        """A series of `/metrics`: its name, with its labels if it has some (`resets_total{cause="epoch"}`)."""
        text = (await self.http.get(self.url + "/metrics")).text
        found = re.search(rf"^ripost_{re.escape(name)} (\S+)$", text, re.MULTILINE)
        assert found is not None, text
        return float(found[1])

    async def until_nobody_is_connected(self, *, seconds: float = 10) -> None:
        """Until no connection and no cursor is left; AssertionError if some stay."""
        async with asyncio.timeout(seconds):
            while await self.number("connections") or await self.number("readers"):
                await asyncio.sleep(0.02)


async def moderator(server: RipostServer) -> str:
    """Makes a moderator of a server that does not run yet, as `ripost person` does (tests/test_cli.py), without starting it; their token."""
    secret = server.environment.get("SECRET_KEY")
    async with open_state(Config(database_url=server.database_url, secret_key=secret)) as state:
        new = persons.NewPerson(name="Mo", email="mo@paper.example", role=Role.MODERATOR)
        made = await persons.create(state, new)
        return (await persons.make_token(state, persons.Wanted(made.name))).token


@contextlib.asynccontextmanager
async def running(folder: Path, **settings: str) -> AsyncIterator[Running]:
    """A server in `folder`, stopped at the end; without rate limits unless they are asked for."""
    server = RipostServer(folder, {"RATE_LIMITS": "off"} | settings)
    token = await moderator(server)
    try:
        await asyncio.to_thread(server.start)
        async with httpx2.AsyncClient(timeout=20) as client:
            yield Running(server, client, token)
        await asyncio.to_thread(server.close)
    finally:
        server.kill()
