"""A timeline's picture tracks, one above the other: what is seen in which span of frames, as one tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.timeline import Clip, Effect, Nested, Timeline
from engine.editing.catalogue.spec import catalogue
from engine.kernel.errors import Invalid
from engine.rendering.compiling.clips import Lead, Seen, handles_of, nested_frames, picture_of
from engine.rendering.compiling.dressing import dressed
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.lanes import Crossing, Lane, Shown, Stand, lane_of
from engine.rendering.compiling.mattes import mattes_of, tracks_as_mattes
from engine.rendering.compiling.values import entry_of, files_of, values_of
from engine.rendering.graph import (
    Between,
    Crossed,
    Drawn,
    Effected,
    Footage,
    Layer,
    Layered,
    Matted,
    Node,
    Placed,
    Solid,
)
from engine.rendering.walking import NOTHING, folded

PICTURES: Final = ("video", "caption")
# A timeline within a timeline within ... so many: deeper ones are a circle, or a mistake.
DEPTH_MOST: Final = 8


class Stretch(Struct, frozen=True, kw_only=True):
    """Frames `[start, end)` in which the same items are seen; `clip` is the lowest of them, "" where there is none."""

    start: int
    end: int
    node: Node
    clip: str
    lead: Lead | None


class Scene:
    """The pictures of one timeline on its own canvas."""

    def __init__(self, timeline: Timeline, given: Given, *, depth: int = 0) -> None:
        """Lay its tracks out; `given` has the canvas and the rate that it is made in.

        Raises:
            Invalid: a track's items cannot be.
        """
        if depth > DEPTH_MOST:
            raise Invalid(f"timelines are nested more than {DEPTH_MOST} deep", field="timeline")
        self._given, self._depth = given, depth
        self.lanes: tuple[Lane, ...] = tuple(
            lane_of(track, given.rate, lambda clip: handles_of(clip, given), given.notice)
            for track in timeline.tracks
            if track.kind in PICTURES and track.enabled and track.items
        )
        self._inner: dict[str, Scene] = {}
        self._mattes = tracks_as_mattes([lane.track for lane in self.lanes])

    @property
    def shown(self) -> tuple[Lane, ...]:
        """The lanes that are shown; the others are mattes."""
        return tuple(lane for lane in self.lanes if lane.track.name not in self._mattes)

    @property
    def length(self) -> int:
        """Frames of the longest picture track that is shown."""
        return max((lane.length for lane in self.shown), default=0)

    def edges(self, length: int) -> list[int]:
        """Return where an item begins or ends, and 0 and `length`; in order."""
        found = {0, length}
        for lane in self.lanes:
            for start, end, _ in lane.spans:
                found.update((start, end))
        return sorted(one for one in found if 0 <= one <= length)

    def stretches(self, length: int) -> Iterator[Stretch]:
        """Yield frames `[0, length)` in stretches in which the same items are seen, as long as they can be."""
        spans = [span for start, end in pairwise(self.edges(length)) for span in self._apart(start, end)]
        seen = [(self._seen_in(start, end), start, end) for start, end in spans]
        for _, group in groupby(seen, key=lambda one: one[0]):
            together = list(group)
            start, end = together[0][1], together[-1][2]
            yield self._stretch(start, end)

    def picture(self, frames: Sequence[int]) -> tuple[Node, Lead | None]:
        """Return the tree of frames in which the same items stand, and what leads it."""
        node, _, lead = self._made(frames)
        return node, lead

    def _stretch(self, start: int, end: int) -> Stretch:
        node, clip, lead = self._made(range(start, end))
        return Stretch(start=start, end=end, node=node, clip=clip, lead=lead)

    def _apart(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Divide a span where what stands in a nested timeline changes."""
        if not any(_nested(lane.at(start)) for lane in self.lanes):
            yield start, end
            return
        begin, before = start, self._inside(start)
        for frame in range(start + 1, end):
            now = self._inside(frame)
            if now != before:
                yield begin, frame
                begin, before = frame, now
        yield begin, end

    def _inside(self, frame: int) -> tuple[object, ...]:
        """Return what stands in all nested timelines at a frame, as something that can be compared."""
        found: list[object] = []
        for lane in self.lanes:
            for stand in _nested(lane.at(frame)):
                assert isinstance(stand.clip.media, Nested), "it was asked for"
                (inner,) = nested_frames(
                    stand.clip, stand.clip.media, (frame - stand.start,), self._given.rate
                )
                scene = self._scene(stand.clip, stand.clip.media)
                found += [_mark(one.at(inner)) for one in scene.lanes]
                found += scene._inside(inner)
        return tuple(found)

    def _seen_in(self, start: int, end: int) -> tuple[object, ...]:
        """Return what is seen in a span, hidden items left out, as something that can be compared."""
        if len(self.lanes) == 1:
            return (_mark(self.lanes[0].at(start)), *self._inside(start))
        seen: list[object] = []
        for lane, _layer, _lead in self._layers(range(start, end)):
            seen.append((id(lane), _mark(lane.at(start))))
        seen += [_mark(lane.at(start)) for lane in self.lanes if lane.track.name in self._mattes]
        return (*seen, *self._inside(start))

    def _made(self, frames: Sequence[int]) -> tuple[Node, str, Lead | None]:
        layers = self._layers(frames)
        lead = next((one for _, _, one in layers if one is not None), None)
        clip = _clip_at(layers[0][0], frames[0]) if layers else ""
        if not layers:
            return NOTHING, "", None
        only = layers[0][1]
        if len(layers) == 1 and only.blend == "normal" and only.opacity == (1.0,):
            return only.input, clip, lead
        return Layered(layers=tuple(layer for _, layer, _ in layers)), clip, lead

    def _layers(self, frames: Sequence[int]) -> list[tuple[Lane, Layer, Lead | None]]:
        """Return the layers that are seen, the lowest first: none below one that hides the canvas."""
        found: list[tuple[Lane, Layer, Lead | None]] = []
        for lane in reversed(self.shown):
            seen = self._on(lane, frames)
            if seen.node == NOTHING:
                continue
            found.append((lane, Layer(input=seen.node, blend=seen.blend, opacity=seen.opacity), seen.lead))
            if seen.blend == "normal" and min(seen.opacity) >= 1 and hides(seen.node):
                break
        return found[::-1]

    def _on(self, lane: Lane, frames: Sequence[int]) -> Seen:
        """Return what is seen on a track."""
        shown, track = lane.at(frames[0]), lane.track
        if shown is None:
            return Seen(NOTHING)
        where = f"the track {track.name!r}"
        seen = self._seen(shown, frames)
        if seen.node == NOTHING:
            return seen
        node = dressed(
            seen.node,
            [one for one in track.effects if one.enabled],
            [frame / self._given.rate for frame in frames],
            seen.lead.numbers if seen.lead else (0,),
            where,
            self._given,
        )
        return self._matted(replace(seen, node=node), track.effects, where, frames)

    def _seen(self, shown: Shown, frames: Sequence[int]) -> Seen:
        match shown:
            case Stand(clip=clip, start=start):
                seen = picture_of(clip, _shifted(frames, start), self._given, self._nested)
                return self._matted(seen, clip.effects, f"the clip {clip.id!r}", frames)
            case Crossing():
                return self._crossed(shown, frames)

    def _matted(
        self,
        seen: Seen,
        effects: Sequence[Effect],
        where: str,
        frames: Sequence[int],
    ) -> Seen:
        """Return what other tracks leave of a picture on the canvas."""
        for track, channel, inverted in mattes_of(effects, where, self._given):
            lane = next(lane for lane in self.lanes if lane.track.name == track)
            matte = self._on(lane, frames).alone
            if matte != NOTHING:
                node = Matted(input=seen.node, matte=matte, channel=channel, inverted=inverted)
                seen = replace(seen, node=node)
            elif not inverted:
                return Seen(NOTHING)
        return seen

    def _crossed(self, crossing: Crossing, frames: Sequence[int]) -> Seen:
        transition, given = crossing.transition, self._given
        where = f"the transition at frame {crossing.start}"
        entry = entry_of(transition.kind, "transition", where)
        times = [(frame - crossing.start) / given.rate for frame in frames]
        values = values_of(entry, transition.parameters, times, where=where, notice=given.notice)
        sides = [
            None if side is None else self._seen(side, frames) for side in (crossing.before, crossing.after)
        ]
        length = crossing.end - crossing.start
        leads = [side.lead for side in sides if side is not None and side.lead is not None]
        node = Crossed(
            name=transition.kind,
            first=NOTHING if sides[0] is None else sides[0].alone,
            second=NOTHING if sides[1] is None else sides[1].alone,
            progress=folded(
                tuple(float(Fraction(2 * (frame - crossing.start) + 1, 2 * length)) for frame in frames)
            ),
            values=values,
            files=files_of(entry, values),
        )
        return Seen(node, lead=leads[0] if leads else None)

    def _nested(self, clip: Clip, media: Nested, frames: Sequence[int]) -> tuple[Node, Lead | None]:
        return self._scene(clip, media).picture(frames)

    def _scene(self, clip: Clip, media: Nested) -> Scene:
        if clip.id not in self._inner:
            inside = media.timeline
            given = _given_for(inside, self._given)
            self._inner[clip.id] = Scene(inside, given, depth=self._depth + 1)
        return self._inner[clip.id]


