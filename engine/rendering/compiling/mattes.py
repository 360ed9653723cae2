"""Track mattes: which track says what is to be seen of a picture, and how."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from cutroom_sdk.wire.timeline import Clip, Effect, Track
from engine.kernel.errors import Invalid
from engine.rendering.compiling.given import Given
from engine.rendering.compiling.values import entry_of, number, text, values_of

TRACK_MATTE: Final = "track_matte"


class Matte(NamedTuple):
    """The track of that name is a matte."""

    track: str
    channel: Literal["luma", "alpha"]
    inverted: bool


def tracks_as_mattes(tracks: Sequence[Track]) -> frozenset[str]:
    """Return the names of those picture tracks that others have for a matte: they are not shown themselves.

    Raises:
        Invalid: there is no such track, or one is its own matte, by itself or through others.
    """
    asked = {track.name: frozenset(_asked(track)) for track in tracks}
    for track in tracks:
        for name in _asked(track):
            if name not in asked:
                raise Invalid(
                    f"the track {track.name!r}: track_matte: there is no picture track {name!r} with something on it;"
                    f" there are {', '.join(map(repr, asked))}",
                    field="timeline",
                )
    for name in asked:
        reached, left = set[str](), set(asked[name])
        while left:
            one = left.pop()
            reached.add(one)
            left |= asked[one] - reached
        if name in reached:
            raise Invalid(f"track_matte: the track {name!r} would be its own matte", field="timeline")
    return frozenset(one for names in asked.values() for one in names)


def _asked(track: Track) -> Iterator[str]:
    """Yield the names of the tracks that a track and its clips have for mattes."""
    for effects in (track.effects, *(item.effects for item in track.items if isinstance(item, Clip))):
        for effect in effects:
            if effect.name == TRACK_MATTE and effect.enabled:
                yield str(effect.parameters.get("track", ""))


def mattes_of(effects: Sequence[Effect], where: str, given: Given) -> list[Matte]:
    """Return the mattes that a clip's or a track's effects ask for, in their order.

    Raises:
        Invalid: a parameter or a value that cannot be.
    """
    found = []
    for effect in effects:
        if effect.name != TRACK_MATTE or not effect.enabled:
            continue
        entry = entry_of(TRACK_MATTE, "effect", where)
        values = values_of(entry, effect.parameters, (Fraction(0),), where=where, notice=given.notice)
        channel = text(values, "channel")
        assert channel in ("luma", "alpha"), "the catalogue has checked it"
        inverted = number(values, "invert")[0] >= 0.5
        found.append(Matte(text(values, "track"), channel, inverted))  # type: ignore[arg-type]  # one of the two, as asserted
    return found
