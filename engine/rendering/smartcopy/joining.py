"""How packets of several makes stand in one stream: H.264 by ids of their own, H.265 by headers at each entry.

Parameter sets of H.264 have ids that an encoder can be told, so all of them lie in the film's header, each with another id,
and packets stay as they are. x265 knows one id alone: wherever decoding may begin, the sets of what follows come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Protocol

import av

from engine.media import h264, h265
from engine.media.order import PacketOrder
from engine.rendering.encoded import Packet

LENGTH_SIZE: Final = 4


class Joining(Protocol):
    """The way of one codec. `tag` is what an MP4 calls it, "" where libav knows."""

    tag: str

    def headers(self) -> bytes:
        """Return the film's decoder configuration.

        Raises:
            ValueError: the parts do not fit together.
        """

    def copied(self, packet: av.Packet[Any], order: PacketOrder, *, first: bool) -> av.Packet[Any]:
        """Return a source's packet as the film has it; `first`: decoding begins anew with it."""

    def encoded(self, packet: Packet) -> av.Packet[Any]:
        """Return an encoder's packet (Annex B) as the film has it."""


def joining(orders: Sequence[PacketOrder], extradata: bytes) -> Joining:
    """Return the way of a film.

    Args:
        orders: of the sources that packets are copied of, at least one, all of one codec.
        extradata: the headers of what is encoded, b"" where nothing is.

    Raises:
        ValueError: headers are damaged.
    """
    return _H265(orders, extradata) if orders[0].codec == "hevc" else _H264(orders, extradata)


class _H264:
    """All parameter sets in the film's header."""

    tag = ""
    # Sets are in the header, delimiters of no use (ISO/IEC 14496-15, 5.3.2).
    _apart: Final = frozenset({h264.SPS, h264.PPS, h264.DELIMITER})

    def __init__(self, orders: Sequence[PacketOrder], extradata: bytes) -> None:
        self._orders, self._extradata = orders, extradata
        self._length_size = orders[0].length_size or LENGTH_SIZE

    def headers(self) -> bytes:
        sets = h264.NO_SETS
        for order in self._orders:
            sets = sets.with_units((*order.sets.sps.values(), *order.sets.pps.values()))
        return h264.configuration(
            sets.with_units(h264.units(self._extradata, h264.ANNEX_B)), self._length_size
        )

    def copied(self, packet: av.Packet[Any], order: PacketOrder, *, first: bool) -> av.Packet[Any]:
        if order.length_size == self._length_size:
            return as_it_lies(packet)
        units = h264.units(bytes(packet), order.length_size)
        if order.length_size == h264.ANNEX_B:
            units = _without(units, self._apart, h264.unit_kind)
        return made_packet(h264.prefixed(units, self._length_size), key=packet.is_keyframe)

    def encoded(self, packet: Packet) -> av.Packet[Any]:
        # An encoder tells of itself in a SEI of its first picture: nobody needs it in the middle of a film.
        units = _without(h264.units(packet.data, h264.ANNEX_B), self._apart | {h264.SEI}, h264.unit_kind)
        return made_packet(h264.prefixed(units, self._length_size), key=packet.key)


class _H265:
    """The parameter sets of what follows wherever decoding may begin, unless they are the same for all of the film."""

    _apart: Final = frozenset({*h265.SETS, h265.DELIMITER})

    def __init__(self, orders: Sequence[PacketOrder], extradata: bytes) -> None:
        self._orders = orders
        self._length_size = orders[0].length_size or LENGTH_SIZE
        self._own = h265.listed(h265.parameter_sets(extradata)[0])
        self._within = bool(extradata) or any(order.sets != orders[0].sets for order in orders)
        self.tag = "hev1" if self._within else "hvc1"

    def headers(self) -> bytes:
        return h265.configuration(self._orders[0].sets, self._length_size, whole=not self._within)

    def copied(self, packet: av.Packet[Any], order: PacketOrder, *, first: bool) -> av.Packet[Any]:
        again = self._within and packet.is_keyframe
        if order.length_size == self._length_size and not again and not first:
            return as_it_lies(packet)
        units: Iterable[bytes] = h264.units(bytes(packet), order.length_size)
        if again or order.length_size == h264.ANNEX_B:
            units = _without(units, self._apart, h265.unit_kind)
        if first:
            units = map(h265.standing_alone, units)
        sets = h265.listed(order.sets) if again else ()
        return made_packet(h264.prefixed((*sets, *units), self._length_size), key=packet.is_keyframe)

    def encoded(self, packet: Packet) -> av.Packet[Any]:
        units = _without(h264.units(packet.data, h264.ANNEX_B), self._apart | {h265.SEI}, h265.unit_kind)
        sets = self._own if packet.key else ()
        return made_packet(h264.prefixed((*sets, *units), self._length_size), key=packet.key)


def as_it_lies(packet: av.Packet[Any]) -> av.Packet[Any]:
    """Return a packet whose bytes go on uncopied, without what a container has said beside them."""
    plain = next(packet.iter_sidedata(), None) is None
    return packet if plain else made_packet(bytes(packet), key=packet.is_keyframe)


def made_packet(data: bytes, *, key: bool) -> av.Packet[Any]:
    """Return a packet of its own."""
    made: av.Packet[Any] = av.Packet(data)
    made.is_keyframe = key
    return made


def _without(
    units: Iterable[bytes], kinds: frozenset[int], kind_of: Callable[[bytes], int]
) -> Iterator[bytes]:
    return (unit for unit in units if kind_of(unit) not in kinds)
