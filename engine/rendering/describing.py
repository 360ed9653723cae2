"""A plan in words: in which order things are done, how pictures are encoded and why, how loud the film is to be. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from cutroom_sdk.wire.plans import PlanEncoder, PlanSound
from cutroom_sdk.wire.renders import CaptionsAs, Profile, Segment
from cutroom_sdk.wire.timeline import Clip, Effect, Nested, Timeline, Track
from engine.rendering.audio.work import Mix, SoundEffect, SoundWork, stems_of
from engine.rendering.captioning import as_wanted
from engine.rendering.compiling.clips import PLACING
from engine.rendering.encoders import options_of
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_file import length_of
from engine.rendering.qa_form import seconds_text
from engine.rendering.subtitles import taken_out

DUCK: Final = "duck"
MASTERED: Final = (
    "all sound tracks are added up, brought to the film's loudness below its peak, and encoded once"
)


def ordering_of(timeline: Timeline, captions: CaptionsAs) -> tuple[str, ...]:
    """Return in which order a timeline's pictures and sounds come about: layers from below, effects as they follow each other.

    Captions that are not on the picture are no layer.
    """
    drawn, _ = taken_out(as_wanted(timeline, captions)[0])
    pictures = [one for one in drawn.tracks if one.kind != "audio" and one.enabled and one.items]
    sounds = [one for one in timeline.tracks if one.kind == "audio" and one.enabled and one.items]
    told = [
        line
        for number, track in enumerate(pictures, 1)
        for line in _picture_lines(track, f"layer {number} from below, {track.kind} track {track.name!r}")
    ]
    told += [line for track in sounds for line in _sound_lines(track)]
    return (*told, MASTERED) if sounds else tuple(told)


def _picture_lines(track: Track, name: str) -> Iterator[str]:
    after = _named(track.effects)
    yield name + (f": its clips, then {', then '.join(after)}" if after else "")
    for clip in _clips(track):
        steps = _picture_steps(clip.effects)
        if steps:
            yield f"clip {clip.name or clip.id!r}: {', then '.join(steps)}"


def _picture_steps(effects: Sequence[Effect]) -> list[str]:
    """Return the effects of a clip in order; those that place act together, where the first of them stands."""
    steps: list[str] = []
    placing = [one for one in _named(effects) if one in PLACING]
    for name in _named(effects):
        if name not in PLACING:
            steps.append(name)
        elif name == placing[0]:
            steps.append(f"its place ({', '.join(dict.fromkeys(placing))})" if len(placing) > 1 else name)
            placing = [""]
    return steps


def _sound_lines(track: Track) -> Iterator[str]:
    steps = [*_named(track.effects), *(["its gain"] if track.gain_db != 0.0 else [])]
    yield f"sound track {track.name!r}" + (f": its clips, then {', then '.join(steps)}" if steps else "")
    for clip in _clips(track):
        if found := _named(clip.effects):
            yield f"sound of clip {clip.name or clip.id!r}: {', then '.join(found)}"


def _named(effects: Sequence[Effect]) -> list[str]:
    return [one.name for one in effects if one.enabled]


def _clips(track: Track) -> Iterator[Clip]:
    for item in track.items:
        if isinstance(item, Clip) and item.enabled:
            yield item
            if isinstance(item.media, Nested):
                for inner in item.media.timeline.tracks:
                    if inner.enabled and inner.kind == track.kind:
                        yield from _clips(inner)


def encoder_of(plan: RenderPlan, profile: Profile, said: Sequence[str]) -> PlanEncoder:
    """Return how pictures are encoded; `said` is what was told when the encoder was chosen."""
    encoder = plan.encoder
    settings = {"pixel_format": encoder.pixel_format, "threads": str(encoder.threads), **options_of(encoder)}
    asked = f"the profile {profile.name} asks for {profile.codec}"
    chosen = (
        "; ".join(said)
        or f"encoder {encoder.codec}: on the processor, where the same work gives the same bytes"
    )
    return PlanEncoder(
        codec=encoder.codec,
        width=encoder.width,
        height=encoder.height,
        rate=encoder.rate,
        settings=settings,
        why=f"{asked}; {chosen}",
    )


def sound_of(plan: RenderPlan, kept: Segment | None) -> PlanSound | None:
    """Return how a film's sound comes about; `kept` is the sound that earlier work has left, which knows its gain."""
    work = plan.sound
    if work is None:
        return None
    return PlanSound(
        codec=work.encoder.codec,
        bitrate=work.encoder.bitrate,
        sample_rate=work.encoder.sample_rate,
        loudness_lufs=work.loudness_lufs,
        ceiling_dbtp=work.true_peak_dbtp,
        gain_db=None if kept is None else kept.gain_db,
        ducking=tuple(_ducking(work)),
    )


def _ducking(work: SoundWork) -> Iterator[str]:
    for mix in _mixes(work.mix):
        for channel in mix.channels:
            for effect in channel.effects:
                if effect.name == DUCK:
                    under = [mix.channels[one].name for one in effect.keys]
                    if effect.spoken:
                        under.append(f"what is said ({len(effect.spoken)} stretches)")
                    yield f"{channel.name} under {', '.join(under) or 'nothing'}: {_figures(effect)}"


def _mixes(mix: Mix) -> Iterator[Mix]:
    yield mix
    for stem in stems_of(mix):
        if isinstance(stem.media, Mix):
            yield from _mixes(stem.media)


def _figures(effect: SoundEffect) -> str:
    told = ((name, value) for name, value in effect.values if name != "under")
    return ", ".join(f"{name} {'keyframes' if isinstance(value, tuple) else value}" for name, value in told)


def limits_of(plan: RenderPlan, profile: Profile) -> tuple[str, ...]:
    """Return what a film's checks will say of its length."""
    bounds, fix = length_of(profile, plan.duration)
    if not fix:
        return ()
    return (f"the film lasts {seconds_text(plan.duration)}, {profile.name} wants {', '.join(bounds)}: {fix}",)
