"""The documents say what the program has: every setting, and nothing that is not there."""

import re
from pathlib import Path

from server import config, events

ROOT = Path(__file__).resolve().parents[1]


def test_every_setting_is_documented_and_no_other() -> None:
    documented = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/configuration.md").read_text(), re.M)
    assert sorted(documented) == sorted(config._SETTINGS)


def test_every_public_event_is_documented() -> None:
    text = (ROOT / "docs/live.md").read_text()
    for kind in (
        events.POSTED,
        events.RESTORED,
        events.EDITED,
        events.REMOVED,
        events.PINNED,
        events.SCORED,
        events.ARTICLE_UPDATED,
        events.NOOP,
        events.DECIDED,
        events.QUEUE_ENTERED,
        events.QUEUE_LEFT,
    ):
        assert f"`{kind}`" in text, kind
