"""Which font writes what: families, weights, scripts, and what nobody has."""

import pytest

from engine.rendering.typefaces import Choice, Typeface, choose, read_list, shipped

LATIN = ((0x20, 0x7E), (0xA0, 0xFF))


def _face(
    family: str, *, weight: int = 400, spans: tuple[tuple[int, int], ...] = LATIN, **given: object
) -> Typeface:
    return Typeface(
        path=f"/{family}-{weight}.ttf",
        families=(family,),
        lightest=weight,
        heaviest=weight,
        spans=spans,
        **given,  # type: ignore[arg-type]  # a test names what it means
    )


HEBREW = _face("Noto Sans Hebrew", spans=((0x20, 0x20), (0x590, 0x5FF)))
JAPANESE = _face("Noto Sans CJK JP", spans=((0x3000, 0x30FF), (0x4E00, 0x9FFF)))
CHINESE = _face("Noto Sans CJK SC", spans=((0x3000, 0x30FF), (0x4E00, 0x9FFF)))
EMOJI = _face("Noto Color Emoji", spans=((0x2764, 0x2764), (0x1F300, 0x1FAFF)), colour=True)
ALL = (*shipped(), HEBREW, JAPANESE, CHINESE, EMOJI, _face("Body"), _face("Body", weight=700))


def _chosen(choice: Choice) -> dict[str, str]:
    return {one.typeface.families[0]: one.characters for one in choice.parts if one.characters}


def test_the_family_that_is_asked_for_writes_what_it_can_in_the_nearest_weight() -> None:
    for weight, path in (
        (300, "/Body-400.ttf"),
        (400, "/Body-400.ttf"),
        (600, "/Body-700.ttf"),
        (900, "/Body-700.ttf"),
    ):
        choice = choose(ALL, "body", weight, italic=False, text="Hello")
        assert [one.typeface.path for one in choice.parts] == [path]
        assert not choice.notices


def test_the_shipped_font_takes_any_weight() -> None:
    first = choose(ALL, "Inter", 650, italic=False, text="Hi").parts[0]
    assert (first.typeface.families, first.weight) == (("Inter",), 650)
    assert first.typeface.has("Hi ")


def test_one_file_of_a_family_writes_all_that_it_can() -> None:
    letters = "The quick brown fox, THE LAZY DOG 0123456789"
    (only,) = choose(ALL, "Inter", 400, italic=False, text=letters).parts
    assert set(only.characters) == set(letters) - {" "}
    latin, *others = choose(ALL, "Inter", 400, italic=False, text="A Ω Ж").parts
    assert latin.characters == "A"
    assert [one.characters for one in others] == ["Ω", "Ж"]


def test_slanted_letters() -> None:
    assert choose(ALL, "Inter", 400, italic=True, text="Hi").parts[0].typeface.italic


def test_scripts_go_to_the_families_made_for_them() -> None:
    chosen = _chosen(choose(ALL, "Body", 400, italic=False, text="Hi שלום あ 日 🎬"))
    assert chosen == {
        "Body": "Hi",
        "Noto Sans Hebrew": "".join(sorted("שלום")),
        "Noto Sans CJK JP": "あ日",
        "Noto Color Emoji": "🎬",
    }


def test_chinese_characters_look_as_the_language_around_them_has_them() -> None:
    assert "Noto Sans CJK SC" in _chosen(choose(ALL, "Body", 400, italic=False, text="日本"))
    assert "Noto Sans CJK JP" in _chosen(choose(ALL, "Body", 400, italic=False, text="日本の"))


def test_a_heart_is_a_letter_or_a_picture_as_it_is_marked() -> None:
    with_heart = (*ALL, _face("Noto Sans Symbols", spans=((0x2764, 0x2764),)))
    assert "Noto Sans Symbols" in _chosen(choose(with_heart, "Body", 400, italic=False, text="❤"))
    assert "Noto Color Emoji" in _chosen(choose(with_heart, "Body", 400, italic=False, text="❤️"))


def test_characters_that_no_font_has_are_told_with_what_to_install() -> None:
    (notice,) = choose((*shipped(),), "Inter", 400, italic=False, text="abc नमस्ते").notices
    assert "Devanagari" in notice
    assert "apt-get install fonts-noto-core" in notice
    (notice,) = choose((*shipped(),), "Inter", 400, italic=False, text="🎬").notices
    assert "fonts-noto-color-emoji" in notice


def test_a_family_that_is_not_there_is_told() -> None:
    choice = choose(ALL, "Comic Sans MS", 400, italic=False, text="Hi")
    assert "Comic Sans MS" in choice.notices[0]
    assert choice.parts[0].typeface.families == ("Inter",)


def test_the_list_of_fontconfig() -> None:
    listing = (
        "/b.ttf\t0\tB Sans,B\t80\t0\t100\tFalse\tFalse\t20-7e a0 2026\n"
        "/v.ttf\t0\tVar\t[0 210]\t0\t100\tFalse\tTrue\t20-7e\n"
        "/v.ttf\t65536\tVar\t200\t0\t100\tFalse\tFalse\t20-7e\n"
        "/c.ttc\t3\tC\t200\t100\t75\tTrue\tFalse\t4e00-9fff\n"
        "half a line\n"
    )
    b, c, v = read_list(listing)
    assert (b.families, b.lightest, b.spans) == (
        ("B Sans", "B"),
        400,
        ((0x20, 0x7E), (0xA0, 0xA0), (0x2026, 0x2026)),
    )
    assert (c.index, c.heaviest, c.italic, c.colour, c.width) == (3, 700, True, True, 75)
    assert (v.lightest, v.heaviest) == (100, 900)
    assert read_list("".join(reversed(listing.splitlines(keepends=True)))) == (b, c, v)


@pytest.mark.parametrize(
    ("character", "there"), [("\x1f", False), (" ", True), ("~", True), ("\x7f", False), ("…", False)]
)
def test_what_a_font_has(character: str, there: bool) -> None:
    assert _face("Body").has(character) is there
