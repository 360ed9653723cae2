"""Which way text runs (Unicode Standard Annex #9), worked out by FriBidi, the library that Pillow shapes with too.

levels("abc אבג")     -> 0 0 0 0 1 1 1
visual([0, 0, 1, 1])  -> places from left to right: 0 1 3 2
"""

import ctypes
import functools
import unicodedata
from collections.abc import Sequence
from typing import Final, Literal

from engine.kernel.errors import Unavailable

Direction = Literal["auto", "ltr", "rtl"]

LIBRARIES: Final = ("libfribidi.so.0", "libfribidi.0.dylib", "libfribidi.so")
MISSING: Final = "text that runs from right to left needs FriBidi: on Debian, apt-get install libfribidi0"
# FriBidi's names for a paragraph's direction (fribidi-bidi-types.h).
_DIRECTIONS: Final[dict[Direction, int]] = {"auto": 0x40, "ltr": 0x110, "rtl": 0x111}
_TURNING: Final = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "FSI"})


@functools.cache
def library() -> ctypes.CDLL | None:
    """Return FriBidi; None: it is not installed. Asked for once before a worker locks itself down."""
    for name in LIBRARIES:
        try:
            found = ctypes.CDLL(name)
        except OSError:
            continue
        found.fribidi_get_par_embedding_levels_ex.restype = ctypes.c_int8
        return found
    return None


def turns(text: str) -> bool:
    """Tell whether some of a text runs from right to left."""
    return not text.isascii() and any(unicodedata.bidirectional(one) in _TURNING for one in text)


def levels(text: str, direction: Direction = "auto") -> list[int]:
    """Return each character's level: even ones run from left to right, odd ones from right to left.

    Args:
        text: one paragraph.
        direction: the paragraph's own; `auto`: that of its first letter.

    Raises:
        Unavailable: some of the text runs from right to left, and FriBidi is not installed.
    """
    if direction != "rtl" and not turns(text):
        return [0] * len(text)
    found = library()
    if found is None:
        raise Unavailable(MISSING)
    count = len(text)
    characters = (ctypes.c_uint32 * count)(*map(ord, text))
    kinds, brackets = (ctypes.c_uint32 * count)(), (ctypes.c_uint32 * count)()
    answer, base = (ctypes.c_int8 * count)(), ctypes.c_uint32(_DIRECTIONS[direction])
    found.fribidi_get_bidi_types(characters, count, kinds)
    found.fribidi_get_bracket_types(characters, count, kinds, brackets)
    found.fribidi_get_par_embedding_levels_ex(kinds, brackets, count, ctypes.byref(base), answer)
    return list(answer)


def base_level(text: str, direction: Direction = "auto") -> int:
    """Return the paragraph's own level: 0 or 1 (rules P2 and P3)."""
    if direction != "auto":
        return int(direction == "rtl")
    for one in text:
        kind = unicodedata.bidirectional(one)
        if kind in ("L", "R", "AL"):
            return int(kind != "L")
    return 0


def visual(line: Sequence[int]) -> list[int]:
    """Return the places of a line's pieces from left to right, given their levels (rule L2)."""
    order = list(range(len(line)))
    odd = [one for one in line if one % 2]
    for level in range(max(line, default=0), min(odd, default=1) - 1, -1):
        start = 0
        while start < len(order):
            end = start
            while end < len(order) and line[order[end]] >= level:
                end += 1
            order[start:end] = reversed(order[start:end])
            start = end + 1
    return order
