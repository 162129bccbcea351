"""What becomes of a comment before anyone has seen it."""

import pytest

from server import markdown, moderation
from server.models import ArticleState, Role
from server.moderation import Verdict

PLAIN = markdown.parse("no link here")
LINKED = markdown.parse("> quoted *https://example.org/page*")


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("state", list(ArticleState))
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("staff", [False, True])
def test_only_staff_are_never_held_and_only_guests_for_links(
    role: Role, state: ArticleState, linked: bool, staff: bool
) -> None:
    verdict = moderation.review(state, role, staff=staff, tree=LINKED if linked else PLAIN)
    if staff:
        expected = Verdict.PUBLISH
    elif state == ArticleState.PREMODERATED:
        expected = Verdict.HOLD_PREMODERATED
    else:
        expected = Verdict.HOLD_LINKS if linked and role == Role.GUEST else Verdict.PUBLISH
    assert verdict is expected


def test_whoever_decides_is_told_why_a_comment_waits() -> None:
    reasons = {verdict: moderation.reason(verdict) for verdict in Verdict}
    assert all(bool(reason) == verdict.is_held for verdict, reason in reasons.items())
    assert len(set(reasons.values())) == len(reasons)
