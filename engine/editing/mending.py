"""What was stored under other rules, brought under today's: what is out of range is brought in, what is unknown left out.

Nothing is refused here and nothing is changed in silence: each repair is a notice. What is asked for anew goes through
`validate` instead.
"""

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import chain, count
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Mask,
    Nested,
    Parameter,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.editing.catalogue.spec import Entry, Kind, ParameterSpec, catalogue
from engine.editing.timeline import SIDE_LEAST, SIDE_MOST, Item, item_duration
from engine.editing.validate import EFFECTS, GAIN_HIGH, GAIN_LOW, SPEED_MAX, crossing_of
from engine.editing.values import check_value, taken
from engine.kernel.errors import Invalid

Say = Callable[[str], None]
_WHOLE: Final = Mask(shape="rectangle")  # what a mask's numbers are where nothing is said


def mended(timeline: Timeline) -> tuple[Timeline, tuple[str, ...]]:
    """Return a stored timeline as today's rules have it, and what was repaired; the very same one when nothing was."""
    notices: list[str] = []
    found = _timeline(timeline, "timeline", notices.append)
    return (found, tuple(notices)) if notices else (timeline, ())


def mended_effects(
    effects: Iterable[Effect], kind: Kind, field: str, lasts: Fraction | None, say: Say
) -> tuple[Effect, ...]:
    """Return effects without those that the catalogue does not have, their parameters as it takes them."""
    found = []
    for number, effect in enumerate(effects):
        where = f"{field}[{number}]"
        entry = _entry(effect.name, kind)
        if entry is None:
            say(f"{where}: nothing is called {effect.name[:40]!r} any more: it is left out")
            continue
        mask = effect.mask
        if mask is not None and not entry.mask:
            say(f"{where}.mask: {entry.name} acts on the whole: the mask is left out")
            mask = None
        elif mask is None and entry.region:
            say(f"{where}: {entry.name} acts on a region and none is named: it is left out")
            continue
        found.append(
            replace(
                effect,
                parameters=mended_parameters(entry, effect.parameters, f"{where}.parameters", lasts, say),
                mask=None if mask is None else _mask(mask, f"{where}.mask", lasts, say),
            )
        )
    return tuple(found)


def mended_parameters(
    entry: Entry, parameters: dict[str, Parameter], field: str, lasts: Fraction | None, say: Say
) -> dict[str, Parameter]:
    """Return parameters that an entry takes: numbers within their range, what it does not know left out."""
    found: dict[str, Parameter] = {}
    for name, value in parameters.items():
        where, spec = f"{field}.{name}", entry.parameter(name)
        if spec is None:
            say(f"{where}: {entry.name} has no such parameter: it is left out")
            continue
        kept = _value(spec, value, where, lasts, say)
        if kept is not None:
            found[name] = kept
    return found


def clamped(value: float, low: float, high: float, field: str, say: Say) -> float:
    """Return a number brought within `[low, high]`; what is no number at all becomes the nearer to 0 of the two."""
    if math.isnan(value):
        inside = min(max(0.0, low), high)
    else:
        inside = min(max(value, low), high)
    if inside != value:
        say(f"{field} was {value:g}: {inside:g} is taken, the range is {low:g} to {high:g}")
    return inside


def _value(
    spec: ParameterSpec, value: Parameter, field: str, lasts: Fraction | None, say: Say
) -> Parameter | None:
    low = -math.inf if spec.low is None else spec.low
    high = math.inf if spec.high is None else spec.high
    if spec.type == "switch":
        low, high = 0.0, 1.0
    if isinstance(value, tuple) and spec.type in ("number", "switch") and spec.animated:
        return _curve(value, low, high, field, lasts, say)
    if isinstance(value, tuple) and value:
        say(f"{field} had keyframes and takes one value: the first is taken")
        value = value[0].value
    if spec.type == "number" and isinstance(value, int | float):
        return clamped(value, low, high, field, say)
    try:
        check_value(spec, value, field, lasts)
    except Invalid:
        say(f"{field} was {value!r:.60}, which is not {taken(spec)}: its default is taken")
        return None
    return value


