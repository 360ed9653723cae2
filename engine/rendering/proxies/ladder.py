"""Which proxies an asset can have, and the work that makes one.

A proxy is the whole of an asset's picture, upright and with square pixels, scaled to a rung of the ladder. It has the source's
frames one for one: frame n of the proxy is frame n of the source, and is shown when that is shown, whatever the source's
rate, turn or first time.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.media import Asset, VideoStream
from cutroom_sdk.wire.proxies import SIZES
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.rendering.encoders import X264_PARAMS
from engine.rendering.footage import footage_of, shown_size, turned_size
from engine.rendering.geometry import window
from engine.rendering.work import RENDER_VERSION, Capabilities, PictureWork, VideoEncoder

PRESET: Final = "veryfast"
CRF: Final = 23
# Any frame is at most so many frames behind one from which decoding may start: proxies are for jumping about in.
KEYFRAME_EVERY: Final = 12
# Pieces begin at keyframes of the source where it has some in reach: what lies before one would be decoded twice.
CHUNK_FRAMES: Final = 300
CHUNK_FRAMES_MOST: Final = 600
RATE_MOST: Final = Fraction(240)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a proxy is made: `chunks` in order, each with its key. `key` is the hash of all that its pixels depend on."""

    asset_id: str
    size: int
    key: str
    encoder: VideoEncoder
    frames: int
    chunks: tuple[tuple[str, PictureWork], ...]

    @property
    def proxy_id(self) -> str:
        """The id of the proxy."""
        return proxy_id(self.asset_id, self.size)


def proxy_id(asset_id: str, size: int) -> str:
    """Return the id of an asset's proxy of a size."""
    return f"{asset_id}-{size}"


def sizes_of(video: VideoStream) -> tuple[int, ...]:
    """Return the sizes that a picture's proxies can have, the largest first: none is made larger than it is."""
    return tuple(size for size in SIZES if size <= min(shown_size(video)))


def size_for(video: VideoStream, lines: int) -> int | None:
    """Return the smallest size that has all that `lines` of the shorter side can show; None: the picture is small itself."""
    fitting = [size for size in SIZES if lines <= size < min(shown_size(video))]
    return min(fitting, default=None)


def canvas(video: VideoStream, size: int) -> tuple[int, int]:
    """Return a proxy's width and height, both even."""
    width, height = shown_size(video)
    less = Fraction(size, min(width, height))
    return 2 * max(8, round(width * less / 2)), 2 * max(8, round(height * less / 2))


def check_size(asset: Asset, size: int) -> VideoStream:
    """Return the picture of which a proxy is wanted.

    Raises:
        Invalid: the asset has no picture, or the ladder no such size for it.
    """
    if asset.video is None:
        raise Invalid(f"{asset.name} has no picture; only pictures have proxies", field="asset_id")
    if size not in SIZES:
        raise Invalid(
            f"size is {size}; there are proxies of {', '.join(map(str, SIZES))} lines", field="size"
        )
    if size not in sizes_of(asset.video):
        width, height = shown_size(asset.video)
        raise Invalid(f"size is {size}; {asset.name} is {width}x{height} itself", field="size")
    return asset.video


def key_of(asset: Asset, size: int, index_blob: str, capabilities: Capabilities) -> str:
    """Return the hash of all that a proxy's pixels depend on. `index_blob` is the hash of the source's frame index."""
    assert asset.video is not None, "only pictures have proxies"
    made = encoder_of(asset.video, size, capabilities)
    return digest((asset.sha256, index_blob, made, capabilities, CHUNK_FRAMES, RENDER_VERSION))


def index_key(key: str) -> str:
    """Return the key under which a proxy's frame index is kept."""
    return digest((key, "index"))


def encoder_of(video: VideoStream, size: int, capabilities: Capabilities) -> VideoEncoder:
    """Return how a proxy is encoded: quick to make, quick to jump about in."""
    width, height = canvas(video, size)
    simd = "" if capabilities.simd is None else f":asm={capabilities.simd}"
    return VideoEncoder(
        codec="libx264",
        width=width,
        height=height,
        rate=min(max(video.rate, Fraction(1)), RATE_MOST).limit_denominator(1001),
        preset=PRESET,
        crf=CRF,
        keyint=KEYFRAME_EVERY,
        b_frames=0,
        threads=capabilities.threads,
        params=X264_PARAMS + simd,
        reorder=0,
    )


def recipe_of(
    asset: Asset, index: FrameIndex, index_blob: str, size: int, capabilities: Capabilities
) -> Recipe:
    """Return the work that makes an asset's proxy.

    Raises:
        Invalid: as `check_size`.
    """
    video = check_size(asset, size)
    encoder = encoder_of(video, size, capabilities)
    whole = window(
        turned_size(video), shown_size(video), None, (encoder.width, encoder.height), ((0.5,), (0.5,)), 1
    )
    works = (
        PictureWork(
            count=end - start,
            graph=footage_of(asset, index, range(start, end), whole),
            encoder=encoder,
            capabilities=capabilities,
        )
        for start, end in pieces(index)
    )  # fmt: skip
    return Recipe(
        asset_id=asset.asset_id,
        size=size,
        key=key_of(asset, size, index_blob, capabilities),
        encoder=encoder,
        frames=index.count,
        chunks=tuple((digest(work), work) for work in works),
    )


def pieces(index: FrameIndex) -> Iterator[tuple[int, int]]:
    """Yield spans `[start, end)` that cover all frames, each beginning at a keyframe where there is one in reach."""
    start = 0
    while start < index.count:
        place = bisect.bisect_left(index.keyframes, start + CHUNK_FRAMES)
        following = index.keyframes[place] if place < len(index.keyframes) else index.count
        end = min(following, start + CHUNK_FRAMES_MOST, index.count)
        yield start, end
        start = end
