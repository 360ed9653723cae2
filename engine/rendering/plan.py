"""A timeline compiled to render work: pure, canonical, hashed.

    timeline + assets + frame indexes + profile + capabilities -> RenderPlan

The plan says which source frame stands at each output frame, which work makes it, and what was chosen where nothing was
asked for. Equal inputs give equal plans and equal hashes, on every machine with the same capabilities.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.codec import digest
from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import Clip, Gap, Timeline, Track, Transition
from engine.editing.timeline import asset_of
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.timecode import frame_nearest
from engine.rendering.footage import footage_of
from engine.rendering.graph import Node
from engine.rendering.segments import stretches
from engine.rendering.soundtrack import soundtrack
from engine.rendering.walking import NOTHING
from engine.rendering.work import Capabilities, PictureWork, SoundWork, VideoEncoder

B_FRAMES: Final = 2
# Headers do not depend on what is encoded, and no picture refers across a segment's edge: segments join anywhere.
X264_PARAMS: Final = "stitchable=1:open-gop=0"
CODECS: Final = {"h264": "libx264", "libx264": "libx264"}


class Segment(Struct, frozen=True, kw_only=True):
    """A unit of work at its place: output frames `[first, first + work.count)`. `key` is the hash of the work."""

    first: int
    key: str
    clip: str
    asset_id: str | None
    work: PictureWork


class RenderPlan(Struct, frozen=True, kw_only=True):
    """All there is to do. `cuts` are the output frames that begin an item, 0 left out.

    `kept` tells for each asset which spans of it are in the film, seconds. `defaults` says what was chosen where the
    timeline left it open. `plan_hash` is the hash of everything else.
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
    plan_hash: str = ""

    @property
    def duration(self) -> Fraction:
        """Seconds of the film's picture."""
        return self.frames / self.encoder.rate


def compile_plan(
    timeline: Timeline,
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    profile: Profile,
    capabilities: Capabilities,
) -> RenderPlan:
    """Return the work that makes `timeline` a file for `profile`.

    Args:
        timeline: one enabled picture track, any number of sound tracks.
        assets: by id; those that the timeline names.
        indexes: frame indexes of the assets that have a picture, by asset id.
        profile: size (None: the timeline's), encoder and loudness.
        capabilities: what renders.

    Raises:
        Invalid: the timeline asks for what cannot be rendered; the text names the clip.
    """
    picture = _picture_track(timeline)
    encoder = _encoder(timeline, profile, capabilities)
    items = _placed(picture, timeline.rate)
    sound_tracks = [track for track in timeline.tracks if track.kind == "audio" and track.enabled]
    frames = max(
        [items[-1][1], *(_placed(track, timeline.rate)[-1][1] for track in sound_tracks if track.items)]
    )
    if frames == 0:
        raise Invalid("the timeline is empty: it has no frame to render", field="timeline")
    segments: list[Segment] = []
    defaults: list[str] = []
    for start, end, item in items:
        match item:
            case Clip():
                segments += _clip_segments(item, start, end, assets, indexes, encoder, capabilities, defaults)
            case Gap():
                segments += _black(start, end, encoder, capabilities)
    segments += _black(items[-1][1], frames, encoder, capabilities)
    sound, sound_assets, notices = soundtrack(
        sound_tracks, assets, indexes, profile, capabilities, count=_samples(frames, timeline.rate, profile)
    )
    named = sorted({s.asset_id for s in segments if s.asset_id is not None} | set(sound_assets))
    plan = RenderPlan(
        profile=profile.name,
        encoder=encoder,
        frames=frames,
        segments=tuple(segments),
        cuts=tuple(sorted({edge for start, end, _ in items for edge in (start, end) if 0 < edge < frames})),
        sound=sound,
        sound_key=None if sound is None else digest(sound),
        assets={asset_id: assets[asset_id].sha256 for asset_id in named},
        sound_assets=sound_assets,
        kept=_kept(picture),
        defaults=tuple(dict.fromkeys(defaults)),
        notices=notices,
    )
    return replace(plan, plan_hash=_hash(plan))


def _hash(plan: RenderPlan) -> str:
    # The keys stand for the segments' work: hours of frame numbers need not be hashed twice.
    placed = [(segment.first, segment.key) for segment in plan.segments]
    return digest((placed, replace(plan, segments=(), sound=None)))


