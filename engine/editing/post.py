"""Post settings: held against the catalogue when they are given, put onto a cut's timeline when it is planned.

cuts, timeline --speed--> --transitions--> --colour, keyframes--> --mastering--> --captions--> timeline, notices
"""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Final

from msgspec.structs import replace

from cutroom_sdk.wire.codec import to_builtins
from cutroom_sdk.wire.editing import Cut
from cutroom_sdk.wire.post import PostCaptions, PostSettings, PostTransitions
from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Effect,
    Gap,
    Timeline,
    TimeRange,
    Track,
    Transition,
    Word,
)
from engine.editing.captions_wish import with_wish
from engine.editing.catalogue.spec import named
from engine.editing.curves import Curve
from engine.editing.interchange.cues import Cue, cues_of, timeline_of
from engine.editing.interchange.losses import Losses
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.srt import read_srt
from engine.editing.interchange.vtt import read_vtt
from engine.editing.keyframes import windowed
from engine.editing.mastering import LOUDNESS, PEAK, with_mastering
from engine.editing.timeline import Item, check
from engine.editing.validate import check_effects
from engine.editing.values import check_parameters, check_within
from engine.kernel.errors import Invalid

SPEED_LEAST, SPEED_MOST = Fraction(1, 10), Fraction(10)
CROSSING_MOST: Final = Fraction(10)
GAIN_LOW, GAIN_HIGH = -60.0, 24.0
COLOUR: Final = "colour"
CUE_RATE: Final = Fraction(240)  # how finely a subtitle file's times are read
NOTED_MOST: Final = 5


def check_post(post: PostSettings | None, *, field: str = "post") -> None:
    """Check settings against the catalogue.

    Raises:
        Invalid: `field` names where; the text says what it is and what is taken. `unknown_effect` for a name.
    """
    if post is None:
        return
    if post.transitions is not None:
        _check_transitions(post.transitions, f"{field}.transitions")
    if post.speed is not None and not SPEED_LEAST <= post.speed <= SPEED_MOST:
        raise Invalid(
            f"{field}.speed is {post.speed}: {SPEED_LEAST} to {SPEED_MOST}, 1 being as recorded",
            field=f"{field}.speed",
        )
    for number, keyed in enumerate(post.keyframes):
        where = f"{field}.keyframes[{number}]"
        entry = named(keyed.effect, "effect", field=f"{where}.effect")
        check_parameters(entry, {keyed.parameter: keyed.keys}, where, None)
    check_effects(post.colour, "effect", f"{field}.colour", None)
    for number, effect in enumerate(post.colour):
        if named(effect.name, "effect", field="").family != COLOUR:
            where = f"{field}.colour[{number}].name"
            raise Invalid(f"{where} is {effect.name!r}, which is not about colour", field=where)
    if post.mastering is not None:
        where = f"{field}.mastering"
        for name, (low, high) in (("loudness_lufs", LOUDNESS), ("true_peak_dbtp", PEAK)):
            value = getattr(post.mastering, name)
            if value is not None:
                check_within(value, low, high, f"{where}.{name}", None)
        check_within(post.mastering.gain_db, GAIN_LOW, GAIN_HIGH, f"{where}.gain_db", None)
        check_effects(post.mastering.effects, "sound", f"{where}.effects", None)
    if post.captions is not None:
        where = f"{field}.captions"
        caption = named("caption", "generator", field=where)
        check_parameters(caption, post.captions.style, f"{where}.style", None)
        _cues(post.captions, f"{where}.subtitles")


def _check_transitions(asked: PostTransitions, field: str) -> None:
    entry = named(asked.kind, "transition", field=f"{field}.kind")
    if not 0 < asked.duration <= CROSSING_MOST:
        raise Invalid(
            f"{field}.duration is {asked.duration}: above 0, up to {CROSSING_MOST} seconds",
            field=f"{field}.duration",
        )
    check_parameters(entry, asked.parameters, f"{field}.parameters", asked.duration)


def applied(
    timeline: Timeline, post: PostSettings, cuts: Sequence[Cut], lengths: Mapping[str, Fraction]
) -> tuple[Timeline, tuple[str, ...]]:
    """Return a cut's timeline with settings put onto it, and what is to be said about that.

    Args:
        timeline: as planned: one track of pictures and one of sound, an item for each cut.
        post: as `check_post` takes them.
        cuts: the cuts, in order.
        lengths: how long each asset is, seconds.
    """
    notices: list[str] = []
    if post.speed is not None and post.speed != 1:
        timeline = _each_track(timeline, lambda track: _sped(track, post.speed or Fraction(1), timeline.rate))
        notices.append(f"plays at {float(post.speed):g} times the speed")
    if post.transitions is not None:
        timeline = _crossed(timeline, post.transitions, lengths, notices)
    worn = (
        *post.colour,
        *(Effect(name=one.effect, parameters={one.parameter: one.keys}) for one in post.keyframes),
    )
    if worn:
        timeline = _on_kind(timeline, "video", lambda track: replace(track, effects=(*track.effects, *worn)))
        notices.append(f"the picture wears {', '.join(effect.name for effect in worn)}")
    if post.mastering is not None:
        mastering = post.mastering
        timeline = _on_kind(
            timeline,
            "audio",
            lambda track: replace(
                track, gain_db=mastering.gain_db, effects=(*track.effects, *mastering.effects)
            ),
        )
        timeline = with_mastering(timeline, mastering.loudness_lufs, mastering.true_peak_dbtp)
    if post.captions is not None:
        timeline = _captioned(timeline, post, cuts, notices)
    return check(timeline), tuple(notices)


