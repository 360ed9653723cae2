"""One clip's pictures: its media at the frames asked for, through its effects, laid onto the canvas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.media import Asset, Faces
from cutroom_sdk.wire.timeline import AssetReference, Clip, Effect, Generator, Nested, TimelineReference
from engine.editing.timeline import duration
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.timecode import frame_nearest
from engine.rendering.compiling.backdrop import covering, enlarged, small
from engine.rendering.compiling.dressing import FindFaces, dressed
from engine.rendering.compiling.faces import onwards, regions_of, through_window
from engine.rendering.compiling.fitting import FIT, REFRAME, Fitted, fitted
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.laying import onto, own_size
from engine.rendering.compiling.moving import KEN_BURNS, PIP, TRANSFORM, moved
from engine.rendering.compiling.times import ENDLESS, Times
from engine.rendering.compiling.values import entry_of, number, product, text, values_of
from engine.rendering.footage import colours_of, footage_of, shown_size, turned_size
from engine.rendering.geometry import window
from engine.rendering.graph import (
    Between,
    Drawn,
    DrawnWord,
    Footage,
    Layer,
    Layered,
    Node,
    Numbers,
    Placed,
    Region,
    Solid,
)
from engine.rendering.walking import NOTHING, at, folded

PLACING: Final = frozenset({FIT, REFRAME, TRANSFORM, PIP, KEN_BURNS})
BLEND, SLOW = "blend", "slow_motion"


@dataclass(frozen=True)
class Lead:
    """The source's frames behind a picture, by which it is divided; so many of them for each output frame, as a rule."""

    numbers: tuple[int, ...]
    per_frame: Fraction


@dataclass(frozen=True)
class Seen:
    """A clip's pictures as a layer."""

    node: Node
    blend: str = "normal"
    opacity: Numbers = (1.0,)
    lead: Lead | None = None

    @property
    def alone(self) -> Node:
        """The pictures with their opacity in them."""
        if self.opacity == (1.0,):
            return self.node
        return Layered(layers=(Layer(input=self.node, opacity=self.opacity),))


@dataclass(frozen=True)
class _Looked:
    """Faces that were found in a clip's footage."""

    faces: Faces
    asset: Asset
    index: FrameIndex
    numbers: tuple[int, ...]
    fit: Fitted
    given: Given

    def on(self, size: tuple[int, int], placed: Placed | None) -> FindFaces:
        """Return where they are on the clip's own canvas of `size` pixels, or where it is placed."""
        assert self.asset.video is not None, "it was looked at"
        turned = turned_size(self.asset.video)
        fit, given = self.fit, self.given
        shape = (given.width, given.height) if fit.cut else None
        centers = (fit.center_x, fit.center_y)
        shown = window(turned, shown_size(self.asset.video), shape, size, centers, len(self.numbers))
        carry = through_window(shown, turned, size)
        if placed is not None:
            matrices = [
                (at(placed.xx, n), at(placed.xy, n), at(placed.x0, n), at(placed.yx, n), at(placed.yy, n), at(placed.y0, n))
                for n in range(len(self.numbers))
            ]  # fmt: skip
            carry = onwards(carry, size, matrices, (given.width, given.height))
        moments = [self.index.time_of(number_) for number_ in self.numbers]

        def find(feather: Numbers, *, inverted: bool) -> tuple[Region, ...]:
            return regions_of(self.faces, moments, carry, feather, inverted=inverted)

        return find


# How the pictures of a nested timeline are made: the timeline, its frames, what it is given.
Inner = Callable[[Clip, Nested, Sequence[int]], tuple[Node, Lead | None]]


