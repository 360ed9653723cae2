"""How a clip's speed moves through its medium: exact, the same for picture and sound."""

import bisect
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from cutroom_sdk.wire.timeline import Keyframe
from engine.editing.curves import value_at

# A curved piece of a ramp is so many straight ones.
PIECES: Final = 64


class Pace:
    """The integral of a speed from clip time 0 on.

    `knots` are `(time, speed, moved)`, seconds, 1 as recorded, seconds of the medium; between two of them the speed goes
    straight, before the first and after the last it stays.
    """

    def __init__(self, speed: Fraction, ramp: Sequence[Keyframe] = ()) -> None:
        """`ramp`, where there is one, are keyframes of the speed in clip time and stand for `speed`."""
        speeds = _straight(tuple(ramp)) if ramp else [(Fraction(0), speed)]
        knots: list[tuple[Fraction, Fraction, Fraction]] = []
        for time, here in speeds:
            moved = Fraction(0)
            if knots:
                before, was, so_far = knots[-1]
                moved = so_far + (time - before) * (was + here) / 2
            knots.append((time, here, moved))
        self._times = [time for time, _, _ in knots]
        self._knots = knots
        base = self._raw(Fraction(0))
        self.knots = self._knots = [(time, here, moved - base) for time, here, moved in knots]

    def moved(self, at: Fraction) -> Fraction:
        """Return how far the medium has moved at a clip time, seconds; negative where it went backwards."""
        return self._raw(at)

    def speed(self, at: Fraction) -> Fraction:
        """Return the speed at a clip time; at a jump, the speed after it."""
        place = bisect.bisect_right(self._times, at)
        if place in (0, len(self._knots)):
            return self._knots[max(0, place - 1)][1]
        (before, was, _), (after, then, _) = self._knots[place - 1 : place + 1]
        return was + (then - was) * (at - before) / (after - before)

    def lowest(self, duration: Fraction) -> Fraction:
        """Return the least `moved` of `[0, duration]`."""
        return min(self.moved(at) for at in self._turns(duration))

    def highest(self, duration: Fraction) -> Fraction:
        """Return the most `moved` of `[0, duration]`."""
        return max(self.moved(at) for at in self._turns(duration))

    def _turns(self, duration: Fraction) -> list[Fraction]:
        """Where the integral may be lowest or highest: at both ends, and where the speed passes 0."""
        turns = [Fraction(0), duration, *self._times]
        for (before, was, _), (after, then, _) in pairwise(self._knots):
            if was * then < 0:
                turns.append(before + (after - before) * was / (was - then))
        return [at for at in turns if 0 <= at <= duration]

    def _raw(self, at: Fraction) -> Fraction:
        place = bisect.bisect_right(self._times, at)
        time, here, moved = self._knots[max(0, place - 1)]
        if place in (0, len(self._knots)):
            return moved + (at - time) * here
        after, then, _ = self._knots[place]
        part = at - time
        return moved + part * here + part * part * (then - here) / (after - time) / 2


def _straight(ramp: tuple[Keyframe, ...]) -> list[tuple[Fraction, Fraction]]:
    """Return a ramp as straight pieces; a jump is two knots at one time."""
    knots = [(ramp[0].at, Fraction(ramp[0].value))]
    for before, after in pairwise(ramp):
        if before.ease == "hold":
            knots.append((after.at, Fraction(before.value)))
        elif before.ease != "linear":
            step = (after.at - before.at) / PIECES
            times = [before.at + step * place for place in range(1, PIECES)]
            knots += [(time, Fraction(value_at(ramp, time))) for time in times]
        knots.append((after.at, Fraction(after.value)))
    return knots
