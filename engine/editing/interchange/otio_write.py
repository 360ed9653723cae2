"""Timelines to OpenTimelineIO, without loss."""

from typing import Any, assert_never

import opentimelineio as otio

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Marker,
    Nested,
    Timeline,
    TimelineReference,
    Track,
    Transition,
)
from engine.editing.interchange.losses import Exported
from engine.editing.interchange.otio_foreign import foreign_of
from engine.editing.interchange.otio_form import (
    CUSTOM_TRANSITION,
    DISSOLVE,
    KINDS,
    OURS,
    TIMELINE_URL,
    average_speed,
    rational,
    said,
    span,
)
from engine.editing.interchange.shelf import Shelf
from engine.editing.timeline import Item


def write_otio(timeline: Timeline, shelf: Shelf) -> Exported:
    """Return the timeline as OTIO JSON; nothing is lost."""
    writer = _Writer(timeline, shelf)
    made = otio.schema.Timeline(name=timeline.name)
    made.metadata[OURS] = said(head_of(timeline))
    made.tracks = writer.stack(otio.schema.Stack(name="tracks"))
    text: str = otio.adapters.write_to_string(made, "otio_json")
    return Exported(data=text.encode())


def head_of(timeline: Timeline) -> dict[str, Any]:
    """Return all of a timeline but what OTIO has as objects of their own."""
    fields: dict[str, Any] = to_builtins(timeline)
    return {key: value for key, value in fields.items() if key not in ("name", "tracks", "markers")}


class _Writer:
    """Writes one timeline; a nested one gets a writer of its own, for it has a rate of its own."""

    def __init__(self, timeline: Timeline, shelf: Shelf) -> None:
        self._timeline = timeline
        self._rate = timeline.rate
        self._shelf = shelf

    def stack(self, stack: Any) -> Any:
        stack.extend([self._track(track, number) for number, track in enumerate(self._timeline.tracks)])
        stack.markers.extend([self._marker(marker) for marker in self._timeline.markers])
        return stack

    def _track(self, track: Track, number: int) -> Any:
        made = otio.schema.Track(name=track.name, kind=KINDS[track.kind])
        made.enabled = track.enabled
        made.metadata[OURS] = said({"locked": track.locked, "gain_db": to_builtins(track.gain_db)})
        made.effects.extend([_effect(effect) for effect in track.effects])
        made.effects.extend(foreign_of(self._timeline, track=number))
        made.extend([self._item(item) for item in track.items])
        return made

    def _item(self, item: Item) -> Any:
        match item:
            case Gap():
                made = otio.schema.Gap(duration=rational(item.duration, self._rate))
                made.metadata[OURS] = said({"duration": item.duration})
                return made
            case Transition():
                return self._transition(item)
            case Clip():
                return self._clip(item)
            case _:
                assert_never(item)

    def _transition(self, item: Transition) -> Any:
        made = otio.schema.Transition(
            name=item.kind,
            transition_type=DISSOLVE if item.kind == "dissolve" else CUSTOM_TRANSITION,
            in_offset=rational(item.in_offset, self._rate),
            out_offset=rational(item.out_offset, self._rate),
        )
        made.metadata[OURS] = said(to_builtins(item))
        return made

    def _clip(self, clip: Clip) -> Any:
        fields: dict[str, Any] = to_builtins(clip)
        for known_as_objects in ("name", "effects", "markers", "enabled"):
            fields.pop(known_as_objects, None)
        if isinstance(clip.media, Nested):
            inner = clip.media.timeline
            fields["media"] = {"type": "nested", "name": inner.name, "timeline": head_of(inner)}
            made = _Writer(inner, self._shelf).stack(otio.schema.Stack(name=clip.name))
            # A stack has one list of markers: the inner timeline's own come first.
            fields["inner_markers"] = len(inner.markers)
        else:
            made = otio.schema.Clip(name=clip.name)
            made.media_reference, url = self._media(clip.media)
            fields["url"] = url
        made.enabled = clip.enabled
        made.source_range = span(clip.source_range.start, clip.source_range.duration, self._rate)
        made.metadata[OURS] = said(fields)
        speed = average_speed(clip)
        if clip.ramp or clip.speed != 1:
            warp = (
                otio.schema.FreezeFrame()
                if speed == 0
                else otio.schema.LinearTimeWarp(name="speed", time_scalar=speed)
            )
            warp.metadata[OURS] = said({"speed": True})
            made.effects.append(warp)
        made.effects.extend([_effect(effect) for effect in clip.effects])
        made.effects.extend(foreign_of(self._timeline, clip=clip.id))
        made.markers.extend([self._marker(marker) for marker in clip.markers])
        return made

    def _media(self, media: AssetReference | Generator | TimelineReference) -> tuple[Any, str]:
        """Return the reference and, of an external one, its URL as it is written."""
        match media:
            case AssetReference(asset_id=asset_id):
                url, asset = self._shelf.url(asset_id), self._shelf.asset(asset_id)
                made = otio.schema.ExternalReference(target_url=url)
                if asset is not None:
                    made.name = asset.name
                    made.available_range = span(asset.duration * 0, asset.duration, self._rate)
                return made, url
            case Generator():
                parameters = {
                    name: value for name, value in media.parameters.items() if not isinstance(value, tuple)
                }
                made = otio.schema.GeneratorReference(
                    name=media.kind, generator_kind=media.kind, parameters=parameters
                )
                return made, ""
            case TimelineReference():
                version = "" if media.version is None else f"?version={media.version}"
                url = f"{TIMELINE_URL}{media.timeline_id}{version}"
                return otio.schema.ExternalReference(target_url=url), url
            case _:
                assert_never(media)

    def _marker(self, marker: Marker) -> Any:
        made = otio.schema.Marker(
            name=marker.name,
            marked_range=span(marker.at, marker.duration, self._rate),
            color=marker.colour.upper(),
            comment=marker.comment,
        )
        made.metadata[OURS] = said({"at": marker.at, "duration": marker.duration, "colour": marker.colour})
        return made


def _effect(effect: Effect) -> Any:
    made = otio.schema.Effect(name=effect.name, effect_name=effect.name)
    made.enabled = effect.enabled
    fields: dict[str, Any] = to_builtins(effect)
    made.metadata[OURS] = said({key: fields[key] for key in ("parameters", "mask") if key in fields})
    return made
