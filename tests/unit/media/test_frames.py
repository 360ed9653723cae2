"""Any frame of any kind of file can be had by its number, and it is that frame."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from msgspec.structs import replace

from engine.kernel.errors import Invalid
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex, build_index
from engine.media.source import decoded, open_media
from tests import clips

RAGGED = [Fraction(n, 30) + (Fraction(1, 75) if n % 3 == 1 else 0) for n in range(48)]

KINDS: dict[str, Callable[[Path], clips.Clip]] = {
    "closed GOP": lambda to: clips.make_clip(to / "a.mp4", frames=60, gop=12),
    "open GOP": lambda to: clips.make_clip(to / "a.mp4", frames=60, gop=12, b_frames=3, open_gop=True),
    "intra only": lambda to: clips.make_clip(to / "a.mp4", frames=30, gop=1, b_frames=0),
    "short GOP": lambda to: clips.make_clip(to / "a.mp4", frames=40, gop=3, b_frames=2),
    "NTSC in TS": lambda to: clips.make_clip(to / "a.ts", frames=60, rate=clips.NTSC, gop=15, open_gop=True),
    "film in MKV": lambda to: clips.make_clip(to / "a.mkv", frames=60, rate=clips.FILM, gop=20),
    "HEVC": lambda to: clips.make_clip(to / "a.mp4", codec="libx265", frames=40, gop=10, open_gop=True),
    "VP9": lambda to: clips.make_clip(to / "a.webm", codec="libvpx-vp9", frames=40, gop=10),
    "VP8": lambda to: clips.make_clip(
        to / "a.webm", codec="libvpx", frames=40, gop=10, codec_options={"auto-alt-ref": "1", "lag-in-frames": "12"}
    ),
    "variable rate": lambda to: clips.make_clip(to / "a.mp4", times=RAGGED, gop=12),
    "late start": lambda to: clips.make_clip(to / "a.mp4", frames=48, gop=12, start=Fraction(3, 2)),
    "late start in MKV": lambda to: clips.make_clip(to / "a.mkv", frames=48, gop=12, start=Fraction(3, 2)),
    "AVI": lambda to: clips.make_clip(to / "a.avi", codec="mpeg4", frames=40, gop=10, b_frames=0),
    "AVI with B-frames": lambda to: clips.make_clip(to / "a.avi", frames=40, gop=10, b_frames=2),
    "raw H.264": lambda to: clips.make_clip(to / "a.h264", frames=40, gop=10, b_frames=2),
    "rotated": lambda to: clips.make_clip(to / "a.mp4", frames=30, gop=10, rotation=90),
    "with sound": lambda to: clips.make_clip(to / "a.mp4", frames=60, gop=12, audio=clips.Sound()),
}  # fmt: skip

LINEAR = {"AVI with B-frames", "raw H.264"}


@contextmanager
def reader(path: Path) -> Iterator[tuple[FrameReader, FrameIndex]]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with open_media(descriptor) as container:
            index = build_index(container)
            yield FrameReader(container, index), index
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("kind", KINDS)
def test_every_span_gives_exactly_its_frames(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = KINDS[kind](tmp_path)
    with reader(clip.path) as (frames, index):
        if not index.linear:
            # A seek finds them; reading from the start, which always works, is not what happens.
            monkeypatch.setattr("engine.media.frames.pictures", lambda container: iter(()))
        assert index.linear == (kind in LINEAR)
        count = len(clip.numbers)
        assert index.count == count
        for start in (0, count - 1, 11, 12, 13, count // 2, 1, 23, 24, 5):
            end = min(count, start + 4)
            shown = [
                (number, clips.read_number(clips.show(frame))) for number, frame in frames.frames(start, end)
            ]
            assert shown == [(number, number) for number in range(start, end)]
        picked = sorted({0, 1, 5, 11, 12, 14, 20, 23, 27, count - 2, count - 1})
        for wanted in (picked, picked[::2], [count - 1], []):
            chosen = [clips.read_number(clips.show(frame)) for _, frame in frames.chosen(wanted)]
            assert chosen == wanted
        everything = [clips.read_number(clips.show(frame)) for _, frame in frames.frames(0, count)]
        assert everything == list(range(count))


def test_times_count_from_the_first_frame_shown(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "v.mp4", times=RAGGED, start=Fraction(1, 3))
    with reader(clip.path) as (_, index):
        assert [index.time_of(number) for number in range(index.count)] == pytest.approx(
            [float(at) for at in RAGGED], abs=1 / 90000
        )
        assert float(index.duration) == pytest.approx(float(clip.duration), abs=1 / 90000)


def test_a_frame_owns_the_time_up_to_the_next(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "n.mp4", frames=30, rate=clips.NTSC)
    with reader(clip.path) as (_, index):
        for number in range(index.count):
            assert index.frame_at(index.time_of(number)) == number
            assert index.frame_at(index.time_of(number + 1) - Fraction(1, 10**9)) == number
        assert index.frame_at(Fraction(-1)) == 0
        assert index.frame_at(Fraction(100)) == 29


def test_a_frame_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "d.mp4", frames=20, gop=5)
    with reader(clip.path) as (frames, index):
        ghost = replace(index, pts=(*index.pts[:8], index.pts[8] - 1, *index.pts[8:]))
        frames = FrameReader(frames.container, ghost)
        assert [number for number, _ in frames.frames(4, 8)] == [4, 5, 6, 7]
        with pytest.raises(Invalid, match="frame 8 of 21") as caught:
            list(frames.frames(4, 12))
    assert (caught.value.code, caught.value.extra["frame"]) == ("media_unreadable", 8)


def test_nothing_is_read_beyond_what_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = clips.make_clip(tmp_path / "n.mp4", frames=48, gop=24, b_frames=3)
    taken: list[int] = []

    def counted(stream: av.VideoStream, packet: Any) -> list[av.VideoFrame]:
        taken.append(0 if packet is None else packet.size)
        return decoded(stream, packet)

    with reader(clip.path) as (frames, index):
        monkeypatch.setattr("engine.media.frames.decoded", counted)
        for number in (0, 24):
            taken.clear()
            assert index.keyframe_before(number) == number
            assert clips.read_number(clips.show(frames.frame(number))) == number
            # Its own packet, and word that no more will come.
            assert len(taken) == 2


def test_a_number_outside_the_clip_is_refused(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "s.mp4", frames=10)
    with reader(clip.path) as (frames, _), pytest.raises(IndexError):
        list(frames.chosen([3, 10]))


def test_a_file_that_lost_its_picture_since_is_called_damaged(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "a.mp4", frames=10)
    with reader(clip.path) as (_, index):
        pass
    heard = clips.make_sound(tmp_path / "b.m4a")
    descriptor = os.open(heard, os.O_RDONLY)
    with open_media(descriptor) as container, pytest.raises(Invalid, match="damaged since") as caught:
        FrameReader(container, index)
    os.close(descriptor)
    assert caught.value.code == "media_unreadable"


def test_a_span_outside_the_clip_is_refused(tmp_path: Path) -> None:
    clip = clips.make_clip(tmp_path / "s.mp4", frames=10)
    with reader(clip.path) as (frames, _), pytest.raises(IndexError):
        list(frames.frames(5, 11))
