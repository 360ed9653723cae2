"""What a timeline asks of its sound: tracks, gains, crossfades, speeds, nested timelines, all in step to the sample."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from cutroom_sdk.wire.media import Speech
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Keyframe,
    Nested,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.kernel.errors import Invalid
from engine.media.source import open_media
from engine.rendering.audio.loudness import integrated_lufs
from engine.rendering.audio.mixing import MixSignal
from engine.rendering.audio.signals import Samples
from engine.rendering.audio.soundtrack import soundtrack
from engine.rendering.audio.speaking import spoken_on, unknown_on
from engine.rendering.audio.stems import Studio
from engine.rendering.audio.work import SoundWork, sources_of, stems_of
from tests.clips import Sound, find_ticks, make_sound
from tests.render.workshop import PROFILE, Opened, Source, source_of
from tests.unit.rendering.material import CAPABLE

RATE = 48_000


def heard(source: Source, start: float | Fraction, lasts: float | Fraction, **more: Any) -> Clip:
    return Clip(
        id=f"{start}-{lasts}-{len(more)}",
        media=AssetReference(asset_id=source.asset.asset_id),
        source_range=TimeRange(start=Fraction(start), duration=Fraction(lasts)),
        **more,
    )


def track(*items: Clip | Gap | Transition, name: str = "sound", **more: Any) -> Track:
    return Track(kind="audio", name=name, items=items, **more)


def work_of(
    tracks: Sequence[Track],
    *sources: Source,
    seconds: float | Fraction,
    speech: Mapping[str, tuple[Speech, ...]] = MappingProxyType({}),
) -> tuple[SoundWork, tuple[str, ...]]:
    work, _, notices = soundtrack(
        tracks,
        {source.asset.asset_id: source.asset for source in sources},
        {source.asset.asset_id: source.index for source in sources if source.index is not None},
        PROFILE,
        CAPABLE,
        count=round(Fraction(seconds) * RATE),
        speech=speech,
    )
    assert work is not None
    return work, notices


def mixed(
    tracks: Sequence[Track], *sources: Source, seconds: float | Fraction, block: int = 65_536
) -> Samples:
    """The mix before it is mastered, (2, samples)."""
    work, _ = work_of(tracks, *sources, seconds=seconds)
    return mix_of(work, *sources, block=block)


def mix_of(work: SoundWork, *sources: Source, block: int = 65_536) -> Samples:
    by_hash = {source.asset.sha256: source for source in sources}
    wanted = sources_of(stems_of(work.mix))
    with Opened([by_hash[one.sha256].path for one in wanted], []) as files:
        containers = {one: open_media(fd) for one, fd in zip(wanted, files.inputs, strict=True)}
        signal = MixSignal(work.mix, Studio(containers).open)
        parts = [signal.read(min(block, work.count - at)) for at in range(0, work.count, block)]
        for container in containers.values():
            container.close()
    return np.concatenate(parts, axis=1)


def ticks_of(samples: Samples) -> list[float]:
    return find_ticks(samples.T, RATE)


@pytest.fixture(scope="module")
def ticking(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Twenty seconds with a tick each second on a soft tone."""
    path = tmp_path_factory.mktemp("sound") / "ticks.wav"
    return source_of(make_sound(path, Sound(tone_hz=220, tone_peak=0.05), duration=Fraction(20)))


