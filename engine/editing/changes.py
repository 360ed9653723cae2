"""What an edit changed, piece by piece, before and after: the form in which the log keeps it.

A change is its own inverse read backwards. What an operation meant is worked out once, when it is asked for; a replay puts
the pieces in and nothing else, so that a rule which is changed later breaks no history.

Places are numbers, and later edits move them. `rebased` carries changes past others that were made meanwhile, as editors
that many write in at once do it (operational transformation): what lies elsewhere moves a place, what touches the same
pieces is a clash.
"""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from fractions import Fraction
from itertools import islice
from typing import Any, TypeVar, assert_never

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Effect, Keyframe, Marker, Timeline, Track
from engine.editing.timeline import Item, item_duration, total, track_duration

T = TypeVar("T")


class Clash(Exception):
    """Two changes touch the same piece."""


class Settings(Struct, frozen=True, kw_only=True):
    """What a timeline is besides its tracks and markers."""

    name: str
    rate: Fraction
    width: int
    height: int
    sample_rate: int
    metadata: dict[str, Any] = {}


class TrackSettings(Struct, frozen=True, kw_only=True):
    """What a track is besides its items."""

    kind: str
    name: str
    enabled: bool
    locked: bool
    gain_db: float | tuple[Keyframe, ...]
    effects: tuple[Effect, ...]


class SettingsChanged(Struct, frozen=True, kw_only=True, tag="settings"):
    """What the timeline is besides its tracks and markers."""

    before: Settings
    after: Settings


class MarkersChanged(Struct, frozen=True, kw_only=True, tag="markers"):
    """Of the timeline's markers, those from `at` on: `before` were there, `after` are there now."""

    at: int
    before: tuple[Marker, ...]
    after: tuple[Marker, ...]


class TracksChanged(Struct, frozen=True, kw_only=True, tag="tracks"):
    """Of the tracks, those from `at` on: `before` were there, `after` are there now."""

    at: int
    before: tuple[Track, ...]
    after: tuple[Track, ...]


class TrackChanged(Struct, frozen=True, kw_only=True, tag="track"):
    """What the track number `track` is besides its items."""

    track: int
    before: TrackSettings
    after: TrackSettings


class ItemsChanged(Struct, frozen=True, kw_only=True, tag="items"):
    """Of the items of the track number `track`, those from `at` on: `before` were there, `after` are there now."""

    track: int
    at: int
    before: tuple[Item, ...]
    after: tuple[Item, ...]


Change = SettingsChanged | MarkersChanged | TracksChanged | TrackChanged | ItemsChanged


def between(before: Timeline, after: Timeline) -> tuple[Change, ...]:
    """Return the changes that lead from one timeline to the other, to be made one after the other.

    Items that are equal and whose neighbours are, are left out.
    """
    found: list[Change] = []
    if _settings(before) != _settings(after):
        found.append(SettingsChanged(before=_settings(before), after=_settings(after)))
    for at, old, new in _pieces(before.markers, after.markers):
        found.append(MarkersChanged(at=at, before=old, after=new))
    if len(before.tracks) != len(after.tracks):
        at, old_tracks, new_tracks = _edges(before.tracks, after.tracks)
        return (*found, TracksChanged(at=at, before=old_tracks, after=new_tracks))
    for number, (old_track, new_track) in enumerate(zip(before.tracks, after.tracks, strict=True)):
        if old_track is new_track:
            continue
        if _track_settings(old_track) != _track_settings(new_track):
            found.append(
                TrackChanged(
                    track=number, before=_track_settings(old_track), after=_track_settings(new_track)
                )
            )
        for at, gone, come in _pieces(old_track.items, new_track.items):
            found.append(ItemsChanged(track=number, at=at, before=gone, after=come))
    return tuple(found)


def applied(timeline: Timeline, changes: Sequence[Change]) -> Timeline:
    """Return the timeline after changes that were made to the very same one; what they do not touch stays the same object."""
    for change in changes:
        timeline = _applied(timeline, change)
    return timeline


def lasting(lasts: tuple[Fraction, ...], changes: Sequence[Change]) -> tuple[Fraction, ...]:
    """Return how long tracks last after changes, seconds, by how long they did before; only what changes is added up."""
    for change in changes:
        match change:
            case TracksChanged(at=at, before=before, after=after):
                old, new = (tuple(map(track_duration, tracks)) for tracks in (before, after))
                lasts = _spliced(lasts, at, old, new)
            case ItemsChanged(track=number, before=gone, after=come):
                more = total(map(item_duration, come)) - total(map(item_duration, gone))
                lasts = (*lasts[:number], lasts[number] + more, *lasts[number + 1 :])
            case _:
                pass
    return lasts


