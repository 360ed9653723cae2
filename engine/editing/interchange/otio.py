"""Timelines to OpenTimelineIO and back, without loss: what OTIO has no place for travels in the metadata `cutroom`.

OTIO keeps times as floating point. Ours are exact and stand beside them; they count as long as nobody has changed OTIO's
own, else OTIO's count. Our metadata is JSON within a string, since OTIO's own reader rounds the last digit of numbers.
"""

from fractions import Fraction
from typing import Any, Final, TypeVar

import msgspec
import opentimelineio as otio

from cutroom_sdk.wire.codec import canonical, convert, decode, to_builtins
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Marker,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.editing.timeline import Item, asset_of
from engine.kernel.errors import Invalid
from engine.media.timecode import NOMINAL_RATES

OURS: Final = "cutroom"
ASSET_URL: Final = "cutroom:asset/"
KINDS: Final = {
    "video": otio.schema.TrackKind.Video,
    "audio": otio.schema.TrackKind.Audio,
    "caption": "Caption",
}
_HALF_FRAME: Final = 0.5
T = TypeVar("T")


def to_otio(timeline: Timeline) -> str:
    """Return the timeline as OTIO JSON."""
    result = otio.schema.Timeline(name=timeline.name)
    result.metadata[OURS] = _said(
        {
            "rate": timeline.rate,
            "width": timeline.width,
            "height": timeline.height,
            "sample_rate": timeline.sample_rate,
            "metadata": timeline.metadata,
        }
    )
    for track in timeline.tracks:
        made = otio.schema.Track(name=track.name, kind=KINDS[track.kind])
        made.enabled = track.enabled
        made.metadata[OURS] = _said({"locked": track.locked, "gain_db": track.gain_db})
        made.extend([_item(item, timeline.rate) for item in track.items])
        result.tracks.append(made)
    text: str = otio.adapters.write_to_string(result, "otio_json")
    return text


def from_otio(text: str) -> Timeline:
    """Read OTIO JSON.

    Raises:
        Invalid: not a timeline, or it holds what ours cannot: `field` names it.
    """
    try:
        read = otio.adapters.read_from_string(text, "otio_json")
    except Exception as error:  # OTIO raises many kinds, its own and Python's
        raise Invalid(f"this is not OpenTimelineIO: {error}", field="otio") from error
    if not isinstance(read, otio.schema.Timeline):
        raise Invalid(f"this is a {type(read).__name__}, not a timeline", field="otio")
    ours = _ours(read, "otio")
    if "rate" not in ours:
        raise Invalid(f"the timeline has no metadata {OURS!r} with its rate and size", field="otio.metadata")
    rate = _read(ours["rate"], Fraction, "otio.metadata")
    tracks = [_track(track, number, rate) for number, track in enumerate(read.tracks)]
    return _read({**ours, "name": read.name, "tracks": to_builtins(tracks)}, Timeline, "otio.metadata")


def _item(item: Item, rate: Fraction) -> Any:
    if isinstance(item, Transition):
        raise Invalid("a transition is not written to OpenTimelineIO yet", field="timeline")
    if isinstance(item, Gap):
        gap = otio.schema.Gap(duration=_time(item.duration, rate))
        gap.metadata[OURS] = _said({"duration": item.duration})
        return gap
    clip = otio.schema.Clip(
        name=item.name,
        media_reference=otio.schema.ExternalReference(target_url=f"{ASSET_URL}{asset_of(item)}"),
        source_range=otio.opentime.TimeRange(
            _time(item.source_range.start, rate), _time(item.source_range.duration, rate)
        ),
    )
    clip.metadata[OURS] = _said(
        {
            "id": item.id,
            "source_range": item.source_range,
            "link_group": item.link_group,
            "scoring": item.scoring,
            "reasons": item.reasons,
        }
    )
    for effect in item.effects:
        made = otio.schema.Effect(name=effect.name, effect_name=effect.name)
        made.metadata[OURS] = _said({"parameters": effect.parameters})
        clip.effects.append(made)
    for marker in item.markers:
        placed = otio.opentime.TimeRange(_time(marker.at, rate), otio.opentime.RationalTime(0, float(rate)))
        noted = otio.schema.Marker(name=marker.name, marked_range=placed, comment=marker.comment)
        noted.metadata[OURS] = _said({"at": marker.at})
        clip.markers.append(noted)
    return clip


