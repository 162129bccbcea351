"""Cursors come back as they were given, or are refused with a sentence."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import cursors
from server.errors import BadRequest

NUMBERS = st.integers(-cursors.ID_MAX, cursors.ID_MAX)


@given(st.lists(st.one_of(NUMBERS, st.binary(max_size=cursors.PATH_MAX)), min_size=1, max_size=4))
def test_what_was_given_comes_back(parts: list[int | bytes]) -> None:
    text = cursors.encode(*parts)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", text)
    assert list(cursors.decode(text, *map(type, parts))) == parts


@given(st.text(max_size=200))
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    try:
        place, path = cursors.decode(text, int, bytes)
        assert isinstance(place, int) and isinstance(path, bytes)
    except BadRequest as error:
        assert "cursor" in error.detail and len(error.detail) < 300


@pytest.mark.parametrize("parts", [(1,), (1, 2), (b"", 1), (1, b"", 1), (2**63, b""), (-(2**63), b""), (1, b"x" * 600)])
def test_a_cursor_of_another_shape_or_beyond_any_database_is_refused(parts: tuple[int | bytes, ...]) -> None:
    with pytest.raises(BadRequest):
        cursors.decode(cursors.encode(*parts), int, bytes)
