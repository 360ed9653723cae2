"""SubRip files (`.srt`): numbered cues with times to the millisecond and a handful of tags."""

import re
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.timeline import Timeline
from engine.editing.interchange.cues import (
    CUES_MOST,
    Cue,
    clock,
    cues_of,
    decoded,
    flag,
    note_looks,
    timeline_of,
)
from engine.editing.interchange.losses import Exported, Imported, Losses
from engine.editing.interchange.markup import looks_tagged, plain, tagged
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.kernel.errors import Invalid

_TIME: Final = r"(?:(\d{1,2}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
TIMING: Final = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}(?:\s+(\S.*))?\s*\Z", re.ASCII)
_CARRIED: Final = frozenset({"italic", "weight", "colour"})


def write_srt(timeline: Timeline, shelf: Shelf) -> Exported:
    """Return the enabled caption tracks as one SRT file, by time."""
    losses = Losses()
    cues = cues_of(timeline, losses)
    note_looks(cues, _CARRIED, losses)
    if any(cue.words for cue in cues):
        losses.add("", "when words are said", "SRT has times for whole captions only")
    blocks = []
    for number, cue in enumerate(cues, 1):
        text = one_block(cue.text, f"caption {number}", losses)
        if looks_tagged(text):
            losses.add(f"caption {number}", "angle brackets in its text", "readers take them for styles")
        text = tagged(text, cue.look, bold=flag(cue.look, "weight"), italic=flag(cue.look, "italic"))
        start, end = (clock(at, digits=3, comma=True) for at in (cue.start, cue.end))
        blocks.append(f"{number}\n{start} --> {end}\n{text}\n")
    return Exported(data="\n".join(blocks).encode(), losses=losses.all())


def one_block(text: str, where: str, losses: Losses) -> str:
    """Return a text without empty lines: one would end its cue."""
    lines = [line for line in text.replace("\r", "\n").split("\n") if line.strip()]
    if len(lines) != len(text.split("\n")):
        losses.add(where, "empty lines", "an empty line ends a caption")
    kept = "\n".join(lines)
    if "-->" in kept:
        losses.add(where, "the arrow '-->' in its text", "it would begin another caption; it is written →")
    return kept.replace("-->", "→")


def read_srt(data: bytes, asked: Asked, shelf: Shelf) -> Imported:
    """Read an SRT file.

    Raises:
        Invalid: it holds no captions, or too many.
    """
    lines, losses = decoded(data), Losses()
    cues: list[Cue] = []
    number = 0
    while number < len(lines):
        found = TIMING.match(lines[number]) if "-->" in lines[number] else None
        number += 1
        if found is None:
            if "-->" in lines[number - 1]:
                losses.add(f"line {number}", "its times", "they are not HH:MM:SS,mmm --> HH:MM:SS,mmm")
            continue
        first = number
        while number < len(lines) and lines[number].strip():
            number += 1
        cue = _cue(found, "\n".join(lines[first:number]), f"line {first}", losses)
        if cue is not None:
            cues.append(cue)
        if len(cues) > CUES_MOST:
            raise Invalid(f"the file has more than {CUES_MOST} captions", field="text")
    return timeline_of(cues, asked, losses)


def _cue(found: re.Match[str], text: str, where: str, losses: Losses) -> Cue | None:
    start, end = seconds(*found.group(1, 2, 3, 4)), seconds(*found.group(5, 6, 7, 8))
    if found[9]:
        losses.add(where, f"the place {found[9].strip()!r}", "captions stand where their look says")
    if end <= start:
        losses.add(where, "a caption", "it ends before it begins")
        return None
    said, look = plain(text, where, losses)
    if not said.strip():
        losses.add(where, "a caption", "it has no text")
        return None
    return Cue(start=start, end=end, text=said, look=look)


def seconds(hours: str | None, minutes: str, second: str, part: str) -> Fraction:
    """Return a clock's time; `part` are the digits behind the point.

    >>> seconds(None, "1", "02", "5")
    Fraction(125, 2)
    """
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(second)
    return whole + Fraction(int(part), 10 ** len(part))
