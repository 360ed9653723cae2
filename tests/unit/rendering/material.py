"""Assets and timelines for plans: no file is behind them."""

from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from cutroom_sdk.wire.media import Asset, AudioStream, VideoStream
from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import AssetReference, Clip, Gap, Timeline, TimeRange, Track
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
