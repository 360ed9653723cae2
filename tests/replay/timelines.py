"""A timeline's history: two people edit, one undoes past the other, something is redone, a fork goes its own way."""

from fractions import Fraction
from typing import Any, Final

from cutroom_sdk.wire import operations as o
from cutroom_sdk.wire.codec import decode
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Generator,
    Keyframe,
    Marker,
    Mask,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from cutroom_sdk.wire.timelines import TimelineOrigin
from engine.editing.reducer import Create, Edit, Event, Kept, TakeBack
from engine.editing.undo import Past, redoing, undoing
from engine.kernel import log
from engine.kernel.context import Context
from engine.kernel.dispatch import Asked
from tests.replay.story import ADA, Story

BOB: Final = Context(actor="bob", human=True, capabilities=frozenset({"*"}))
FILM: Final = "timeline/film"
EVENT: Final[Any] = Event
RATE: Final = Fraction(30000, 1001)


def _frames(count: int) -> Fraction:
    return count / RATE


def _clip(name: str, start: int, lasts: int, **more: Any) -> Clip:
    return Clip(
        id=name,
        media=AssetReference(asset_id="f00d"),
        source_range=TimeRange(start=_frames(start), duration=_frames(lasts)),
        **more,
    )


def _first() -> Timeline:
    pictures = (
        _clip("v1", 0, 60, link_group="one"),
        _clip("v2", 120, 90, link_group="two"),
        _clip("v3", 300, 45, speed=Fraction(1, 2)),
    )
    sounds = (_clip("a1", 0, 60, link_group="one"), _clip("a2", 120, 90, link_group="two"))
    return Timeline(
        name="Film",
        rate=RATE,
        width=1920,
        height=1080,
        sample_rate=48_000,
        tracks=(
            Track(kind="video", name="V1", items=pictures),
            Track(kind="audio", name="A1", items=sounds),
        ),
    )


class Editing(Story):
    """Two people at one timeline."""

    def edits(self, who: Context, *operations: o.TimelineOperation) -> None:
        """Carry operations out."""
        self.propose(Asked(FILM, Edit(operations=operations)), who)

    def takes_back(self, who: Context, what: Any) -> None:
        """Undo or redo, as the routes do."""
        history = [Past(one.version, one.actor, one.at_ms, decode(one.data, EVENT)) for one in self.events]
        found = (undoing if what == "undo" else redoing)(history, who.actor)
        assert found is not None
        self.propose(Asked(FILM, TakeBack(what=what, of=found.of, changes=found.changes)), who)


def timeline() -> list[log.Event]:
    """Return the events of the story as today's rules tell it."""
    story = Editing()
    story.propose(Asked(FILM, Create(timeline=_first())), ADA)
    keys = (
        Keyframe(at=_frames(0), value=0.0, ease=(0.4, 0.0, 0.2, 1.0)),
        Keyframe(at=_frames(30), value=1.5),
    )
    exposure = Effect(name="exposure", parameters={"stops": keys}, mask=Mask(shape="ellipse", feather=0.2))
    story.edits(
        ADA, o.AddEffect(clip="v1", effect=exposure), o.Trim(clip="v1", head=_frames(10), ripple=True)
    )
    cross = Transition(kind="dissolve", in_offset=_frames(6), out_offset=_frames(6))
    story.edits(BOB, o.AddTransition(after="v2", transition=cross))
    story.edits(
        ADA, o.Split(clip="v2", at=_frames(40)), o.AddMarker(marker=Marker(name="turn", at=_frames(90)))
    )
    story.edits(BOB, o.SetTrack(track=1, gain_db=-4.5), o.AddTrack(kind="caption", name="Words"))
    title = Clip(
        id="t1",
        media=Generator(kind="title", parameters={"text": "Film"}),
        source_range=TimeRange(start=Fraction(0), duration=_frames(50)),
    )
    story.edits(ADA, o.SetCaptions(track=2, items=(title,)))
    story.takes_back(ADA, "undo")
    story.takes_back(ADA, "undo")
    story.takes_back(ADA, "redo")
    story.edits(BOB, o.Move(clip="v1", at=_frames(200)), o.SetSettings(name="The film"))
    story.takes_back(BOB, "undo")
    kept: Kept = story.state(FILM)
    assert kept.timeline is not None
    origin = TimelineOrigin(timeline_id="film", version=kept.version)
    story.propose(Asked("timeline/fork", Create(timeline=kept.timeline, forked_from=origin)), BOB)
    return story.events
