"""The compiled loops behind detail, keys and faces. Planes are written in place where they are not named `out`."""

from typing import Any

from numba import float32 as f4
from numba import int32 as i4
from numba import uint8 as u1
from numba import uint32 as u4

from engine.rendering.compositor.compiled import kernel


@kernel("void(u1[:,::1], f4[:,::1], f4, f4)")
def shaded(plane: Any, shade: Any, amount: Any, middle: Any) -> None:
    """Take `amount` of the way to `middle` where `shade` is 1, none where it is 0."""
    one, least, most, half = f4(1), f4(16.5), f4(240.5), f4(0.5)
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            here = (f4(plane[row, column]) - middle) * (one - amount * shade[row, column]) + middle + half
            plane[row, column] = u1(i4(min(max(here, least), most)))


@kernel("void(u1[:,::1], u4)")
def noise(out: Any, seed: Any) -> None:
    """Write noise of mean 127.125 and deviation 36.95 that is nearly Gaussian and differs at each place and for each seed.

    The place is mixed by Wellons' hash "lowbias32" (2018); the mean of the hash's four bytes is close to a Gaussian.
    """
    first, second = u4(0x7FEB352D), u4(0x846CA68B)
    for row in range(out.shape[0]):
        line = u4(u4(row) * u4(0x9E3779B1)) ^ u4(u4(seed * u4(0x85EBCA6B)) + u4(0x27D4EB2F))
        for column in range(out.shape[1]):
            x = u4(line + u4(u4(column) * u4(0xC2B2AE35)))
            x = u4(u4(x ^ u4(x >> u4(16))) * first)
            x = u4(u4(x ^ u4(x >> u4(15))) * second)
            x = u4(x ^ u4(x >> u4(16)))
            pair = u4(u4(x & u4(0x00FF00FF)) + u4(u4(x >> u4(8)) & u4(0x00FF00FF)))
            out[row, column] = u1(u4(u4(pair + u4(pair >> u4(16))) & u4(0x3FF)) >> u4(2))


@kernel("void(u1[:,::1], u1[:,::1], f4[::1], f4)")
def added(y: Any, grains: Any, seen: Any, amount: Any) -> None:
    """Add noise (from its middle) to brightness, `amount` for a step, as much as `seen` says of the brightness."""
    least, most, half, middle = f4(16.5), f4(235.5), f4(0.5), f4(127.125)
    for row in range(y.shape[0]):
        for column in range(y.shape[1]):
            here = y[row, column]
            value = f4(here) + (f4(grains[row, column]) - middle) * seen[here] * amount + half
            y[row, column] = u1(i4(min(max(value, least), most)))


@kernel("void(u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1])")
def keyed(u: Any, v: Any, alphas: Any, us: Any, vs: Any, out: Any) -> None:
    """Look each pair of colours up in three tables `[u, v]`: its alpha, and the colours that stand for it."""
    for row in range(u.shape[0]):
        for column in range(u.shape[1]):
            a, b = u[row, column], v[row, column]
            out[row, column] = alphas[a, b]
            u[row, column], v[row, column] = us[a, b], vs[a, b]


@kernel("void(u1[:,::1], u1[:,::1], u1[:,::1], f4[:,::1], f4, f4)")
def whitened(y: Any, u: Any, v: Any, whites: Any, strength: Any, light: Any) -> None:
    """Bring colours for which `whites[u, v]` is 1 to grey and brighten them by `light` steps, as far as they are bright."""
    zero, one, middle = f4(0), f4(1), f4(128)
    dark, span = f4(16 + 0.30 * 219 * 1), f4(1 / (0.25 * 219))
    half, quarter, most = f4(0.5), f4(0.25), f4(235.5)
    for row in range(u.shape[0]):
        for column in range(u.shape[1]):
            colour = whites[u[row, column], v[row, column]] * strength
            total = zero
            for corner in range(4):
                line, place = 2 * row + (corner >> 1), 2 * column + (corner & 1)
                here = f4(y[line, place])
                part = colour * min(max((here - dark) * span, zero), one)
                total += part
                y[line, place] = u1(i4(min(here + part * light + half, most)))
            rest = one - total * quarter
            u[row, column] = u1(i4((f4(u[row, column]) - middle) * rest + middle + half))
            v[row, column] = u1(i4((f4(v[row, column]) - middle) * rest + middle + half))
