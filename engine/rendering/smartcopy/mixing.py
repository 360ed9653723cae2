"""A film of which a part is copied: footage that is shown as it is, whatever stands around it. Pure.

    compiled     | clip        | title over it | clip      | transition | other source |
    copied           |########|                  |########|                |##########|
    encoded      |...|        |...............|..|        |...............|          |.|

It begins with the plan of a film that is rendered whole: a segment whose tree is nothing but a source's frames, one after
the other, in their own size and colours, needs no rendering. So what is copied is by its making what would have been seen,
and all else is encoded to stand beside it: in the same colours, with parameter sets that do not collide with any source's.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from msgspec.structs import replace

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import AssetReference, Clip, Timeline, Track
from engine.editing.timeline import track_duration
from engine.media import h264
from engine.media.index import FrameIndex
from engine.media.order import Codec, PacketOrder
from engine.media.timecode import frame_nearest, samples_at
from engine.rendering.encoders import encoder_for
from engine.rendering.footage import colours_of, shown_size, turned_size
from engine.rendering.graph import Footage
from engine.rendering.plan import RenderPlan, Segment, hashed
from engine.rendering.smartcopy.division import Stretch, divide
from engine.rendering.smartcopy.planning import LIBRARIES, CannotCopy, beside, why_not
from engine.rendering.smartcopy.work import CutSoundWork, Heard, Splicing
from engine.rendering.work import Capabilities, VideoEncoder


class Run(NamedTuple):
    """Frames `[start, end)` of a source that are shown one after the other, untouched, by `segments` of the plan."""

    asset_id: str
    start: int
    end: int
    segments: tuple[Segment, ...]

    @property
    def first(self) -> int:
        """Where it stands in the film, frames."""
        return self.segments[0].first


class Chosen(NamedTuple):
    """The sources that packets are copied of, what their pictures need, and why others are not among them."""

    assets: tuple[str, ...]
    codec: Codec
    sets: h264.ParameterSets
    matrix: Literal["bt601", "bt709"]
    notices: tuple[str, ...]


def mixed(
    plan: RenderPlan,
    timeline: Timeline,
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    profile: Profile,
    capabilities: Capabilities,
) -> RenderPlan:
    """Return the plan in which everything is copied that can be.

    Args:
        plan: of `timeline` rendered whole.
        timeline: what it was compiled from.
        assets: by id; those that the timeline names.
        indexes: frame indexes of the assets that have a picture, by asset id.
        profile: what it was compiled for.
        capabilities: what renders.

    Raises:
        CannotCopy: nothing of it can be.
    """
    if plan.encoder.codec not in LIBRARIES.values() or plan.container != "mp4":
        raise CannotCopy(f"copies stand in H.264 or H.265 in MP4, not {profile.codec} in {plan.container}")
    refused = {
        one: why for one in plan.assets if (why := _refusal(assets[one], indexes.get(one), plan.encoder))
    }
    runs = [
        (run, divide(indexes[run.asset_id], run.start, run.end))
        for run in _runs(plan, indexes, frozenset(refused))
    ]
    chosen = _chosen(runs, assets, indexes)
    told = tuple(f"nothing of {assets[one].name} is copied: {why}" for one, why in refused.items())
    if not chosen.assets:
        raise CannotCopy(
            "; ".join(told) or "no frame at which decoding may begin lies in what is shown as it is"
        )
    encoder = _encoder(chosen, timeline, profile, capabilities)
    pieces = _pieces(
        plan, [one for one in runs if one[0].asset_id in chosen.assets], chosen, indexes, encoder
    )
    stretches = tuple(stretch for stretch, _ in pieces)
    copied = sum(one.count for one in stretches if one.kind == "copy")
    sound, heard = _untouched_sound(plan, timeline, indexes, profile)
    sources = chosen.assets if heard is None or heard in chosen.assets else (*chosen.assets, heard)
    return hashed(
        replace(
            plan,
            encoder=encoder,
            segments=tuple(segment for _, segment in pieces if segment is not None),
            sound_key=plan.sound_key if sound is None else digest(sound),
            notices=(
                *plan.notices,
                *told,
                *chosen.notices,
                f"{copied} of {plan.frames} frames are copied as they lie in their sources",
            ),
            splicing=Splicing(
                sources=sources,
                stretches=stretches,
                rate=plan.encoder.rate,
                nominal=plan.encoder.rate,
                duration=plan.duration,
                sound=sound,
                mixed=True,
                heard=0 if heard is None else sources.index(heard),
            ),
        )
    )


def _refusal(asset: Asset, index: FrameIndex | None, encoder: VideoEncoder) -> str:
    """Return why no packet of a source can stand in the film; "" where one can, or where it has no picture."""
    video = asset.video
    if video is None or index is None:
        return ""
    if index.order is None:
        return why_not(video)
    width, height = video.coded_width or video.width, video.coded_height or video.height
    if (width, height) != (encoder.width, encoder.height):
        return f"its pictures are {width}x{height}, the film's {encoder.width}x{encoder.height}"
    if video.rotation:
        return "it is turned for showing"
    if turned_size(video) != shown_size(video):
        return "its pixels are not square"
    matrix, full_range, _ = colours_of(asset)
    if video.pixel_format != encoder.pixel_format or full_range or matrix == "bt2020":
        return f"its pixels are {video.pixel_format}, {matrix}{', full range' if full_range else ''}"
    return ""


def _runs(plan: RenderPlan, indexes: Mapping[str, FrameIndex], refused: frozenset[str]) -> list[Run]:
    """Return where untouched footage is shown, as long as it goes on in its source."""
    runs: list[Run] = []
    before: Segment | None = None
    for segment in plan.segments:
        found = _numbers(segment, indexes, refused)
        if found is not None:
            asset_id, start, end = found
            last = runs[-1] if runs else None
            if (
                last is not None
                and last.segments[-1] is before
                and (last.asset_id, last.end) == (asset_id, start)
            ):
                runs[-1] = last._replace(end=end, segments=(*last.segments, segment))
            else:
                runs.append(Run(asset_id, start, end, (segment,)))
        before = segment
    return runs


def _numbers(
    segment: Segment, indexes: Mapping[str, FrameIndex], refused: frozenset[str]
) -> tuple[str, int, int] | None:
    """Return the source and its frames `[start, end)` that a segment shows untouched, each once; None: it does more."""
    graph, asset_id = segment.work.graph, segment.asset_id
    if not isinstance(graph, Footage) or asset_id is None or asset_id in refused:
        return None
    window, canvas = graph.window, (segment.work.encoder.width, segment.work.encoder.height)
    if (window.width, window.height) != canvas or window.left != (0,) or window.top != (0,):
        return None
    pts = indexes[asset_id].pts
    start = bisect.bisect_left(pts, graph.pts[0])
    end = start + len(graph.pts)
    return (asset_id, start, end) if pts[start:end] == graph.pts else None


def _chosen(
    runs: Sequence[tuple[Run, tuple[Stretch, ...]]],
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
) -> Chosen:
    """Choose the codec, and sources whose packets can stand in one film, those first of which most is copied."""
    copied: Counter[str] = Counter()
    codecs: Counter[Codec] = Counter()
    for run, stretches in runs:
        count = sum(one.count for one in stretches if one.kind == "copy")
        copied[run.asset_id] += count
        codecs[_order(run.asset_id, indexes).codec] += count
    codec: Codec = codecs.most_common(1)[0][0] if codecs else "h264"
    chosen: list[str] = []
    sets, matrices, notices = h264.NO_SETS, set[str](), []
    for asset_id in (one for one, count in copied.most_common() if count):
        order, (matrix, _, _) = _order(asset_id, indexes), colours_of(assets[asset_id])
        try:
            if order.codec != codec:
                raise ValueError(f"it is {order.codec}, and most is {codec}")
            if matrices - {matrix}:
                raise ValueError("its colours are stored in another way")
            sets = _with(sets, order)
        except ValueError as error:
            notices.append(f"nothing of {assets[asset_id].name} is copied: {error}")
            continue
        matrices.add(matrix)
        chosen.append(asset_id)
    return Chosen(tuple(chosen), codec, sets, "bt601" if matrices == {"bt601"} else "bt709", tuple(notices))


def _order(asset_id: str, indexes: Mapping[str, FrameIndex]) -> PacketOrder:
    order = indexes[asset_id].order
    assert order is not None, "a source without one is refused before"
    return order


def _with(sets: h264.ParameterSets, order: PacketOrder) -> h264.ParameterSets:
    """Return the sets that lie in the film's header when another source is copied; H.265 has them in its packets."""
    if order.codec == "hevc":
        return sets
    try:
        both = sets.with_units((*order.sets.sps.values(), *order.sets.pps.values()))
        h264.configuration(both, order.length_size or 4)
    except ValueError as error:
        raise ValueError(f"its headers do not fit beside those of other sources, {error}") from None
    return both


