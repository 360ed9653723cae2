"""A second look at a finished film: its packets, its sound, and the frames around every cut.

The frames are compared with what was seen of them before the encoder: a frame at the wrong place, doubled or lost is
found whatever made it so.
"""

import itertools
import os
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np

from engine.media.audio import SoundReader, first_heard
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex, build_index
from engine.media.source import again, open_media, seconds
from engine.media.source import picture as picture_stream
from engine.media.source import sound as sound_stream
from engine.media.timecode import samples_at
from engine.rendering import packets
from engine.rendering.audio.faults import FaultFinder
from engine.rendering.audio.loudness import LoudnessMeter, PeakMeter
from engine.rendering.audio.signals import BLOCK, span_of
from engine.rendering.encoded import Evidence, read_segments
from engine.rendering.picture import thumb
from engine.rendering.reading import brightness
from engine.rendering.work import Inspection, InspectWork, Mismatch, Span

# A frame is black when nearly all of it is, and still when next to nothing of it has changed.
DARK_PART: Final = 0.98
STILL_MOST: Final = 5e-5
BLACK_S: Final = Fraction(1, 2)
FROZEN_S: Final = Fraction(2)
# Encoding changes the mean brightness of a sixteenth by a step or two.
DISTANCE_MAX: Final = 6.0
NEIGHBOUR_MARGIN: Final = 0.5
MISMATCHES_MAX: Final = 20

_SILENT: Final[dict[str, Any]] = {"integrated_lufs": None, "true_peak_dbtp": None}


def inspect(work: InspectWork, film: int, parts: Sequence[int]) -> Inspection:
    """Return what is found in a film.

    Args:
        work: what the film should be.
        film: the file.
        parts: the files of its segments.

    Raises:
        Invalid: `media_unreadable`: the film cannot be opened or a frame of it cannot be decoded.
    """
    evidence = [seen for segment in read_segments(parts) for seen in segment.evidence]
    return inspect_film(evidence, work.cuts, film, whole=work.whole)


def inspect_film(
    evidence: Sequence[Evidence | None], cuts: Sequence[int], film: int, *, whole: bool = False
) -> Inspection:
    """Return what is found in a film.

    Args:
        evidence: what was seen of each frame before the encoder; None: nobody has looked, it was never encoded.
        cuts: output frames that begin something else, 0 left out.
        film: the file.
        whole: every frame is decoded and compared.

    Raises:
        Invalid: as `inspect`.
    """
    with open_media(film) as container:
        video = picture_stream(container)
        assert video is not None, "the film has a picture"
        index = build_index(container)
        rate = video.average_rate or Fraction(0)
        compared, mismatches = _compare(container, index, evidence, cuts, whole=whole)
        audio = sound_stream(container)
        heard = _SILENT if audio is None else _heard(container, index)
        return Inspection(
            container=container.format.name,
            video_codec=video.codec_context.codec.canonical_name,
            pixel_format=video.codec_context.pix_fmt or "",
            width=video.codec_context.width,
            height=video.codec_context.height,
            rate=rate,
            frames=index.count,
            on_grid=_on_grid(index, rate),
            duration=index.duration,
            moov_first=moov_first(film),
            audio_codec=None if audio is None else audio.codec_context.codec.canonical_name,
            sample_rate=0 if audio is None else audio.codec_context.sample_rate,
            audio_duration=_audio_duration(container, audio),
            start_offset=Fraction(0) if audio is None else _first_heard(container) - index.start,
            compared=compared,
            mismatches=mismatches,
            black=spans(
                (seen is not None and seen.dark >= DARK_PART for seen in evidence), at_least=BLACK_S * rate
            ),
            frozen=_frozen(evidence, at_least=FROZEN_S * rate),
            doubled=packets.doubled(evidence),
            moving=sum(seen is not None and packets.moves(seen) for seen in evidence),
            keyframe_distance=packets.keyframe_distance(index),
            seek_misses=packets.seek_misses(container, index),
            sound_gap=packets.sound_gap(container),
            texts=packets.texts(container),
            **heard,
        )


def spans(flags: Iterable[bool], *, at_least: Fraction) -> tuple[Span, ...]:
    """Return the runs of True that are at least so many frames long."""
    found, place = [], 0
    for flag, run in itertools.groupby(flags):
        length = sum(1 for _ in run)
        if flag and length >= at_least:
            found.append(Span(start=place, end=place + length))
        place += length
    return tuple(found)


def _frozen(evidence: Sequence[Evidence | None], *, at_least: Fraction) -> tuple[Span, ...]:
    """Return where the source itself stands still; a still part of a picture that moves elsewhere is none of these."""
    still = [False] * len(evidence)
    for place in range(1, len(evidence)):
        seen, before = evidence[place], evidence[place - 1]
        if seen is None or before is None:
            continue
        # Where a segment begins, the frame before is another segment's: its thumbnail has to do.
        still[place] = (
            still[place - 1] and seen.thumb == before.thumb
            if seen.source_change is None
            else seen.source_change <= STILL_MOST
        )
    # The first frame of a still picture is new; it is still from the second on.
    found = spans(still, at_least=at_least - 1)
    return tuple(Span(start=span.start - 1, end=span.end) for span in found)


