"""Captions of a file onto a timeline that is there: tracks of their own on top, by operations that can be undone."""

from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.interchange import TimelineImportRequest
from cutroom_sdk.wire.operations import SetCaptions, SetTrack, TimelineOperation
from cutroom_sdk.wire.timeline import Clip, Timeline, Track, Transition
from engine.editing.finding import fresh_ids

CAPTIONS: Final = ("srt", "vtt", "ass")


def fitting(asked: TimelineImportRequest, timeline: Timeline) -> TimelineImportRequest:
    """Return the request with the settings of the timeline that takes the captions: they fall on its frames."""
    return replace(
        asked,
        rate=timeline.rate,
        width=timeline.width,
        height=timeline.height,
        sample_rate=timeline.sample_rate,
    )


def laid_on(
    timeline: Timeline, tracks: tuple[Track, ...], *, name: str | None
) -> tuple[TimelineOperation, ...]:
    """Return the operations that put caption tracks on top of a timeline, their clips under ids that it does not have.

    Args:
        timeline: what takes them.
        tracks: what was read.
        name: what they are called, with numbers where there are several; None: as in the file.
    """
    fresh = fresh_ids(timeline)
    found: list[TimelineOperation] = []
    for number, track in enumerate(tracks):
        items = tuple(
            replace(one, id=fresh(one.id)) if isinstance(one, Clip) else one
            for one in track.items
            if not isinstance(one, Transition)  # captions have none
        )
        called = track.name if name is None else name if len(tracks) == 1 else f"{name} {number + 1}"
        found += [
            SetCaptions(items=items),
            SetTrack(track=len(timeline.tracks) + number, name=called),
        ]
    return tuple(found)
