"""Parameter sets of H.265 and the header that holds them, on headers that x265 makes and on damaged ones."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media import h264, h265
from tests.clips import make_clip


def headers(pix_fmt: str = "yuv420p", **params: str) -> bytes:
    """Return what x265 puts before its pictures, in Annex B form."""
    context = av.CodecContext.create("libx265", "w")
    assert isinstance(context, av.VideoCodecContext)
    context.width, context.height, context.pix_fmt = 320, 184, pix_fmt
    context.framerate = Fraction(25)
    context.flags |= av.codec.context.Flags.global_header
    usual = "log-level=none:pools=none:frame-threads=1"
    context.options = {
        "x265-params": ":".join([usual, *(f"{name.replace('_', '-')}={v}" for name, v in params.items())])
    }
    context.open()
    return bytes(context.extradata or b"")


def test_an_encoders_sets_are_known_by_their_ids_and_listed_as_a_decoder_wants_them() -> None:
    sets, length_size = h265.parameter_sets(headers())
    assert (list(sets.vps), list(sets.sps), list(sets.pps)) == ([0], [0], [0])
    assert length_size == h264.ANNEX_B
    assert [h265.unit_kind(unit) for unit in h265.listed(sets)] == [h265.VPS, h265.SPS, h265.PPS]


@pytest.mark.parametrize(
    ("pix_fmt", "chroma", "bits"), [("yuv420p", 1, 8), ("yuv422p", 2, 8), ("yuv420p10le", 1, 10), ("yuv444p", 3, 8)]
)  # fmt: skip
def test_a_set_tells_how_colours_are_sampled(pix_fmt: str, chroma: int, bits: int) -> None:
    (unit,) = h265.parameter_sets(headers(pix_fmt))[0].sps.values()
    said = h265.describe(unit)
    assert (said.chroma, said.luma_bits, said.chroma_bits, said.progressive) == (chroma, bits, bits, True)


def test_fields_are_told_from_frames() -> None:
    (unit,) = h265.parameter_sets(headers(interlace="tff"))[0].sps.values()
    assert not h265.describe(unit).progressive


@pytest.mark.parametrize("whole", [True, False])
def test_a_record_reads_back(whole: bool) -> None:
    sets, _ = h265.parameter_sets(headers("yuv420p10le"))
    record = h265.configuration(sets, 4, whole=whole)
    assert h265.parameter_sets(record) == (sets, 4)
    assert bool(record[23] & 0x80) is whole


def test_a_record_is_what_the_muxer_itself_would_write(tmp_path: Path) -> None:
    """But for what it does not tell: rate, segmentation and parallelism (bytes 13 to 15, 19 and 20)."""
    clip = make_clip(tmp_path / "clip.mp4", frames=3, codec="libx265")
    with av.open(str(clip.path)) as container:
        theirs = bytes(container.streams.video[0].codec_context.extradata or b"")
    sets, length_size = h265.parameter_sets(theirs)
    ours = h265.configuration(sets, length_size, whole=False)
    for span in (slice(0, 13), slice(16, 19), slice(21, 22)):
        assert ours[span] == theirs[span]


def test_a_set_that_is_replaced_is_refused() -> None:
    one, other = (h265.parameter_sets(headers(ref=ref))[0] for ref in ("1", "5"))
    with pytest.raises(ValueError, match="replaced"):
        h265.with_units(one, h265.listed(other))


def test_a_clean_random_access_picture_can_stand_alone() -> None:
    unit = bytes([h265.CRA << 1, 1, 0xAC, 0x10])
    alone = h265.standing_alone(unit)
    assert (h265.unit_kind(alone), alone[1:]) == (h265.BLA_ALONE, unit[1:])
    idr = bytes([h265.IDR << 1, 1, 0xAC])
    assert h265.standing_alone(idr) == idr
    assert h265.is_entry([alone])
    assert h265.is_entry([idr])
    assert not h265.is_entry([bytes([2, 1, 0])])


@pytest.mark.parametrize("read", [h265.parameter_sets, h265.describe])
@given(data=st.binary(max_size=200))
def test_damaged_headers_are_an_error_and_nothing_else(read: Callable[[bytes], object], data: bytes) -> None:
    try:
        told = read(data)
    except (ValueError, IndexError):
        return
    assert told is not None
