"""How a film has its captions: on its picture, in tracks of text, in files beside it, or not at all. Pure.

    timeline --as_wanted--> what is compiled        timeline + the film's length --written--> files beside it

Captions of nested timelines are part of their pictures and stay there, whatever is wanted.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final, get_args

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.interchange import Loss
from cutroom_sdk.wire.renders import CaptionFormat, CaptionsAs, Profile
from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Nested, Timeline, Track
from engine.editing.captions_wish import wish_of
from engine.editing.interchange.cues import cues_of
from engine.editing.interchange.formats import FORMS
from engine.editing.interchange.losses import Losses
from engine.editing.interchange.shelf import Shelf
from engine.editing.timeline import Item, item_duration
from engine.rendering.subtitles import SOFT

FORMATS: Final[tuple[CaptionFormat, ...]] = get_args(CaptionFormat)
CAPTION: Final = "caption"
STYLE: Final = "style"
_NAME_MOST: Final = 40


class Beside(Struct, frozen=True, kw_only=True):
    """A file of captions: of which track, its text, and what its format could not carry.

    `name` tells it from the film's other files of captions, "" where it is the only one.
    """

    format: CaptionFormat
    track: str
    name: str
    text: str
    captions: int
    losses: tuple[Loss, ...] = ()


def captioned(profile: Profile, timeline: Timeline, asked: CaptionsAs | None) -> Profile:
    """Return the profile with the captions that are asked for: by the job, else by the timeline, else as it has them."""
    return replace(profile, captions=asked or wish_of(timeline) or profile.captions)


def as_wanted(timeline: Timeline, wanted: CaptionsAs) -> tuple[Timeline, tuple[str, ...]]:
    """Return what of a timeline is compiled, and what is to be said about that."""
    if wanted == "any":
        return timeline, ()
    if wanted in ("burn", "soft"):
        tracks = tuple(_styled(track, wanted == "soft") for track in timeline.tracks)
        return replace(timeline, tracks=tracks), ()
    kept = tuple(track for track in timeline.tracks if track.kind != "caption")
    pictures = (track for track in kept if track.kind == "video")
    drawn = [item for track in pictures for item in track.items if isinstance(item, Clip) and _holds(item)]
    notices = (
        f"the captions inside the nested timeline of {clip.name or clip.id} stay on its picture"
        for clip in drawn
    )
    return replace(timeline, tracks=kept), tuple(notices)


def written(timeline: Timeline, wanted: CaptionsAs, duration: Fraction) -> tuple[Beside, ...]:
    """Return the files of captions that go beside a film of `duration` seconds, one for each enabled track that says something."""
    form = next((one for one in FORMATS if one == wanted), None)
    if form is None:
        return ()
    found = [_file(timeline, track, form, duration) for track in timeline.tracks if _speaks(track)]
    said = [one for one in found if one.captions]
    if len(said) == 1:
        return (replace(said[0], name=""),)
    return tuple(replace(one, name=name) for one, name in zip(said, _names(said), strict=True))


def _file(timeline: Timeline, track: Track, form: CaptionFormat, duration: Fraction) -> Beside:
    ended, late = _until(track, duration)
    alone = replace(timeline, tracks=(ended,))
    made = FORMS[form].write(alone, Shelf())
    losses = Losses()
    losses.add_all(made.losses)
    if late:
        losses.add(
            f"the track {track.name!r}", f"{late} captions after the film's end", "nothing is shown there"
        )
    return Beside(
        format=form,
        track=track.name,
        name=track.name,
        text=made.data.decode(),
        captions=len(cues_of(alone, Losses())),
        losses=losses.all(),
    )


def _until(track: Track, duration: Fraction) -> tuple[Track, int]:
    """Return a track that ends with the film, and how many of its clips lie behind that."""
    items: list[Clip | Gap] = []
    at, late = Fraction(0), 0
    for item in track.items:
        if not isinstance(item, Clip | Gap):
            continue
        left = min(item_duration(item), duration - at)
        at += item_duration(item)
        if left <= 0:
            late += isinstance(item, Clip)
        elif isinstance(item, Gap):
            items.append(Gap(duration=left))
        else:
            items.append(replace(item, source_range=replace(item.source_range, duration=left)))
    return replace(track, items=tuple(items)), late


def _styled(track: Track, soft: bool) -> Track:
    """Return a track whose captions are all text tracks, or all drawn; what was drawn keeps its look."""
    if track.kind != "caption":
        return track
    return replace(track, items=tuple(_restyled(item, soft) for item in track.items))


def _restyled(item: Item, soft: bool) -> Item:
    if not isinstance(item, Clip) or not isinstance(item.media, Generator) or item.media.kind != CAPTION:
        return item
    look = item.media.parameters
    if soft:
        look = {**look, STYLE: SOFT}
    elif look.get(STYLE) == SOFT:
        look = {name: value for name, value in look.items() if name != STYLE}
    return replace(item, media=replace(item.media, parameters=look))


def _speaks(track: Track) -> bool:
    return track.kind == "caption" and track.enabled


def _holds(clip: Clip) -> bool:
    """Tell whether a clip's own timeline, or one inside that, has captions."""
    if not clip.enabled or not isinstance(clip.media, Nested):
        return False
    tracks = clip.media.timeline.tracks
    inner = (item for track in tracks for item in track.items if isinstance(item, Clip))
    return any(_speaks(track) and track.items for track in tracks) or any(map(_holds, inner))


def _names(files: list[Beside]) -> Iterator[str]:
    """Yield a name for each file that no other has: its track's, as far as a file can be called that."""
    taken: set[str] = set()
    for number, one in enumerate(files, 1):
        plain = re.sub(r"[^\w-]+", "-", one.track).strip("-")[:_NAME_MOST] or str(number)
        name = plain if plain not in taken else f"{plain}-{number}"
        taken.add(name)
        yield name