def inverse(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return what undoes changes."""
    return tuple(_turned(change) for change in reversed(changes))


def rebased(changes: Sequence[Change], over: Sequence[Change], *, yields: bool = True) -> tuple[Change, ...]:
    """Return `changes`, which were meant for a timeline, as they are to be made after `over` was made to it.

    Where both put something in at the same place, `changes` come after it when they yield, else before.

    Raises:
        Clash: they touch the same piece.
    """
    left = list(changes)
    for other in over:
        moved = []
        for change in left:
            moved.append(_shifted(change, other, yields=yields))
            other = _shifted(other, change, yields=not yields)
        left = moved
    return tuple(left)


def clips_of(changes: Sequence[Change]) -> frozenset[str]:
    """Return the ids of the clips that changes touch."""
    items: list[Item] = []
    for change in changes:
        if isinstance(change, ItemsChanged):
            items += (*change.before, *change.after)
        elif isinstance(change, TracksChanged):
            items += [item for track in (*change.before, *change.after) for item in track.items]
    return frozenset(item.id for item in items if isinstance(item, Clip))


def tracks_of(changes: Sequence[Change]) -> frozenset[int]:
    """Return the numbers of the tracks whose items or effects changes touch, apart from whole tracks."""
    return frozenset(change.track for change in changes if isinstance(change, ItemsChanged | TrackChanged))


def _settings(timeline: Timeline) -> Settings:
    return Settings(
        name=timeline.name,
        rate=timeline.rate,
        width=timeline.width,
        height=timeline.height,
        sample_rate=timeline.sample_rate,
        metadata=timeline.metadata,
    )


def _track_settings(track: Track) -> TrackSettings:
    return TrackSettings(
        kind=track.kind,
        name=track.name,
        enabled=track.enabled,
        locked=track.locked,
        gain_db=track.gain_db,
        effects=track.effects,
    )


def _edges(old: tuple[T, ...], new: tuple[T, ...]) -> tuple[int, tuple[T, ...], tuple[T, ...]]:
    """Return what differs between the beginning and the end that two rows share, and where it begins."""
    most = min(len(old), len(new))
    start = _shared(old, new, most)
    end = _shared(reversed(old), reversed(new), most - start)
    return start, old[start : len(old) - end], new[start : len(new) - end]


def _shared(old: Iterable[object], new: Iterable[object], most: int) -> int:
    """Return with how many equal pieces two rows begin, up to `most`."""
    pairs = enumerate(islice(zip(old, new, strict=False), most))
    return next((place for place, (one, other) in pairs if one is not other and one != other), most)


def _pieces(old: tuple[T, ...], new: tuple[T, ...]) -> list[tuple[int, tuple[T, ...], tuple[T, ...]]]:
    """Return what differs between two rows, the last piece first: so each piece's place is the same before and after."""
    if old is new:
        return []
    start, gone, come = _edges(old, new)
    if not gone or not come:
        return [(start, gone, come)] if gone or come else []
    # What an edit leaves alone is the same object on both sides.
    matcher = SequenceMatcher(None, [id(one) for one in gone], [id(one) for one in come], autojunk=False)
    found = [
        (start + low, gone[low:high], come[new_low:new_high])
        for what, low, high, new_low, new_high in matcher.get_opcodes()
        if what != "equal"
    ]
    return found[::-1]


def _applied(timeline: Timeline, change: Change) -> Timeline:
    match change:
        case SettingsChanged(after=after):
            return replace(timeline, **{name: getattr(after, name) for name in Settings.__struct_fields__})
        case MarkersChanged():
            return replace(
                timeline, markers=_spliced(timeline.markers, change.at, change.before, change.after)
            )
        case TracksChanged():
            return replace(timeline, tracks=_spliced(timeline.tracks, change.at, change.before, change.after))
        case TrackChanged(track=number, after=after):
            told = {name: getattr(after, name) for name in TrackSettings.__struct_fields__}
            return _with_track(timeline, number, replace(timeline.tracks[number], **told))
        case ItemsChanged(track=number):
            track = timeline.tracks[number]
            items = _spliced(track.items, change.at, change.before, change.after)
            return _with_track(timeline, number, replace(track, items=items))
        case _:
            assert_never(change)


def _spliced(row: tuple[T, ...], at: int, before: tuple[T, ...], after: tuple[T, ...]) -> tuple[T, ...]:
    return row[:at] + after + row[at + len(before) :]


def _with_track(timeline: Timeline, number: int, track: Track) -> Timeline:
    return replace(timeline, tracks=(*timeline.tracks[:number], track, *timeline.tracks[number + 1 :]))


def _turned(change: Change) -> Change:
    # One row for each kind, for the types of before and after go together.
    match change:
        case SettingsChanged():
            return SettingsChanged(before=change.after, after=change.before)
        case MarkersChanged():
            return MarkersChanged(at=change.at, before=change.after, after=change.before)
        case TracksChanged():
            return TracksChanged(at=change.at, before=change.after, after=change.before)
        case TrackChanged():
            return TrackChanged(track=change.track, before=change.after, after=change.before)
        case ItemsChanged():
            return ItemsChanged(track=change.track, at=change.at, before=change.after, after=change.before)
        case _:
            assert_never(change)


def _shifted(change: Change, over: Change, *, yields: bool) -> Change:
    match change, over:
        case SettingsChanged(), SettingsChanged():
            raise Clash
        case MarkersChanged(), MarkersChanged():
            return replace(change, at=_moved(change, over, yields=yields))
        case TracksChanged(), TracksChanged():
            return replace(change, at=_moved(change, over, yields=yields))
        case TracksChanged(), ItemsChanged() | TrackChanged():
            if change.at <= over.track < change.at + len(change.before):
                raise Clash
            return change
        case ItemsChanged() | TrackChanged(), TracksChanged():
            if over.at <= change.track < over.at + len(over.before):
                raise Clash
            moved = len(over.after) - len(over.before) if over.at <= change.track else 0
            return replace(change, track=change.track + moved)
        case TrackChanged(), TrackChanged() if change.track == over.track:
            raise Clash
        case ItemsChanged(), ItemsChanged() if change.track == over.track:
            return replace(change, at=_moved(change, over, yields=yields))
        case _:
            return change


Splice = MarkersChanged | TracksChanged | ItemsChanged


def _moved(change: Splice, over: Splice, *, yields: bool) -> int:
    """Return where a splice of the same row begins after another one.

    Raises:
        Clash: the two overlap, or one puts something into the middle of what the other takes.
    """
    start, end = change.at, change.at + len(change.before)
    other, other_end = over.at, over.at + len(over.before)
    if start == end == other == other_end:
        return start + len(over.after) if yields else start
    if other_end <= start:
        return start + len(over.after) - len(over.before)
    if end <= other:
        return start
    raise Clash