def picture_of(clip: Clip, frames: Sequence[int], given: Given, inner: Inner) -> Seen:
    """Return the pictures of a clip's frames; below 0 and beyond its length are its handles.

    Raises:
        Invalid: the text names the clip and what it lacks or asks for.
    """
    times = [frame / given.rate for frame in frames]
    effects = [one for one in clip.effects if one.enabled]
    pace = Times(clip, given.rate)
    match clip.media:
        case AssetReference(asset_id=asset_id):
            found = _asset(clip, asset_id, given)
            if found is None:
                return Seen(NOTHING)
            return _footage(clip, *found, frames, times, effects, pace, given)
        case Generator():
            made = _generated(clip, clip.media, frames, pace, given)
            return _laid(clip, made, (given.width, given.height), effects, times, (0,), None, given)
        case Nested(timeline=timeline):
            node, lead = inner(clip, clip.media, nested_frames(clip, clip.media, frames, given.rate))
            size = (timeline.width, timeline.height)
            return _laid(clip, node, size, effects, times, (0,), lead, given)
        case TimelineReference(timeline_id=timeline_id):
            if not given.lenient:
                raise Invalid(f"the clip {clip.id!r} shows the timeline {timeline_id}, which is not there")
            given.warn(f"the clip {clip.id!r} shows the timeline {timeline_id}, which is not there")
            return Seen(NOTHING)


