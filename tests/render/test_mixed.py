"""Films of which a part is copied: untouched footage as it lies, all around it encoded to suit, each frame the right one."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Effect, Gap, Timeline, Track, Transition
from engine.kernel.errors import Invalid
from engine.media import h264
from engine.rendering.qa import check_film
from engine.rendering.smartcopy.work import CutSoundWork
from tests.clips import Sound, find_ticks, make_clip, read_numbers, read_sound
from tests.render.copying import COPYING, Copied, make_copied, plan_copies
from tests.render.cutting import payloads
from tests.render.test_smartcopy import pictures
from tests.render.workshop import Source, source_of, span, timeline_of

PAL = Fraction(25)
BLUR = Effect(name="blur", parameters={"radius": 3.0})


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("footage")


@pytest.fixture(scope="module")
def source(footage: Path) -> Source:
    """200 frames of 25 a second in closed groups of 20, with a tick each quarter of a second."""
    sound = Sound(tick_every=Fraction(1, 4))
    return source_of(make_clip(footage / "clip.mp4", frames=200, gop=20, audio=sound).path)


@pytest.fixture(scope="module")
def twin(footage: Path) -> Source:
    """Another recording of the same camera."""
    numbers = range(1000, 1100)
    return source_of(make_clip(footage / "twin.mp4", numbers=numbers, gop=10).path)


@pytest.fixture(scope="module")
def stranger(footage: Path) -> Source:
    """A recording of another camera, whose parameter sets have the same ids and say something else."""
    options = {"x264-params": "ref=4:weightp=0"}
    clip = make_clip(footage / "stranger.mp4", numbers=range(2000, 2060), gop=10, codec_options=options)
    return source_of(clip.path)


def stretches(film: Copied) -> list[tuple[str, int | None, int, int]]:
    return [(one.kind, one.source, one.start, one.end) for one in film.splicing.stretches]


def test_what_is_untouched_is_copied_and_the_rest_encoded_around_it(tmp_path: Path, source: Source) -> None:
    items: list[Clip | Gap] = [
        span(source, 7, 60, rate=PAL),
        span(source, 100, 120, rate=PAL, effects=[BLUR]),
        Gap(duration=Fraction(10, 25)),
        span(source, 140, 185, rate=PAL),
    ]
    plan = plan_copies(timeline_of(items, rate=PAL), [source])
    film = make_copied(tmp_path, plan, [source])
    assert stretches(film) == [
        ("edge", 0, 7, 20), ("copy", 0, 20, 60), ("render", None, 53, 73), ("render", None, 73, 83),
        ("copy", 0, 140, 184), ("edge", 0, 184, 185),
    ]  # fmt: skip
    assert read_numbers(film.path) == [*range(7, 60), *range(100, 120), *[None] * 10, *range(140, 185)]
    assert film.found.mismatches == ()
    assert "84 of 128 frames are copied" in " ".join(plan.notices)


def test_copied_frames_are_the_sources_to_the_last_bit(tmp_path: Path, source: Source) -> None:
    plan = plan_copies(
        timeline_of(
            [span(source, 0, 60, rate=PAL), span(source, 80, 90, rate=PAL, effects=[BLUR])], rate=PAL
        ),
        [source],
    )
    film = make_copied(tmp_path, plan, [source])
    assert payloads(film.path)[:60] == payloads(source.path)[:60]
    original, made = pictures(source.path), pictures(film.path)
    assert all(np.array_equal(made[place], original[place]) for place in range(60))


def test_what_is_rendered_looks_as_what_is_copied(tmp_path: Path, source: Source) -> None:
    """Old footage is in BT.601: what stands beside copies of it is too, or colours would jump at each seam."""
    plan = plan_copies(timeline_of([span(source, 7, 60, rate=PAL)], rate=PAL, sound=False), [source])
    flipped = Effect(name="exposure", parameters={"stops": 0.0})
    items = [span(source, 0, 60, rate=PAL), span(source, 60, 80, rate=PAL, effects=[flipped])]
    plan = plan_copies(timeline_of(items, rate=PAL), [source])
    assert plan.encoder.matrix == "bt601"
    film = make_copied(tmp_path, plan, [source])
    made, original = pictures(film.path), pictures(source.path)
    assert np.abs(made[70].astype(int) - original[70]).mean() < 1.5


def test_sources_of_one_camera_are_copied_into_one_film(tmp_path: Path, source: Source, twin: Source) -> None:
    items = [span(source, 20, 60, rate=PAL), span(twin, 10, 40, rate=PAL), span(source, 100, 120, rate=PAL)]
    film = make_copied(tmp_path, plan_copies(timeline_of(items, rate=PAL), [source, twin]), [source, twin])
    assert stretches(film) == [("copy", 0, 20, 60), ("copy", 1, 10, 40), ("copy", 0, 100, 120)]
    assert read_numbers(film.path) == [*range(20, 60), *range(1010, 1040), *range(100, 120)]
    assert film.found.mismatches == ()


def test_a_source_whose_headers_collide_is_rendered_and_the_plan_says_so(
    tmp_path: Path, source: Source, stranger: Source
) -> None:
    items = [span(source, 20, 60, rate=PAL), span(stranger, 10, 40, rate=PAL)]
    both = [source, stranger]
    plan = plan_copies(timeline_of(items, rate=PAL), both)
    assert any("nothing of stranger.mp4 is copied" in one for one in plan.notices), plan.notices
    film = make_copied(tmp_path, plan, both)
    assert stretches(film) == [("copy", 0, 20, 60), ("render", None, 40, 70)]
    assert read_numbers(film.path) == [*range(20, 60), *range(2010, 2040)]


def test_a_source_of_another_size_is_rendered_and_the_plan_says_so(footage: Path, source: Source) -> None:
    small = source_of(make_clip(footage / "small.mp4", frames=40, width=160, height=90).path)
    items = [span(source, 20, 60, rate=PAL), span(small, 0, 40, rate=PAL)]
    plan = plan_copies(timeline_of(items, rate=PAL), [source, small])
    assert any(
        "small.mp4 is copied: its pictures are 160x90, the film's 320x180" in one for one in plan.notices
    )


def test_all_sets_lie_in_one_header_and_the_encoders_has_an_id_of_its_own(
    tmp_path: Path, source: Source
) -> None:
    items = [span(source, 7, 60, rate=PAL), span(source, 100, 120, rate=PAL, effects=[BLUR])]
    film = make_copied(tmp_path, plan_copies(timeline_of(items, rate=PAL), [source]), [source])
    import av

    with av.open(str(film.path)) as container:
        sets, _ = h264.parameter_sets(bytes(container.streams.video[0].codec_context.extradata or b""))
    assert source.index is not None
    assert source.index.order is not None
    known = source.index.order.sets
    assert sets.sps.items() > known.sps.items()
    assert len(sets.sps) == len(known.sps) + 1


def dressed(source: Source, *, gain_db: float = 0.0) -> Timeline:
    """One span of the source; a part of its picture is blurred, its sound is as it was."""
    clips = [
        span(source, 0, 50, rate=PAL),
        span(source, 50, 70, rate=PAL, effects=[BLUR]),
        span(source, 70, 120, rate=PAL),
    ]
    made = timeline_of(clips, rate=PAL)
    heard = tuple(replace(clip, id=f"{clip.id}-heard", effects=()) for clip in clips)
    return replace(
        made, tracks=(*made.tracks, Track(kind="audio", name="sound", items=heard, gain_db=gain_db))
    )


def test_sound_that_is_one_untouched_span_is_copied_too(tmp_path: Path, source: Source) -> None:
    plan = plan_copies(dressed(source), [source])
    assert plan.splicing is not None
    assert isinstance(plan.splicing.sound, CutSoundWork)
    film = make_copied(tmp_path, plan, [source])
    assert read_numbers(film.path) == list(range(120))
    (made, rate), (original, _) = read_sound(film.path), read_sound(source.path)
    length = 120 * rate // 25
    assert np.allclose(made[:length], original[:length], atol=1e-4)


@pytest.mark.parametrize("change", ["gain", "loudness"])
def test_sound_to_which_something_is_done_is_one_mix(tmp_path: Path, source: Source, change: str) -> None:
    profile = replace(COPYING, loudness_lufs=-20.0) if change == "loudness" else COPYING
    plan = plan_copies(dressed(source, gain_db=-3.0 if change == "gain" else 0.0), [source], profile)
    assert plan.splicing is not None
    assert plan.splicing.sound is None
    film = make_copied(tmp_path, plan, [source])
    found = find_ticks(*read_sound(film.path))
    # The first lies in the fade that every mix begins with.
    assert found[1:] == pytest.approx([n / 4 for n in range(1, 20)], abs=0.001)


def test_sound_that_ends_before_its_picture_is_filled_up_with_silence(tmp_path: Path) -> None:
    """What is copied cannot be filled up, so it is encoded; the film's sound lasts as long as its picture."""
    sound = Sound(tick_every=Fraction(1, 4), codec="aac", duration=Fraction(3))
    short = source_of(make_clip(tmp_path / "short.mp4", frames=120, gop=20, audio=sound).path)
    plan = plan_copies(timeline_of([span(short, 0, 120, rate=PAL)], rate=PAL, sound=True), [short])
    film = make_copied(tmp_path / "cut", plan, [short])
    checks = check_film(plan, COPYING, film.found, size=1)
    assert {one.name: one.value for one in checks if one.status == "fail"} == {}
    assert find_ticks(*read_sound(film.path))[1:] == pytest.approx([n / 4 for n in range(1, 12)], abs=0.001)


