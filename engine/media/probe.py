"""What a file holds: its streams, its exact times, and what is odd about it. Runs in a worker process."""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import pairwise
from typing import Literal

import av
from av.container import InputContainer
from msgspec import Struct

from cutroom_sdk.wire.media import AudioStream, VideoStream
from engine.media.audio import first_heard
from engine.media.index import FrameIndex, Scan, scan
from engine.media.rates import find_rate
from engine.media.source import again, open_media, picture, pictures, sound, unreadable
from engine.media.tasks import Files, Report, task

_SHORTER_BY = Fraction(1, 2)  # seconds that may be missing at the end before it is worth a word
_HELD_S = 60
_UNITS_A_SECOND = 1_000_000  # of a container's own duration (AV_TIME_BASE)

# FFmpeg's names of matrix coefficients and ranges (libavutil/pixfmt.h, after ISO/IEC 23001-8).
_MATRICES = {
    0: "gbr", 1: "bt709", 4: "fcc", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "ycgco", 9: "bt2020nc",
    10: "bt2020c", 14: "ictcp",
}  # fmt: skip
_QUARTERS: tuple[Literal[0, 90, 180, 270], ...] = (0, 90, 180, 270)
_RANGES = {1: "tv", 2: "pc"}
_HDR_CURVES = {16: "PQ", 18: "HLG"}


class ProbeRequest(Struct, frozen=True, kw_only=True):
    """Nothing but the file is needed."""


class Probe(Struct, frozen=True, kw_only=True):
    """What was found. `index` is a `FrameIndex` as bytes; None without picture."""

    container: str
    duration: Fraction
    video: VideoStream | None
    audio: AudioStream | None
    index: bytes | None
    notices: tuple[str, ...]


@task
def probe(request: ProbeRequest, files: Files, report: Report) -> Probe:
    """Read a file's packets once and decode its first picture and sound.

    Raises:
        Invalid: `media_unreadable`, with what is wrong.
    """
    descriptor = files.inputs[0]
    size = os.fstat(descriptor).st_size
    with open_media(descriptor) as container:
        found = scan(container, sound(container), lambda place: report(min(place, size), size))
        notices: list[str] = []
        video = audio = None
        if found.index is not None:
            video = _video(container, found.index, notices)
        if found.sound is not None:
            audio = _audio(container, found, notices)
        if video is None and audio is None:
            raise unreadable("neither its picture nor its sound can be decoded; it may be cut off or damaged")
        end = max(stream.start_s + stream.duration for stream in _spans(video, audio))
        notices += _oddities(container, found, end)
        return Probe(
            container=container.format.name,
            duration=end,
            video=video,
            audio=audio,
            index=found.index.to_bytes() if found.index is not None else None,
            notices=tuple(notices),
        )


class _Span(Struct, frozen=True, kw_only=True):
    start_s: Fraction
    duration: Fraction


def _spans(video: VideoStream | None, audio: AudioStream | None) -> list[_Span]:
    spans = [_Span(start_s=Fraction(0), duration=video.duration)] if video else []
    return spans + ([_Span(start_s=audio.start, duration=audio.duration)] if audio else [])


def _video(container: InputContainer, index: FrameIndex, notices: list[str]) -> VideoStream:
    stream = picture(container)
    assert stream is not None, "an index was made, so there is a picture"
    frames = pictures(container)
    first = next(frames, None)
    frames.close()
    if first is None:
        raise unreadable("not a single frame of its picture can be decoded; it may be cut off or damaged")
    rate, varies = find_rate(index, (stream.guessed_rate, stream.average_rate, stream.base_rate))
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width, height = max(1, round(first.width * aspect)), first.height
    rotation = _QUARTERS[round(first.rotation / 90) % 4]
    if rotation in (90, 270):
        width, height = height, width
    notices += _picture_oddities(first, varies)
    return VideoStream(
        index=stream.index,
        codec=stream.codec_context.name,
        width=width,
        height=height,
        rate=rate,
        frame_count=index.count,
        duration=index.duration,
        start=index.start,
        coded_width=first.width,
        coded_height=first.height,
        rotation=rotation,
        variable_rate=varies,
        pixel_format=first.format.name,
        color_range=_RANGES.get(int(first.color_range), ""),
        color_space=_MATRICES.get(int(first.colorspace), ""),
    )


def _picture_oddities(frame: av.VideoFrame, varies: bool) -> list[str]:
    notices = []
    if varies:
        notices.append("its frame rate varies: frames are taken by their own times")
    if frame.rotation % 90:
        notices.append(f"it is turned by {frame.rotation} degrees; only quarter turns are applied")
    if frame.interlaced_frame:
        notices.append("it is interlaced: fields are shown as they lie in the frames")
    if curve := _HDR_CURVES.get(int(frame.color_trc)):
        notices.append(f"it is HDR ({curve}): colours will look flat, as tones are not mapped")
    return notices


def _audio(container: InputContainer, found: Scan, notices: list[str]) -> AudioStream | None:
    stream = sound(container)
    assert stream is not None and found.sound is not None, "its packets were counted"  # noqa: PT018
    with again(container) as fresh:
        first = first_heard(fresh)
    if first is None:
        notices.append("its sound cannot be decoded and is left out")
        return None
    origin = found.index.start if found.index is not None else first.at
    end = found.sound.end * found.sound.time_base
    return AudioStream(
        index=stream.index,
        codec=stream.codec_context.name,
        sample_rate=first.sample_rate,
        channels=first.channels,
        duration=max(Fraction(0), end - first.at),
        start=first.at - origin,
    )


def _oddities(container: InputContainer, found: Scan, end: Fraction) -> list[str]:
    notices = []
    stated = Fraction(container.duration or 0, _UNITS_A_SECOND)
    if stated - end > max(_SHORTER_BY, end / 50):
        notices.append(
            f"it says that it lasts {float(stated):.2f} s, but ends after {float(end):.2f} s: it may be cut off"
        )
    if found.index is not None and (jump := max((b - a for a, b in pairwise(found.index.pts)), default=0)):
        held_s = float(jump * found.index.time_base)
        if held_s > _HELD_S:
            notices.append(f"one of its frames is held for {held_s:.0f} s: its times may be damaged")
    if found.damaged:
        notices.append(f"{found.damaged} packets of its picture are damaged and left out")
    if found.index is not None and found.index.linear:
        notices.append(
            "its packets do not tell when frames are shown: frames are found by decoding from the start"
        )
    return notices