def _compare(
    container: av.container.InputContainer,
    index: FrameIndex,
    evidence: Sequence[Evidence | None],
    cuts: Sequence[int],
    *,
    whole: bool,
) -> tuple[int, tuple[Mismatch, ...]]:
    """Compare the frames at both ends and on both sides of every cut with their evidence, or all that there are."""
    last = min(index.count, len(evidence))
    edges = {0, 1, last - 2, last - 1} | {cut + side for cut in cuts for side in (-1, 0)}
    looked = range(last) if whole else edges
    wanted = sorted(frame for frame in looked if 0 <= frame < last and evidence[frame] is not None)
    mismatches: list[Mismatch] = []
    for number, frame in FrameReader(container, index).chosen(wanted):
        found = _mismatch(number, thumb(brightness(frame)).tobytes(), evidence)
        if found is not None and len(mismatches) < MISMATCHES_MAX:
            mismatches.append(found)
    return len(wanted), tuple(mismatches)


def _mismatch(number: int, seen: bytes, evidence: Sequence[Evidence | None]) -> Mismatch | None:
    wanted = evidence[number]
    assert wanted is not None, "only frames with evidence are compared"
    own = _distance(seen, wanted.thumb)
    if own > DISTANCE_MAX:
        return Mismatch(frame=number, distance=round(own, 2), detail="not the frame handed to the encoder")
    for neighbour in (number - 1, number + 1):
        beside = evidence[neighbour] if 0 <= neighbour < len(evidence) else None
        if beside is not None:
            other = _distance(seen, beside.thumb)
            if other + NEIGHBOUR_MARGIN < own:
                return Mismatch(
                    frame=number, distance=round(own, 2), detail=f"looks like frame {neighbour}: {other:.2f}"
                )
    return None


def _distance(one: bytes, other: bytes) -> float:
    first, second = np.frombuffer(one, np.uint8), np.frombuffer(other, np.uint8)
    return float(np.abs(first.astype(np.int16) - second).mean())


def _on_grid(index: FrameIndex, rate: Fraction) -> bool:
    """Tell whether every frame is shown at its place, to the nearest tick of the container."""
    if rate <= 0:
        return False
    step = 1 / (rate * index.time_base)
    return all(abs(at - index.pts[0] - place * step) <= Fraction(1, 2) for place, at in enumerate(index.pts))


def _heard(container: av.container.InputContainer, index: FrameIndex) -> dict[str, Any]:
    """Return what an inspection says of the sound that is heard."""
    stream = sound_stream(container)
    assert stream is not None, "asked for sound only where there is some"
    rate = stream.codec_context.sample_rate
    reader = SoundReader(container, rate=rate, channels=2, origin=index.start)
    loudness, peaks, faults = LoudnessMeter(rate), PeakMeter(), FaultFinder(rate)
    count = samples_at(index.duration, rate)
    for at in range(0, count, BLOCK):
        block = span_of(reader, at, min(BLOCK, count - at), rate)
        loudness.add(block)
        peaks.add(block)
        faults.add(block)
    return {
        "integrated_lufs": loudness.integrated_lufs(),
        "true_peak_dbtp": peaks.dbtp(),
        "clipped": faults.clipped(),
        "silent": faults.silent(),
    }


def _audio_duration(container: av.container.InputContainer, stream: av.AudioStream | None) -> Fraction:
    if stream is None:
        return Fraction(0)
    if stream.duration is not None:
        return seconds(stream.duration, stream.time_base)
    # Matroska tells no track's length: it ends where its last packet does.
    with again(container) as fresh:
        heard = sound_stream(fresh)
        ends = (
            packet.pts + (packet.duration or 0) for packet in fresh.demux(heard) if packet.pts is not None
        )
        return seconds(max(ends, default=0), heard.time_base if heard else None)


def _first_heard(container: av.container.InputContainer) -> Fraction:
    """Return when the first sample that is not run-up is heard, seconds of the container's own time."""
    with again(container) as fresh:
        heard = first_heard(fresh)
    return Fraction(0) if heard is None else heard.at


def moov_first(film: int) -> bool:
    """Tell whether the index (moov) stands before the media (mdat) (ISO/IEC 14496-12, 8.2.1)."""
    place, size = 0, os.fstat(film).st_size
    while place + 8 <= size:
        head = os.pread(film, 16, place)
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        if name in (b"moov", b"mdat"):
            return name == b"moov"
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length < 8:
            break
        place += length
    return False
