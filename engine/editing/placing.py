"""Operations that change where clips lie and how much of them is shown."""

from fractions import Fraction

from msgspec.structs import replace

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.timeline import Clip, Gap, Timeline, TimeRange, Transition
from engine.editing.clips import stretch
from engine.editing.finding import (
    Place,
    find,
    fresh_ids,
    group_of,
    track_of,
    with_clip,
    with_items,
)
from engine.editing.lanes import Items, halves, placed, renamed, spliced, taken
from engine.kernel.errors import Invalid, Rejected
from engine.media.timecode import frame_nearest, frame_start


def insert(timeline: Timeline, asked: o.Insert) -> Timeline:
    """Put an item onto a track.

    Raises:
        Invalid: a time that is no frame's.
        Rejected: no such track.
    """
    track = track_of(timeline, asked.track)
    if asked.at is None:
        end = len(track.items)
        return with_items(timeline, asked.track, spliced(track.items, end, end, (asked.item,)))
    at = _frame(timeline, asked.at, "at")
    if at < 0:
        raise Invalid(f"at is {at}: 0 or later", field="at")
    overwrite = asked.placing == "overwrite"
    items = placed(track.items, asked.item, at, fresh_ids(timeline), overwrite=overwrite)
    return with_items(timeline, asked.track, items)


def remove(timeline: Timeline, asked: o.Remove | o.RippleDelete) -> Timeline:
    """Take clips away; see the two operations for what is left in their place.

    Raises:
        Rejected: no such clip.
    """
    for clip_id in group_of(timeline, asked.clip, alone=asked.unlinked):
        timeline = _without(timeline, find(timeline, clip_id), close=isinstance(asked, o.RippleDelete))
    return timeline


def move(timeline: Timeline, asked: o.Move) -> Timeline:
    """Move clips.

    Raises:
        Invalid: a time that is no frame's.
        Rejected: no such clip or track, a track of another kind, or a clip would begin before the timeline.
    """
    leading = find(timeline, asked.clip)
    by = _frame(timeline, asked.at, "at") - leading.start
    goal = leading.track if asked.track is None else asked.track
    kind = timeline.tracks[leading.track].kind
    if track_of(timeline, goal).kind != kind:
        raise Rejected(
            "wrong_track", f"track {goal} is of kind {timeline.tracks[goal].kind}; the clip is on {kind}"
        )
    found = [find(timeline, one) for one in group_of(timeline, asked.clip, alone=asked.unlinked)]
    for place in found:
        if place.start + by < 0:
            raise Rejected("before_start", f"the clip {place.clip.id!r} would begin at {place.start + by} s")
    for place in found:
        close = asked.placing == "insert"
        timeline = _without(timeline, find(timeline, place.clip.id), close=close)
    fresh = fresh_ids(timeline)
    for place in sorted(found, key=lambda one: one.start):
        number = goal if place is found[0] else place.track
        items = placed(
            timeline.tracks[number].items,
            place.clip,
            place.start + by,
            fresh,
            overwrite=asked.placing == "overwrite",
        )
        timeline = with_items(timeline, number, items)
    return timeline


def trim(timeline: Timeline, asked: o.Trim) -> Timeline:
    """Cut off, or add to, the ends of clips.

    Raises:
        Invalid: a time that is no frame's.
        Rejected: no such clip, nothing would be left of one, there is no room or no media for what is added.
    """
    head, tail = _frame(timeline, asked.head, "head"), _frame(timeline, asked.tail, "tail")
    for clip_id in group_of(timeline, asked.clip, alone=asked.unlinked):
        place = find(timeline, clip_id)
        lasts = place.clip.source_range.duration
        if lasts - head - tail <= 0:
            raise Rejected(
                "nothing_left", f"the clip {clip_id!r} lasts {lasts} s; nothing of it would be left"
            )
        clip = stretch(place.clip, head, lasts - tail)
        if asked.ripple:
            timeline = with_clip(timeline, place, clip)
        else:
            items = _fitted(timeline.tracks[place.track].items, place, clip, head, tail)
            timeline = with_items(timeline, place.track, items)
    return timeline


def _fitted(items: Items, place: Place, clip: Clip, head: Fraction, tail: Fraction) -> Items:
    """Return items with a trimmed clip where everything else stays in its place."""
    before, after = items[: place.number], items[place.number + 1 :]
    if head:
        before = _given(before, head, clip.id)
    if tail:
        after = _given(after[::-1], tail, clip.id, at_end=True)[::-1]
    found = spliced(before + after, len(before), len(before), (clip,))
    # At the end of a track there need be no gap.
    return found[:-1] if not after[1:] and tail > 0 and isinstance(found[-1], Gap) else found


