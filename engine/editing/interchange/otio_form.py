"""OpenTimelineIO's form of a timeline, as both the writer and the reader know it.

Every object carries, in its metadata `cutroom`, all that ours holds: canonical JSON within a string, since OTIO's own
reader rounds the last digit of numbers. OTIO's own fields say the same for other programs. Where such a field no longer
says what ours does, another program has changed it, and then it counts.
"""

from fractions import Fraction
from typing import Any, Final

import msgspec
import opentimelineio as otio

from cutroom_sdk.wire.codec import canonical, decode
from cutroom_sdk.wire.timeline import Clip
from engine.editing.curves import value_at
from engine.kernel.errors import Invalid
from engine.media.timecode import NOMINAL_RATES

OURS: Final = "cutroom"
TIMELINE_URL: Final = "cutroom:timeline/"
KINDS: Final = {
    "video": otio.schema.TrackKind.Video,
    "audio": otio.schema.TrackKind.Audio,
    "caption": "Caption",
}
DISSOLVE: Final = otio.schema.TransitionTypes.SMPTE_Dissolve
CUSTOM_TRANSITION: Final = otio.schema.TransitionTypes.Custom
_RAMP_STEPS: Final = 128


def rational(seconds: Fraction, rate: Fraction) -> Any:
    """Return exact seconds as OTIO's time, in frames and parts of them."""
    return otio.opentime.RationalTime(float(seconds * rate), float(rate))


def span(start: Fraction, duration: Fraction, rate: Fraction) -> Any:
    """Return OTIO's half-open range."""
    return otio.opentime.TimeRange(rational(start, rate), rational(duration, rate))


def said(ours: dict[str, Any]) -> str:
    """Return our fields as they lie in the metadata."""
    return canonical(ours).decode()


def ours_of(thing: Any, field: str) -> dict[str, Any]:
    """Return our fields of an OTIO object; empty: it comes from elsewhere.

    Raises:
        Invalid: there is metadata of ours that is not as ours is written.
    """
    text = thing.metadata.get(OURS, "{}")
    try:
        return decode(text, dict[str, Any])
    except (TypeError, RecursionError, msgspec.DecodeError, msgspec.ValidationError) as error:
        raise Invalid(f"{field} has metadata {OURS!r} that is not ours", field=field) from error


def average_speed(clip: Clip) -> float:
    """Return how much media a clip plays each second: its speed, or the middle of its ramp."""
    if not clip.ramp:
        return float(clip.speed)
    lasts = clip.source_range.duration
    places = (lasts * Fraction(2 * step + 1, 2 * _RAMP_STEPS) for step in range(_RAMP_STEPS))
    return sum(value_at(clip.ramp, place) for place in places) / _RAMP_STEPS


def exact_rate(stated: float) -> Fraction:
    """Return the rate that a decimal one means: 23.976 means 24000/1001.

    Raises:
        ValueError: it is not a positive, finite number.
    """
    if not 0 < stated < 1e6:
        raise ValueError(f"a rate is above 0, got {stated}")
    nearest = min(NOMINAL_RATES, key=lambda known: abs(float(known) - stated))
    return nearest if abs(float(nearest) - stated) < 0.01 else Fraction(stated).limit_denominator(1001)
