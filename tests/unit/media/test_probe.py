"""What a probe says of a file is what the file is; what cannot be read is named with what is wrong."""

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.probe import Probe, ProbeRequest, probe
from engine.media.tasks import Files, no_report
from tests import clips


def probed(path: Path) -> Probe:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return probe(ProbeRequest(), Files((descriptor,)), no_report)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("rate", [clips.FILM, Fraction(25), clips.NTSC, Fraction(50)])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_the_nominal_rate_is_found_whatever_the_container_rounds(
    tmp_path: Path, name: str, rate: Fraction
) -> None:
    found = probed(clips.make_clip(tmp_path / name, frames=60, rate=rate).path)
    assert found.video is not None
    assert (found.video.rate, found.video.variable_rate) == (rate, False)
    assert found.video.frame_count == 60
    assert float(found.video.duration) == pytest.approx(float(60 / rate), abs=0.002)


def test_a_variable_rate_is_told_from_a_constant_one(tmp_path: Path) -> None:
    times = [Fraction(n, 30) + (Fraction(1, 90) if n % 2 else 0) for n in range(40)]
    found = probed(clips.make_clip(tmp_path / "v.mp4", times=times).path)
    assert found.video is not None
    assert found.video.variable_rate
    assert float(found.video.rate) == pytest.approx(39 / float(times[-1]), rel=1e-3)
    assert any("varies" in notice for notice in found.notices)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_sizes_are_those_of_the_picture_as_shown(tmp_path: Path, rotation: int) -> None:
    found = probed(clips.make_clip(tmp_path / "r.mp4", frames=5, rotation=rotation).path)
    assert found.video is not None
    assert (found.video.width, found.video.height, found.video.rotation) == (320, 180, rotation)


def test_sound_starts_relative_to_the_first_frame_shown(tmp_path: Path) -> None:
    sound = clips.Sound(codec="pcm_s16le", tick_every=None, tone_hz=200)
    clip = clips.make_clip(tmp_path / "s.mkv", frames=25, audio=sound, start=Fraction(2))
    found = probed(clip.path)
    assert found.video is not None and found.audio is not None  # noqa: PT018
    assert float(found.video.start) == pytest.approx(2, abs=0.001)
    assert float(found.audio.start) == pytest.approx(0, abs=0.001)
    assert (found.audio.sample_rate, found.audio.channels) == (48000, 2)
    assert float(found.audio.duration) == pytest.approx(1, abs=0.03)


def test_the_index_comes_along(tmp_path: Path) -> None:
    found = probed(clips.make_clip(tmp_path / "i.mp4", frames=30, gop=10).path)
    assert found.index is not None
    index = FrameIndex.from_bytes(found.index)
    assert (index.count, index.keyframes) == (30, (0, 10, 20))
    assert index.to_bytes() == found.index


@pytest.mark.parametrize("name", ["a.wav", "a.m4a", "a.mp3", "a.flac", "a.ogg"])
def test_sound_alone_is_media(tmp_path: Path, name: str) -> None:
    found = probed(clips.make_sound(tmp_path / name, duration=Fraction(2)))
    assert found.video is None
    assert found.audio is not None
    assert found.audio.start == 0
    assert float(found.duration) == pytest.approx(2, abs=0.06)


def test_cover_art_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "cover.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        cover = container.add_stream("mjpeg", rate=1)
        assert isinstance(cover, av.VideoStream)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        stream = container.add_stream("aac", rate=48000)
        assert isinstance(stream, av.AudioStream)
        frame = av.VideoFrame(64, 64, "yuvj420p")
        container.mux(cover.encode(frame))
        container.mux(cover.encode(None))
        for at in range(40):
            block = av.AudioFrame.from_ndarray(
                np.zeros((2, 1024), np.float32), format="fltp", layout="stereo"
            )
            block.sample_rate, block.pts = 48000, at * 1024
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
    found = probed(path)
    assert found.video is None
    assert found.audio is not None


def unreadable(path: Path) -> str:
    with pytest.raises(Invalid) as caught:
        probed(path)
    assert caught.value.code == "media_unreadable"
    return caught.value.detail


def test_an_empty_file_is_called_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").write_bytes(b"")
    assert "empty (0 bytes)" in unreadable(tmp_path / "empty.mp4")


def test_a_cut_off_mp4_is_told_from_what_is_no_media(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "c.mp4", frames=50)
    assert "moov" in unreadable(clips.truncate(clip.path, tmp_path / "cut.mp4", keep=0.7))
    (tmp_path / "text.mp4").write_text("this is a letter, not a film. " * 100)
    assert "no media" in unreadable(tmp_path / "text.mp4")


@pytest.mark.parametrize(
    "content",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile /etc/passwd\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
)
def test_playlists_that_open_other_files_are_no_media(tmp_path: Path, content: str) -> None:
    (tmp_path / "list.mp4").write_text(content)
    assert "no media" in unreadable(tmp_path / "list.mp4")


@pytest.mark.parametrize("name", ["t.mp4", "t.mkv", "t.ts"])
def test_a_file_that_ends_early_is_read_as_far_as_it_goes_and_says_so(tmp_path: Path, name: str) -> None:
    clip = clips.make_clip(tmp_path / name, frames=250, gop=10, options={"movflags": "faststart"})
    found = probed(clips.truncate(clip.path, tmp_path / f"cut-{name}", keep=0.6))
    assert found.video is not None
    assert 50 < found.video.frame_count < 240
    if name != "t.ts":  # a transport stream does not say how long it is
        assert any("cut off" in notice for notice in found.notices)
