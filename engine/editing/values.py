"""Values of parameters held against the catalogue: of the right type, within range, keyframes in order."""

import difflib
import math
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, NoReturn

from cutroom_sdk.wire.timeline import Keyframe, Parameter
from engine.editing.catalogue.spec import Entry, ParameterSpec
from engine.editing.tones import points_of
from engine.kernel.errors import Invalid

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}(?:[0-9a-fA-F]{2})?")
DIGITS_LIMIT: Final = 10**18  # `cutroom_sdk.wire.codec` reads 18 digits
_BLOB: Final = re.compile(r"[0-9a-f]{64}")


def check_parameters(
    entry: Entry, parameters: dict[str, Parameter], field: str, lasts: Fraction | None
) -> None:
    """Check an entry's parameters. `field` is where they are, `lasts` how long keyframes may go on, None: for ever.

    Raises:
        Invalid: one that the entry does not have, with the names that are near, or a value that it does not take.
    """
    for name, value in parameters.items():
        spec = entry.parameter(name)
        where = f"{field}.{name}"
        if spec is None:
            raise _unknown(entry, name, where)
        check_value(spec, value, where, lasts)


def check_value(spec: ParameterSpec, value: Parameter, field: str, lasts: Fraction | None) -> None:
    """Check one value.

    Raises:
        Invalid: `field` names it; the text says what it is and what is taken.
    """
    if isinstance(value, tuple):
        if not spec.animated or spec.type not in ("number", "switch"):
            raise Invalid(f"{field} has keyframes; it takes one value: {taken(spec)}", field=field)
        check_keyframes(value, field, lasts)
        for number, key in enumerate(value):
            _check_one(spec, key.value, f"{field}[{number}].value")
        return
    _check_one(spec, value, field)


def check_keyframes(keys: Sequence[Keyframe], field: str, lasts: Fraction | None) -> None:
    """Check that there are keyframes, that they are in order and inside `[0, lasts]`, and that their curves are curves.

    Raises:
        Invalid: they are not.
    """
    if not keys:
        raise Invalid(f"{field} has no keyframes: at least one, or a constant", field=field)
    for number, key in enumerate(keys):
        where = f"{field}[{number}]"
        if number and key.at <= keys[number - 1].at:
            raise Invalid(
                f"{where}.at is {key.at}: after the keyframe before it, which is at {keys[number - 1].at}",
                field=f"{where}.at",
            )
        if key.at < 0 or (lasts is not None and key.at > lasts):
            end = "0 or later" if lasts is None else f"0 to {lasts}, as long as it lasts"
            raise Invalid(f"{where}.at is {key.at}: {end}", field=f"{where}.at")
        check_exact(key.at, f"{where}.at")
        if not math.isfinite(key.value):
            raise Invalid(f"{where}.value is {key.value}: a finite number", field=f"{where}.value")
        if not isinstance(key.ease, str) and not (0 <= key.ease[0] <= 1 and 0 <= key.ease[2] <= 1):
            raise Invalid(
                f"{where}.ease is {key.ease}: x1 and x2, the first and third number, are 0 to 1",
                field=f"{where}.ease",
            )


def check_exact(value: Fraction, field: str) -> None:
    """Check that a time can be written down: what has more digits than the wire reads would not come back.

    Raises:
        Invalid: it cannot.
    """
    if max(abs(value.numerator), value.denominator) >= DIGITS_LIMIT:
        raise Invalid(
            f"{field} has more digits than can be kept: use times of fewer digits, such as whole frames",
            field=field,
        )


def check_within(
    curve: float | Sequence[Keyframe], low: float, high: float, field: str, lasts: Fraction | None
) -> None:
    """Check that a number, or each of its keyframes, lies within `[low, high]`.

    Raises:
        Invalid: it does not.
    """
    if isinstance(curve, int | float):
        curve = (Keyframe(at=Fraction(0), value=curve),)
        where = [field]
    else:
        check_keyframes(curve, field, lasts)
        where = [f"{field}[{number}].value" for number in range(len(curve))]
    for name, key in zip(where, curve, strict=True):
        if not low <= key.value <= high:
            raise Invalid(f"{name} is {key.value}: {_number(low)} to {_number(high)}", field=name)


def taken(spec: ParameterSpec) -> str:
    """Return in words what a parameter takes.

    >>> taken(ParameterSpec(name="stops", summary="", low=-5.0, high=5.0, unit="stops"))
    'a number from -5 to 5 stops'
    """
    match spec.type:
        case "number":
            unit = f" {spec.unit}" if spec.unit else ""
            if spec.low is None and spec.high is None:
                return f"a number{unit and f', in{unit}'}"
            low, high = (_number(one) if one is not None else "any" for one in (spec.low, spec.high))
            return f"a number from {low} to {high}{unit}"
        case "choice":
            return f"one of {', '.join(spec.choices)}"
        case "colour":
            return "a colour such as '#1e90ff', or '#1e90ff80' to see through"
        case "text":
            return f"a text of up to {spec.longest} characters"
        case "blob":
            return "the SHA-256 of a file among the blobs, 64 hex digits"
        case "asset":
            return "the id of an asset"
        case "switch":
            return "0 or 1"
        case "curve":
            return "points such as '0,0 0.5,0.6 1,1'"
    raise AssertionError(spec.type)


def within(spec: ParameterSpec, value: float) -> bool:
    """Tell whether a number lies within a parameter's range."""
    low = -math.inf if spec.low is None else spec.low
    high = math.inf if spec.high is None else spec.high
    return math.isfinite(value) and low <= value <= high


def _check_one(spec: ParameterSpec, value: Parameter, field: str) -> None:
    fits = False
    match spec.type:
        case "number":
            fits = isinstance(value, int | float) and within(spec, value)
        case "switch":
            fits = value in (0, 1) and not isinstance(value, str)
        case "choice":
            fits = value in spec.choices
        case "colour":
            fits = isinstance(value, str) and _COLOUR.fullmatch(value) is not None
        case "blob":
            fits = isinstance(value, str) and (value == spec.default or _BLOB.fullmatch(value) is not None)
        case "asset":
            fits = isinstance(value, str) and value != ""
        case "text":
            fits = isinstance(value, str) and len(value) <= spec.longest
        case "curve":
            fits = isinstance(value, str)
            if isinstance(value, str):
                points_of(value, field=field)
    if not fits:
        _refuse(spec, value, field)


def _refuse(spec: ParameterSpec, value: Parameter, field: str) -> NoReturn:
    shown = (
        repr(value[:60])
        if isinstance(value, str)
        else _number(value)
        if isinstance(value, int | float)
        else ""
    )
    limits: dict[str, Any] = {"low": spec.low, "high": spec.high} if spec.type == "number" else {}
    raise Invalid(f"{field} is {shown}: {taken(spec)}", field=field, **limits)


def _unknown(entry: Entry, name: str, field: str) -> Invalid:
    known = [one.name for one in entry.parameters]
    near = difflib.get_close_matches(name.strip().lower(), known, n=3, cutoff=0.5)
    there = f"did you mean {' or '.join(near)}?" if near else f"it has {', '.join(known) or 'none'}"
    return Invalid(f"{entry.name} has no parameter {name[:40]!r}; {there}", field=field, near=near)


def _number(value: float) -> str:
    return f"{value:g}"
