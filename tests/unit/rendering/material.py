"""Assets and timelines for plans: no file is behind them."""

from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from cutroom_sdk.wire.media import Asset, AudioStream, VideoStream
from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Generator,
    Keyframe,
    Mask,
    Nested,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.media.index import FrameIndex
from engine.rendering.plan import RenderPlan, compile_plan
from engine.rendering.work import Capabilities
from tests.render.workshop import PROFILE

PAL = Fraction(25)
CAPABLE = Capabilities(machine="m", simd=None, libraries={"av": "1", "numpy": "2"})


def an_index(frames: int = 1000, *, rate: Fraction = PAL, start: int = 0) -> FrameIndex:
    """An index at a steady rate, in ticks of 1/90000 s."""
    step = 90_000 / rate
    pts = tuple(start + round(place * step) for place in range(frames))
    return FrameIndex(
        time_base=Fraction(1, 90_000),
        pts=pts,
        keyframes=tuple(range(0, frames, 50)),
        last_duration=round(step),
    )


def an_asset(name: str = "a", *, index: FrameIndex | None = None, **video: Any) -> Asset:
    index = index or an_index()
    sha256 = (name * 64)[:64]
    picture = VideoStream(
        index=0, codec="h264", width=1280, height=720, rate=PAL, frame_count=index.count, duration=index.duration,
        coded_width=1280, coded_height=720, color_space="bt709", color_range="tv",
    )  # fmt: skip
    return Asset(
        asset_id=sha256[:32], name=f"{name}.mp4", sha256=sha256, bytes=1, container="mp4", duration=index.duration,
        video=replace(picture, **video),
        audio=AudioStream(index=1, codec="aac", sample_rate=48_000, channels=2, duration=index.duration),
    )  # fmt: skip


def a_clip(asset: Asset, start: int, end: int, *, rate: Fraction = PAL, **more: Any) -> Clip:
    return Clip(
        id=f"{asset.name}-{start}",
        media=AssetReference(asset_id=asset.asset_id),
        source_range=TimeRange(start=start / rate, duration=(end - start) / rate),
        **more,
    )


def a_timeline(*items: Clip | Gap, rate: Fraction = PAL, sound: bool = True, **more: Any) -> Timeline:
    tracks = [Track(kind="video", name="picture", items=items)]
    if sound:
        tracks.append(Track(kind="audio", name="sound", items=items))
    fields: dict[str, Any] = {
        "name": "t",
        "rate": rate,
        "width": 1280,
        "height": 720,
        "sample_rate": 48_000,
    } | more
    return Timeline(tracks=tuple(tracks), **fields)


def a_plan(
    timeline: Timeline, *assets: Asset, index: FrameIndex | None = None, profile: Profile = PROFILE
) -> RenderPlan:
    index = index or an_index()
    return compile_plan(
        timeline,
        {asset.asset_id: asset for asset in assets},
        {asset.asset_id: index for asset in assets},
        profile,
        CAPABLE,
    )


def a_rich_timeline(asset: Asset, other: Asset) -> Timeline:
    """Two tracks with a transition, effects with keyframes and masks, a title and a timeline within."""
    fading = (
        Keyframe(at=Fraction(0), value=0.0),
        Keyframe(at=Fraction(2), value=1.0, ease=(0.4, 0.0, 0.6, 1.0)),
    )
    grade = Effect(
        name="exposure", parameters={"stops": fading}, mask=Mask(shape="ellipse", x=fading, feather=0.1)
    )
    turned = Effect(name="transform", parameters={"rotation": fading, "scale": 0.5, "opacity": fading})
    inside = a_timeline(a_clip(other, 30, 90), sound=False)
    title = Generator(kind="solid", parameters={"colour": "#80ff0080"})
    low = (
        a_clip(asset, 3, 300, effects=(grade,)),
        Transition(kind="dissolve", in_offset=Fraction(1, 5), out_offset=Fraction(1, 5)),
        a_clip(other, 50, 77, speed=Fraction(1, 2)),
        Clip(
            id="inside",
            media=Nested(timeline=inside),
            source_range=TimeRange(start=Fraction(0), duration=Fraction(2)),
        ),
    )
    high = (
        Gap(duration=Fraction(1)),
        a_clip(other, 10, 60, effects=(turned,)),
        Clip(id="title", media=title, source_range=TimeRange(start=Fraction(0), duration=Fraction(1))),
    )
    whole = a_timeline(a_clip(asset, 0, 50))
    pictures = tuple(
        Track(kind="video", name=name, items=items) for name, items in (("low", low), ("high", high))
    )
    return replace(whole, tracks=(*pictures, *whole.tracks[1:]))
