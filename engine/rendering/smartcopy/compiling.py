"""A timeline compiled for a profile that copies: spans of one source, one after the other, nothing done to them. Pure.

Of whatever else a timeline asks for the untouched parts are copied (`mixing`); a profile that may only copy refuses it.
"""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from itertools import pairwise
from types import MappingProxyType
from typing import Any, Final

from msgspec.structs import replace

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.media import Asset, VideoStream
from cutroom_sdk.wire.renders import CutKept, KeptFrames, Profile
from cutroom_sdk.wire.timeline import AssetReference, Clip, Timeline, TimeRange, Track
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.order import Codec
from engine.media.timecode import samples_at
from engine.rendering.analyses import NONE, Analyses
from engine.rendering.audio.soundtrack import soundtrack
from engine.rendering.audio.work import SoundWork
from engine.rendering.compiling.given import Lettering, unlettered
from engine.rendering.plan import RenderPlan, compile_plan, hashed
from engine.rendering.smartcopy.division import Stretch, divide, widened
from engine.rendering.smartcopy.mixing import mixed
from engine.rendering.smartcopy.planning import (
    CRF,
    LIBRARIES,
    PRESET,
    CannotCopy,
    edge_work,
    heard_of,
    why_not,
)
from engine.rendering.smartcopy.work import B_FRAMES, CutSoundWork, Edge, Splicing
from engine.rendering.standins import StandIn
from engine.rendering.work import Capabilities, VideoEncoder

Kept = tuple[int, int]
# Where a timeline says which of its source's frames its clips are: pairs, half open. Times alone name them less exactly
# where frames do not follow each other evenly.
FRAMES: Final = "cut_frames"
# Rates of sampling that AAC has (ISO/IEC 14496-3, table 1.18), Hz.
SAMPLE_RATES: Final = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)


def compile_film(
    timeline: Timeline,
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    profile: Profile,
    capabilities: Capabilities,
    *,
    letter: Lettering = unlettered,
    analyses: Analyses = NONE,
    stand_ins: Mapping[str, StandIn] = MappingProxyType({}),
    lenient: bool = False,
    warnings: tuple[str, ...] = (),
) -> RenderPlan:
    """Return the work that makes `timeline` a file for `profile`: copied where the profile wants that and it can be.

    Args:
        timeline: what to make.
        assets: by id; those that the timeline names.
        indexes: frame indexes of the assets that have a picture, by asset id.
        profile: `copies` says whether packets are copied.
        capabilities: what renders.
        letter: chooses fonts for what is written.
        analyses: as in `compile_plan`.
        stand_ins: as in `compile_plan`.
        lenient: a dry run, as in `compile_plan`.
        warnings: as in `compile_plan`.

    Raises:
        Invalid: the timeline asks for what cannot be made.
    """
    rendered = partial(
        compile_plan,
        *(timeline, assets, indexes, profile, capabilities),
        letter=letter,
        analyses=analyses,
        stand_ins=stand_ins,
        lenient=lenient,
        warnings=warnings,
    )
    if profile.copies == "never":
        return rendered()
    try:
        return _compiled(timeline, assets, indexes, profile, capabilities)
    except CannotCopy as why:
        if profile.copies == "only":
            raise Invalid(
                f"nothing can be copied: {why}; cut it exactly, which encodes anew", field="timeline"
            ) from None
    plan = rendered()
    try:
        return mixed(plan, timeline, assets, indexes, profile, capabilities)
    except CannotCopy as why:
        return hashed(replace(plan, notices=(*plan.notices, f"nothing was copied: {why}")))


def kept_of(splicing: Splicing | None) -> CutKept | None:
    """Return what is told of a film that is spans of one source; None: it is another."""
    if splicing is None or splicing.mixed:
        return None
    kinds = Counter(one.kind for one in splicing.stretches)
    return CutKept(
        asset_id=splicing.sources[0],
        spans=tuple(KeptFrames(start_frame=start, end_frame=end) for start, end in splicing.kept),
        copy=kinds["copy"],
        edge=kinds["edge"],
        render=kinds["render"],
        copied_frames=sum(one.count for one in splicing.stretches if one.kind == "copy"),
    )


