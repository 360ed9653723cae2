"""Operations on what clips and tracks wear: effects, their parameters and masks, transitions, markers."""

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.timeline import Clip, Effect, Generator, Marker, Parameter, Timeline, Transition
from engine.editing.finding import (
    find,
    numbered,
    track_of,
    with_clip,
    with_items,
    with_track,
)
from engine.editing.timeline import Item
from engine.kernel.errors import Invalid, Rejected

Effects = tuple[Effect, ...]


class _Aimed(Protocol):
    """An operation that is for a clip or for a track."""

    @property
    def clip(self) -> str | None: ...

    @property
    def track(self) -> int | None: ...


def add_effect(timeline: Timeline, asked: o.AddEffect) -> Timeline:
    """Give a clip or a track an effect.

    Raises:
        Invalid: neither clip nor track is named, or both.
        Rejected: there is no such one, or no such place.
    """

    def added(effects: Effects) -> Effects:
        at = len(effects) if asked.index is None else asked.index
        if at > len(effects):
            raise Rejected("unknown_number", f"there are {len(effects)} effects; none can be number {at}")
        return (*effects[:at], asked.effect, *effects[at:])

    return _with_effects(timeline, asked, added)


def remove_effect(timeline: Timeline, asked: o.RemoveEffect) -> Timeline:
    """Take an effect away; raises as `add_effect` does."""

    def removed(effects: Effects) -> Effects:
        numbered(effects, asked.effect, "effect")
        return (*effects[: asked.effect], *effects[asked.effect + 1 :])

    return _with_effects(timeline, asked, removed)


def set_parameter(timeline: Timeline, asked: o.SetParameter) -> Timeline:
    """Set a parameter of an effect or of a clip's generator; raises as `add_effect` does."""
    if asked.effect is not None:
        return _with_effect(
            timeline,
            asked,
            asked.effect,
            lambda effect: replace(effect, parameters=_set(effect.parameters, asked.name, asked.value)),
        )
    if asked.clip is None or asked.track is not None:
        raise Invalid("a parameter is an effect's, or that of a clip's generator: name one", field="effect")
    place = find(timeline, asked.clip)
    media = place.clip.media
    if not isinstance(media, Generator):
        raise Rejected("no_generator", f"the clip {asked.clip!r} shows nothing that is made on the spot")
    media = replace(media, parameters=_set(media.parameters, asked.name, asked.value))
    return with_clip(timeline, place, replace(place.clip, media=media))


def set_mask(timeline: Timeline, asked: o.SetMask) -> Timeline:
    """Limit an effect to a region, or let it act everywhere; raises as `add_effect` does."""
    return _with_effect(timeline, asked, asked.effect, lambda effect: replace(effect, mask=asked.mask))


def _set(parameters: dict[str, Parameter], name: str, value: Parameter | None) -> dict[str, Parameter]:
    left = {one: known for one, known in parameters.items() if one != name}
    return left if value is None else left | {name: value}


def _with_effect(
    timeline: Timeline, aim: _Aimed, number: int, change: Callable[[Effect], Effect]
) -> Timeline:
    def changed(effects: Effects) -> Effects:
        effect = change(numbered(effects, number, "effect"))
        return (*effects[:number], effect, *effects[number + 1 :])

    return _with_effects(timeline, aim, changed)


def _with_effects(timeline: Timeline, aim: _Aimed, change: Callable[[Effects], Effects]) -> Timeline:
    if (aim.clip is None) == (aim.track is None):
        raise Invalid("an effect is a clip's or a track's: name one of the two", field="clip")
    if aim.clip is not None:
        place = find(timeline, aim.clip)
        return with_clip(timeline, place, replace(place.clip, effects=change(place.clip.effects)))
    assert aim.track is not None
    track = track_of(timeline, aim.track)
    return with_track(timeline, aim.track, replace(track, effects=change(track.effects)))


def add_transition(timeline: Timeline, asked: o.AddTransition) -> Timeline:
    """Put a transition between two clips.

    Raises:
        Rejected: no such clip, none follows it at once, or there is a transition already.
    """
    place = find(timeline, asked.after)
    items = timeline.tracks[place.track].items
    following = items[place.number + 1] if place.number + 1 < len(items) else None
    if isinstance(following, Transition):
        raise Rejected("transition_exists", f"after the clip {asked.after!r} there is a transition already")
    if not isinstance(following, Clip):
        raise Rejected("no_neighbour", f"no clip follows the clip {asked.after!r} at once")
    return _spliced(timeline, place.track, place.number + 1, (), (asked.transition,))


def remove_transition(timeline: Timeline, asked: o.RemoveTransition) -> Timeline:
    """Take a transition away.

    Raises:
        Rejected: no such clip, or none after it.
    """
    track, number, transition = _transition(timeline, asked.after)
    return _spliced(timeline, track, number, (transition,), ())


def set_transition(timeline: Timeline, asked: o.SetTransition) -> Timeline:
    """Change a transition.

    Raises:
        Rejected: no such clip, or none after it.
    """
    track, number, old = _transition(timeline, asked.after)
    parameters = old.parameters if asked.kind in (None, old.kind) else {}
    new = Transition(
        kind=old.kind if asked.kind is None else asked.kind,
        in_offset=old.in_offset if asked.in_offset is None else asked.in_offset,
        out_offset=old.out_offset if asked.out_offset is None else asked.out_offset,
        parameters=parameters if asked.parameters is None else asked.parameters,
    )
    return _spliced(timeline, track, number, (old,), (new,))


def _transition(timeline: Timeline, after: str) -> tuple[int, int, Transition]:
    place = find(timeline, after)
    items = timeline.tracks[place.track].items
    following = items[place.number + 1] if place.number + 1 < len(items) else None
    if not isinstance(following, Transition):
        raise Rejected("no_transition", f"after the clip {after!r} there is no transition")
    return place.track, place.number + 1, following


def _spliced(
    timeline: Timeline, track: int, at: int, before: tuple[Item, ...], after: tuple[Item, ...]
) -> Timeline:
    items = timeline.tracks[track].items
    return with_items(timeline, track, (*items[:at], *after, *items[at + len(before) :]))


def add_marker(timeline: Timeline, asked: o.AddMarker) -> Timeline:
    """Add a marker to a clip or to the timeline.

    Raises:
        Rejected: no such clip.
    """
    if asked.clip is None:
        return replace(timeline, markers=_in_order(timeline.markers, asked.marker))
    place = find(timeline, asked.clip)
    markers = _in_order(place.clip.markers, asked.marker)
    return with_clip(timeline, place, replace(place.clip, markers=markers))


def remove_marker(timeline: Timeline, asked: o.RemoveMarker) -> Timeline:
    """Take a marker away.

    Raises:
        Rejected: no such clip or marker.
    """

    def left(markers: tuple[Marker, ...]) -> tuple[Marker, ...]:
        numbered(markers, asked.index, "marker")
        return (*markers[: asked.index], *markers[asked.index + 1 :])

    if asked.clip is None:
        return replace(timeline, markers=left(timeline.markers))
    place = find(timeline, asked.clip)
    return with_clip(timeline, place, replace(place.clip, markers=left(place.clip.markers)))


def _in_order(markers: tuple[Marker, ...], marker: Marker) -> tuple[Marker, ...]:
    # After those of the same time; the others keep their places, in whatever order they came.
    at = max((number + 1 for number, one in enumerate(markers) if one.at <= marker.at), default=0)
    return (*markers[:at], marker, *markers[at:])