def _encoder(
    chosen: Chosen, timeline: Timeline, profile: Profile, capabilities: Capabilities
) -> VideoEncoder:
    """Return an encoder of pictures that stand beside the copies."""
    codec = "h265" if chosen.codec == "hevc" else chosen.codec
    try:
        params = beside(chosen.codec, chosen.sets, capabilities)
    except ValueError as error:
        raise CannotCopy(str(error)) from None
    usual = encoder_for(timeline, replace(profile, codec=codec), capabilities)
    return replace(usual, params=params, reorder=1, matrix=chosen.matrix)


def _pieces(
    plan: RenderPlan,
    runs: Sequence[tuple[Run, tuple[Stretch, ...]]],
    chosen: Chosen,
    indexes: Mapping[str, FrameIndex],
    encoder: VideoEncoder,
) -> list[tuple[Stretch, Segment | None]]:
    """Return the film's stretches in order, each with the segment that is encoded for it."""
    divided = {
        run.first: (run, stretches)
        for run, stretches in runs
        if any(stretch.kind == "copy" for stretch in stretches)
    }
    pieces: list[tuple[Stretch, Segment | None]] = []
    done = 0
    for segment in plan.segments:
        if segment.first < done:
            continue
        if segment.first not in divided:
            done = segment.first + segment.work.count
            stretch = Stretch(kind="render", start=segment.first, end=done, source=None)
            pieces.append((stretch, _encoded(segment, encoder)))
            continue
        run, stretches = divided[segment.first]
        for one in stretches:
            stretch = replace(one, source=chosen.assets.index(run.asset_id))
            made = None if one.kind == "copy" else _edge(run, one, indexes[run.asset_id], encoder)
            pieces.append((stretch, made))
        done = run.first + run.end - run.start
    return pieces


