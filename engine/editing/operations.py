"""Operations carried out: pure, each takes a timeline and returns another; what it leaves alone stays the same object."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.timeline import Timeline, Track
from engine.editing import dressing, placing
from engine.editing.changes import (
    Change,
    ItemsChanged,
    TrackChanged,
    TracksChanged,
    applied,
    between,
)
from engine.editing.finding import find, fresh_ids, track_of, with_clip, with_items, with_track
from engine.editing.lanes import settled
from engine.kernel.errors import Invalid, Rejected


class Carried(NamedTuple):
    """What operations came to: the timeline after them, and what they changed, piece by piece in order."""

    timeline: Timeline
    changes: tuple[Change, ...]


def carried_out(timeline: Timeline, operations: Sequence[o.TimelineOperation]) -> Carried:
    """Carry operations out, one after the other.

    Raises:
        Invalid: one is wrong in itself; `field` begins with `operations[n]`.
        Rejected: the timeline does not allow one, such as on a locked track; `operation` is its number.
    """
    changes: list[Change] = []
    for number, operation in enumerate(operations):
        try:
            after = _CARRIED[type(operation)](timeline, operation)
            found = between(timeline, after)
            refuse_locked(timeline, found)
        except Invalid as error:
            field = f"operations[{number}].{error.extra.get('field', '')}".rstrip(".")
            raise Invalid(error.detail, code=error.code, **{**error.extra, "field": field}) from error
        except Rejected as error:
            error.extra["operation"] = number
            raise
        changes += found
        timeline = after
    return Carried(timeline, tuple(changes))


def refuse_locked(timeline: Timeline, changes: Sequence[Change]) -> None:
    """Check that changes leave locked tracks alone, but for what unlocks them.

    Raises:
        Rejected: `track_locked`.
    """
    for change in changes:
        locked: int | None = None
        match change:
            case ItemsChanged(track=number) if timeline.tracks[number].locked:
                locked = number
            case TrackChanged(track=number, before=before, after=after) if before.locked:
                locked = number if after.locked else None
            case TracksChanged(at=at, before=tracks):
                locked = next((at + place for place, one in enumerate(tracks) if one.locked), None)
            case _:
                pass
        if locked is not None:
            name = timeline.tracks[locked].name
            raise Rejected(
                "track_locked", f"track {locked} ({name!r}) is locked: unlock it first", track=locked
            )
        timeline = applied(timeline, (change,))


def _add_track(timeline: Timeline, asked: o.AddTrack) -> Timeline:
    at = len(timeline.tracks) if asked.index is None else asked.index
    if at > len(timeline.tracks):
        raise Rejected("unknown_number", f"there are {len(timeline.tracks)} tracks; none can be number {at}")
    track = Track(kind=asked.kind, name=asked.name, items=())
    return replace(timeline, tracks=(*timeline.tracks[:at], track, *timeline.tracks[at:]))


def _remove_track(timeline: Timeline, asked: o.RemoveTrack) -> Timeline:
    track_of(timeline, asked.track)
    return replace(timeline, tracks=timeline.tracks[: asked.track] + timeline.tracks[asked.track + 1 :])


def _set_track(timeline: Timeline, asked: o.SetTrack) -> Timeline:
    track = track_of(timeline, asked.track)
    said = {
        name: value
        for name in ("name", "enabled", "locked", "gain_db")
        if (value := getattr(asked, name)) is not None
    }
    return with_track(timeline, asked.track, replace(track, **said))


def _link(timeline: Timeline, asked: o.Link) -> Timeline:
    if len(set(asked.clips)) != len(asked.clips):
        raise Invalid("clips names a clip twice", field="clips")
    group = asked.group if asked.group is not None else fresh_ids(timeline)(f"link-{asked.clips[0]}")
    for clip_id in asked.clips:
        place = find(timeline, clip_id)
        timeline = with_clip(timeline, place, replace(place.clip, link_group=group))
    return timeline


def _unlink(timeline: Timeline, asked: o.Unlink) -> Timeline:
    for clip_id in asked.clips:
        place = find(timeline, clip_id)
        timeline = with_clip(timeline, place, replace(place.clip, link_group=None))
    return timeline


def _set_clip(timeline: Timeline, asked: o.SetClip) -> Timeline:
    place = find(timeline, asked.clip)
    said = {name: value for name in ("name", "enabled") if (value := getattr(asked, name)) is not None}
    return with_clip(timeline, place, replace(place.clip, **said))


def _set_captions(timeline: Timeline, asked: o.SetCaptions) -> Timeline:
    items = settled(asked.items)
    if asked.track is None:
        track = Track(kind="caption", name="Captions", items=items)
        return replace(timeline, tracks=(*timeline.tracks, track))
    if track_of(timeline, asked.track).kind != "caption":
        raise Rejected("wrong_track", f"track {asked.track} is no caption track")
    return with_items(timeline, asked.track, items)


def _set_settings(timeline: Timeline, asked: o.SetSettings) -> Timeline:
    names = ("name", "rate", "width", "height", "sample_rate")
    said = {name: value for name in names if (value := getattr(asked, name)) is not None}
    return replace(timeline, **said)


_CARRIED: Final[dict[type, Callable[[Timeline, Any], Timeline]]] = {
    o.Insert: placing.insert,
    o.Remove: placing.remove,
    o.RippleDelete: placing.remove,
    o.Move: placing.move,
    o.Trim: placing.trim,
    o.Split: placing.split,
    o.SetSpeed: placing.set_speed,
    o.SetRamp: placing.set_ramp,
    o.AddEffect: dressing.add_effect,
    o.RemoveEffect: dressing.remove_effect,
    o.SetParameter: dressing.set_parameter,
    o.SetMask: dressing.set_mask,
    o.AddTransition: dressing.add_transition,
    o.RemoveTransition: dressing.remove_transition,
    o.SetTransition: dressing.set_transition,
    o.AddTrack: _add_track,
    o.RemoveTrack: _remove_track,
    o.SetTrack: _set_track,
    o.AddMarker: dressing.add_marker,
    o.RemoveMarker: dressing.remove_marker,
    o.Link: _link,
    o.Unlink: _unlink,
    o.SetClip: _set_clip,
    o.SetCaptions: _set_captions,
    o.SetSettings: _set_settings,
}
