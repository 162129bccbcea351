"""The languages of server-rendered pages: whole, in step with static/i18n, counted and dated as a browser does it."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from server.markup.languages import LANGUAGES, asked_for, words_in
from tests.support import provision

STATIC = Path(__file__).resolve().parents[2] / "static"
PLACE = re.compile(r"\{\w+\}")


def node(script: str) -> Any:
    """What a script prints as JSON, as Node's Intl has it: the rules that browsers have, too."""
    found = provision.find_node()
    if found is None:
        pytest.skip("skipped with node")
    command = [found.where, "--input-type=module", "-e", script]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, cwd=STATIC).stdout)


def test_every_language_says_everything_with_the_same_places_to_fill_in() -> None:
    english = words_in("en").table
    for language in LANGUAGES:
        table = words_in(language).table
        assert table.keys() == english.keys(), language
        for key in english:
            said = set(PLACE.findall(str(table[key])))
            assert said == set(PLACE.findall(str(english[key]))), (language, key)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_page_s_script_says_too_is_said_in_the_same_words(language: str) -> None:
    table = json.loads((STATIC / "i18n" / f"{language}.json").read_text("utf-8"))
    shared = {key: text for key, text in words_in(language).table.items() if key in table}
    assert len(shared) >= 25
    assert shared == {key: table[key] for key in shared}


def test_numbers_and_plurals_are_those_of_a_browser() -> None:
    numbers = [*range(210), 999, 1000, 1234, 9999, 10_000, 12_345, 1_000_000, 1_000_001, 2_000_000]
    expected = node(
        f"const numbers = {numbers}; console.log(JSON.stringify({list(LANGUAGES)}.map((language) => {{"
        "const rules = new Intl.PluralRules(language), form = new Intl.NumberFormat(language);"
        "return numbers.map((n) => [rules.select(n), form.format(n)]); })))"
    )
    for language, pairs in zip(LANGUAGES, expected, strict=True):
        words = words_in(language)
        assert [[words.category(n), words.number(n)] for n in numbers] == pairs, language


def test_days_are_those_of_a_browser() -> None:
    times = [f"2026-{month:02d}-17T19:58:00.000000Z" for month in range(1, 13)]
    asked = {"en": "en-GB"}
    expected = node(
        f"const times = {times}; console.log(JSON.stringify({[asked.get(one, one) for one in LANGUAGES]}.map("
        "(language) => { const form = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' });"
        "return times.map((time) => form.format(new Date(time))); })))"
    )
    for language, days in zip(LANGUAGES, expected, strict=True):
        assert [words_in(language).long_date(time) for time in times] == days, language


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("nl,fr;q=0.7,en;q=0.3", "fr"),
        ("en-US,en;q=0.9,de;q=0.8", "en"),
        ("AR-eg", "ar"),
        ("es;q=0.2, de;q=0.6", "de"),
        ("de;q=0, es;q=0.1", "es"),
        ("*", "en"),
        ("nl", "en"),
        ("de;q=high", "en"),
        ("de;q=nan;;,,;=", "en"),
        ("x," * 1000 + "de", "en"),
    ],
)
def test_the_language_is_the_best_of_those_that_are_asked_for(accept: str, language: str) -> None:
    assert asked_for(accept).language == language


def test_names_in_a_text_are_left_as_they_are() -> None:
    assert words_in("de").forms("comments").keys() == {"one", "other"}
    assert words_in("en")("replyTo", name="Ana {n}") == "Reply to Ana {n}"
    assert words_in("fr")("comments", n=1234) == "1\u202f234 commentaires"
