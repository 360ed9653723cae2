"""A plan says exactly what is done, hashes all that changes it, and refuses what cannot be rendered."""

import os
import subprocess
import sys
from fractions import Fraction

import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.codec import encode
from cutroom_sdk.wire.timeline import Effect, Gap, Timeline
from engine.kernel.errors import Invalid
from engine.rendering.plan import RenderPlan, compile_plan
from tests.render.workshop import PROFILE
from tests.unit.rendering.material import (
    CAPABLE,
    a_clip,
    a_plan,
    a_rich_timeline,
    a_timeline,
    an_asset,
    an_index,
)


def keys(plan: RenderPlan) -> list[str]:
    return [segment.key for segment in plan.segments]


def test_segments_cover_the_film_without_gap_or_overlap() -> None:
    asset = an_asset()
    plan = a_plan(
        a_timeline(a_clip(asset, 10, 60), Gap(duration=Fraction(7)), a_clip(asset, 100, 900)), asset
    )
    place = 0
    for segment in plan.segments:
        assert segment.first == place
        place += segment.work.count
    assert place == plan.frames == 50 + 175 + 800
    assert plan.cuts == (50, 225)


def test_a_trim_early_on_leaves_the_keys_of_what_comes_later() -> None:
    asset = an_asset()
    before = a_plan(a_timeline(a_clip(asset, 0, 100), a_clip(asset, 200, 800)), asset)
    after = a_plan(a_timeline(a_clip(asset, 7, 90), a_clip(asset, 200, 800)), asset)
    assert keys(before)[1:] == keys(after)[1:]
    assert keys(before)[0] != keys(after)[0]
    assert before.plan_hash != after.plan_hash


def test_a_trim_of_a_clips_start_leaves_its_own_later_segments() -> None:
    asset = an_asset()
    before = a_plan(a_timeline(a_clip(asset, 20, 800)), asset)
    after = a_plan(a_timeline(a_clip(asset, 33, 800)), asset)
    assert keys(before)[1:] == keys(after)[1:]


def test_moving_a_clip_changes_none_of_its_keys() -> None:
    asset, other = an_asset("a"), an_asset("b")
    one = a_plan(a_timeline(a_clip(asset, 0, 300), a_clip(other, 40, 90)), asset, other)
    two = a_plan(a_timeline(a_clip(other, 40, 90), a_clip(asset, 0, 300)), asset, other)
    assert sorted(keys(one)) == sorted(keys(two))
    assert one.plan_hash != two.plan_hash


@pytest.mark.parametrize(
    "change",
    [{"crf": 21}, {"preset": "slow"}, {"gop_s": Fraction(1)}, {"width": 640, "height": 360}],
    ids=["crf", "preset", "gop", "size"],
)
def test_what_changes_pixels_changes_the_key(change: dict[str, object]) -> None:
    asset = an_asset()
    timeline = a_timeline(a_clip(asset, 0, 50))
    one, two = a_plan(timeline, asset), a_plan(timeline, asset, profile=replace(PROFILE, **change))
    assert keys(one) != keys(two)
    assert one.sound_key == two.sound_key


def test_other_libraries_change_every_key() -> None:
    asset = an_asset()
    timeline = a_timeline(a_clip(asset, 0, 50))
    other = replace(CAPABLE, libraries={"av": "2", "numpy": "2"})
    plans = [
        compile_plan(timeline, {asset.asset_id: asset}, {asset.asset_id: an_index()}, PROFILE, capable)
        for capable in (CAPABLE, other)
    ]
    assert keys(plans[0]) != keys(plans[1])
    assert plans[0].sound_key != plans[1].sound_key


def test_another_loudness_changes_the_sound_and_no_segment() -> None:
    asset = an_asset()
    timeline = a_timeline(a_clip(asset, 0, 50))
    one, two = a_plan(timeline, asset), a_plan(timeline, asset, profile=replace(PROFILE, loudness_lufs=-14.0))
    assert keys(one) == keys(two)
    assert one.sound_key != two.sound_key
    assert one.plan_hash != two.plan_hash


def test_the_plans_bytes_do_not_depend_on_the_process() -> None:
    script = (
        "from cutroom_sdk.wire.codec import encode\n"
        "from tests.unit.rendering.material import *\n"
        "a, b = an_asset('a'), an_asset('b')\n"
        "print(encode(a_plan(a_rich_timeline(a, b), b, a)).decode())\n"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4711")
    }
    asset, other = an_asset("a"), an_asset("b")
    hashes.add(encode(a_plan(a_rich_timeline(asset, other), asset, other)).decode() + "\n")
    assert len(hashes) == 1


def test_sound_that_goes_on_is_not_faded() -> None:
    asset = an_asset()
    plan = a_plan(a_timeline(a_clip(asset, 0, 50), a_clip(asset, 50, 80), a_clip(asset, 90, 100)), asset)
    assert plan.sound is not None
    assert [(one.at, one.count, one.fade_in, one.fade_out) for one in plan.sound.mix.channels[0].voices] == [
        (0, 80 * 1920, 480, 480),
        (80 * 1920, 10 * 1920, 480, 480),
    ]


def test_footage_without_sound_gives_a_silent_film_and_says_so() -> None:
    asset = replace(an_asset(), audio=None)
    plan = a_plan(a_timeline(a_clip(asset, 0, 50), sound=False), asset)
    assert plan.sound is None
    assert plan.notices == ("the film is silent: its footage has no sound",)


def test_what_was_not_asked_for_is_said() -> None:
    asset = an_asset(color_space="")
    tall = replace(PROFILE, width=1080, height=1920)
    plan = a_plan(a_timeline(a_clip(asset, 0, 50)), asset, profile=tall)
    assert any("cropped around the middle" in one for one in plan.defaults)
    assert any("colours taken for bt709" in one for one in plan.defaults)


def refused(timeline: Timeline) -> str:
    asset = an_asset()
    with pytest.raises(Invalid) as error:
        a_plan(timeline, asset)
    return error.value.detail


def test_what_cannot_be_rendered_is_refused_with_its_name() -> None:
    asset = an_asset()
    clip = a_clip(asset, 0, 50)
    assert "a.mp4-990" in refused(a_timeline(a_clip(asset, 990, 1040)))
    assert "a.mp4-0: no effect is called 'refrme'; did you mean reframe" in refused(
        a_timeline(replace(clip, effects=(Effect(name="refrme"),)))
    )
    assert "center_x" in refused(
        a_timeline(replace(clip, effects=(Effect(name="reframe", parameters={"zoom": 2.0}),)))
    )
    assert "even" in refused(a_timeline(clip, width=1281))
    assert "last longer than 0" in refused(a_timeline(a_clip(asset, 5, 5)))
    missing = a_clip(an_asset("x"), 0, 50)
    assert "it is not there" in refused(a_timeline(missing))
