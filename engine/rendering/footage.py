"""What an asset's picture is: its size upright, its size as shown, its colours, its frames as they are stored."""

import re
from collections.abc import Sequence
from typing import Final, Literal

from cutroom_sdk.wire.media import Asset, VideoStream
from engine.media.index import FrameIndex
from engine.rendering.graph import Footage, Window

# Below this height, unlabelled pictures are taken for standard definition (what players do).
HD_HEIGHT: Final = 720

Matrix = Literal["bt601", "bt709", "bt2020"]
# Names end with the bits of a component, or of a whole packed pixel of 16 each, where a word has more than one byte.
_DEEP: Final = re.compile(
    r"(?:p[024]?|gray|y2|xv|x2rgb|x2bgr)(?:9|10|12|14|16|36)(?:le|be)$|(?:rgb|bgr)(?:48|a64)"
)
# libav's names of colour spaces (ITU-T H.273, MatrixCoefficients).
MATRICES: Final[dict[str, Matrix]] = {
    "bt709": "bt709",
    "smpte170m": "bt601",
    "bt470bg": "bt601",
    "fcc": "bt601",
    "smpte240m": "bt709",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}
# How libav calls them when it is told.
LIBAV: Final[dict[Matrix, str]] = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020nc"}


def is_deep(asset: Asset) -> bool:
    """Tell whether an asset's picture has more than 8 bits, by libav's name of its pixel format.

    >>> [name for name in ("yuv420p", "yuv422p10le", "p010le", "gray", "rgb565le", "rgb48be") if _DEEP.search(name)]
    ['yuv422p10le', 'p010le', 'rgb48be']
    """
    return asset.video is not None and _DEEP.search(asset.video.pixel_format) is not None


def turned_size(video: VideoStream) -> tuple[int, int]:
    """Return width and height of the stored pixels once the picture is upright."""
    width, height = video.coded_width or video.width, video.coded_height or video.height
    if not video.coded_width:
        return width, height
    return (height, width) if video.rotation in (90, 270) else (width, height)


def shown_size(video: VideoStream) -> tuple[int, int]:
    """Return width and height as shown: upright, with square pixels."""
    return video.width, video.height


def colours_of(asset: Asset) -> tuple[Matrix, bool, list[str]]:
    """Return how an asset's colours are stored, whether in the full range, and what was taken for granted."""
    assert asset.video is not None
    video = asset.video
    full_range = video.color_range in ("pc", "jpeg", "full") or video.pixel_format.startswith("yuvj")
    if video.color_space in MATRICES:
        return MATRICES[video.color_space], full_range, []
    guess: Matrix = "bt709" if min(video.width, video.height) >= HD_HEIGHT else "bt601"
    return guess, full_range, [f"{asset.name}: colours taken for {guess}, as the file does not say"]


def footage_of(asset: Asset, index: FrameIndex, numbers: Sequence[int], shown: Window) -> Footage:
    """Return frames of an asset, by their numbers in its index, read from its own file; `shown` is the part to show."""
    assert asset.video is not None, "only pictures are shown"
    turned, (matrix, full_range, _) = turned_size(asset.video), colours_of(asset)
    return Footage(
        sha256=asset.sha256,
        time_base=index.time_base,
        pts=tuple(index.pts[number] for number in numbers),
        width=asset.video.coded_width or turned[0],
        height=asset.video.coded_height or turned[1],
        rotation=asset.video.rotation,
        matrix=matrix,
        full_range=full_range,
        window=shown,
    )
