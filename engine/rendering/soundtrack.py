"""A timeline's sound as one piece of work: every clip at its sample, with short fades where sound is cut."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import Clip, Gap, Track, Transition
from engine.editing.timeline import asset_of
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.timecode import samples_at
from engine.rendering.work import Capabilities, SoundClip, SoundEncoder, SoundSource, SoundWork

FADE: Final = Fraction(1, 100)


def soundtrack(
    tracks: Sequence[Track],
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    profile: Profile,
    capabilities: Capabilities,
    *,
    count: int,
) -> tuple[SoundWork | None, tuple[str, ...], tuple[str, ...]]:
    """Return the work, the assets it reads in the order of its sources, and what is to be said about it.

    The work is None where nothing sounds: the film then has no sound stream.

    Raises:
        Invalid: a clip wants sound that is not there, or the profile a codec that is not there.
    """
    if profile.audio_codec != "aac":
        raise Invalid(
            f"the profile {profile.name} wants {profile.audio_codec!r}; there is aac", field="profile"
        )
    used = sorted({asset_of(clip) for track in tracks for clip in track.items if isinstance(clip, Clip)})
    if not used:
        return None, (), ("the film is silent: its footage has no sound",)
    for asset_id in used:
        if asset_id not in assets or assets[asset_id].audio is None:
            raise Invalid(f"the timeline needs the sound of {asset_id}: it is not there")
    clips: list[SoundClip] = []
    for track in tracks:
        clips += _track_clips(track, used, profile.sample_rate)
    work = SoundWork(
        count=count,
        encoder=SoundEncoder(codec="aac", bitrate=profile.audio_bitrate, sample_rate=profile.sample_rate),
        sources=tuple(_source(assets[asset_id], indexes) for asset_id in used),
        clips=tuple(_faded(clip, profile.sample_rate) for clip in clips),
        loudness_lufs=profile.loudness_lufs,
        true_peak_dbtp=profile.true_peak_dbtp,
        capabilities=capabilities,
    )
    return work, tuple(used), ()


def _source(asset: Asset, indexes: Mapping[str, FrameIndex]) -> SoundSource:
    index = indexes.get(asset.asset_id)
    return SoundSource(sha256=asset.sha256, origin=None if index is None else index.start)


def _track_clips(track: Track, used: Sequence[str], sample_rate: int) -> list[SoundClip]:
    clips: list[SoundClip] = []
    at = Fraction(0)
    before: Clip | None = None
    for item in track.items:
        match item:
            case Gap(duration=duration):
                at, before = at + duration, None
            case Transition():
                raise Invalid("transitions cannot be rendered yet", field="timeline")
            case Clip(media=media, source_range=span):
                first, last = samples_at(at, sample_rate), samples_at(at + span.duration, sample_rate)
                if before and before.media == media and before.source_range.end == span.start:
                    # The sound goes on where it was: there is no cut to be heard, so there must be no fade.
                    clips[-1] = replace(clips[-1], count=last - clips[-1].at)
                else:
                    clip = SoundClip(
                        source=used.index(asset_of(item)), start=span.start, at=first, count=last - first,
                        gain_db=_gain(track), fade_in=0, fade_out=0,
                    )  # fmt: skip
                    clips.append(clip)
                at, before = at + span.duration, item
    return clips


def _gain(track: Track) -> float:
    if isinstance(track.gain_db, tuple):
        raise Invalid(
            f"the track {track.name!r} has keyframes of its gain, which cannot be rendered yet",
            field="timeline",
        )
    return track.gain_db


def _faded(clip: SoundClip, sample_rate: int) -> SoundClip:
    length = min(samples_at(FADE, sample_rate), clip.count // 2)
    return replace(clip, fade_in=length, fade_out=length)