def _compiled(
    timeline: Timeline,
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    profile: Profile,
    capabilities: Capabilities,
) -> RenderPlan:
    clips = _clips(timeline, profile)
    asset_id = _only_source(clips)
    asset, index = assets.get(asset_id), indexes.get(asset_id)
    if asset is None or asset.video is None or index is None:
        raise CannotCopy(f"the picture of {asset_id} is not there")
    if index.order is None:
        raise CannotCopy(why_not(asset.video))
    kept = _joined(_kept(clips, index, timeline.metadata))
    stretches = _stretches(kept, index, only=profile.copies == "only")
    if profile.copies == "only":
        kept = [(one.start, one.end) for one in stretches]
    rate = asset.video.rate if _is_even(asset.video, index) else None
    duration = _duration(kept, index, rate)
    edges = _edges(stretches, clips, index, asset, capabilities)
    sounding = [track for track in timeline.tracks if track.kind == "audio" and track.enabled and track.items]
    mix, sound = None, None
    if sounding and asset.audio is not None:
        mix, sound = _sound(kept, rate, duration, asset, index, profile, capabilities)
    notices: tuple[str, ...] = ()
    if all(one.kind != "copy" for one in stretches):
        notices = ("nothing was copied: no part that is kept has a frame at which decoding may begin",)
    return hashed(
        RenderPlan(
            profile=profile.name,
            encoder=_encoder(asset.video, index.order.codec, profile, capabilities),
            frames=sum(one.count for one in stretches),
            segments=(),
            cuts=_cuts(kept),
            sound=mix,
            sound_key=None if sound is None else digest(sound),
            assets={asset_id: asset.sha256},
            sound_assets=() if sound is None else (asset_id,),
            kept={asset_id: tuple((index.time_of(start), index.time_of(end)) for start, end in sorted(kept))},
            defaults=(),
            notices=notices,
            splicing=Splicing(
                sources=(asset_id,),
                kept=tuple(kept),
                stretches=tuple(stretches),
                edges=tuple(edges),
                rate=rate,
                nominal=asset.video.rate,
                duration=duration,
                sound=sound,
            ),
        )
    )


def _clips(timeline: Timeline, profile: Profile) -> list[Clip]:
    """Return the clips of a timeline that is nothing but spans one after the other."""
    if profile.loudness_lufs is not None or profile.true_peak_dbtp is not None:
        raise CannotCopy("its sound is to have another loudness")
    pictures = [track for track in timeline.tracks if track.kind == "video" and track.enabled and track.items]
    if any(track.kind == "caption" and track.enabled and track.items for track in timeline.tracks):
        raise CannotCopy("it has captions")
    if len(pictures) != 1:
        raise CannotCopy(f"it has {len(pictures)} picture tracks")
    clips = _plain(pictures[0])
    for track in timeline.tracks:
        if track.kind == "audio" and track.enabled and track.items:
            if track.gain_db != 0.0 or [_place(clip) for clip in _plain(track)] != [
                _place(clip) for clip in clips
            ]:
                raise CannotCopy("its sound is not that of its picture")
    return clips


def _plain(track: Track) -> list[Clip]:
    if track.effects:
        raise CannotCopy(f"the track {track.name!r} has effects")
    clips = []
    for item in track.items:
        if not isinstance(item, Clip):
            raise CannotCopy("there are gaps or transitions between its clips")
        if item.effects or item.ramp or item.speed != 1 or not item.enabled:
            raise CannotCopy(f"something is done to the clip {item.id!r}")
        clips.append(item)
    return clips


def _place(clip: Clip) -> tuple[Any, TimeRange]:
    return clip.media, clip.source_range


def _only_source(clips: Sequence[Clip]) -> str:
    media = {clip.media for clip in clips if isinstance(clip.media, AssetReference)}
    if len(media) != 1 or any(not isinstance(clip.media, AssetReference) for clip in clips):
        raise CannotCopy("its clips are not all of one source")
    return media.pop().asset_id


def _kept(clips: Sequence[Clip], index: FrameIndex, metadata: Mapping[str, Any]) -> list[Kept]:
    """Return the source's frames that the clips are: as the timeline names them, else by their times."""
    named = metadata.get(FRAMES)
    if named is None:
        near = difflib.get_close_matches(FRAMES, metadata, n=1, cutoff=0.8)
        if near:
            raise Invalid(
                f"the timeline's metadata has {near[0]!r}; did you mean {FRAMES!r}?",
                field="timeline.metadata",
            )
        found = [
            (index.frame_nearest(one.source_range.start), index.frame_nearest(one.source_range.end))
            for one in clips
        ]
    else:
        found = [_pair(one) for one in named] if isinstance(named, list | tuple) else []
        if len(found) != len(clips):
            raise Invalid(
                f"timeline.metadata.{FRAMES} names {len(found)} spans for {len(clips)} clips",
                field=f"timeline.metadata.{FRAMES}",
            )
    for clip, (start, end) in zip(clips, found, strict=True):
        if not 0 <= start < end <= index.count:
            raise Invalid(
                f"the clip {clip.id!r} takes the frames [{start}, {end}) of a source with {index.count}",
                field="timeline",
            )
    return found


def _pair(one: Any) -> Kept:
    match one:
        case [int(start), int(end)]:
            return start, end
        case _:
            raise Invalid(
                f"timeline.metadata.{FRAMES} holds {one!r}; pairs of frames are taken",
                field=f"timeline.metadata.{FRAMES}",
            )


