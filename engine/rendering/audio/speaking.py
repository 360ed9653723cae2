"""When somebody speaks on a track, as an analysis of its footage has found it: what music makes room for.

Spans are half open. A clip at another speed, backwards or with a ramp speaks when it comes to what was said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.media import Speech
from cutroom_sdk.wire.timeline import AssetReference, Clip, Nested, Timeline, Track, Transition
from engine.editing.pace import Pace
from engine.editing.timeline import item_duration

# Seconds from the beginning of a track, a medium or a timeline.
Spans = tuple[tuple[Fraction, Fraction], ...]
Known = Mapping[str, tuple[Speech, ...]]

# How finely it is told what a clip whose speed changes has come to, seconds.
STEP: Final = Fraction(1, 100)


def spoken_on(track: Track, known: Known) -> Spans:
    """Return when somebody speaks on a track, in order and apart; all of its clips are known (`unknown_on`)."""
    found: list[tuple[Fraction, Fraction]] = []
    at = Fraction(0)
    for item in track.items:
        if isinstance(item, Transition):
            continue
        lasts = item_duration(item)
        if isinstance(item, Clip) and item.enabled:
            found += [(at + start, at + end) for start, end in _of_clip(item, known)]
        at += lasts
    return joined(found)


def unknown_on(track: Track, known: Known) -> tuple[str, ...]:
    """Return the assets on a track in which nobody has looked for speech, each once."""
    return tuple(dict.fromkeys(_unknown(track, known)))


def joined(spans: Iterable[tuple[Fraction, Fraction]]) -> Spans:
    """Return spans in order, those that touch as one."""
    found: list[tuple[Fraction, Fraction]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def _unknown(track: Track, known: Known) -> Iterator[str]:
    for clip in track.items:
        if not isinstance(clip, Clip) or not clip.enabled:
            continue
        match clip.media:
            case AssetReference(asset_id=asset_id) if asset_id not in known:
                yield asset_id
            case Nested(timeline=timeline):
                for inner in _sounding(timeline):
                    yield from _unknown(inner, known)
            case _:
                pass


def _sounding(timeline: Timeline) -> list[Track]:
    return [track for track in timeline.tracks if track.kind == "audio" and track.enabled]


def _of_clip(clip: Clip, known: Known) -> Iterator[tuple[Fraction, Fraction]]:
    """Yield when a clip speaks, in its own time, within it."""
    lasts, media = clip.source_range.duration, _of_media(clip, known)
    pace = Pace(clip.speed, clip.ramp)
    start = clip.source_range.start - pace.lowest(lasts)
    if clip.ramp or clip.speed == 0:
        moments = [STEP * place for place in range(int(lasts / STEP) + 1)]
        heard = (
            (at, min(lasts, at + STEP))
            for at in moments
            if at < lasts and _within(start + pace.moved(at), media)
        )
        yield from joined(heard)
        return
    for said, over in media:
        first, last = sorted(((said - start) / clip.speed, (over - start) / clip.speed))
        if max(first, Fraction(0)) < min(last, lasts):
            yield max(first, Fraction(0)), min(last, lasts)


def _of_media(clip: Clip, known: Known) -> Spans:
    match clip.media:
        case AssetReference(asset_id=asset_id):
            return joined((one.start, one.end) for one in known[asset_id])
        case Nested(timeline=timeline):
            return joined(span for track in _sounding(timeline) for span in spoken_on(track, known))
        case _:
            return ()


def _within(moment: Fraction, spans: Spans) -> bool:
    return any(start <= moment < end for start, end in spans)
