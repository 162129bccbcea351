"""The documents say what the program has: every setting, and nothing that is not there."""

import re
from pathlib import Path
from typing import Any

import pytest

from server import config, events
from server.metrics import ABORTS
from server.relay import RESETS
from server.storage.database import READS
from tests.support.build import Site, open_site

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


@pytest.fixture
async def site(sqlite_url: str) -> Any:
    async with open_site(sqlite_url) as opened:
        yield opened


async def test_every_metric_is_documented_and_no_other(site: Site) -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    documented = dict(re.findall(r"^\| `(ripost_\w+)` \| (\w+) \|", page, re.M))
    text = site.state.metrics.text().decode()
    assert documented == dict(re.findall(r"^# TYPE (ripost_\w+) (\w+)$", text, re.M))
    described = re.findall(r"^# HELP (ripost_\w+) \S+", text, re.M)
    assert sorted(described) == sorted(documented), "each says what it is, too"


def test_every_cause_and_purpose_in_the_metrics_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/metrics.md").read_text()
    for start, values in (
        ("`cause` of a reset", RESETS),
        ("`cause` of an abort", ABORTS),
        ("`purpose` of a read", READS),
    ):
        paragraph = page[page.index(start) :].split("\n\n")[0]
        named = re.findall(r"`(\w+)`(?= \(|\.$)", paragraph.replace("\n", " "))
        assert sorted(set(named)) == sorted(values)


def test_every_part_and_attribute_of_the_element_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/embedding.md").read_text()
    code = "\n".join(
        path.read_text() for path in (*(ROOT / "static").rglob("*.js"), *(ROOT / "server/markup").glob("*.py"))
    )
    parts = {
        name
        for found in re.findall(r'(?:part"?(?:=|: )|(?:makeP|\bp)art\(\s*"\w+",\s*|word\(\w+, )"([a-z -]+)"', code)
        for name in found.split()
    }
    listed = page[page.index("Parts: ") :].split("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", listed)) == parts
    rows = set(re.findall(r"^\| `([a-z-]+)` \|", page, re.M))
    observed = re.search(r"observedAttributes = \[(.*?)\]", code)
    assert observed is not None
    assert rows == set(re.findall(r'"([a-z-]+)"', observed[1])) | {"keys", "theme"}
