"""Items with places of their own become tracks of items one behind the other."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Gap, TimeRange, Track, Transition
from engine.editing.interchange.losses import Losses
from engine.media.timecode import frame_nearest


class Lane(Struct, frozen=True, kw_only=True):
    """Where clips lie: 0 is the main storyline, above it are positive ones, below it negative."""

    kind: Literal["video", "audio", "caption"]
    lane: int
    name: str = ""


class Placed(Struct, frozen=True, kw_only=True):
    """A clip, or a transition of this name, at `[start, end)` seconds of the timeline."""

    lane: Lane
    start: Fraction
    end: Fraction
    clip: Clip | None = None
    transition: str = ""
    gain_db: float = 0.0


def laid(found: Sequence[Placed], rate: Fraction, losses: Losses) -> tuple[Track, ...]:
    """Return tracks, pictures from below, then captions, then sound; edges are put on the nearest frames.

    What lies over something of its own lane goes to a track of its own.
    """
    lanes: dict[Lane, list[Placed]] = {}
    for one in found:
        lanes.setdefault(replace(one.lane, name=""), []).append(one)
    kinds = {"video": 0, "caption": 1, "audio": 2}
    tracks: list[Track] = []
    for lane in sorted(lanes, key=lambda one: (kinds[one.kind], abs(one.lane))):
        names = [one.lane.name for one in lanes[lane] if one.lane.name]
        number = sum(track.kind == lane.kind for track in tracks) + 1
        name = names[0] if names else f"{lane.kind[0].upper()}{number}"
        tracks += _tracks(lane, name, lanes[lane], rate, losses)
    return tuple(tracks)


def _tracks(lane: Lane, name: str, found: list[Placed], rate: Fraction, losses: Losses) -> list[Track]:
    clips = sorted((one for one in found if one.clip is not None), key=lambda one: (one.start, one.end))
    crossings = [one for one in found if one.transition]
    rows: list[list[Placed]] = []
    for one in clips:
        row = next(
            (row for row in rows if frame_nearest(row[-1].end, rate) <= frame_nearest(one.start, rate)), None
        )
        if row is None:
            rows.append(row := [])
        row.append(one)
    made = []
    used: set[int] = set()
    for number, row in enumerate(rows):
        gains = {one.gain_db for one in row}
        if len(gains) > 1:
            losses.add(f"the lane {lane.lane}", "the gains of its clips", "they differ; a track has one")
        items = _items(row, crossings, used, rate)
        gain = gains.pop() if len(gains) == 1 else 0.0
        made.append(Track(kind=lane.kind, name=f"{name}{chr(39) * number}", items=tuple(items), gain_db=gain))
    for at, one in enumerate(crossings):
        if at not in used:
            what = f"the transition {one.transition!r} at {one.start} s"
            losses.add(f"the lane {lane.lane}", what, "there are not two clips that meet there")
    return made


def _items(
    row: list[Placed], crossings: list[Placed], used: set[int], rate: Fraction
) -> list[Clip | Gap | Transition]:
    items: list[Clip | Gap | Transition] = []
    end = 0
    for one in row:
        assert one.clip is not None
        first = max(frame_nearest(one.start, rate), end)
        last = max(frame_nearest(one.end, rate), first + 1)
        if first > end:
            items.append(Gap(duration=(first - end) / rate))
        elif items:
            cut = first / rate
            spans = ((at, other) for at, other in enumerate(crossings) if other.start <= cut <= other.end)
            met = next(spans, None)
            if met is not None and met[0] not in used:
                used.add(met[0])
                lead, tail = (frame_nearest(part, rate) for part in (cut - met[1].start, met[1].end - cut))
                items.append(
                    Transition(kind=met[1].transition, in_offset=lead / rate, out_offset=tail / rate)
                )
        span = TimeRange(start=one.clip.source_range.start, duration=(last - first) / rate)
        items.append(replace(one.clip, source_range=span))
        end = last
    return items
