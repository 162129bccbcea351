"""What the commenters say: exchanges among themselves, and answers to a visitor. Decides only; saying it is others'.

Promises that nothing is said twice within MEMORY texts as long as there is anything else to say, that every exchange is
told once before one is told again, and that a visitor's own words never come back as Markdown. Chance is passed in.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

MEMORY = 500  # texts; at one every ten seconds about an hour and a half

_TURN = re.compile(r"(?P<speaker>[a-z])(?: (?P<answers>\d+))?: (?P<text>.+)", re.DOTALL)
_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[^\W_]+")
_ARABIC = re.compile("[\u0600-\u06ff\u0750-\u077f]")
_LETTER = re.compile(r"[^\W\d_]")
_PLAIN_NAME = re.compile(r"[^\W\d_]{1,20}(?: [^\W\d_]{1,20})?")
_SHORT = 3  # words
_GREETING_MOST = 8  # words; a longer text that begins with hello is about something else
_TEST_MOST = 6
_BRIEF = 12  # words up to which "no" and "great" are what the text is about


@dataclass(frozen=True, slots=True)
class Turn:
    """One comment of an exchange: `answers` is the number of the turn it answers, None for the first."""

    speaker: str
    text: str
    answers: int | None


@dataclass(frozen=True, slots=True)
class Exchange:
    """Turns in order. The first answers the comment with the key `under`, or stands at top level."""

    turns: tuple[Turn, ...]
    under: str | None = None


class Script:
    """Exchanges in changing order, with changing words in their slots."""

    def __init__(self, content: Mapping[str, Any], random: Random) -> None:
        """`content` is what exchanges.toml holds. Raises ValueError for a turn that cannot be read."""
        self._slots: Mapping[str, Sequence[str]] = content["slots"]
        self._exchanges = [_exchange(entry) for entry in content["exchange"]]
        self._random = random
        self._deck: list[Exchange] = []
        self._last_words: dict[str, str] = {}

    def deal(self) -> Exchange:
        """The next exchange."""
        if not self._deck:
            self._deck = self._random.sample(self._exchanges, len(self._exchanges))
        exchange = self._deck.pop()
        words = {name: self._word(name) for turn in exchange.turns for name in _SLOT.findall(turn.text)}
        turns = tuple(Turn(turn.speaker, _filled(turn.text, words), turn.answers) for turn in exchange.turns)
        return Exchange(turns, exchange.under)

    def _word(self, slot: str) -> str:
        choices = [word for word in self._slots[slot] if word != self._last_words.get(slot)]
        self._last_words[slot] = self._random.choice(choices)
        return self._last_words[slot]


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    turns: list[Turn] = []
    for place, line in enumerate(entry["turns"]):
        match = _TURN.fullmatch(line)
        if match is None or int(match["answers"] or 0) > max(0, place - 1):
            raise ValueError(f"not a turn: {line}")
        before = place - 1 if place else None
        turns.append(Turn(match["speaker"], match["text"], int(match["answers"]) if match["answers"] else before))
    return Exchange(tuple(turns), entry.get("under"))


def _filled(text: str, words: Mapping[str, str]) -> str:
    filled = _SLOT.sub(lambda slot: words[slot[1]], text)
    return filled[0].upper() + filled[1:]


class Answers:
    """What is answered to a visitor, from answers.toml, without repetition."""

    def __init__(self, content: Mapping[str, Any], random: Random) -> None:
        self._languages = content
        self._random = random
        self._said: OrderedDict[str, None] = OrderedDict()

    def answer(self, text: str, name: str, article: str) -> str:
        """An answer to `text` by a visitor called `name`, under the article from the file `article`."""
        language = self._languages["ar" if _is_arabic(text) else "en"]
        for choices in self._choices(language, text, article):
            fitting = [choice for choice in choices if "{name}" not in choice or _PLAIN_NAME.fullmatch(name)]
            fresh = [choice for choice in fitting if choice not in self._said]
            if fresh:
                return self._say(self._random.choice(fresh), name)
        everything = _said_on(language, "statement", article)
        oldest = min(everything, key=lambda choice: list(self._said).index(choice) if choice in self._said else -1)
        return self._say(oldest, name)

    def _choices(self, language: Mapping[str, Any], text: str, article: str) -> Iterable[Sequence[str]]:
        words = [word.casefold() for word in _WORD.findall(text)]
        occasion = _occasion(language["words"], words, text)
        if occasion in ("test", "greeting", "thanks"):
            yield _said_on(language, occasion, article)
        for rule in language["rule"]:
            if rule.get("article", article) == article and _has_any(words, rule["words"]):
                yield rule["says"]
        yield _said_on(language, occasion, article)
        yield _said_on(language, "statement", article)

    def _say(self, choice: str, name: str) -> str:
        self._said[choice] = None
        self._said.move_to_end(choice)
        if len(self._said) > MEMORY:
            self._said.popitem(last=False)
        if "{name}" in choice and not _PLAIN_NAME.fullmatch(name):
            choice = choice.replace(", {name}", "").replace(" {name}", "")
        return choice.replace("{name}", name)


def _said_on(language: Mapping[str, Any], occasion: str, article: str) -> Sequence[str]:
    own: Mapping[str, Sequence[str]] = language.get("of", {}).get(article, {})
    said: Sequence[str] = own.get(occasion) or language.get(occasion) or language["statement"]
    return said


def _occasion(lists: Mapping[str, Sequence[str]], words: Sequence[str], text: str) -> str:
    """What kind of a text it is, by its shape and by the words that give it away."""

    def has(kind: str, most: int, among: Sequence[str] = words) -> bool:
        return len(words) <= most and _has_any(among, lists[kind])

    if has("test", _TEST_MOST):
        return "test"
    if has("greeting", _GREETING_MOST, words[:3]) and "?" not in text:
        return "greeting"
    if has("thanks", _GREETING_MOST):
        return "thanks"
    if "?" in text or "؟" in text or "？" in text:
        return "question"
    if has("laugh", _BRIEF):
        return "laugh"
    if has("disagree", _BRIEF):
        return "disagree"
    if has("agree", _BRIEF):
        return "agree"
    if sum(word.isdigit() for word in words) > 1:
        return "numbers"
    return "short" if len(words) <= _SHORT else "statement"


def _has_any(words: Sequence[str], wanted: Iterable[str]) -> bool:
    return any(_has(words, entry) for entry in wanted)


def _has(words: Sequence[str], wanted: str) -> bool:
    """Whether `wanted` (a word, a beginning with `*`, or several words) stands in `words`."""
    if wanted.endswith("*"):
        return any(word.startswith(wanted[:-1]) for word in words)
    phrase = _WORD.findall(wanted)
    return any(list(words[place : place + len(phrase)]) == phrase for place in range(len(words) - len(phrase) + 1))


def _is_arabic(text: str) -> bool:
    return 2 * len(_ARABIC.findall(text)) > len(_LETTER.findall(text))
