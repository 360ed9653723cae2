"""Tracks as output frames: which item stands where, and which transitions go over from one to the next.

clip A          clip B
|---------|-----------|        items, end to end
|=====|                 a transition: A goes on beyond its end, B begins before its start
"""

import bisect
from collections.abc import Callable
from fractions import Fraction

from msgspec import Struct

from cutroom_sdk.wire.timeline import Clip, Gap, Track, Transition
from engine.editing.timeline import item_duration
from engine.kernel.errors import Invalid
from engine.media.timecode import frame_nearest

Handles = Callable[[Clip], tuple[int, int]]


class Stand(Struct, frozen=True, kw_only=True):
    """A clip on its track: output frames `[start, end)`; frame `start` is its own frame 0."""

    clip: Clip
    start: int
    end: int


class Crossing(Struct, frozen=True, kw_only=True):
    """A transition: output frames `[start, end)` show both sides. A side that is None is nothing: the track fades."""

    transition: Transition
    start: int
    end: int
    before: Stand | None
    after: Stand | None


Shown = Stand | Crossing


class Lane(Struct, frozen=True, kw_only=True):
    """A track's spans `(start, end, what)` in order, without overlap; between them is nothing. `length` in frames."""

    track: Track
    spans: tuple[tuple[int, int, Shown], ...]
    length: int

    def at(self, frame: int) -> Shown | None:
        """Return what is shown at an output frame; None: nothing."""
        place = bisect.bisect_right(self.spans, frame, key=_start) - 1
        if place < 0 or frame >= self.spans[place][1]:
            return None
        return self.spans[place][2]


def lane_of(track: Track, rate: Fraction, handles: Handles, notice: Callable[[str], None]) -> Lane:
    """Return a track by output frames; edges go to the nearest frame start.

    Args:
        track: its items.
        rate: frames a second.
        handles: how many frames a clip can give beyond its start and its end.
        notice: told of transitions that are shortened to what there is.

    Raises:
        Invalid: an item lasts no time, or two transitions follow each other.
    """
    stands: list[Stand | None] = []
    joints: dict[int, Transition] = {}  # transitions, by how many items stand before them
    edges: list[int] = [0]
    at = Fraction(0)
    for item in track.items:
        if isinstance(item, Transition):
            if len(stands) in joints:
                raise Invalid(f"the track {track.name!r} has two transitions in one place", field="timeline")
            joints[len(stands)] = item
            continue
        if item_duration(item) <= 0:
            name = f"the clip {item.id!r}" if isinstance(item, Clip) else "a gap"
            raise Invalid(
                f"{name} lasts {item_duration(item)} s: it must last longer than 0", field="timeline"
            )
        at += item_duration(item)
        start, end = edges[-1], frame_nearest(at, rate)
        edges.append(end)
        shown = not isinstance(item, Gap) and item.enabled and end > start
        stands.append(Stand(clip=item, start=start, end=end) if shown and isinstance(item, Clip) else None)
    crossings = [
        found
        for place, transition in sorted(joints.items())
        if (found := _crossing(transition, place, stands, edges, rate, handles, notice)) is not None
    ]
    return Lane(track=track, spans=_spans(stands, crossings), length=edges[-1])


def _crossing(
    transition: Transition,
    place: int,
    stands: list[Stand | None],
    edges: list[int],
    rate: Fraction,
    handles: Handles,
    notice: Callable[[str], None],
) -> Crossing | None:
    before = stands[place - 1] if place > 0 else None
    after = stands[place] if place < len(stands) else None
    if before is None and after is None:
        return None
    cut = edges[place]
    wanted = frame_nearest(transition.in_offset, rate), frame_nearest(transition.out_offset, rate)
    # It stays within its two items, and within the media that they have beyond their edges.
    most_in = cut - edges[place - 1] if place > 0 else 0
    most_out = edges[place + 1] - cut if place < len(stands) else 0
    if after is not None:
        most_in = min(most_in, handles(after.clip)[0])
    if before is not None:
        most_out = min(most_out, handles(before.clip)[1])
    got = min(wanted[0], most_in), min(wanted[1], most_out)
    if got != wanted:
        names = " and ".join(repr(one.clip.name or one.clip.id) for one in (before, after) if one)
        notice(
            f"the {transition.kind} between {names} is {sum(got)} frames long, not {sum(wanted)}:"
            f" there is no more to show"
        )
    if sum(got) == 0:
        return None
    return Crossing(transition=transition, start=cut - got[0], end=cut + got[1], before=before, after=after)


def _spans(stands: list[Stand | None], crossings: list[Crossing]) -> tuple[tuple[int, int, Shown], ...]:
    """Put clips and transitions in a row; of two transitions that meet within a clip the later one begins later."""
    spans: list[tuple[int, int, Shown]] = []
    reach = 0
    for crossing in crossings:
        start = max(reach, crossing.start)
        if start < crossing.end:
            spans.append((start, crossing.end, crossing))
            reach = crossing.end
    taken = [(start, end) for start, end, _ in spans]
    for stand in stands:
        if stand is None:
            continue
        start, end = stand.start, stand.end
        for first, last in taken:
            if first <= start < last:
                start = last
            if first < end <= last:
                end = first
        if start < end:
            spans.append((start, end, stand))
    return tuple(sorted(spans, key=_start))


def _start(span: tuple[int, int, Shown]) -> int:
    return span[0]
