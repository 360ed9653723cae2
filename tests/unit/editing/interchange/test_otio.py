"""What other programs did to a timeline counts; what ours cannot hold is listed, what is no timeline refused."""

import json
from fractions import Fraction
from typing import Any

import opentimelineio as otio
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Nested,
    Timeline,
    TimeRange,
    Transition,
)
from engine.editing.interchange.losses import Imported
from engine.editing.interchange.otio_read import read_otio
from engine.editing.interchange.otio_write import write_otio
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.validate import check_timeline
from engine.kernel.errors import Invalid
from tests import planned
from tests.unit.editing.interchange import kit

RANGE = otio.opentime.TimeRange
TIME = otio.opentime.RationalTime


def exported() -> tuple[Timeline, Any]:
    timeline = planned.plan("20 second highlight", planned.make_source(rate=planned.NTSC)).timeline
    return timeline, otio.adapters.read_from_string(write_otio(timeline, Shelf()).data.decode(), "otio_json")


def reread(changed: Any, shelf: Shelf | None = None, asked: Asked | None = None) -> Imported:
    text = otio.adapters.write_to_string(changed, "otio_json")
    return read_otio(text.encode(), asked or Asked(), shelf or Shelf())


def first(timeline: Timeline) -> Clip:
    clip = timeline.tracks[0].items[0]
    assert isinstance(clip, Clip)
    return clip


def foreign(*items: Any, rate: float = 24.0) -> Any:
    """A timeline as another program writes it."""
    made = otio.schema.Timeline(name="elsewhere")
    made.tracks.append(otio.schema.Track(name="V1", kind="Video", children=list(items)))
    return made


def file_clip(name: str, start: float, frames: float, rate: float = 24.0, url: str = "") -> Any:
    reference = otio.schema.ExternalReference(target_url=url or f"file:///elsewhere/{name}")
    return otio.schema.Clip(
        name=name, media_reference=reference, source_range=RANGE(TIME(start, rate), TIME(frames, rate))
    )


def test_a_trim_made_elsewhere_wins_over_our_exact_times() -> None:
    timeline, changed = exported()
    clip = changed.tracks[0][0]
    clip.source_range = RANGE(clip.source_range.start_time, TIME(30, clip.source_range.duration.rate))
    read = first(reread(changed).timeline)
    assert read.source_range.duration == 30 / planned.NTSC
    assert read.source_range.start == first(timeline).source_range.start


def test_a_time_at_another_rate_is_put_on_our_frames() -> None:
    _, changed = exported()
    changed.tracks[0][0].source_range = RANGE(TIME(0, 24), TIME(24, 24))
    read = first(reread(changed).timeline)
    assert (read.source_range.duration * planned.NTSC).denominator == 1
    assert abs(read.source_range.duration - 1) < Fraction(1, 50)


def test_what_was_switched_off_renamed_or_slowed_elsewhere_counts() -> None:
    _, changed = exported()
    clip = changed.tracks[0][0]
    clip.enabled, clip.name = False, "renamed"
    clip.effects.append(otio.schema.LinearTimeWarp(time_scalar=0.5))
    read = first(reread(changed).timeline)
    assert (read.enabled, read.name, read.speed) == (False, "renamed", Fraction(1, 2))


def test_a_clip_that_was_copied_elsewhere_gets_an_id_of_its_own() -> None:
    _, changed = exported()
    changed.tracks[0].append(changed.tracks[0][0].deepcopy())
    ids = [item.id for item in reread(changed).timeline.tracks[0].items if isinstance(item, Clip)]
    assert len(ids) == len(set(ids))


def test_a_clip_that_was_relinked_elsewhere_shows_what_it_was_linked_to() -> None:
    made = otio.adapters.read_from_string(
        write_otio(kit.timeline(kit.clip(kit.TALK.asset_id, 1, 2)), kit.SHELF).data.decode(), "otio_json"
    )
    assert made.tracks[0][0].media_reference.target_url == "file:///footage/Talk%20one.mp4"
    made.tracks[0][0].media_reference.target_url = "file:///footage/street.mov"
    assert first(reread(made, kit.SHELF).timeline).media == AssetReference(asset_id=kit.STREET.asset_id)


