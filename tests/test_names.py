import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server import names

NO_STAFF: frozenset[str] = frozenset()
TYPED = st.text(
    st.one_of(
        st.characters(), st.sampled_from("aA1 \u0301\u0307\u200b\u200d\u202e\ufe0f\u3164\u0645\u0915\u094d✓\ud800")
    ),
    max_size=40,
)


@given(TYPED)
@settings(max_examples=500, deadline=None)
def test_a_name_has_one_form_free_of_what_cannot_be_seen(typed: str) -> None:
    try:
        name = names.normalise(typed)
    except ValueError as error:
        assert str(error).endswith(".")
        return
    assert names.normalise(name) == name
    assert name == " ".join(name.split())
    assert 0 < len(name) <= names.NAME_MAX
    for character in name:
        assert unicodedata.category(character) not in ("Cc", "Co", "Cs", "Zl", "Zp")
        assert unicodedata.category(character) != "Cf" or character in "\u200c\u200d"
    assert names.skeleton(name)
    assert names.skeleton(names.skeleton(name)) == names.skeleton(name) or not name.isascii()
    name.encode()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Ann \t\n Lee  ", "Ann Lee"),
        ("Ann\u200b\u2060\ufeff\u00ad", "Ann"),
        ("\u202eeeL nnA\u202c", "eeL nnA"),
        ("Ａｎｎ ﬁ", "Ann fi"),
        ("Jose\u0301", "José"),
        ("a\u0301\u0302\u0303\u0304\u0305", "á\u0302"[:1] + "\u0302\u0303"),
        ("Ann ✓", "Ann"),
        ("Ann\U000e0061\U000e0062", "Ann"),
        ("\u0301Ann", "Ann"),
        ("Ann\ud800", "Ann"),
    ],
)  # fmt: skip
def test_a_typed_name_becomes_its_form(typed: str, name: str) -> None:
    assert names.normalise(typed) == name


@pytest.mark.parametrize(
    "name",
    [
        "Nguyễn Thị Hằng", "राष्ट्रपति", "क्षितिज", "สมหญิง ผู้ใหญ่", "שָׁלוֹם עֲלֵיכֶם",
        "مُحَمَّد", "علی‌رضا", "Ольга Ёлкина", "Şükrü", "毛利 蘭", "김철수",
        "O’Brien", "Jean-Luc", "D.J.", "🦊", ":)", "x", "Ægir Þór", "শ্রী", "ශ්‍රී", "ကျော်", "Ἀριστοτέλης", "ᠮᠣᠩᠭᠣᠯ",
    ],
)  # fmt: skip
def test_names_of_all_scripts_stay_as_they_are(name: str) -> None:
    name = unicodedata.normalize("NFKC", name)
    assert names.normalise(name) == name
    assert not names.is_reserved(name, NO_STAFF)


@pytest.mark.parametrize(
    "typed", ["", "   ", "\u200b\u200d", "\u3164", "\u2800\u2800", "\u115f", "\u0301", "\u202e", "✓", "\ufe0f"]
)
def test_a_name_that_cannot_be_seen_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="visible"):
        names.normalise(typed)


def test_a_name_has_at_most_sixty_characters_after_normalisation() -> None:
    assert names.normalise("  " + "n" * 60 + "\u200b" * 50) == "n" * 60
    with pytest.raises(ValueError, match=r"at most 60 characters; this one has 61\."):
        names.normalise("n" * 61)


@pytest.mark.parametrize(
    "name",
    [
        "admin", "ADMIN", "Аdmin", "Αdmιn", "ａｄｍｉｎ", "𝐀𝐝𝐦𝐢𝐧", "ᴀᴅᴍɪɴ", "🅰🅳🅼🅸🅽", "Ⓐⓓⓜⓘⓝ", "adm1n",
        "adrnin", "a.d-m i n", "admin2", "Admin (2)",
        "ádmin", "admın", "admin✓", "a\u200bdmin", "M0derator", "Мoderatоr", "Модератор",
        "Ripost", "R1post", "RIP0ST", "ripost team", "Øfficial",
        "管理员", "المشرف", "Ꭺdmin", "\u202enimda\u202cadmin"[-5:], "[admin]", "The Editors",
    ],
)  # fmt: skip
def test_the_offices_of_a_site_are_reserved_however_they_are_written(name: str) -> None:
    assert names.is_reserved(name, NO_STAFF)


@pytest.mark.parametrize(
    "name", ["Amin", "Adriana", "Madmin", "Rita Post", "Edith", "Damian", "Tom", "Maria", "Ada", "Rudi", "Modesta"]
)
def test_people_with_similar_names_are_not_refused(name: str) -> None:
    assert not names.is_reserved(name, NO_STAFF)


@pytest.mark.parametrize(
    "name",
    [
        "Clara Novak",
        "clara novak",
        "Сlаrа Nоvаk",
        "C1ara N0vak",
        "Clara-Novák",
        "ClaraNovak",
        "Ciara Novak",
        "Clara  Novak7",
    ],
)
def test_a_member_of_staff_cannot_be_imitated(name: str) -> None:
    staff = frozenset({names.skeleton("Clara Novak")})
    assert names.is_reserved(name, staff)
    assert not names.is_reserved("Clara Novaková", staff)
    assert not names.is_reserved("🦊", staff)


def test_names_without_letters_keep_keys_of_their_own() -> None:
    assert len({names.skeleton(name) for name in ("🦊", "🐻", ":)", "?!")}) == 4
