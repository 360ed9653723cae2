"""Post settings that were stored under other rules: what today's do not take is brought in or left out, with a notice."""

from fractions import Fraction
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from cutroom_sdk.wire.codec import convert, to_builtins
from cutroom_sdk.wire.post import (
    PostCaptions,
    PostKeyframes,
    PostMastering,
    PostSettings,
    PostTransitions,
)
from cutroom_sdk.wire.timeline import Effect
from engine.editing.catalogue.spec import catalogue
from engine.editing.mastering import LOUDNESS, PEAK
from engine.editing.mending import Say, clamped, mended_effects, mended_parameters
from engine.editing.post import (
    COLOUR,
    CROSSING_MOST,
    GAIN_HIGH,
    GAIN_LOW,
    SPEED_LEAST,
    SPEED_MOST,
    check_post,
)
from engine.kernel.errors import Invalid

_SECTIONS: Final[dict[str, Any]] = {
    "transitions": PostTransitions,
    "speed": Fraction,
    "keyframes": tuple[PostKeyframes, ...],
    "mastering": PostMastering,
    "colour": tuple[Effect, ...],
    "captions": PostCaptions,
}


def mended_post(stored: Any) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """Return settings as today's rules have them, as plain JSON, and what was repaired; never refuses."""
    if stored is None:
        return None, ()
    notices: list[str] = []
    if not isinstance(stored, dict):
        return None, ("the post settings are not understood: they are left out",)
    found: dict[str, Any] = {}
    for name, value in stored.items():
        kept = _section(name, value, notices.append)
        if kept is not None:
            found[name] = kept
    post = PostSettings(**found)
    return (to_builtins(post), tuple(notices)) if notices else (stored, ())


def _section(name: str, value: Any, say: Say) -> Any:
    field = f"post.{name}"
    kind = _SECTIONS.get(name)
    if kind is None:
        say(f"{field} is unknown: it is left out")
        return None
    if value is None:
        return None
    try:
        read = convert(_known(value, kind, field, say), kind)
    except (msgspec.ValidationError, ValueError) as error:
        say(f"{field} is not understood ({error}): it is left out")
        return None
    kept = _repaired(name, read, field, say)
    if kept is None:
        return None
    try:
        check_post(PostSettings(**{name: kept}))
    except Invalid as error:
        say(f"{error.detail}: {field} is left out")
        return None
    return kept


def _known(value: Any, kind: Any, field: str, say: Say) -> Any:
    """Return a section without the fields that its type does not have."""
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict)):
        return value
    for name in value.keys() - set(kind.__struct_fields__):
        say(f"{field}.{name} is unknown: it is left out")
    return {name: one for name, one in value.items() if name in kind.__struct_fields__}


def _repaired(name: str, read: Any, field: str, say: Say) -> Any:
    match name, read:
        case "transitions", PostTransitions(kind=kind, duration=duration):
            entry = catalogue().get(kind)
            if entry is None or entry.kind != "transition":
                say(f"{field}: no transition is called {kind[:40]!r} any more: it is left out")
                return None
            lasts = min(max(duration, Fraction(1, 1000)), CROSSING_MOST)
            if lasts != duration:
                say(f"{field}.duration was {duration}: {lasts} is taken")
            parameters = mended_parameters(entry, read.parameters, f"{field}.parameters", lasts, say)
            return replace(read, duration=lasts, parameters=parameters)
        case "speed", Fraction():
            speed = min(max(read, SPEED_LEAST), SPEED_MOST)
            if speed != read:
                say(f"{field} was {read}: {speed} is taken, the range is {SPEED_LEAST} to {SPEED_MOST}")
            return speed
        case "mastering", PostMastering():
            return _mastering(read, field, say)
        case "colour", tuple():
            found = mended_effects(read, "effect", field, None, say)
            return tuple(one for one in found if catalogue()[one.name].family == COLOUR)
        case "keyframes", tuple():
            return tuple(one for one in (_keyed(one, field, say) for one in read) if one is not None)
        case "captions", PostCaptions():
            style = mended_parameters(catalogue()["caption"], read.style, f"{field}.style", None, say)
            return replace(read, style=style)
        case _:
            return read


def _mastering(read: PostMastering, field: str, say: Say) -> PostMastering:
    found: dict[str, float] = {}
    for name, (low, high) in (("loudness_lufs", LOUDNESS), ("true_peak_dbtp", PEAK)):
        value = getattr(read, name)
        if value is not None:
            found[name] = clamped(value, low, high, f"{field}.{name}", say)
    gain = clamped(read.gain_db, GAIN_LOW, GAIN_HIGH, f"{field}.gain_db", say)
    effects = mended_effects(read.effects, "sound", f"{field}.effects", None, say)
    return replace(read, gain_db=gain, effects=effects, **found)


def _keyed(one: PostKeyframes, field: str, say: Say) -> PostKeyframes | None:
    entry = catalogue().get(one.effect)
    if entry is None or entry.kind != "effect":
        say(f"{field}: nothing is called {one.effect[:40]!r} any more: it is left out")
        return None
    found = mended_parameters(entry, {one.parameter: one.keys}, field, None, say).get(one.parameter)
    return replace(one, keys=found) if isinstance(found, tuple) else None
