"""Proxies in the place of footage: what a draft reads instead of an asset's own file, frame for frame."""

from collections.abc import Sequence
from dataclasses import dataclass

from engine.media.index import FrameIndex
from engine.rendering.graph import Footage, Window


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """A proxy that is read in an asset's place: frame n of it is frame n of the asset.

    `sha256` and `index_blob` are the hashes of its file and of its frame index, `width` x `height` its pixels: upright,
    square, BT.709 in the limited range. `size` are the lines that it goes by.
    """

    proxy_id: str
    sha256: str
    index: FrameIndex
    index_blob: str
    width: int
    height: int
    size: int

    def footage(self, numbers: Sequence[int], shown: Window) -> Footage:
        """Return frames of the asset, by their numbers, as the proxy has them; `shown` is the part to show."""
        return Footage(
            sha256=self.sha256,
            time_base=self.index.time_base,
            pts=tuple(self.index.pts[number] for number in numbers),
            width=self.width,
            height=self.height,
            rotation=0,
            matrix="bt709",
            full_range=False,
            window=shown,
        )
