"""Timelines held against the rules and the catalogue, before they are kept: what is wrong is named with its place."""

from collections.abc import Iterable, Sequence, Set
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.timeline import (
    Clip,
    Effect,
    Generator,
    Marker,
    Mask,
    Nested,
    Timeline,
    Track,
    Transition,
    Word,
)
from engine.editing.catalogue.spec import Kind, named
from engine.editing.timeline import Item, check, track_duration
from engine.editing.values import check_exact, check_keyframes, check_parameters, check_within
from engine.kernel.errors import Invalid

DEPTH_MAX: Final = 8
TRACKS_MAX: Final = 256
LASTS_MAX: Final = Fraction(1_000_000)  # eleven days
SAMPLE_RATE_MAX: Final = 768_000
SPEED_MAX: Final = Fraction(100)
GAIN_LOW, GAIN_HIGH = -120.0, 60.0
_SHARE: Final = ("x", "y", "width", "height", "feather")
# What a track of each kind may wear, and how its clips go over into each other.
EFFECTS: Final[dict[str, Kind]] = {"video": "effect", "audio": "sound", "caption": "effect"}
_CROSSINGS: Final[dict[str, Kind]] = {"video": "transition", "audio": "crossfade", "caption": "transition"}


def check_timeline(timeline: Timeline, *, field: str = "timeline") -> Timeline:
    """Return the timeline when it holds together and all that it names is in the catalogue.

    Raises:
        Invalid: `field` says where; `unknown_effect` for a name that there is not, with those that are near.
    """
    _check_whole(timeline, field, 0)
    return timeline


def check_lengths(lasts: Iterable[Fraction], *, field: str = "timeline") -> None:
    """Check how long tracks last, seconds.

    Raises:
        Invalid: `field` names the one that is too long.
    """
    for number, length in enumerate(lasts):
        if length > LASTS_MAX:
            where = f"{field}.tracks[{number}]"
            raise Invalid(f"{where} lasts more than {LASTS_MAX} seconds", field=where)


def check_edit(timeline: Timeline, before: Timeline, *, field: str = "timeline") -> Timeline:
    """Return the timeline when it holds together, looking only at what `before`, which did, does not have as well.

    Tracks and items are known by being the very same objects: what an edit does not touch stays that, and none takes an
    item to a track of another kind.

    Raises:
        Invalid: as `check_timeline`.
    """
    rows = before.tracks if timeline.rate == before.rate else ()
    known = set(map(id, rows))
    if any(id(track) not in known for track in timeline.tracks):
        known.update(id(item) for track in rows for item in track.items)
    _check_whole(timeline, field, 0, known)
    return timeline


def _check_whole(timeline: Timeline, field: str, depth: int, known: Set[int] = frozenset()) -> None:
    """Check a timeline; `known` are the `id()` of tracks and items that need not be looked at again."""
    if depth > DEPTH_MAX:
        raise Invalid(f"{field} is nested more than {DEPTH_MAX} timelines deep", field=field)
    if len(timeline.tracks) > TRACKS_MAX:
        raise Invalid(
            f"{field}.tracks are {len(timeline.tracks)}: up to {TRACKS_MAX}", field=f"{field}.tracks"
        )
    try:
        check(timeline, known=known)
    except Invalid as error:
        place = str(error.extra.get("field", "timeline")).removeprefix("timeline")
        detail = error.detail.removeprefix(f"timeline{place}")
        raise Invalid(f"{field}{place}{detail}", field=f"{field}{place}") from error
    if timeline.sample_rate > SAMPLE_RATE_MAX:
        where = f"{field}.sample_rate"
        raise Invalid(f"{where} is {timeline.sample_rate}: up to {SAMPLE_RATE_MAX}", field=where)
    _check_markers(timeline.markers, f"{field}.markers")
    for number, track in enumerate(timeline.tracks):
        if id(track) not in known:
            _check_track(track, f"{field}.tracks[{number}]", timeline.rate, depth, known)
    if not known:
        check_lengths(map(track_duration, timeline.tracks), field=field)


def _check_track(track: Track, field: str, rate: Fraction, depth: int, known: Set[int]) -> None:
    check_within(track.gain_db, GAIN_LOW, GAIN_HIGH, f"{field}.gain_db", None)
    check_effects(track.effects, EFFECTS[track.kind], f"{field}.effects", None)
    for number, item in enumerate(track.items):
        match item:
            case Clip() if id(item) not in known:
                _check_clip(item, track.kind, f"{field}.items[{number}]", depth)
            case Transition():
                where = f"{field}.items[{number}]"
                _check_stands(track.items[max(0, number - 1) : number + 2], where)
                if id(item) not in known:
                    _check_transition(item, track.kind, where, rate)
            case _:
                pass


