"""A timeline's sound effects as the worker wants them: every parameter of the catalogue filled in and checked."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from cutroom_sdk.wire.timeline import Effect, Parameter, Track
from engine.editing.catalogue.spec import Entry, ParameterSpec, catalogue, named
from engine.kernel.errors import Invalid
from engine.rendering.analyses import DUCK, command_for
from engine.rendering.audio.speaking import Known, Spans, joined, spoken_on, unknown_on
from engine.rendering.audio.work import Curve, SoundEffect

SPEED: Final = "sound_speed"
LOUDNESS: Final = "loudness"
# Effects of pictures that the catalogue does not list, and that linked clips carry on both tracks.
PICTURES_ONLY: Final = frozenset({"reframe"})


def sound_effects(
    effects: Sequence[Effect],
    lasts: Fraction,
    where: str,
    notices: list[str],
    tracks: Sequence[Track] = (),
    track: Track | None = None,
    speech: Known = MappingProxyType({}),
) -> tuple[SoundEffect, ...]:
    """Return the effects that act on sound, in their order.

    Args:
        effects: of a clip or a track.
        lasts: how long that lasts, seconds.
        where: what it is, for messages.
        notices: is told of those that are left out.
        tracks: all sound tracks, where a track's effects are meant.
        track: that track.
        speech: what is known of who speaks when, by asset id.

    Raises:
        Invalid: an effect or a parameter that there is not, or a value out of its range.
    """
    made = []
    for effect in effects:
        if not effect.enabled or effect.name == SPEED:
            continue
        if effect.name in PICTURES_ONLY or _is_picture(effect.name):
            notices.append(f"{effect.name} of {where} acts on pictures: its sound is left as it is")
            continue
        entry = named(effect.name, "sound", field="timeline")
        values = {spec.name: _value(spec, effect, entry) for spec in entry.parameters}
        _demand_known(effect, entry)
        if effect.name == "fade":
            values["length"] = float(lasts)
        keys: tuple[int, ...] = ()
        spoken: Spans = ()
        if effect.name == DUCK:
            under = _keys(str(values["under"]), tracks, track, where)
            keys = tuple(number for number in under if _by_level(tracks[number], speech, where, notices))
            known = (spoken_on(tracks[number], speech) for number in under if number not in keys)
            spoken = joined(span for spans in known for span in spans)
        if effect.name == LOUDNESS and track is not None:
            raise Invalid(
                f"loudness of {where}: it acts on clips; a film's loudness is its profile's", field="timeline"
            )
        made.append(
            SoundEffect(name=effect.name, values=tuple(sorted(values.items())), keys=keys, spoken=spoken)
        )
    return tuple(made)


def keeps_pitch(effects: Sequence[Effect]) -> bool:
    """Tell whether a clip at another speed keeps its pitch: unless an effect says that it follows.

    Raises:
        Invalid: a parameter that there is not, or a word that is none of its choices.
    """
    entry = named(SPEED, "sound", field="timeline")
    for effect in effects:
        if effect.name == SPEED and effect.enabled:
            _demand_known(effect, entry)
            return _value(entry.parameters[0], effect, entry) == "keep"
    return True


def _keys(under: str, tracks: Sequence[Track], track: Track | None, where: str) -> tuple[int, ...]:
    """Return the places of the tracks that a track makes room for."""
    if track is None:
        raise Invalid(f"duck of {where}: it acts on tracks, which hear each other", field="timeline")
    ducks = {number for number, one in enumerate(tracks) if _ducks(one)}
    if not under.strip():
        return tuple(number for number in range(len(tracks)) if number not in ducks)
    places = {one.name: number for number, one in enumerate(tracks)}
    found = []
    for name in (part.strip() for part in under.split(",")):
        if name not in places:
            raise Invalid(
                f"duck of {where} listens to {name!r}; the sound tracks are {', '.join(places)}",
                field="timeline",
            )
        if places[name] in ducks:
            raise Invalid(f"duck of {where} listens to {name!r}, which ducks itself", field="timeline")
        found.append(places[name])
    return tuple(found)


def _by_level(track: Track, speech: Known, where: str, notices: list[str]) -> bool:
    """Tell whether nobody knows when somebody speaks on a track, so that how loud it is has to do."""
    unknown = unknown_on(track, speech)
    if unknown:
        notices.append(
            f"duck of {where} goes by how loud {track.name!r} is, as nobody has looked for speech in"
            f" {', '.join(unknown)}: {command_for('speech', unknown[0])}"
        )
    return bool(unknown)


def _ducks(track: Track) -> bool:
    return any(effect.name == DUCK and effect.enabled for effect in track.effects)


def _is_picture(name: str) -> bool:
    entry = catalogue().get(name)
    return entry is not None and entry.kind == "effect"


def _demand_known(effect: Effect, entry: Entry) -> None:
    for name in effect.parameters:
        if entry.parameter(name) is None:
            there = ", ".join(one.name for one in entry.parameters)
            raise Invalid(f"{effect.name} has no parameter {name!r}; it has {there}", field="timeline")


def _value(spec: ParameterSpec, effect: Effect, entry: Entry) -> Curve | str:
    given: Parameter | None = effect.parameters.get(spec.name, spec.default)
    what = f"{entry.name}.{spec.name}"
    if given is None:
        raise Invalid(f"{what} must be given", field="timeline")
    if spec.type == "choice":
        if given not in spec.choices:
            raise Invalid(f"{what} is one of {', '.join(spec.choices)}, not {given!r}", field="timeline")
        return str(given)
    if spec.type == "text":
        return str(given)
    if isinstance(given, str):
        raise Invalid(f"{what} is a number, not {given!r}", field="timeline")
    if isinstance(given, tuple) and not spec.animated:
        raise Invalid(f"{what} cannot move: it takes one number, no keyframes", field="timeline")
    numbers = [key.value for key in given] if isinstance(given, tuple) else [given]
    low, high = spec.low, spec.high
    for number in numbers:
        if (low is not None and number < low) or (high is not None and number > high):
            raise Invalid(f"{what} is {low:g} to {high:g} {spec.unit}, not {number:g}", field="timeline")
    return given if isinstance(given, tuple) else float(given)
