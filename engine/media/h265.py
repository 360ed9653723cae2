"""What copying H.265 has to know of its bytes: NAL units, parameter sets, and the header that MP4 keeps them in.

After ITU-T H.265 (09/2023), 7.3 and annex B, and ISO/IEC 14496-15:2019, 8.3.3.1. Nothing here decodes a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from engine.media.bits import Bits
from engine.media.h264 import ANNEX_B, NO_SETS, ParameterSets, units

# nal_unit_type, table 7-1. Random access points have the types [BLA, RESERVED).
BLA, BLA_ALONE, IDR, CRA, RESERVED = 16, 18, 19, 21, 24
VPS, SPS, PPS, DELIMITER, SEI = 32, 33, 34, 35, 39
SETS: Final = (VPS, SPS, PPS)
# hvcC up to its arrays of parameter sets, bytes.
RECORD_BYTES: Final = 23
# general_profile_space up to general_level_idc.
PROFILE_BYTES: Final = 12
# Bits of a sub-layer's profile, and of its level (7.3.3).
PROFILE_BITS, LEVEL_BITS = 88, 8


def unit_kind(unit: bytes) -> int:
    """Return a NAL unit's type; 0 for an empty one."""
    return unit[0] >> 1 & 0x3F if unit else 0


def parameter_sets(extradata: bytes) -> tuple[ParameterSets, int]:
    """Return what a stream's headers hold, and how its packets separate NAL units (`h264.units`).

    Raises:
        ValueError: they are damaged, or of an unknown form.
    """
    if not extradata:
        return NO_SETS, ANNEX_B
    if extradata[0] != 1:
        return with_units(NO_SETS, units(extradata, ANNEX_B)), ANNEX_B
    if len(extradata) < RECORD_BYTES:
        raise ValueError("the headers are cut off")
    sets, place = NO_SETS, RECORD_BYTES
    for _ in range(extradata[RECORD_BYTES - 1]):
        if place + 3 > len(extradata):
            raise ValueError("the headers are cut off")
        count, place = int.from_bytes(extradata[place + 1 : place + 3], "big"), place + 3
        for _ in range(count):
            length = int.from_bytes(extradata[place : place + 2], "big")
            unit = extradata[place + 2 : place + 2 + length]
            if not length or len(unit) != length:
                raise ValueError("the headers are cut off")
            sets = with_units(sets, (unit,))
            place += 2 + length
    return sets, (extradata[21] & 3) + 1


def with_units(sets: ParameterSets, found: Iterable[bytes]) -> ParameterSets:
    """Return `sets` and those among NAL units.

    Raises:
        ValueError: a set is damaged, or says something else than one of the same id.
    """
    known = {VPS: dict(sets.vps), SPS: dict(sets.sps), PPS: dict(sets.pps)}
    for unit in found:
        kind = unit_kind(unit)
        if kind in known and known[kind].setdefault(_id(unit, kind), unit) != unit:
            raise ValueError("a parameter set is replaced by another one")
    return ParameterSets(vps=known[VPS], sps=known[SPS], pps=known[PPS])


def listed(sets: ParameterSets) -> tuple[bytes, ...]:
    """Return parameter sets in the order in which a decoder wants them."""
    return tuple(kind[one] for kind in (sets.vps, sets.sps, sets.pps) for one in sorted(kind))


def configuration(sets: ParameterSets, length_size: int, *, whole: bool) -> bytes:
    """Return the decoder configuration record (`hvcC`) of all sets, after the first sequence parameter set.

    Args:
        sets: of one stream.
        length_size: bytes of the length before each NAL unit of a packet.
        whole: there are no other sets than these, in packets neither.

    Raises:
        ValueError: a set is damaged, or there is none.
    """
    if not sets.sps:
        raise ValueError("there is no sequence parameter set")
    first = min(sets.sps)
    said = describe(sets.sps[first])
    record = bytes([1]) + _payload(sets.sps[first])[1 : 1 + PROFILE_BYTES]
    # Segmentation and parallelism are not told; neither is a rate.
    record += bytes(
        [0xF0, 0, 0xFC, 0xFC | said.chroma, 0xF8 | said.luma_bits - 8, 0xF8 | said.chroma_bits - 8, 0, 0]
    )
    record += bytes([said.layers << 3 | said.nested << 2 | length_size - 1, len(SETS)])
    for kind, known in zip(SETS, (sets.vps, sets.sps, sets.pps), strict=True):
        record += bytes([whole << 7 | kind]) + len(known).to_bytes(2, "big")
        for number in sorted(known):
            record += len(known[number]).to_bytes(2, "big") + known[number]
    return record


class Description(Struct, frozen=True, kw_only=True):
    """What a sequence parameter set says. `chroma` is chroma_format_idc, as in H.264; `layers` are temporal ones."""

    number: int
    layers: int
    nested: bool
    chroma: int
    luma_bits: int
    chroma_bits: int
    progressive: bool


def describe(unit: bytes) -> Description:
    """Read a sequence parameter set as far as its bit depths (7.3.2.2.1).

    Raises:
        ValueError: it is damaged.
    """
    bits = Bits(_payload(unit))
    bits.take(4)  # sps_video_parameter_set_id
    layers, nested = bits.take(3) + 1, bool(bits.take(1))
    bits.take(8 + 32)  # profile space, tier, profile; compatibility
    progressive, interlaced = bits.take(1), bits.take(1)
    bits.take(46 + 8)  # further constraints; level
    present = [(bits.take(1), bits.take(1)) for _ in range(layers - 1)]
    if present:
        bits.take(2 * (8 - len(present)))
    for profile, level in present:
        bits.take(PROFILE_BITS * profile + LEVEL_BITS * level)
    number, chroma = bits.golomb(), bits.golomb()
    if chroma == 3:
        bits.take(1)  # separate_colour_plane_flag
    bits.golomb()  # pic_width_in_luma_samples
    bits.golomb()  # pic_height_in_luma_samples
    if bits.take(1):  # conformance_window_flag
        for _ in range(4):
            bits.golomb()
    return Description(
        number=number, layers=layers, nested=nested, chroma=chroma, luma_bits=8 + bits.golomb(),
        chroma_bits=8 + bits.golomb(), progressive=bool(progressive or not interlaced),
    )  # fmt: skip


def is_entry(found: Sequence[bytes]) -> bool:
    """Tell whether decoding may begin with an access unit: what follows it in both orders refers to nothing before it."""
    return any(BLA <= unit_kind(unit) < RESERVED for unit in found)


def standing_alone(unit: bytes) -> bytes:
    """Return a unit of a clean random access picture as one of a broken link, whose leading pictures are not there.

    A decoder then begins anew with it, wherever it stands. Nothing but the type differs (7.3.1.2, 8.1.3).
    """
    return bytes([unit[0] & 0x81 | BLA_ALONE << 1]) + unit[1:] if unit_kind(unit) == CRA else unit


def _id(unit: bytes, kind: int) -> int:
    match kind:
        case 32:
            return Bits(_payload(unit)).take(4)
        case 33:
            return describe(unit).number
        case _:
            return Bits(_payload(unit)).golomb()


def _payload(unit: bytes) -> bytes:
    # Emulation prevention bytes are no part of what is said (7.4.2).
    return unit[2:].replace(b"\0\0\3", b"\0\0")
