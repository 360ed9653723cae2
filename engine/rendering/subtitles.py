"""Captions that a player shows: text tracks of the film instead of letters on its picture.

A clip of a caption track whose `style` is `soft` is not drawn. In an MP4 each such track is a track of timed text.
"""

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Timeline, Track
from engine.editing.timeline import item_duration
from engine.media.timecode import frame_nearest

SOFT: Final = "soft"
TIMESCALE: Final = 1000  # ticks a second
_BYTES_MOST: Final = 0xFFFF


class Cue(Struct, frozen=True, kw_only=True):
    """What is shown in `[start, end)`, milliseconds of the film."""

    start: int
    end: int
    text: str


class Subtitles(Struct, frozen=True, kw_only=True):
    """A text track: its cues by time, none over another."""

    name: str
    cues: tuple[Cue, ...]


def taken_out(timeline: Timeline) -> tuple[Timeline, tuple[Subtitles, ...]]:
    """Return a timeline without its soft captions, and the text tracks that these are.

    Captions of nested timelines stay where they are.
    """
    tracks: list[Track] = []
    found: list[Subtitles] = []
    for track in timeline.tracks:
        soft = track.kind == "caption" and track.enabled and any(map(_is_soft, track.items))
        if not soft:
            tracks.append(track)
            continue
        cues = tuple(_cues(track))
        if cues:
            found.append(Subtitles(name=track.name, cues=cues))
        drawn = tuple(Gap(duration=item_duration(item)) if _is_soft(item) else item for item in track.items)
        if not all(isinstance(item, Gap) for item in drawn):
            tracks.append(replace(track, items=drawn))
    return replace(timeline, tracks=tuple(tracks)), tuple(found)


def _is_soft(item: object) -> bool:
    return (
        isinstance(item, Clip)
        and isinstance(item.media, Generator)
        and item.media.parameters.get("style") == SOFT
    )


def _cues(track: Track) -> Iterator[Cue]:
    at = Fraction(0)
    for item in track.items:
        lasts = item_duration(item)
        if isinstance(item, Clip) and isinstance(item.media, Generator) and _is_soft(item) and item.enabled:
            text = item.media.parameters.get("text") or " ".join(word.text for word in item.media.words)
            start, end = (frame_nearest(time, Fraction(TIMESCALE)) for time in (at, at + lasts))
            if isinstance(text, str) and text.strip() and end > start:
                yield Cue(start=start, end=end, text=text.strip())
        at += lasts


def ended(subtitles: tuple[Subtitles, ...], duration: Fraction) -> tuple[Subtitles, ...]:
    """Return text tracks that end with the film, which lasts `duration` seconds."""
    last = frame_nearest(duration, Fraction(TIMESCALE))
    cut = (
        replace(one, cues=tuple(replace(cue, end=min(cue.end, last)) for cue in one.cues if cue.start < last))
        for one in subtitles
    )
    return tuple(one for one in cut if one.cues)


def timed_text(cue: Cue) -> bytes:
    """Return a cue as a sample of timed text: its length in bytes, and the text (3GPP TS 26.245, 5.17)."""
    content = cue.text.encode()[:_BYTES_MOST].decode(errors="ignore").encode()
    return struct.pack("!H", len(content)) + content
