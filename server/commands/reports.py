"""What `ripost import` says when it is done: counts on stdout, and on stderr what a person may want to look at."""

import sys
from collections.abc import Sequence

from server.actions.imports import Outcome
from server.commands.running import counted

SHOWN = 20  # reasons that are listed one by one


def report(outcome: Outcome, left_out: Sequence[str] = (), *, dry_run: bool, of_export: bool = False) -> None:
    """The counts on stdout, and on stderr what a person may want to look at."""
    for reason in left_out[:SHOWN]:
        print(f"ripost: {reason}", file=sys.stderr)
    if len(left_out) > SHOWN:
        print(f"ripost: and {len(left_out) - SHOWN} more", file=sys.stderr)
    print(summary(outcome, len(left_out), dry_run=dry_run, of_export=of_export))


def summary(outcome: Outcome, left_out: int, *, dry_run: bool, of_export: bool) -> str:
    """`imported 1 article and 4 comments (1 a reply); skipped 0`."""
    replies = {0: "", 1: " (1 a reply)"}.get(outcome.replies, f" ({outcome.replies} replies)")
    said = f"{counted(outcome.articles, 'article')} and {counted(outcome.comments, 'comment')}{replies}"
    others = [
        counted(number, one, many)
        for number, one, many in (
            (outcome.people, "person", "people"),
            (outcome.sessions, "session", "sessions"),
            (outcome.votes, "vote", "votes"),
            (outcome.reports, "report", "reports"),
            (outcome.decisions, "decision", "decisions"),
        )
        if number and of_export
    ]
    said = ", ".join([said, *others])
    reasons = [
        f"{number} {why}"
        for number, why in (
            (outcome.present, "already here"),
            (outcome.unknown, "of an article or a person that is nowhere"),
            (left_out, "that cannot be imported"),
        )
        if number
    ]
    skipped = outcome.present + outcome.unknown + left_out
    text = f"{'would import' if dry_run else 'imported'} {said}; skipped {skipped}"
    if reasons:
        text += ": " + ", ".join(reasons)
    if outcome.renumbered:
        text += "; they have new numbers, because this database was not empty"
    if outcome.orphans:
        text += f"; {counted(outcome.orphans, 'reply', 'replies')} to what is not here made top-level"
    return text
