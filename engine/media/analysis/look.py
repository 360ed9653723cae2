"""What the detectors see of a frame: brightness only, small, upright, the same whatever the file's pixels are.

One decoded frame becomes one `Look`, which every detector of the pass is given in turn.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from typing import Any, Final

import av
import cv2
import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

GRAY_SIDE: Final = 320  # the longer side of `gray`, pixels
FINE_SIDE: Final = 640  # the longer side of `fine`

Gray = NDArray[np.uint8]
Rgb = NDArray[np.uint8]

_FULL_RANGE = 2  # AVCOL_RANGE_JPEG; everything else is 16..235 (ITU-T H.273, 8.3)
_STRETCH: Final = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)


class Look:
    """One frame as detectors see it. `gray` and `fine` are (height, width) uint8, 0 black to 255 white, as shown.

    `number` counts from 0, `at` is seconds from the first frame. A look keeps its whole frame alive: keep `gray`, not
    the look.
    """

    def __init__(self, number: int, at: Fraction, gray: Gray, seen: Seen | None = None) -> None:
        self.number, self.at, self.gray = number, at, gray
        self._seen = seen

    @cached_property
    def fine(self) -> Gray:
        """The picture with more of its detail, made when somebody asks for it; `gray` where there is no more."""
        return self.gray if self._seen is None else self._seen.scaled(FINE_SIDE)

    def colour(self, side: int) -> Rgb:
        """The picture in colour, (height, width, 3), with `side` pixels on its longer side, never enlarged.

        Grey where there is nothing but `gray`.
        """
        return np.stack([self.gray] * 3, axis=2) if self._seen is None else self._seen.coloured(side)

    def again(self, number: int, at: Fraction) -> Look:
        """Return the same picture as if it were another frame."""
        return Look(number, at, self.gray, self._seen)


class Looker:
    """Turns decoded frames into looks.

    Args:
        aspect: how wide a stored pixel is for its height; 1 for square ones.
    """

    def __init__(self, aspect: Fraction = Fraction(1)) -> None:
        self._aspect = aspect
        # One for all frames: a frame's own reformat() makes a new scaler each time.
        self._reformatter = VideoReformatter()

    def look(self, number: int, at: Fraction, frame: av.VideoFrame) -> Look:
        """Return a frame, as stored, as a look, as shown."""
        seen = Seen(frame, self._reformatter, self._aspect)
        return Look(number, at, seen.scaled(GRAY_SIDE), seen)


class Seen:
    """The brightness of one frame, scaled on demand."""

    def __init__(self, frame: av.VideoFrame, reformatter: VideoReformatter, aspect: Fraction) -> None:
        self._frame = frame  # owns the memory that `_luma` looks at
        self._aspect = aspect
        self._reformatter = reformatter
        self._turns = round(frame.rotation / 90)
        # Grey pictures that say nothing are full range, and only they.
        self._full_range = frame.color_range == _FULL_RANGE or frame.format.name.startswith(("yuvj", "gray"))
        if _luma_depth(frame.format) is None:
            self._frame = reformatter.reformat(frame, format="yuv420p")
            self._full_range = False
        self._luma = _plane(self._frame)

    def coloured(self, side: int) -> Rgb:
        """Return the picture as red, green and blue, upright, in full range; sized as `scaled` does it."""
        shown = float(self._frame.width * self._aspect), float(self._frame.height)
        part = min(1.0, side / max(shown))
        size = max(8, round(shown[0] * part)), max(8, round(shown[1] * part))
        small = self._reformatter.reformat(self._frame, width=size[0], height=size[1], format="rgb24")
        return np.ascontiguousarray(np.rot90(small.to_ndarray(), self._turns))

    def scaled(self, side: int) -> Gray:
        """Return the picture with `side` pixels on its longer side, never enlarged, upright and in full range."""
        height, width = self._luma.shape
        shown = float(width * self._aspect), float(height)
        part = min(1.0, side / max(shown))
        size = max(8, round(shown[0] * part)), max(8, round(shown[1] * part))
        small: NDArray[Any] = np.asarray(cv2.resize(self._luma, size, interpolation=cv2.INTER_AREA))
        gray = (small >> (_luma_depth(self._frame.format) or 8) - 8).astype(np.uint8)
        if not self._full_range:
            gray = _STRETCH[gray]
        # Turned by copying: OpenCV wants rows one after the other.
        return np.ascontiguousarray(np.rot90(gray, self._turns))


def _luma_depth(form: av.VideoFormat) -> int | None:
    """Return the bits of a format whose first plane is brightness and can be read as it is; else None."""
    first = form.components[0]
    if form.is_rgb or form.has_palette or form.is_bit_stream or not first.is_luma:
        return None
    if first.bits == 8 and (form.is_planar or form.name in ("gray", "gray8")):
        return 8
    # p010 and its relatives keep their bits at the top, which a format does not tell.
    return first.bits if form.name.startswith("yuv") and form.is_planar and form.name.endswith("le") else None


def _plane(frame: av.VideoFrame) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the first plane, shape (height, width), looking at the frame's own memory."""
    plane = frame.planes[0]
    octets = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    samples = octets if frame.format.components[0].bits == 8 else octets.view("<u2")
    return samples[:, : plane.width]