def _curve(
    keys: Iterable[Keyframe], low: float, high: float, field: str, lasts: Fraction | None, say: Say
) -> Parameter | None:
    keys = tuple(keys)
    end = max((key.at for key in keys), default=Fraction(0)) if lasts is None else lasts
    by_time = {key.at: key for key in sorted(keys, key=lambda key: key.at) if 0 <= key.at <= end}
    if tuple(by_time.values()) != keys:
        say(
            f"{field} had keyframes out of order, at the same time or outside its clip: {len(by_time)} are left"
        )
    if not by_time:
        return None
    values = tuple(
        replace(key, value=clamped(key.value, low, high, field, say), ease=_ease(key, field, say))
        for key in by_time.values()
    )
    return values


def _ease(key: Keyframe, field: str, say: Say) -> object:
    if isinstance(key.ease, str) or (0 <= key.ease[0] <= 1 and 0 <= key.ease[2] <= 1):
        return key.ease
    x1, y1, x2, y2 = key.ease
    say(f"{field} had a curve that goes back in time at {key.at} s: it is bent straight")
    return (min(max(x1, 0.0), 1.0), y1, min(max(x2, 0.0), 1.0), y2)


def _mask(mask: Mask, field: str, lasts: Fraction | None, say: Say) -> Mask:
    found = {}
    for name in ("x", "y", "width", "height", "feather"):
        value = getattr(mask, name)
        where = f"{field}.{name}"
        kept = (
            _curve(value, 0.0, 1.0, where, lasts, say)
            if isinstance(value, tuple)
            else clamped(value, 0.0, 1.0, where, say)
        )
        found[name] = getattr(_WHOLE, name) if kept is None else kept
    return replace(mask, **found)


def _timeline(timeline: Timeline, field: str, say: Say) -> Timeline:
    if timeline.rate <= 0:
        return timeline  # nothing can be made of that, and the check of what holds together says so
    ids: set[str] = set()
    tracks = tuple(
        _track(track, f"{field}.tracks[{number}]", timeline.rate, ids, say)
        for number, track in enumerate(timeline.tracks)
    )
    width, height = (_side(getattr(timeline, one), f"{field}.{one}", say) for one in ("width", "height"))
    return replace(timeline, tracks=tracks, width=width, height=height)


