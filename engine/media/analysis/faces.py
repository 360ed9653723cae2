"""Where faces are, sample by sample, and which samples show the same one.

Every `hop` one frame is looked at. A face goes on where a box of the sample before, or of the one before that, lies where it
lies now; else a new one begins. One that is seen once only, and not surely, is not believed.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.media import Faces, FaceTrack
from engine.media.analysis import centerface
from engine.media.analysis.centerface import Box
from engine.media.analysis.look import Look

SIDE: Final = 384  # the longer side of what is looked at, pixels
MISSED_MOST: Final = 2  # samples that a face may be lost for
NEAR: Final = 1.0  # of its size: further away it is another face
SURE: Final = 0.6  # a face seen once only is believed from here on


class _Track:
    def __init__(self, place: int, box: Box) -> None:
        self.places = [place]
        self.boxes = [box]

    def distance(self, box: Box) -> float:
        """How far away a box is, in sizes of this face; infinite where it is of quite another size."""
        last = self.boxes[-1]
        size = max(last.width, box.width), max(last.height, box.height)
        if not 0.5 < box.width / last.width < 2:
            return math.inf
        return math.hypot((box.x - last.x) / size[0], (box.y - last.y) / size[1])


class FaceFinder:
    """Fed with every frame in order. `hop` is seconds between samples, `threshold` the least likelihood of a face."""

    def __init__(self, hop: Fraction, threshold: float) -> None:
        centerface.load()
        self._hop, self._threshold = hop, threshold
        self._place = 0
        self._tracks: list[_Track] = []

    def add(self, look: Look) -> None:
        """Look at a frame if one is due."""
        if look.at < self._place * self._hop:
            return
        place = math.floor(look.at / self._hop)
        self._place = place + 1
        open_tracks = [track for track in self._tracks if place - track.places[-1] <= MISSED_MOST + 1]
        for box in centerface.faces(look.colour(SIDE), self._threshold):
            nearest = min(open_tracks, key=lambda track: track.distance(box), default=None)
            if nearest is not None and nearest.distance(box) <= NEAR:
                open_tracks.remove(nearest)
                nearest.places.append(place)
                nearest.boxes.append(box)
            else:
                self._tracks.append(_Track(place, box))

    def finish(self, end: Fraction) -> Faces:
        """Return the faces in the order of their first sample; `end` is the film's, seconds."""
        kept = [track for track in self._tracks if len(track.boxes) > 1 or track.boxes[0].confidence >= SURE]
        return Faces(hop=self._hop, tracks=tuple(self._track(track, end) for track in kept))

    def _track(self, track: _Track, end: Fraction) -> FaceTrack:
        return FaceTrack(
            start=track.places[0] * self._hop,
            end=min(end, (track.places[-1] + 1) * self._hop),
            at=tuple(place * self._hop for place in track.places),
            x=tuple(box.x for box in track.boxes),
            y=tuple(box.y for box in track.boxes),
            width=tuple(box.width for box in track.boxes),
            height=tuple(box.height for box in track.boxes),
            confidence=max(box.confidence for box in track.boxes),
        )
