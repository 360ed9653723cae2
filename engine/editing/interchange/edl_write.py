"""Timelines to CMX 3600 edit lists: one track of pictures, up to four of sound, cuts, dissolves, wipes and speeds."""

from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Gap,
    Marker,
    Timeline,
    Track,
    Transition,
)
from engine.editing.interchange.edl_form import (
    AUDIO_CHANNELS,
    BLACK,
    EFFECT_NAME,
    EVENTS_MOST,
    FROM_CLIP,
    LOCATOR,
    SOURCE_FILE,
    TO_CLIP,
    TO_SOURCE_FILE,
    WIPES,
    one_line,
    reel_name,
    speed_text,
    stated_speed,
)
from engine.editing.interchange.losses import Exported, Losses
from engine.editing.interchange.otio_form import average_speed
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.smpte import frame_of, may_drop, timecode
from engine.editing.timeline import duration, places
from engine.kernel.errors import Invalid
from engine.media.timecode import frame_nearest

# Edit lists begin at one hour by custom, so that what comes before has a number too.
FIRST: Final = "01:00:00:00"


class _Source(Struct, frozen=True, kw_only=True):
    """What an event plays: a reel, from a frame of it, at a speed; black has neither name nor file."""

    reel: str
    first: int = 0
    speed: Fraction = Fraction(1)
    name: str = ""
    file: str = ""

    def frames(self, count: int) -> int:
        """Return how many frames of the reel so many frames of the track take."""
        return round(abs(self.speed) * count)

    def skipped(self, count: int) -> "_Source":
        """Return the source so many frames of the track later."""
        if self.speed < 0:
            return self  # played from its end: what is left out at the front lies at the end of the reel's stretch
        return replace(self, first=self.first + self.frames(count))


def write_edl(timeline: Timeline, shelf: Shelf) -> Exported:
    """Return the timeline as an edit list.

    Raises:
        Invalid: it is longer than timecode can say.
    """
    writer = _Writer(timeline, shelf)
    for channel, number, track in _chosen(timeline, writer.losses):
        writer.track(track, channel, f"tracks[{number}]")
    writer.markers()
    return Exported(data=writer.text().encode(), losses=writer.losses.all())


def _chosen(timeline: Timeline, losses: Losses) -> list[tuple[str, int, Track]]:
    """Return the tracks that an edit list has room for, with their channels."""
    chosen: list[tuple[str, int, Track]] = []
    pictures, sounds = 0, 0
    for number, track in enumerate(timeline.tracks):
        where = f"tracks[{number}]"
        if not track.enabled:
            losses.add(where, f"the track {track.name!r}", "it is disabled")
        elif track.kind == "video" and not pictures:
            chosen.append(("V", number, track))
            pictures += 1
        elif track.kind == "audio" and sounds < len(AUDIO_CHANNELS):
            chosen.append((AUDIO_CHANNELS[sounds], number, track))
            sounds += 1
        else:
            room = {"video": "one track of pictures", "audio": "four tracks of sound"}.get(
                track.kind, "no captions"
            )
            losses.add(where, f"the {track.kind} track {track.name!r}", f"an edit list has room for {room}")
    return chosen


