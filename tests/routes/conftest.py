"""The doors of a server in this process, on both databases, with a moderator: what the tests of the HTTP surface share."""

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest_asyncio

from server import auth, names
from server.actions.accounts import add_session
from server.models import Role
from server.storage import people
from server.storage.transaction import Transaction
from tests.support.site import ORIGIN, Site, open_site

FRIEND = "https://paper.example"
Json = dict[str, Any]


@dataclass
class Doors:
    """Asks and tells; `moderator` is a token."""

    site: Site
    moderator: str = ""

    async def ask(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str
    ) -> httpx2.Response:
        """Any request; `body` is sent as JSON (bytes as they are). Underscores in names of headers are hyphens."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            named["Authorization"] = f"Bearer {token}"
        content = None
        if body is not None:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            named = {"Content-Type": "application/json"} | named
        return await self.site.client.request(method, path, content=content, headers=named)

    async def person(self, name: str, role: Role, origin: str | None = None) -> str:
        """A person's token, made on `origin`."""
        token = auth.new_token()

        def work(tx: Transaction) -> None:
            now = self.site.clock.now()
            person = people.add(tx, name=name, skeleton=names.skeleton(name), role=role, created_at=now)
            add_session(tx, person, token, origin, now)

        await self.site.state.database.write(work)
        return token

    async def article(self, title: str = "An article", **more: Any) -> Json:
        """A new article."""
        answer = await self.ask("POST", "/api/articles", {"title": title, **more}, token=self.moderator)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made

    async def post(self, article: int, text: str = "Hello.", *, token: str | None = None, **more: Any) -> Json:
        """A comment; the answer `{event, token?}`."""
        answer = await self.ask("POST", f"/api/articles/{article}/comments", draft(text=text, **more), token=token)
        assert answer.status_code == 201, answer.text
        made: Json = answer.json()
        return made


def draft(**more: Any) -> Json:
    """A comment as a guest sends it."""
    return {"client_id": str(uuid.uuid4()), "text": "Hello.", "name": "Ada"} | more


def is_problem(answer: httpx2.Response, status: int, *fields: str) -> Json:
    """The problem, after checking that it is one, of this status, about these fields, and says nothing of our inside."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    found: Json = answer.json()
    assert {"type", "title", "status", "detail"} <= set(found) and found["status"] == status
    assert found["type"].startswith("urn:ripost:problem:") and found["detail"]
    assert [error["field"] for error in found.get("errors", [])] == list(fields), found
    for leaked in ("Traceback", 'File "', "sqlalchemy", "asyncpg", "sqlite3", "msgspec"):
        assert leaked not in answer.text
    return found


@pytest_asyncio.fixture
async def doors(database_url: str) -> AsyncIterator[Doors]:
    """The doors on SQLite and on PostgreSQL; pages of FRIEND may embed."""
    async with open_site(database_url, ORIGIN, allowed_origins=(FRIEND,)) as site:
        made = Doors(site)
        made.moderator = await made.person("Mo", Role.MODERATOR)
        yield made
