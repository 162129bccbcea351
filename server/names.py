"""The names people give themselves: their normal form, and which of them pretend to be somebody else.

Owns the normal form of a display name, the key under which look-alike names are equal, and the reserved names. Promises
that a stored name has no invisible, bidirectional or private-use character and no tower of accents, and that no two
names with different normal forms differ only in what cannot be seen. Never refuses a script: joiners stay between
letters of the scripts that need them (Arabic and Persian, Indic, Tibetan, Burmese, Khmer, Mongolian) and go elsewhere,
so emoji made of several parts fall apart into their parts. Check marks go too: a badge cannot be typed.
"""

import re
import unicodedata

from server import characters

NAME_MAX = 60  # characters after normalisation
ACCENTS_MAX = 2  # per base, of no script in particular; Vietnamese needs two
STACKED_MAX = 4  # per base, of any script; pointed Hebrew needs three

_SPACE_CONTROLS = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]")
_IGNORABLE = re.compile(  # default-ignorable or without ink, though no format character by category
    f"[{characters.BLANK_LETTERS}{characters.NONCHARACTERS}\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
_BADGES = re.compile("[✓✔☑✅🗸🗹]")
_JOINERS = "\u200c\u200d"
_JOINED_SCRIPTS = re.compile("[\u0600-\u06ff\u0750-\u077f\u0870-\u08ff\u0900-\u0dff\u0f00-\u109f\u1780-\u18af]")

_RESERVED_WORDS = (
    "admin", "admins", "administrator", "administration", "root", "superuser", "system", "webmaster", "postmaster",
    "moderator", "moderators", "moderation", "mod", "mods", "moderationteam", "modteam", "adminteam", "siteadmin",
    "staff", "staffmember", "team", "official", "support", "helpdesk", "security", "editor", "editors", "editorial",
    "theeditor", "theeditors", "author", "owner", "publisher", "newsroom", "redaction", "redaktion", "bot", "ripost",
    "ripostteam", "ripoststaff", "ripostadmin", "ripostmoderator", "ripostsupport", "ripostbot",
    "deleted", "removed", "deleteduser", "you", "me",
    "administrador", "administradora", "administrateur", "administratrice", "amministratore", "beheerder",
    "moderador", "moderadora", "moderateur", "moderatrice", "moderatore", "moderatorin",
    "администратор", "модератор", "админ", "редакция", "адміністратор", "модератор", "διαχειριστής", "συντονιστής",
    "管理员", "管理員", "版主", "编辑", "編集部", "管理人", "モデレーター", "관리자", "운영자",
    "مشرف", "المشرف", "مدير", "المدير", "מנהל", "מנחה", "प्रशासक", "ผู้ดูแล",
)  # fmt: skip


def normalise(name: str) -> str:
    """The name as it is stored and shown: NFKC, trimmed, inner spaces single. Normalising twice changes nothing.

    Raises ValueError with a sentence for the person: nothing visible is left, or more than NAME_MAX characters are.
    """
    text = name
    for _ in range(4):  # what one step removes may let the next compose; two rounds settle all that is known
        before, text = text, _clean(text)
        if text == before:
            break
    if not characters.is_visible(text):
        raise ValueError("A name needs at least one visible character.")
    if len(text) > NAME_MAX:
        raise ValueError(f"A name has at most {NAME_MAX} characters; this one has {len(text)}.")
    return text


def _clean(text: str) -> str:
    text = _BADGES.sub("", _IGNORABLE.sub("", _SPACE_CONTROLS.sub(" ", text)))
    text = unicodedata.normalize("NFKC", text.encode("utf-8", "ignore").decode())
    kept: list[str] = []
    for place, character in enumerate(text):
        if unicodedata.category(character) not in ("Cc", "Cf", "Co", "Cs") or _joins(text, place):
            kept.append(character)
    text = characters.limit_marks("".join(kept), generic=ACCENTS_MAX, stacked=STACKED_MAX)
    text = " ".join(text.split())
    while text and unicodedata.category(text[0])[0] == "M":  # a mark without a base would sit on what stands before
        text = text[1:].lstrip()
    return text


def _joins(text: str, place: int) -> bool:
    """Whether the character at `place` is a joiner between two letters of a script that writes with joiners."""
    return (
        text[place] in _JOINERS
        and 0 < place < len(text) - 1
        and _JOINED_SCRIPTS.match(text[place - 1]) is not None
        and _JOINED_SCRIPTS.match(text[place + 1]) is not None
    )


def _table(pairs: str) -> dict[int, str]:
    """`"аa вb"`: the first character looks like what follows it."""
    return {ord(pair[0]): pair[1:] for pair in pairs.split()}


# Look-alikes by sight, so upper and lower case have entries of their own: Greek Η looks like H, η like n.
_LOOKALIKES = {
    **_table("АA ВB ЕE ЅS ІI ЈJ КK МM НH ОO РP СC ТT УY ХX ҮY Ԛq Ԝw аa еe ѕs іi јj оo рp сc уy хx һh ԁd ԛq ԝw ӏl Ӏl"),
    **_table("ьb вb кk мm нh тt гr пn үy ѵv ԍg ѡw єe зe Зe"),
    **_table("ΑA ΒB ΕE ΖZ ΗH ΙI ΚK ΜM ΝN ΟO ΡP ΤT ΥY ΧX Ϲc Ϳj αa εe ηn ιi κk νv οo ρp σo τt υu χx ωw ϲc ϳj γy μm"),
    **_table("օo ոn սu հh ցg զq աw ԼL ՏS ՕO ՍU ӕae"),
    **_table("ᎪA ᏟC ᎠD ᎬE ᏀG ᎻH ᎥI ᎫJ ᏦK ᏞL ᎷM ᏢP ᎡR ᏚS ᎢT ᏙV ᎳW ᏃZ"),
    **_table("ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ɪi ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz ɑa ɡg ıi ȷj ɩi ʋv ɯw"),
    **_table("øo ØO đd ĐD łl ŁL ħh ĦH ŧt ŦT ɨi ɵo ƀb ðd ÐD ɗd ɓb ɛe ǝe æae ÆAE œoe ŒOE þp"),
    **_table("0o 1l |l !l @a $s 3e 4a 5s 7t ٠o ٥o ۵o"),
}
_LETTER_SYMBOLS = {
    first + place: chr(ord("a") + place)
    for first in (0x1F130, 0x1F150, 0x1F170, 0x1F1E6)  # squared, negative circled, negative squared, regional
    for place in range(26)
}
_LOOKALIKES |= _LETTER_SYMBOLS
_FOLDED = {**_LOOKALIKES, ord("i"): "l"}


def skeleton(name: str) -> str:
    """The key under which names that look alike are equal, whatever the script, case, spacing, accents or digits.

    Never empty for a name that can be seen: one without letters and digits is its own key. For comparison only.
    """
    text = unicodedata.normalize("NFKC", _BADGES.sub("", _IGNORABLE.sub("", name)))
    text = "".join(filter(_is_essential, unicodedata.normalize("NFD", text)))
    text = text.translate(_LOOKALIKES).casefold().translate(_FOLDED)
    text = text.replace("rn", "m").replace("vv", "w")
    key = "".join(character for character in unicodedata.normalize("NFC", text) if _is_word_character(character))
    return key or unicodedata.normalize("NFKC", name).casefold()


def _is_essential(character: str) -> bool:
    """False for marks that a reader overlooks or a script leaves out at will: accents, Hebrew and Arabic points."""
    order = unicodedata.combining(character)
    return not (10 <= order <= 36 or order >= 200 or unicodedata.category(character) == "Me")


def _is_word_character(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNM"


_RESERVED = frozenset(map(skeleton, _RESERVED_WORDS))
_TRAILING_NUMBER = re.compile(r"[\W_]*[0-9]+[\W_]*$")


def is_reserved(name: str, staff_skeletons: frozenset[str]) -> bool:
    """Whether `name` looks like a member of staff (`staff_skeletons`: their names' skeletons) or like an office of
    the site, also with a number behind it (admin2). For everyone who is not staff."""
    keys = {skeleton(name)}
    plain = unicodedata.normalize("NFKC", name)
    if number := _TRAILING_NUMBER.search(plain):
        keys.add(skeleton(plain[: number.start()] or name))
    return not keys.isdisjoint(_RESERVED) or not keys.isdisjoint(staff_skeletons)
