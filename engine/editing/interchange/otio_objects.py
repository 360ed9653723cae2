"""OpenTimelineIO's own objects: read from a file, and asked what they may not know."""

from collections import Counter
from fractions import Fraction
from typing import Any, Final

import msgspec
import opentimelineio as otio

from engine.editing.interchange.otio_form import exact_rate
from engine.http.requests import json_depth
from engine.kernel.errors import Invalid

# OTIO's own reader ends the process where metadata is nested a hundred thousand times.
DEPTH_MOST: Final = 200


def parsed(data: bytes) -> Any:
    """Return the OTIO timeline in a file.

    Raises:
        Invalid: there is none, or several; or it would end the process to read it.
    """
    try:
        plain = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid(f"this is not OpenTimelineIO: {error}", field="otio") from error
    if not isinstance(plain, dict) or json_depth(data) > DEPTH_MOST:
        raise Invalid("this is not OpenTimelineIO: one object, not nested too deeply", field="otio")
    if b"SerializableObjectRef" in data:
        raise Invalid(
            "this OpenTimelineIO holds references between its objects, which are not read", field="otio"
        )
    try:
        read = otio.adapters.read_from_string(data.decode(), "otio_json")
        if isinstance(read, otio.schema.SerializableCollection):
            inside = [one for one in read if isinstance(one, otio.schema.Timeline)]
            read = inside[0] if len(inside) == 1 else read
    except Exception as error:  # OTIO raises many kinds, its own and Python's
        raise Invalid(f"this is not OpenTimelineIO: {error}", field="otio") from error
    if not isinstance(read, otio.schema.Timeline):
        raise Invalid(f"this is a {type(read).__name__}, not a timeline", field="otio")
    return read


def rate_of(read: Any) -> Fraction | None:
    """Return the rate that most clips of the first picture track are counted in; None: there is none."""
    found: Counter[Fraction] = Counter()
    for track in read.tracks:
        if not isinstance(track, otio.schema.Track) or track.kind != otio.schema.TrackKind.Video:
            continue
        for item in track:
            span = getattr(item, "source_range", None)
            if span is not None and 1 <= span.duration.rate <= 240:
                found[exact_rate(span.duration.rate)] += 1
    return found.most_common(1)[0][0] if found else None


def alone(item: Any) -> Any:
    """Return a track of what stands on a stack by itself: pictures, from its first frame."""
    track = otio.schema.Track(name=item.name, kind=otio.schema.TrackKind.Video)
    track.append(item.deepcopy())
    return track


def whole(item: Any) -> Any:
    """Return the range of all there is of an item; None: nobody knows."""
    try:
        return item.available_range()
    except Exception:  # OTIO raises its own errors where there is no range
        return None


def duration_of(item: Any, where: str) -> Any:
    """Return how long an item lasts.

    Raises:
        Invalid: nobody knows; `field` is `where`.
    """
    try:
        return item.duration()
    except Exception as error:  # as above
        raise Invalid(f"{where} has no duration: {error}", field=where) from error