def test_speeds_and_ramps_are_time_effects_to_others() -> None:
    held = kit.clip(kit.TALK.asset_id, 1, 2)
    fields = {"id": "x", "media": held.media, "source_range": held.source_range}
    ramp = (Keyframe(at=Fraction(0), value=1.0), Keyframe(at=Fraction(2), value=3.0))
    written = kit.timeline(
        Clip(**fields, speed=Fraction(0)),  # type: ignore[arg-type]  # the fields of a clip
        Clip(**{**fields, "id": "y"}, ramp=ramp),  # type: ignore[arg-type]  # as above
    )
    seen = otio.adapters.read_from_string(write_otio(written, kit.SHELF).data.decode(), "otio_json").tracks[0]
    assert isinstance(seen[0].effects[0], otio.schema.FreezeFrame)
    assert seen[1].effects[0].time_scalar == pytest.approx(2.0)


def test_a_file_of_another_program_is_read_by_the_names_of_its_media() -> None:
    offset = TIME(6, 24)
    made = foreign(
        file_clip("Talk one.mp4", 24, 48),
        otio.schema.Transition(in_offset=offset, out_offset=offset, transition_type="SMPTE_Dissolve"),
        file_clip("renamed", 0, 24, url="file:///footage/street.mov"),
        otio.schema.Gap(duration=TIME(12, 24)),
        rate=24,
    )
    read = reread(made, kit.SHELF)
    talk, dissolve, street, gap = read.timeline.tracks[0].items
    assert isinstance(talk, Clip)
    assert isinstance(street, Clip)
    assert talk.media == AssetReference(asset_id=kit.TALK.asset_id)
    assert talk.source_range == TimeRange(start=Fraction(1), duration=Fraction(2))
    assert street.media == AssetReference(asset_id=kit.STREET.asset_id)
    assert dissolve == Transition(kind="dissolve", in_offset=Fraction(1, 4), out_offset=Fraction(1, 4))
    assert gap == Gap(duration=Fraction(1, 2))
    assert read.timeline.rate == 24
    assert (read.timeline.width, read.timeline.sample_rate) == (1280, 44100)
    assert read.losses == ()


def test_media_that_begin_at_a_timecode_are_counted_from_their_first_frame() -> None:
    one = file_clip("street.mov", 86424, 24)
    one.media_reference.available_range = RANGE(TIME(86400, 24), TIME(240, 24))
    assert first(reread(foreign(one), kit.SHELF).timeline).source_range.start == 1


def test_what_was_not_understood_is_listed_and_nothing_moves() -> None:
    shaped = file_clip("Talk one.mp4", 0, 24)
    shaped.effects.append(otio.schema.Effect(name="Magic", effect_name="com.vendor.magic"))
    shaped.metadata["vendor"] = {"a": 1}
    odd = otio.schema.Transition(
        in_offset=TIME(2, 24), out_offset=TIME(2, 24), transition_type="Custom_Transition", name="Page peel"
    )
    made = foreign(file_clip("missing.mp4", 0, 24), shaped, odd, file_clip("street.mov", 0, 24))
    made.tracks.append(otio.schema.Track(name="data", kind="Data"))
    read = reread(made, kit.SHELF)
    assert read.timeline.tracks[0].items[0] == Gap(duration=Fraction(1))
    assert [(loss.where, loss.what) for loss in read.losses] == [
        ("tracks[0].items[0]", "the clip 'missing.mp4' of file:///elsewhere/missing.mp4"),
        ("tracks[0].items[1]", "metadata vendor"),
        ("tracks[0].items[1]", "the effect 'com.vendor.magic'"),
        ("tracks[0].items[2]", "the transition 'Page peel'"),
        ("tracks[1]", "the track 'data' of kind 'Data'"),
    ]


def test_the_caller_may_say_which_asset_a_name_means() -> None:
    shelf = Shelf([kit.TALK], {"A001C003.mxf": kit.TALK.asset_id})
    read = reread(foreign(file_clip("x", 0, 24, url="file:///card/A001C003.MXF")), shelf)
    assert first(read.timeline).media == AssetReference(asset_id=kit.TALK.asset_id)


