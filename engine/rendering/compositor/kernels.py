"""The compiled loops over pixels. Planes are written in place where they are not named `out`.

A 4:2:0 picture: each sample of colour stands for two by two of brightness, and sees their mean.
"""

from typing import Any

import numpy as np
from numba import float32 as f4
from numba import int32 as i4
from numba import uint8 as u1

from engine.rendering.compositor.compiled import kernel


@kernel("void(u1[:,::1], u1[:,::1], u1[:,::1], u1[::1], f4[::1])")
def toned(y: Any, u: Any, v: Any, table: Any, gains: Any) -> None:
    """Give each brightness its value of `table`, and multiply colour by the gain of the brightness before."""
    middle, half, low, high = f4(128), f4(128.5), f4(16.5), f4(240.5)
    for row in range(u.shape[0]):
        for column in range(u.shape[1]):
            a, b = y[2 * row, 2 * column], y[2 * row, 2 * column + 1]
            c, d = y[2 * row + 1, 2 * column], y[2 * row + 1, 2 * column + 1]
            gain = gains[(i4(a) + i4(b) + i4(c) + i4(d) + 2) >> 2]
            y[2 * row, 2 * column], y[2 * row, 2 * column + 1] = table[a], table[b]
            y[2 * row + 1, 2 * column], y[2 * row + 1, 2 * column + 1] = table[c], table[d]
            u[row, column] = u1(i4(min(max((f4(u[row, column]) - middle) * gain + half, low), high)))
            v[row, column] = u1(i4(min(max((f4(v[row, column]) - middle) * gain + half, low), high)))


@kernel("void(u1[:,::1], u1[:,::1], u1[:,::1], f4[::1])")
def matrixed(y: Any, u: Any, v: Any, matrix: Any) -> None:
    """Multiply each pixel (brightness from black, colours from grey) with a 3x3 matrix given row by row."""
    m0, m1, m2, m3, m4 = matrix[0], matrix[1], matrix[2], matrix[3], matrix[4]
    m5, m6, m7, m8 = matrix[5], matrix[6], matrix[7], matrix[8]
    middle, black, white, most = f4(128), f4(16), f4(235.5), f4(240.5)
    lift, half, least, quarter = f4(16.5), f4(128.5), f4(16.5), f4(0.25)
    height, width = u.shape
    added, light = np.empty(2 * width, np.float32), np.empty(2 * width, np.float32)
    for row in range(height):
        for column in range(width):
            part = (f4(u[row, column]) - middle) * m1 + (f4(v[row, column]) - middle) * m2 + lift
            added[2 * column] = part
            added[2 * column + 1] = part
        for line in range(2):
            for column in range(2 * width):
                here = f4(y[2 * row + line, column]) - black
                y[2 * row + line, column] = u1(i4(min(max(here * m0 + added[column], least), white)))
                light[column] = here if line == 0 else light[column] + here
        for column in range(width):
            mean = (light[2 * column] + light[2 * column + 1]) * quarter
            blue, red = f4(u[row, column]) - middle, f4(v[row, column]) - middle
            u[row, column] = u1(i4(min(max(mean * m3 + blue * m4 + red * m5 + half, least), most)))
            v[row, column] = u1(i4(min(max(mean * m6 + blue * m7 + red * m8 + half, least), most)))


