"""Loops over pixels, compiled to machine code when their module is imported.

Each has its types written down, so that it is compiled, or read from numba's cache, at import and never inside the locked
worker. Set-up fills the cache by importing `engine.rendering.compositor.warm`; where it did not, the first worker does.
No fast-math and no fused multiply-add: the same picture comes out of every processor. In kernels numbers are
float32 or int32 by name: a bare literal would make 64 bits of them, and half the speed.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numpy as np

from engine.rendering.compositor.canvas import Picture, Plane

F = TypeVar("F", bound=Callable[..., Any])


def _cache() -> Path | None:
    """Return a folder for machine code: in the environment of this Python, else in the user's cache; None: neither."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")
    for folder in (Path(sys.prefix) / "var" / "cutroom", home / "cutroom"):
        try:
            place = folder.expanduser() / "numba"
            place.mkdir(parents=True, exist_ok=True)
        except (OSError, RuntimeError):
            continue
        if os.access(place, os.W_OK):
            return place
    return None


CACHE: Final = _cache()
if CACHE is not None:
    os.environ["NUMBA_CACHE_DIR"] = str(CACHE)

import numba  # noqa: E402  # it looks for its cache when it is imported, and never again


def kernel(signature: str) -> Callable[[F], F]:
    """Compile a function for one set of types, in numba's words; planes are `u1[:,::1]`, rows without gaps."""

    def compiled(function: F) -> F:
        return cast(
            F, numba.njit(signature, cache=CACHE is not None, nogil=True, error_model="numpy")(function)
        )

    return compiled


def ready(picture: Picture) -> Picture:
    """Return the picture with planes that kernels can write into: rows without gaps, memory of its own."""
    picture.y, picture.u, picture.v = (_solid(plane) for plane in (picture.y, picture.u, picture.v))
    if picture.alpha is not None:
        picture.alpha = _solid(picture.alpha)
    return picture


def _solid(plane: Plane) -> Plane:
    return plane if plane.flags.c_contiguous and plane.flags.writeable else np.array(plane, order="C")
