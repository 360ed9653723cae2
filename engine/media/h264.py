"""What copying H.264 has to know of its bytes: NAL units, parameter sets, and the header that MP4 keeps them in.

After ITU-T H.264 (08/2021), 7.3 and annex B, and ISO/IEC 14496-15:2019, 5.3.3.1. Nothing here decodes a picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from engine.media.bits import Bits

# nal_unit_type, table 7-1.
IDR, SEI, SPS, PPS, DELIMITER = 5, 6, 7, 8, 9
# Profiles whose sequence parameter sets say how colours are sampled (7.3.2.1.1).
HIGH: Final = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
START: Final = b"\0\0\1"
ANNEX_B: Final = 0  # stands where a length size would: start codes instead of lengths


class ParameterSets(Struct, frozen=True, kw_only=True):
    """The sequence and picture parameter sets of a stream by their ids, as whole NAL units; `vps` are H.265's alone."""

    sps: dict[int, bytes]
    pps: dict[int, bytes]
    vps: dict[int, bytes] = {}

    def with_units(self, units: Iterable[bytes]) -> ParameterSets:
        """Return these and the sets among `units`.

        Raises:
            ValueError: a set is damaged, or says something else than one of the same id.
        """
        sps, pps = dict(self.sps), dict(self.pps)
        for unit in units:
            kind = unit_kind(unit)
            if kind not in (SPS, PPS):
                continue
            known, number = (sps, sps_id(unit)) if kind == SPS else (pps, pps_id(unit))
            if known.setdefault(number, unit) != unit:
                raise ValueError("a parameter set is replaced by another one")
        return ParameterSets(sps=sps, pps=pps)


NO_SETS: Final = ParameterSets(sps={}, pps={})


def unit_kind(unit: bytes) -> int:
    """Return a NAL unit's type; 0 for an empty one."""
    return unit[0] & 0x1F if unit else 0


def units(data: bytes, length_size: int) -> Iterator[bytes]:
    """Yield the NAL units of an access unit.

    Args:
        data: a packet as its container holds it.
        length_size: bytes of the length before each unit; `ANNEX_B`: start codes stand between them.

    Raises:
        ValueError: a unit is longer than what is left.
    """
    if length_size == ANNEX_B:
        yield from _between_starts(data)
        return
    place = 0
    while place < len(data):
        length = int.from_bytes(data[place : place + length_size], "big")
        place += length_size
        if not 0 < length <= len(data) - place:
            raise ValueError("a NAL unit is cut off")
        yield data[place : place + length]
        place += length


def prefixed(found: Iterable[bytes], length_size: int) -> bytes:
    """Return NAL units as an MP4 keeps them, each after its length."""
    return b"".join(len(unit).to_bytes(length_size, "big") + unit for unit in found)


def parameter_sets(extradata: bytes) -> tuple[ParameterSets, int]:
    """Return what a stream's headers hold, and how its packets separate NAL units (`units`).

    Raises:
        ValueError: they are damaged, or of an unknown form.
    """
    if not extradata:
        return NO_SETS, ANNEX_B
    if extradata[0] != 1:
        return NO_SETS.with_units(units(extradata, ANNEX_B)), ANNEX_B
    if len(extradata) < 7:
        raise ValueError("the headers are cut off")
    sets, place = NO_SETS, 5
    for mask in (0x1F, 0xFF):
        count, place = extradata[place] & mask, place + 1
        for _ in range(count):
            length = int.from_bytes(extradata[place : place + 2], "big")
            unit = extradata[place + 2 : place + 2 + length]
            if not length or len(unit) != length:
                raise ValueError("the headers are cut off")
            sets = sets.with_units((unit,))
            place += 2 + length
        if place >= len(extradata) and mask == 0x1F:
            raise ValueError("the headers are cut off")
    return sets, (extradata[4] & 3) + 1


