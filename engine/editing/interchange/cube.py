"""Lookup tables for colour: `.cube` files, read, checked and written (Adobe, Cube LUT Specification 1.0, 2013).

    TITLE "Warm"
    LUT_3D_SIZE 2
    DOMAIN_MIN 0.0 0.0 0.0
    DOMAIN_MAX 1.0 1.0 1.0
    0.0 0.0 0.0
    1.0 0.0 0.0
    ...

Resolve's `LUT_1D_INPUT_RANGE low high` and `LUT_3D_INPUT_RANGE low high` are read as a domain of three equal channels.
"""

import math
from typing import Final, Literal

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.kernel.errors import Invalid

FILE_MOST: Final = 64 * 1024 * 1024
TITLE_MOST: Final = 240
LINE_MOST: Final = 250  # characters, as the specification has it
# The specification allows 256 for three dimensions; nobody writes more than 129, and 256 would be 450 MB of text.
SIZES: Final = {"1d": (2, 65_536), "3d": (2, 129)}
_SIZE_WORDS: Final[dict[str, Literal["1d", "3d"]]] = {"LUT_1D_SIZE": "1d", "LUT_3D_SIZE": "3d"}
_RANGE_WORDS: Final = ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE")
_DOMAIN_WORDS: Final = ("DOMAIN_MIN", "DOMAIN_MAX")
_FIELD: Final = "lut"

Triple = tuple[float, float, float]


class Lut(Struct, frozen=True, kw_only=True, eq=False):
    """A table from red, green and blue to red, green and blue.

    `kind` `1d`: `table` is `[size, 3]`, each channel by itself. `3d`: `table[blue, green, red]` is a colour, so that red
    runs fastest, as in the file. Values are float32, 0..1 where nothing is beyond white or below black. `domain_min` and
    `domain_max` are the inputs that the first and the last entry stand for, channel by channel.
    """

    title: str
    size: int
    kind: Literal["1d", "3d"]
    domain_min: Triple
    domain_max: Triple
    table: NDArray[np.float32]


class _Head:
    """What the keywords of a file have said so far."""

    def __init__(self) -> None:
        self.title = ""
        self.kind: Literal["1d", "3d"] | None = None
        self.size = 0
        self.low: Triple = (0.0, 0.0, 0.0)
        self.high: Triple = (1.0, 1.0, 1.0)

    @property
    def rows(self) -> int:
        return self.size**3 if self.kind == "3d" else self.size


def parse_cube(data: bytes) -> Lut:
    """Read a `.cube` file.

    Raises:
        Invalid: it is too large or no such file; the text names the line, counted from 1, and `line` holds it.
    """
    if len(data) > FILE_MOST:
        raise Invalid(f"the LUT has {len(data)} bytes; at most {FILE_MOST} are read", field=_FIELD)
    head = _Head()
    values: list[Triple] = []
    for number, line in enumerate(_text(data).splitlines(), 1):
        if len(line) > LINE_MOST:
            raise _wrong(number, f"it is {len(line)} characters long; at most {LINE_MOST} are allowed")
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0][0].isalpha() and not _is_number(words[0]):
            if values:
                raise _wrong(number, f"{words[0][:40]!r} comes after the table has begun")
            _keyword(head, words, line, number)
            continue
        if head.kind is None:
            raise _wrong(number, "the table begins before LUT_1D_SIZE or LUT_3D_SIZE has been said")
        if len(values) == head.rows:
            raise _wrong(number, f"there are more than the {head.rows} rows that its size stands for")
        values.append(_numbers(words, 3, number))
    return _lut(head, values)


