"""What a file of another program does not say of a timeline: its rate, its size, its sample rate."""

from fractions import Fraction
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.timeline import AssetReference, Clip, Timeline, Track
from engine.editing.interchange.losses import Losses
from engine.editing.interchange.shelf import Shelf
from engine.editing.timeline import RATE_MOST
from engine.kernel.errors import Invalid

RATE: Final = Fraction(25)
SIZE: Final = (1920, 1080)
SAMPLE_RATE: Final = 48_000
RATE_LEAST: Final = Fraction(1)


class Asked(Struct, frozen=True, kw_only=True):
    """What the caller says; None is taken from the file, from its assets, else the usual, and listed as such."""

    name: str | None = None
    rate: Fraction | None = None
    width: int | None = None
    height: int | None = None
    sample_rate: int | None = None

    def __post_init__(self) -> None:
        """Refuse a rate that no timeline can have before frames are counted by it."""
        if self.rate is not None and not RATE_LEAST <= self.rate <= RATE_MOST:
            said = f"the rate is {self.rate}; it must be above 0, from {RATE_LEAST} to {RATE_MOST} frames a second"
            raise Invalid(said, field="rate")


def guessed(
    asked: Asked, tracks: tuple[Track, ...], shelf: Shelf, losses: Losses, *, rate: Fraction | None, name: str
) -> Timeline:
    """Return a timeline of these tracks; what is neither asked nor in the file comes from the first asset that has it.

    Args:
        asked: what the caller says.
        tracks: what was read.
        shelf: the assets.
        losses: notes what was taken for want of anything better.
        rate: frames a second, as the file has it.
        name: as the file has it.
    """
    shown = [asset for asset in (shelf.asset(one) for one in asset_ids(tracks)) if asset is not None]
    size = _size(asked, shown)
    if size is None:
        losses.add("", "no size is said", f"{SIZE[0]}x{SIZE[1]} is taken")
    if asked.rate is None and rate is None:
        losses.add("", "no frame rate is said", f"{RATE} frames a second are taken")
    sample_rate = asked.sample_rate or next(
        (one.audio.sample_rate for one in shown if one.audio), SAMPLE_RATE
    )
    width, height = size or SIZE
    return Timeline(
        name=asked.name or name,
        rate=asked.rate or rate or RATE,
        width=width,
        height=height,
        sample_rate=sample_rate,
        tracks=tracks,
    )


def asset_ids(tracks: tuple[Track, ...]) -> list[str]:
    """Return the ids of the assets that clips on these tracks show, each once, in order."""
    clips = [item for track in tracks for item in track.items if isinstance(item, Clip)]
    return list(
        dict.fromkeys(clip.media.asset_id for clip in clips if isinstance(clip.media, AssetReference))
    )


def _size(asked: Asked, shown: list[Asset]) -> tuple[int, int] | None:
    if asked.width is not None and asked.height is not None:
        return asked.width, asked.height
    pictures = (asset.video for asset in shown if asset.video is not None)
    # A picture has an even number of lines and columns.
    return next(((one.width // 2 * 2, one.height // 2 * 2) for one in pictures), None)
