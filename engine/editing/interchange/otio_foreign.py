"""Effects that the catalogue does not have: kept as another program wrote them, changing nothing, and written back as they were.

They stand in the timeline's metadata under `foreign_effects`, each with the clip or the track that wore it. Nothing here reads
what they say: a program that knows them finds them again.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import opentimelineio as otio

from cutroom_sdk.wire.timeline import Timeline
from engine.http.requests import json_depth

KEY: Final = "foreign_effects"
BYTES_MOST: Final = 16 << 10
KEPT_MOST: Final = 500
# As of whole files: OTIO's own reader ends the process where metadata is nested a hundred thousand times.
DEPTH_MOST: Final = 100

Kept = dict[str, Any]


def kept_of(effect: Any, holder: Kept) -> Kept | None:
    """Return an effect of another program as it is kept; None: it is too large, or not to be had.

    Args:
        effect: OTIO's.
        holder: what wears it: `{"clip": id}` or `{"track": number}`.
    """
    try:
        text = otio.core.serialize_json_to_string(effect, indent=-1)
    except Exception:  # OTIO raises many kinds, its own and Python's
        return None
    return {**holder, "name": effect.effect_name or effect.name, "otio": text} if _is_fit(text) else None


def foreign_of(timeline: Timeline, **holder: Any) -> list[Any]:
    """Return the effects of other programs that a clip (`clip=id`) or a track (`track=number`) wore, as OTIO's own."""
    rows = timeline.metadata.get(KEY, ())
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return []
    ((name, value),) = holder.items()
    texts = (one.get("otio") for one in rows[:KEPT_MOST] if isinstance(one, dict) and one.get(name) == value)
    found = (_read(text) for text in texts if isinstance(text, str))
    return [one for one in found if one is not None]


def _read(text: str) -> Any | None:
    if not _is_fit(text):
        return None
    try:
        found = otio.core.deserialize_json_from_string(text)
    except Exception:
        return None
    return found if isinstance(found, otio.schema.Effect) else None


def _is_fit(text: str) -> bool:
    """Tell whether a text is small, JSON, and nothing that OTIO's reader stumbles over."""
    data = text.encode()
    if len(data) > BYTES_MOST or b"SerializableObjectRef" in data:
        return False
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return False
    return json_depth(data) <= DEPTH_MOST
