"""CMX 3600 edit lists to timelines."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Gap,
    Marker,
    TimeRange,
    Track,
    Transition,
)
from engine.editing.catalogue.spec import catalogue
from engine.editing.interchange.cues import decoded
from engine.editing.interchange.edl_form import (
    AUDIO_CHANNELS,
    BLACK,
    EFFECT_NAME,
    FROM_CLIP,
    LOCATOR,
    SOURCE_FILE,
    TO_CLIP,
    TO_SOURCE_FILE,
    WIPES,
    stated_speed,
)
from engine.editing.interchange.losses import Imported, Losses
from engine.editing.interchange.settings import Asked, guessed
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.smpte import frame_of, may_drop
from engine.kernel.errors import Invalid

LINES_MOST: Final = 200_000
_CODE: Final = r"(\d{2}:\d{2}:\d{2}[:;.,]\d{2})"
_EVENT: Final = re.compile(
    rf"(\d{{1,6}})\s+(\S.{{0,127}}?)\s+(\S{{1,5}})\s+(C|D|W\d{{1,3}}|K(?:\s*[BO])?)\s+(?:(\d{{1,3}})\s+)?"
    rf"{_CODE}\s+{_CODE}\s+{_CODE}\s+{_CODE}\s*\Z",
    re.ASCII,
)
_MOTION: Final = re.compile(
    rf"M2\s+(\S.{{0,127}}?)\s+([+-]?\d{{1,6}}(?:\.\d{{1,6}})?)\s+{_CODE}?\s*\Z", re.ASCII
)
_LOCATOR: Final = re.compile(rf"{_CODE}(?:\s+([A-Za-z]+))?(?:\s+(.*))?\Z", re.ASCII)
_COMMENT: Final = re.compile(r"\*\s*([A-Za-z][A-Za-z ]{0,30}?)\s*:\s*(.*)\Z")
_LINE_MOST: Final = 2000


class _Event(Struct, frozen=True, kw_only=True):
    """A line of a list, with what the lines below it say. Frames at the list's rate; `[first, last)`."""

    line: int
    reel: str
    channels: tuple[str, ...]
    how: str
    lasts: int
    source: tuple[int, int]
    record: tuple[int, int]
    speed: Fraction = Fraction(1)
    names: dict[str, str] = {}


def read_edl(data: bytes, asked: Asked, shelf: Shelf) -> Imported:
    """Read an edit list.

    Its rate is the asked one, else what drop frame says, else what is told by the highest frame number: a list does not say.

    Raises:
        Invalid: it holds no events, or one whose timecode cannot be; the text names the line.
    """
    lines, losses = decoded(data), Losses()
    if len(lines) > LINES_MOST:
        raise Invalid(f"the list has {len(lines)} lines; at most {LINES_MOST} are read", field="text")
    rate = asked.rate or _rate(lines, losses)
    reader = _Reader(rate, losses)
    for number, line in enumerate(lines, 1):
        reader.line(line.strip(), number)
    if not reader.events:
        raise Invalid("this is no edit list: it has no events", field="text")
    built = _Built(reader, rate, shelf, losses)
    tracks = built.tracks()
    made = guessed(asked, tracks, shelf, losses, rate=rate, name=reader.title or "Untitled")
    return Imported(timeline=replace(made, markers=built.markers()), losses=losses.all())


def _rate(lines: list[str], losses: Losses) -> Fraction:
    drop = any(line.upper().startswith("FCM:") and "NON" not in line.upper() for line in lines)
    codes = [code for line in lines if len(line) < _LINE_MOST for code in re.findall(_CODE, line)]
    highest = max((int(code[-2:]) for code in codes), default=0)
    drop = drop or any(code[8] == ";" for code in codes)
    if drop:
        return Fraction(30000, 1001) if highest < 30 else Fraction(60000, 1001)
    rate = next((Fraction(rate) for rate in (24, 25, 30, 50, 60) if highest < rate), Fraction(100))
    losses.add(
        "", "no frame rate is said", f"{rate} frames a second are taken, from the highest frame number"
    )
    return rate