def test_a_wish_for_loudness_is_heeded_where_all_pictures_are_copied(source: Source) -> None:
    plan = plan_copies(
        timeline_of([span(source, 20, 60, rate=PAL)], rate=PAL, sound=True),
        [source],
        replace(COPYING, loudness_lufs=-20.0),
    )
    assert plan.splicing is not None
    assert (plan.splicing.mixed, plan.splicing.sound) == (True, None)
    assert plan.sound is not None
    assert plan.sound.loudness_lufs == -20.0


def test_a_transition_between_copies_is_rendered_between_them(
    tmp_path: Path, source: Source, twin: Source
) -> None:
    half = Fraction(5, 25)
    made = timeline_of([span(source, 20, 70, rate=PAL), span(twin, 20, 60, rate=PAL)], rate=PAL)
    first, second = made.tracks[0].items
    dissolve = Transition(kind="dissolve", in_offset=half, out_offset=half)
    track = replace(made.tracks[0], items=(first, dissolve, second))
    film = make_copied(tmp_path, plan_copies(replace(made, tracks=(track,)), [source, twin]), [source, twin])
    assert film.kinds == {"copy", "edge", "render"}
    shown = read_numbers(film.path)
    assert shown[:45] == list(range(20, 65))
    assert shown[55:] == list(range(1025, 1060))
    assert film.found.mismatches == ()


