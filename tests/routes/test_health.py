"""Liveness, readiness and numbers."""

import pytest

from tests.routes.conftest import Doors, is_problem


async def test_a_server_that_runs_lives_and_is_ready(doors: Doors) -> None:
    assert (await doors.ask("GET", "/healthz")).json()["status"] == "ok"
    assert (await doors.ask("GET", "/readyz")).json() == {"status": "ready"}
    numbers = await doors.ask("GET", "/metrics")
    assert numbers.status_code == 200 and "ripost_connections 0.0" in numbers.text


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_they_answer_head_and_nothing_that_changes(doors: Doors, path: str) -> None:
    head = await doors.ask("HEAD", path)
    assert head.status_code == 200 and head.content == b""
    is_problem(await doors.ask("POST", path, {}), 405)


async def test_a_server_that_is_stopping_is_not_ready_but_lives(doors: Doors) -> None:
    doors.site.state.draining.set()
    assert (await doors.ask("GET", "/healthz")).status_code == 200
    is_problem(await doors.ask("GET", "/readyz"), 503)