class _Reader:
    """Goes through a list line by line."""

    def __init__(self, rate: Fraction, losses: Losses) -> None:
        self.title = ""
        self.events: list[_Event] = []
        self.locators: list[tuple[int, str, str]] = []
        self._rate, self._losses = rate, losses
        self._drop = False

    def line(self, line: str, number: int) -> None:
        if not line:
            return
        where = f"line {number}"
        if len(line) > _LINE_MOST:
            self._losses.add(where, f"a line of {len(line)} characters", "no line of an edit list is so long")
        elif line[0].isdigit():
            self._event(line, number)
        elif line.upper().startswith("TITLE:"):
            self.title = line[6:].strip()[:200]
        elif line.upper().startswith("FCM:"):
            self._drop = "NON" not in line.upper()
            if self._drop and not may_drop(self._rate):
                raise Invalid(
                    f"line {number}: drop frame is of 30000/1001 and 60000/1001 frames a second, not {self._rate}",
                    field="rate",
                    line=number,
                )
        elif line.startswith("M2"):
            self._motion(line, number)
        elif line.startswith("*"):
            self._comment(line, where, number)
        else:
            self._losses.add(where, repr(line[:60]), "it is no line of CMX 3600")

    def _event(self, line: str, number: int) -> None:
        found = _EVENT.match(line)
        if found is None:
            raise Invalid(
                f"line {number} is no event: NUMBER REEL CHANNELS C|D|W FRAMES and four timecodes",
                field="text",
                line=number,
            )
        channels = _channels(found[3])
        if not channels:
            self._losses.add(
                f"line {number}", f"the channels {found[3]!r}", "V, A, A2 to A4, B and AA are read"
            )
        if found[4].startswith("K"):
            self._losses.add(f"line {number}", "a key", "what it lays over is cut in")
        source_in, source_out, record_in, record_out = (self._frame(found[at], number) for at in (6, 7, 8, 9))
        self.events.append(
            _Event(
                line=number,
                reel=found[2].strip(),
                channels=channels,
                how=found[4],
                lasts=int(found[5] or 0) if not found[4].startswith("K") else 0,
                source=(source_in, source_out),
                record=(record_in, record_out),
                names={},
            )
        )

    def _motion(self, line: str, number: int) -> None:
        found = _MOTION.match(line)
        if found is None or not self.events:
            self._losses.add(f"line {number}", repr(line[:60]), "a speed is M2 REEL FRAMES-A-SECOND TIMECODE")
            return
        # The line is of the last event of its reel: of a transition's two lines either may be meant.
        places = range(len(self.events) - 1, max(len(self.events) - 3, -1), -1)
        reel = found[1].strip()
        meant = next((at for at in places if self.events[at].reel == reel), len(self.events) - 1)
        self.events[meant] = replace(self.events[meant], speed=stated_speed(found[2], self._rate))

    def _comment(self, line: str, where: str, number: int) -> None:
        found = _COMMENT.match(line)
        word = " ".join(found[1].upper().split()) if found is not None else ""
        if found is not None and word == LOCATOR and (place := _LOCATOR.match(found[2].strip())) is not None:
            self.locators.append((self._frame(place[1], number), place[2] or "", place[3] or ""))
        elif (
            found is not None
            and self.events
            and word in (FROM_CLIP, TO_CLIP, SOURCE_FILE, TO_SOURCE_FILE, EFFECT_NAME)
        ):
            self.events[-1].names.setdefault(word, found[2].strip())
        else:
            self._losses.add(where, f"the comment {line[:80]!r}", "its words are none that are read")

    def _frame(self, code: str, number: int) -> int:
        try:
            return frame_of(code, self._rate, drop=self._drop)
        except ValueError as error:
            raise Invalid(f"line {number}: {error}", field="text", line=number) from error


def _channels(text: str) -> tuple[str, ...]:
    """Return the channels that a word stands for: `B` is picture and sound, `AA` two of sound."""
    found: list[str] = []
    for word in text.upper().split("/"):
        found += {"B": ["V", "A"], "AA": ["A", "A2"], "A1": ["A"]}.get(word, [word])
    return tuple(one for one in dict.fromkeys(found) if one == "V" or one in AUDIO_CHANNELS)


class _Lane:
    """A track in the making: items up to `end`, in frames."""

    def __init__(self) -> None:
        self.items: list[Clip | Gap | Transition] = []
        self.end = 0


