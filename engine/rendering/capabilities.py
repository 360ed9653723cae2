"""What this machine renders with: part of every plan's hash, found without opening any media."""

import functools
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Final

from engine.rendering.work import Capabilities

# The wheel of `av` brings libav and x264, so its version stands for theirs.
LIBRARIES: Final = ("av", "budoux", "numba", "numpy", "opencv-python-headless", "pillow", "uniseg")
CPU_INFO: Final = Path("/proc/cpuinfo")


@functools.cache
def capabilities() -> Capabilities:
    """Return what computes here."""
    return Capabilities(
        machine=platform.machine(),
        simd=_simd(),
        libraries={name: version(name) for name in LIBRARIES},
    )


def _simd() -> str | None:
    """Return the most that x264 may use.

    Its AVX-512 code reads memory that was never written when it propagates the macroblock tree (x264 in av 18.1, widths
    such as 320 and 1080): the same input then gives other bytes from run to run. Up to AVX2 it does not, and the bytes are
    those that processors without AVX-512 give.
    """
    try:
        flags = CPU_INFO.read_text(encoding="ascii", errors="replace").split()
    except OSError:
        return None
    return "avx2" if "avx2" in flags else None
