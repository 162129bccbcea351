"""What counts as a Chromium, and what RIPOST_TEST_SKIP may say."""

from pathlib import Path

import pytest

from tests.support import provision


def program(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def fresh_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(provision, "find_browser", provision.find_browser.__wrapped__)


def test_nothing_is_skipped_unless_it_is_named() -> None:
    assert provision.skipped_names("") == frozenset()
    assert provision.skipped_names(" browser, redis,") == {"browser", "redis"}


def test_a_name_that_cannot_be_skipped_is_an_error_that_says_which_can() -> None:
    with pytest.raises(ValueError, match="names postgresql; it knows browser, node, postgres, redis"):
        provision.skipped_names("postgresql")


@pytest.mark.usefixtures("fresh_look")
def test_the_snap_that_stands_for_chromium_on_ubuntu_is_not_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = "#!/bin/sh\n[ -x /snap/bin/chromium ] || echo snap install chromium >&2\necho Chromium 156.0\n"
    monkeypatch.setenv("CHROMIUM", str(program(tmp_path / "chromium-browser", stub)))
    assert provision.find_browser() is None


@pytest.mark.usefixtures("fresh_look")
def test_a_chromium_named_by_the_environment_is_the_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path / "mine", "#!/bin/sh\necho Chromium 156.0.8078.79\n")
    monkeypatch.setenv("CHROMIUM", str(path))
    assert provision.find_browser() == provision.Found(str(path), "Chromium 156.0.8078.79")


@pytest.mark.usefixtures("fresh_look")
def test_a_chromium_too_old_for_the_page_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", str(program(tmp_path / "old", "#!/bin/sh\necho Chromium 90.0.1\n")))
    assert provision.find_browser() is None
