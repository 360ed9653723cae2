"""How the packets of a picture stream lie: what has to be known to copy them, and what is found out on the way through.

Only where copying can come out right: the stream's headers stay the same throughout, no packet is damaged, and pictures
are whole frames.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import av
from msgspec import Struct
from msgspec.structs import replace

from engine.media import h264

NEVER = -1


class PacketOrder(Struct, frozen=True, kw_only=True):
    """A stream's packets in decoding order.

    `shown` has the number of each packet's frame, `NEVER` where it is not shown. `entries` are the numbers of the frames
    with which decoding may begin, rising: nothing that is decoded from there on refers to anything before, or is shown
    before. `sets` are the parameter sets that all packets need; `length_size` says how packets separate NAL units
    (`h264.units`).
    """

    shown: tuple[int, ...]
    entries: tuple[int, ...]
    sets: h264.ParameterSets
    length_size: int

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
    def from_steps(
        steps: tuple[int, ...], entries: tuple[int, ...], sets: h264.ParameterSets, length_size: int
    ) -> PacketOrder:
        """Return what `steps` were made of."""
        shown, at = [], 0
        for step in steps:
            at += step
            shown.append(at)
        return PacketOrder(shown=tuple(shown), entries=entries, sets=sets, length_size=length_size)


class OrderGatherer:
    """Looks at picture packets as they come by."""

    def __init__(self, stream: av.VideoStream) -> None:
        """Begin with the stream's headers."""
        self._pts: list[int | None] = []
        self._entries: list[int] = []
        self._copyable = stream.codec_context.name == "h264"
        self._sets, self._length_size = h264.NO_SETS, h264.ANNEX_B
        if self._copyable:
            try:
                extradata = bytes(stream.codec_context.extradata or b"")
                self._sets, self._length_size = h264.parameter_sets(extradata)
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
            progressive = all(h264.describe(unit).progressive for unit in self._sets.sps.values())
        except (ValueError, IndexError):
            return None
        if not progressive:
            return None
        numbers = {at: number for number, at in enumerate(pts)}
        shown = tuple(NEVER if at is None else numbers[at] for at in self._pts)
        return PacketOrder(
            shown=shown, entries=self._closed(shown), sets=self._sets, length_size=self._length_size
        )

    def _looked_into(self, data: bytes) -> bool:
        """Note the parameter sets of a keyframe's packet; False where they change or the packet is damaged."""
        try:
            found = list(h264.units(data, self._length_size))
            self._sets = self._sets.with_units(found)
        except (ValueError, IndexError):
            return False
        self._is_entry = h264.is_entry(found)
        return True

    def _closed(self, shown: tuple[int, ...]) -> tuple[int, ...]:
        """Return those entries around which frames are not shown in another order than it is decoded across them."""
        before = [NEVER]
        for number in shown:
            before.append(max(before[-1], number))
        after, least = [0] * len(shown), len(shown)
        for place in range(len(shown) - 1, -1, -1):
            least = min(least, shown[place] if shown[place] != NEVER else least)
            after[place] = least
        return tuple(
            shown[place]
            for place in self._entries
            if shown[place] != NEVER and before[place] < shown[place] == after[place]
        )
