"""The compiled loop that sends red, green and blue together through a table of three dimensions."""

from typing import Any

import numpy as np
from numba import float32 as f4
from numba import int32 as i4
from numba import uint8 as u1

from engine.rendering.compositor.compiled import kernel


@kernel("void(f4[::1], f4[::1], f4[:,:,:,::1], f4[::1], f4[::1], f4)")
def _found(rgb: Any, out: Any, table: Any, low: Any, scale: Any, strength: Any) -> None:
    """Write what the table says of one colour: tetrahedral interpolation between the corners of its cell.

    The cell is cut into six tetrahedra along its grey diagonal; of the one that holds the colour, which the order of the
    three remainders tells, the four corners are mixed (Kasson, Nin, Plouffe and Hafner, J. Electronic Imaging 4, 1995).
    """
    size, zero, one = table.shape[0], f4(0), f4(1)
    top = f4(size - 1)
    r = min(max((rgb[0] - low[0]) * scale[0], zero), top)
    g = min(max((rgb[1] - low[1]) * scale[1], zero), top)
    b = min(max((rgb[2] - low[2]) * scale[2], zero), top)
    i, j, k = min(i4(r), i4(size - 2)), min(i4(g), i4(size - 2)), min(i4(b), i4(size - 2))
    r, g, b = r - f4(i), g - f4(j), b - f4(k)
    # The way from the dark corner to the bright one: the largest remainder's axis first, the smallest's last.
    i1, j1, k1, i2, j2, k2 = i, j, k, i + 1, j + 1, k + 1
    if r >= g:
        if g >= b:
            i1, k2, most, middle, least = i + 1, k, r, g, b
        elif r >= b:
            i1, j2, most, middle, least = i + 1, j, r, b, g
        else:
            k1, j2, most, middle, least = k + 1, j, b, r, g
    elif r >= b:
        j1, k2, most, middle, least = j + 1, k, g, r, b
    elif g >= b:
        j1, i2, most, middle, least = j + 1, i, g, b, r
    else:
        k1, i2, most, middle, least = k + 1, i, b, g, r
    for channel in range(3):
        value = (
            table[k, j, i, channel] * (one - most)
            + table[k1, j1, i1, channel] * (most - middle)
            + table[k2, j2, i2, channel] * (middle - least)
            + table[k + 1, j + 1, i + 1, channel] * least
        )
        mixed = rgb[channel] + (value - rgb[channel]) * strength
        out[channel] = min(max(mixed, zero), one)


@kernel("void(u1[:,::1], u1[:,::1], u1[:,::1], f4[:,:,:,::1], f4[::1], f4[::1], f4)")
def tabled(y: Any, u: Any, v: Any, table: Any, low: Any, scale: Any, strength: Any) -> None:
    """Send each pixel through `table[blue, green, red]`; `low` and `scale` lead from 0..1 to places in it."""
    rgb, out, total = np.empty(3, np.float32), np.empty(3, np.float32), np.empty(3, np.float32)
    zero, one, middle, black, half, lift = f4(0), f4(1), f4(128), f4(16), f4(128.5), f4(16.5)
    light, colour = f4(1 / 219), f4(1 / 224)
    # BT.709-6, 3.2 and 3.3.
    red_v, green_u, green_v, blue_u = f4(1.5748), f4(-0.18732427), f4(-0.46812427), f4(1.8556)
    y_red, y_green, y_blue = f4(0.2126 * 219), f4(0.7152 * 219), f4(0.0722 * 219)
    u_red, u_green, v_green = f4(-0.2126 / 1.8556 * 56), f4(-0.7152 / 1.8556 * 56), f4(-0.7152 / 1.5748 * 56)
    v_blue, most = f4(-0.0722 / 1.5748 * 56), f4(28)
    for row in range(u.shape[0]):
        for column in range(u.shape[1]):
            from_u, from_v = (f4(u[row, column]) - middle) * colour, (f4(v[row, column]) - middle) * colour
            red, green, blue = from_v * red_v, from_u * green_u + from_v * green_v, from_u * blue_u
            total[0], total[1], total[2] = zero, zero, zero
            for corner in range(4):
                line, place = 2 * row + (corner >> 1), 2 * column + (corner & 1)
                here = (f4(y[line, place]) - black) * light
                rgb[0] = min(max(here + red, zero), one)
                rgb[1] = min(max(here + green, zero), one)
                rgb[2] = min(max(here + blue, zero), one)
                _found(rgb, out, table, low, scale, strength)
                y[line, place] = u1(i4(out[0] * y_red + out[1] * y_green + out[2] * y_blue + lift))
                total[0], total[1], total[2] = total[0] + out[0], total[1] + out[1], total[2] + out[2]
            u[row, column] = u1(i4(total[0] * u_red + total[1] * u_green + total[2] * most + half))
            v[row, column] = u1(i4(total[0] * most + total[1] * v_green + total[2] * v_blue + half))
