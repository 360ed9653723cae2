"""One frame in the worker: the very picture that goes to the encoder, as a PNG or a JPEG."""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

import av
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace
from msgspec import Struct

from engine.rendering.graph import Node
from engine.rendering.picture import frames_of
from engine.rendering.scrubbing import KeptSources

StillFormat = Literal["png", "jpeg"]

_SECOND: Final = Fraction(1)
JPEG_QUALITY: Final = 2  # mjpeg's scale: 2 is its best that every decoder takes
# A seventh of the time that libav takes by itself, for a file that is a sixth longer.
PNG_OPTIONS: Final = {"compression_level": "1", "pred": "up"}


class StillWork(Struct, frozen=True, kw_only=True):
    """One frame of a canvas: a tree with a single frame (`walking.taken`). The inputs are as `picture.frames_of` has them."""

    graph: Node
    width: int
    height: int
    format: StillFormat


class StillDone(Struct, frozen=True, kw_only=True):
    """The file's bytes."""

    data: bytes


def still(work: StillWork, descriptors: tuple[int, ...]) -> bytes:
    """Return the frame as a file of the format that was asked for.

    Raises:
        Invalid, WorkFailed: as `picture.frames_of`.
    """
    ((frame, _),) = frames_of(work.graph, 1, work.width, work.height, descriptors, opened=KeptSources)
    return encoded(frame, work.format)


def encoded(frame: av.VideoFrame, kind: StillFormat) -> bytes:
    """Return a yuv420p frame (BT.709, limited range) as a file; a JPEG is what JFIF says (BT.601, full range)."""
    if kind == "png":
        shown = frame.reformat(
            format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
        )  # fmt: skip
        context = av.CodecContext.create("png", "w")
    else:
        shown = frame.reformat(
            format="yuvj420p", src_colorspace=Colorspace.ITU709, dst_colorspace=Colorspace.ITU601,
            src_color_range=ColorRange.MPEG, dst_color_range=ColorRange.JPEG,
        )  # fmt: skip
        context = av.CodecContext.create("mjpeg", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = shown.width, shown.height, shown.format.name
    context.time_base, context.thread_count = _SECOND, 1
    if kind == "png":
        context.options = dict(PNG_OPTIONS)
    else:
        context.color_range = ColorRange.JPEG
        context.options = {
            "q": str(JPEG_QUALITY),
            "qmin": "1",
            "qmax": str(JPEG_QUALITY),
            "fflags": "+bitexact",
        }
    shown.pts, shown.time_base = 0, _SECOND
    packets = [*context.encode(shown), *context.encode(None)]
    return b"".join(bytes(packet) for packet in packets)
