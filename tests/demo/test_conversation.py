"""What the simulated commenters say: read from the shipped files, so that a slip in one of them fails here."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from server import markdown
from server.demo.articles import HOT, content, read
from server.demo.commenters import PACE_SECONDS
from server.demo.conversation import Answers, Script

EXCHANGES = content("exchanges")
ANSWERS = content("answers")


def script(seed: int = 1) -> Script:
    return Script(EXCHANGES, Random(seed))


def answers(seed: int = 1) -> Answers:
    return Answers(ANSWERS, Random(seed))


def test_every_exchange_is_told_once_before_one_is_told_again() -> None:
    told = script()
    number = len(EXCHANGES["exchange"])
    for _ in range(3):
        openings = Counter(tuple(turn.speaker for turn in told.deal().turns) for _ in range(number))
        assert openings == Counter(
            tuple(line.split(":")[0].split(" ")[0] for line in entry["turns"]) for entry in EXCHANGES["exchange"]
        )


def test_nothing_is_said_twice_in_an_hour() -> None:
    for seed in range(5):
        told = script(seed)
        texts: list[str] = []
        while len(texts) < 3600 / (sum(PACE_SECONDS) / 2):
            texts += [turn.text for turn in told.deal().turns]
        again = [text for text, number in Counter(texts).items() if number > 1]
        assert not again


def test_no_slot_is_left_open_and_each_has_one_word_in_an_exchange() -> None:
    told = script()
    for _ in range(2 * len(EXCHANGES["exchange"])):
        for turn in told.deal().turns:
            assert "{" not in turn.text and turn.text[0] == turn.text[0].upper()


def test_turns_answer_an_earlier_turn() -> None:
    for exchange in (script().deal() for _ in EXCHANGES["exchange"]):
        assert exchange.turns[0].answers is None
        assert all(0 <= (turn.answers or 0) < place for place, turn in enumerate(exchange.turns) if place)


def test_exchanges_hang_on_comments_that_are_there() -> None:
    there = {comment.key for comment in read(HOT).comments}
    assert {entry["under"] for entry in EXCHANGES["exchange"] if "under" in entry} <= there


def test_a_turn_that_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="not a turn: nobody"):
        Script({"slots": {}, "exchange": [{"turns": ["nobody says this"]}]}, Random(1))


def test_nothing_that_is_said_has_a_link_for_which_it_would_be_held() -> None:
    told = script()
    said = [turn.text for _ in EXCHANGES["exchange"] for turn in told.deal().turns]
    for language in ANSWERS.values():
        groups = [*language.values(), *(rule["says"] for rule in language["rule"])]
        groups += [texts for article in language.get("of", {}).values() for texts in article.values()]
        said += [text for group in groups if isinstance(group, list) for text in group if isinstance(text, str)]
    assert len(said) > 250
    assert not [text for text in said if markdown.has_links(markdown.parse(text))]


@pytest.mark.parametrize(
    ("text", "article", "expected"),
    [
        ("test", HOT, ANSWERS["en"]["test"]),
        ("Hello everybody", HOT, ANSWERS["en"]["greeting"]),
        ("Thank you!", HOT, ANSWERS["en"]["thanks"]),
        ("Why on earth would anybody do that?", HOT, ANSWERS["en"]["question"]),
        ("haha, wonderful", HOT, ANSWERS["en"]["laugh"]),
        ("No, I don't think so.", HOT, ANSWERS["en"]["disagree"]),
        ("I agree", HOT, ANSWERS["en"]["agree"]),
        ("🚂", HOT, ANSWERS["en"]["short"]),
        ("مرحبا", HOT, ANSWERS["ar"]["greeting"]),
        ("هل هذا صحيح؟", "library-boat", ANSWERS["ar"]["of"]["library-boat"]["question"]),
        ("A sentence that is about nothing in particular, at some length.", HOT, ANSWERS["en"]["statement"]),
    ],
)
def test_an_answer_fits_the_occasion(text: str, article: str, expected: list[str]) -> None:
    assert answers().answer(text, "Ana", article) in [choice.replace("{name}", "Ana") for choice in expected]


def test_a_subject_of_the_article_is_answered_with_it() -> None:
    about_soup = next(rule["says"] for rule in ANSWERS["en"]["rule"] if "soup" in rule["words"])
    assert answers().answer("Is there really going to be soup?", "Ana", HOT) in about_soup
    assert answers().answer("Is there really going to be soup?", "Ana", "lake-mud") not in about_soup


def test_a_visitor_is_never_answered_the_same_twice_in_a_row_of_twenty() -> None:
    answering = answers()
    said = [answering.answer("I have been thinking about all of this.", "Ana", HOT) for _ in range(12)]
    assert len(set(said)) == len(said)
    more = [answering.answer("I have been thinking about all of this.", "Ana", HOT) for _ in range(40)]
    assert all(before != after for before, after in pairwise(more))


@pytest.mark.parametrize("name", ["*Ana*", "www.example.com", "<b>", "x" * 60, "a b c d", "[a](b)"])
def test_a_name_that_is_not_plain_is_not_repeated(name: str) -> None:
    answering = answers()
    for text in ("Hello", "Thank you!", "I agree", "Thoughts upon thoughts, and no end of them in sight."):
        for _ in range(15):
            said = answering.answer(text, name, HOT)
            assert name not in said and "{" not in said