@kernel("void(u1[:,::1], u1[:,::1], u1[:,::1], f4[::1], f4[::1], f4[::1])")
def graded(y: Any, u: Any, v: Any, reds: Any, greens: Any, blues: Any) -> None:
    """Send red, green and blue each through a table of 1024 values over 0..1; what lies outside is held to 0..1."""
    height, width = u.shape
    # What colour alone says of a line, and the sums of two by two pixels.
    red, green, blue = (
        np.empty(2 * width, np.float32),
        np.empty(2 * width, np.float32),
        np.empty(2 * width, np.float32),
    )
    red_sum, green_sum = np.empty(2 * width, np.float32), np.empty(2 * width, np.float32)
    blue_sum = np.empty(2 * width, np.float32)
    places, found = np.empty((3, 2 * width), np.uint16), np.empty((3, 2 * width), np.float32)
    zero, last, half, middle, black = f4(0), f4(1023), f4(0.5), f4(128), f4(16)
    light, scale = f4(1023 / 219), f4(1023 / 224)
    # BT.709-6, 3.2 and 3.3, for stored steps.
    red_v, green_u, green_v, blue_u = f4(1.5748), f4(-0.18732427), f4(-0.46812427), f4(1.8556)
    y_red, y_green, y_blue, lift = f4(0.2126 * 219), f4(0.7152 * 219), f4(0.0722 * 219), f4(16.5)
    u_red, u_green = f4(-0.2126 / 1.8556 * 56), f4(-0.7152 / 1.8556 * 56)
    v_green, v_blue = f4(-0.7152 / 1.5748 * 56), f4(-0.0722 / 1.5748 * 56)
    most, rest = f4(28), f4(128.5)
    for row in range(height):
        for column in range(width):
            from_u, from_v = (f4(u[row, column]) - middle) * scale, (f4(v[row, column]) - middle) * scale
            for side in range(2):
                red[2 * column + side] = from_v * red_v + half
                green[2 * column + side] = from_u * green_u + from_v * green_v + half
                blue[2 * column + side] = from_u * blue_u + half
        for line in range(2):
            # In three passes, so that all but the looking up is done many pixels at a time.
            for column in range(2 * width):
                here = (f4(y[2 * row + line, column]) - black) * light
                places[0, column] = i4(min(max(here + red[column], zero), last))
                places[1, column] = i4(min(max(here + green[column], zero), last))
                places[2, column] = i4(min(max(here + blue[column], zero), last))
            for column in range(2 * width):
                found[0, column] = reds[places[0, column]]
                found[1, column] = greens[places[1, column]]
                found[2, column] = blues[places[2, column]]
            for column in range(2 * width):
                r, g, b = found[0, column], found[1, column], found[2, column]
                y[2 * row + line, column] = u1(i4(r * y_red + g * y_green + b * y_blue + lift))
                red_sum[column] = r if line == 0 else red_sum[column] + r
                green_sum[column] = g if line == 0 else green_sum[column] + g
                blue_sum[column] = b if line == 0 else blue_sum[column] + b
        for column in range(width):
            r = red_sum[2 * column] + red_sum[2 * column + 1]
            g = green_sum[2 * column] + green_sum[2 * column + 1]
            b = blue_sum[2 * column] + blue_sum[2 * column + 1]
            u[row, column] = u1(i4(r * u_red + g * u_green + b * most + rest))
            v[row, column] = u1(i4(r * most + g * v_green + b * v_blue + rest))


@kernel("void(u1[:,::1], u1[:,::1], u2[:,::1], f4, f4)")
def swept(below: Any, above: Any, field: Any, edge: Any, slope: Any) -> None:
    """Mix `above` into `below` where the edge has passed, in full from `1 / slope` behind it."""
    zero, one, half = f4(0), f4(1), f4(0.5)
    for row in range(below.shape[0]):
        for column in range(below.shape[1]):
            part = min(max((edge - f4(field[row, column])) * slope, zero), one)
            here = f4(below[row, column])
            below[row, column] = u1(i4(here + (f4(above[row, column]) - here) * part + half))


@kernel("void(u1[:,::1], f4, u1[:,::1])")
def enlarged(plane: Any, scale: Any, out: Any) -> None:
    """Write the middle of a plane, `scale` (1 or more) times as large, with straight lines between its pixels."""
    height, width = plane.shape
    one, half, two = f4(1), f4(0.5), f4(2)
    places, parts = np.empty(width, np.uint16), np.empty(width, np.float32)
    after = np.empty(width, np.uint16)
    line = np.empty(width, np.float32)
    for column in range(width):
        x = max((f4(column) + half - f4(width) / two) / scale + f4(width) / two - half, f4(0))
        places[column] = min(i4(x), i4(width - 1))
        after[column] = min(i4(x) + 1, i4(width - 1))
        parts[column] = x - f4(places[column])
    for row in range(height):
        y = max((f4(row) + half - f4(height) / two) / scale + f4(height) / two - half, f4(0))
        upper = min(i4(y), i4(height - 1))
        lower, part = min(upper + i4(1), i4(height - 1)), y - f4(upper)
        for column in range(width):
            line[column] = f4(plane[upper, column]) * (one - part) + f4(plane[lower, column]) * part
        for column in range(width):
            side = parts[column]
            here = line[places[column]] * (one - side) + line[after[column]] * side
            out[row, column] = u1(i4(here + half))