def configuration(sets: ParameterSets, length_size: int) -> bytes:
    """Return the decoder configuration record (`avcC`) of all sets; profile and level suit every one of them.

    Raises:
        ValueError: the sets are of different ways to sample colours, which one record cannot hold.
    """
    sps, pps = [sets.sps[one] for one in sorted(sets.sps)], [sets.pps[one] for one in sorted(sets.pps)]
    described = [describe(unit) for unit in sps]
    if len({(one.chroma, one.luma_bits, one.chroma_bits) for one in described}) != 1:
        raise ValueError("the parameter sets sample colours in different ways")
    # A constraint flag may be set where it holds for all sets; the highest profile and level suit them all.
    flags = 0xFF
    for unit in sps:
        flags &= unit[2]
    profile, level = max(unit[1] for unit in sps), max(unit[3] for unit in sps)
    record = bytes([1, profile, flags, level, 0xFC | (length_size - 1), 0xE0 | len(sps)])
    record += prefixed(sps, 2) + bytes([len(pps)]) + prefixed(pps, 2)
    if profile in HIGH:
        first = described[0]
        record += bytes([0xFC | first.chroma, 0xF8 | first.luma_bits - 8, 0xF8 | first.chroma_bits - 8, 0])
    return record


class Description(Struct, frozen=True, kw_only=True):
    """What a sequence parameter set says. `chroma` is chroma_format_idc: 0 none, 1 4:2:0, 2 4:2:2, 3 4:4:4."""

    profile: int
    level: int
    chroma: int
    luma_bits: int
    chroma_bits: int
    progressive: bool


def describe(unit: bytes) -> Description:
    """Read a sequence parameter set as far as `frame_mbs_only_flag` (7.3.2.1.1).

    Raises:
        ValueError: it is damaged.
    """
    bits = _payload(unit, skip=4)
    profile, chroma, luma_bits, chroma_bits = unit[1], 1, 8, 8
    bits.golomb()  # seq_parameter_set_id
    if profile in HIGH:
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)  # separate_colour_plane_flag
        luma_bits, chroma_bits = 8 + bits.golomb(), 8 + bits.golomb()
        bits.take(1)  # qpprime_y_zero_transform_bypass_flag
        if bits.take(1):  # seq_scaling_matrix_present_flag
            for number in range(8 if chroma != 3 else 12):
                if bits.take(1):
                    _skip_scaling_list(bits, 16 if number < 6 else 64)
    bits.golomb()  # log2_max_frame_num_minus4
    match bits.golomb():  # pic_order_cnt_type
        case 0:
            bits.golomb()
        case 1:
            bits.take(1)
            bits.signed_golomb()
            bits.signed_golomb()
            for _ in range(bits.golomb()):
                bits.signed_golomb()
        case _:
            pass
    bits.golomb()  # max_num_ref_frames
    bits.take(1)  # gaps_in_frame_num_value_allowed_flag
    bits.golomb()  # pic_width_in_mbs_minus1
    bits.golomb()  # pic_height_in_map_units_minus1
    return Description(
        profile=profile, level=unit[3], chroma=chroma, luma_bits=luma_bits, chroma_bits=chroma_bits,
        progressive=bool(bits.take(1)),
    )  # fmt: skip


def sps_id(unit: bytes) -> int:
    """Return the id of a sequence parameter set.

    Raises:
        ValueError: it is damaged.
    """
    return _payload(unit, skip=4).golomb()


def pps_id(unit: bytes) -> int:
    """Return the id of a picture parameter set.

    Raises:
        ValueError: it is damaged.
    """
    return _payload(unit, skip=1).golomb()


def free_id(sets: ParameterSets, *, at_least: int = 3) -> int:
    """Return an id that none of the sets has, for the sets of an encoder whose pictures stand beside theirs.

    Raises:
        ValueError: all 32 are taken.
    """
    for number in range(at_least, 32):
        if number not in sets.sps and number not in sets.pps:
            return number
    raise ValueError("no id is left for another parameter set")


def is_entry(found: Sequence[bytes]) -> bool:
    """Tell whether an access unit is an instantaneous decoding refresh: nothing after it refers to anything before."""
    return any(unit_kind(unit) == IDR for unit in found)


def _payload(unit: bytes, *, skip: int) -> Bits:
    # Emulation prevention bytes are no part of what is said (7.4.1).
    return Bits(unit[skip:].replace(b"\0\0\3", b"\0\0"))


def _skip_scaling_list(bits: Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed_golomb()) % 256
        last = following or last


def _between_starts(data: bytes) -> Iterator[bytes]:
    place = data.find(START)
    while place >= 0:
        begin = place + len(START)
        place = data.find(START, begin)
        # Zeros before a start code belong to it, or fill up (B.1.1).
        unit = data[begin : place if place >= 0 else len(data)].rstrip(b"\0")
        if unit:
            yield unit