def hides(node: Node) -> bool:
    """Whether nothing can be seen through a picture anywhere."""
    match node:
        case Footage() | Between():
            return True
        case Solid(colour=(_, _, _, alpha)):
            return alpha == 255
        case Drawn() | Placed() | Matted():
            return False
        case Effected(name=name, input=below):
            # A key makes parts of a picture transparent.
            return catalogue()[name].family != "key" and hides(below)
        case Layered(layers=layers):
            return any(
                layer.blend == "normal" and min(layer.opacity) >= 1 and hides(layer.input) for layer in layers
            )
        case Crossed(first=first, second=second):
            return hides(first) and hides(second)


def _given_for(timeline: Timeline, given: Given) -> Given:
    return replace(given, width=timeline.width, height=timeline.height, rate=timeline.rate)


def _nested(shown: Shown | None) -> list[Stand]:
    """Return the clips of what is shown whose media are timelines."""
    sides = (shown.before, shown.after) if isinstance(shown, Crossing) else (shown,)
    return [one for one in sides if isinstance(one, Stand) and isinstance(one.clip.media, Nested)]


def _mark(shown: Shown | None) -> object:
    match shown:
        case None:
            return None
        case Stand(start=start, clip=clip):
            return ("clip", clip.id, start)
        case Crossing(start=start, end=end):
            return ("crossing", start, end)


def _clip_at(lane: Lane, frame: int) -> str:
    match lane.at(frame):
        case Stand(clip=clip):
            return clip.id
        case Crossing(before=before, after=after):
            side = before or after
            return side.clip.id if side else ""
        case None:
            return ""


def _shifted(frames: Sequence[int], start: int) -> Sequence[int]:
    if isinstance(frames, range):
        return range(frames.start - start, frames.stop - start, frames.step)
    return [frame - start for frame in frames]
