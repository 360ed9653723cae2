"""What picture tests of effects stand on: pictures whose colours are known, and effects by name as the worker calls them.

scene()                              a picture of 2x2 blocks, each of one colour, softly varied
applied("exposure", scene(), stops=1)
rgb_of(picture)                      (height, width, 3) reals, 0..1 as shown, from the stored planes
psnr(one, other)                     decibels, of a signal of 0..1
"""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from cutroom_sdk.wire.timeline import Keyframe
from engine.editing.catalogue.spec import Entry, catalogue
from engine.editing.curves import value_at
from engine.rendering.compositor import catalogue as implementations
from engine.rendering.compositor.canvas import Picture, yuv_of
from engine.rendering.compositor.canvas import filled as canvas_filled
from engine.rendering.compositor.table import At, effects, transitions

Reals = NDArray[np.float64]
Value = float | str

assert implementations.__all__
# ITU-R BT.709-6, 3.2: brightness of red, green, blue.
KR, KG, KB = 0.2126, 0.7152, 0.0722


def at(name: str, seed: int = 0, files: Mapping[str, bytes] | None = None, **values: Value) -> At:
    """Return the values of an entry, its defaults but for those given."""
    entry = catalogue()[name]
    assert set(values) <= {one.name for one in entry.parameters}, f"{name} has no such parameter"
    whole = {one.name: values.get(one.name, one.default) for one in entry.parameters}
    numbers = {key: float(value) for key, value in whole.items() if isinstance(value, int | float)}
    texts = {key: value for key, value in whole.items() if isinstance(value, str)}
    return At(numbers, texts, seed, files)


def applied(
    name: str, picture: Picture, *, seed: int = 0, files: Mapping[str, bytes] | None = None, **values: Value
) -> Picture:
    """Return what an effect makes of a picture, which stays as it is."""
    return effects[name](picture.copy(), at(name, seed, files, **values))


def crossed(
    name: str,
    first: Picture,
    second: Picture,
    progress: float,
    *,
    files: Mapping[str, bytes] | None = None,
    **values: Value,
) -> Picture:
    """Return what a transition makes of two pictures, which stay as they are."""
    return transitions[name](first.copy(), second.copy(), progress, at(name, 0, files, **values))


def sole(family: str, kind: str = "effect") -> list[Entry]:
    """Return the entries of a family."""
    return [one for one in catalogue().values() if one.family == family and one.kind == kind]


def filled(colour: str, width: int = 64, height: int = 48, alpha: int | None = None) -> Picture:
    """Return a picture of one colour, `#rrggbb`."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return canvas_filled(width, height, yuv_of(red, green, blue), alpha)


def scene(width: int = 96, height: int = 64, seed: int = 1, *, alpha: bool = False) -> Picture:
    """Return soft colours, none at the edge of what can be shown, each block of 2x2 pixels of one colour."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : height // 2, 0 : width // 2].astype(np.float64)
    waves = [
        0.5 + 0.2 * np.sin(rows / 7 * rate + columns / 9 + phase) + rng.normal(0, 0.02, rows.shape)
        for rate, phase in ((1.0, 0.0), (0.7, 2.0), (1.3, 4.0))
    ]
    picture = stored(np.clip(np.stack(waves, axis=-1), 0.2, 0.8).repeat(2, axis=0).repeat(2, axis=1))
    if alpha:
        picture.alpha = rng.integers(0, 256, (height, width), dtype=np.uint8)
    return picture


def stored(rgb: Reals) -> Picture:
    """Return red, green, blue (height, width, 3), 0..1, as a picture; colour is the mean of 2x2 pixels."""
    luma = rgb @ [KR, KG, KB]
    blue, red = (rgb[..., 2] - luma) / 1.8556, (rgb[..., 0] - luma) / 1.5748
    planes = (16 + 219 * luma, 128 + 224 * _halved(blue), 128 + 224 * _halved(red))
    return Picture(*(np.asarray(np.floor(plane + 0.5), dtype=np.uint8) for plane in planes))


def rgb_of(picture: Picture) -> Reals:
    """Return what is shown, 0..1, each sample of colour over its 2x2 pixels; beyond 0..1 where it cannot be shown."""
    luma = (picture.y.astype(np.float64) - 16) / 219
    blue, red = (_doubled((plane.astype(np.float64) - 128) / 224) for plane in (picture.u, picture.v))
    r, b = luma + 1.5748 * red, luma + 1.8556 * blue
    return np.stack([r, (luma - KR * r - KB * b) / KG, b], axis=-1)


def light_of(picture: Picture) -> Reals:
    """Return brightness, 0..1."""
    return np.asarray((picture.y.astype(np.float64) - 16) / 219)


def psnr(one: Reals, other: Reals) -> float:
    """Return how alike two signals of 0..1 are, decibels."""
    error = float(np.mean((one - other) ** 2))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def same(one: Picture, other: Picture) -> bool:
    """Return whether two pictures are equal bit for bit."""
    pairs = ((one.y, other.y), (one.u, other.u), (one.v, other.v), (one.alpha, other.alpha))
    return all(np.array_equal(a, b) if a is not None and b is not None else a is b for a, b in pairs)


def over_time(curve: tuple[Keyframe, ...], frames: int, rate: int) -> list[float]:
    """Return a keyframed parameter's value at each frame."""
    return [value_at(curve, Fraction(frame, rate)) for frame in range(frames)]


def _halved(plane: Reals) -> Reals:
    return (plane[::2, ::2] + plane[1::2, ::2] + plane[::2, 1::2] + plane[1::2, 1::2]) / 4


def _doubled(plane: Reals) -> Reals:
    return plane.repeat(2, axis=0).repeat(2, axis=1)
