"""The languages that pages are written in: what is said in each, how it counts, how it writes days, which is asked for.

Owns the words of server-rendered pages. Those that static/ says too have the keys and the texts of static/i18n
(tests/markup/test_languages.py holds that), so that a script that takes a page over finds its own words on it. Promises
that every language has every word. Never translates what people wrote, nor errors, which are the API's and English.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.markup.languages import ar, de, en, es, fr

Text = str | Mapping[str, str]
_MOST = 12  # languages of an Accept-Language that are looked at


@dataclass(frozen=True, slots=True)
class Words:
    """What is said in one language: `words("replyTo", name="Ana")`. Plain text, to be escaped where it is written."""

    language: str
    direction: str
    table: Mapping[str, Text]
    category: Callable[[int], str]
    group: str
    least_grouped: int
    months: tuple[str, ...]
    day: str
    moment: str

    def __call__(self, key: str, **values: str | int) -> str:
        """The text of `key` with its places filled in; the form of a plural is chosen by `n`. Raises KeyError."""
        entry = self.table[key]
        text = entry if isinstance(entry, str) else entry[self.category(int(values["n"]))]
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", self.number(value) if isinstance(value, int) else value)
        return text

    def number(self, value: int) -> str:
        """A whole number as people write it: 12,345."""
        return f"{value:,}".replace(",", self.group) if value >= self.least_grouped else str(value)

    def forms(self, key: str) -> Mapping[str, str]:
        """Every plural form of a text, by its category."""
        entry = self.table[key]
        return {"other": entry} if isinstance(entry, str) else entry

    def long_date(self, time: str) -> str:
        """The day of an RFC 3339 time: 23 November 2026."""
        return self._dated(self.day, time)

    def short_time(self, time: str) -> str:
        """An RFC 3339 time as readers see it before a script words it in their own zone: 23/11/2026, 19:58."""
        return self._dated(self.moment, time)

    def _dated(self, form: str, time: str) -> str:
        month = int(time[5:7])
        return form.format(
            day=int(time[8:10]), month=self.months[month - 1], number=time[5:7], year=time[:4], time=time[11:16]
        )


def _two(n: int) -> str:
    return "one" if n == 1 else "other"


def _spanish(n: int) -> str:
    return "one" if n == 1 else "many" if n and n % 1_000_000 == 0 else "other"


def _french(n: int) -> str:
    return "one" if n <= 1 else "many" if n % 1_000_000 == 0 else "other"


def _arabic(n: int) -> str:
    if n <= 2:
        return ("zero", "one", "two")[n]
    return "few" if 3 <= n % 100 <= 10 else "many" if n % 100 >= 11 else "other"


# Plurals, numbers and days as CLDR has them.
ENGLISH = Words(
    "en", "ltr", en.WORDS, _two, ",", 0, en.MONTHS, "{day} {month} {year}", "{day} {month:.3} {year}, {time}"
)
_ALL = {
    words.language: words
    for words in (
        ENGLISH,
        Words("de", "ltr", de.WORDS, _two, ".", 0, de.MONTHS, "{day}. {month} {year}", "{day}.{number}.{year}, {time}"),
        Words(
            "es", "ltr", es.WORDS, _spanish, ".", 10_000, es.MONTHS,
            "{day} de {month} de {year}", "{day}/{number}/{year}, {time}",
        ),
        Words(
            "fr", "ltr", fr.WORDS, _french, "\u202f", 0, fr.MONTHS,
            "{day} {month} {year}", "{day}/{number}/{year} {time}",
        ),
        Words(
            "ar", "rtl", ar.WORDS, _arabic, ",", 0, ar.MONTHS,
            "{day} {month} {year}", "{day} {month} {year}، {time}",
        ),
    )
}  # fmt: skip
LANGUAGES = tuple(_ALL)


def words_in(language: str) -> Words:
    """The words of one of LANGUAGES. Raises KeyError."""
    return _ALL[language]


def asked_for(accept: str) -> Words:
    """The best of what an Accept-Language header asks for (RFC 9110 12.5.4); English when there is none of it."""
    best, found = 0.0, ENGLISH
    for part in accept.split(",")[:_MOST]:
        tag, _, quality = part.partition(";")
        words = _ALL.get(tag.strip().lower().partition("-")[0])
        weight = _weight(quality)
        if words is not None and weight > best:
            best, found = weight, words
    return found


def _weight(quality: str) -> float:
    name, _, value = quality.strip().partition("=")
    if not name:
        return 1.0
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0
