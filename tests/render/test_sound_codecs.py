"""Every codec of sound in every container that carries it: ticks stay where they are, and the file says what it holds."""

from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.editing.profiles import profile_named
from engine.kernel.errors import Invalid
from engine.rendering.audio.codecs import SOUND_CODECS, sound_encoder_for
from engine.rendering.qa import check_film
from tests.clips import Sound, find_ticks, make_clip, read_sound
from tests.render.workshop import PROFILE, Source, make_film, source_of, span, timeline_of

PAL = Fraction(25)
PAIRS = [(codec, container) for codec, row in SOUND_CODECS.items() for container in row.containers]


@pytest.fixture(scope="module")
def ticking(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Four seconds with a tick at each second."""
    path = tmp_path_factory.mktemp("footage") / "ticks.mkv"
    return source_of(
        make_clip(path, frames=100, width=64, height=64, audio=Sound(tone_hz=220, tone_peak=0.02)).path
    )


@pytest.mark.parametrize(("codec", "container"), PAIRS, ids=lambda one: one)
def test_ticks_stay_in_place_in_every_codec_and_container(
    codec: str, container: str, ticking: Source, tmp_path: Path
) -> None:
    profile = replace(
        PROFILE,
        codec="vp9" if container == "webm" else "h264",
        container=container,
        audio_codec=codec,
        crf=35,
    )
    clips = [span(ticking, 5, 40, rate=PAL), span(ticking, 45, 90, rate=PAL)]
    timeline = timeline_of(clips, rate=PAL, width=64, height=64, sound=True)
    film = make_film(tmp_path, timeline, [ticking], profile)
    samples, rate = read_sound(film.path)
    assert find_ticks(samples, rate) == pytest.approx([0.8, 1.6, 2.6], abs=0.001)
    assert len(samples) / rate == pytest.approx(3.2, abs=0.03)
    checks = {check.name: check for check in check_film(film.plan, profile, film.inspection, size=1)}
    assert [check for check in checks.values() if check.status == "fail"] == []
    assert codec in checks["codecs"].value
    assert abs(film.inspection.start_offset) <= Fraction(1, 1000)
    assert film.inspection.audio_duration == pytest.approx(3.2, abs=0.03)


@pytest.mark.parametrize("codec", ["flac", "pcm_s24le"])
def test_sound_without_loss_is_the_mix_to_the_last_of_its_bits(
    codec: str, ticking: Source, tmp_path: Path
) -> None:
    profile = replace(PROFILE, container="mkv", audio_codec=codec)
    timeline = timeline_of([span(ticking, 5, 40, rate=PAL)], rate=PAL, width=64, height=64, sound=True)
    film = make_film(tmp_path, timeline, [ticking], profile)
    samples, _ = read_sound(film.path)
    own, rate = read_sound(ticking.path)
    inside = slice(rate // 50, round(1.3 * rate))
    wanted = own[round(0.2 * rate) :][inside]
    assert abs(samples[inside] - wanted).max() <= 2.0**-23


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        (
            {"audio_codec": "vorbis"},
            "audio_codec",
            "there is no codec 'vorbis'; in mp4 there are aac, opus, mp3",
        ),
        (
            {"audio_codec": "opus", "container": "mov"},
            "audio_codec",
            "mov does not carry opus: take aac, .*or the container mp4 or mkv or webm",
        ),
        ({"audio_codec": "aac", "container": "webm"}, "audio_codec", "webm does not carry aac: take opus"),
        ({"audio_codec": "flac", "container": "mov"}, "audio_codec", "mov does not carry flac"),
        (
            {"audio_codec": "opus", "sample_rate": 44_100},
            "sample_rate",
            "opus is not made at 44100 Hz: at 48000 Hz",
        ),
        (
            {"audio_codec": "mp3", "audio_bitrate": 512_000},
            "audio_bitrate",
            "mp3 takes 32000 to 320000 bits a second, not 512000",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_would_be_right(
    changes: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(Invalid, match=said) as refused:
        sound_encoder_for(replace(PROFILE, **changes))
    assert refused.value.extra["field"] == field


def test_a_webm_is_vp9_with_opus(ticking: Source, tmp_path: Path) -> None:
    profile = profile_named("webm")
    timeline = timeline_of([span(ticking, 5, 40, rate=PAL)], rate=PAL, width=64, height=64, sound=True)
    film = make_film(tmp_path, timeline, [ticking], profile)
    assert (film.path.suffix, film.inspection.video_codec, film.inspection.audio_codec) == (
        ".webm",
        "vp9",
        "opus",
    )
    assert film.inspection.integrated_lufs == pytest.approx(-14.0, abs=0.5)
