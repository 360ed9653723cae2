"""Arithmetic on planes of bytes: mixing, laying one picture over another, halving.

All planes are C-contiguous; a smaller plane lies on a larger one with its corner at (`top`, `left`) and wholly inside.
Parts of 0..255 stand for 0..1 (exactly at both ends), parts of 0..256 for 0..1 in finer steps. Results are rounded to the
nearest.
"""

from typing import Any

import numpy as np

from engine.rendering.compositor.compiled import kernel

Bytes = Any  # NDArray[np.uint8]; numba compiles by its own signatures


@kernel("void(u1[:, ::1], u1[:, ::1], i8, u1[:, ::1])")
def mix(first: Bytes, second: Bytes, part: int, out: Bytes) -> None:
    """Write `first` towards `second` by `part` (0..256)."""
    rest = 256 - part
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            out[y, x] = (first[y, x] * rest + second[y, x] * part + 128) >> 8


@kernel("void(u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1])")
def mix_by(first: Bytes, second: Bytes, mask: Bytes, out: Bytes) -> None:
    """Write `first` where `mask` is 0, `second` where it is 255, and both in between."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            part = mask[y, x]
            total = first[y, x] * (255 - part) + second[y, x] * part + 128
            out[y, x] = (total + (total >> 8)) >> 8


@kernel("void(u1[:, ::1], u1[:, ::1])")
def halve(plane: Bytes, out: Bytes) -> None:
    """Write the mean of each 2 x 2."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            a, b = plane[2 * y, 2 * x], plane[2 * y, 2 * x + 1]
            c, d = plane[2 * y + 1, 2 * x], plane[2 * y + 1, 2 * x + 1]
            out[y, x] = (a + b + c + d + 2) >> 2


@kernel("void(u1[:, ::1], i8)")
def scale(plane: Bytes, part: int) -> None:
    """Multiply by `part` (0..256), in place."""
    for y in range(plane.shape[0]):
        for x in range(plane.shape[1]):
            plane[y, x] = (plane[y, x] * part + 128) >> 8


@kernel("void(u1[:, ::1], u1[:, ::1], i8, i8, i8)")
def lay(below: Bytes, above: Bytes, top: int, left: int, part: int) -> None:
    """Mix an opaque plane into `below` by `part` (0..256), in place."""
    rest = 256 - part
    for y in range(above.shape[0]):
        line = below[top + y, left : left + above.shape[1]]
        for x in range(above.shape[1]):
            line[x] = (line[x] * rest + above[y, x] * part + 128) >> 8


@kernel("void(u1[:, ::1], u1[:, ::1], u1[:, ::1], i8, i8)")
def lay_by(below: Bytes, above: Bytes, alpha: Bytes, top: int, left: int) -> None:
    """Mix a plane into `below` by its alpha, in place."""
    for y in range(above.shape[0]):
        line = below[top + y, left : left + above.shape[1]]
        for x in range(above.shape[1]):
            part = alpha[y, x]
            total = line[x] * (255 - part) + above[y, x] * part + 128
            line[x] = (total + (total >> 8)) >> 8


@kernel("void(u1[:, ::1], u1[:, ::1], u1[:, ::1], u1[:, ::1], i8, i8)")
def lay_on_clear(below: Bytes, clear: Bytes, above: Bytes, alpha: Bytes, top: int, left: int) -> None:
    """Mix a plane into one whose own alpha is `clear`, which is left as it is: `join` then brings it up to date.

    Colour is not multiplied with alpha, so what is seen of each counts by its part of what is seen of both
    (Porter and Duff, SIGGRAPH 1984, "over").
    """
    for y in range(above.shape[0]):
        line = below[top + y, left : left + above.shape[1]]
        shown = clear[top + y, left : left + above.shape[1]]
        for x in range(above.shape[1]):
            part = alpha[y, x] * 255
            rest = shown[x] * (255 - alpha[y, x])
            whole = part + rest
            if whole > 0:
                line[x] = (above[y, x] * part + line[x] * rest + (whole >> 1)) // whole


@kernel("void(u1[:, ::1], u1[:, ::1], i8, i8)")
def join(clear: Bytes, alpha: Bytes, top: int, left: int) -> None:
    """Bring an alpha plane up to date with one laid over it, in place."""
    for y in range(alpha.shape[0]):
        line = clear[top + y, left : left + alpha.shape[1]]
        for x in range(alpha.shape[1]):
            part = alpha[y, x]
            total = line[x] * (255 - part) + 255 * part + 128
            line[x] = (total + (total >> 8)) >> 8


@kernel("void(u1[:, ::1], i4[::1], f4[:, ::1], i4[::1], f4[:, ::1], u1[:, ::1])")
def resample(plane: Bytes, columns: Any, across: Any, rows: Any, down: Any, out: Bytes) -> None:
    """Sample a plane at upright places: of output column x the four samples from `columns[x]` on, each with its part.

    `across` is (4, width of `out`), `down` (height of `out`, 4), `rows` as `columns`. The rows rise or fall steadily, so
    each line of the plane is sampled once and kept while it is needed.
    """
    height, width = out.shape
    lines = np.empty((4, width), np.float32)
    held = np.full(4, -1, np.int32)
    for y in range(height):
        for n in range(4):
            row = rows[y] + n
            slot = row & 3
            if held[slot] != row:
                held[slot] = row
                source, line = plane[row], lines[slot]
                for x in range(width):
                    at = columns[x]
                    line[x] = (
                        source[at] * across[0, x]
                        + source[at + 1] * across[1, x]
                        + source[at + 2] * across[2, x]
                        + source[at + 3] * across[3, x]
                    )
        first, second, third, fourth = rows[y] & 3, (rows[y] + 1) & 3, (rows[y] + 2) & 3, (rows[y] + 3) & 3
        a, b, c, d = down[y, 0], down[y, 1], down[y, 2], down[y, 3]
        for x in range(width):
            value = lines[first, x] * a + lines[second, x] * b + lines[third, x] * c + lines[fourth, x] * d
            out[y, x] = np.uint8(np.int32(min(max(value + np.float32(0.5), np.float32(0)), np.float32(255))))
