"""What a text gets before it is drawn: fonts by hash, its safe zone, time only where something moves."""

import hashlib
from pathlib import Path

import pytest

from engine.editing.profiles import profile_named
from engine.kernel.blobs import Blobs
from engine.kernel.errors import Unavailable
from engine.rendering.graph import Drawn
from engine.rendering.lettering import BROADCAST, WHOLE, Fonts, Letterer, lettered, zone_of
from engine.rendering.typefaces import Typeface
from tests.render.text.kit import node, words

REELS = profile_named("reels")


def _zone(one: Drawn) -> list[float]:
    return [_number(one, f"safe_{side}") for side in ("top", "bottom", "left", "right")]


def _number(one: Drawn, name: str) -> float:
    value = one.values[name]
    assert not isinstance(value, str)
    return value[0]


def test_the_safe_zone_is_that_of_the_profile_unless_another_is_named() -> None:
    assert _zone(node("title", profile=REELS)) == [0.14, 0.35, 0.06, 0.06]
    assert _zone(node("title")) == [0.05] * 4
    assert _zone(node("title", profile=REELS, given={"safe_zone": "broadcast"})) == [0.05] * 4
    assert _zone(node("title", profile=REELS, given={"safe_zone": "none"})) == [0.0] * 4
    assert zone_of("tiktok", REELS) == profile_named("tiktok").safe_zone
    assert (zone_of("none", REELS), zone_of("profile", profile_named("youtube"))) == (WHOLE, BROADCAST)


def test_time_is_left_out_where_nothing_moves_so_that_a_trim_changes_no_picture() -> None:
    still = node("title", seconds=[0.0, 0.04], lasts=4)
    assert (still.seconds, still.lasts) == ((0.0,), 0.0)
    coming = node("title", seconds=[0.0, 0.04], lasts=4, given={"animate_in": "fade"})
    assert (coming.seconds, coming.lasts) == ((0.0, 0.04), 0.0)
    going = node("title", seconds=[0.0, 0.04], lasts=4, given={"animate_out": "fade"})
    assert (going.seconds, going.lasts) == ((0.0, 0.04), 4)
    assert node("caption", seconds=[0.0, 0.04], said=words("a b")).seconds == (0.0, 0.04)
    assert node("counter", seconds=[0.0, 0.04]).lasts == 4


def test_fonts_are_named_by_the_hash_of_their_file() -> None:
    fonts = Fonts()
    one = node("title", fonts=fonts, given={"text": "Hi"})
    assert one.fonts[0].characters == "Hi"
    assert one.fonts[0].weight == 700
    content = Path(fonts.path_of(one.fonts[0].sha256)).read_bytes()
    assert hashlib.sha256(content).hexdigest() == one.fonts[0].sha256


def test_a_text_in_capitals_has_fonts_for_them_too() -> None:
    one = node("title", given={"text": "straße", "case": "upper"})
    assert set("STRASSE") <= set(one.fonts[0].characters)
    assert set("0123456789") <= set(node("counter").fonts[0].characters)


def test_what_holds_no_writing_needs_no_font() -> None:
    assert node("bars").fonts == ()
    assert node("gradient", seconds=[0.0, 1.0]).seconds == (0.0,)


def test_soft_captions_that_are_left_to_be_drawn_are_told() -> None:
    plain = node("caption", given={"text": "x"})
    soft = Drawn(kind="caption", values={**plain.values, "style": "soft"}, seconds=(0.0,))
    assert "soft" in lettered(soft, None, Fonts())[1][0]


def test_the_fonts_of_a_plan_are_kept_among_the_blobs(tmp_path: Path) -> None:
    blobs, letter = Blobs(tmp_path / "blobs"), Letterer(None, Fonts())
    plain = node("title", given={"text": "Hi"})
    done, notices = letter(plain)
    assert not notices
    letter.keep(blobs)
    letter.keep(blobs)
    assert all(blobs.has(font.sha256) for font in done.fonts)


def test_a_font_that_changes_while_a_plan_is_made_is_told(tmp_path: Path) -> None:
    file = tmp_path / "own.ttf"
    file.write_bytes(b"one")
    own = Typeface(path=str(file), families=("Own",), lightest=400, heaviest=400, spans=((0x20, 0x7E),))
    letter = Letterer(None, Fonts([own]))
    letter(node("title", given={"text": "Hi", "font": "Own"}, fonts=Fonts([own])))
    file.write_bytes(b"two")
    with pytest.raises(Unavailable, match="changed"):
        letter.keep(Blobs(tmp_path / "blobs"))
    file.unlink()
    with pytest.raises(Unavailable, match="gone"):
        letter.keep(Blobs(tmp_path / "blobs"))
