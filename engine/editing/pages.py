"""How a kept timeline is published: a small head, a part for each track, and the items of a long track in pages.

Where a page begins follows from the items alone: at a clip whose id says so, one in so many. So an edit writes the page
that it touches and leaves the others as they are, under the names that they have, wherever it moves their items to
(content-defined chunking: Muthitacharoen, Chen, Mazieres, A Low-bandwidth Network File System, SOSP 2001).
"""

import hashlib
from collections.abc import Mapping
from typing import Final
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import Clip, Track
from cutroom_sdk.wire.timelines import TimelineItems, TimelineTrack
from engine.editing.timeline import Item

KIND: Final = "timeline"
WHOLE_MOST: Final = 64  # a track of more items is in pages
PAGE_USUAL: Final = 16
PAGE_MOST: Final = 64  # but for gaps and transitions that follow: a page begins with a clip
FIRST: Final = "first"

Items = tuple[Item, ...]


def head_key(timeline_id: str) -> str:
    """Return the key of the resource that a timeline's head is published as."""
    return f"{KIND}/{timeline_id}"


def track_key(timeline_id: str, number: int) -> str:
    """Return the key of the resource that a track is published as."""
    return f"{KIND}/{timeline_id}/track/{number}"


def page_key(timeline_id: str, number: int, page: str) -> str:
    """Return the key of the resource that a page of a track's items is published as."""
    return f"{KIND}/{timeline_id}/track/{number}/items/{page}"


def is_page(key: str) -> bool:
    """Tell whether one of a timeline's keys is that of a page."""
    return key.count("/") == page_key("", 0, "").count("/")


def pages(items: Items) -> dict[str, Items]:
    """Return a row of items in pages by their names, in order; none of a row that is short."""
    if len(items) <= WHOLE_MOST:
        return {}
    found: dict[str, Items] = {}
    name, begins = FIRST, 0
    for number, item in enumerate(items):
        if not isinstance(item, Clip) or number == begins:
            continue
        # One clip in `PAGE_USUAL` begins a page wherever it stands.
        if crc32(item.id.encode()) % PAGE_USUAL == 0 or number - begins >= PAGE_MOST:
            found[name] = items[begins:number]
            name, begins = hashlib.sha256(item.id.encode()).hexdigest()[:16], number
    found[name] = items[begins:]
    return found


def published(
    timeline_id: str, number: int, before: Track | None, after: Track | None, *, paged: bool
) -> Mapping[str, Struct | None]:
    """Return those of a track's resources that may differ when another one takes its place, None for those that are gone.

    `before` None: there was none; `after` None: there is none any more. Unless `paged`, a track is whole however long it is.
    """
    old = pages(before.items) if paged and before is not None else {}
    new = pages(after.items) if paged and after is not None else {}
    told: dict[str, Struct | None] = {
        page_key(timeline_id, number, name): None for name in old if name not in new
    }
    told |= {
        page_key(timeline_id, number, name): TimelineItems(
            timeline_id=timeline_id, number=number, page=name, items=items
        )
        for name, items in new.items()
        if old.get(name) != items
    }
    if after is None:
        return {track_key(timeline_id, number): None} | told
    shown = replace(after, items=()) if new else after
    track = TimelineTrack(timeline_id=timeline_id, number=number, track=shown, pages=tuple(new))
    return {track_key(timeline_id, number): track} | told
