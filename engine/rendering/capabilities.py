"""What this machine renders with: part of every plan's hash, found without opening any media."""

import platform
from importlib.metadata import version
from typing import Final

from engine.rendering.work import Capabilities

# The wheel of `av` brings libav and x264, so its version stands for theirs.
LIBRARIES: Final = ("av", "numpy")


def capabilities() -> Capabilities:
    """Return what computes here."""
    return Capabilities(machine=platform.machine(), libraries={name: version(name) for name in LIBRARIES})
