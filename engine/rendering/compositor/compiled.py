"""Loops over pixels, compiled to machine code when their module is imported.

Each has its types written down, so that it is compiled, or read from numba's cache, at import and never inside the locked
worker. No fast-math and no fused multiply-add: the same picture comes out of every processor. In kernels numbers are
float32 or int32 by name: a bare literal would make 64 bits of them, and half the speed.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from engine.rendering.compositor.canvas import Picture, Plane

F = TypeVar("F", bound=Callable[..., Any])


def kernel(signature: str) -> Callable[[F], F]:
    """Compile a function for one set of types, in numba's words; planes are `u1[:,::1]`, rows without gaps."""

    def compiled(function: F) -> F:
        return cast(F, numba.njit(signature, cache=True, nogil=True, error_model="numpy")(function))

    return compiled


def ready(picture: Picture) -> Picture:
    """Return the picture with planes that kernels can write into: rows without gaps, memory of its own."""
    picture.y, picture.u, picture.v = (_solid(plane) for plane in (picture.y, picture.u, picture.v))
    if picture.alpha is not None:
        picture.alpha = _solid(picture.alpha)
    return picture


def _solid(plane: Plane) -> Plane:
    return plane if plane.flags.c_contiguous and plane.flags.writeable else np.array(plane, order="C")