def _encoded(segment: Segment, encoder: VideoEncoder) -> Segment:
    work = replace(segment.work, encoder=encoder)
    return replace(segment, key=digest(work), work=work)


def _edge(run: Run, stretch: Stretch, index: FrameIndex, encoder: VideoEncoder) -> Segment:
    """Return the segment of some of a run's frames."""
    first = run.first + stretch.start - run.start
    # The clip that stands there.
    segment = run.segments[bisect.bisect_right(run.segments, first, key=lambda one: one.first) - 1]
    footage = segment.work.graph
    assert isinstance(footage, Footage), "a run is footage"
    graph = replace(footage, pts=index.pts[stretch.start : stretch.end])
    work = replace(segment.work, count=stretch.count, graph=graph, encoder=encoder)
    return replace(segment, first=first, key=digest(work), work=work)


def _untouched_sound(
    plan: RenderPlan, timeline: Timeline, indexes: Mapping[str, FrameIndex], profile: Profile
) -> tuple[CutSoundWork | None, str | None]:
    """Return the work and the source of a film's sound where it is one span of that, as it was; else (None, None)."""
    tracks = [track for track in timeline.tracks if track.kind == "audio" and track.enabled and track.items]
    if plan.sound is None or len(tracks) != 1 or profile.loudness_lufs is not None:
        return None, None
    if profile.true_peak_dbtp is not None:
        return None, None
    clips = _span(tracks[0])
    lasts = frame_nearest(track_duration(tracks[0]), plan.encoder.rate)
    if not clips or lasts != plan.frames or not isinstance(clips[0].media, AssetReference):
        return None, None
    asset_id = clips[0].media.asset_id
    index = indexes.get(asset_id)
    if index is None:
        return None, None
    start = index.start + clips[0].source_range.start
    encoder = plan.sound.encoder
    work = CutSoundWork(
        sha256=plan.assets[asset_id],
        spans=(Heard(start=start, end=start + plan.duration),),
        counts=(samples_at(plan.duration, encoder.sample_rate),),
        whole_packets=False,
        encoder=encoder,
        capabilities=plan.sound.capabilities,
    )
    return work, asset_id


def _span(track: Track) -> list[Clip]:
    """Return the clips of a track that go on where the one before ends and have nothing done to them; else none."""
    clips = [item for item in track.items if isinstance(item, Clip)]
    plain = all(
        one.enabled and one.speed == 1 and not one.ramp and not one.effects and one.media == clips[0].media
        for one in clips
    )
    follow = all(one.source_range.end == later.source_range.start for one, later in pairwise(clips))
    if len(clips) != len(track.items) or track.effects or track.gain_db != 0.0:
        return []
    return clips if plain and follow else []