def _check_clip(clip: Clip, kind: str, field: str, depth: int) -> None:
    lasts = clip.source_range.duration
    check_exact(clip.source_range.start, f"{field}.source_range.start")
    check_exact(clip.speed, f"{field}.speed")
    _check_markers(clip.markers, f"{field}.markers")
    if not -SPEED_MAX <= clip.speed <= SPEED_MAX:
        raise Invalid(
            f"{field}.speed is {clip.speed}: {-SPEED_MAX} to {SPEED_MAX}, 1 being as recorded",
            field=f"{field}.speed",
        )
    if clip.ramp:
        check_keyframes(clip.ramp, f"{field}.ramp", lasts)
        check_within(clip.ramp, -float(SPEED_MAX), float(SPEED_MAX), f"{field}.ramp", lasts)
    check_effects(clip.effects, EFFECTS[kind], f"{field}.effects", lasts)
    where = f"{field}.media"
    match clip.media:
        case Generator():
            if kind == "audio":
                raise Invalid(
                    f"{where} is a {clip.media.kind}, a picture; a sound track has none", field=where
                )
            entry = named(clip.media.kind, "generator", field=f"{where}.kind")
            check_parameters(entry, clip.media.parameters, f"{where}.parameters", lasts)
            _check_words(clip.media.words, f"{where}.words", lasts)
        case Nested(timeline=inner):
            _check_whole(inner, f"{where}.timeline", depth + 1)
        case _:
            pass
    if kind == "caption" and not isinstance(clip.media, Generator):
        raise Invalid(f"{where} is media; a caption track has texts", field=where)


def check_effects(effects: Sequence[Effect], kind: Kind, field: str, lasts: Fraction | None) -> None:
    """Check effects against the catalogue. `field` is where they are, `lasts` how long keyframes may go on, None: for ever.

    Raises:
        Invalid: `unknown_effect`, or a parameter or a mask that one does not take.
    """
    for number, effect in enumerate(effects):
        where = f"{field}[{number}]"
        entry = named(effect.name, kind, field=f"{where}.name")
        check_parameters(entry, effect.parameters, f"{where}.parameters", lasts)
        if effect.mask is None:
            if entry.region:
                raise Invalid(
                    f"{where}.mask is missing: {entry.name} acts on a region", field=f"{where}.mask"
                )
        elif not entry.mask:
            raise Invalid(f"{where}.mask: {entry.name} acts on the whole", field=f"{where}.mask")
        else:
            _check_mask(effect.mask, f"{where}.mask", lasts)


def crossing_of(kind: str) -> Kind:
    """Return what kind of entry a transition on a track of this kind is."""
    return _CROSSINGS[kind]


def _check_mask(mask: Mask, field: str, lasts: Fraction | None) -> None:
    for name in _SHARE:
        check_within(getattr(mask, name), 0.0, 1.0, f"{field}.{name}", lasts)


def _check_markers(markers: Sequence[Marker], field: str) -> None:
    for number, marker in enumerate(markers):
        check_exact(marker.at, f"{field}[{number}].at")
        check_exact(marker.duration, f"{field}[{number}].duration")


def _check_words(words: Sequence[Word], field: str, lasts: Fraction) -> None:
    for number, word in enumerate(words):
        for time in (word.start, word.end):
            check_exact(time, f"{field}[{number}]")
        if not 0 <= word.start <= word.end <= lasts:
            where = f"{field}[{number}]"
            raise Invalid(
                f"{where} is said from {word.start} to {word.end}: within 0 to {lasts}", field=where
            )


def _check_stands(around: Sequence[Item], field: str) -> None:
    """Check that a transition, given with its neighbours, has a clip at either side."""
    if [isinstance(one, Clip) for one in around] != [True, False, True]:
        raise Invalid(f"{field} is a transition: it stands between two clips", field=field)


def _check_transition(transition: Transition, kind: str, field: str, rate: Fraction) -> None:
    for name in ("in_offset", "out_offset"):
        offset: Fraction = getattr(transition, name)
        if offset < 0 or (offset * rate).denominator != 1:
            where = f"{field}.{name}"
            raise Invalid(
                f"{where} is {offset}: 0 or more, a whole number of frames at {rate} a second", field=where
            )
    entry = named(transition.kind, crossing_of(kind), field=f"{field}.kind")
    lasts = transition.in_offset + transition.out_offset
    check_parameters(entry, transition.parameters, f"{field}.parameters", lasts)