def test_the_checks_of_a_mixed_film_pass(tmp_path: Path, source: Source) -> None:
    plan = plan_copies(dressed(source), [source])
    film = make_copied(tmp_path, plan, [source])
    checks = check_film(plan, COPYING, film.found, size=1)
    assert {one.name: one.value for one in checks if one.status == "fail"} == {}


def test_a_wrong_copy_is_noticed(tmp_path: Path, source: Source) -> None:
    """A film whose copy is of other frames than the plan says fails its own look."""
    right = plan_copies(dressed(source), [source])
    film = make_copied(tmp_path, right, [source])
    assert right.splicing is not None
    moved = tuple(
        replace(one, start=one.start + 20, end=one.end + 20) if one.kind == "copy" else one
        for one in right.splicing.stretches
    )
    wrong = replace(right, splicing=replace(right.splicing, stretches=moved))
    other = make_copied(tmp_path / "other", wrong, [source])
    assert other.path.read_bytes() != film.path.read_bytes()
    from engine.media.tasks import no_report
    from engine.rendering.smartcopy import tasks
    from engine.rendering.smartcopy.work import LookAtMixWork
    from tests.render.workshop import Opened, index_file

    parts = [tmp_path / f"{number}.segment" for number in range(len(right.segments))]
    look = LookAtMixWork(stretches=right.splicing.stretches, cuts=right.cuts, parts=len(parts))
    with Opened([other.path, *parts, source.path, index_file(tmp_path, source)], []) as files:
        assert tasks.look_at_mix(look, files, no_report).mismatches


def test_the_same_mix_has_the_same_plan_and_the_same_bytes(tmp_path: Path, source: Source) -> None:
    plans = [plan_copies(dressed(source), [source]) for _ in range(2)]
    assert plans[0] == plans[1]
    films = [make_copied(tmp_path / str(number), plan, [source]) for number, plan in enumerate(plans)]
    assert films[0].path.read_bytes() == films[1].path.read_bytes()


def test_what_may_only_be_copied_is_not_mixed(source: Source) -> None:
    with pytest.raises(Invalid, match="something is done to the clip"):
        plan_copies(dressed(source), [source], replace(COPYING, copies="only"))


@pytest.fixture(scope="module")
def modern(footage: Path) -> Source:
    """A recording in H.265, in open groups."""
    clip = make_clip(
        footage / "modern.mp4", numbers=range(3000, 3120), codec="libx265", gop=20, open_gop=True
    )
    return source_of(clip.path)


def test_footage_in_h265_makes_a_film_in_h265(tmp_path: Path, modern: Source) -> None:
    items = [
        span(modern, 7, 60, rate=PAL),
        span(modern, 60, 70, rate=PAL, effects=[BLUR]),
        span(modern, 77, 111, rate=PAL),
    ]
    plan = plan_copies(timeline_of(items, rate=PAL), [modern])
    assert plan.encoder.codec == "libx265"
    film = make_copied(tmp_path, plan, [modern])
    assert film.kinds == {"copy", "edge", "render"}
    assert read_numbers(film.path) == [*range(3007, 3070), *range(3077, 3111)]
    assert film.found.mismatches == ()
    checks = check_film(plan, COPYING, film.found, size=1)
    assert {one.name: one.value for one in checks if one.status == "fail"} == {}


def test_of_two_codecs_the_one_that_gives_more_is_copied(
    tmp_path: Path, source: Source, modern: Source
) -> None:
    both = [source, modern]
    items = [span(source, 20, 40, rate=PAL), span(modern, 20, 100, rate=PAL)]
    plan = plan_copies(timeline_of(items, rate=PAL), both)
    assert any("nothing of clip.mp4 is copied: it is h264" in one for one in plan.notices), plan.notices
    film = make_copied(tmp_path, plan, both)
    assert stretches(film)[0] == ("render", None, 0, 20)
    assert read_numbers(film.path) == [*range(20, 40), *range(3020, 3100)]
