"""A page copied as plain text: title, paragraphs, then comments headed `N. NAME says:` or `• NAME says:`.

CONTRACT.md has the format. What varies in copied text is taken as it comes: blank lines, tabs and no-break spaces, line
ends, wrapped lines, the sign of a bullet, numbers that start again. Where guessing could put words into somebody's
mouth, the line is named instead.
"""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from server import bodies, characters, events, markdown, names
from server.importers import plain
from server.importers.records import Article, Comment, NotUnderstood

TITLE_MAX = 300  # characters
TEXT_MAX = 65_536  # characters of a comment: six times what may be posted here, a bound all the same
HEADING_MAX = 500  # characters of a line that can be a comment's heading
TAB = 4  # columns

_LINE_END = re.compile("\r\n|\n|\r")
_INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"
_SPACES = "".join(filter(str.isspace, map(chr, range(0x3001)))) + _INVISIBLE
_BULLETS = "•‣⁃◦▪▫●○■□∙·*+–—-"
_HEADING = re.compile(rf"(?:(?P<number>[0-9]{{1,9}})\s*[.)]|[{_BULLETS}]|o)\s+(?P<name>\S.*?|\S)\s+says\s*:")
_ITEM = re.compile(rf"(?:[0-9]{{1,9}}[.)]|[{_BULLETS}])\s")
_SCRIPTS_WITHOUT_SPACES = frozenset("WF")  # East Asian width


@dataclass(frozen=True, slots=True)
class Page:
    """What was found, and why a comment of it was left out."""

    article: Article
    comments: list[Comment]
    skipped: list[str]


@dataclass(slots=True)
class _Found:
    """A comment as it is read: its heading's place, its parent, its paragraphs so far."""

    line: int
    indent: int
    name: str
    parent: "_Found | None"
    paragraphs: list[str] = field(default_factory=list)
    key: str = ""
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    indent: int
    text: str  # without the space around it; empty for a blank line


def decode(data: bytes) -> list[str]:
    """The lines of a file. Raises NotUnderstood with line and byte where it is not UTF-8."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise NotUnderstood(1, "text in UTF-8 is expected; this is UTF-16, save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = len(_LINE_END.findall(before.decode("utf-8", "replace"))) + 1
        place = error.start - max(before.rfind(b"\n"), before.rfind(b"\r"))
        raise NotUnderstood(
            line, f"text in UTF-8 is expected; byte {place} of the line is 0x{data[error.start]:02x}, save it as UTF-8"
        ) from None
    if "\0" in text:
        raise NotUnderstood(text[: text.index("\0")].count("\n") + 1, "text is expected; this is a binary file")
    return _LINE_END.split(text)


def parse(lines: Sequence[str]) -> Page:
    """The article and its comments, parents before replies. Raises NotUnderstood."""
    reading = [_line(number, text) for number, text in enumerate(lines, 1)]
    start = next((place for place, line in enumerate(reading) if line.text), None)
    if start is None:
        raise NotUnderstood(1, "the article's title is expected; the file is empty")
    title = _title(reading[start])
    paragraphs, place = _body(reading, start + 1)
    found = _comments(reading[place:])
    if not paragraphs and not found:
        raise NotUnderstood(reading[start].number + 1, "a paragraph of the article or `1. NAME says:` is expected")
    article = Article(
        key=_key(title, "\n".join(paragraphs)[:1000]),
        title=title,
        body=_html(paragraphs, reading[start].number + 1),
    )
    comments, skipped = _records(found)
    return Page(article, comments, skipped)


def _line(number: int, text: str) -> _Line:
    text = text.lstrip(_INVISIBLE)
    rest = text.lstrip()
    indent = len(text[: len(text) - len(rest)].expandtabs(TAB))
    rest = rest.rstrip(_SPACES)
    return _Line(number, indent, rest if characters.is_visible(rest) else "")


def _title(line: _Line) -> str:
    if _heading(line.text):
        raise NotUnderstood(line.number, "the article's title is expected before the first comment")
    title = " ".join(markdown.normalise(line.text).split())
    if len(title) > TITLE_MAX:
        raise NotUnderstood(
            line.number, f"the article's title is expected, at most {TITLE_MAX} characters; this has {len(title)}"
        )
    return title


def _heading(text: str) -> re.Match[str] | None:
    return _HEADING.fullmatch(text) if text.endswith(":") and len(text) <= HEADING_MAX else None


def _body(reading: Sequence[_Line], place: int) -> tuple[list[str], int]:
    """The article's paragraphs, and where its comments begin."""
    end = next((at for at in range(place, len(reading)) if _heading(reading[at].text)), len(reading))
    return [text for _, text in _paragraphs(reading[place:end])], end