@kernel("void(u1[:,::1], f4[:,::1], f4)")
def screened(y: Any, light: Any, amount: Any) -> None:
    """Lay light (0..1 and above) over brightness as a second lamp on the same screen: what is bright gains less."""
    black, white, one, scale, half = f4(16), f4(219), f4(1), f4(1 / 219), f4(16.5)
    zero = f4(0)
    for row in range(y.shape[0]):
        for column in range(y.shape[1]):
            rest = one - min(max((f4(y[row, column]) - black) * scale, zero), one)
            over = one - min(max(light[row, column] * amount, zero), one)
            y[row, column] = u1(i4(white * (one - rest * over) + half))


@kernel("void(u1[:,::1], f4[:,::1], f4)")
def tinted(plane: Any, colour: Any, amount: Any) -> None:
    """Add colour (in stored steps from grey)."""
    least, most, half = f4(16.5), f4(240.5), f4(0.5)
    for row in range(plane.shape[0]):
        for column in range(plane.shape[1]):
            here = f4(plane[row, column]) + colour[row, column] * amount + half
            plane[row, column] = u1(i4(min(max(here, least), most)))


@kernel("void(u2[:,::1], f4, f4, f4[:,::1])")
def turned(field: Any, edge: Any, slope: Any, out: Any) -> None:
    """Write how far each pixel's turn has come, 0..1: what `swept` mixes by."""
    zero, one = f4(0), f4(1)
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            out[row, column] = min(max((edge - f4(field[row, column])) * slope, zero), one)


@kernel(
    "void(u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1], u1[:,::1], f4[:,::1])"
)
def weighed(y: Any, u: Any, v: Any, alpha: Any, y2: Any, u2: Any, v2: Any, alpha2: Any, part: Any) -> None:
    """Mix `part` of a second picture into the first; colours count by what is seen of them, alphas are mixed."""
    zero, one, half, quarter = f4(0), f4(1), f4(0.5), f4(0.25)
    for row in range(u.shape[0]):
        for column in range(u.shape[1]):
            before, after = zero, zero
            for corner in range(4):
                line, place = 2 * row + (corner >> 1), 2 * column + (corner & 1)
                much = part[line, place]
                first, second = f4(alpha[line, place]) * (one - much), f4(alpha2[line, place]) * much
                whole = first + second
                share = second / whole if whole > zero else zero
                here = f4(y[line, place])
                y[line, place] = u1(i4(here + (f4(y2[line, place]) - here) * share + half))
                alpha[line, place] = u1(i4(whole + half))
                before += first
                after += second
            # Of colour, too, only what is seen counts: its share is that of the four pixels, by what is seen of them.
            total = (before + after) * quarter
            share = after * quarter / total if total > zero else zero
            here, there = f4(u[row, column]), f4(v[row, column])
            u[row, column] = u1(i4(here + (f4(u2[row, column]) - here) * share + half))
            v[row, column] = u1(i4(there + (f4(v2[row, column]) - there) * share + half))


@kernel("void(f8[:, ::1], f4, f4, u1[:, ::1])")
def covered(back: Any, width: Any, height: Any, out: Any) -> None:
    """Write how much of each pixel an opaque picture covers, 0..255; `back` takes a pixel's middle to the picture's.

    Between an edge's last sample and one step beyond it the picture fades, as straight lines between samples would have it.
    """
    along_x, along_y = f4(back[0, 0]), f4(back[1, 0])
    zero, one, most, half = f4(0), f4(1), f4(255), f4(0.5)
    for row in range(out.shape[0]):
        x0, y0 = f4(back[0, 1] * row + back[0, 2]), f4(back[1, 1] * row + back[1, 2])
        for column in range(out.shape[1]):
            x, y = along_x * f4(i4(column)) + x0, along_y * f4(i4(column)) + y0
            across = min(max(min(x + one, width - x), zero), one)
            down = min(max(min(y + one, height - y), zero), one)
            out[row, column] = u1(i4(across * down * most + half))
