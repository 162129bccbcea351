"""The people behind a thread, as programs: they publish articles, comment and decide over the public HTTP interface.

What a browser shows is compared with what this reads. Nothing here knows the page.
"""

import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2

from tests.support.commands import run_ripost
from tests.support.server import RipostServer

Json = dict[str, Any]

MODERATOR = "Mo Derator"


def moderator_token(server: RipostServer, folder: Path, name: str = MODERATOR) -> str:
    """Makes a moderator beside the running server, as an operator does; returns their token."""
    database = server.database_url
    made = run_ripost(
        "person",
        "create",
        name,
        "--email",
        "mo@example.org",
        "--role",
        "moderator",
        folder=folder,
        DATABASE_URL=database,
    )
    assert made.status == 0, made.err
    token = run_ripost("person", "token", name, folder=folder, DATABASE_URL=database)
    assert token.status == 0, token.err
    return token.last_line


@dataclass
class Newsroom:
    """A client of one server's API: a moderator by its token, and any number of guests by their names."""

    url: str
    token: str
    _guests: dict[str, str] = field(default_factory=dict)
    _client: httpx2.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self._client = httpx2.AsyncClient(base_url=self.url, timeout=20)

    async def close(self) -> None:
        """Ends its connections."""
        await self._client.aclose()

    async def request(self, method: str, path: str, body: Json | None = None, *, token: str | None = None) -> Any:
        """The answer's JSON. An error of the server fails the test."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self._client.request(method, path, json=body, headers=headers)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def article(self, title: str = "The tide tables of Low Street", **more: Any) -> Json:
        """Publishes an article; `state` and `slow_mode_seconds` are set afterwards, as a moderator does."""
        changes = {name: more.pop(name) for name in ("state", "slow_mode_seconds") if name in more}
        made: Json = await self.request("POST", "/api/articles", {"title": title, **more}, token=self.token)
        return await self.change(made, **changes) if changes else made

    async def change(self, article: Json, **changes: Any) -> Json:
        """Changes an article."""
        return await self.request("PATCH", f"/api/articles/{article['id']}", changes, token=self.token)  # type: ignore[no-any-return]

    async def say(
        self, article: Json, text: str, name: str = "Ana", under: Json | None = None, *, token: str | None = None
    ) -> Json:
        """Posts as the guest of this name, the same person every time; the comment."""
        body = {"client_id": str(uuid.uuid4()), "text": text, "name": name}
        if under is not None:
            body["parent"] = under["id"]
        path = f"/api/articles/{article['id']}/comments"
        answer = await self.request("POST", path, body, token=token or self._guests.get(name))
        if "token" in answer:
            self._guests[name] = answer["token"]
        return answer["event"]["comment"]  # type: ignore[no-any-return]

    async def decide(self, comment: Json, decision: str) -> Json:
        """A moderator's decision."""
        return await self.request(  # type: ignore[no-any-return]
            "POST", f"/api/comments/{comment['id']}/decision", {"decision": decision}, token=self.token
        )

    async def edit(self, comment: Json, text: str) -> Json:
        """A moderator's edit."""
        return await self.request("PATCH", f"/api/comments/{comment['id']}", {"text": text}, token=self.token)  # type: ignore[no-any-return]

    async def delete(self, comment: Json, name: str) -> Json:
        """The author's own deletion."""
        return await self.request("DELETE", f"/api/comments/{comment['id']}", token=self._guests[name])  # type: ignore[no-any-return]

    async def vote(self, comment: Json, name: str, value: int) -> Json:
        """The vote of a guest who has commented here."""
        return await self.request(  # type: ignore[no-any-return]
            "PUT", f"/api/comments/{comment['id']}/vote", {"value": value}, token=self._guests[name]
        )

    async def waiting(self) -> list[Json]:
        """What waits for a moderator."""
        answer = await self.request("GET", "/api/moderation/queue", token=self.token)
        return answer["comments"]  # type: ignore[no-any-return]

    async def thread(self, article: Json, sort: str = "oldest") -> list[Json]:
        """Every comment of the discussion in the order of display, read page by page and branch by branch."""
        comments: list[Json] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await self.request(
                "GET", f"/api/articles/{article['id']}/thread?sort={sort}&limit=100&cursor={quote(cursor)}"
            )
            comments += page["comments"]
            branches = list(page["branches"].items())
            while branches:
                root, more = branches.pop()
                further = await self.request("GET", f"/api/comments/{root}/replies?limit=100&cursor={quote(more)}")
                comments += further["comments"]
                if further["next"]:
                    branches.append((root, further["next"]))
            cursor = page["next"]
        return displayed(comments)

    def link(self, article: Json, query: str = "", *, at: str | None = None) -> str:
        """The address of its page; `at` another door of the same server, such as a proxy."""
        return f"{at or self.url}/a/{quote(article['slug'])}{query}"


def displayed(comments: list[Json]) -> list[Json]:
    """Comments as a page shows them: each followed by its replies, ids ascending. Roots keep their order."""
    replies: dict[int | None, list[Json]] = {}
    for comment in comments:
        replies.setdefault(comment["parent"], []).append(comment)
    shown: list[Json] = []
    waiting = list(reversed(replies.get(None, [])))
    while waiting:
        comment = waiting.pop()
        shown.append(comment)
        waiting += sorted(replies.get(comment["id"], []), key=lambda reply: -reply["id"])
    return shown
