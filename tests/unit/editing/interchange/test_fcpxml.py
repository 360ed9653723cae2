"""FCPXML of other programs, hostile XML, and what has no place in it."""

from fractions import Fraction

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Marker,
    Transition,
)
from engine.editing.interchange.fcpxml_read import read_fcpxml
from engine.editing.interchange.fcpxml_write import write_fcpxml
from engine.editing.interchange.settings import Asked
from engine.kernel.errors import Invalid
from tests.unit.editing.interchange import kit

FOREIGN = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE fcpxml>
<fcpxml version="1.9">
  <resources>
    <format id="r1" name="FFVideoFormat720p2398" frameDuration="1001/24000s" width="1280" height="720"/>
    <asset id="r2" name="Talk one" start="3600s" duration="60s" hasVideo="1" hasAudio="1" format="r1">
      <media-rep kind="original-media" src="file:///Volumes/Card/Talk%20one.mp4"/>
    </asset>
    <asset id="r3" name="music" src="file:///Volumes/Card/music.wav" start="0s" duration="60s" hasAudio="1"/>
    <effect id="r4" name="Cross Dissolve" uid="FxPlug:4731E73A"/>
    <effect id="r5" name="Custom Title" uid="x"/>
  </resources>
  <library><event><project name="Interview"><sequence format="r1" tcStart="3600s" audioRate="48k"><spine>
    <asset-clip ref="r2" name="A" offset="3600s" start="86587501/24000s" duration="48048/24000s">
      <marker start="86588502/24000s" duration="1001/24000s" value="Here" note="why"/>
      <title ref="r5" lane="1" offset="86587501/24000s" start="3600s" duration="24024/24000s" name="Name">
        <text><text-style ref="t1">Ada &amp; Bob</text-style></text>
        <text-style-def id="t1"><text-style font="Inter" fontSize="63" fontColor="1 0.5 0 1" bold="1"/></text-style-def>
      </title>
      <filter-video ref="r9" name="Sharpen"/>
    </asset-clip>
    <transition name="Cross Dissolve" offset="86436012/24000s" duration="24024/24000s"/>
    <asset-clip ref="r2" name="B" offset="86448048/24000s" start="3610s" duration="48048/24000s" srcEnable="video"/>
    <asset-clip ref="r3" name="lost" offset="86496096/24000s" duration="24024/24000s"/>
  </spine></sequence></project></event></library>
