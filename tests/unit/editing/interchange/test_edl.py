"""CMX 3600 edit lists: the lines that programs write and read, drop-frame timecode, and what has no place in them."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Gap, Marker, Transition
from engine.editing.interchange.edl_read import read_edl
from engine.editing.interchange.edl_write import write_edl
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.smpte import frame_of, timecode
from engine.kernel.errors import Invalid
from tests.unit.editing.interchange import kit

FOREIGN = """TITLE: From elsewhere
FCM: NON-DROP FRAME

001  TALK     V     C        00:00:10:00 00:00:12:00 01:00:00:00 01:00:02:00
* FROM CLIP NAME: Talk one.mp4
* SOURCE FILE: /card/Talk one.mp4
002  TALK     V     C        00:00:12:00 00:00:12:00 01:00:02:00 01:00:02:00
002  STREET   V     D    012 00:00:05:00 00:00:08:00 01:00:02:00 01:00:05:00
* FROM CLIP NAME: Talk one.mp4
* TO CLIP NAME: street.mov
003  BL       V     C        00:00:00:00 00:00:01:00 01:00:05:00 01:00:06:00
004  AX       B     C        00:00:20:00 00:00:22:00 01:00:06:00 01:00:07:00
M2   AX       050.0                00:00:20:00
* FROM CLIP NAME: street.mov
>>> SOMETHING ELSE
* LOC: 01:00:06:10 GREEN  Look here
"""


def test_a_list_of_another_program_is_read() -> None:
    read = read_edl(FOREIGN.encode(), Asked(rate=kit.PAL), kit.SHELF)
    pictures, sound = read.timeline.tracks
    talk, dissolve, street, gap, fast = pictures.items
    assert isinstance(talk, Clip)
    assert talk.media == AssetReference(asset_id=kit.TALK.asset_id)
    assert (talk.source_range.start, talk.source_range.end) == (Fraction(10), Fraction(12))
    assert dissolve == Transition(kind="dissolve", in_offset=Fraction(0), out_offset=Fraction(12, 25))
    assert isinstance(street, Clip)
    assert street.source_range.start == 5
    assert gap == Gap(duration=Fraction(1))
    assert isinstance(fast, Clip)
    assert fast.speed == 2
    assert sound.items[0] == Gap(duration=Fraction(6))
    assert isinstance(sound.items[1], Clip)
    assert sound.items[1].link_group == fast.link_group
    assert read.timeline.markers == (Marker(name="Look here", at=6 + Fraction(10, 25), colour="green"),)
    assert [loss.where for loss in read.losses] == ["line 15"]


def test_a_reel_that_is_no_asset_is_a_gap_and_listed() -> None:
    text = FOREIGN.replace("Talk one.mp4", "Other.mp4").replace("TALK ", "OTHER")
    read = read_edl(text.encode(), Asked(rate=kit.PAL), kit.SHELF)
    assert read.timeline.tracks[0].items[0] == Gap(duration=Fraction(2))
    assert read.losses[1].what == "the reel 'OTHER' (Other.mp4)"


@pytest.mark.parametrize(
    ("text", "asked", "said"),
    [
        ("", None, "no events"),
        ("001 nonsense", None, "line 1 is no event"),
        (
            FOREIGN.replace("01:00:02:00\n* FROM", "01:00:02:30\n* FROM", 1),
            kit.PAL,
            "line 4: '01:00:02:30' is no timecode at 25",
        ),
        (FOREIGN.replace("NON-DROP", "DROP"), kit.PAL, "drop frame is of 30000/1001"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, asked: Fraction | None, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_edl(text.encode(), Asked(rate=asked), kit.SHELF)


def test_drop_frame_leaves_out_numbers_and_no_frames() -> None:
    # SMPTE ST 12-1: an hour of 30000/1001 has 107 892 frames; the first number after 00:00:59;29 is 00:01:00;02.
    rate = kit.DROP
    assert timecode(1799, rate, drop=True) == "00:00:59;29"
    assert timecode(1800, rate, drop=True) == "00:01:00;02"
    assert timecode(17982, rate, drop=True) == "00:10:00;00"
    assert timecode(107_892, rate, drop=True) == "01:00:00;00"
    assert timecode(3600, Fraction(60000, 1001), drop=True) == "00:01:00;04"
    with pytest.raises(ValueError, match="leaves out"):
        frame_of("00:01:00;01", rate, drop=True)
    with pytest.raises(ValueError, match="no drop-frame"):
        timecode(0, kit.PAL, drop=True)


def test_what_an_edit_list_cannot_carry_is_listed() -> None:
    talk = kit.clip(kit.TALK.asset_id, 1, 2)
    graded = replace(
        talk,
        effects=(Effect(name="exposure"),),
        reasons=("said well",),
        markers=(Marker(name="m", at=Fraction(1)),),
    )
    push = Transition(kind="push_left", in_offset=Fraction(1, 5), out_offset=Fraction(1, 5))
    second = kit.clip(kit.STREET.asset_id, Fraction(10, 3), 2, number=2)
    cut = kit.timeline(
        graded, push, second, kit.title("Hello", 1), sound=(kit.clip(kit.TALK.asset_id, 1, 2, number=3),)
    )
    cut = replace(
        cut, tracks=(*cut.tracks, replace(cut.tracks[0], name="V2"), replace(cut.tracks[1], kind="caption"))
    )
    written = write_edl(cut, kit.SHELF)
    text = written.data.decode()
    assert "* EFFECT NAME: PUSH LEFT" in text
    assert {(loss.where, loss.what) for loss in written.losses} == {
        ("tracks[2]", "the video track 'V2'"),
        ("tracks[3]", "the caption track 'A1'"),
        ("tracks[0].items[0]", "the effects exposure"),
        ("tracks[0].items[2]", "its start at 10/3 s"),
        ("tracks[0].items[3]", "the generator 'Hello'"),
        ("tracks[0].items[1]", "the transition 'push_left'"),
        ("tracks[0]", "markers of clips"),
        ("tracks[2]", "markers of clips"),
        ("", "link groups, scores, reasons and offsets of 1 clips"),
    }


def test_a_freeze_and_a_clip_played_backwards_have_their_speed_below_them() -> None:
    talk = kit.clip(kit.TALK.asset_id, 10, 2)
    text = write_edl(
        kit.timeline(replace(talk, speed=Fraction(0)), replace(talk, id="x", speed=Fraction(-1))), kit.SHELF
    ).data.decode()
    assert "M2   TALKONE       0.0                00:00:10:00" in text
    assert "M2   TALKONE     -25.0                00:00:12:00" in text
