"""A stretch of a source divided into what is encoded anew and what is copied as it lies. Pure.

    kept          |..........................................|
    source   I....P....I....P....P....I....P....P....I....P..|.P....I
    becomes       | edge |  copy                          |ed|

A copy begins with a frame at which decoding may begin and ends where, in decoding order, all frames up to some frame have
come and none beyond it: what is left on either side is encoded anew, and the frames around it never notice.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

from msgspec import Struct

from engine.media.index import FrameIndex
from engine.media.order import NEVER, PacketOrder

# Frames that one piece of work encodes at most: several processes then share a long stretch.
EDGE_FRAMES_MAX: Final = 150


class Stretch(Struct, frozen=True, kw_only=True):
    """Frames `[start, end)` of a film's source, given by its place among them; None: of the film itself, whatever they show.

    `copy`: their packets as they lie; `edge`: encoded anew beside copied ones; `render`: encoded anew where nothing in
    reach could be copied.
    """

    kind: Literal["copy", "edge", "render"]
    start: int
    end: int
    source: int | None = 0

    @property
    def count(self) -> int:
        """How many frames."""
        return self.end - self.start


def divide(index: FrameIndex, start: int, end: int) -> tuple[Stretch, ...]:
    """Return what frames `[start, end)` become, in order, without a gap.

    Raises:
        IndexError: the frames do not lie within the source.
    """
    _demand_within(index, start, end)
    copied = None if index.order is None else _copied(index.order, start, end)
    if copied is None:
        return _encoded("render", start, end)
    first, last = copied
    return (
        *_encoded("edge", start, first),
        Stretch(kind="copy", start=first, end=last),
        *_encoded("edge", last, end),
    )


def widened(index: FrameIndex, start: int, end: int) -> Stretch | None:
    """Return the least stretch around `[start, end)` that can be copied whole; None where the source has none.

    Raises:
        IndexError: the frames do not lie within the source.
    """
    _demand_within(index, start, end)
    order = index.order
    if order is None:
        return None
    entry = bisect.bisect_right(order.entries, start) - 1
    for first in reversed(order.entries[: entry + 1]):
        ends = [last for last in _ends(order, first, index.count) if last >= end]
        if ends:
            return Stretch(kind="copy", start=first, end=ends[0])
    return None


def _demand_within(index: FrameIndex, start: int, end: int) -> None:
    if not 0 <= start < end <= index.count:
        raise IndexError(f"frames [{start}, {end}) of {index.count}")


def _copied(order: PacketOrder, start: int, end: int) -> tuple[int, int] | None:
    """Return the frames to copy: the longest stretch within `[start, end)` that begins at its first usable entry."""
    for entry in order.entries[bisect.bisect_left(order.entries, start) :]:
        if entry >= end:
            return None
        ends = _ends(order, entry, end)
        if ends:
            return entry, ends[-1]
    return None


def _ends(order: PacketOrder, entry: int, limit: int) -> Sequence[int]:
    """Return the ends, at most `limit`, that a copy from `entry` may have, rising."""
    ends: list[int] = []
    latest = NEVER
    for count, number in enumerate(order.following(entry, limit - entry), start=1):
        if number == NEVER:
            break
        latest = max(latest, number)
        if latest == entry + count - 1:
            ends.append(entry + count)
    return ends


def _encoded(kind: Literal["edge", "render"], start: int, end: int) -> tuple[Stretch, ...]:
    """Divide at places that follow the source, so that another cut of it finds the inner ones done already."""
    edges = [start, *range((start // EDGE_FRAMES_MAX + 1) * EDGE_FRAMES_MAX, end, EDGE_FRAMES_MAX), end]
    return tuple(Stretch(kind=kind, start=first, end=last) for first, last in pairwise(edges) if first < last)