class _Writer:
    def __init__(self, timeline: Timeline, shelf: Shelf) -> None:
        self.losses = Losses()
        self._timeline, self._rate, self._shelf = timeline, timeline.rate, shelf
        self._drop = may_drop(timeline.rate)
        self._first = frame_of(FIRST, timeline.rate, drop=self._drop)
        self._reels: dict[str, str] = {}
        self._taken: set[str] = set()
        self._lines: list[str] = []
        self._event = 0
        self._notes = 0

    def text(self) -> str:
        if self._event > EVENTS_MOST:
            self.losses.add("", f"{self._event} events", f"old programs read {EVENTS_MOST} at most")
        if self._notes:
            what = f"link groups, scores, reasons and offsets of {self._notes} clips"
            self.losses.add("", what, "an edit list has no place for them")
        title = one_line(self._timeline.name) or "Untitled"
        mode = "DROP FRAME" if self._drop else "NON-DROP FRAME"
        return "\r\n".join([f"TITLE: {title}", f"FCM: {mode}", "", *self._lines, ""])

    def track(self, track: Track, channel: str, where: str) -> None:
        """Write the events of a track; a gap is time that no event records."""
        if track.effects or track.gain_db != 0:
            self.losses.add(where, "effects and gain of the track", "an edit list has cuts only")
        before: _Source | None = None
        crossing: tuple[Transition, int] | None = None
        stretches = self._stretches(track, where)
        for number, (into, end, source, after) in enumerate(stretches):
            until, place = end, f"{where}.items[{number}]"
            if after is not None:
                following = stretches[number + 1][2] if number + 1 < len(stretches) else None
                if source is None or following is None:
                    self.losses.add(
                        place, "the transition behind it", "there is no clip to come from or to go to"
                    )
                    after = None
                else:
                    room = end - into - (self._frame(crossing[0].out_offset) if crossing is not None else 0)
                    lead = self._frame(after.in_offset)
                    if lead > room:
                        self.losses.add(
                            place, "the transition behind it", "it is longer than the clip; it begins later"
                        )
                    until = end - min(lead, max(room, 0))
            if source is not None and crossing is not None:
                self._crossed(crossing, before, source, into, until, channel, place)
            elif source is not None:
                self._cut(source, into, until, channel)
            crossing = None if after is None else (after, end - until)
            before = source.skipped(until - into) if source is not None else None

    def _stretches(
        self, track: Track, where: str
    ) -> list[tuple[int, int, _Source | None, Transition | None]]:
        """Return each clip and gap: its frames `[into, end)`, what it plays, and the transition behind it."""
        found: list[tuple[int, int, _Source | None, Transition | None]] = []
        for number, (start, end, item) in enumerate(places(track)):
            if not isinstance(item, Transition):
                source = self._source(item, f"{where}.items[{number}]")
                found.append((self._frame(start), self._frame(end), source, None))
            elif found:
                found[-1] = (*found[-1][:3], item)
        return found

    def _cut(self, source: _Source, into: int, until: int, channel: str) -> None:
        if until <= into:
            return
        self._line(source, channel, "C", into, until)
        self._about(source, FROM_CLIP, SOURCE_FILE)

    def _crossed(
        self,
        crossing: tuple[Transition, int],
        before: _Source | None,
        source: _Source,
        cut: int,
        until: int,
        channel: str,
        where: str,
    ) -> None:
        """Write the pair of lines of a transition: where the first source is by then, then the second."""
        transition, lead = crossing
        lasts = lead + self._frame(transition.out_offset)
        begun = source if source.speed < 0 else replace(source, first=source.first - source.frames(lead))
        if begun.first < 0:
            self.losses.add(where, "the clip's handle", "its reel begins later; it starts at 0")
            begun = replace(begun, first=0)
        if not lasts:
            self._cut(source, cut, until, channel)
            return
        if lasts > 999:
            self.losses.add(where, f"a transition of {lasts} frames", "an edit list counts to 999")
        self._line(before or _Source(reel=BLACK), channel, "C", cut - lead, cut - lead)
        self._event -= 1
        kind = WIPES.get(transition.kind, "D")
        self._line(begun, channel, f"{kind:<4} {min(lasts, 999):03}", cut - lead, until)
        if before is not None:
            self._about(before, FROM_CLIP, SOURCE_FILE)
        self._about(source, TO_CLIP, TO_SOURCE_FILE)
        self._lines.append(f"* {EFFECT_NAME}: {transition.kind.replace('_', ' ').upper()}")
        if transition.kind != "dissolve" and transition.kind not in WIPES:
            self.losses.add(
                where, f"the transition {transition.kind!r}", "others show a dissolve; a comment names it"
            )
        if transition.parameters:
            self.losses.add(where, "the transition's parameters", "an edit list has none")

    def _line(self, source: _Source, channel: str, how: str, into: int, until: int) -> None:
        self._event += 1
        count = source.frames(until - into)
        stretch = (source.first, source.first + count, self._first + into, self._first + until)
        codes = " ".join(self._code(frame) for frame in stretch)
        self._lines.append(f"{self._event:03}  {source.reel:<8} {channel:<5} {how:<8} {codes}")
        if source.speed != 1 and until > into:
            entry = source.first if source.speed >= 0 else source.first + count
            shown = speed_text(source.speed, self._rate)
            self._lines.append(f"M2   {source.reel:<8} {shown:>8}                {self._code(entry)}")

    def _about(self, source: _Source, clip: str, file: str) -> None:
        if source.name:
            self._lines.append(f"* {clip}: {source.name}")
        if source.file:
            self._lines.append(f"* {file}: {source.file}")

    def _source(self, item: Clip | Gap, where: str) -> _Source | None:
        """Return what an item plays; None: nothing, or nothing that an edit list can name."""
        if isinstance(item, Gap):
            return None
        if not item.enabled:
            self.losses.add(
                where, f"the clip {item.name or item.id!r}", "it is disabled; its time stays empty"
            )
            return None
        if item.effects:
            names = ", ".join(effect.name for effect in item.effects)
            self.losses.add(where, f"the effects {names}", "an edit list has cuts only")
        if item.ramp:
            self.losses.add(where, "a ramp of the speed", "its average stands in its place")
        self._notes += bool(item.link_group or item.scoring or item.reasons or item.alignment_offset)
        if not isinstance(item.media, AssetReference):
            kind = type(item.media).__name__.lower()
            self.losses.add(
                where, f"the {kind} {item.name or item.id!r}", "an edit list has reels only; it is black"
            )
            return _Source(reel=BLACK, name=one_line(item.name))
        speed = Fraction(average_speed(item)).limit_denominator(1000) if item.ramp else item.speed
        if stated_speed(speed_text(speed, self._rate), self._rate) != speed:
            self.losses.add(where, f"the speed {speed}", "an edit list has three digits of frames a second")
        return self._reel_source(item, item.media.asset_id, speed, where)

    def _reel_source(self, item: Clip, asset_id: str, speed: Fraction, where: str) -> _Source:
        start = item.source_range.start
        if (start * self._rate).denominator != 1:
            self.losses.add(where, f"its start at {start} s", "it is put on the nearest frame")
        asset = self._shelf.asset(asset_id)
        if asset is not None and asset.video is not None and asset.video.rate != self._rate:
            what = f"the rate {asset.video.rate} of {asset.name}"
            self.losses.add(where, what, "its timecode is counted at the timeline's rate")
        title = self._shelf.title(asset_id)
        if asset_id not in self._reels:
            self._reels[asset_id] = reel_name(title, self._taken)
        return _Source(
            reel=self._reels[asset_id],
            first=frame_nearest(start, self._rate),
            speed=speed,
            name=one_line(item.name or title),
            file=one_line(asset.path or asset.name) if asset is not None else asset_id,
        )

    def markers(self) -> None:
        """Write locators: the timeline's markers, and those of clips at their place on it."""
        found = [(marker, marker.at) for marker in self._timeline.markers]
        for number, track in enumerate(self._timeline.tracks):
            for start, _, item in places(track):
                if isinstance(item, Clip) and item.markers:
                    self.losses.add(
                        f"tracks[{number}]", "markers of clips", "they become markers of the whole"
                    )
                    found += [(marker, start + marker.at) for marker in item.markers]
        end = duration(self._timeline)
        for marker, at in sorted(found, key=lambda one: one[1]):
            self._locator(marker, min(at, end))

    def _locator(self, marker: Marker, at: Fraction) -> None:
        colour = marker.colour.upper() if marker.colour.isalpha() else "RED"
        named = one_line(f"{marker.name} {marker.comment}") or "-"
        self._lines.append(f"* {LOCATOR}: {self._code(self._first + self._frame(at))} {colour:<8} {named}")
        if marker.duration:
            self.losses.add("markers", f"how long {marker.name!r} lasts", "a locator is one frame")

    def _frame(self, at: Fraction) -> int:
        return frame_nearest(at, self._rate)

    def _code(self, frame: int) -> str:
        try:
            return timecode(frame, self._rate, drop=self._drop)
        except ValueError as error:
            raise Invalid(f"timecode ends at 100 hours: {error}", field="timeline") from error
