"""OpenTimelineIO to timelines: ours without loss, those of other programs with a list of what was not understood."""

from fractions import Fraction
from typing import Any, Final, TypeVar

import msgspec
import opentimelineio as otio
from msgspec.structs import replace

from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Marker,
    Nested,
    Parameter,
    Timeline,
    TimelineReference,
    TimeRange,
    Track,
    Transition,
)
from engine.editing.catalogue.spec import catalogue
from engine.editing.interchange import otio_foreign
from engine.editing.interchange.losses import Imported, Losses
from engine.editing.interchange.otio_form import (
    DISSOLVE,
    KINDS,
    OURS,
    TIMELINE_URL,
    average_speed,
    exact_rate,
    ours_of,
)
from engine.editing.interchange.otio_objects import alone, duration_of, parsed, rate_of, whole
from engine.editing.interchange.settings import Asked, guessed
from engine.editing.interchange.shelf import Shelf
from engine.editing.timeline import Item
from engine.kernel.errors import Invalid

NESTING_MOST: Final = 8
_HALF_FRAME: Final = Fraction(1, 2)
_TIMES_MOST: Final = 1 << 40
T = TypeVar("T")


def read_otio(data: bytes, asked: Asked, shelf: Shelf) -> Imported:
    """Read OTIO JSON.

    Raises:
        Invalid: not a timeline, or metadata of ours that is not as ours is written; `field` names where.
    """
    read = parsed(data)
    losses = Losses()
    ours = ours_of(read, "otio")
    rate = _as(ours["rate"], Fraction, "otio.metadata") if "rate" in ours else asked.rate or rate_of(read)
    reader = _Reader(rate, shelf, losses)
    if not ours:
        _note_foreign(read, "", losses)
    tracks = reader.tracks(read.tracks, "tracks", depth=0)
    markers = tuple(reader.marker(marker, f"markers[{n}]") for n, marker in enumerate(read.tracks.markers))
    if ours:
        head = {**ours, "name": asked.name or read.name, "tracks": [], "markers": []}
        timeline = replace(_as(head, Timeline, "otio.metadata"), tracks=tracks, markers=markers)
        return Imported(timeline=reader.with_foreign(timeline), losses=losses.all())
    if read.global_start_time is not None and read.global_start_time.value:
        losses.add("", "the timeline's start timecode", "a timeline begins at 0 here")
    bare = guessed(asked, tracks, shelf, losses, rate=rate, name=read.name)
    return Imported(timeline=reader.with_foreign(replace(bare, markers=markers)), losses=losses.all())