def _joined(kept: Sequence[Kept]) -> list[Kept]:
    """Put spans together that go on where the one before ends: nothing is cut there."""
    joined: list[Kept] = []
    for start, end in kept:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _stretches(kept: Sequence[Kept], index: FrameIndex, *, only: bool) -> list[Stretch]:
    if not only:
        return [one for start, end in kept for one in divide(index, start, end)]
    found: list[Stretch] = []
    for start, end in kept:
        wide = widened(index, start, end)
        if wide is None:
            raise CannotCopy(f"decoding cannot begin before frame {start}")
        before = found[-1] if found else None
        if before is not None and before.start <= wide.start <= before.end:
            # Two spans that were widened into each other are one.
            found[-1] = replace(before, end=max(before.end, wide.end))
        else:
            found.append(wide)
    return found


def _is_even(video: VideoStream, index: FrameIndex) -> bool:
    """Tell whether every frame is shown where its number says, to less than half a frame."""
    step = 1 / (video.rate * index.time_base)
    return not video.variable_rate and all(
        abs(at - index.pts[0] - number * step) < step / 2 for number, at in enumerate(index.pts)
    )


def _duration(kept: Sequence[Kept], index: FrameIndex, rate: Fraction | None) -> Fraction:
    if rate is not None:
        return sum(end - start for start, end in kept) / rate
    return sum((index.time_of(end) - index.time_of(start) for start, end in kept), Fraction(0))


def _cuts(kept: Sequence[Kept]) -> tuple[int, ...]:
    cuts, at = [], 0
    for start, end in kept[:-1]:
        at += end - start
        cuts.append(at)
    return tuple(cuts)


def _edges(
    stretches: Sequence[Stretch],
    clips: Sequence[Clip],
    index: FrameIndex,
    asset: Asset,
    capabilities: Capabilities,
) -> list[Edge]:
    """Return what has to be encoded; what is copied is no work of its own."""
    assert asset.video is not None, "checked before"
    edges, first = [], 0
    for stretch in stretches:
        if stretch.kind != "copy":
            try:
                work = edge_work(
                    stretch, index, sha256=asset.sha256, nominal=asset.video.rate, capabilities=capabilities
                )
            except ValueError as error:
                raise CannotCopy(str(error)) from None
            edges.append(
                Edge(first=first, key=digest(work), clip=clips[0].id, asset_id=asset.asset_id, work=work)
            )
        first += stretch.count
    return edges


def _sound(
    kept: Sequence[Kept],
    rate: Fraction | None,
    duration: Fraction,
    asset: Asset,
    index: FrameIndex,
    profile: Profile,
    capabilities: Capabilities,
) -> tuple[SoundWork, CutSoundWork]:
    """Return the sound as any film's, which says how long it is and how it is encoded, and as a cut's."""
    assert asset.audio is not None, "checked before"
    own = asset.audio.sample_rate
    sample_rate = min(SAMPLE_RATES, key=lambda one: (abs(one - own), one))
    media, items, at = AssetReference(asset_id=asset.asset_id), [], Fraction(0)
    edges = [0]
    for number, (start, end) in enumerate(kept):
        begin = index.time_of(start)
        lasts = index.time_of(end) - begin if rate is None else (end - start) / rate
        at += lasts
        edges.append(samples_at(at, sample_rate))
        items.append(Clip(id=str(number), media=media, source_range=TimeRange(start=begin, duration=lasts)))
    mix, _, _ = soundtrack(
        (Track(kind="audio", name="sound", items=tuple(items)),),
        {asset.asset_id: asset},
        {asset.asset_id: index},
        replace(profile, sample_rate=sample_rate),
        capabilities,
        count=samples_at(duration, sample_rate),
    )
    assert mix is not None, "the asset has sound"
    return mix, CutSoundWork(
        sha256=asset.sha256,
        spans=heard_of(kept, index),
        counts=tuple(later - earlier for earlier, later in pairwise(edges)),
        whole_packets=profile.copies == "only",
        encoder=mix.encoder,
        capabilities=capabilities,
    )


def _encoder(video: VideoStream, codec: Codec, profile: Profile, capabilities: Capabilities) -> VideoEncoder:
    """Describe the film; how its encoded pictures are encoded is in their work."""
    return VideoEncoder(
        codec=LIBRARIES[codec],
        width=video.coded_width or video.width,
        height=video.coded_height or video.height,
        rate=video.rate,
        preset=PRESET,
        crf=CRF,
        keyint=max(1, round(profile.gop_s * video.rate)),
        b_frames=B_FRAMES,
        threads=capabilities.threads,
        params="",
    )
