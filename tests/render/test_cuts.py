"""Numbered clips come back with the right number at every place, whatever the source's rate, start or rotation."""

from dataclasses import replace as with_
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest

from cutroom_sdk.wire.timeline import Clip, Effect, Gap, Keyframe
from engine.rendering.graph import Footage
from tests.clips import FILM, NTSC, Sound, find_ticks, make_clip, read_numbers, read_sound
from tests.render.workshop import make_film, source_of, span, timeline_of

PAL = Fraction(25)


@pytest.mark.parametrize("rate", [PAL, NTSC, FILM], ids=["25", "29.97", "23.976"])
def test_cut_points_are_frame_exact_at_the_sources_own_rate(tmp_path: Path, rate: Fraction) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=230, rate=rate, gop=40).path)
    spans = [(7, 31), (60, 61), (140, 215), (90, 100)]
    timeline = timeline_of([span(source, *one, rate=rate) for one in spans], rate=rate)
    film = make_film(tmp_path / "out", timeline, [source])
    assert read_numbers(film.path) == [number for one in spans for number in range(*one)]
    assert film.inspection.rate == rate
    assert film.inspection.on_grid
    assert film.inspection.mismatches == ()


def test_a_gap_is_black_for_exactly_its_frames(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=40).path)
    items: list[Clip | Gap] = [
        span(source, 0, 10, rate=PAL),
        Gap(duration=Fraction(20, 25)),
        span(source, 20, 25, rate=PAL),
    ]
    film = make_film(tmp_path / "out", timeline_of(items, rate=PAL), [source])
    assert read_numbers(film.path) == [*range(10), *[None] * 20, *range(20, 25)]
    assert [(one.start, one.end) for one in film.inspection.black] == [(10, 30)]


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotated_source_comes_out_upright(tmp_path: Path, rotation: int) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=30, rotation=rotation, width=180, height=320)
    source = source_of(clip.path)
    timeline = timeline_of([span(source, 5, 25, rate=PAL)], rate=PAL, width=180, height=320)
    film = make_film(tmp_path / "out", timeline, [source])
    assert read_numbers(film.path) == list(range(5, 25))


def test_a_source_that_does_not_start_at_zero_is_cut_at_its_frames(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", frames=60, start=Fraction(7), audio=Sound())
    source = source_of(clip.path)
    timeline = timeline_of([span(source, 20, 50, rate=PAL)], rate=PAL, sound=True)
    film = make_film(tmp_path / "out", timeline, [source])
    assert read_numbers(film.path) == list(range(20, 50))
    # The tick at 1 s of the source is heard with the frame that is shown at 1 s.
    assert find_ticks(*read_sound(film.path)) == pytest.approx([0.2], abs=0.001)


def test_a_variable_rate_source_shows_what_was_on_screen(tmp_path: Path) -> None:
    steps = [Fraction(1, 30)] * 20 + [Fraction(1, 12)] * 10 + [Fraction(1, 30)] * 30
    times = [sum(steps[:place], Fraction(0)) for place in range(len(steps))]
    source = source_of(make_clip(tmp_path / "clip.mp4", times=times).path)
    assert source.index is not None
    rate = Fraction(30)
    timeline = timeline_of([span(source, 4, 55, rate=rate)], rate=rate)
    film = make_film(tmp_path / "out", timeline, [source])
    start, wanted = source.index.time_of(4), [4]
    for place in range(1, film.plan.frames):
        middle = start + place / rate + min(1 / rate, source.index.duration / source.index.count) / 2
        wanted.append(max(number for number, at in enumerate(times) if at <= middle))
    assert read_numbers(film.path) == wanted
    assert set(wanted) == set(range(4, 55))  # nothing is lost
    assert len(wanted) > len(set(wanted))  # the slow stretch is held


def test_jitter_of_milliseconds_neither_doubles_nor_drops_a_frame(tmp_path: Path) -> None:
    # WebM keeps times in whole milliseconds: 29.97 frames a second come 33, 34, 33, ... ms apart.
    clip = make_clip(tmp_path / "clip.webm", frames=90, rate=NTSC, codec="libvpx-vp9")
    source = source_of(clip.path)
    timeline = timeline_of([span(source, 1, 44, rate=NTSC), span(source, 50, 88, rate=NTSC)], rate=NTSC)
    film = make_film(tmp_path / "out", timeline, [source])
    assert read_numbers(film.path) == [*range(1, 44), *range(50, 88)]


@pytest.mark.parametrize(("own", "rate"), [(50, 25), (25, 50), (30, 25)])
def test_another_rate_begins_with_the_cuts_first_frame_and_never_shows_what_was_cut_off(
    tmp_path: Path, own: int, rate: int
) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=120, rate=own).path)
    spans = [(10, 70), (90, 100)]
    timeline = timeline_of([span(source, *one, rate=Fraction(rate)) for one in spans], rate=Fraction(rate))
    film = make_film(tmp_path / "out", timeline, [source])
    numbers = read_numbers(film.path)
    assert None not in numbers
    whole = [number for number in numbers if number is not None]
    first, second = whole[: film.plan.cuts[0]], whole[film.plan.cuts[0] :]
    for shown, (start, end) in zip((first, second), spans, strict=True):
        assert shown[0] == start
        assert end - 1 - own // rate <= shown[-1] < end
        steps = {later - earlier for earlier, later in pairwise(shown)}
        assert steps <= {own // rate, own // rate + (1 if own % rate else 0), *([1] if rate > own else [])}


def test_a_moving_window_follows_its_keyframes(tmp_path: Path) -> None:
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=50, width=640, height=360).path)
    move = Effect(
        name="reframe",
        parameters={
            "center_x": (Keyframe(at=Fraction(0), value=0.4), Keyframe(at=Fraction(2), value=0.6)),
            "center_y": 0.5,
        },
    )
    timeline = timeline_of([span(source, 0, 50, rate=PAL, effects=[move])], rate=PAL, width=360, height=360)
    film = make_film(tmp_path / "out", timeline, [source])
    assert read_numbers(film.path) == list(range(50))
    lefts = [
        left
        for segment in film.plan.segments
        if isinstance(segment.work.graph, Footage)
        for left in segment.work.graph.window.left
    ]
    assert lefts == sorted(lefts)
    assert (lefts[0], lefts[-1]) == (76, 202)  # 0.4 * 640 - 180, and nearly 0.6 * 640 - 180, in even pixels


