"""What a command is about when it takes `TIMELINE|FILE`: a timeline that is kept, one in a file, or footage as it is."""

import re
from fractions import Fraction
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlparse

from clients.cli.edit import taken_in
from clients.cli.interchange import file_text, told_losses
from clients.cli.options import CommandError, Setup
from clients.cli.timelines import find_timeline
from cutroom_sdk.client import Client
from cutroom_sdk.wire.codec import decode, digest
from cutroom_sdk.wire.interchange import TimelineImportRequest
from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.problems import NOT_FOUND, USAGE
from cutroom_sdk.wire.timeline import AssetReference, Clip, Timeline, TimeRange, Track

IMPORTED: Final = (".otio", ".edl", ".fcpxml", ".xml", ".srt", ".vtt", ".ass", ".ssa")
# Where files of other programs name media: OpenTimelineIO's references, FCPXML's sources.
_NAMED: Final = re.compile(r'"target_url"\s*:\s*"((?:[^"\\]|\\.)*)"|\bsrc="([^"]*)"')
_MEDIA_MOST: Final = 1000


async def timeline_of(setup: Setup, client: Client, what: str) -> str:
    """Return the id of the timeline that is meant; one in a file, and footage, are kept as a timeline first.

    Raises:
        CommandError: there is no such timeline or file, or it holds none.
    """
    file = file_meant(what)
    if file is None:
        return await find_timeline(client, what)
    if file.suffix.lower() == ".json":
        return await _kept(client, timeline_in(file))
    if file.suffix.lower() in IMPORTED:
        return await _imported(setup, client, file)
    return await _whole(client, await taken_in(setup, client, file))


def file_meant(what: str) -> Path | None:
    """Return the file that is meant; None where the words are no file's.

    Raises:
        CommandError: they are a file's, and it is not there.
    """
    file = Path(what).expanduser()
    if file.is_file():
        return file
    if file.suffix:
        raise CommandError(f"there is no file {file}", NOT_FOUND)
    return None


def timeline_in(file: Path) -> Timeline:
    """Return the timeline that a file of our own JSON holds.

    Raises:
        CommandError: there is no such file, or it holds something else.
    """
    try:
        return decode(file.read_bytes(), Timeline)
    except FileNotFoundError:
        raise CommandError(f"there is no file {file}", NOT_FOUND) from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} holds no timeline: {error}", USAGE) from error


async def _imported(setup: Setup, client: Client, file: Path) -> str:
    """Keep what a file of another program says; footage that it names and that is there is taken in."""
    text = file_text(file)
    assets = {}
    for name in named_media(text):
        media = _path_of(name, file.parent)
        if media is not None:
            assets[name] = (await taken_in(setup, client, media)).asset_id
    asked = TimelineImportRequest(text=text, file_name=file.name, assets=assets)
    made = await client.import_timeline(asked, idempotency_key=f"file-{digest(asked)}")
    told_losses(setup, made.losses, "not understood")
    return made.timeline_id


def named_media(text: str) -> list[str]:
    """Return the names of media in a file of another program, each once, in order.

    >>> named_media('{"target_url": "a.mp4"} <media-rep src="file:///b%20c.mov"/> {"target_url": "a.mp4"}')
    ['a.mp4', 'file:///b%20c.mov']
    """
    found = (first or second for first, second in _NAMED.findall(text))
    return list(dict.fromkeys(name for name in found if name))[:_MEDIA_MOST]


def _path_of(name: str, folder: Path) -> Path | None:
    """Return the file that a name means, beside the file that names it or anywhere; None: there is none."""
    address = urlparse(name)
    if address.scheme not in ("", "file"):
        return None
    path = folder / unquote(address.path)
    return path if path.is_file() else None


async def _whole(client: Client, asset: Asset) -> str:
    """Keep a timeline that is all of an asset."""
    if asset.video is None:
        raise CommandError(f"{asset.name} has no picture", USAGE)
    video = asset.video
    frames = max(1, round(video.duration * video.rate))
    clip = Clip(
        id="picture",
        name=asset.name,
        media=AssetReference(asset_id=asset.asset_id),
        source_range=TimeRange(start=Fraction(0), duration=frames / video.rate),
    )
    tracks = [Track(kind="video", name="picture", items=(clip,))]
    if asset.audio is not None:
        sound = Clip(id="sound", media=clip.media, source_range=clip.source_range)
        tracks.append(Track(kind="audio", name="sound", items=(sound,)))
    timeline = Timeline(
        name=asset.name,
        rate=video.rate,
        width=max(16, video.width // 2 * 2),
        height=max(16, video.height // 2 * 2),
        sample_rate=asset.audio.sample_rate if asset.audio is not None else 48_000,
        tracks=tuple(tracks),
    )
    return await _kept(client, timeline)


async def _kept(client: Client, timeline: Timeline) -> str:
    """Keep a timeline under an id; the same timeline asked for again soon is the same one, so that jobs go on."""
    return (await client.create_timeline(timeline, idempotency_key=f"file-{digest(timeline)}")).timeline_id
