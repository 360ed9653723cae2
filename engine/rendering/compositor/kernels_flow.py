"""The compiled loops of slow motion, on fields of movement: (height, width, 2), across and down, in the field's own pixels."""

from typing import Any

import numpy as np
from numba import float32 as f4
from numba import int32 as i4
from numba import uintp

from engine.rendering.compositor.compiled import kernel

Array = Any


@kernel("void(i8, f4, i4[::1], i4[::1], f4[::1])")
def _read_off(coarse: int, ratio: Any, before: Array, after: Array, part: Array) -> None:
    """Write for each sample which two of `coarse` ones it lies between, and how far from the first; `ratio`: their density."""
    half, zero, last = f4(0.5), f4(0), f4(coarse - 1)
    for n in range(part.size):
        place = min(max((f4(n) + half) * ratio - half, zero), last)
        before[n] = i4(place)
        after[n] = min(i4(place) + i4(1), i4(coarse - 1))
        part[n] = place - f4(before[n])


@kernel("void(f4[:, ::1], i4[::1], i4[::1], f4[::1], f4, f4, f4[:, ::1])")
def _widened(
    line: Array, left: Array, right: Array, near: Array, scale_x: Any, scale_y: Any, out: Array
) -> None:
    """Write a line of a field as wide as a plane, ways across and ways down apart."""
    for x in range(near.size):
        one, other = uintp(left[x]), uintp(right[x])
        out[0, x] = (line[one, 0] + (line[other, 0] - line[one, 0]) * near[x]) * scale_x
        out[1, x] = (line[one, 1] + (line[other, 1] - line[one, 1]) * near[x]) * scale_y


@kernel("void(f4[:, ::1], f4[:, ::1], f4, f4, f4[::1], f4[::1])")
def _aimed(upper: Array, lower: Array, part: Any, y: Any, out_x: Array, out_y: Array) -> None:
    """Write where a plane's line `y` points to, `part` of the way from one line of ways to the next."""
    for x in range(out_x.size):
        out_x[x] = f4(i4(x)) + upper[0, x] + (lower[0, x] - upper[0, x]) * part
    for x in range(out_y.size):
        out_y[x] = y + upper[1, x] + (lower[1, x] - upper[1, x]) * part


@kernel("void(f4[:, :, ::1], f4, f4[:, ::1], f4[:, ::1])")
def aims(field: Array, much: Any, out_x: Array, out_y: Array) -> None:
    """Write where each pixel of a plane points to that goes `much` of its way: the field may be coarser than the plane."""
    height, width = out_x.shape
    rows, columns = field.shape[0], field.shape[1]
    scale_x, scale_y = f4(width) / f4(columns) * much, f4(height) / f4(rows) * much
    left, right, near = np.empty(width, np.int32), np.empty(width, np.int32), np.empty(width, np.float32)
    upper, lower, down = np.empty(height, np.int32), np.empty(height, np.int32), np.empty(height, np.float32)
    _read_off(columns, f4(columns) / f4(width), left, right, near)
    _read_off(rows, f4(rows) / f4(height), upper, lower, down)
    # Of two lines that follow each other one is even: each is widened once and kept while it is needed.
    lines, held = np.empty((2, 2, width), np.float32), np.full(2, -1, np.int32)
    for y in range(height):
        for row in (upper[y], lower[y]):
            if held[row & 1] != row:
                held[row & 1] = row
                _widened(field[row], left, right, near, scale_x, scale_y, lines[row & 1])
        _aimed(lines[upper[y] & 1], lines[lower[y] & 1], down[y], f4(y), out_x[y], out_y[y])


@kernel("void(f4[:, :, ::1], f4[:, :, ::1], f4, f4, f4[:, ::1])")
def meets(forth: Array, back: Array, pixels: Any, part: Any, out: Array) -> None:
    """Write 0 where the way there and back ends farther from where it began than `pixels` and a `part` of its length."""
    height, width = out.shape
    zero, right, bottom = f4(0), f4(width - 1), f4(height - 1)
    for y in range(height):
        for x in range(width):
            way_x, way_y = forth[y, x, 0], forth[y, x, 1]
            to_x, to_y = min(max(f4(x) + way_x, zero), right), min(max(f4(y) + way_y, zero), bottom)
            left, top = uintp(to_x), uintp(to_y)
            after, below = uintp(min(to_x + f4(1), right)), uintp(min(to_y + f4(1), bottom))
            a, b = to_x - f4(left), to_y - f4(top)
            upper_x = back[top, left, 0] + (back[top, after, 0] - back[top, left, 0]) * a
            lower_x = back[below, left, 0] + (back[below, after, 0] - back[below, left, 0]) * a
            upper_y = back[top, left, 1] + (back[top, after, 1] - back[top, left, 1]) * a
            lower_y = back[below, left, 1] + (back[below, after, 1] - back[below, left, 1]) * a
            miss_x = way_x + upper_x + (lower_x - upper_x) * b
            miss_y = way_y + upper_y + (lower_y - upper_y) * b
            most = pixels + part * np.sqrt(way_x * way_x + way_y * way_y)
            if miss_x * miss_x + miss_y * miss_y > most * most:
                out[y, x] = zero