</fcpxml>"""


def test_a_project_of_another_program_is_read() -> None:
    read = read_fcpxml(FOREIGN.encode(), Asked(), kit.SHELF)
    cut = read.timeline
    assert (cut.name, cut.rate, cut.width) == ("Interview", kit.FILM, 1280)
    pictures, titles, sound = cut.tracks
    first, dissolve, second = pictures.items
    assert isinstance(first, Clip)
    assert isinstance(second, Clip)
    assert first.media == AssetReference(asset_id=kit.TALK.asset_id)
    assert first.source_range.start == Fraction(86587501, 24000) - 3600
    assert first.markers == (Marker(name="Here", at=Fraction(1001, 24000), comment="why"),)
    half = Fraction(12012, 24000)
    assert dissolve == Transition(kind="dissolve", in_offset=half, out_offset=half)
    assert second.source_range.start == 10
    title = titles.items[0]
    assert isinstance(title, Clip)
    assert title.media == Generator(
        kind="title",
        parameters={"text": "Ada & Bob", "font": "Inter", "size": 63.0, "colour": "#ff8000", "weight": 700.0},
    )
    heard = sound.items[0]
    assert isinstance(heard, Clip)
    assert heard.link_group == first.link_group
    assert [(loss.where, loss.what) for loss in read.losses] == [
        ("asset-clip 'A'", "filter-video 'Sharpen'"),
        ("asset-clip 'lost'", "the media 'music'"),
    ]


def test_a_clip_whose_media_is_no_asset_leaves_its_time_empty() -> None:
    text = FOREIGN.replace("Talk%20one.mp4", "gone.mp4").replace('name="Talk one"', 'name="gone"')
    text = text.replace("music.wav", "street.mov").replace('hasAudio="1"/>', 'hasVideo="1"/>')
    items = read_fcpxml(text.encode(), Asked(), kit.SHELF).timeline.tracks[0].items
    assert items[0] == Gap(duration=Fraction(96096, 24000))


BOMB = """<!DOCTYPE fcpxml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<fcpxml version="1.10"><resources/>&b;</fcpxml>"""
OUTSIDE = '<!DOCTYPE fcpxml [<!ENTITY x SYSTEM "file:///etc/passwd">]><fcpxml>&x;</fcpxml>'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not XML"),
        ("<fcpxml", "not XML"),
        (BOMB, "line 1: entities"),
        (OUTSIDE, "entities"),
        ("<a>" * 5000, "100 levels"),
        ("<other/>", "XML of 'other'"),
        ("<fcpxml/>", "no sequence"),
        ('<?xml version="1.0" encoding="klingon"?><fcpxml/>', "not XML"),
    ],
)
def test_what_is_hostile_or_no_fcpxml_is_refused(text: str, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        read_fcpxml(text.encode(), Asked(), kit.SHELF)


def test_a_compound_clip_that_holds_itself_is_refused() -> None:
    text = (
        '<fcpxml><resources><media id="m"><sequence><spine><ref-clip ref="m" duration="1s"/></spine></sequence></media></resources>'
        '<project><sequence><spine><ref-clip ref="m" duration="1s"/></spine></sequence></project></fcpxml>'
    )
    with pytest.raises(Invalid, match="nested more than"):
        read_fcpxml(text.encode(), Asked(), kit.SHELF)


def test_many_compound_clips_within_each_other_are_refused_before_they_are_made() -> None:
    media = "".join(
        f'<media id="m{n}"><sequence><spine>'
        + f'<ref-clip ref="m{n + 1}" duration="1s"/>' * 60
        + "</spine></sequence></media>"
        for n in range(6)
    )
    text = f'<fcpxml><resources>{media}</resources><project><sequence><spine><ref-clip ref="m0" duration="1s"/></spine></sequence></project></fcpxml>'
    with pytest.raises(Invalid, match="more than"):
        read_fcpxml(text.encode(), Asked(), kit.SHELF)


def test_a_ramp_becomes_straight_pieces_and_says_so() -> None:
    talk = kit.clip(kit.TALK.asset_id, 1, 2)
    ramp = (Keyframe(at=Fraction(0), value=1.0), Keyframe(at=Fraction(2), value=3.0))
    written = write_fcpxml(kit.timeline(replace(talk, ramp=ramp)), kit.SHELF)
    assert [loss.what for loss in written.losses] == ["the ramp of the speed"]
    read = read_fcpxml(written.data, Asked(), kit.SHELF).timeline.tracks[0].items[0]
    assert isinstance(read, Clip)
    assert {key.ease for key in read.ramp} == {"hold"}
    # The pieces play as much as the ramp does: 2 s at 2x on average.
    assert sum(key.value for key in read.ramp) / len(read.ramp) == pytest.approx(2.0, abs=0.01)


def test_what_fcpxml_cannot_carry_is_listed() -> None:
    talk = replace(kit.clip(kit.TALK.asset_id, 1, 2), effects=(Effect(name="exposure"),), link_group="x")
    push = Transition(
        kind="wipe_left", in_offset=Fraction(1, 5), out_offset=Fraction(1, 5), parameters={"soft": 1.0}
    )
    cut = kit.timeline(talk, push, kit.title("Hello", 1))
    cut = replace(
        cut,
        tracks=(replace(cut.tracks[0], locked=True),),
        markers=(Marker(name="m", at=Fraction(1), colour="red"),),
    )
    assert {loss.what for loss in write_fcpxml(cut, kit.SHELF).losses} == {
        "the lock of the track 'V1'",
        "the effect 'exposure'",
        "the transition 'wipe_left'",
        "the transition's parameters",
        "the marker 'm'",
        "the colour of 'm'",
        "link groups, scores, reasons and offsets of 1 clips",
    }
