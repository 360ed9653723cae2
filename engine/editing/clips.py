"""A stretch of a clip as a clip of its own: what trimming, splitting and writing over leave of it."""

from fractions import Fraction
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Generator,
    Keyframe,
    Marker,
    Mask,
    Parameter,
    TimeRange,
    Word,
)
from engine.editing.keyframes import windowed
from engine.editing.pace import Pace
from engine.kernel.errors import Rejected

_GRID: Final = 1_000_000


def stretch(clip: Clip, start: Fraction, end: Fraction) -> Clip:
    """Return the clip that shows `[start, end)` of a clip's time: the same pictures at the same instants.

    Beyond its ends the medium goes on at the speed that the clip has there. Times in clip time (keyframes, markers, words)
    are counted from the new beginning; markers and words outside are gone.

    Raises:
        Rejected: `no_media`: the medium begins later than that.
    """
    if (start, end) == (Fraction(0), clip.source_range.duration):
        return clip
    media = clip.media
    if isinstance(media, Generator):
        media = replace(
            media,
            parameters=_parameters(media.parameters, start, end),
            words=_words(media.words, start, end),
        )
    return replace(
        clip,
        media=media,
        source_range=TimeRange(start=_first_shown(clip, start, end), duration=end - start),
        ramp=_keys(windowed(clip.ramp, start, end)) if clip.ramp else (),
        effects=tuple(_effect(effect, start, end) for effect in clip.effects),
        markers=_markers(clip.markers, start, end),
    )


def _first_shown(clip: Clip, start: Fraction, end: Fraction) -> Fraction:
    """Return the earliest moment of the medium that `[start, end)` of the clip's time shows (see `Clip`).

    Raises:
        Rejected: `no_media`: it lies before the medium.
    """
    begins = clip.source_range.start
    if isinstance(clip.media, Generator):
        return begins
    pace = Pace(clip.speed, clip.ramp)
    part = Pace(clip.speed, _keys(windowed(clip.ramp, start, end)) if clip.ramp else ())
    first = begins - pace.lowest(clip.source_range.duration) + pace.moved(start) + part.lowest(end - start)
    if clip.ramp:
        # A ramp's values are no fractions that anybody wrote down: what they come to is kept to the microsecond.
        first = (
            max(Fraction(0), Fraction(round(first * _GRID), _GRID)) if first > -Fraction(1, 1000) else first
        )
    if first < 0:
        raise Rejected(
            "no_media",
            f"the medium of the clip {clip.id!r} begins {-first} s too late for that",
            missing=str(-first),
        )
    return first


def _keys(curve: float | tuple[Keyframe, ...]) -> tuple[Keyframe, ...]:
    assert isinstance(curve, tuple)
    return curve


def _effect(effect: Effect, start: Fraction, end: Fraction) -> Effect:
    mask = effect.mask
    return replace(
        effect,
        parameters=_parameters(effect.parameters, start, end),
        mask=None if mask is None else _mask(mask, start, end),
    )


def _mask(mask: Mask, start: Fraction, end: Fraction) -> Mask:
    return replace(
        mask,
        x=windowed(mask.x, start, end),
        y=windowed(mask.y, start, end),
        width=windowed(mask.width, start, end),
        height=windowed(mask.height, start, end),
        feather=windowed(mask.feather, start, end),
    )


def _parameters(parameters: dict[str, Parameter], start: Fraction, end: Fraction) -> dict[str, Parameter]:
    return {
        name: value if isinstance(value, str) else windowed(value, start, end)
        for name, value in parameters.items()
    }


def _markers(markers: tuple[Marker, ...], start: Fraction, end: Fraction) -> tuple[Marker, ...]:
    return tuple(replace(one, at=one.at - start) for one in markers if start <= one.at < end)


def _words(words: tuple[Word, ...], start: Fraction, end: Fraction) -> tuple[Word, ...]:
    return tuple(
        replace(one, start=max(one.start, start) - start, end=min(one.end, end) - start)
        for one in words
        if one.start < end and one.end > start
    )