def _paragraphs(reading: Sequence[_Line]) -> Iterator[tuple[_Line, str]]:
    """Runs of lines joined, each with its first line. An item of a list begins a paragraph of its own."""
    run: list[_Line] = []
    for line in reading:
        if run and (not line.text or _ITEM.match(line.text)):
            yield run[0], _joined(run)
            run = []
        if line.text:
            run.append(line)
    if run:
        yield run[0], _joined(run)


def _joined(run: Sequence[_Line]) -> str:
    text = ""
    for line in run:
        both = text[-1:] + line.text[:1]
        spaced = not all(unicodedata.east_asian_width(character) in _SCRIPTS_WITHOUT_SPACES for character in both)
        text += (" " if text and spaced else "") + " ".join(line.text.split())
    return text


def _comments(reading: Sequence[_Line]) -> list[_Found]:
    found: list[_Found] = []
    place = 0
    while place < len(reading):
        head = _heading(reading[place].text)
        if head is not None:
            line = reading[place]
            above = None if head["number"] else _nearest(found[-1] if found else None, line.indent)
            found.append(_Found(line.number, line.indent, head["name"], above))
            place += 1
            continue
        end = next((at for at in range(place, len(reading)) if _heading(reading[at].text)), len(reading))
        for first, text in _paragraphs(reading[place:end]):
            _owner(found[-1], first).paragraphs.append(text)
        place = end
    return found


def _nearest(comment: _Found | None, indent: int) -> _Found | None:
    """The nearest comment above that is indented less than `indent`: any that is not above the last one in the tree was
    followed by one indented no deeper."""
    while comment is not None and comment.indent >= indent:
        comment = comment.parent
    return comment


def _owner(last: _Found, line: _Line) -> _Found:
    """The comment that a paragraph belongs to. Raises NotUnderstood for one that stands outside of all comments."""
    owner = _nearest(last, line.indent)
    if owner is not None:
        return owner
    top = last
    while top.parent is not None:
        top = top.parent
    if line.indent < top.indent:
        raise NotUnderstood(
            line.number,
            f"a comment's paragraph, indented below its heading, or a heading such as `2. NAME says:` is expected, "
            f"not {characters.cut(line.text, 40)!r}; take out what follows the comments",
        )
    return last  # copied without indentation


def _records(found: Sequence[_Found]) -> tuple[list[Comment], list[str]]:
    comments, skipped = [], []
    alike: dict[str, int] = {}
    for one in found:
        name = _name(one.name)
        text = "\n\n".join(one.paragraphs)
        base = _key(one.parent.key if one.parent else "", name, text)
        alike[base] = alike.get(base, 0) + 1
        one.key = base if alike[base] == 1 else _key(base, str(alike[base]))
        source, tree = plain.comment(one.paragraphs)
        if not characters.is_visible(source):
            one.left_out = True
            skipped.append(f"line {one.line}: the comment of {name} has no text")
        elif len(source) > TEXT_MAX:
            one.left_out = True
            skipped.append(f"line {one.line}: the comment of {name} has more than {TEXT_MAX} characters")
        else:
            parent = one.parent
            while parent is not None and parent.left_out:
                parent = parent.parent
            key = None if parent is None else parent.key
            comments.append(Comment(key=one.key, parent=key, name=name, source=source, tree=events.encode(tree)))
    return comments, skipped


def _name(text: str) -> str:
    try:
        return names.normalise(text)
    except ValueError:
        pass
    try:
        return names.normalise(characters.cut(text, names.NAME_MAX))
    except ValueError:
        return "Anonymous"


def _html(paragraphs: Sequence[str], line: int) -> str:
    try:
        return bodies.to_html("".join(f"<p>{html.escape(text)}</p>\n" for text in paragraphs), "html")
    except ValueError as error:
        raise NotUnderstood(line, str(error)) from None


def _key(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:32]
