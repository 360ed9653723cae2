"""One pass gives every kind that is wanted of picture or sound, the same whichever others are wanted with it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.media import CameraPath, Loudness, Motion, Quality, Shot, Speech
from engine.kernel.errors import Invalid
from engine.media.analysis.backends import KINDS, backend, backends
from engine.media.analysis.params import complete
from engine.media.analysis.requests import AnalyseRequest, AnalyseResult
from engine.media.analysis.tasks import analyse_audio, analyse_video
from engine.media.index import build_index
from engine.media.pool import Pool
from engine.media.source import open_media
from engine.media.tasks import Files, no_report
from tests import clips
from tests.unit.media.analysis.scenes import Talk


@contextmanager
def files(path: Path) -> Iterator[Files]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield Files((descriptor,))
    finally:
        os.close(descriptor)


def video(path: Path, *kinds: str, **more: Any) -> AnalyseResult:
    with files(path) as opened:
        return analyse_video(AnalyseRequest(kinds=kinds, **more), opened, no_report)


def audio(path: Path, *kinds: str, **more: Any) -> AnalyseResult:
    with files(path) as opened:
        return analyse_audio(AnalyseRequest(kinds=kinds, **more), opened, no_report)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mp4"
    return clips.make_clip(
        path, frames=60, backgrounds=[40] * 30 + [160] * 30, audio=clips.Sound(tone_hz=440)
    ).path


async def test_a_locked_down_worker_gives_what_the_wire_promises(talk: Talk) -> None:
    progress: list[float] = []
    async with Pool(modules=("engine.media.analysis.tasks",), workers=1) as pool:
        seen = await pool.run(
            "engine.media.analysis.tasks:analyse_video",
            AnalyseRequest(kinds=("shots", "motion", "quality")),
            AnalyseResult,
            inputs=(talk.path,),
            report=lambda done, total: progress.append(done / total),
        )
        heard = await pool.run(
            "engine.media.analysis.tasks:analyse_audio",
            AnalyseRequest(kinds=("speech", "loudness"), origin=Fraction(0)),
            AnalyseResult,
            inputs=(talk.path,),
        )
    shots = convert(seen.data["shots"], tuple[Shot, ...])
    samples = len(convert(seen.data["motion"], Motion).amount)
    assert samples == len(convert(seen.data["quality"], Quality).luma) == 32 * 5
    assert len(convert(heard.data["speech"], tuple[Speech, ...])) >= len(talk.script.sentences)
    assert convert(heard.data["loudness"], Loudness).integrated_lufs == pytest.approx(-26, abs=3)
    assert shots[0].start == 0
    assert shots[-1].end == talk.script.duration
    assert all(before.end == after.start for before, after in pairwise(shots))
    assert progress == sorted(progress)
    assert 0.9 < progress[-1] <= 1
    subject = np.array([talk.script.subject[sample * 5] for sample in range(samples)])
    centers = np.stack([seen.data["motion"]["center_x"], seen.data["motion"]["center_y"]], axis=1)
    assert np.abs(centers - subject)[:, 0].mean() < 0.04


def test_a_kind_comes_out_the_same_alone_and_with_others(clip: Path) -> None:
    together = video(clip, "shots", "motion", "quality").data | audio(clip, "speech", "loudness").data
    for kind in ("shots", "motion", "quality"):
        assert video(clip, kind).data == {kind: together[kind]}
    for kind in ("speech", "loudness"):
        assert audio(clip, kind).data == {kind: together[kind]}


def test_the_frame_index_may_come_with_the_request(clip: Path) -> None:
    with files(clip) as opened, open_media(opened.inputs[0]) as container:
        index = build_index(container).to_bytes()
    assert video(clip, "shots", index=index) == video(clip, "shots")


def test_samples_follow_the_times_of_a_variable_frame_rate(tmp_path: Path) -> None:
    times = [Fraction(number, 25) for number in range(25)] + [
        Fraction(number, 10) for number in range(10, 30)
    ]
    clip = clips.make_clip(tmp_path / "varies.mp4", times=times, backgrounds=[40] * 25 + [140] * 20)
    luma = video(clip.path, "quality").data["quality"]["luma"]
    assert len(luma) == 15
    assert max(luma[:5]) < min(luma[5:])


def test_a_damaged_file_is_analysed_as_far_as_it_goes(tmp_path: Path) -> None:
    whole = clips.make_clip(tmp_path / "whole.ts", frames=50).path
    with files(whole) as opened, open_media(opened.inputs[0]) as container:
        index = build_index(container).to_bytes()
    half = clips.truncate(whole, tmp_path / "half.ts", keep=0.5)
    result = video(half, "shots", "quality", index=index)
    assert "of 50 frames cannot be decoded" in result.notices["shots"][0]
    assert result.data["shots"][-1]["end_frame"] == 50
    assert len(result.data["quality"]["luma"]) == 10


def test_what_cannot_be_read_says_so(tmp_path: Path, clip: Path) -> None:
    silent = clips.make_clip(tmp_path / "silent.mp4", frames=5).path
    with pytest.raises(Invalid, match="no sound"):
        audio(silent, "loudness")
    heard_only = clips.make_sound(tmp_path / "heard.wav")
    with pytest.raises(Invalid, match="no picture"):
        video(heard_only, "shots")


@pytest.mark.parametrize(
    ("kind", "params", "named"),
    [
        ("motion", {"hop": "0"}, "hop"),
        ("quality", {"hop": "1/2", "blur": 1}, "blur"),
        ("quality", {"blur_below": 2}, "blur_below"),
        ("speech", {"threshold": 0.3, "release": 0.6}, "release"),
        ("shots", {"hop": "1"}, "hop"),
    ],
)
def test_a_wrong_parameter_is_named(clip: Path, kind: str, params: dict[str, Any], named: str) -> None:
    with pytest.raises(Invalid, match=named):
        complete(kind, params)


def test_parameters_change_what_they_should(clip: Path) -> None:
    data = video(clip, "quality", params={"quality": {"hop": "1/2", "blur_below": 0.4}}).data["quality"]
    assert (data["hop"], data["blur_below"], len(data["luma"])) == ("1/2", 0.4, 5)


def test_every_kind_has_a_maker_that_says_all_that_its_numbers_depend_on() -> None:
    assert tuple(backends()) == KINDS
    for kind, maker in backends().items():
        assert maker.kind == kind
        assert maker.params == complete(kind, {})
        assert maker.version[0].isdigit()
        assert maker.missing is None
    assert backend("speech").model_hash is not None
    assert backend("shots").version in backend("motion").version


def test_an_unknown_kind_is_answered_with_those_there_are() -> None:
    with pytest.raises(Invalid, match="shots, motion, quality, faces, camera, speech, loudness"):
        backend("smell")


async def test_the_cameras_path_comes_out_of_a_locked_down_worker_as_a_file(clip: Path) -> None:
    async with Pool(modules=("engine.media.analysis.tasks",), workers=1) as pool:
        result = await pool.run(
            "engine.media.analysis.tasks:analyse_video",
            AnalyseRequest(kinds=("camera", "shots")),
            AnalyseResult,
            inputs=(clip,),
        )
    assert isinstance(result.data["camera"], bytes)
    path = msgspec.json.decode(result.data["camera"], type=CameraPath)
    assert len(path.moves) == 60
    assert path.rate == 25
    assert result.data["camera"] == video(clip, "camera").data["camera"]
