"""Timelines: how long they are, whether they hold together, and the one that a plan becomes."""

import math
from collections.abc import Iterable, Set
from fractions import Fraction
from itertools import accumulate
from typing import assert_never

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Keyframe,
    Timeline,
    Track,
    Transition,
)
from engine.kernel.errors import Invalid
from engine.media.timecode import frame_nearest, frame_start

SIDE_LEAST, SIDE_MOST = 16, 16_384
RATE_MOST = Fraction(240)
_NO_TIME = Fraction(0)


Item = Clip | Gap | Transition


def item_duration(item: Item) -> Fraction:
    """Return how long an item lasts on its track, seconds; a transition takes no time of its own."""
    match item:
        case Clip():
            return item.source_range.duration
        case Gap():
            return item.duration
        case Transition():
            return _NO_TIME
        case _:
            assert_never(item)


def track_duration(track: Track) -> Fraction:
    """Return how long a track lasts, seconds; 0 without items."""
    return total(map(item_duration, track.items))


def total(times: Iterable[Fraction]) -> Fraction:
    """Return the sum of times, exact.

    Added up by denominator, of which a timeline has few: to bring each single sum down to lowest terms would take most of
    the time that an edit of a long track takes.
    """
    parts: dict[int, int] = {}
    for time in times:
        below = time.denominator
        parts[below] = parts.get(below, 0) + time.numerator
    return sum((Fraction(above, below) for below, above in parts.items()), Fraction(0))


def edges(items: Iterable[Item]) -> tuple[int, list[int]]:
    """Return where items begin, and behind them where the last one ends, in whole parts of a second; and how many are a second.

    >>> edges([Gap(duration=Fraction(1, 2)), Gap(duration=Fraction(1, 3))])
    (6, [0, 3, 5])
    """
    lasts = [item_duration(item) for item in items]
    grid = math.lcm(*{one.denominator for one in lasts})
    return grid, list(accumulate((one.numerator * (grid // one.denominator) for one in lasts), initial=0))


def duration(timeline: Timeline) -> Fraction:
    """Return how long the longest enabled track lasts, seconds; 0 without any."""
    return max((track_duration(track) for track in timeline.tracks if track.enabled), default=Fraction(0))


def asset_of(clip: Clip) -> str:
    """Return the id of the asset that a clip shows.

    Raises:
        Invalid: it shows something else.
    """
    if isinstance(clip.media, AssetReference):
        return clip.media.asset_id
    raise Invalid(
        f"the clip {clip.id!r} shows a {type(clip.media).__name__.lower()}, not an asset", field="timeline"
    )


def places(track: Track) -> tuple[tuple[Fraction, Fraction, Item], ...]:
    """Return each item with the seconds `[start, end)` of the timeline that it covers, in order."""
    result, at = [], Fraction(0)
    for item in track.items:
        end = at + item_duration(item)
        result.append((at, end, item))
        at = end
    return tuple(result)


def snapped(at: Fraction, rate: Fraction) -> Fraction:
    """Return the frame start nearest to `at` seconds; half way between two, the earlier."""
    return frame_start(frame_nearest(at, rate), rate)


def check(timeline: Timeline, *, known: Set[int] = frozenset()) -> Timeline:
    """Return the timeline when it holds together.

    Args:
        timeline: what is looked at.
        known: the `id()` of tracks and items that are known to hold together on a timeline of this rate.

    Raises:
        Invalid: `field` names where: a size, a rate or a time that cannot be, an edge that is no frame's, keyframes out
            of order, an id that is used twice.
    """
    for name, side in (("width", timeline.width), ("height", timeline.height)):
        fits = SIDE_LEAST <= side <= SIDE_MOST and side % 2 == 0
        _demand(fits, name, f"is {side}: even, {SIDE_LEAST} to {SIDE_MOST}")
    _demand(0 < timeline.rate <= RATE_MOST, "rate", f"is {timeline.rate}: above 0, up to {RATE_MOST}")
    _demand(timeline.sample_rate > 0, "sample_rate", f"is {timeline.sample_rate}: above 0")
    for track_number, track in enumerate(timeline.tracks):
        for number, item in enumerate(() if id(track) in known else track.items):
            if id(item) not in known:
                _check_item(item, f"tracks[{track_number}].items[{number}]", timeline.rate)
    _check_ids(timeline)
    return timeline


def _check_ids(timeline: Timeline) -> None:
    names = [item.id for track in timeline.tracks for item in track.items if isinstance(item, Clip)]
    if len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for track_number, track in enumerate(timeline.tracks):
        for number, item in enumerate(track.items):
            if isinstance(item, Clip):
                field = f"tracks[{track_number}].items[{number}].id"
                _demand(item.id not in seen, field, f"is {item.id!r}, which another clip has")
                seen.add(item.id)


def _check_item(item: Item, field: str, rate: Fraction) -> None:
    if isinstance(item, Transition):
        return
    lasts = item_duration(item)
    where = f"{field}.duration" if isinstance(item, Gap) else f"{field}.source_range.duration"
    _demand(lasts > 0, where, f"is {lasts}: above 0")
    _demand(
        (lasts * rate).denominator == 1, where, f"is {lasts}: a whole number of frames at {rate} a second"
    )
    if isinstance(item, Gap):
        return
    start = item.source_range.start
    _demand(start >= 0, f"{field}.source_range.start", f"is {start}: 0 or later")
    for number, effect in enumerate(item.effects):
        _check_effect(effect, f"{field}.effects[{number}]", lasts)


def _check_effect(effect: Effect, field: str, lasts: Fraction) -> None:
    for name, value in effect.parameters.items():
        if not isinstance(value, tuple):
            continue
        times = [key.at for key in value if isinstance(key, Keyframe)]
        where = f"{field}.parameters.{name}"
        _demand(bool(times), where, "has no keyframes")
        _demand(times == sorted(set(times)), where, "has keyframes that are out of order or at the same time")
        _demand(0 <= times[0] and times[-1] <= lasts, where, f"has keyframes outside [0, {lasts}]")


def _demand(holds: bool, field: str, said: str) -> None:
    if not holds:
        raise Invalid(f"timeline.{field} {said}", field=f"timeline.{field}")
