"""How the packets of a picture stream lie: what has to be known to copy them, and what is found out on the way through.

Only where copying can come out right: the stream's headers stay the same throughout, no packet is damaged, and pictures
are whole frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any, Final, Literal, NamedTuple

import av
from msgspec import Struct
from msgspec.structs import replace

from engine.media import h264, h265

NEVER = -1
LEADING_USUAL = 32
Codec = Literal["h264", "hevc"]


class Coding(NamedTuple):
    """What is asked of a codec's bytes."""

    parameter_sets: Callable[[bytes], tuple[h264.ParameterSets, int]]
    with_units: Callable[[h264.ParameterSets, Iterable[bytes]], h264.ParameterSets]
    is_entry: Callable[[Sequence[bytes]], bool]
    is_progressive: Callable[[bytes], bool]


CODINGS: Final[dict[Codec, Coding]] = {
    "h264": Coding(
        h264.parameter_sets,
        h264.ParameterSets.with_units,
        h264.is_entry,
        lambda unit: h264.describe(unit).progressive,
    ),
    "hevc": Coding(
        h265.parameter_sets,
        h265.with_units,
        h265.is_entry,
        lambda unit: h265.describe(unit).progressive,
    ),
}


class PacketOrder(Struct, frozen=True, kw_only=True):
    """A stream's packets in decoding order.

    `shown` has the number of each packet's frame, `NEVER` where it is not shown. `entries` are the numbers of the frames
    with which decoding may begin, rising: nothing that is decoded from there on refers to anything before, or is shown
    before, but for pictures that lead it (H.265): they come right after it, are shown before it, and may be left out.
    `sets` are the parameter sets that all packets need; `length_size` says how packets separate NAL units (`h264.units`).
    """

    shown: tuple[int, ...]
    entries: tuple[int, ...]
    sets: h264.ParameterSets
    length_size: int
    codec: Codec = "h264"

    def following(self, entry: int, count: int) -> tuple[int, ...]:
        """Return the frames of `count` packets at most, in decoding order from an entry's on, leading pictures left out."""
        try:
            # As many frames are decoded before it as are shown before, but for those that lead it: few, as a rule.
            place = self.shown.index(entry, max(0, entry - LEADING_USUAL))
        except ValueError:
            place = self.shown.index(entry)
        first = place + 1 + _leading(self.shown, place)
        return (entry, *self.shown[first : first + count - 1])

    @property
    def reorder(self) -> int:
        """How many packets a frame is decoded before its turn to be shown, at most."""
        place = most = 0
        for number in self.shown:
            if number != NEVER:
                most = max(most, place - number)
                place += 1
        return most

    def without(self, first: int) -> PacketOrder:
        """Return the order when the first frames are never shown."""
        return replace(
            self,
            shown=tuple(number - first if number >= first else NEVER for number in self.shown),
            entries=tuple(number - first for number in self.entries if number >= first),
        )

    def steps(self) -> tuple[int, ...]:
        """Return `shown` as steps from one to the next, which are small numbers."""
        return tuple(later - before for before, later in pairwise((0, *self.shown)))

    @staticmethod
    def shown_of(steps: tuple[int, ...]) -> tuple[int, ...]:
        """Return what `steps` were made of."""
        return tuple(accumulate(steps))


def _leading(shown: Sequence[int], place: int) -> int:
    """Return how many packets after the one at `place` hold pictures that are shown before it."""
    count = 0
    while place + 1 + count < len(shown) and NEVER < shown[place + 1 + count] < shown[place]:
        count += 1
    return count


class OrderGatherer:
    """Looks at picture packets as they come by."""

    def __init__(self, stream: av.VideoStream) -> None:
        """Begin with the stream's headers."""
        self._pts: list[int | None] = []
        self._entries: list[int] = []
        self._codec: Codec = "hevc" if stream.codec_context.name == "hevc" else "h264"
        self._copyable = stream.codec_context.name == self._codec
        self._coding = CODINGS[self._codec]
        self._sets, self._length_size = h264.NO_SETS, h264.ANNEX_B
        if self._copyable:
            try:
                extradata = bytes(stream.codec_context.extradata or b"")
                self._sets, self._length_size = self._coding.parameter_sets(extradata)
            except (ValueError, IndexError):
                self._copyable = False

    def add(self, packet: av.Packet[Any], pts: int | None) -> None:
        """Take one packet; `pts` is None where its frame is not shown."""
        if not self._copyable:
            return
        if packet.is_corrupt:
            self._copyable = False
            return
        if packet.is_keyframe and not self._looked_into(bytes(packet)):
            self._copyable = False
        elif packet.is_keyframe and self._is_entry:
            self._entries.append(len(self._pts))
        self._pts.append(pts)

    def order(self, pts: list[int]) -> PacketOrder | None:
        """Return the order of the frames whose sorted times are `pts`; None where copying could come out wrong."""
        if not self._copyable or not self._sets.sps or not self._sets.pps:
            return None
        try:
            progressive = all(self._coding.is_progressive(unit) for unit in self._sets.sps.values())
        except (ValueError, IndexError):
            return None
        if not progressive:
            return None
        numbers = {at: number for number, at in enumerate(pts)}
        shown = tuple(NEVER if at is None else numbers[at] for at in self._pts)
        return PacketOrder(
            shown=shown,
            entries=self._closed(shown),
            sets=self._sets,
            length_size=self._length_size,
            codec=self._codec,
        )

    def _looked_into(self, data: bytes) -> bool:
        """Note the parameter sets of a keyframe's packet; False where they change or the packet is damaged."""
        try:
            found = list(h264.units(data, self._length_size))
            self._sets = self._coding.with_units(self._sets, found)
        except (ValueError, IndexError):
            return False
        self._is_entry = self._coding.is_entry(found)
        return True

    def _closed(self, shown: tuple[int, ...]) -> tuple[int, ...]:
        """Return those entries around which frames are not shown in another order than it is decoded across them."""
        before = [NEVER]
        for number in shown:
            before.append(max(before[-1], number))
        after, least = [len(shown)] * (len(shown) + 1), len(shown)
        for place in range(len(shown) - 1, -1, -1):
            least = min(least, shown[place] if shown[place] != NEVER else least)
            after[place] = least

        def closed(place: int) -> bool:
            leading = _leading(shown, place)
            return before[place] < shown[place] <= after[place + 1 + leading] and (
                not leading or self._codec == "hevc"
            )

        return tuple(shown[place] for place in self._entries if shown[place] != NEVER and closed(place))
