"""Pictures of sources on a canvas: frames from libav as planes of numpy."""

from __future__ import annotations

import av
import numpy as np

from engine.rendering.compositor.canvas import Picture, Plane
from engine.rendering.graph import Footage
from engine.rendering.reading import Frames, Opened
from engine.rendering.scaling import Scaler


class Shots:
    """The pictures of one footage on one canvas."""

    def __init__(self, footage: Footage, width: int, height: int, sources: Opened) -> None:
        self._scaler = Scaler(footage, width, height)
        self.reader: Frames = sources.reader(footage)

    def picture(self, place: int) -> Picture:
        """Return the picture of a place, planes of its own.

        Raises:
            Invalid, WorkFailed: as `Reader.frame` and `Scaler.made_of`.
        """
        return picture_of(self._scaler.made_of(self.reader.frame(place), place))


def picture_of(frame: av.VideoFrame) -> Picture:
    """Return a copy of a yuv420p frame's planes."""
    return Picture(*(_plane(frame, number) for number in range(3)))


def frame_of(picture: Picture) -> av.VideoFrame:
    """Return an opaque picture as a yuv420p frame, a copy."""
    frame = av.VideoFrame(picture.width, picture.height, "yuv420p")
    for number, plane in enumerate((picture.y, picture.u, picture.v)):
        _lines(frame, number)[:] = plane
    return frame


def _plane(frame: av.VideoFrame, number: int) -> Plane:
    return np.array(_lines(frame, number), order="C")


def _lines(frame: av.VideoFrame, number: int) -> Plane:
    """Return a view of a plane without the padding of its lines."""
    plane = frame.planes[number]
    rows: Plane = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
