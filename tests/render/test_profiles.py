"""Profiles: each of them gives a file that is what it says, which other programs can read."""

import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.editing.profiles import profile_named, profiles
from engine.kernel.errors import Invalid
from engine.rendering.capabilities import capabilities
from engine.rendering.encoders import encoder_for
from engine.rendering.qa import check_film
from tests.clips import Sound, make_clip, read_numbers
from tests.render.workshop import Source, make_film, source_of, span, timeline_of

PAL = Fraction(25)
CODECS = {"h264": "h264", "prores": "prores", "dnxhr": "dnxhd", "ffv1": "ffv1"}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    path = tmp_path_factory.mktemp("footage") / "clip.mp4"
    sound = Sound(tone_hz=300, tone_peak=0.3, tick_every=None)
    return source_of(make_clip(path, frames=60, audio=sound).path)


@pytest.mark.parametrize("name", ["draft", "master-prores", "master-dnxhr", "master-ffv1", "source"])
def test_a_file_is_what_its_profile_says(name: str, source: Source, tmp_path: Path) -> None:
    profile = profile_named(name)
    timeline = timeline_of(
        [span(source, 5, 25, rate=PAL), span(source, 40, 50, rate=PAL)], rate=PAL, sound=True
    )
    film = make_film(tmp_path, timeline, [source], profile)
    assert read_numbers(film.path) == [*range(5, 25), *range(40, 50)]
    checks = {
        check.name: check
        for check in check_film(film.plan, profile, film.inspection, size=film.path.stat().st_size)
    }
    assert [check for check in checks.values() if check.status == "fail"] == []
    assert checks["codecs"].status == "pass"
    again = make_film(tmp_path / "again", timeline, [source], profile)
    assert again.path.read_bytes() == film.path.read_bytes()
    if shutil.which("ffprobe"):
        said = _probed(film.path)
        assert (said["codec_name"], said["width"], said["height"]) == (CODECS[profile.codec], 320, 180)
        assert said["avg_frame_rate"] == "25/1"


def _probed(path: Path) -> dict[str, object]:
    command = ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_streams", "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    stream: dict[str, object] = found["streams"][0]
    return stream


def test_h265_joins_too(source: Source, tmp_path: Path) -> None:
    profile = replace(profile_named("source"), codec="h265", preset="ultrafast")
    timeline = timeline_of([span(source, 5, 25, rate=PAL), span(source, 40, 50, rate=PAL)], rate=PAL)
    film = make_film(tmp_path, timeline, [source], profile)
    assert read_numbers(film.path) == [*range(5, 25), *range(40, 50)]
    assert film.inspection.video_codec == "hevc"


def test_what_a_codec_cannot_lie_in_is_refused(source: Source) -> None:
    timeline = timeline_of([span(source, 5, 25, rate=PAL)], rate=PAL)
    for codec, container in (("prores", "mp4"), ("ffv1", "mov"), ("vp9", "mov")):
        profile = replace(profile_named("source"), codec=codec, container=container)
        with pytest.raises(Invalid) as refused:
            encoder_for(timeline, profile, capabilities())
        assert refused.value.extra["field"] == "profile"


def test_a_draft_is_small_and_keeps_the_shape(source: Source) -> None:
    tall = timeline_of([span(source, 5, 25, rate=PAL)], rate=PAL, width=1080, height=1920)
    encoder = encoder_for(tall, profile_named("draft"), capabilities())
    assert (encoder.width, encoder.height) == (360, 640)
    assert profile_named("draft").priority == "high"
    assert profile_named("draft").proxies


def test_each_profile_of_the_list_is_there_with_its_source() -> None:
    wanted = {"reels", "shorts", "tiktok", "youtube", "square", "x", "source", "draft", "preview"}
    assert wanted < set(profiles())
    for kind in ("prores", "ffv1", "dnxhr"):
        assert profile_named(f"master({kind})") is profile_named(f"master-{kind}")
    assert all(one.source and one.read_on for one in profiles().values())
