"""Captions between timelines and subtitle files: cues with exact times, their words and their looks."""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Parameter, Timeline, TimeRange, Track, Word
from engine.editing.interchange.losses import Imported, Losses
from engine.editing.interchange.settings import Asked, guessed
from engine.editing.interchange.shelf import Shelf
from engine.editing.timeline import places
from engine.kernel.errors import Invalid
from engine.media.timecode import frame_nearest

FILE_MOST: Final = 8 * 1024 * 1024
CUES_MOST: Final = 50_000
TRACKS_MOST: Final = 16
# The latest that a time may be: what `HH:MM:SS` can say with two digits.
LATEST: Final = Fraction(100 * 3600)


class Cue(Struct, frozen=True, kw_only=True):
    """A text on screen for `[start, end)` seconds of the timeline.

    `words` are in clip time, as in `Generator`. `look` are the parameters of the generator `caption` but its text. `track`
    names the track that it is of.
    """

    start: Fraction
    end: Fraction
    text: str
    words: tuple[Word, ...] = ()
    look: dict[str, Parameter] = {}
    track: str = ""


def cues_of(timeline: Timeline, losses: Losses) -> list[Cue]:
    """Return what the enabled caption tracks say, by time; all else of the timeline is noted as lost."""
    cues: list[Cue] = []
    others = 0
    for number, track in enumerate(timeline.tracks):
        where = f"tracks[{number}]"
        if track.kind != "caption":
            others += 1
        elif not track.enabled:
            losses.add(where, f"the track {track.name!r}", "it is disabled")
        else:
            cues += _cues_of_track(track, where, losses)
    if others:
        losses.add("", f"{others} tracks of pictures and sound", "the format holds captions only")
    return sorted(cues, key=lambda cue: (cue.start, cue.end))


def _cues_of_track(track: Track, where: str, losses: Losses) -> Iterable[Cue]:
    for number, (start, end, item) in enumerate(places(track)):
        place = f"{where}.items[{number}]"
        if isinstance(item, Gap):
            continue
        if not isinstance(item, Clip) or not isinstance(item.media, Generator):
            losses.add(place, f"a {type(item).__name__.lower()}", "the format holds texts only")
            continue
        if not item.enabled:
            losses.add(place, f"the caption {item.name or item.id!r}", "it is disabled")
            continue
        text = item.media.parameters.get("text")
        words = item.media.words
        said = text if isinstance(text, str) and text else " ".join(word.text for word in words)
        if not said.strip():
            losses.add(place, f"the {item.media.kind} {item.name or item.id!r}", "it has no text")
            continue
        if item.effects or item.speed != 1 or item.ramp:
            losses.add(place, "effects and speed of a caption", "the format holds texts only")
        look = {key: value for key, value in item.media.parameters.items() if key != "text"}
        yield Cue(start=start, end=end, text=said, words=words, look=look, track=track.name)


def timeline_of(cues: Sequence[Cue], asked: Asked, losses: Losses) -> Imported:
    """Return a timeline of caption tracks; a cue that overlaps one before it goes to the next track.

    Edges are put on the nearest frames; a cue lasts one frame at least.

    Raises:
        Invalid: there are no cues, or too many at once.
    """
    if not cues:
        raise Invalid("the file holds no captions", field="text")
    rate = asked.rate or guessed(asked, (), Shelf(), Losses(), rate=None, name="").rate
    lanes: list[tuple[int, str, list[Clip | Gap]]] = []
    for number, cue in enumerate(sorted(cues, key=lambda one: (one.start, one.end)), 1):
        first = frame_nearest(cue.start, rate)
        last = max(first + 1, frame_nearest(cue.end, rate))
        free = (at for at, lane in enumerate(lanes) if lane[0] <= first and lane[1] == cue.track)
        place = next(free, len(lanes))
        if place == len(lanes):
            if len(lanes) == TRACKS_MOST:
                raise Invalid(f"more than {TRACKS_MOST} captions are on screen at once", field="text")
            lanes.append((0, cue.track, []))
        end, name, items = lanes[place]
        if first > end:
            items.append(Gap(duration=(first - end) / rate))
        items.append(_clip(cue, number, first, last, rate))
        lanes[place] = (last, name, items)
    tracks = tuple(
        Track(kind="caption", name=name or f"C{number}", items=tuple(items))
        for number, (_, name, items) in enumerate(lanes, 1)
    )
    timeline = guessed(asked, tracks, Shelf(), losses, rate=None, name="Captions")
    return Imported(timeline=timeline, losses=losses.all())


def _clip(cue: Cue, number: int, first: int, last: int, rate: Fraction) -> Clip:
    lasts = (last - first) / rate
    words = tuple(
        Word(
            text=word.text,
            start=min(max(word.start, Fraction(0)), lasts),
            end=min(max(word.end, Fraction(0)), lasts),
        )
        for word in cue.words
    )
    return Clip(
        id=f"caption-{number}",
        media=Generator(kind="caption", parameters={**cue.look, "text": cue.text}, words=words),
        source_range=TimeRange(start=Fraction(0), duration=lasts),
    )


def note_looks(cues: Sequence[Cue], carried: frozenset[str], losses: Losses) -> None:
    """Note the parameters of looks that a format does not carry, once for each track."""
    lost: dict[str, set[str]] = {}
    for cue in cues:
        # Keyframes are carried by none of these formats.
        gone = {key for key, value in cue.look.items() if key not in carried or isinstance(value, tuple)}
        lost.setdefault(cue.track, set()).update(gone)
    for track, names in lost.items():
        if names:
            losses.add(
                f"the track {track!r}",
                f"the look: {', '.join(sorted(names))}",
                "the format has no place for it",
            )


def decoded(data: bytes) -> list[str]:
    """Return a text file's lines: UTF-8 or UTF-16 with its mark, else the code page of western Windows.

    Raises:
        Invalid: it is too large or no text.
    """
    if len(data) > FILE_MOST:
        raise Invalid(f"the file has {len(data)} bytes; at most {FILE_MOST} are read", field="text")
    try:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = data.decode("utf-16")
        else:
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise Invalid(f"this is not text: {error.reason}", field="text") from error
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def clock(seconds: Fraction, *, digits: int, comma: bool = False, hours: int = 2) -> str:
    """Return `HH:MM:SS.mmm` with so many digits of a second, rounded to the nearest.

    >>> clock(Fraction(1001, 30), digits=3), clock(Fraction(1001, 30), digits=2, hours=1)
    ('00:00:33.367', '0:00:33.37')
    """
    units = round(seconds * 10**digits)
    whole, part = divmod(units, 10**digits)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    point = "," if comma else "."
    return f"{hour:0{hours}}:{minute:02}:{second:02}{point}{part:0{digits}}"


def flag(look: dict[str, Parameter], name: str) -> bool:
    """Tell whether a look says a switch, or a weight, loudly: italic, or as heavy as bold."""
    value = look.get(name, 0.0)
    return isinstance(value, int | float) and (value >= 600 if name == "weight" else value > 0)
