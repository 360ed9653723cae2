"""What packets and evidence tell of a finished film without decoding it: can it be sought, does its sound hold together."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

import av

from engine.media.index import FrameIndex
from engine.media.source import again, seconds
from engine.media.source import picture as picture_stream
from engine.media.source import sound as sound_stream
from engine.rendering.encoded import Evidence

SEEKS: Final = 8  # keyframes that are looked for, spread over the film
# A picture moves where so much of it has changed visibly, and repeats itself where next to nothing has.
MOVING_LEAST: Final = 0.02
REPEATED_MOST: Final = 5e-5
REPEATS_MOST: Final = 4  # in a row: more are a still, which is another matter
AROUND: Final = 2  # frames that move on both sides of a repeated one
# A sample of timed text that shows nothing is its length alone (3GPP TS 26.245, 5.17).
NO_TEXT: Final = 2


def keyframe_distance(index: FrameIndex) -> int:
    """Return the most frames from where decoding may start to the next such place, or to the end; all, if the first is none."""
    starts = index.keyframes
    if not starts or starts[0] != 0:
        return index.count + 1
    return max(later - earlier for earlier, later in pairwise((*starts, index.count)))


def seek_misses(container: av.container.InputContainer, index: FrameIndex) -> tuple[int, ...]:
    """Return those of some keyframes, spread over the film, at which a player does not arrive by seeking there."""
    wanted = index.keyframes[:: max(1, len(index.keyframes) // SEEKS)]
    with again(container) as fresh:
        video = picture_stream(fresh)
        assert video is not None, "it has an index"
        return tuple(one for one in wanted if not _arrives(fresh, video, index.pts[one]))


def _arrives(container: av.container.InputContainer, video: av.VideoStream, pts: int) -> bool:
    container.seek(pts, stream=video)
    packet = next(iter(container.demux(video)), None)
    return packet is not None and packet.is_keyframe and packet.pts == pts


def sound_gap(container: av.container.InputContainer) -> Fraction:
    """Return by how much a packet of sound comes later, or earlier, than the one before has it, seconds; 0 without sound.

    Where nothing is, an MP4 has the packet before last longer: so it is when packets begin that tells.
    """
    with again(container) as fresh:
        heard = sound_stream(fresh)
        if heard is None:
            return Fraction(0)
        begin = sorted(packet.pts for packet in fresh.demux(heard) if packet.pts is not None)
        steps = [later - earlier for earlier, later in pairwise(begin)]
        usual = statistics.median_low(steps) if steps else 0
        return seconds(max((abs(step - usual) for step in steps), default=0), heard.time_base)


def texts(container: av.container.InputContainer) -> tuple[int, ...]:
    """Return how many texts each track of text shows."""
    tracks = [stream.index for stream in container.streams if stream.type == "subtitle"]
    if not tracks:
        return ()
    shown = dict.fromkeys(tracks, 0)
    with again(container) as fresh:
        for packet in fresh.demux([fresh.streams[one] for one in tracks]):
            shown[packet.stream.index] += packet.size > NO_TEXT
    return tuple(shown.values())


def moves(seen: Evidence) -> bool:
    """Tell whether the source moves at a frame."""
    return seen.source_change is not None and seen.source_change >= MOVING_LEAST


def doubled(evidence: Sequence[Evidence | None]) -> tuple[int, ...]:
    """Return the frames that repeat the one before them, a few in a row, between frames that move; copied ones count as unseen."""
    return tuple(one for run in _repeats(evidence) for one in run if _amid_movement(evidence, run))


def _repeats(evidence: Sequence[Evidence | None]) -> Iterator[range]:
    start = None
    for place, seen in enumerate(evidence):
        change = None if seen is None else seen.source_change
        repeats = change is not None and change <= REPEATED_MOST
        if repeats and start is None:
            start = place
        elif not repeats and start is not None:
            if place - start <= REPEATS_MOST:
                yield range(start, place)
            start = None


def _amid_movement(evidence: Sequence[Evidence | None], run: range) -> bool:
    before, after = evidence[max(0, run.start - AROUND) : run.start], evidence[run.stop : run.stop + AROUND]
    return len(before) == len(after) == AROUND and all(
        seen is not None and moves(seen) for seen in (*before, *after)
    )
