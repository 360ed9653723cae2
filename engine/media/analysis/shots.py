"""Where one shot ends and the next begins: hard cuts, dissolves, fades through black or white.

Three signs, each looked at with a delay of a few frames, so that memory does not grow with the film:

    cut       two neighbouring frames show different scenes (`likeness`), and the frames around do not: not a flash,
              after which the old scene is back, and not a whip of the camera, where every frame differs
    dissolve  each frame of a stretch is a mix of its first and its last, which show different scenes
    fade      the picture loses its contrast little by little until nothing is left, or gains it from nothing
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.media import Shot
from engine.media.analysis.likeness import SAME, Likeness, blend, difference, found_again, likeness, small
from engine.media.analysis.look import Gray, Look

# Cuts.
STILL: Final = 1.2  # neighbouring frames that differ by less (of 255) are not compared any further
CUT_SCORE: Final = 0.38
CUT_ISOLATION: Final = 1.7  # a cut's score is this many times that of the frames around it
FLASH_FRAMES: Final = 6  # what is over after so many frames is a flash
SAME_SCENE: Final = 0.72  # structure of two pictures of one scene
DARK_CONTRAST: Final = 8.0
DARKER: Final = 3.0  # times less contrast: the light goes out
# Dissolves.
SPANS: Final = (6, 9, 13, 18, 25, 36, 50)  # frames from before a dissolve to after it
LEFTOVER_MAX: Final = 0.09
STEP_MAX: Final = 0.45  # more than this in one frame is a cut
APART_MIN: Final = 7.0  # the scenes on both sides differ at least so much
STEP_MIN: Final = -0.08
OTHER_SCENE: Final = 0.62  # structure of two pictures of different scenes, at most
CHANGED_MIN: Final = 0.6  # of the cells: less is something that moves, or a title
MOVED_SCENE: Final = 0.8
TINY: Final = (32, 18)
# Fades.
BLANK_CONTRAST: Final = 4.0
RAMP_MIN: Final = 4  # frames
RAMP_MAX: Final = 50
MARGIN: Final = 5  # frames between two edits, at least

Kind = Literal["cut", "dissolve", "fade"]


@dataclass(frozen=True, slots=True)
class Edit:
    """A shot begins with `frame`. `first`, `last`: the frames that the transition takes, both included.

    Of dissolves that overlap the one with the most `strength` is meant: parts of a dissolve look like dissolves too.
    """

    frame: int
    kind: Kind
    confidence: float
    first: int
    last: int
    strength: float = 0.0


@dataclass(frozen=True, slots=True)
class _Seen:
    number: int
    small: Gray
    tiny: NDArray[np.float32]
    contrast: float


class ShotFinder:
    """Fed with every frame in order; keeps only the last few."""

    def __init__(self) -> None:
        self._recent: deque[_Seen] = deque(maxlen=SPANS[-1] + FLASH_FRAMES + 2)
        self._times: list[Fraction] = []
        self._scores: list[float] = []
        self._contrasts: list[float] = []
        self._cuts: list[Edit] = []
        self._dissolves: list[Edit] = []
        self._lit: _Seen | None = None  # the last frame before the light went out

    def add(self, look: Look) -> None:
        """Take the next frame."""
        picture = small(look.gray)
        tiny = np.asarray(cv2.resize(picture, TINY, interpolation=cv2.INTER_AREA), dtype=np.float32).ravel()
        seen = _Seen(look.number, picture, tiny, float(picture.std()))
        alike = self._to_last(seen)
        self._times.append(look.at)
        self._contrasts.append(seen.contrast)
        self._scores.append(_score(alike))
        self._recent.append(seen)
        self._judge_cut(len(self._scores) - 1 - FLASH_FRAMES)
        if look.number % 2 == 0:
            self._judge_dissolve()

    def finish(self, end: Fraction) -> tuple[Shot, ...]:
        """Return the shots, in order and without gaps; none for a film without frames.

        Args:
            end: when the last frame ends, seconds from the first.
        """
        count = len(self._scores)
        if not count:
            return ()
        for number in range(max(1, count - FLASH_FRAMES), count):
            self._judge_cut(number)
        self._judge_dissolve()
        edits = _settled(self._cuts, self._dissolves, self._fades())
        times = [*self._times, end]
        starts = [0, *(edit.frame for edit in edits)]
        ends = [*starts[1:], count]
        return tuple(
            Shot(
                start=times[start],
                end=times[stop],
                start_frame=start,
                end_frame=stop,
                transition_in="start" if place == 0 else edits[place - 1].kind,
                confidence=1.0 if place == 0 else round(edits[place - 1].confidence, 3),
            )
            for place, (start, stop) in enumerate(zip(starts, ends, strict=True))
        )

    def _to_last(self, seen: _Seen) -> Likeness:
        if not self._recent:
            return SAME
        before = self._recent[-1].small
        return SAME if difference(before, seen.small) < STILL else likeness(before, seen.small)

    def _judge_cut(self, number: int) -> None:
        """Decide whether a shot begins with frame `number`, now that the frames after it are known."""
        if number < 1:
            return
        by_number = {seen.number: seen for seen in self._recent}
        before, here = by_number[number - 1], by_number[number]
        if _goes_out(before, here):
            self._lit = before
        score = self._scores[number]
        if score < CUT_SCORE or self._light_returns(before, here):
            return
        around = [
            self._scores[place]
            for place in range(
                max(1, number - FLASH_FRAMES), min(len(self._scores), number + FLASH_FRAMES + 1)
            )
            if place != number and not any(edit.frame == place for edit in self._cuts[-3:])
        ]
        if score < CUT_ISOLATION * _typical_peak(around) or _is_flash(number, by_number):
            return
        confidence = 0.5 + 0.5 * min(1.0, (score - CUT_SCORE) / (1 - CUT_SCORE))
        self._cuts.append(Edit(number, "cut", confidence, number, number))

    def _light_returns(self, before: _Seen, here: _Seen) -> bool:
        """Tell whether `here` is the scene that was there before the light went out; it has then been one shot."""
        if self._lit is None or not _goes_out(here, before):
            return False
        lit, self._lit = self._lit, None
        if not _same_scene(lit, here):
            return False
        self._cuts = [cut for cut in self._cuts if cut.frame != lit.number + 1]
        return True

    def _judge_dissolve(self) -> None:
        """Look for a dissolve that ends with the last frame."""
        recent = list(self._recent)
        last = recent[-1]
        spans = [span for span in SPANS if span < len(recent)]
        if not spans or last.contrast < BLANK_CONTRAST:
            return
        tiny = np.stack([seen.tiny for seen in recent])
        apart = np.abs(tiny[[-1 - span for span in spans]] - last.tiny).mean(axis=1)
        for span, distance in zip(spans, apart, strict=True):
            first = recent[-1 - span]
            if distance < APART_MIN or first.contrast < BLANK_CONTRAST:
                continue
            parts, leftover = blend(tiny[-1 - span :])
            steps = np.diff(parts)
            if leftover > LEFTOVER_MAX or steps.max() > STEP_MAX or steps.min() < STEP_MIN:
                continue
            middle = int(np.argmax(parts >= 0.5))
            if _are_two_scenes(first.small, recent[middle - 1 - span].small, last.small):
                confidence = 0.5 + 0.5 * (1 - leftover / LEFTOVER_MAX)
                number = first.number + middle
                strength = float(distance) * (1 - leftover)
                edit = Edit(number, "dissolve", confidence, first.number, last.number, strength)
                self._dissolves.append(edit)

    def _fades(self) -> list[Edit]:
        """Return the stretches without a picture that are entered and left little by little, as edits.

        Where one side is a hard cut instead, the cut is the edit, and the other side only the look of the shot.
        """
        contrasts = np.array(self._contrasts)
        blank = np.flatnonzero(contrasts < BLANK_CONTRAST)
        edits = []
        for run in np.split(blank, np.flatnonzero(np.diff(blank) > 1) + 1) if blank.size else []:
            first, last = int(run[0]), int(run[-1])
            if first == 0 or last == len(contrasts) - 1:
                continue
            before, after = _ramp(contrasts[:first][::-1]), _ramp(contrasts[last + 1 :])
            if before and after:
                edits.append(Edit((first + last + 1) // 2, "fade", 0.9, first - before, last + after))
        return edits


def _score(alike: Likeness) -> float:
    """Return how much two frames look like a cut, 0..1: another structure, and brightness that differs with it."""
    return (1 - alike.structure) * min(1.0, alike.distance / 12)


def _is_flash(number: int, by_number: dict[int, _Seen]) -> bool:
    """Tell whether the scene before `number` is back within a few frames, or was there a few frames before."""
    before, here = by_number[number - 1], by_number[number]
    after = [by_number[place] for place in range(number + 1, number + FLASH_FRAMES + 1) if place in by_number]
    earlier = [by_number[place] for place in range(number - FLASH_FRAMES, number - 1) if place in by_number]
    return any(_same_scene(before, seen) for seen in after) or any(
        _same_scene(here, seen) for seen in earlier
    )


def _goes_out(before: _Seen, after: _Seen) -> bool:
    return after.contrast < DARK_CONTRAST and before.contrast > DARKER * after.contrast


def _typical_peak(scores: list[float]) -> float:
    """Return how high the scores around go: the second highest, for one stray frame does not make a whip pan."""
    return sorted(scores)[-2] if len(scores) > 1 else 0.0


def _same_scene(first: _Seen, second: _Seen) -> bool:
    alike = likeness(first.small, second.small)
    return alike.structure > SAME_SCENE and alike.distance < 14


def _are_two_scenes(first: Gray, middle: Gray, last: Gray) -> bool:
    """Tell a dissolve from a camera or a subject that moves: most of the picture is new, and the middle is neither."""
    ends = likeness(first, last)
    if ends.structure > OTHER_SCENE or ends.changed < CHANGED_MIN:
        return False
    return min(found_again(first, middle), found_again(last, middle)) < MOVED_SCENE


def _ramp(contrasts: NDArray[np.float64]) -> int:
    """Return over how many frames contrast grows little by little from the first value on; 0 when it does not."""
    falls = np.flatnonzero(np.diff(contrasts[:RAMP_MAX]) <= 0)
    length = int(falls[0]) + 1 if falls.size else min(len(contrasts), RAMP_MAX)
    grown = length >= RAMP_MIN and contrasts[0] < 0.6 * contrasts[length - 1]
    return length if grown else 0


def _settled(cuts: list[Edit], dissolves: list[Edit], fades: list[Edit]) -> list[Edit]:
    """Return the edits that hold, in order: of those that overlap, fades before cuts before dissolves."""
    held = list(fades)
    held += [cut for cut in cuts if not any(_overlap(cut, fade) for fade in fades)]
    for dissolve in sorted(dissolves, key=lambda edit: (-edit.strength, edit.frame)):
        if not any(_overlap(dissolve, edit) for edit in held):
            held.append(dissolve)
    return sorted(held, key=lambda edit: edit.frame)


def _overlap(first: Edit, second: Edit) -> bool:
    return first.first - MARGIN <= second.last and second.first - MARGIN <= first.last
