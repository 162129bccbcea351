"""What becomes of a comment before anyone has seen it: a pure verdict from who writes, where, and what.

Decides only; storing, holding and telling are the actions'. Staff are never held.
"""

from enum import StrEnum
from typing import assert_never

from server import markdown
from server.markdown import Node
from server.models import ArticleState, Role


class Verdict(StrEnum):
    PUBLISH = "publish"
    HOLD_PREMODERATED = "premoderated"
    HOLD_LINKS = "links"

    @property
    def is_held(self) -> bool:
        return self is not Verdict.PUBLISH


def review(state: ArticleState, role: Role, *, staff: bool, tree: list[Node]) -> Verdict:
    """Whether a comment is published at once or held for a moderator, and why."""
    if staff:
        return Verdict.PUBLISH
    if state == ArticleState.PREMODERATED:
        return Verdict.HOLD_PREMODERATED
    if role == Role.GUEST and markdown.has_links(tree):
        return Verdict.HOLD_LINKS
    return Verdict.PUBLISH


def reason(verdict: Verdict) -> str:
    """Why a comment waits, for the moderator who looks at it."""
    match verdict:
        case Verdict.PUBLISH:
            return ""
        case Verdict.HOLD_PREMODERATED:
            return "every comment on this article is looked at first"
        case Verdict.HOLD_LINKS:
            return "a guest's comment with a link"
        case _:
            assert_never(verdict)