def _given(row: Items, by: Fraction, name: str, *, at_end: bool = False) -> Items:
    """Return what lies up to a clip's edge, with `by` seconds more room; less, where it is negative."""
    if row and isinstance(row[-1], Transition):
        row = row[:-1]
    if by > 0:
        return (*row, Gap(duration=by))
    last = row[-1] if row else None
    if last is None and at_end:
        return row
    room = last.duration if isinstance(last, Gap) else Fraction(0)
    if room < -by:
        raise Rejected(
            "no_room",
            f"there are {room} s free beside the clip {name!r}, not {-by}; or use ripple",
            room=str(room),
        )
    left = () if room == -by else (Gap(duration=room + by),)
    return (*row[:-1], *left)


def split(timeline: Timeline, asked: o.Split) -> Timeline:
    """Cut a clip in two, and those linked with it that go on at that instant; the second parts are linked anew.

    Raises:
        Invalid: a time that is no frame's or not inside the clip.
        Rejected: no such clip.
    """
    leading = find(timeline, asked.clip)
    at = _frame(timeline, asked.at, "at")
    lasts = leading.clip.source_range.duration
    if not 0 < at < lasts:
        raise Invalid(f"at is {at}: inside the clip, above 0 and below {lasts}", field="at")
    fresh, instant = fresh_ids(timeline), leading.start + at
    group = fresh(leading.clip.link_group) if leading.clip.link_group is not None else None
    named = asked.new_id
    for clip_id in group_of(timeline, asked.clip, alone=asked.unlinked):
        place = find(timeline, clip_id)
        if not 0 < instant - place.start < place.clip.source_range.duration:
            continue
        first, second = halves(place.clip, instant - place.start, fresh)
        assert isinstance(second, Clip)
        if named is not None:
            second, named = renamed(second, named), None
        second = replace(second, link_group=group if not asked.unlinked else None)
        items = timeline.tracks[place.track].items
        items = (*items[: place.number], first, second, *items[place.number + 1 :])
        timeline = with_items(timeline, place.track, items)
    return timeline


def set_speed(timeline: Timeline, asked: o.SetSpeed) -> Timeline:
    """Play clips at another speed.

    Raises:
        Invalid: a held frame has no media to keep.
        Rejected: no such clip.
    """
    if asked.keep == "media" and asked.speed == 0:
        raise Invalid("a speed of 0 plays no media: keep the duration", field="speed")
    for clip_id in group_of(timeline, asked.clip, alone=asked.unlinked):
        place = find(timeline, clip_id)
        clip = replace(place.clip, speed=asked.speed, ramp=())
        if asked.keep == "media":
            played = place.clip.source_range.duration * abs(place.clip.speed)
            frames = max(1, frame_nearest(played / abs(asked.speed), timeline.rate))
            lasts = frame_start(frames, timeline.rate)
            shorter = min(lasts, clip.source_range.duration)
            clip = stretch(clip, Fraction(0), shorter) if lasts < clip.source_range.duration else clip
            clip = replace(clip, source_range=TimeRange(start=place.clip.source_range.start, duration=lasts))
        timeline = with_clip(timeline, place, clip)
    return timeline


def set_ramp(timeline: Timeline, asked: o.SetRamp) -> Timeline:
    """Give clips a ramp of speed, or take it away.

    Raises:
        Rejected: no such clip.
    """
    for clip_id in group_of(timeline, asked.clip, alone=asked.unlinked):
        place = find(timeline, clip_id)
        timeline = with_clip(timeline, place, replace(place.clip, ramp=asked.ramp))
    return timeline


def _without(timeline: Timeline, place: Place, *, close: bool) -> Timeline:
    return with_items(
        timeline, place.track, taken(timeline.tracks[place.track].items, place.number, close=close)
    )


def _frame(timeline: Timeline, time: Fraction, field: str) -> Fraction:
    """Return a time that is a whole number of the timeline's frames.

    Raises:
        Invalid: it is none; the nearest is named.
    """
    if (time * timeline.rate).denominator != 1:
        near = Fraction(round(time * timeline.rate)) / timeline.rate
        raise Invalid(
            f"{field} is {time}: a whole number of frames at {timeline.rate} a second; {near} is the nearest",
            field=field,
        )
    return time
