"""A clip's picture: which frames, which part of them, in which colours."""

import difflib
from collections.abc import Mapping
from fractions import Fraction
from typing import Final, Literal

from cutroom_sdk.wire.media import Asset, VideoStream
from cutroom_sdk.wire.timeline import Clip
from engine.editing.curves import Curve
from engine.editing.timeline import asset_of
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.rendering.geometry import window
from engine.rendering.graph import Footage, Node
from engine.rendering.segments import divisions, frames_shown
from engine.rendering.walking import sliced
from engine.rendering.work import VideoEncoder

REFRAME: Final = "reframe"
CENTERS: Final = ("center_x", "center_y")
# Below this height, unlabelled pictures are taken for standard definition (what players do).
HD_HEIGHT: Final = 720

Matrix = Literal["bt601", "bt709", "bt2020"]
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


def footage_of(
    clip: Clip,
    count: int,
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    encoder: VideoEncoder,
) -> tuple[list[tuple[int, Node]], list[str]]:
    """Return a clip's segments, each with its first frame within the clip, and what was chosen unasked.

    Raises:
        Invalid: the asset or its picture is missing, the span leaves the source, an effect is not known.
    """
    asset = assets.get(asset_of(clip))
    index = indexes.get(asset_of(clip))
    if asset is None or asset.video is None or index is None:
        raise Invalid(f"the clip {clip.id!r} needs the picture of {asset_of(clip)}: it is not there")
    span, rate = clip.source_range, encoder.rate
    # The last frame may be cut short by a time base: one output frame of grace.
    if span.start < 0 or span.end > index.duration + 1 / rate:
        raise Invalid(
            f"the clip {clip.id!r} takes [{span.start}, {span.end}) s of {asset.name},"
            f" which has [0, {index.duration})"
        )
    shown = frames_shown(index, span.start, count, rate)
    centers, defaults = _centers(clip, asset.video, encoder)
    turned = turned_size(asset.video)
    times = tuple(place / rate for place in range(count))
    whole_window = window(
        turned, (asset.video.width, asset.video.height), (encoder.width, encoder.height), centers, times
    )
    matrix, full_range, chosen = _colors(asset)
    whole = Footage(
        sha256=asset.sha256,
        time_base=index.time_base,
        pts=tuple(index.pts[number] for number in shown),
        width=asset.video.coded_width or turned[0],
        height=asset.video.coded_height or turned[1],
        rotation=asset.video.rotation,
        matrix=matrix,
        full_range=full_range,
        window=whole_window,
    )
    per_frame = Fraction(index.count) / (index.duration * rate)
    pieces = [
        (start, sliced(whole, start, end)) for start, end in divisions(shown, per_output_frame=per_frame)
    ]
    return pieces, [*defaults, *chosen]


def turned_size(video: VideoStream) -> tuple[int, int]:
    """Return width and height of the stored pixels once the picture is upright."""
    width, height = video.coded_width or video.width, video.coded_height or video.height
    if not video.coded_width:
        return width, height
    return (height, width) if video.rotation in (90, 270) else (width, height)


def _centers(clip: Clip, video: VideoStream, encoder: VideoEncoder) -> tuple[tuple[Curve, Curve], list[str]]:
    found: dict[str, Curve] = {}
    for effect in clip.effects:
        if effect.name != REFRAME:
            near = difflib.get_close_matches(effect.name, [REFRAME], cutoff=0.5)
            hint = f"did you mean {near[0]!r}?" if near else f"there is {REFRAME!r}"
            raise Invalid(f"the clip {clip.id!r} has an unknown effect {effect.name!r}; {hint}")
        for name, value in effect.parameters.items():
            if name not in CENTERS or isinstance(value, str):
                raise Invalid(f"the clip {clip.id!r}: {REFRAME} takes numbers for {' and '.join(CENTERS)}")
            if isinstance(value, tuple) and not value:
                raise Invalid(f"the clip {clip.id!r}: {name} has no keyframes")
            found[name] = value
    fits = video.width * encoder.height == video.height * encoder.width
    defaults = (
        [] if found or fits else [f"{clip.name or clip.id}: cropped around the middle, as nothing says where"]
    )
    return (found.get("center_x", 0.5), found.get("center_y", 0.5)), defaults


def _colors(asset: Asset) -> tuple[Matrix, bool, list[str]]:
    assert asset.video is not None
    video = asset.video
    full_range = video.color_range in ("pc", "jpeg", "full") or video.pixel_format.startswith("yuvj")
    if video.color_space in MATRICES:
        return MATRICES[video.color_space], full_range, []
    guess: Matrix = "bt709" if min(video.width, video.height) >= HD_HEIGHT else "bt601"
    return guess, full_range, [f"{asset.name}: colours taken for {guess}, as the file does not say"]
