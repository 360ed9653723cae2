"""The works of a smart copy, from an index and the frames that are kept. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Literal

from cutroom_sdk.wire.media import VideoStream
from engine.media import h264
from engine.media.index import FrameIndex
from engine.media.order import CODINGS, Codec
from engine.rendering.encoders import X264_PARAMS, X265_PARAMS
from engine.rendering.smartcopy.division import Stretch
from engine.rendering.smartcopy.work import B_FRAMES, EdgeEncoder, EdgeWork, Heard
from engine.rendering.work import Capabilities

# Quick, and good enough that nobody sees where a copy begins: it is a second or two beside footage as it was recorded.
# x264's quickest preset needs a quarter of the time of `veryfast` and gives, at this rate factor, pictures that are closer to
# the source's, at up to twice the bytes.
PRESET: Final = "ultrafast"
CRF: Final = 20
LIBRARIES: Final[dict[Codec, Literal["libx264", "libx265"]]] = {"h264": "libx264", "hevc": "libx265"}


class CannotCopy(Exception):
    """Why nothing can be copied."""


def why_not(video: VideoStream) -> str:
    """Return why packets of a picture without an order cannot be copied."""
    if video.codec not in CODINGS:
        return f"its picture is {video.codec}, and only H.264 and H.265 can be joined to what is encoded"
    return "its picture is interlaced, damaged, or changes its headers on the way"


def edge_work(
    stretch: Stretch, index: FrameIndex, *, sha256: str, nominal: Fraction, capabilities: Capabilities
) -> EdgeWork:
    """Return the work of encoding a stretch so that it can stand beside copies.

    Args:
        stretch: its frames.
        index: of the source, with an order of packets.
        sha256: of the source.
        nominal: the source's frames a second, which the encoder spends its bits by.
        capabilities: what encodes.

    Raises:
        ValueError: the source has taken all ids of parameter sets.
    """
    assert index.order is not None, "asked for only beside copies"
    return EdgeWork(
        sha256=sha256,
        time_base=index.time_base,
        pts=index.pts[stretch.start : stretch.end],
        encoder=EdgeEncoder(
            codec=LIBRARIES[index.order.codec],
            rate=nominal,
            preset=PRESET,
            crf=CRF,
            b_frames=B_FRAMES,
            threads=capabilities.threads,
            params=beside(index.order.codec, index.order.sets, capabilities),
        ),
        capabilities=capabilities,
    )


def beside(codec: Codec, sets: h264.ParameterSets, capabilities: Capabilities) -> str:
    """Return an encoder's own settings for pictures beside copies of a codec whose parameter sets are `sets`.

    No picture refers across a part's edge, headers do not depend on what is encoded, one picture is decoded ahead of its
    turn at most. Sets of H.264 have an id that none of the copies' has; those of H.265 come anew with each part.

    Raises:
        ValueError: all ids are taken.
    """
    if codec == "hevc":
        return f"{X265_PARAMS}:b-pyramid=0"
    simd = "" if capabilities.simd is None else f":asm={capabilities.simd}"
    return f"{X264_PARAMS}{simd}:b-pyramid=none:sps-id={h264.free_id(sets)}"


def heard_of(kept: Sequence[tuple[int, int]], index: FrameIndex) -> tuple[Heard, ...]:
    """Return when frames `[start, end)` are seen, as spans of the source's sound."""
    return tuple(
        Heard(start=index.start + index.time_of(start), end=index.start + index.time_of(end))
        for start, end in kept
    )
