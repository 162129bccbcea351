"""Sessions over HTTP: a link is good once, a token until it is given back, and a person may take their data and go."""

from server import auth
from server.models import Role
from server.storage import people
from server.storage.transaction import Transaction
from tests.routes.conftest import Doors, is_problem


async def link(doors: Doors, token: str) -> str:
    """A one-time link for the person of this token."""
    me = (await doors.ask("GET", "/api/me", token=token)).json()
    made = auth.new_token()

    def work(tx: Transaction) -> None:
        expires = doors.site.clock.now() + auth.LINK_SECONDS * 1_000_000
        people.add_link(tx, token_hash=auth.token_hash(made), person_id=me["id"], expires_at=expires)

    await doors.site.state.database.write(work)
    return made


async def test_a_link_signs_in_once(doors: Doors) -> None:
    made = await link(doors, await doors.person("Mem", Role.MEMBER))
    answer = await doors.ask("POST", "/api/sessions", {"link": made})
    assert answer.status_code == 201 and answer.json()["person"]["name"] == "Mem"
    assert (await doors.ask("GET", "/api/me", token=answer.json()["token"])).status_code == 200
    for wrong in (made, "unknown", ""):
        is_problem(await doors.ask("POST", "/api/sessions", {"link": wrong}), 401)
    is_problem(await doors.ask("POST", "/api/sessions", {}), 422, "link")


async def test_a_link_is_good_for_a_day(doors: Doors) -> None:
    made = await link(doors, await doors.person("Mem", Role.MEMBER))
    doors.site.clock.advance(auth.LINK_SECONDS + 1)
    is_problem(await doors.ask("POST", "/api/sessions", {"link": made}), 401)


async def test_signing_out_ends_the_token(doors: Doors) -> None:
    token = await doors.person("Mem", Role.MEMBER)
    assert (await doors.ask("DELETE", "/api/sessions/current", token=token)).status_code == 204
    problem = await doors.ask("GET", "/api/me", token=token)
    is_problem(problem, 401)
    assert problem.headers["www-authenticate"] == "Bearer"
    is_problem(await doors.ask("DELETE", "/api/sessions/current"), 401)


async def test_oneself_and_what_is_kept_are_ones_own(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said = await doors.post(article, "Mine.")
    await doors.post(article, "Another's.")
    me = await doors.ask("GET", "/api/me", token=said["token"])
    assert (me.json()["name"], me.json()["role"], me.headers["cache-control"]) == ("Ada", "guest", "no-store")
    taken = await doors.ask("GET", "/api/me/export", token=said["token"])
    assert [row["text"] for row in taken.json()["comments"]] == ["Mine."]
    assert "attachment" in taken.headers["content-disposition"]
    for path in ("/api/me", "/api/me/export"):
        is_problem(await doors.ask("GET", path), 401)


async def test_erasure_takes_everything_and_the_token(doors: Doors) -> None:
    article = (await doors.article())["id"]
    said = await doors.post(article, "A canary.")
    await doors.post(article, "Another canary.", token=said["token"])
    answer = await doors.ask("DELETE", "/api/me", token=said["token"])
    assert answer.json()["deleted_comments"] == 2
    is_problem(await doors.ask("GET", "/api/me", token=said["token"]), 401)
    assert (await doors.ask("GET", f"/api/articles/{article}/thread")).json()["comments"] == []
    replay = await doors.ask("GET", f"/api/articles/{article}/events?wait=0&epoch={said['event']['epoch']}&since=0")
    assert "canary" not in replay.text and "Ada" not in replay.text
