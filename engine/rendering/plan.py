"""A timeline compiled to render work: pure, canonical, hashed.

    timeline + assets + frame indexes + profile + capabilities -> RenderPlan

The plan says which source frame stands at each output frame, which work makes it, and what was chosen where nothing was
asked for. Equal inputs give equal plans and equal hashes, on every machine with the same capabilities.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.renders import CaptionsAs, Container, Profile
from cutroom_sdk.wire.timeline import AssetReference, Clip, Timeline, Track
from engine.editing.timeline import track_duration
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.timecode import frame_nearest
from engine.rendering.analyses import NONE, Analyses
from engine.rendering.audio.soundtrack import soundtrack
from engine.rendering.audio.work import SoundWork
from engine.rendering.captioning import Beside
from engine.rendering.compiling.given import Given, Lettering, unlettered
from engine.rendering.compiling.scene import Scene, Stretch
from engine.rendering.compiling.times import Times
from engine.rendering.encoders import encoder_for
from engine.rendering.footage import is_deep
from engine.rendering.segments import divisions, stretches
from engine.rendering.smartcopy.work import Splicing
from engine.rendering.standins import StandIn
from engine.rendering.subtitles import Subtitles, ended, taken_out
from engine.rendering.walking import graph_inputs, is_plain, sliced
from engine.rendering.work import Capabilities, PictureWork, VideoEncoder

DEEP: Final = "p10"


class Segment(Struct, frozen=True, kw_only=True):
    """A unit of work at its place: output frames `[first, first + work.count)`. `key` is the hash of the work."""

    first: int
    key: str
    clip: str
    asset_id: str | None
    work: PictureWork


class RenderPlan(Struct, frozen=True, kw_only=True):
    """All there is to do. `cuts` are the output frames from which something else is seen, 0 left out.

    `kept` tells for each asset which spans of it are in the film, seconds. `defaults` says what was chosen where the
    timeline left it open, `notices` what comes out otherwise than asked, `methods` how pictures are made that a source does
    not have, `warnings` what a render would fail at (a dry run only). `splicing`: the film is put together from its
    source's own packets, and there are no segments besides; None: from segments. `subtitles` are captions that the player
    shows, `beside` files of captions that go with the film; `captions` is how they were wanted. `proxies` are the ids of those
    that are read instead of assets' own pictures. `plan_hash` is the hash of everything else.
    """

    profile: str
    encoder: VideoEncoder
    frames: int
    segments: tuple[Segment, ...]
    cuts: tuple[int, ...]
    sound: SoundWork | None
    sound_key: str | None
    assets: dict[str, str]
    sound_assets: tuple[str, ...]
    kept: dict[str, tuple[tuple[Fraction, Fraction], ...]]
    defaults: tuple[str, ...]
    notices: tuple[str, ...]
    container: Container = "mp4"
    methods: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    splicing: Splicing | None = None
    subtitles: tuple[Subtitles, ...] = ()
    proxies: tuple[str, ...] = ()
    captions: CaptionsAs = "any"
    beside: tuple[Beside, ...] = ()
    plan_hash: str = ""

    @property
    def duration(self) -> Fraction:
        """Seconds of the film's picture."""
        return self.frames / self.encoder.rate if self.splicing is None else self.splicing.duration


