"""Errors as they are answered: RFC 9457, a status of their own, and when to come back."""

import pytest

from server import errors
from server.errors import CommandError, ConfigError, Invalid, ProblemError, TooMany


def _all(kind: type[ProblemError]) -> list[type[ProblemError]]:
    return [found for below in kind.__subclasses__() for found in (below, *_all(below))]


def test_every_problem_has_a_status_and_a_name_of_its_own() -> None:
    kinds = _all(ProblemError)
    assert len({kind.status for kind in kinds}) == len(kinds) == len({kind.slug for kind in kinds})
    assert {kind.status for kind in kinds} >= {400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503, 507}


@pytest.mark.parametrize("kind", _all(ProblemError))
def test_a_problem_is_what_rfc_9457_says(kind: type[ProblemError]) -> None:
    problem = kind("what was wrong").problem()
    assert problem["status"] == kind.status and problem["detail"] == "what was wrong"
    assert str(problem["type"]).startswith("urn:ripost:problem:") and problem["title"]


def test_a_wrong_field_is_named() -> None:
    assert Invalid.field("text", "too long").problem()["errors"] == [{"field": "text", "message": "too long"}]


@pytest.mark.parametrize(("seconds", "header"), [(0.2, "1"), (1, "1"), (1.1, "2"), (30, "30")])
def test_a_limit_says_when_to_come_back_in_whole_seconds(seconds: float, header: str) -> None:
    assert TooMany("slowly", retry_after=seconds).headers()["Retry-After"] == header


def test_a_wrong_setting_is_a_failed_command() -> None:
    assert issubclass(ConfigError, CommandError)


def test_close_codes_that_mean_do_not_come_back_are_between_4500_and_4999() -> None:
    codes = {name: value for name, value in vars(errors).items() if name.startswith("CLOSE_")}
    final = {name for name, value in codes.items() if 4500 <= value <= 4999}
    assert final == {"CLOSE_BANNED", "CLOSE_TOO_MANY_CONNECTIONS", "CLOSE_PROTOCOL_ERROR"}
