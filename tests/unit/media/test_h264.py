"""NAL units, parameter sets and the header that holds them, on headers that x264 makes and on damaged ones."""

from collections.abc import Callable
from fractions import Fraction

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media import h264
from engine.media.bits import Bits


def headers(**params: str) -> bytes:
    """Return what x264 puts before its pictures, in Annex B form."""
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 184, params.pop("pix_fmt", "yuv420p")
    context.framerate = Fraction(25)
    context.flags |= av.codec.context.Flags.global_header
    context.options = {"x264-params": ":".join(f"{name.replace('_', '-')}={v}" for name, v in params.items())}
    context.open()
    return bytes(context.extradata or b"")


def test_numbers_are_read_as_the_standard_writes_them() -> None:
    """Table 9-2 and 9-3 of ITU-T H.264: codes of 0, 1, 2, 3, then signed 0, 1, -1, 2."""
    bits = Bits(bytes([0b1_010_011_0, 0b0100_1_010, 0b011_00100]))
    assert [bits.golomb() for _ in range(4)] == [0, 1, 2, 3]
    assert [bits.signed_golomb() for _ in range(4)] == [0, 1, -1, 2]
    with pytest.raises(ValueError, match="cut off"):
        bits.take(1)


def test_an_encoders_sets_are_known_by_their_ids() -> None:
    sets, length_size = h264.parameter_sets(headers(sps_id="7"))
    assert list(sets.sps) == list(sets.pps) == [7]
    assert length_size == h264.ANNEX_B
    assert h264.free_id(sets) == 3
    assert h264.free_id(h264.parameter_sets(headers(sps_id="3"))[0]) == 4


@pytest.mark.parametrize(
    ("pix_fmt", "chroma", "bits"),
    [("yuv420p", 1, 8), ("yuv422p", 2, 8), ("yuv420p10le", 1, 10), ("yuv444p", 3, 8)],
)
def test_a_set_tells_how_colours_are_sampled(pix_fmt: str, chroma: int, bits: int) -> None:
    (unit,) = h264.parameter_sets(headers(pix_fmt=pix_fmt))[0].sps.values()
    said = h264.describe(unit)
    assert (said.chroma, said.luma_bits, said.chroma_bits, said.progressive) == (chroma, bits, bits, True)


def test_fields_are_told_from_frames() -> None:
    (unit,) = h264.parameter_sets(headers(tff="1"))[0].sps.values()
    assert not h264.describe(unit).progressive


def test_one_record_holds_both_encoders_sets_and_reads_back() -> None:
    one, other = h264.parameter_sets(headers(sps_id="0")), h264.parameter_sets(headers(sps_id="3"))
    both = one[0].with_units((*other[0].sps.values(), *other[0].pps.values()))
    record = h264.configuration(both, 4)
    assert h264.parameter_sets(record) == (both, 4)
    assert record[0] == 1
    assert record[1] == next(iter(both.sps.values()))[1]


def test_a_set_that_is_replaced_is_refused() -> None:
    one, other = h264.parameter_sets(headers())[0], h264.parameter_sets(headers(ref="1", weightp="0"))[0]
    assert one.sps.keys() == other.sps.keys()
    with pytest.raises(ValueError, match="replaced"):
        one.with_units((*other.sps.values(), *other.pps.values()))


def test_sets_of_different_colours_do_not_go_into_one_record() -> None:
    sets = h264.parameter_sets(headers())[0].with_units(
        h264.parameter_sets(headers(sps_id="3", pix_fmt="yuv422p"))[0].sps.values()
    )
    with pytest.raises(ValueError, match="different ways"):
        h264.configuration(sets, 4)


@given(st.lists(st.binary(min_size=1, max_size=40).filter(lambda one: one[-1] != 0), max_size=6))
def test_units_come_apart_as_they_were_put_together(found: list[bytes]) -> None:
    assert list(h264.units(h264.prefixed(found, 4), 4)) == found
    clean = [one for one in found if b"\0\0" not in one]
    joined = b"".join(b"\0\0\0\1" + one for one in clean)
    assert list(h264.units(joined, h264.ANNEX_B)) == clean


@pytest.mark.parametrize("read", [h264.parameter_sets, h264.describe, h264.sps_id, h264.pps_id])
@given(data=st.binary(max_size=200))
def test_damaged_headers_are_an_error_and_nothing_else(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        told = read(data)
    except (ValueError, IndexError):
        return
    assert told is not None