def _side(pixels: int, field: str, say: Say) -> int:
    kept = min(max(pixels // 2 * 2, SIDE_LEAST), SIDE_MOST)
    if kept != pixels:
        say(f"{field} was {pixels}: {kept} is taken, even, {SIDE_LEAST} to {SIDE_MOST}")
    return kept


def _track(track: Track, field: str, rate: Fraction, ids: set[str], say: Say) -> Track:
    gain = track.gain_db
    where = f"{field}.gain_db"
    kept = (
        _curve(gain, GAIN_LOW, GAIN_HIGH, where, None, say)
        if isinstance(gain, tuple)
        else clamped(gain, GAIN_LOW, GAIN_HIGH, where, say)
    )
    items: list[Item] = []
    for number, item in enumerate(track.items):
        where = f"{field}.items[{number}]"
        if isinstance(item, Transition):
            following = track.items[number + 1] if number + 1 < len(track.items) else None
            stands = bool(items) and isinstance(items[-1], Clip) and isinstance(following, Clip)
            found: Item | None = _transition(item, track.kind, where, rate, say) if stands else None
            if not stands:
                say(f"{where}: a transition that does not stand between two clips is left out")
        else:
            found = _item(item, track.kind, where, rate, say)
        if isinstance(found, Clip):
            found = _named(found, ids, where, say)
        gone = found is None and not isinstance(item, Transition)
        if (gone or isinstance(found, Gap)) and items and isinstance(items[-1], Transition):
            items.pop()  # what it led to is a gap now, or not there
        if found is not None:
            items.append(found)
    effects = mended_effects(track.effects, EFFECTS[track.kind], f"{field}.effects", None, say)
    return replace(track, gain_db=0.0 if kept is None else kept, items=tuple(items), effects=effects)


def _named(clip: Clip, ids: set[str], field: str, say: Say) -> Clip:
    """Return a clip under a name that no other has, and keep the name."""
    name = next(one for one in chain((clip.id,), (f"{clip.id}-{n}" for n in count(2))) if one not in ids)
    ids.add(name)
    if name == clip.id:
        return clip
    say(f"{field}.id was {clip.id!r}, which another clip has: {name!r} is taken")
    return replace(clip, id=name)


def _lasting(item: Clip | Gap, field: str, rate: Fraction, say: Say) -> Clip | Gap | None:
    """Return an item that lasts whole frames and begins within its media; None: it lasts none."""
    duration = item_duration(item)
    lasts = Fraction(round(duration * rate)) / rate
    if lasts <= 0:
        say(f"{field} lasts {duration} s, less than half a frame: it is left out")
        return None
    if lasts != duration:
        say(f"{field} lasted {duration} s: {lasts} is taken, whole frames")
    if isinstance(item, Gap):
        return item if lasts == duration else Gap(duration=lasts)
    start = max(Fraction(0), item.source_range.start)
    if start != item.source_range.start:
        say(f"{field}.source_range.start was {item.source_range.start}: 0 is taken")
    span = TimeRange(start=start, duration=lasts)
    return item if span == item.source_range else replace(item, source_range=span)


def _item(given: Clip | Gap, kind: str, field: str, rate: Fraction, say: Say) -> Item | None:
    item = _lasting(given, field, rate, say)
    if item is None or isinstance(item, Gap):
        return item
    lasts = item_duration(item)
    media = item.media
    if isinstance(media, Nested):
        media = Nested(timeline=_timeline(media.timeline, f"{field}.media.timeline", say))
    if isinstance(media, Generator):
        entry = _entry(media.kind, "generator")
        if entry is None:
            say(f"{field}: nothing is called {media.kind[:40]!r} any more: a gap takes its place")
            return Gap(duration=lasts)
        where = f"{field}.media.parameters"
        parameters = mended_parameters(entry, media.parameters, where, lasts, say)
        words = tuple(word for word in media.words if 0 <= word.start <= word.end <= lasts)
        if words != media.words:
            say(f"{field}.media.words: those said outside the clip are left out")
        media = replace(media, parameters=parameters, words=words)
    speed = item.speed
    if abs(speed) > SPEED_MAX:
        speed = SPEED_MAX if speed > 0 else -SPEED_MAX
        say(f"{field}.speed was {item.speed}: {speed} is taken")
    ramp = item.ramp
    if ramp:
        most = float(SPEED_MAX)
        found = _curve(ramp, -most, most, f"{field}.ramp", lasts, say)
        ramp = found if isinstance(found, tuple) else ()
    effects = mended_effects(item.effects, EFFECTS[kind], f"{field}.effects", lasts, say)
    return replace(item, media=media, speed=speed, ramp=ramp, effects=effects)


def _transition(item: Transition, kind: str, field: str, rate: Fraction, say: Say) -> Transition | None:
    entry = _entry(item.kind, crossing_of(kind))
    if entry is None:
        say(f"{field}: no transition is called {item.kind[:40]!r} any more: it is a cut")
        return None
    offsets = {}
    for name in ("in_offset", "out_offset"):
        given: Fraction = getattr(item, name)
        offsets[name] = max(Fraction(0), Fraction(round(given * rate)) / rate)
        if offsets[name] != given:
            say(f"{field}.{name} was {given}: {offsets[name]} is taken, whole frames")
    lasts = sum(offsets.values(), Fraction(0))
    parameters = mended_parameters(entry, item.parameters, f"{field}.parameters", lasts, say)
    return replace(item, parameters=parameters, **offsets)


def _entry(name: str, kind: Kind) -> Entry | None:
    entry = catalogue().get(name)
    return entry if entry is not None and entry.kind == kind else None