def _track(track: Any, number: int, rate: Fraction) -> Track:
    field = f"tracks[{number}]"
    kinds = {kind: name for name, kind in KINDS.items()}
    if not isinstance(track, otio.schema.Track) or track.kind not in kinds:
        kind = getattr(track, "kind", type(track).__name__)
        raise Invalid(f"{field} is a {kind}; tracks of {', '.join(kinds)} are read", field=field)
    ours = _ours(track, field)
    items = [_read_item(item, f"{field}.items[{place}]", rate) for place, item in enumerate(track)]
    return Track(
        kind=_read(kinds[track.kind], Track.__annotations__["kind"], field),
        name=track.name,
        items=tuple(items),
        enabled=track.enabled,
        locked=bool(ours.get("locked", False)),
        gain_db=float(ours.get("gain_db", 0.0)),
    )


def _read_item(item: Any, field: str, rate: Fraction) -> Clip | Gap:
    ours = _ours(item, field) if isinstance(item, otio.schema.Clip | otio.schema.Gap) else {}
    if isinstance(item, otio.schema.Gap):
        return Gap(duration=_exact(item.duration(), ours.get("duration"), rate, field))
    if not isinstance(item, otio.schema.Clip):
        raise Invalid(f"{field} is a {type(item).__name__}, which is not read", field=field)
    url = getattr(item.media_reference, "target_url", None) or ""
    if not url.startswith(ASSET_URL):
        raise Invalid(
            f"{field} ({item.name}) refers to {url or 'no media'}; it must refer to an asset ({ASSET_URL}ID)",
            field=f"{field}.media_reference",
        )
    if item.source_range is None:
        raise Invalid(f"{field} ({item.name}) has no source range", field=f"{field}.source_range")
    exact = ours.get("source_range", {})
    span = TimeRange(
        start=_exact(item.source_range.start_time, exact.get("start"), rate, field),
        duration=_exact(item.source_range.duration, exact.get("duration"), rate, field),
    )
    return Clip(
        id=str(ours.get("id", field)),
        media=AssetReference(asset_id=url.removeprefix(ASSET_URL)),
        source_range=span,
        name=item.name,
        effects=tuple(_effect(effect, field) for effect in item.effects),
        markers=tuple(_marker(marker, field, rate) for marker in item.markers),
        link_group=ours.get("link_group"),
        scoring=ours.get("scoring"),
        reasons=tuple(ours.get("reasons", ())),
    )


def _effect(effect: Any, field: str) -> Effect:
    ours = _ours(effect, field)
    if not isinstance(effect, otio.schema.Effect) or "parameters" not in ours:
        raise Invalid(
            f"{field} has an effect {effect.effect_name!r}, which is not ours", field=f"{field}.effects"
        )
    return _read({"name": effect.effect_name, **ours}, Effect, f"{field}.effects")


def _marker(marker: Any, field: str, rate: Fraction) -> Marker:
    at = _exact(marker.marked_range.start_time, _ours(marker, field).get("at"), rate, field)
    return Marker(name=marker.name, at=at, comment=marker.comment)


def _time(seconds: Fraction, rate: Fraction) -> Any:
    return otio.opentime.RationalTime(float(seconds * rate), float(rate))


def _exact(time: Any, ours: Any, rate: Fraction, field: str) -> Fraction:
    """Return an OTIO time as exact seconds: ours when it still says the same, else the nearest frame of OTIO's."""
    if ours is not None:
        exact = _read(ours, Fraction, field)
        if abs(time.rescaled_to(float(rate)).value - float(exact * rate)) < _HALF_FRAME:
            return exact
    if not time.rate > 0:
        raise Invalid(f"{field} has a time with the rate {time.rate}", field=field)
    nominal = min(NOMINAL_RATES, key=lambda known: abs(float(known) - time.rate))
    its_rate = (
        nominal if abs(float(nominal) - time.rate) < 0.01 else Fraction(time.rate).limit_denominator(1001)
    )
    return round(Fraction(time.value) / its_rate * rate) / rate


def _said(ours: dict[str, Any]) -> str:
    return canonical(ours).decode()


def _ours(thing: Any, field: str) -> dict[str, Any]:
    text = thing.metadata.get(OURS, "{}")
    try:
        return decode(text, dict[str, Any])
    except (TypeError, msgspec.DecodeError) as error:
        raise Invalid(f"{field} has metadata {OURS!r} that is not ours", field=field) from error


def _read(value: Any, kind: type[T], field: str) -> T:
    try:
        return convert(value, kind)
    except msgspec.ValidationError as error:
        raise Invalid(f"{field}: {error}", field=field) from error