def compile_plan(
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
    """Return the work that makes `timeline` a file for `profile`.

    Args:
        timeline: any number of picture, caption and sound tracks; nested timelines are given whole.
        assets: by id; those that the timeline names.
        indexes: frame indexes of the assets that have a picture, by asset id.
        profile: size (None: the timeline's), encoder and loudness.
        capabilities: what renders.
        letter: chooses fonts for what is written.
        analyses: what was found in assets: faces for regions, camera paths for stabilising, speech for ducking.
        stand_ins: proxies that are read instead of assets' own pictures, by asset id.
        lenient: a dry run: what is missing is a warning, and black or silence stands for it.
        warnings: of who has gathered what is needed.

    Raises:
        Invalid: the timeline asks for what cannot be rendered; the text names the clip.
    """
    deep = any(is_deep(asset) for asset in assets.values())
    encoder = encoder_for(timeline, profile, capabilities, deep=deep)
    given = Given(
        assets=assets,
        indexes=indexes,
        width=encoder.width,
        height=encoder.height,
        rate=encoder.rate,
        letter=letter,
        analyses=analyses,
        stand_ins=stand_ins,
        lenient=lenient,
    )
    timeline, subtitles = taken_out(timeline)
    scene = Scene(timeline, given)
    sound_tracks = [track for track in timeline.tracks if track.kind == "audio" and track.enabled]
    frames = _frames(scene, sound_tracks, timeline.rate)
    seen = list(scene.stretches(frames))
    by_hash = {asset.sha256: asset_id for asset_id, asset in assets.items()}
    by_hash |= {one.sha256: asset_id for asset_id, one in stand_ins.items()}
    segments = [segment for stretch in seen for segment in _segments(stretch, by_hash, encoder, capabilities)]
    _tell_depth(segments, encoder, given, deep=deep)
    sound, sound_assets, notices = _sound(sound_tracks, given, profile, capabilities, frames)
    read = {one for segment in segments for one in graph_inputs(segment.work.graph).sources}
    shown = {by_hash[one] for one in read}
    plan = RenderPlan(
        profile=profile.name,
        encoder=encoder,
        container=profile.container,
        frames=frames,
        segments=tuple(segments),
        cuts=tuple(stretch.start for stretch in seen if stretch.start > 0),
        sound=sound,
        sound_key=None if sound is None else digest(sound),
        assets={asset_id: assets[asset_id].sha256 for asset_id in sorted(shown | set(sound_assets))},
        sound_assets=sound_assets,
        proxies=tuple(sorted(one.proxy_id for one in stand_ins.values() if one.sha256 in read)),
        kept=_kept(scene, encoder.rate),
        defaults=tuple(given.notes.defaults),
        notices=(*given.notes.notices, *notices),
        methods=tuple(given.notes.methods),
        warnings=(*warnings, *given.notes.warnings),
        subtitles=ended(subtitles, frames / encoder.rate),
    )
    return hashed(plan)


def _frames(scene: Scene, sound_tracks: Sequence[Track], rate: Fraction) -> int:
    """Return how long the film is: as long as the longest of what is seen and heard.

    Raises:
        Invalid: there is nothing.
    """
    heard = (frame_nearest(track_duration(track), rate) for track in sound_tracks)
    frames = max([scene.length, *heard])
    if frames == 0:
        raise Invalid("the timeline is empty: it has no frame to render", field="timeline")
    return frames


def _tell_depth(segments: list[Segment], encoder: VideoEncoder, given: Given, *, deep: bool) -> None:
    """Say what becomes of footage with more than 8 bits."""
    if not deep:
        return
    if DEEP not in encoder.pixel_format:
        given.default(f"footage with more than 8 bits is brought to 8: the film is {encoder.pixel_format}")
        return
    given.default(f"the film has 10 bits, {encoder.pixel_format}, as some of its footage has more than 8")
    made = [one for one in segments if not is_plain(one.work.graph)]
    if made:
        frames = sum(one.work.count for one in made)
        given.notice(
            f"{frames} frames have 8 bits in a film of 10: effects, layers and transitions are made with 8;"
            f" the first is frame {made[0].first}, of the clip {made[0].clip!r}"
        )


def hashed(plan: RenderPlan) -> RenderPlan:
    """Return the plan with its hash."""
    return replace(plan, plan_hash=_hash(replace(plan, plan_hash="")))


def _hash(plan: RenderPlan) -> str:
    # The keys stand for the segments' work: hours of frame numbers need not be hashed twice.
    placed = [(segment.first, segment.key) for segment in plan.segments]
    return digest((placed, replace(plan, segments=(), sound=None)))


def _segments(
    stretch: Stretch, by_hash: Mapping[str, str], encoder: VideoEncoder, capabilities: Capabilities
) -> Iterator[Segment]:
    count = stretch.end - stretch.start
    if stretch.lead is None:
        pieces = stretches(0, count)
    else:
        pieces = divisions(stretch.lead.numbers, per_output_frame=stretch.lead.per_frame)
    whole = stretch.node
    for start, end in pieces:
        # What is the same for every frame is made once, however long the piece is: it needs no part of it.
        graph = whole if (start, end) == (0, count) else sliced(whole, start, end)
        work = PictureWork(count=end - start, graph=graph, encoder=encoder, capabilities=capabilities)
        sources = graph_inputs(graph).sources
        yield Segment(
            first=stretch.start + start,
            key=digest(work),
            clip=stretch.clip,
            asset_id=by_hash[sources[0]] if sources else None,
            work=work,
        )


def _sound(
    tracks: list[Track], given: Given, profile: Profile, capabilities: Capabilities, frames: int
) -> tuple[SoundWork | None, tuple[str, ...], tuple[str, ...]]:
    count = frame_nearest(frames / given.rate, Fraction(profile.sample_rate))
    try:
        return soundtrack(
            tracks,
            given.assets,
            given.indexes,
            profile,
            capabilities,
            count=count,
            speech=given.analyses.speech,
        )
    except Invalid as error:
        if not given.lenient:
            raise
        given.warn(error.detail)
        return None, (), ()


def _kept(scene: Scene, rate: Fraction) -> dict[str, tuple[tuple[Fraction, Fraction], ...]]:
    kept: dict[str, list[tuple[Fraction, Fraction]]] = {}
    for lane in scene.shown:
        for item in lane.track.items:
            if isinstance(item, Clip) and item.enabled and isinstance(item.media, AssetReference):
                kept.setdefault(item.media.asset_id, []).append(Times(item, rate).used)
    return {asset_id: tuple(sorted(spans)) for asset_id, spans in sorted(kept.items())}
