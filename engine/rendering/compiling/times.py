"""Which moment of its medium a clip shows at each of its frames: speeds, ramps, stills, backwards."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.timeline import Clip
from engine.editing.pace import Pace
from engine.media.index import FrameIndex
from engine.rendering.graph import Numbers
from engine.rendering.segments import frames_shown

# Of media without an end (stills, what is generated): more than any timeline asks for.
ENDLESS: Final = 1 << 40
# A clip's span may miss its medium's edge by this part of a frame: time bases are coarse.
GRACE: Final = Fraction(1, 10)
# Between two frames of a source there are at most so many steps.
STEPS: Final = 256


class Times:
    """The moments of a clip's medium. A clip's frame k covers the clip time `[k / rate, (k + 1) / rate)`."""

    def __init__(self, clip: Clip, rate: Fraction) -> None:
        self._clip, self._rate = clip, rate
        self._span = clip.source_range
        self._pace = Pace(clip.speed, clip.ramp)
        self._lowest = self._pace.lowest(self._span.duration)

    @property
    def is_plain(self) -> bool:
        """Whether the medium plays as recorded."""
        return self._clip.speed == 1 and not self._clip.ramp

    @property
    def is_still(self) -> bool:
        """Whether one frame is held."""
        return self._clip.speed == 0 and not self._clip.ramp

    @property
    def used(self) -> tuple[Fraction, Fraction]:
        """What is shown of the medium: from where to where, seconds."""
        length = self._pace.highest(self._span.duration) - self._lowest
        return self._span.start, self._span.start + length

    @property
    def typical(self) -> Fraction:
        """How fast the medium goes, as a rule; never 0."""
        if self._clip.ramp or self._clip.speed == 0:
            return Fraction(1)
        return abs(self._clip.speed)

    def at(self, frame: int) -> Fraction:
        """Return the moment at which a frame begins, seconds from the medium's first frame."""
        return self.moment(frame / self._rate)

    def moment(self, time: Fraction) -> Fraction:
        """Return the moment of the medium at a clip time."""
        return self._span.start + self._pace.moved(time) - self._lowest

    def middle(self, frame: int, source_frame: Fraction) -> Fraction:
        """Return the moment that a frame shows: half a frame in, of whichever is shorter as it plays.

        Times that jitter around a frame's start then neither double a frame nor drop one. The clip's first frame, played
        forwards, is what is on screen where its span starts.
        """
        speed = self._pace.speed(frame / self._rate)
        if speed == 0 or (frame == 0 and speed > 0):
            return self.at(frame)
        return self.moment(frame / self._rate + min(1 / self._rate, source_frame / abs(speed)) / 2)

    def numbers(self, index: FrameIndex, frames: Sequence[int]) -> tuple[int, ...]:
        """Return the number of the source's frame for each of the clip's frames."""
        if self.is_plain and isinstance(frames, range) and frames.step == 1:
            return frames_shown(index, self._span.start, len(frames), self._rate, first=frames.start)
        usual = index.duration / index.count
        return tuple(index.frame_at(self.middle(frame, usual)) for frame in frames)

    def between(
        self, index: FrameIndex, frames: Sequence[int]
    ) -> tuple[tuple[int, ...], tuple[int, ...], Numbers]:
        """Return for each frame the source's frames before and after its moment and how far it is on the way, 0..1."""
        last = index.frame_at(self.used[1] - Fraction(1, 1_000_000))
        firsts, seconds, parts = [], [], []
        for frame in frames:
            moment = self.at(frame)
            first = index.frame_at(moment)
            second = min(first + 1, max(first, last))
            begins, ends = index.time_of(first), index.time_of(second)
            part = (moment - begins) / (ends - begins) if ends > begins else Fraction(0)
            firsts.append(first)
            seconds.append(second)
            parts.append(round(min(max(part, Fraction(0)), Fraction(1)) * STEPS) / STEPS)
        return tuple(firsts), tuple(seconds), tuple(parts)

    def handles(self, length: Fraction, count: int) -> tuple[int, int]:
        """Return how many frames there are before the clip's first and after its last in a medium of `length` seconds.

        `count` is how many frames the clip has.
        """
        if self.is_still:
            return ENDLESS, ENDLESS
        if self._clip.ramp:
            return self._walk(length, -1, -1), self._walk(length, count, 1)
        start, end = self.used
        speed = abs(self._clip.speed)
        before, after = (max(0, int(room * self._rate / speed + GRACE)) for room in (start, length - end))
        return (before, after) if self._clip.speed > 0 else (after, before)

    def _walk(self, length: Fraction, first: int, step: int) -> int:
        found = 0
        while found < 100_000 and 0 <= self.at(first + step * found) < length:
            found += 1
        return found