def nested_frames(clip: Clip, media: Nested, frames: Sequence[int], rate: Fraction) -> tuple[int, ...]:
    """Return the frame of the nested timeline that each of the clip's frames shows."""
    inside = media.timeline
    count = max(1, frame_nearest(duration(inside), inside.rate))
    pace = Times(clip, rate)
    moments = (pace.middle(frame, 1 / inside.rate) * inside.rate for frame in frames)
    return tuple(min(max(0, int(moment // 1)), count - 1) for moment in moments)


def handles_of(clip: Clip, given: Given) -> tuple[int, int]:
    """Return how many frames a clip can show before its first and after its last."""
    pace = Times(clip, given.rate)
    count = frame_nearest(clip.source_range.duration, given.rate)
    match clip.media:
        case AssetReference(asset_id=asset_id):
            index = given.indexes.get(asset_id)
            return (ENDLESS, ENDLESS) if index is None else pace.handles(index.duration, count)
        case Nested(timeline=timeline):
            return pace.handles(duration(timeline), count)
        case _:
            return ENDLESS, ENDLESS


def _asset(clip: Clip, asset_id: str, given: Given) -> tuple[Asset, FrameIndex] | None:
    asset, index = given.assets.get(asset_id), given.indexes.get(asset_id)
    if asset is None or asset.video is None or index is None:
        said = f"the clip {clip.id!r} needs the picture of {asset_id}: it is not there"
        if not given.lenient:
            raise Invalid(said, asset=asset_id)
        given.warn(said)
        return None
    return asset, index


def _footage(
    clip: Clip,
    asset: Asset,
    index: FrameIndex,
    frames: Sequence[int],
    times: list[Fraction],
    effects: list[Effect],
    pace: Times,
    given: Given,
) -> Seen:
    start, end = pace.used
    # The last frame may be cut short by a time base: one output frame of grace.
    if start < 0 or end > index.duration + max(Fraction(1), pace.typical) / given.rate:
        raise Invalid(
            f"the clip {clip.id!r} takes [{start}, {end}) s of {asset.name}, which has [0, {index.duration})"
        )
    slow = next((one for one in effects if one.name == SLOW), None)
    if slow is not None and (clip.ramp or not 0 < clip.speed < 1):
        given.notice(f"{_name(clip)}: slow motion has no effect, as its speed is not between 0 and 1")
        slow = None
    numbers = pace.numbers(index, frames)
    assert asset.video is not None, "it was looked at"
    shown = shown_size(asset.video)
    fit = fitted(effects, shown, given, times, usual="cover", where=_name(clip))

    def shots(width: int, height: int, of: tuple[int, ...]) -> Footage:
        return _shots(asset, index, of, fit, (width, height), given, cut=fit.cut)

    def made(width: int, height: int) -> Node:
        if slow is None:
            return shots(width, height, numbers)
        firsts, seconds, parts = pace.between(index, frames)
        values = values_of(
            entry_of(SLOW, "effect", _name(clip)),
            slow.parameters,
            times,
            where=_name(clip),
            notice=given.notice,
        )
        quality = text(values, "quality")
        given.method(
            f"{_name(clip)}: slow motion, quality {quality}: movement is followed by dense inverse search"
        )
        assert quality in ("high", "medium", "fast"), "the catalogue has checked it"
        return Between(
            first=shots(width, height, firsts),
            second=shots(width, height, seconds),
            part=folded(parts),
            quality=quality,  # type: ignore[arg-type]  # one of the three, as asserted
        )

    per_frame = Fraction(index.count) / (index.duration * given.rate) * pace.typical
    lead = Lead(numbers, per_frame)
    looked = given.analyses.faces.get(asset.asset_id)
    faces = None if looked is None else _Looked(looked, asset, index, numbers, fit, given)
    seen = _placed(
        clip, made, _room(asset, fit), fit, effects, times, numbers, lead, given,
        faces=faces, asset_id=asset.asset_id,
    )  # fmt: skip
    if fit.mode != "blur_fill":
        return seen
    canvas = (given.width, given.height)
    behind = _shots(asset, index, numbers, fit, small(canvas), given, cut=True)
    return _before(behind, seen, fit, canvas)


def _before(behind: Node, seen: Seen, fit: Fitted, canvas: tuple[int, int]) -> Seen:
    """Lay a picture before a background that was made `small`."""
    layers = (
        Layer(input=enlarged(behind, canvas, fit.dim)),
        Layer(input=seen.node, opacity=seen.opacity),
    )
    return replace_node(seen, Layered(layers=layers))


def replace_node(seen: Seen, node: Node) -> Seen:
    """Return the layer with other pictures, opaque as they are."""
    return Seen(node, seen.blend, (1.0,), seen.lead)


def _room(asset: Asset, fit: Fitted) -> tuple[float, float]:
    """Return how many pixels the source has for the fitted picture."""
    assert asset.video is not None, "it was looked at"
    turned, shown = turned_size(asset.video), shown_size(asset.video)
    if not fit.cut:
        return float(turned[0]), float(turned[1])
    scale = min(shown[0] / fit.width, shown[1] / fit.height)
    return fit.width * scale * turned[0] / shown[0], fit.height * scale * turned[1] / shown[1]


def _shots(
    asset: Asset,
    index: FrameIndex,
    numbers: tuple[int, ...],
    fit: Fitted,
    size: tuple[int, int],
    given: Given,
    *,
    cut: bool,
) -> Footage:
    assert asset.video is not None, "it was looked at"
    *_, chosen = colours_of(asset)
    for one in chosen:
        given.default(one)
    stand_in = given.stand_ins.get(asset.asset_id)
    shown = window(
        turned_size(asset.video) if stand_in is None else (stand_in.width, stand_in.height),
        shown_size(asset.video),
        (given.width, given.height) if cut else None,
        size,
        (fit.center_x, fit.center_y),
        len(numbers),
    )
    return footage_of(asset, index, numbers, shown) if stand_in is None else stand_in.footage(numbers, shown)


def _generated(clip: Clip, media: Generator, frames: Sequence[int], pace: Times, given: Given) -> Node:
    entry = entry_of(media.kind, "generator", _name(clip))
    moments = [pace.at(frame) - clip.source_range.start for frame in frames]
    values = values_of(entry, media.parameters, moments, where=_name(clip), notice=given.notice)
    if media.kind == "solid":
        return Solid(colour=_colour(text(values, "colour"), _name(clip)))
    drawn = Drawn(
        kind=media.kind,
        values=values,
        seconds=folded(tuple(float(moment) for moment in moments)),
        lasts=float(clip.source_range.duration),
        words=tuple(DrawnWord(text=word.text, start=word.start, end=word.end) for word in media.words),
    )
    lettered, notices = given.letter(drawn)
    for notice in notices:
        given.notice(notice)
    return lettered


def _colour(said: str, where: str) -> tuple[int, int, int, int]:
    digits = said.removeprefix("#")
    if len(digits) not in (6, 8) or any(one not in "0123456789abcdefABCDEF" for one in digits):
        raise Invalid(f"{where}: {said[:20]!r} is no colour: #rrggbb or #rrggbbaa")
    red, green, blue, alpha = (int((digits + "ff")[place : place + 2], 16) for place in (0, 2, 4, 6))
    return red, green, blue, alpha


def _laid(
    clip: Clip,
    node: Node,
    size: tuple[int, int],
    effects: list[Effect],
    times: list[Fraction],
    seeds: tuple[int, ...],
    lead: Lead | None,
    given: Given,
) -> Seen:
    """Lay what has a canvas of its own; it is not made larger or smaller for it."""
    canvas, where = (given.width, given.height), _name(clip)
    fit = fitted(effects, size, given, times, usual="contain", where=where)
    behind: Node | None = None
    if size[0] * canvas[1] == size[1] * canvas[0]:
        fit = Fitted(width=float(canvas[0]), height=float(canvas[1]), mode="fill")
    elif fit.cut:
        node, size = covering(node, size, canvas, (fit.center_x, fit.center_y)), canvas
    elif fit.mode == "blur_fill":
        behind = covering(node, size, small(canvas), ((0.5,), (0.5,)))

    def made(_width: int, _height: int) -> Node:
        return node

    seen = _placed(clip, made, None, fit, effects, times, seeds, lead, given, own=size)
    return seen if behind is None else _before(behind, seen, fit, canvas)


def _placed(
    clip: Clip,
    made: Callable[[int, int], Node],
    room: tuple[float, float] | None,
    fit: Fitted,
    effects: list[Effect],
    times: list[Fraction],
    seeds: tuple[int, ...],
    lead: Lead | None,
    given: Given,
    *,
    own: tuple[int, int] | None = None,
    faces: _Looked | None = None,
    asset_id: str | None = None,
) -> Seen:
    """Put a clip's pictures through its effects in their order; the first that places takes them to the canvas.

    `made` gives the pictures on a canvas of any size; `room` is how large that may be before pixels are made up; `own` is
    the one size that they have, where they are not made to measure.
    """
    where = _name(clip)
    first = next((place for place, one in enumerate(effects) if one.name in PLACING), 0)
    before = [one for one in effects[:first] if one.name not in PLACING]
    after = [one for one in effects[first:] if one.name not in PLACING]
    way = moved(effects, (fit.width, fit.height), given, times, clip.source_range.duration, where=where)
    canvas = (given.width, given.height)
    fills = fit.width == canvas[0] and fit.height == canvas[1] and (own is None or own == canvas)
    if way is None and fills:
        at_once = None if faces is None else faces.on(canvas, None)
        node = dressed(made(*canvas), [*before, *after], times, seeds, where, given, at_once, asset_id)
        opacity: Numbers = (1.0,)
    else:
        size = own or own_size(fit, way, room)
        early = None if faces is None else faces.on(size, None)
        inside = dressed(made(*size), before, times, seeds, where, given, early, asset_id)
        placed = onto(inside, size, fit, way, (given.width, given.height))
        late = None if faces is None else faces.on(size, placed)
        node = dressed(placed, after, times, seeds, where, given, late, asset_id)
        opacity = (1.0,) if way is None else way.opacity
    blend = next((one for one in reversed(effects) if one.name == BLEND), None)
    mode = "normal"
    if blend is not None:
        values = values_of(
            entry_of(BLEND, "effect", where),
            blend.parameters,
            times,
            where=where,
            notice=given.notice,
        )
        mode = text(values, "mode")
        opacity = product(opacity, number(values, "opacity"))
    return Seen(node, mode, opacity, lead)


def _name(clip: Clip) -> str:
    return clip.name or clip.id
