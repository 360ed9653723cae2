"""A finished cut held against its source, in the worker: its times, and the frames on both sides of every seam.

Copied frames must come out of a decoder exactly as they come out of the source; encoded ones must look like theirs, and
not more like a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import av
import numpy as np

from engine.media.audio import first_heard
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex, build_index
from engine.media.source import again, open_media, picture, seconds, sound
from engine.rendering.inspection import DISTANCE_MAX, MISMATCHES_MAX, moov_first
from engine.rendering.picture import thumb
from engine.rendering.reading import brightness, read_whole
from engine.rendering.smartcopy.division import Stretch
from engine.rendering.smartcopy.splice import frame_times
from engine.rendering.smartcopy.work import CutFound, LookWork
from engine.rendering.work import Mismatch


def look(work: LookWork, inputs: tuple[int, ...]) -> CutFound:
    """Return what is found in a cut.

    Args:
        work: what the cut should be.
        inputs: the film, the source, and the source's frame index.

    Raises:
        Invalid: `media_unreadable`: the film cannot be opened, or a frame of either cannot be decoded.
    """
    film, source, index_file = inputs
    index = FrameIndex.from_bytes(read_whole(index_file))
    with open_media(film) as container, open_media(source) as original:
        own = build_index(container)
        video, audio = picture(container), sound(container)
        assert video is not None, "it has an index"
        compared, mismatches = _compare(
            FrameReader(container, own), FrameReader(original, index), own.count, work
        )
        return CutFound(
            container=container.format.name,
            video_codec=video.codec_context.codec.canonical_name,
            width=video.codec_context.width,
            height=video.codec_context.height,
            frames=own.count,
            duration=own.duration,
            on_time=_on_time(own, index, work),
            moov_first=moov_first(film),
            audio_codec=None if audio is None else audio.codec_context.codec.canonical_name,
            audio_duration=Fraction(0) if audio is None else seconds(audio.duration, audio.time_base),
            start_offset=Fraction(0) if audio is None else _heard_at(container) - own.start,
            compared=compared,
            mismatches=mismatches,
        )


def _on_time(own: FrameIndex, index: FrameIndex, work: LookWork) -> bool:
    """Tell whether every frame is shown when it should be, to the nearest tick of the film's clock.

    How long the last one lasts is not told by its packet alone, for packets lie in decoding order.
    """
    times = frame_times(work.stretches, index, work.rate)[:-1]
    base = index.time_base if work.rate is None else 1 / work.rate
    return own.count == len(times) and all(
        abs((at - own.pts[0]) * own.time_base - wanted * base) <= own.time_base / 2
        for at, wanted in zip(own.pts, times, strict=True)
    )


def _compare(
    film: FrameReader, source: FrameReader, count: int, work: LookWork
) -> tuple[int, tuple[Mismatch, ...]]:
    wanted = list(_seams(work.stretches))
    mismatches: list[Mismatch] = []
    for number, original, exact in wanted:
        if number >= count:
            mismatches.append(Mismatch(frame=number, distance=0.0, detail="missing"))
            continue
        found = _mismatch(number, film.frame(number), source.frame(original), exact=exact)
        if found is not None:
            mismatches.append(found)
    return len(wanted), tuple(mismatches[:MISMATCHES_MAX])


def _seams(stretches: Sequence[Stretch]) -> Iterator[tuple[int, int, bool]]:
    """Yield the first and the last frame of each stretch: its place in the film, in the source, and whether it was copied."""
    first = 0
    for stretch in stretches:
        for place in sorted({0, stretch.count - 1}):
            yield first + place, stretch.start + place, stretch.kind == "copy"
        first += stretch.count


def _mismatch(number: int, seen: av.VideoFrame, original: av.VideoFrame, *, exact: bool) -> Mismatch | None:
    if (seen.width, seen.height) != (original.width, original.height):
        return Mismatch(frame=number, distance=0.0, detail=f"{seen.width}x{seen.height} pixels")
    if exact:
        if np.array_equal(seen.to_ndarray(), original.to_ndarray()):
            return None
        return Mismatch(frame=number, distance=0.0, detail="a copied frame that is not the source's")
    one, other = thumb(brightness(seen)).astype(np.int16), thumb(brightness(original)).astype(np.int16)
    distance = float(np.abs(one - other).mean())
    if distance <= DISTANCE_MAX:
        return None
    return Mismatch(frame=number, distance=round(distance, 2), detail="not the source's frame")


def _heard_at(container: av.container.InputContainer) -> Fraction:
    with again(container) as fresh:
        heard = first_heard(fresh)
    return Fraction(0) if heard is None else heard.at
