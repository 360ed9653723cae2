"""Encoders tried by opening them: a name that libav knows says nothing about this machine."""

from fractions import Fraction
from typing import Final

import av
from av.video.codeccontext import VideoCodecContext

SIDE: Final = 256  # hardware refuses pictures that are too small
FORMATS: Final = {"h264_qsv": "nv12", "h264_vaapi": "nv12"}


def refusal_of(name: str) -> str:
    """Return why an encoder cannot be used, "" when it opens."""
    try:
        context = av.CodecContext.create(name, "w")
    except (av.FFmpegError, ValueError):
        return "libav was built without it"
    assert isinstance(context, VideoCodecContext)
    context.width = context.height = SIDE
    context.pix_fmt, context.time_base = FORMATS.get(name, "yuv420p"), Fraction(1, 25)
    try:
        context.open()
    except (av.FFmpegError, OSError, ValueError) as error:
        return f"it does not open: {error}"[:200]
    return ""
