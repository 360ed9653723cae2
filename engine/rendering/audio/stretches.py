"""A sound track's items as stretches: what sounds in one go, where, and how it comes and goes."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Gap, Track, Transition
from engine.editing.catalogue.spec import named
from engine.editing.timeline import Item
from engine.rendering.audio.work import Shape

# Where sound goes on but is treated otherwise from there: too short to be heard as two.
SEAM: Final = Fraction(1, 100)
# A picture's transition on a sound track, as other programs write it.
DISSOLVE: Final = "dissolve"
CROSSFADE: Final = "crossfade"
SHAPES: Final[dict[str, Shape]] = {CROSSFADE: "power", "crossfade_linear": "linear"}


class Crossing(Struct, frozen=True, kw_only=True):
    """How a stretch comes or goes in a transition of `length` seconds, `outside` of them beyond the clip's own edge."""

    length: Fraction = Fraction(0)
    outside: Fraction = Fraction(0)
    shape: Shape = "linear"
    at: Fraction = Fraction(0)
    track: str = ""


class Stretch(Struct, frozen=True, kw_only=True):
    """A clip (or several that go on into each other) at its place; None: it comes or goes with a cut."""

    clip: Clip
    at: Fraction
    before: Crossing | None = None
    after: Crossing | None = None


def stretches_of(track: Track, notices: list[str]) -> list[Stretch]:
    """Return a track's stretches in order; disabled clips are gaps.

    Raises:
        Invalid: `unknown_effect`: a transition that there is not.
    """
    found: list[Stretch] = []
    at = Fraction(0)
    before: Item | None = None
    crossing: Crossing | None = None
    for item in track.items:
        match item:
            case Transition():
                crossing = _crossing(item, at, track, notices)
                if found and isinstance(before, Clip) and before.enabled:
                    found[-1] = replace(found[-1], after=replace(crossing, outside=item.out_offset))
                crossing = replace(crossing, outside=item.in_offset)
                continue
            case Gap(duration=lasts):
                crossing = None
            case Clip(source_range=span, enabled=enabled):
                lasts = span.duration
                if enabled:
                    _add(found, item, at, crossing, before)
                crossing = None
        at, before = at + lasts, item
    return found


def _add(
    found: list[Stretch], clip: Clip, at: Fraction, crossing: Crossing | None, before: Item | None
) -> None:
    goes_on = crossing is None and isinstance(before, Clip) and before.enabled and _goes_on(before, clip)
    if goes_on and found and not clip.effects and not found[-1].clip.effects:
        last = found[-1]
        span = last.clip.source_range
        longer = replace(span, duration=span.duration + clip.source_range.duration)
        found[-1] = replace(last, clip=replace(last.clip, source_range=longer))
        return
    if goes_on:
        seam = Crossing(length=SEAM, outside=SEAM / 2, at=at)
        found[-1] = replace(found[-1], after=seam)
        crossing = seam
    found.append(Stretch(clip=clip, at=at, before=crossing))


def _goes_on(before: Clip, clip: Clip) -> bool:
    """Tell whether a clip begins in its medium right where the one before has ended."""
    plain = before.speed == clip.speed == 1 and not before.ramp and not clip.ramp
    return plain and before.media == clip.media and before.source_range.end == clip.source_range.start


def _crossing(item: Transition, at: Fraction, track: Track, notices: list[str]) -> Crossing:
    kind = item.kind
    if kind == DISSOLVE:
        kind = CROSSFADE
        notices.append(f"a dissolve on the sound track {track.name!r} is a crossfade of equal power")
    named(kind, "crossfade", field="timeline")
    return Crossing(length=item.in_offset + item.out_offset, shape=SHAPES[kind], at=at, track=track.name)
