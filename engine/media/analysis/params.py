"""What each kind of analysis may be told: plain JSON outside, checked Structs inside."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta, Struct

from cutroom_sdk.wire.codec import convert, to_builtins
from engine.kernel.errors import Invalid

HOP_MIN: Final = Fraction(1, 25)
HOP_MAX: Final = Fraction(10)

Part = Annotated[float, Meta(gt=0, lt=1)]
Milliseconds = Annotated[int, Meta(ge=0, le=5000)]


class ShotsParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to choose."""


class MotionParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hop`: seconds between samples, 1/25 to 10."""

    hop: Fraction = Fraction(1, 5)


class QualityParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hop`: seconds between samples, 1/25 to 10; `blur_below`: the sharpness below which a picture is blurred."""

    hop: Fraction = Fraction(1, 5)
    blur_below: Part = 0.2


class FacesParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hop`: seconds between samples, 1/25 to 10; `threshold`: how likely a face must be, above 0 and below 1."""

    hop: Fraction = Fraction(1, 5)
    threshold: Part = 0.35


class CameraParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to choose: how much of the movement is kept is chosen where it is used."""


class SpeechParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the model's probability means speech, and what becomes of short stretches and pauses.

    A stretch opens at `threshold` and closes where the probability stays below `release` for `min_silence_ms`; one
    shorter than `min_speech_ms` is dropped; `pad_ms` of air are added on both sides, at most half the pause.
    """

    threshold: Part = 0.5
    release: Part = 0.45
    min_speech_ms: Milliseconds = 120
    min_silence_ms: Milliseconds = 200
    pad_ms: Milliseconds = 20


class LoudnessParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to choose: EBU R128 leaves nothing open."""


class BeatsParams(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing to choose."""


P = TypeVar("P", bound=Struct)

PARAMS: Final[dict[str, type[Struct]]] = {
    "shots": ShotsParams,
    "motion": MotionParams,
    "quality": QualityParams,
    "faces": FacesParams,
    "camera": CameraParams,
    "speech": SpeechParams,
    "loudness": LoudnessParams,
    "beats": BeatsParams,
}


def read_params(kind: str, given: dict[str, Any], form: type[P]) -> P:
    """Return the parameters of a kind; what is not given has its default.

    Raises:
        Invalid: a name that is unknown or a value out of range; the text names it.
    """
    try:
        params = convert(given, form)
    except msgspec.ValidationError as error:
        raise Invalid(f"the parameters of {kind}: {error}", field=f"params.{kind}") from error
    hop = getattr(params, "hop", HOP_MAX)
    if not HOP_MIN <= hop <= HOP_MAX:
        raise Invalid(
            f"hop of {kind} is {HOP_MIN} to {HOP_MAX} seconds, not {hop}", field=f"params.{kind}.hop"
        )
    release, threshold = getattr(params, "release", 0.0), getattr(params, "threshold", 1.0)
    if release > threshold:
        raise Invalid(f"release {release} is above threshold {threshold}", field=f"params.{kind}.release")
    return params


def defaults(kind: str) -> dict[str, Any]:
    """Return a kind's parameters as they are when nobody says otherwise, as plain JSON."""
    plain: dict[str, Any] = to_builtins(PARAMS[kind]())
    return plain


def complete(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return all parameters of a kind as plain JSON: those given, checked, and the defaults of the others.

    Raises:
        Invalid: as `read_params`.
    """
    plain: dict[str, Any] = to_builtins(read_params(kind, given, PARAMS[kind]))
    return plain
