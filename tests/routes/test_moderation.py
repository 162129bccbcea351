"""Moderation over HTTP: decisions, what waits and what was decided, for moderators on our own origin only."""

from tests.routes.conftest import FRIEND, Doors, is_problem


async def test_decisions_are_answered_with_the_comment_and_its_event(doors: Doors) -> None:
    article = (await doors.article())["id"]
    held = (await doors.post(article, "See https://elsewhere.example"))["event"]["comment"]["id"]
    path = f"/api/comments/{held}/decision"
    waiting = (await doors.ask("GET", "/api/moderation/queue", token=doors.moderator)).json()
    assert [row["id"] for row in waiting["comments"]] == [held] and waiting["next"] is None
    for decision, kind, status in (
        ("approve", "comment.posted", "visible"), ("pin", "comment.pinned", "visible"), ("unpin", "comment.pinned", "visible"),
        ("reject", "comment.removed", "removed"), ("restore", "comment.restored", "visible"), ("spam", "comment.removed", "removed"),
    ):  # fmt: skip
        answer = (await doors.ask("POST", path, {"decision": decision, "reason": "why"}, token=doors.moderator)).json()
        assert (answer["event"]["type"], answer["comment"]["status"]) == (kind, status)
        again = await doors.ask("POST", path, {"decision": decision}, token=doors.moderator)
        assert again.status_code == 200 and "event" not in again.json(), "deciding again changes and says nothing"
    log = (await doors.ask("GET", "/api/moderation/log", token=doors.moderator)).json()["decisions"]
    assert [row["decision"] for row in log] == ["spam", "restore", "reject", "unpin", "pin", "approve"]
    assert {row["moderator"]["name"] for row in log} == {"Mo"}
    removed = (await doors.ask("GET", "/api/moderation/queue?state=removed", token=doors.moderator)).json()
    assert removed["comments"][0]["tree"] is not None, "a moderator sees what was removed"


async def test_wrong_decisions_are_told_apart(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said = await doors.post(article)
    comment = said["event"]["comment"]["id"]
    reply = (await doors.post(article, parent=comment))["event"]["comment"]["id"]

    async def decide(comment: int, body: object) -> object:
        return await doors.ask("POST", f"/api/comments/{comment}/decision", body, token=doors.moderator)

    for body, field in (({}, "decision"), ({"decision": "burn"}, "decision"), ({"decision": 1}, "decision")):
        is_problem(await decide(comment, body), 422, field)  # type: ignore[arg-type]
    is_problem(await decide(comment, {"decision": "reject", "reason": "x" * 1001}), 422, "reason")  # type: ignore[arg-type]
    is_problem(await decide(reply, {"decision": "pin"}), 409)  # type: ignore[arg-type]
    is_problem(await decide(999, {"decision": "pin"}), 404)  # type: ignore[arg-type]
    await doors.ask("DELETE", f"/api/comments/{comment}", token=said["token"])
    for decision in ("restore", "approve", "pin", "reject"):
        is_problem(await decide(comment, {"decision": decision}), 409)  # type: ignore[arg-type]


async def test_nobody_else_sees_or_decides_anything(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said = await doors.post(article)
    for method, path, body in (
        ("POST", f"/api/comments/{said['event']['comment']['id']}/decision", {"decision": "reject"}),
        ("GET", "/api/moderation/queue", None),
        ("GET", "/api/moderation/log", None),
    ):
        is_problem(await doors.ask(method, path, body), 401)
        is_problem(await doors.ask(method, path, body, token=said["token"]), 403)
        is_problem(await doors.ask(method, path, body, token=doors.moderator, Origin=FRIEND), 403)


async def test_lists_have_bounds(doors: Doors) -> None:
    for query in ("queue?state=all", "queue?limit=0", "queue?limit=101", "log?limit=x", "log?cursor=x"):
        is_problem(await doors.ask("GET", f"/api/moderation/{query}", token=doors.moderator), 400)
