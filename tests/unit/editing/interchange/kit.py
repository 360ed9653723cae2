"""Assets and small timelines for the tests of files of other programs."""

from fractions import Fraction

from cutroom_sdk.wire.media import Asset, AudioStream, VideoStream
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Gap,
    Generator,
    Timeline,
    TimeRange,
    Track,
    Transition,
)
from engine.editing.interchange.shelf import Shelf

FILM, DROP, PAL = Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25)


def asset(asset_id: str, name: str, *, rate: Fraction = PAL, seconds: int = 60) -> Asset:
    """An asset with picture and sound, kept under `/footage`."""
    lasts = Fraction(seconds)
    return Asset(
        asset_id=asset_id,
        name=name,
        sha256=asset_id * 2,
        bytes=1000,
        container="mp4",
        duration=lasts,
        path=f"/footage/{name}",
        video=VideoStream(
            index=0, codec="h264", width=1280, height=720, rate=rate, frame_count=seconds * 25, duration=lasts
        ),
        audio=AudioStream(index=1, codec="aac", sample_rate=44100, channels=2, duration=lasts),
    )


TALK, STREET = asset("a" * 32, "Talk one.mp4"), asset("b" * 32, "street.mov")
SHELF = Shelf([TALK, STREET])


def clip(
    asset_id: str, start: Fraction | int, duration: Fraction | int, *, name: str = "", number: int = 1
) -> Clip:
    """A clip of an asset; times in seconds."""
    return Clip(
        id=f"clip-{number}",
        media=AssetReference(asset_id=asset_id),
        source_range=TimeRange(start=Fraction(start), duration=Fraction(duration)),
        name=name,
    )


def timeline(
    *items: Clip | Gap | Transition, rate: Fraction = PAL, sound: tuple[Clip | Gap | Transition, ...] = ()
) -> Timeline:
    """A timeline with one picture track, and one of sound where there is sound."""
    tracks = [Track(kind="video", name="V1", items=items)]
    if sound:
        tracks.append(Track(kind="audio", name="A1", items=sound))
    return Timeline(name="A cut", rate=rate, width=1280, height=720, sample_rate=48000, tracks=tuple(tracks))


def title(text: str, duration: Fraction | int, *, number: int = 9) -> Clip:
    """A clip that shows a title."""
    return Clip(
        id=f"clip-{number}",
        media=Generator(kind="title", parameters={"text": text}),
        source_range=TimeRange(start=Fraction(0), duration=Fraction(duration)),
        name=text,
    )
