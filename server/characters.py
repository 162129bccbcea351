"""Which characters stored text may hold: the rules that comments, names and slugs share.

Owns the sets of characters that do nothing but deceive or deface (bidirectional overrides, tags, fillers) and the bound
on combining marks. Promises linear time and a result that can always be encoded as UTF-8 and written as XML. Never
judges meaning, and never breaks a script: Hebrew points, Arabic vowels, Indic, Thai, Tibetan and Burmese signs stay.
"""

import re
import unicodedata

BIDI_CONTROLS = "\u202a-\u202e\u2066-\u2069"  # embeddings, overrides, isolates; the page isolates by dir="auto"
NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
BLANK_LETTERS = (
    "\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"  # Hangul and Khmer fillers, empty braille: letters without ink
)
MARKS_STACKED_MAX = 4  # per base; the most that a script in use puts above and below one letter
MARKS_MAX = 8  # per base with spacing and subjoined signs; Tibetan and Burmese syllables reach 6

# Signs that are letters in all but category: they make the syllable longer, not the stack higher.
_SUBJOINED = re.compile("[\u0f8d-\u0fbc\u103a-\u103e\u1a55-\u1a60\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_GENERIC_MARK = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
_BLANK = re.compile(f"[{BLANK_LETTERS}]")
_NEWLINES = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_DROPPED = re.compile(
    f"[\x00-\x08\x0e-\x1f\x7f-\x9f{BIDI_CONTROLS}\u2060-\u2065\u206a-\u206f\ufeff\ufff0-\ufffb"
    f"{NONCHARACTERS}\ud800-\udfff]"
)
# A flag such as Scotland's is a black flag and tag characters; anywhere else tags are hidden text.
_TAG_RUN = re.compile("(\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f)|[\U000e0000-\U000e00ff]+")
_JOINERS = re.compile("([\u200b-\u200f\u00ad\u034f\u061c\u180b-\u180f])[\u200b-\u200f\u00ad\u034f\u061c\u180b-\u180f]+")
_BLANK_LINES = re.compile("\n{4,}")
_INK = re.compile("[!-~]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f]")  # what _DROPPED has of ASCII
_UNUSUAL = re.compile("[^\n -~]")


def limit_marks(text: str, *, generic: int, stacked: int = MARKS_STACKED_MAX) -> str:
    """`text` with at most `generic` accents of no script in particular, `stacked` marks of any script and MARKS_MAX
    signs of all kinds on one base. The rest is dropped. Joiners between marks do not start a new base."""
    if text.isascii():
        return text
    kept: list[str] = []
    accents = marks = signs = 0
    for character in text:
        category = unicodedata.category(character)
        if category[0] == "M":
            is_accent = _GENERIC_MARK.match(character) is not None
            is_stacked = category != "Mc" and not _SUBJOINED.match(character)
            too_many = (is_accent and accents >= generic) or (is_stacked and marks >= stacked) or signs >= MARKS_MAX
            if too_many:
                continue
            accents += is_accent
            marks += is_stacked
            signs += 1
        elif category != "Cf":
            accents = marks = signs = 0
        kept.append(character)
    return "".join(kept)


def is_visible(text: str) -> bool:
    """Whether anything of `text` leaves ink: some character that is no space, control, format character or filler."""
    return _INK.search(text) is not None or any(
        unicodedata.category(character)[0] not in "ZCM" or unicodedata.category(character) == "Cn"
        for character in _BLANK.sub("", text)
    )


def normalise_text(source: str) -> str:
    """`source` in the form in which texts are kept; normalising twice changes nothing.

    NFC; lines end in LF and not in spaces; at most two blank lines in a row, none at the ends; no controls, surrogates,
    noncharacters, bidirectional embeddings, overrides and isolates, no hidden tags; at most four combining marks on a
    base. Marks of direction and the joiners that Persian, Indic scripts and emoji need stay.
    """
    text = source.rstrip()
    if _is_normal(text):
        return text
    text = _NEWLINES.sub("\n", text)
    if text.isascii():
        text = _CONTROLS.sub("", text)
    else:
        text = _DROPPED.sub("", text)
        text = _TAG_RUN.sub(lambda match: match[1] or "", text)
        text = limit_marks(unicodedata.normalize("NFC", text), generic=MARKS_STACKED_MAX)
        text = unicodedata.normalize("NFC", _JOINERS.sub(r"\1", text))
    text = "\n".join([line.rstrip() for line in text.split("\n")])
    return _BLANK_LINES.sub("\n\n\n", text).strip("\n")


def _is_normal(text: str) -> bool:
    """True for most of what is written in ASCII and does not end in spaces; False says nothing."""
    return _UNUSUAL.search(text) is None and not text.startswith("\n") and " \n" not in text and "\n\n\n\n" not in text


def cut(text: str, limit: int) -> str:
    """`text` on one line of at most `limit` characters, cut between words with an ellipsis where it is longer."""
    line = " ".join(text.split())
    if len(line) <= limit:
        return line
    head = line[:limit]
    space = head.rfind(" ")
    if space < limit // 2:  # a script without spaces, or one endless word: cut anywhere but before a mark
        space = limit - 1
        while space > 0 and unicodedata.category(line[space])[0] in "MC":
            space -= 1
    return head[:space].rstrip(" ,;:.-–—") + "…"