def test_ticks_of_the_source_are_heard_with_their_frames(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "clip.mp4", frames=250, rate=NTSC, audio=Sound(tone_hz=200, sample_rate=44_100)
    )
    source = source_of(clip.path)
    spans = [(20, 100), (130, 200)]
    timeline = timeline_of([span(source, *one, rate=NTSC) for one in spans], rate=NTSC, sound=True)
    film = make_film(tmp_path / "out", timeline, [source])
    wanted, at = [], 0
    for start, end in spans:
        first, last = start / NTSC, end / NTSC
        wanted += [float(at / NTSC + tick - first) for tick in range(20) if first < tick < last]
        at += end - start
    assert find_ticks(*read_sound(film.path)) == pytest.approx(wanted, abs=0.001)
    assert film.inspection.start_offset == 0


def test_the_same_work_gives_the_same_bytes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", frames=60, audio=Sound(tone_hz=300))
    source = source_of(clip.path)
    timeline = timeline_of(
        [span(source, 0, 20, rate=PAL), span(source, 30, 60, rate=PAL)], rate=PAL, sound=True
    )
    one, two = (make_film(tmp_path / name, timeline, [source]) for name in ("one", "two"))
    assert one.path.read_bytes() == two.path.read_bytes()
    assert one.plan.plan_hash == two.plan.plan_hash


def test_a_clip_that_begins_one_frame_late_is_noticed(tmp_path: Path) -> None:
    backgrounds = [60 + 3 * (number % 20) for number in range(60)]
    source = source_of(make_clip(tmp_path / "clip.mp4", frames=60, backgrounds=backgrounds).path)
    right = timeline_of([span(source, 0, 20, rate=PAL), span(source, 30, 50, rate=PAL)], rate=PAL)
    wrong = timeline_of([span(source, 0, 20, rate=PAL), span(source, 31, 51, rate=PAL)], rate=PAL)
    film, other = (
        make_film(tmp_path / "right", right, [source]),
        make_film(tmp_path / "wrong", wrong, [source]),
    )
    swapped = with_(film, path=other.path)
    assert film.inspection.mismatches == ()
    assert swapped.inspect_again(tmp_path / "right").mismatches != ()