def speed_of(post: PostSettings | None) -> Fraction:
    """Return how fast the film plays, 1 as recorded."""
    return Fraction(1) if post is None or post.speed is None else post.speed


def asked_for(post: PostSettings | None) -> dict[str, Any]:
    """Return settings as plain JSON, without what was left open; empty when nothing is asked for."""
    if post is None:
        return {}
    told = to_builtins(post)
    return {name: value for name, value in told.items() if value not in (None, [], ())}


def played(cut: Cut, speed: Fraction, rate: Fraction) -> Fraction:
    """Return how long a cut lasts in the film at a speed: whole frames, and never beyond its end."""
    return max(1, (cut.end - cut.start) / speed * rate // 1) / rate


def _each_track(timeline: Timeline, change: Callable[[Track], Track]) -> Timeline:
    return replace(timeline, tracks=tuple(change(track) for track in timeline.tracks))


def _on_kind(timeline: Timeline, kind: str, change: Callable[[Track], Track]) -> Timeline:
    return _each_track(timeline, lambda track: change(track) if track.kind == kind else track)


def _sped(track: Track, speed: Fraction, rate: Fraction) -> Track:
    items: list[Item] = []
    for item in track.items:
        if isinstance(item, Clip):
            lasts = max(1, item.source_range.duration / speed * rate // 1) / rate
            items.append(
                replace(
                    item,
                    speed=item.speed * speed,
                    source_range=TimeRange(start=item.source_range.start, duration=lasts),
                    effects=tuple(_faster(effect, speed, lasts) for effect in item.effects),
                )
            )
        elif isinstance(item, Gap):
            items.append(Gap(duration=max(1, item.duration / speed * rate // 1) / rate))
    return replace(track, items=tuple(items))


def _faster(effect: Effect, speed: Fraction, lasts: Fraction) -> Effect:
    def curve(value: Curve) -> Curve:
        if not isinstance(value, tuple):
            return value
        return windowed(tuple(replace(key, at=key.at / speed) for key in value), Fraction(0), lasts)

    found = {
        name: value if isinstance(value, str) else curve(value) for name, value in effect.parameters.items()
    }
    return replace(effect, parameters=found)


def _crossed(
    timeline: Timeline, asked: PostTransitions, lengths: Mapping[str, Fraction], notices: list[str]
) -> Timeline:
    """Return the timeline with a transition at each cut that can be seen, as long as there is material for it."""
    made, shorter, none = 0, 0, 0

    def crossed(track: Track) -> Track:
        nonlocal made, shorter, none
        items: list[Item] = []
        for item in track.items:
            before = items[-1] if items else None
            if isinstance(before, Clip) and isinstance(item, Clip) and not _goes_on(before, item):
                wanted = max(1, round(asked.duration * timeline.rate))
                offsets = _offsets(before, item, wanted, timeline.rate, lengths)
                if sum(offsets):
                    items.append(_transition(asked, track.kind, offsets, timeline.rate))
                if track.kind == "video":
                    made += sum(offsets) > 0
                    shorter += 0 < sum(offsets) < wanted
                    none += sum(offsets) == 0
            items.append(item)
        return replace(track, items=tuple(items))

    timeline = _each_track(timeline, crossed)
    notices.append(f"{made} cuts go over as {asked.kind}")
    if shorter:
        notices.append(f"{shorter} of them shorter than asked: the footage has no more there")
    if none:
        notices.append(f"{none} cuts have no transition: the footage has nothing to go over with")
    return timeline


def _goes_on(before: Clip, after: Clip) -> bool:
    """Tell whether a clip goes on where the one before it ends: there is no cut to be seen."""
    end = before.source_range.start + before.source_range.duration * before.speed
    same = before.media == after.media and before.speed == after.speed
    return same and abs(after.source_range.start - end) < Fraction(1, 1000)


def _offsets(
    before: Clip, after: Clip, wanted: int, rate: Fraction, lengths: Mapping[str, Fraction]
) -> tuple[int, int]:
    """Return how many frames before and after the cut a transition may cover, at most half of either clip."""
    rest = _length(before, lengths) - before.source_range.start
    beyond = rest / before.speed - before.source_range.duration
    most_out = min(int(beyond * rate), int(after.source_range.duration * rate) // 2)
    lead = after.source_range.start / after.speed
    most_in = min(int(lead * rate), int(before.source_range.duration * rate) // 2)
    in_frames = min(wanted // 2, max(0, most_in))
    out_frames = min(wanted - in_frames, max(0, most_out))
    # What one side lacks the other may give.
    return min(wanted - out_frames, max(0, most_in)), out_frames


def _length(clip: Clip, lengths: Mapping[str, Fraction]) -> Fraction:
    assert isinstance(clip.media, AssetReference), "a plan is made of assets"
    return lengths[clip.media.asset_id]


def _transition(asked: PostTransitions, kind: str, offsets: tuple[int, int], rate: Fraction) -> Transition:
    before, after = (frames / rate for frames in offsets)
    if kind == "audio":
        return Transition(kind="crossfade", in_offset=before, out_offset=after)
    return Transition(kind=asked.kind, in_offset=before, out_offset=after, parameters=asked.parameters)


def _cues(captions: PostCaptions, field: str) -> list[Cue]:
    """Read the subtitles.

    Raises:
        Invalid: they are neither SRT nor WebVTT, or there are none.
    """
    data = captions.subtitles.encode()
    read = read_vtt if captions.subtitles.lstrip("\ufeff \r\n").startswith("WEBVTT") else read_srt
    try:
        found = read(
            data, Asked(name="captions", rate=CUE_RATE, width=16, height=16, sample_rate=48_000), Shelf()
        )
    except Invalid as error:
        raise Invalid(f"{field}: {error.detail}", field=field) from error
    return cues_of(found.timeline, Losses())


def _captioned(timeline: Timeline, post: PostSettings, cuts: Sequence[Cut], notices: list[str]) -> Timeline:
    captions = post.captions
    assert captions is not None
    cues = _cues(captions, "post.captions.subtitles")
    if captions.asset_id is not None:
        cues = _carried(cues, captions.asset_id, cuts, post.speed or Fraction(1), timeline.rate)
    lasts = max(sum((_lasts(item) for item in track.items), Fraction(0)) for track in timeline.tracks)
    seen = [replace(cue, end=min(cue.end, lasts)) for cue in cues if cue.start < lasts]
    if not seen:
        notices.append("no caption falls into what is kept")
        return timeline
    styled = [replace(cue, look={**cue.look, **captions.style}) for cue in seen]
    losses = Losses()
    made = timeline_of(styled, Asked(rate=timeline.rate, width=16, height=16, sample_rate=48_000), losses)
    notices.append(f"{len(styled)} captions are put onto the film")
    notices += [f"captions: {one}" for one in made.losses[:NOTED_MOST]]
    dressed = replace(timeline, tracks=(*timeline.tracks, *_renumbered(made.timeline.tracks)))
    return with_wish(dressed, captions.delivery)


def _renumbered(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """Return caption tracks whose clips have ids that no cut has."""
    count, found = 0, []
    for track in tracks:
        items: list[Item] = []
        for item in track.items:
            if isinstance(item, Clip):
                count += 1
                item = replace(item, id=f"c{count:03}")
            items.append(item)
        found.append(replace(track, items=tuple(items)))
    return tuple(found)


def _carried(
    cues: Sequence[Cue], asset_id: str, cuts: Sequence[Cut], speed: Fraction, rate: Fraction
) -> list[Cue]:
    """Return cues, timed in an asset, at their times in the film; what was cut out is gone, what was cut through shorter."""
    found: list[Cue] = []
    at = Fraction(0)
    for cut in cuts:
        lasts = played(cut, speed, rate)
        for cue in cues if cut.asset_id == asset_id else ():
            start = at + max(Fraction(0), cue.start - cut.start) / speed
            end = at + min(lasts, (cue.end - cut.start) / speed)
            if cue.start < cut.end and end - start >= 1 / rate:
                origin = cue.start + max(Fraction(0), cut.start - cue.start)
                found.append(replace(cue, start=start, end=end, words=_said(cue, origin, end - start, speed)))
        at += lasts
    return found


def _said(cue: Cue, origin: Fraction, lasts: Fraction, speed: Fraction) -> tuple[Word, ...]:
    """Return the words of a cue as they are said from `origin` of the asset on."""
    shifted = (
        replace(
            word,
            start=max(Fraction(0), (cue.start + word.start - origin) / speed),
            end=min(lasts, (cue.start + word.end - origin) / speed),
        )
        for word in cue.words
    )
    return tuple(word for word in shifted if word.end > 0 and word.start < lasts and word.end > word.start)


def _lasts(item: Item) -> Fraction:
    if isinstance(item, Clip):
        return item.source_range.duration
    return item.duration if isinstance(item, Gap) else Fraction(0)
