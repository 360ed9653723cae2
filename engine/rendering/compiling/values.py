"""Parameters of the catalogue at the frames that are made: checked, held to their range, defaults filled in."""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from cutroom_sdk.wire.timeline import Keyframe, Parameter
from engine.editing.catalogue.spec import Entry, Kind, ParameterSpec, named
from engine.editing.curves import value_at
from engine.kernel.errors import Invalid
from engine.rendering.graph import Numbers, Values
from engine.rendering.walking import folded

FROM_FILES = frozenset({"blob"})
_COLOUR = re.compile("#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?")


def entry_of(name: str, kind: Kind, where: str) -> Entry:
    """Return an entry of the catalogue.

    Raises:
        Invalid: `unknown_effect`; the text begins with whose it is.
    """
    try:
        return named(name, kind, field="timeline")
    except Invalid as error:
        raise Invalid(f"{where}: {error.detail}", code=error.code, **error.extra) from None


def values_of(
    entry: Entry,
    given: Mapping[str, Parameter],
    times: Sequence[Fraction],
    *,
    where: str,
    notice: Callable[[str], None],
) -> Values:
    """Return every parameter of an entry, numbers for each time or one for all.

    Args:
        entry: what the catalogue says.
        given: what the timeline says; the rest are defaults.
        times: clip time of each frame, seconds.
        where: whose parameters these are, for people.
        notice: told what is held to its range.

    Raises:
        Invalid: there is no parameter of that name, or the value is of another kind.
    """
    for name in given:
        if entry.parameter(name) is None:
            known = [one.name for one in entry.parameters]
            near = difflib.get_close_matches(name, known, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known) or 'none'}"
            raise Invalid(f"{where}: {entry.name} has no parameter {name[:40]!r}; {hint}")
    return {
        spec.name: _value(spec, given.get(spec.name, spec.default), times, f"{where}: {entry.name}", notice)
        for spec in entry.parameters
    }


def files_of(entry: Entry, values: Values) -> tuple[str, ...]:
    """Return the hashes of the files that the values name."""
    named = (values[spec.name] for spec in entry.parameters if spec.type in FROM_FILES)
    return tuple(one for one in named if isinstance(one, str) and one)


def number(values: Values, name: str) -> Numbers:
    """Return a number's values."""
    found = values[name]
    assert not isinstance(found, str), f"{name} is a number"
    return found


def text(values: Values, name: str) -> str:
    """Return a choice, colour or text."""
    found = values[name]
    assert isinstance(found, str), f"{name} is no number"
    return found


def highest(spec: ParameterSpec, given: Parameter | None) -> float:
    """Return the highest value that a number takes anywhere, over all its keyframes."""
    if isinstance(given, tuple):
        return max(float(key.value) for key in given)
    return float(given if isinstance(given, int | float) else spec.default or 0.0)


def _value(
    spec: ParameterSpec,
    given: Parameter | None,
    times: Sequence[Fraction],
    where: str,
    notice: Callable[[str], None],
) -> Numbers | str:
    if spec.type not in ("number", "switch"):
        if given is None:
            return ""
        if not isinstance(given, str):
            raise Invalid(f"{where}: {spec.name} is a {spec.type}, not a number")
        if spec.type == "choice" and given not in spec.choices:
            raise Invalid(f"{where}: {spec.name} is {given[:40]!r}: one of {', '.join(spec.choices)}")
        if spec.type == "colour" and not _COLOUR.fullmatch(given):
            raise Invalid(f"{where}: {spec.name} is {given[:40]!r}: a colour is #rrggbb or #rrggbbaa")
        if len(given) > spec.longest:
            raise Invalid(f"{where}: {spec.name} has {len(given)} characters, the most is {spec.longest}")
        return given
    if isinstance(given, str):
        raise Invalid(f"{where}: {spec.name} is {given[:40]!r}: it takes a number")
    if isinstance(given, tuple) and not (given and all(isinstance(key, Keyframe) for key in given)):
        raise Invalid(f"{where}: {spec.name} has no keyframes")
    curve = 0.0 if given is None else given
    found = [value_at(curve, time) for time in times] if isinstance(curve, tuple) else [float(curve)]
    held = tuple(_held(spec, one) for one in found)
    if list(held) != found:
        notice(f"{where}: {spec.name} is held to {spec.low:g} to {spec.high:g}")
    return folded(held)


def _held(spec: ParameterSpec, value: float) -> float:
    low = value if spec.low is None else max(spec.low, value)
    return low if spec.high is None else min(spec.high, low)


def product(first: Numbers, second: Numbers) -> Numbers:
    """Return two values multiplied, frame by frame; one of a single number holds for all frames."""
    if len(first) == 1 or len(second) == 1:
        short, long = sorted((first, second), key=len)
        return tuple(one * short[0] for one in long)
    return folded(tuple(a * b for a, b in zip(first, second, strict=True)))