def _picture_track(timeline: Timeline) -> Track:
    tracks = [track for track in timeline.tracks if track.enabled and track.items]
    captions = [track.name for track in tracks if track.kind == "caption"]
    if captions:
        raise Invalid(f"the caption track {captions[0]!r} cannot be rendered: disable it", field="timeline")
    pictures = [track for track in tracks if track.kind == "video"]
    if len(pictures) != 1:
        raise Invalid(
            f"a timeline to render has one enabled picture track with items, this one has {len(pictures)}",
            field="timeline",
        )
    return pictures[0]


def _placed(track: Track, rate: Fraction) -> list[tuple[int, int, Clip | Gap]]:
    """Return each item with the output frames `[start, end)` it covers; edges go to the nearest frame start."""
    placed: list[tuple[int, int, Clip | Gap]] = []
    at = Fraction(0)
    for item in track.items:
        if isinstance(item, Transition):
            raise Invalid("transitions cannot be rendered yet", field="timeline")
        duration = item.duration if isinstance(item, Gap) else item.source_range.duration
        if duration <= 0:
            raise Invalid(f"{_name(item)} lasts {duration} s: it must last longer than 0", field="timeline")
        placed.append((frame_nearest(at, rate), frame_nearest(at + duration, rate), item))
        at += duration
    return placed


def _clip_segments(
    clip: Clip,
    start: int,
    end: int,
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    encoder: VideoEncoder,
    capabilities: Capabilities,
    defaults: list[str],
) -> list[Segment]:
    segments = []
    pieces, chosen = footage_of(clip, end - start, assets, indexes, encoder)
    defaults += chosen
    ends = [first for first, _ in pieces[1:]] + [end - start]
    for (first, graph), last in zip(pieces, ends, strict=True):
        work = _work(last - first, graph, encoder, capabilities)
        segments.append(
            Segment(
                first=start + first,
                key=digest(work),
                clip=clip.id,
                asset_id=asset_of(clip),
                work=work,
            )
        )
    return segments


def _black(start: int, end: int, encoder: VideoEncoder, capabilities: Capabilities) -> list[Segment]:
    segments = []
    for first, last in stretches(start, end):
        work = _work(last - first, NOTHING, encoder, capabilities)
        segments.append(Segment(first=first, key=digest(work), clip="", asset_id=None, work=work))
    return segments


def _work(count: int, graph: Node, encoder: VideoEncoder, capabilities: Capabilities) -> PictureWork:
    return PictureWork(count=count, graph=graph, encoder=encoder, capabilities=capabilities)


def _encoder(timeline: Timeline, profile: Profile, capabilities: Capabilities) -> VideoEncoder:
    width, height = profile.width or timeline.width, profile.height or timeline.height
    if width < 16 or height < 16 or width % 2 or height % 2:
        raise Invalid(
            f"a film's sides are even and at least 16 pixels, not {width}x{height}", field="timeline"
        )
    if timeline.rate <= 0:
        raise Invalid(f"the rate {timeline.rate} is not positive", field="timeline")
    if profile.codec not in CODECS:
        raise Invalid(f"the profile {profile.name} wants {profile.codec!r}; there is h264", field="profile")
    return VideoEncoder(
        codec="libx264",
        width=width,
        height=height,
        rate=timeline.rate,
        preset=profile.preset,
        crf=profile.crf,
        keyint=max(1, round(profile.gop_s * timeline.rate)),
        b_frames=B_FRAMES,
        threads=capabilities.threads,
        params=X264_PARAMS if capabilities.simd is None else f"{X264_PARAMS}:asm={capabilities.simd}",
    )


def _samples(frames: int, rate: Fraction, profile: Profile) -> int:
    return frame_nearest(frames / rate, Fraction(profile.sample_rate))


def _kept(track: Track) -> dict[str, tuple[tuple[Fraction, Fraction], ...]]:
    kept: dict[str, list[tuple[Fraction, Fraction]]] = {}
    for item in track.items:
        if isinstance(item, Clip):
            span = item.source_range
            kept.setdefault(asset_of(item), []).append((span.start, span.end))
    return {asset_id: tuple(sorted(spans)) for asset_id, spans in sorted(kept.items())}


def _name(item: Clip | Gap) -> str:
    return f"the clip {item.id!r}" if isinstance(item, Clip) else "a gap"