class _Reader:
    """Reads the objects of one timeline; nested ones are read by a reader with their own rate."""

    def __init__(self, rate: Fraction | None, shelf: Shelf, losses: Losses) -> None:
        self._rate = rate or Fraction(25)
        self._shelf = shelf
        self._losses = losses
        self._ids: set[str] = set()
        self._foreign: list[dict[str, Any]] = []

    def with_foreign(self, timeline: Timeline) -> Timeline:
        """Return the timeline with the effects that are no effects here, kept as they came."""
        rest = {name: value for name, value in timeline.metadata.items() if name != otio_foreign.KEY}
        kept = {otio_foreign.KEY: self._foreign} if self._foreign else {}
        return replace(timeline, metadata={**rest, **kept})

    def tracks(self, stack: Any, field: str, *, depth: int) -> tuple[Track, ...]:
        if depth > NESTING_MOST:
            raise Invalid(f"{field} is nested more than {NESTING_MOST} times", field=field)
        found: list[Track] = []
        for number, track in enumerate(stack):
            where = f"{field}[{number}]"
            if not isinstance(track, otio.schema.Track):
                track = alone(track)
            kind = next((ours for ours, theirs in KINDS.items() if theirs == track.kind), None)
            if kind is None:
                self._losses.add(where, f"the track {track.name!r} of kind {track.kind!r}", _kinds_known())
                continue
            found.append(self._track(track, kind, where, depth, len(found)))
        return tuple(found)

    def _track(self, track: Any, kind: str, where: str, depth: int, number: int) -> Track:
        ours = ours_of(track, where)
        if not ours:
            _note_foreign(track, where, self._losses)
        items = [self._item(item, f"{where}.items[{n}]", depth) for n, item in enumerate(track)]
        fields = {"kind": kind, "name": track.name, "enabled": track.enabled, "items": []}
        fields |= {"gain_db": ours.get("gain_db", 0.0), "locked": ours.get("locked", False)}
        return replace(
            _as(fields, Track, where),
            items=tuple(item for item in items if item is not None),
            effects=self._effects(track, where, {"track": number}),
        )

    def _item(self, item: Any, where: str, depth: int) -> Item | None:
        if isinstance(item, otio.schema.Transition):
            return self._transition(item, where)
        ours = ours_of(item, where)
        if not ours:
            _note_foreign(item, where, self._losses)
        if isinstance(item, otio.schema.Gap):
            return self._gap(item, ours, where)
        if isinstance(item, otio.schema.Clip | otio.schema.Stack | otio.schema.Track):
            return self._clip(item, ours, where, depth)
        self._losses.add(where, f"a {type(item).__name__}", "clips, gaps, transitions and stacks are read")
        return None

    def _gap(self, item: Any, ours: dict[str, Any], where: str) -> Gap | None:
        lasts = self._exact(duration_of(item, where), ours.get("duration"), where)
        if lasts <= 0:
            self._losses.add(where, "a gap of no length", "a gap lasts at least a frame")
            return None
        return Gap(duration=lasts)

    def _transition(self, item: Any, where: str) -> Transition:
        ours = ours_of(item, where)
        known = _as(ours, Transition, where) if ours else None
        before, after = item.in_offset, item.out_offset
        kind = known.kind if known is not None and item.name == known.kind else self._kind(item, where)
        return Transition(
            kind=kind,
            in_offset=self._exact(before, None if known is None else known.in_offset, where),
            out_offset=self._exact(after, None if known is None else known.out_offset, where),
            parameters={} if known is None else known.parameters,
        )

    def _kind(self, item: Any, where: str) -> str:
        """Return our name of a transition of another program."""
        for name in (item.name or "", item.transition_type or ""):
            entry = catalogue().get(name.strip().lower().replace(" ", "_"))
            if entry is not None and entry.kind == "transition":
                return entry.name
        if item.transition_type != DISSOLVE:
            what = f"the transition {item.name or item.transition_type!r}"
            self._losses.add(where, what, "it is not in the catalogue; a dissolve stands in its place")
        return "dissolve"

    def _clip(self, item: Any, ours: dict[str, Any], where: str, depth: int) -> Clip | Gap | None:
        span = item.source_range if item.source_range is not None else whole(item)
        if span is None:
            self._losses.add(
                where, f"the clip {item.name!r}", "it has no range of its own, nor has its media"
            )
            return None
        media, start = self._media(item, ours, where, depth)
        exact = ours.get("source_range", {})
        source = TimeRange(
            start=self._exact(span.start_time, exact.get("start"), where) - start,
            duration=self._exact(span.duration, exact.get("duration"), where),
        )
        if source.duration <= 0:
            self._losses.add(where, f"the clip {item.name!r}", "it lasts less than a frame")
            return None
        if media is None:
            return Gap(duration=source.duration)
        if source.start < 0:
            self._losses.add(where, f"the clip {item.name!r} begins before its media", "it begins with it")
            source = replace(source, start=Fraction(0))
        known = {key: value for key, value in ours.items() if key not in ("url", "inner_markers", "media")}
        known |= {"id": self._id(str(ours.get("id", "")) if ours else where, has_one="id" in ours)}
        bare = {**known, "media": {"type": "asset", "asset_id": ""}, "source_range": to_builtins(source)}
        made = replace(_as(bare, Clip, where), media=media, name=item.name, enabled=item.enabled)
        skip = int(ours.get("inner_markers", 0)) if isinstance(media, Nested) else 0
        markers = enumerate(list(item.markers)[skip:])
        return replace(
            self._speed(item, made, where),
            effects=self._effects(item, where, {"clip": made.id}),
            markers=tuple(self.marker(marker, f"{where}.markers[{n}]") for n, marker in markers),
        )

    def _id(self, wanted: str, *, has_one: bool) -> str:
        """Return an id that no other clip has: a clip that was copied elsewhere still carries the first one's."""
        made, number = wanted if has_one else wanted.replace("[", "-").replace("].", "-").replace("]", ""), 2
        while made in self._ids:
            made, number = f"{wanted}-{number}", number + 1
        self._ids.add(made)
        return made

    def _media(
        self, item: Any, ours: dict[str, Any], where: str, depth: int
    ) -> tuple[AssetReference | Generator | TimelineReference | Nested | None, Fraction]:
        """Return what a clip shows, and where its media's own times begin, seconds."""
        if not isinstance(item, otio.schema.Clip):
            return self._nested(item, ours, where, depth), Fraction(0)
        reference = item.media_reference
        if isinstance(reference, otio.schema.GeneratorReference):
            return self._generator(reference, ours, where), Fraction(0)
        url = getattr(reference, "target_url", None) or ""
        if ours and url and ours.get("url") == url:
            known = _as(ours.get("media"), AssetReference | TimelineReference, f"{where}.media")  # type: ignore[arg-type]  # a union is no type to mypy
            return known, Fraction(0)
        if url.startswith(TIMELINE_URL):
            return self._timeline(url, where), Fraction(0)
        asset_id = self._shelf.find(url, getattr(reference, "name", "") or "", item.name or "")
        if asset_id is None:
            why = "it is no asset here; a gap of its length stands in its place"
            self._losses.add(where, f"the clip {item.name!r} of {url or 'no media'}", why)
            return None, Fraction(0)
        available = reference.available_range
        return AssetReference(asset_id=asset_id), (
            Fraction(0) if available is None else self._exact(available.start_time, None, where)
        )

    def _timeline(self, url: str, where: str) -> TimelineReference:
        name, _, version = url.removeprefix(TIMELINE_URL).partition("?version=")
        number = int(version) if version.isascii() and version.isdigit() and len(version) < 16 else None
        return _as({"type": "timeline", "timeline_id": name, "version": number}, TimelineReference, where)

    def _nested(self, item: Any, ours: dict[str, Any], where: str, depth: int) -> Nested:
        stack = item if isinstance(item, otio.schema.Stack) else [item]
        media = ours.get("media") if isinstance(ours.get("media"), dict) else None
        head = media.get("timeline") if media is not None else None
        if not isinstance(head, dict) or media is None:
            reader = _Reader(self._rate, self._shelf, self._losses)
            tracks = reader.tracks(stack, f"{where}.tracks", depth=depth + 1)
            bare = guessed(Asked(), tracks, self._shelf, self._losses, rate=self._rate, name=item.name)
            return Nested(timeline=reader.with_foreign(bare))
        inner = _as({**head, "name": media.get("name", ""), "tracks": []}, Timeline, f"{where}.media")
        reader = _Reader(inner.rate, self._shelf, self._losses)
        tracks = reader.tracks(stack, f"{where}.tracks", depth=depth + 1)
        own = list(item.markers)[: int(ours.get("inner_markers", 0))]
        markers = tuple(reader.marker(marker, f"{where}.markers[{n}]") for n, marker in enumerate(own))
        return Nested(timeline=reader.with_foreign(replace(inner, tracks=tracks, markers=markers)))

    def _generator(self, reference: Any, ours: dict[str, Any], where: str) -> Generator | None:
        kind = reference.generator_kind
        stated = {
            name: float(value) if isinstance(value, int | float) else value
            for name, value in dict(reference.parameters).items()
            if isinstance(value, str | int | float)
        }
        media = ours.get("media")
        if isinstance(media, dict) and media.get("kind") == kind:
            known = _as(media, Generator, f"{where}.media")
            changed = {
                name: value
                for name, value in stated.items()
                if name not in known.parameters or not _same(known.parameters[name], value)
            }
            return replace(known, parameters={**known.parameters, **changed}) if changed else known
        entry = catalogue().get(kind)
        if entry is None or entry.kind != "generator":
            why = "it is not in the catalogue; a gap of its length stands in its place"
            self._losses.add(where, f"the generator {kind!r}", why)
            return None
        fit: dict[str, Parameter] = {
            name: value for name, value in stated.items() if entry.parameter(name) is not None
        }
        for name in stated.keys() - fit.keys():
            self._losses.add(
                where, f"the parameter {name!r} of {kind!r}", "the generator has none of this name"
            )
        return Generator(kind=kind, parameters=fit)

    def _speed(self, item: Any, clip: Clip, where: str) -> Clip:
        """Return the clip with the speed of its time effects; ours stays as long as they say the same."""
        warps = [effect for effect in item.effects if isinstance(effect, otio.schema.TimeEffect)]
        linear = [warp for warp in warps if isinstance(warp, otio.schema.LinearTimeWarp)]
        for warp in warps:
            if warp not in linear[:1]:
                self._losses.add(
                    where, f"the time effect {warp.name or type(warp).__name__!r}", "one speed is read"
                )
        stated = 1.0
        if linear:
            stated = 0.0 if isinstance(linear[0], otio.schema.FreezeFrame) else linear[0].time_scalar
        written = average_speed(clip)
        if written == stated or abs(written - stated) < 1e-9 * abs(written):
            return clip
        if not abs(stated) <= 1000:
            self._losses.add(where, f"the speed {stated}", "it plays as recorded")
            stated = 1.0
        return replace(clip, speed=Fraction(stated).limit_denominator(10_000), ramp=())

    def _effects(self, item: Any, where: str, holder: dict[str, Any]) -> tuple[Effect, ...]:
        found = []
        for effect in item.effects:
            if isinstance(effect, otio.schema.TimeEffect):
                continue
            ours = ours_of(effect, where)
            if OURS not in effect.metadata or effect.effect_name not in catalogue():
                self._set_aside(effect, where, holder)
                continue
            fields = {**ours, "name": effect.effect_name, "enabled": getattr(effect, "enabled", True)}
            found.append(_as(fields, Effect, f"{where}.effects"))
        return tuple(found)

    def _set_aside(self, effect: Any, where: str, holder: dict[str, Any]) -> None:
        """Keep an effect that the catalogue does not have where it changes nothing, and say so."""
        kept = otio_foreign.kept_of(effect, holder)
        if kept is not None and len(self._foreign) < otio_foreign.KEPT_MOST:
            self._foreign.append(kept)
            why = "it is not in the catalogue; it is kept for other programs and changes nothing"
        else:
            why = "it is not in the catalogue, and too large to be kept"
        self._losses.add(where, f"the effect {effect.effect_name or effect.name!r}", why)

    def marker(self, marker: Any, where: str) -> Marker:
        """Return a marker of a clip or timeline."""
        ours, marked = ours_of(marker, where), marker.marked_range
        known = str(ours.get("colour", ""))
        colour = (marker.color or "").lower()
        return Marker(
            name=marker.name,
            at=self._exact(marked.start_time, ours.get("at"), where),
            duration=self._exact(marked.duration, ours.get("duration"), where),
            comment=marker.comment or "",
            colour=known if known.upper() == (marker.color or "") else colour,
        )

    def _exact(self, time: Any, ours: Any, where: str) -> Fraction:
        """Return an OTIO time as exact seconds: ours when it still says the same, else the nearest frame of OTIO's."""
        try:
            stated = Fraction(time.value) / exact_rate(time.rate)
        except (ValueError, OverflowError) as error:
            raise Invalid(
                f"{where} has the time {time.value} at {time.rate} a second", field=where
            ) from error
        if abs(stated) > _TIMES_MOST:
            raise Invalid(f"{where} has the time {time.value} at {time.rate} a second", field=where)
        if ours is not None:
            exact = ours if isinstance(ours, Fraction) else _as(ours, Fraction, where)
            if abs(stated - exact) * self._rate < _HALF_FRAME:
                return exact
        return round(stated * self._rate) / self._rate


def _same(ours: Any, stated: float | str) -> bool:
    if isinstance(ours, str) or isinstance(stated, str):
        return bool(ours == stated)
    return isinstance(ours, int | float) and abs(ours - stated) <= 1e-9 * max(1.0, abs(ours))


def _note_foreign(thing: Any, where: str, losses: Losses) -> None:
    keys = sorted(str(key) for key in dict(thing.metadata) if key != OURS)
    if keys:
        losses.add(where, f"metadata {', '.join(keys)}", "it is another program's")


def _kinds_known() -> str:
    return f"tracks of {', '.join(map(str, KINDS.values()))} are read"


def _as(value: Any, kind: type[T], field: str) -> T:
    try:
        return convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Invalid(f"{field}: {error}", field=field) from error