@pytest.fixture(scope="module")
def humming(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Twenty seconds of a tone of 1 kHz."""
    path = tmp_path_factory.mktemp("sound") / "tone.wav"
    return source_of(
        make_sound(path, Sound(tone_hz=1000, tone_peak=0.25, tick_every=None), duration=Fraction(20))
    )


def level_db(samples: Samples, start: float, end: float) -> float:
    part = samples[:, round(start * RATE) : round(end * RATE)].astype(np.float64)
    return 10 * math.log10(float(np.square(part).mean()) + 1e-20)


@pytest.mark.parametrize(
    ("speed", "start", "wanted"),
    [
        (Fraction(2), 2, [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]),
        (Fraction(1, 2), 2, [0.0, 2.0]),
        (Fraction(3, 4), Fraction(3, 2), [2 / 3, 2.0, 10 / 3]),
        (Fraction(5, 4), Fraction(5, 2), [0.4, 1.2, 2.0, 2.8, 3.6]),
    ],
)
@pytest.mark.parametrize("pitch", ["keep", "follow"])
def test_ticks_stay_in_step_at_any_speed(
    ticking: Source, speed: Fraction, start: Fraction, wanted: list[float], pitch: str
) -> None:
    how = (Effect(name="sound_speed", parameters={"pitch": pitch}),)
    samples = mixed([track(heard(ticking, start, 4, speed=speed, effects=how))], ticking, seconds=4)
    found = ticks_of(samples)
    # A tick on the very edge is faded with it.
    assert [one for one in found if one > 0.1] == pytest.approx(
        [one for one in wanted if one > 0.1], abs=0.001
    )


def test_a_kept_pitch_is_kept_and_one_that_follows_follows(humming: Source) -> None:
    def pitch_at(how: str, speed: Fraction) -> float:
        effects = (Effect(name="sound_speed", parameters={"pitch": how}),)
        samples = mixed([track(heard(humming, 1, 4, speed=speed, effects=effects))], humming, seconds=4)
        spectrum = np.abs(np.fft.rfft(samples[0, RATE : 3 * RATE] * np.hanning(2 * RATE)))
        return float(spectrum.argmax()) / 2

    assert pitch_at("keep", Fraction(3, 2)) == pytest.approx(1000, abs=2)
    assert pitch_at("keep", Fraction(2, 3)) == pytest.approx(1000, abs=2)
    assert pitch_at("follow", Fraction(3, 2)) == pytest.approx(1500, abs=1)
    assert pitch_at("follow", Fraction(1, 2)) == pytest.approx(500, abs=1)


def test_a_ramp_plays_what_its_speed_says(ticking: Source) -> None:
    # From 1 to 3 over 4 s: at clip time t the medium is at t + t * t / 4.
    ramp = (Keyframe(at=Fraction(0), value=1.0), Keyframe(at=Fraction(4), value=3.0))
    samples = mixed([track(heard(ticking, 1, 4, ramp=ramp))], ticking, seconds=4)
    wanted = [2 * (math.sqrt(1 + second) - 1) for second in range(1, 8)]
    assert [one for one in ticks_of(samples) if one > 0.1] == pytest.approx(wanted, abs=0.001)


def test_backwards_the_ticks_come_in_the_other_order(ticking: Source) -> None:
    samples = mixed([track(heard(ticking, Fraction(1, 4), 5, speed=Fraction(-1)))], ticking, seconds=5)
    # The burst of 5 ms is played backwards: it begins where it ended.
    wanted = [Fraction(21, 4) - second - Fraction(1, 200) for second in range(5, 0, -1)]
    assert ticks_of(samples) == pytest.approx([float(one) for one in wanted], abs=0.001)


def test_a_still_is_silent(ticking: Source) -> None:
    samples = mixed([track(heard(ticking, 1, 3, speed=Fraction(0)))], ticking, seconds=3)
    assert not samples.any()


def test_what_is_kept_out_is_silent(ticking: Source) -> None:
    work = [track(heard(ticking, 0, 2, enabled=False), heard(ticking, 5, 2))]
    samples = mixed(work, ticking, seconds=4)
    assert not samples[:, : 2 * RATE].any()
    assert level_db(samples, 2.2, 2.8) > -40


def test_tracks_add_up_each_at_its_gain(humming: Source) -> None:
    rising = (Keyframe(at=Fraction(1), value=-20.0), Keyframe(at=Fraction(3), value=0.0))
    one = mixed([track(heard(humming, 0, 4), gain_db=-6.0)], humming, seconds=4)
    tone = 20 * math.log10(0.25 / math.sqrt(2))
    assert level_db(one, 1, 3) == pytest.approx(tone - 6.0, abs=0.05)
    two = mixed([track(heard(humming, 0, 4), gain_db=rising)], humming, seconds=4)
    assert level_db(two, 0.5, 0.9) == pytest.approx(tone - 20, abs=0.05)
    assert level_db(two, 1.99, 2.01) == pytest.approx(tone - 10, abs=0.1)
    both = mixed([track(heard(humming, 0, 4)), track(heard(humming, 0, 4), name="b")], humming, seconds=4)
    assert level_db(both, 1, 3) == pytest.approx(tone + 6.02, abs=0.05)


@pytest.mark.parametrize(("kind", "middle"), [("crossfade", 3.01), ("crossfade_linear", 0.0)])
def test_a_crossfade_of_one_tone_with_itself_is_as_loud_as_its_curves_say(
    humming: Source, kind: str, middle: float
) -> None:
    half = Fraction(1, 2)
    items = (
        heard(humming, 1, 3),
        Transition(kind=kind, in_offset=half, out_offset=half),
        heard(humming, 6, 3),
    )
    samples = mixed([track(*items)], humming, seconds=6)
    tone = 20 * math.log10(0.25 / math.sqrt(2))
    assert level_db(samples, 2.995, 3.005) == pytest.approx(tone + middle, abs=0.1)
    assert level_db(samples, 1, 2.4) == pytest.approx(tone, abs=0.05)
    assert level_db(samples, 3.6, 5) == pytest.approx(tone, abs=0.05)


def test_a_crossfade_asks_for_no_more_than_there_is_and_says_so(humming: Source) -> None:
    second = Fraction(1)
    items = (
        heard(humming, 0, 3),
        Transition(kind="crossfade", in_offset=second, out_offset=second),
        heard(humming, Fraction(1, 4), 3),
    )
    work, notices = work_of([track(*items)], humming, seconds=6)
    assert work.mix.channels[0].voices[1].at == round(2.75 * RATE)
    assert notices == (
        "a crossfade of 2.000 s at 3.000 s of the track 'sound' lasts 1.250 s: its media ends there",
    )


def test_a_cut_through_sound_that_goes_on_is_not_heard(humming: Source) -> None:
    whole = mixed([track(heard(humming, 1, 4))], humming, seconds=4)
    louder = (Effect(name="gain", parameters={"gain_db": 0.0}),)
    cut = mixed([track(heard(humming, 1, 2), heard(humming, 3, 2, effects=louder))], humming, seconds=4)
    assert np.abs(whole - cut).max() < 1e-4


def test_a_nested_timeline_sounds_where_its_clip_stands(ticking: Source, humming: Source) -> None:
    inner = Timeline(
        name="inner", rate=Fraction(25), width=320, height=180, sample_rate=RATE,
        tracks=(track(Gap(duration=Fraction(1)), heard(ticking, 2, 6)), track(heard(humming, 0, 7), enabled=False)),
    )  # fmt: skip
    clip = Clip(
        id="nested",
        media=Nested(timeline=inner),
        source_range=TimeRange(start=Fraction(1, 2), duration=Fraction(4)),
    )
    samples = mixed([track(Gap(duration=Fraction(1)), clip)], ticking, humming, seconds=5)
    # The inner tick of its second 1 + n is heard at 1 + 1 + n - 1/2; the first is faded by the cut.
    assert [one for one in ticks_of(samples) if one > 1.6] == pytest.approx([2.5, 3.5, 4.5], abs=0.001)
    fast = mixed([track(replace(clip, speed=Fraction(2)))], ticking, humming, seconds=4)
    assert [one for one in ticks_of(fast) if one > 0.5] == pytest.approx(
        [0.75, 1.25, 1.75, 2.25, 2.75], abs=0.001
    )


def test_the_mix_does_not_depend_on_the_blocks_it_is_read_in(ticking: Source, humming: Source) -> None:
    tracks = [
        track(heard(ticking, 0, 3), Transition(kind="crossfade", in_offset=Fraction(1, 4), out_offset=Fraction(1, 4)),
              heard(ticking, 7, 3, speed=Fraction(4, 3))),
        track(heard(humming, 0, 6), name="b", gain_db=-9.0, effects=(Effect(name="pan", parameters={"position": 0.5}),)),
    ]  # fmt: skip
    one = mixed(tracks, ticking, humming, seconds=6)
    for block in (1000, 4801, 300_000):
        assert np.abs(mixed(tracks, ticking, humming, seconds=6, block=block) - one).max() < 1e-6


def test_a_trim_leaves_the_stems_of_all_other_clips(ticking: Source) -> None:
    frame = Fraction(1001, 30000)
    after = [heard(ticking, 60 * n * frame, 55 * frame) for n in range(3, 8)]
    before, _ = work_of([track(heard(ticking, 0, 90 * frame), *after)], ticking, seconds=13)
    trimmed, _ = work_of([track(heard(ticking, 0, 83 * frame), *after)], ticking, seconds=13)
    assert stems_of(before.mix)[1:] == stems_of(trimmed.mix)[1:]
    assert stems_of(before.mix)[0] != stems_of(trimmed.mix)[0]


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (Effect(name="gian"), "did you mean gain or pan or gate?"),
        (Effect(name="gain", parameters={"gain_db": 99.0}), "gain.gain_db is -96 to 24 dB, not 99"),
        (Effect(name="gain", parameters={"db": 1.0}), "gain has no parameter 'db'; it has gain_db"),
        (
            Effect(name="fade", parameters={"in": (Keyframe(at=Fraction(0), value=1.0),)}),
            "fade.in cannot move",
        ),
    ],
)
def test_what_an_effect_cannot_be_told_is_named(ticking: Source, effect: Effect, said: str) -> None:
    with pytest.raises(Invalid, match=said.replace("?", r"\?")):
        work_of([track(heard(ticking, 0, 1, effects=(effect,)))], ticking, seconds=1)


def test_music_ducks_under_the_track_that_speaks(ticking: Source, humming: Source) -> None:
    quiet = heard(ticking, 0, 6, effects=(Effect(name="gain", parameters={"gain_db": -96.0}),))
    duck = Effect(name="duck", parameters={"depth_db": 12.0, "under": "voice"})
    voice = track(Gap(duration=Fraction(2)), heard(humming, 0, 1), name="voice", gain_db=-6.0)
    music = track(heard(humming, 5, 6), name="music", effects=(duck,))
    both = mixed([music, track(quiet, name="other"), voice], ticking, humming, seconds=6)
    alone = mixed([track(heard(humming, 5, 6))], humming, seconds=6)
    assert np.abs(both[:, : 2 * RATE] - alone[:, : 2 * RATE]).max() < 1e-3
    # After the voice's end the music is still held down.
    assert level_db(both, 3.1, 3.3) - level_db(alone, 3.1, 3.3) == pytest.approx(-12, abs=0.2)
    assert level_db(both, 5.8, 5.95) - level_db(alone, 5.8, 5.95) == pytest.approx(0, abs=0.4)


def said(*spans: tuple[int, int]) -> tuple[Speech, ...]:
    """Speech in tenths of a second."""
    return tuple(Speech(start=Fraction(a, 10), end=Fraction(b, 10), confidence=0.9) for a, b in spans)


def test_music_ducks_while_words_are_said_however_loud_the_rest_of_their_track_is(
    ticking: Source, humming: Source
) -> None:
    """The voice hums all the time, louder than the threshold; somebody speaks from 3 to 4 s of it, heard from 2 to 3 s."""
    duck = Effect(name="duck", parameters={"depth_db": 12.0, "under": "voice", "threshold_db": -80.0})
    muted = Effect(name="gain", parameters={"gain_db": -90.0})
    voice = track(heard(ticking, 1, 6), name="voice", effects=(muted,))
    music = track(heard(humming, 5, 6), name="music", effects=(duck,))
    known = {ticking.asset.asset_id: said((30, 40))}
    work, notices = work_of([music, voice], ticking, humming, seconds=6, speech=known)
    assert notices == ()
    assert [effect.keys for effect in work.mix.channels[0].effects] == [()]
    both, alone = mix_of(work, ticking, humming), mixed([track(heard(humming, 5, 6))], humming, seconds=6)

    def softer(start: float, end: float) -> float:
        return level_db(both, start, end) - level_db(alone, start, end)

    assert softer(0.5, 1.8) == pytest.approx(0, abs=0.05)
    # Most of the way down at the first word, all of it during the next, and still at the hold's end.
    assert softer(2.0, 2.02) < -12 * 0.6
    assert softer(2.5, 3.3) == pytest.approx(-12, abs=0.3)
    assert softer(5.8, 5.95) == pytest.approx(0, abs=0.4)


def test_a_track_whose_footage_nobody_listened_to_is_judged_by_its_level(
    ticking: Source, humming: Source
) -> None:
    duck = Effect(name="duck")
    tracks = [
        track(heard(humming, 0, 2), name="music", effects=(duck,)),
        track(heard(ticking, 0, 2), name="voice"),
        track(heard(humming, 0, 2), name="other"),
    ]
    work, notices = work_of(
        tracks, ticking, humming, seconds=2, speech={ticking.asset.asset_id: said((5, 9))}
    )
    (effect,) = work.mix.channels[0].effects
    assert effect.keys == (2,)
    assert effect.spoken == ((Fraction(1, 2), Fraction(9, 10)),)
    (notice,) = notices
    asset_id = humming.asset.asset_id
    assert notice == (
        f"duck of the track 'music' goes by how loud 'other' is, as nobody has looked for speech in {asset_id}:"
        f' POST /v1/assets/{asset_id}/analyses {{"kind": "speech"}}'
    )


@pytest.mark.parametrize(
    ("clip", "wanted"),
    [
        ({"start": 2, "lasts": 4}, [(10, 20)]),
        ({"start": 2, "lasts": 4, "speed": Fraction(2)}, [(5, 10), (30, 35)]),
        ({"start": 2, "lasts": 4, "speed": Fraction(1, 2)}, [(20, 40)]),
        ({"start": 2, "lasts": 4, "speed": Fraction(-1)}, [(20, 30)]),
        ({"start": Fraction(7, 2), "lasts": 1}, [(0, 5)]),
        (
            {
                "start": 2,
                "lasts": 2,
                "ramp": (Keyframe(at=Fraction(0), value=0.0), Keyframe(at=Fraction(2), value=2.0)),
            },
            [(14.142, 20)],
        ),
    ],
    ids=["plain", "twice", "half", "backwards", "begun", "ramp"],
)
def test_what_is_said_is_where_its_clip_comes_to_it(
    humming: Source, clip: dict[str, Any], wanted: list[tuple[float, float]]
) -> None:
    """Somebody speaks from 3 to 4 s and from 8 to 9 s of the footage."""
    voice = track(heard(humming, **clip))
    found = spoken_on(voice, {humming.asset.asset_id: said((30, 40), (80, 90))})
    assert [float(edge) for span in found for edge in span] == pytest.approx(
        [edge / 10 for span in wanted for edge in span], abs=0.011
    )
    inner = Timeline(name="i", rate=Fraction(25), width=64, height=64, sample_rate=RATE, tracks=(voice,))
    outer = Clip(
        id="o", media=Nested(timeline=inner), source_range=TimeRange(start=Fraction(0), duration=Fraction(4))
    )
    known = {humming.asset.asset_id: said((30, 40), (80, 90))}
    nested = spoken_on(track(Gap(duration=Fraction(1)), outer), known)
    assert nested == tuple((start + 1, end + 1) for start, end in found)
    assert unknown_on(track(outer), {}) == (humming.asset.asset_id,)


def test_a_clip_is_brought_to_its_loudness(humming: Source) -> None:
    loud = (Effect(name="loudness", parameters={"target_lufs": -20.0}),)
    samples = mixed([track(heard(humming, 0, 5, effects=loud))], humming, seconds=5)
    assert integrated_lufs(samples, RATE) == pytest.approx(-20, abs=0.2)


def test_an_effect_with_latency_keeps_its_sound_in_step(ticking: Source) -> None:
    effects = (Effect(name="limiter"), Effect(name="noise_reduction", parameters={"reduction_db": 6.0}))
    samples = mixed([track(heard(ticking, Fraction(1, 2), 4, effects=effects))], ticking, seconds=4)
    assert ticks_of(samples) == pytest.approx([0.5, 1.5, 2.5, 3.5], abs=0.001)
