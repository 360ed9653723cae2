"""A timeline's sound as one piece of work: every clip at its sample, fades where sound is cut, crossfades, nested mixes.

items of a track -> stretches (clips that go on where the one before ended are one) -> voices of stems
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from cutroom_sdk.wire.media import Asset
from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import AssetReference, Clip, Nested, Timeline, Track
from engine.editing.pace import Pace
from engine.editing.timeline import duration as timeline_duration
from engine.kernel.errors import Invalid
from engine.media.index import FrameIndex
from engine.media.timecode import samples_at
from engine.rendering.audio.codecs import sound_encoder_for
from engine.rendering.audio.parameters import keeps_pitch, sound_effects
from engine.rendering.audio.speaking import Known
from engine.rendering.audio.stretches import Crossing, Stretch, stretches_of
from engine.rendering.audio.work import Channel, Mix, SoundSource, SoundWork, Stem, Voice
from engine.rendering.work import Capabilities

FADE: Final = Fraction(1, 100)
# A long stretch without effects is kept in parts, which lie where its source says: a trim leaves the others as they were.
PART_S: Final = 30
PART_LEAST_S: Final = 1


@dataclass
class _Making:
    """What is known while a mix is put together, and what is to be said about it."""

    assets: Mapping[str, Asset]
    indexes: Mapping[str, FrameIndex]
    rate: int
    speech: Known
    used: dict[str, None] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def soundtrack(
    tracks: Sequence[Track],
    assets: Mapping[str, Asset],
    indexes: Mapping[str, FrameIndex],
    profile: Profile,
    capabilities: Capabilities,
    *,
    count: int,
    speech: Known = MappingProxyType({}),
) -> tuple[SoundWork | None, tuple[str, ...], tuple[str, ...]]:
    """Return the work, the assets it reads, and what is to be said about it.

    The work is None where nothing sounds: the film then has no sound stream.

    Args:
        tracks: the enabled sound tracks.
        assets: by id; those that the timeline names.
        indexes: frame indexes of the assets that have a picture, by asset id.
        profile: sample rate, encoder and loudness.
        capabilities: what renders.
        count: samples of the film.
        speech: when somebody speaks in assets that somebody has looked at, by asset id.

    Raises:
        Invalid: a clip wants sound that is not there, an effect that there is not, or the profile a codec that is not
            there.
    """
    encoder = sound_encoder_for(profile)
    making = _Making(assets, indexes, profile.sample_rate, speech)
    mix = _mix(tracks, count, making)
    if not any(channel.voices for channel in mix.channels):
        return None, (), ("the film is silent: its footage has no sound",)
    work = SoundWork(
        mix=mix,
        encoder=encoder,
        loudness_lufs=profile.loudness_lufs,
        true_peak_dbtp=profile.true_peak_dbtp,
        capabilities=capabilities,
    )
    return work, tuple(sorted(making.used)), tuple(dict.fromkeys(making.notices))


def _mix(tracks: Sequence[Track], count: int, making: _Making) -> Mix:
    lasts = Fraction(count, making.rate)
    channels = tuple(
        Channel(
            name=track.name,
            voices=tuple(
                voice
                for stretch in stretches_of(track, making.notices)
                for voice in _voices(stretch, track, count, making)
            ),
            gain_db=track.gain_db,
            effects=sound_effects(
                track.effects,
                lasts,
                f"the track {track.name!r}",
                making.notices,
                tracks,
                track,
                making.speech,
            ),
        )
        for track in tracks
    )
    return Mix(count=count, rate=making.rate, channels=channels)


def _voices(stretch: Stretch, track: Track, count: int, making: _Making) -> list[Voice]:
    """Return the voices of a stretch, most often one; what lies beyond the film is cut off."""
    rate, clip = making.rate, stretch.clip
    media, total = _media(clip, making)
    pace = Pace(clip.speed, clip.ramp)
    start = clip.source_range.start - pace.lowest(clip.source_range.duration)
    before = _clamped(stretch.before, start, pace, Fraction(0), total, making, early=True)
    after = _clamped(stretch.after, start, pace, clip.source_range.duration, total, making, early=False)
    at = samples_at(stretch.at, rate)
    # Lengths count from the stretch's own beginning, so that it is the same work wherever it stands.
    lead, tail = samples_at(before.outside, rate), samples_at(after.outside, rate)
    body = samples_at(clip.source_range.duration, rate)
    effects = sound_effects(clip.effects, clip.source_range.duration, f"the clip {clip.id!r}", making.notices)
    plain = clip.speed == 1 and not clip.ramp
    stem = Stem(
        media=media,
        start=Fraction(samples_at(start, rate), rate) if plain else start,
        count=lead + body + tail,
        rate=rate,
        lead=lead,
        speed=clip.speed,
        ramp=clip.ramp,
        keep_pitch=keeps_pitch(clip.effects),
        effects=effects,
    )
    short = min(samples_at(FADE, rate), body // 2)
    fade_in = samples_at(before.length, rate) if stretch.before else short
    fade_out = samples_at(after.length, rate) if stretch.after else short
    voice = Voice(
        stem=stem, at=at - lead, count=stem.count, fade_in=fade_in, fade_out=fade_out,
        shape_in=before.shape, shape_out=after.shape,
    )  # fmt: skip
    inside = _inside(voice, count)
    return _parted(inside) if plain and not effects else [inside] if inside.count > 0 else []


def _inside(voice: Voice, count: int) -> Voice:
    """Return the voice without what lies before the mix begins or after it ends."""
    skip = max(0, -voice.at)
    end = min(voice.at + voice.count, count)
    kept = end - voice.at - skip
    cut = voice.count - skip - kept
    # What was cut off takes its fades along.
    return replace(
        voice,
        at=voice.at + skip,
        skip=skip,
        count=kept,
        fade_in=0 if skip else voice.fade_in,
        fade_out=0 if cut else voice.fade_out,
    )


def _parted(voice: Voice) -> list[Voice]:
    """Return a long voice as parts that follow each other without a seam."""
    stem, rate = voice.stem, voice.stem.rate
    first = samples_at(stem.start, rate) - stem.lead + voice.skip
    grid, least = PART_S * rate, max(PART_LEAST_S * rate, voice.fade_in, voice.fade_out)
    last = first + voice.count
    edges = [
        edge for edge in range(first // grid * grid, last, grid) if first + least <= edge <= last - least
    ]
    parts = []
    for begin, end in zip([first, *edges], [*edges, last], strict=True):
        part = replace(stem, start=Fraction(begin, rate), count=end - begin, lead=0)
        parts.append(
            replace(
                voice,
                stem=part,
                at=voice.at + begin - first,
                skip=0,
                count=end - begin,
                fade_in=voice.fade_in if begin == first else 0,
                fade_out=voice.fade_out if end == last else 0,
            )
        )
    return [part for part in parts if part.count > 0]


def _media(clip: Clip, making: _Making) -> tuple[SoundSource | Mix, Fraction]:
    """Return a clip's medium, and where it ends: seconds from its first frame shown.

    Raises:
        Invalid: it is not there, or makes no sound.
    """
    match clip.media:
        case AssetReference(asset_id=asset_id):
            asset = making.assets.get(asset_id)
            if asset is None or asset.audio is None:
                raise Invalid(
                    f"the clip {clip.id!r} needs the sound of {asset_id}: it is not there", field="timeline"
                )
            making.used[asset_id] = None
            index = making.indexes.get(asset_id)
            source = SoundSource(sha256=asset.sha256, origin=None if index is None else index.start)
            return source, asset.audio.start + asset.audio.duration
        case Nested(timeline=timeline):
            return _nested(timeline, making)
        case _:
            raise Invalid(
                f"the clip {clip.id!r} on a sound track shows a {type(clip.media).__name__.lower()}, "
                "which makes no sound",
                field="timeline",
            )


def _nested(timeline: Timeline, making: _Making) -> tuple[Mix, Fraction]:
    tracks = [track for track in timeline.tracks if track.kind == "audio" and track.enabled]
    lasts = timeline_duration(timeline)
    return _mix(tracks, samples_at(lasts, making.rate), making), lasts


def _clamped(
    crossing: Crossing | None,
    start: Fraction,
    pace: Pace,
    edge: Fraction,
    total: Fraction,
    making: _Making,
    *,
    early: bool,
) -> Crossing:
    """Return a crossing that asks for no more media beyond the clip than there is."""
    if crossing is None:
        return Crossing()
    speed, here = pace.speed(edge), start + pace.moved(edge)
    # Before a clip that plays forward lies what comes earlier in its medium, as after one that plays backwards.
    left = here if (speed > 0) == early else total - here
    room = crossing.outside if speed == 0 else max(Fraction(0), left / abs(speed))
    if room >= crossing.outside:
        return crossing
    short = crossing.outside - room
    making.notices.append(
        f"a crossfade of {float(crossing.length):.3f} s at {float(crossing.at):.3f} s of the track "
        f"{crossing.track!r} lasts {float(crossing.length - short):.3f} s: its media ends there"
    )
    return replace(crossing, outside=room, length=crossing.length - short)