def write_cube(lut: Lut) -> bytes:
    """Return the file of a table; read again, it is the same table to the last bit."""
    lines = [f'TITLE "{_titled(lut.title)}"'] if lut.title else []
    lines.append(f"LUT_{lut.kind.upper()}_SIZE {lut.size}")
    for word, triple in zip(_DOMAIN_WORDS, (lut.domain_min, lut.domain_max), strict=True):
        lines.append(f"{word} {' '.join(repr(float(value)) for value in triple)}")
    # Nine digits hold every float32 exactly (IEEE 754, 5.12.2).
    lines += [f"{red:.9g} {green:.9g} {blue:.9g}" for red, green, blue in lut.table.reshape(-1, 3).tolist()]
    return ("\n".join(lines) + "\n").encode()


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")  # older programs write titles and comments so; numbers read the same


def _keyword(head: _Head, words: list[str], line: str, number: int) -> None:
    word, rest = words[0], words[1:]
    if word == "TITLE":
        head.title = line.strip().removeprefix("TITLE").strip().strip('"')[:TITLE_MOST]
    elif word in _SIZE_WORDS:
        if head.kind is not None:
            raise _wrong(number, f"{word} comes second; a file holds one table")
        head.kind = _SIZE_WORDS[word]
        head.size = _size(rest, head.kind, number)
    elif word in _DOMAIN_WORDS:
        triple = _numbers(rest, 3, number)
        head.low, head.high = (triple, head.high) if word == "DOMAIN_MIN" else (head.low, triple)
    elif word in _RANGE_WORDS:
        if len(rest) != 2:
            raise _wrong(number, f"{word} takes two numbers, got {len(rest)}")
        low, high, _ = _numbers([*rest, "0"], 3, number)
        head.low, head.high = (low, low, low), (high, high, high)
    else:
        known = ", ".join(("TITLE", *_SIZE_WORDS, *_DOMAIN_WORDS, *_RANGE_WORDS))
        raise _wrong(number, f"{word[:40]!r} is no keyword; there are {known}")


def _size(words: list[str], kind: Literal["1d", "3d"], number: int) -> int:
    low, high = SIZES[kind]
    if len(words) == 1 and words[0].isascii() and words[0].isdigit() and len(words[0]) < 7:
        size = int(words[0])
        if low <= size <= high:
            return size
    raise _wrong(
        number, f"its size is {' '.join(words)[:40]!r}; a whole number from {low} to {high} is right"
    )


def _numbers(words: list[str], count: int, number: int) -> Triple:
    if len(words) != count:
        raise _wrong(number, f"it has {len(words)} values; {count} numbers are right")
    for word in words:
        if not _is_number(word):
            raise _wrong(number, f"{word[:40]!r} is not a number")
    red, green, blue = (float(word) for word in words)
    return red, green, blue


def _is_number(word: str) -> bool:
    """Tell whether a word is a finite number that a float32 can hold, as a C program would read it."""
    try:
        value = float(word)
    except ValueError:
        return False
    return "_" not in word and word.isascii() and math.isfinite(value) and abs(value) < 3.4e38


def _lut(head: _Head, values: list[Triple]) -> Lut:
    if head.kind is None:
        raise Invalid("the LUT has no line LUT_1D_SIZE or LUT_3D_SIZE", field=_FIELD)
    if len(values) != head.rows:
        raise Invalid(
            f"the LUT has {len(values)} rows; its size {head.size} stands for {head.rows}", field=_FIELD
        )
    for channel, low, high in zip(("red", "green", "blue"), head.low, head.high, strict=True):
        if not low < high:
            raise Invalid(f"the LUT's domain in {channel} is {low} to {high}; it must grow", field=_FIELD)
    shape = (head.size, 3) if head.kind == "1d" else (head.size,) * 3 + (3,)
    return Lut(
        title=head.title,
        size=head.size,
        kind=head.kind,
        domain_min=head.low,
        domain_max=head.high,
        table=np.array(values, dtype=np.float32).reshape(shape),
    )


def _titled(title: str) -> str:
    return " ".join(title.replace('"', "'").split())[:TITLE_MOST]


def _wrong(number: int, said: str) -> Invalid:
    return Invalid(f"line {number} of the LUT: {said}", field=_FIELD, line=number)
