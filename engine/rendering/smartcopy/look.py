"""A finished film held against the sources that it was copied from, in the worker: its times, and the frames on both sides of every seam.

Copied frames must come out of a decoder exactly as they come out of the source; encoded ones must look like theirs, and
not more like a neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from typing import NamedTuple

import av
import numpy as np
from msgspec.structs import replace

from engine.media.audio import first_heard
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex, build_index
from engine.media.source import again, open_media, picture, seconds, sound
from engine.rendering.encoded import Evidence, read_segments
from engine.rendering.inspection import DISTANCE_MAX, MISMATCHES_MAX, inspect_film, moov_first
from engine.rendering.picture import thumb
from engine.rendering.reading import brightness, read_whole
from engine.rendering.smartcopy.division import Stretch
from engine.rendering.smartcopy.pictures import frame_times
from engine.rendering.smartcopy.work import CutFound, LookAtMixWork, LookWork
from engine.rendering.work import Inspection, Mismatch


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
        seams = list(_seams(work.stretches))
        compared, mismatches = _compare(
            FrameReader(container, own), [FrameReader(original, index)], own.count, seams
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


def look_at_mix(work: LookAtMixWork, inputs: tuple[int, ...]) -> Inspection:
    """Return what is found in a film of copies and of what was rendered.

    What was rendered is held against what was seen of it before the encoder, as in any film; of each copy the first and
    the last frame against the source's own.

    Args:
        work: what the film should be.
        inputs: the film, files of its segments, and for each source the file and its frame index.

    Raises:
        Invalid: as `look`.
    """
    film, parts, pairs = inputs[0], inputs[1 : 1 + work.parts], inputs[1 + work.parts :]
    seams = list(_seams(work.stretches))
    cuts = {one.number for one in seams if one.first} | set(work.cuts)
    found = inspect_film(_evidence(work.stretches, parts), sorted(cuts - {0}), film)
    with ExitStack() as stack:
        readers = [
            FrameReader(stack.enter_context(open_media(file)), FrameIndex.from_bytes(read_whole(index)))
            for file, index in zip(pairs[::2], pairs[1::2], strict=True)
        ]
        container = stack.enter_context(open_media(film))
        own = build_index(container)
        copied = [one for one in seams if one.exact]
        compared, mismatches = _compare(FrameReader(container, own), readers, own.count, copied)
    return replace(
        found,
        compared=found.compared + compared,
        mismatches=(*found.mismatches, *mismatches)[:MISMATCHES_MAX],
    )


def _evidence(stretches: Sequence[Stretch], parts: Sequence[int]) -> list[Evidence | None]:
    """Return what was seen of each frame of the film; None: it was copied, and nobody has looked."""
    segments = read_segments(parts)
    found: list[Evidence | None] = []
    for stretch in stretches:
        found += [None] * stretch.count if stretch.kind == "copy" else next(segments).evidence
    return found


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


class Seam(NamedTuple):
    """The film's frame `number`, which is frame `original` of a source; `exact`: it was copied.

    `first`: a stretch begins with it.
    """

    number: int
    source: int
    original: int
    exact: bool
    first: bool


def _compare(
    film: FrameReader, sources: Sequence[FrameReader], count: int, seams: Sequence[Seam]
) -> tuple[int, tuple[Mismatch, ...]]:
    there = [seam for seam in seams if seam.number < count]
    shown = film.chosen([seam.number for seam in there])
    mismatches: list[Mismatch] = []
    for seam, (_, seen), original in zip(there, shown, _originals(sources, there), strict=True):
        found = _mismatch(seam.number, seen, original, exact=seam.exact)
        if found is not None:
            mismatches.append(found)
    mismatches += (
        Mismatch(frame=seam.number, distance=0.0, detail="missing") for seam in seams[len(there) :]
    )
    return len(seams), tuple(mismatches[:MISMATCHES_MAX])


def _originals(sources: Sequence[FrameReader], seams: Sequence[Seam]) -> Iterator[av.VideoFrame]:
    """Yield the sources' frames. A film may go back in a source: as long as frames rise they are read in one go."""
    run: list[Seam] = []
    for seam in (*seams, None):
        if run and (seam is None or seam.source != run[-1].source or seam.original <= run[-1].original):
            for _, frame in sources[run[0].source].chosen([one.original for one in run]):
                yield frame
            run = []
        if seam is not None:
            run.append(seam)


def _seams(stretches: Sequence[Stretch]) -> Iterator[Seam]:
    """Yield the first and the last frame of each stretch of a source."""
    first = 0
    for stretch in stretches:
        if stretch.source is not None:
            for place in sorted({0, stretch.count - 1}):
                yield Seam(
                    first + place, stretch.source, stretch.start + place, stretch.kind == "copy", place == 0
                )
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