class _Built:
    """Makes tracks of events."""

    def __init__(self, reader: _Reader, rate: Fraction, shelf: Shelf, losses: Losses) -> None:
        self._reader, self._rate, self._shelf, self._losses = reader, rate, shelf, losses
        earliest = min(event.record[0] for event in reader.events)
        hour = frame_of("01:00:00:00", rate, drop=reader._drop)
        # Lists begin at a whole hour by custom; what is missing up to the first event is a gap.
        self._first = earliest // hour * hour
        self._count = 0

    def tracks(self) -> tuple[Track, ...]:
        lanes: dict[str, list[_Lane]] = {}
        for before, event in self._events():
            for channel in event.channels:
                self._place(event, before, channel, lanes.setdefault(channel, []))
        found = []
        for channel in ("V", *AUDIO_CHANNELS):
            for number, lane in enumerate(lanes.get(channel, [])):
                name = ("V" if channel == "V" else f"A{AUDIO_CHANNELS.index(channel) + 1}") + "'" * number
                found.append(
                    Track(kind="video" if channel == "V" else "audio", name=name, items=tuple(lane.items))
                )
        return tuple(found)

    def markers(self) -> tuple[Marker, ...]:
        return tuple(
            Marker(
                name=text.strip()[:200], at=max(frame - self._first, 0) / self._rate, colour=colour.lower()
            )
            for frame, colour, text in self._reader.locators
        )

    def _events(self) -> Iterator[tuple[_Event | None, _Event]]:
        """Yield events by time with the one that a transition comes from: the line of no length before it."""
        before: _Event | None = None
        for event in self._reader.events:
            if event.record[1] < event.record[0]:
                where = f"line {event.line}"
                self._losses.add(where, "an event", "its record ends before it begins")
                continue
            if event.record[0] == event.record[1]:
                before = event
                continue
            yield (before if event.how[0] in "DW" else None), event
            before = None

    def _place(self, event: _Event, before: _Event | None, channel: str, lanes: list[_Lane]) -> None:
        into, until = (frame - self._first for frame in event.record)
        lane = next((one for one in lanes if one.end <= into), None)
        if lane is None:
            lane = _Lane()
            if lanes:
                what = f"an event over another one on {channel}"
                self._losses.add(f"line {event.line}", what, "it stands on a track of its own")
            lanes.append(lane)
        joined = lane.end == into and bool(lane.items) and isinstance(lane.items[-1], Clip)
        if into > lane.end:
            lane.items.append(Gap(duration=(into - lane.end) / self._rate))
        item = self._item(event, until - into, channel)
        lasts = min(event.lasts, until - into)
        if event.how[0] in "DW" and lasts:
            from_black = before is not None and before.reel == BLACK
            if joined and isinstance(item, Clip):
                lane.items.append(self._transition(event, lasts))
            else:
                why = (
                    "there is nothing before it to come from" if not from_black else "from black it is a cut"
                )
                self._losses.add(f"line {event.line}", f"a transition of {lasts} frames", why)
        lane.items.append(item)
        lane.end = until

    def _transition(self, event: _Event, lasts: int) -> Transition:
        named = event.names.get(EFFECT_NAME, "").strip().lower().replace(" ", "_")
        numbered = next((kind for kind, code in WIPES.items() if code == event.how), "dissolve")
        entry = catalogue().get(named)
        kind = entry.name if entry is not None and entry.kind == "transition" else numbered
        plain = event.how == "D" and named in ("", "dissolve", "cross_dissolve")
        if kind == "dissolve" and not plain and named != "dissolve":
            what = f"the transition {event.names.get(EFFECT_NAME) or event.how!r}"
            self._losses.add(
                f"line {event.line}", what, "it is not in the catalogue; a dissolve stands in its place"
            )
        # It begins where the event does: the clip after it is there from its first frame on.
        return Transition(kind=kind, in_offset=Fraction(0), out_offset=lasts / self._rate)

    def _item(self, event: _Event, frames: int, channel: str) -> Clip | Gap:
        gap = Gap(duration=frames / self._rate)
        if event.reel == BLACK:
            return gap
        crossing = TO_CLIP in event.names or TO_SOURCE_FILE in event.names
        name = event.names.get(TO_CLIP if crossing else FROM_CLIP, "")
        file = event.names.get(TO_SOURCE_FILE if crossing else SOURCE_FILE, "")
        asset_id = self._shelf.find(file, name, event.reel)
        if asset_id is None:
            what = f"the reel {event.reel!r} ({name or file or 'no clip name'})"
            self._losses.add(
                f"line {event.line}", what, "it is no asset here; a gap of its length stands in its place"
            )
            return gap
        self._count += 1
        linked = f"event-{event.line}" if len(event.channels) > 1 else None
        return Clip(
            id=f"edl-{self._count}",
            media=AssetReference(asset_id=asset_id),
            source_range=TimeRange(start=min(event.source) / self._rate, duration=frames / self._rate),
            name=name,
            speed=event.speed,
            link_group=linked,
        )