def test_nested_stacks_of_other_programs_are_nested_timelines() -> None:
    inner = otio.schema.Stack(
        name="inner", children=[otio.schema.Track(kind="Video", children=[file_clip("street.mov", 0, 24)])]
    )
    inner.source_range = RANGE(TIME(0, 24), TIME(24, 24))
    nested = first(reread(foreign(inner), kit.SHELF).timeline).media
    assert isinstance(nested, Nested)
    assert first(nested.timeline).media == AssetReference(asset_id=kit.STREET.asset_id)


def test_a_generator_whose_text_was_changed_elsewhere_shows_the_new_text() -> None:
    made = otio.adapters.read_from_string(
        write_otio(kit.timeline(kit.title("Before", 2)), Shelf()).data.decode(), "otio_json"
    )
    made.tracks[0][0].media_reference.parameters["text"] = "After"
    assert first(reread(made).timeline).media == Generator(kind="title", parameters={"text": "After"})


def test_effects_keep_their_order_beside_the_speed() -> None:
    both = (Effect(name="exposure", parameters={"stops": 1.5}), Effect(name="blur", enabled=False))
    held = kit.clip(kit.TALK.asset_id, 0, 1)
    one = Clip(id="x", media=held.media, source_range=held.source_range, speed=Fraction(2), effects=both)
    read = read_otio(write_otio(kit.timeline(one), Shelf()).data, Asked(), Shelf())
    assert first(read.timeline) == one


DEEP = '{"OTIO_SCHEMA":"Timeline.1","metadata":{"a":' + "[" * 100_000 + "]" * 100_000 + '},"name":"x"}'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "not json",
        json.dumps({"OTIO_SCHEMA": "Clip.1"}),
        DEEP,
        json.dumps(
            {"OTIO_SCHEMA": "Stack.1", "children": [{"OTIO_SCHEMA": "SerializableObjectRef.1", "id": "A"}]}
        ),
    ],
)
def test_what_is_no_timeline_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        read_otio(text.encode(), Asked(), Shelf())


def test_a_file_that_says_neither_rate_nor_size_gets_the_usual_and_says_so() -> None:
    read = reread(otio.schema.Timeline(name="bare"))
    assert read.timeline.rate == 25
    assert read.timeline.width == 1920
    assert [loss.what for loss in read.losses] == ["no size is said", "no frame rate is said"]


def test_effects_that_the_catalogue_lacks_are_kept_for_who_knows_them_and_change_nothing() -> None:
    timeline, made = exported()
    clip = next(item for item in made.tracks[0] if isinstance(item, otio.schema.Clip))
    foreign = otio.schema.Effect(name="Shiny", effect_name="com.example.shiny")
    foreign.metadata["example"] = {"amount": 3}
    later = otio.schema.Effect(name="aura", effect_name="aura")
    later.metadata["cutroom"] = '{"parameters":{"amount":1.0}}'
    clip.effects.extend([foreign, later])
    read = reread(made)
    assert [loss.what for loss in read.losses] == ["the effect 'com.example.shiny'", "the effect 'aura'"]
    assert all("kept for other programs" in loss.why for loss in read.losses)
    assert read.timeline.tracks == timeline.tracks
    check_timeline(read.timeline)
    back = otio.adapters.read_from_string(write_otio(read.timeline, Shelf()).data.decode(), "otio_json")
    worn = next(item for item in back.tracks[0] if isinstance(item, otio.schema.Clip)).effects
    assert [one.effect_name for one in worn][-2:] == ["com.example.shiny", "aura"]
    assert worn[-2].metadata["example"]["amount"] == 3
    assert reread(back).timeline == read.timeline


@pytest.mark.parametrize("kept", ["nonsense", [1], [{"track": 0, "otio": "["}], [{"track": 0, "otio": "{}"}]])
def test_what_is_no_effect_in_that_place_is_not_written(kept: Any) -> None:
    timeline = replace(exported()[0], metadata={"foreign_effects": kept})
    assert (
        not otio.adapters.read_from_string(write_otio(timeline, Shelf()).data.decode(), "otio_json")
        .tracks[0]
        .effects
    )
