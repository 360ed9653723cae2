"""FCPXML to timelines: the main storyline becomes the lowest track, each lane a track above it or one of sound."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Generator,
    Keyframe,
    Marker,
    Nested,
    Timeline,
    TimeRange,
)
from engine.editing.catalogue.spec import catalogue
from engine.editing.interchange.fcpxml_elements import gain_of, lane_of, sample_rate_of, size_of, writing_of
from engine.editing.interchange.fcpxml_form import DISSOLVE, SOLID, colour_of, time_of
from engine.editing.interchange.fcpxml_speed import speed_of
from engine.editing.interchange.lanes import Lane, Placed, laid
from engine.editing.interchange.losses import Imported, Losses
from engine.editing.interchange.settings import Asked, guessed
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.xml_tree import parse_xml
from engine.kernel.errors import Invalid

NESTING_MOST: Final = 8
CLIPS_MOST: Final = 20_000
CLIPS: Final = ("asset-clip", "clip", "video", "audio", "title", "ref-clip", "sync-clip", "mc-clip")
_SILENT: Final = frozenset(
    {"note", "conform-rate", "timeMap", "adjust-volume", "marker", "text", "text-style-def", "param", "metadata",
     "spine", "caption", "audio-channel-source", "keyword", "rating", "gap", "transition", *CLIPS}
)  # fmt: skip


class _Budget:
    """How many clips may still be read: compound clips within compound clips make many of few."""

    def __init__(self) -> None:
        self._left = CLIPS_MOST

    def spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Invalid(f"the file stands for more than {CLIPS_MOST} clips", field="text")


class _Place(Struct, frozen=True, kw_only=True):
    """Where an element's children are: `offset` is the parent's time at which `at` of the timeline is."""

    at: Fraction
    offset: Fraction
    depth: int


def read_fcpxml(data: bytes, asked: Asked, shelf: Shelf) -> Imported:
    """Read the first project of an FCPXML file.

    Raises:
        Invalid: no XML, or without a sequence.
    """
    root = parse_xml(data)
    if root.tag != "fcpxml":
        raise Invalid(f"this is XML of {root.tag[:40]!r}, not fcpxml", field="text")
    losses = Losses()
    resources = {one.get("id", ""): one for one in root.iterfind("./resources/*")}
    projects = [one for one in root.iter("project") if one.find("sequence") is not None]
    for other in projects[1:]:
        losses.add("", f"the project {other.get('name', '')!r}", "the first project of a file is read")
    if projects:
        sequence, name = projects[0].find("sequence"), projects[0].get("name", "")
    else:
        sequence, name = root.find(".//sequence"), "Untitled"
    if sequence is None:
        raise Invalid("this FCPXML holds no sequence", field="text")
    read = _Sequence(sequence, resources, asked, shelf, losses, _Budget(), depth=0)
    return Imported(timeline=read.timeline(asked.name or name), losses=losses.all())


class _Sequence:
    """Reads one `sequence`; a compound clip's is read by one of its own."""

    def __init__(
        self,
        sequence: Element,
        resources: dict[str, Element],
        asked: Asked,
        shelf: Shelf,
        losses: Losses,
        budget: _Budget,
        *,
        depth: int,
    ) -> None:
        self._budget = budget
        self._sequence, self._resources, self._asked = sequence, resources, asked
        self._shelf, self._losses, self._depth = shelf, losses, depth
        form = resources.get(sequence.get("format", ""))
        step = time_of(form.get("frameDuration")) if form is not None else None
        stated = 1 / step if step is not None and step > 0 else None
        if stated is not None and not 1 <= stated <= 240:
            stated = None
        self.rate = asked.rate or stated
        self._grid = self.rate or Fraction(25)
        self._size = size_of(form)
        self._found: list[Placed] = []
        self._count = 0

    def timeline(self, name: str) -> Timeline:
        if self._depth > NESTING_MOST:
            raise Invalid(f"compound clips are nested more than {NESTING_MOST} times", field="text")
        spine = self._sequence.find("spine")
        if spine is not None:
            begin = time_of(self._sequence.get("tcStart")) or Fraction(0)
            self._children(
                spine, Lane(kind="video", lane=0, name="V1"), _Place(at=Fraction(0), offset=begin, depth=0)
            )
        asked = self._asked
        if asked.width is None and self._size is not None:
            asked = replace(asked, width=self._size[0], height=self._size[1])
        hertz = sample_rate_of(self._sequence.get("audioRate", ""))
        if asked.sample_rate is None and hertz is not None:
            asked = replace(asked, sample_rate=hertz)
        tracks = laid(self._found, self._grid, self._losses)
        return guessed(asked, tracks, self._shelf, self._losses, rate=self.rate, name=name)

    def _children(self, spine: Element, lane: Lane, place: _Place) -> None:
        """Read the items of a storyline, one behind the other."""
        offset = place.offset
        for item in spine:
            if item.tag == "transition":
                self._transition(item, lane, place)
                continue
            own = time_of(item.get("offset"))
            own = offset if own is None else own
            ends = self._item(item, lane, place.at + own - place.offset, place.depth)
            offset = own + ends

    def _item(self, item: Element, lane: Lane, at: Fraction, depth: int) -> Fraction:
        """Read an item that begins at `at` of the timeline, and what hangs on it; return how long it lasts."""
        where = f"{item.tag} {item.get('name', '')!r}"
        self._budget.spend()
        if depth > NESTING_MOST:
            raise Invalid(f"clips hang on clips more than {NESTING_MOST} times", field="text")
        lasts = time_of(item.get("duration")) or self._whole(item)
        begin = time_of(item.get("start")) or Fraction(0)
        if item.tag in CLIPS and lasts > 0:
            self._clip(item, lane, at, begin, lasts, where)
        elif item.tag == "caption":
            self._caption(item, lane, at, lasts)
        elif item.tag != "gap":
            self._losses.add(where, f"the element {item.tag}", "clips, titles, captions and gaps are read")
        inner = _Place(at=at, offset=begin, depth=depth + 1)
        for child in item:
            hanging = child.get("lane")
            if child.tag == "spine" and hanging is not None:
                self._hanging_story(child, lane_of(child), inner)
            elif (child.tag in CLIPS or child.tag in ("caption", "gap")) and hanging is not None:
                own = time_of(child.get("offset"))
                start = at + ((begin if own is None else own) - begin)
                self._item(child, lane_of(child), start, depth + 1)
        return lasts

    def _hanging_story(self, spine: Element, lane: Lane, place: _Place) -> None:
        own = time_of(spine.get("offset"))
        at = place.at + ((place.offset if own is None else own) - place.offset)
        self._children(spine, lane, _Place(at=at, offset=Fraction(0), depth=place.depth))

    def _transition(self, item: Element, lane: Lane, place: _Place) -> None:
        begin, lasts = time_of(item.get("offset")), time_of(item.get("duration"))
        name = item.get("name", "")
        if begin is None or lasts is None or lasts <= 0:
            self._losses.add(f"transition {name!r}", "a transition", "it has no place or no length")
            return
        wanted = name.strip().lower()
        known = (one for one in catalogue().values() if one.kind == "transition")
        kind = next((one.name for one in known if wanted in (one.title.lower(), one.name)), None)
        if kind is None and wanted not in (DISSOLVE[0].lower(), ""):
            what = f"the transition {name!r}"
            self._losses.add(
                f"transition {name!r}", what, "it is not in the catalogue; a dissolve stands in its place"
            )
        start = place.at + begin - place.offset
        self._found.append(Placed(lane=lane, start=start, end=start + lasts, transition=kind or "dissolve"))

    def _clip(
        self, item: Element, lane: Lane, at: Fraction, begin: Fraction, lasts: Fraction, where: str
    ) -> None:
        media = self._media(item, where)
        if media is None:
            return
        source, speed = begin - self._media_start(item), Fraction(1)
        ramp: tuple[Keyframe, ...] = ()
        mapped = item.find("timeMap")
        if mapped is not None:
            found = speed_of(mapped, begin, lasts)
            if found is None:
                self._losses.add(where, "its time map", "it cannot be read; the clip plays as recorded")
            else:
                source, speed, ramp = found[0] - self._media_start(item), found[1], found[2]
        if source < 0 or isinstance(media, Generator):
            # Titles begin at an hour by custom: nothing is meant by it.
            if source < 0:
                self._losses.add(where, "its start before its media's", "it begins with it")
            source = Fraction(0)
        self._count += 1
        clip = Clip(
            id=f"fcpxml-{self._depth}-{self._count}",
            media=media,
            source_range=TimeRange(start=source, duration=lasts),
            name=item.get("name", ""),
            speed=speed,
            ramp=ramp,
            markers=tuple(self._markers(item, begin)),
            enabled=item.get("enabled", "1") != "0",
        )
        self._note_rest(item, where)
        self._place(item, lane, at, clip)

    def _place(self, item: Element, lane: Lane, at: Fraction, clip: Clip) -> None:
        """Put a clip on its track; one with pictures and sound is two clips that are linked."""
        gain = gain_of(item)
        lasts = clip.source_range.duration
        half = item.get("srcEnable", "all")
        pictures = half in ("all", "video") and item.tag != "audio"
        sounds = (
            half in ("all", "audio")
            and isinstance(clip.media, AssetReference)
            and self._has_sound(clip.media)
        )
        if item.tag in ("title", "video") or not isinstance(clip.media, AssetReference):
            sounds = False
        if lane.kind == "audio" and not sounds:
            lane = replace(lane, kind="video")
        linked = f"{clip.id}-sound" if pictures and sounds else None
        if pictures:
            picture = replace(lane, kind="video")
            self._found.append(
                Placed(lane=picture, start=at, end=at + lasts, clip=replace(clip, link_group=linked))
            )
        if sounds:
            heard = replace(clip, link_group=linked, id=f"{clip.id}-sound" if pictures else clip.id)
            below = lane.lane if lane.lane < 0 else -1000 - lane.lane if pictures else lane.lane
            name = lane.name if not pictures else f"{lane.name} sound"
            sound = Lane(kind="audio", lane=below, name=name)
            self._found.append(Placed(lane=sound, start=at, end=at + lasts, clip=heard, gain_db=gain))

    def _has_sound(self, media: AssetReference) -> bool:
        asset = self._shelf.asset(media.asset_id)
        return asset is None or asset.audio is not None

    def _media(self, item: Element, where: str) -> AssetReference | Generator | Nested | None:
        if item.tag == "title":
            return Generator(kind="title", parameters=writing_of(item))
        resource = self._resources.get(self._ref(item))
        if (
            item.tag == "ref-clip"
            and resource is not None
            and (inner := resource.find("sequence")) is not None
        ):
            read = _Sequence(
                inner,
                self._resources,
                Asked(),
                self._shelf,
                self._losses,
                self._budget,
                depth=self._depth + 1,
            )
            return Nested(timeline=read.timeline(resource.get("name", "")))
        if item.tag == "video" and resource is not None and resource.tag == "effect":
            return self._generator(item, resource, where)
        if resource is not None and resource.tag == "asset":
            rep = resource.find("media-rep")
            source = resource.get("src", "") or (rep.get("src", "") if rep is not None else "")
            found = self._shelf.find(source, unquote(source), resource.get("name", ""))
            if found is not None:
                return AssetReference(asset_id=found)
            why = "it is no asset here; a gap of its length stands in its place"
            self._losses.add(where, f"the media {resource.get('name') or source!r}", why)
            return None
        why = "what it shows is not read; a gap of its length stands in its place"
        self._losses.add(where, f"the {item.tag}", why)
        return None

    def _generator(self, item: Element, effect: Element, where: str) -> Generator | None:
        if effect.get("name") == SOLID[0] or "Solids" in effect.get("uid", ""):
            values = (one.get("value", "") for one in item.iterfind("param") if one.get("name") == "Color")
            return Generator(
                kind="solid", parameters={"colour": next(map(colour_of, values), None) or "#000000"}
            )
        what = f"the generator {effect.get('name', '')!r}"
        self._losses.add(where, what, "it is not in the catalogue; a gap of its length stands in its place")
        return None

    def _ref(self, item: Element) -> str:
        """Return the resource that a clip shows: its own, or that of the first thing inside it."""
        own = item.get("ref")
        if own is not None:
            return own
        inside = next((child for child in item if child.get("ref") and child.get("lane") is None), None)
        return inside.get("ref", "") if inside is not None else ""

    def _media_start(self, item: Element) -> Fraction:
        resource = self._resources.get(self._ref(item))
        return (
            time_of(resource.get("start")) if resource is not None and resource.tag == "asset" else None
        ) or Fraction(0)

    def _whole(self, item: Element) -> Fraction:
        resource = self._resources.get(self._ref(item))
        stated = time_of(resource.get("duration")) if resource is not None else None
        return stated if stated is not None and stated > 0 else Fraction(0)

    def _caption(self, item: Element, lane: Lane, at: Fraction, lasts: Fraction) -> None:
        look = writing_of(item)
        if not look.get("text") or lasts <= 0:
            self._losses.add(f"caption {item.get('name', '')!r}", "a caption", "it has no text or no length")
            return
        self._count += 1
        clip = Clip(
            id=f"fcpxml-{self._depth}-{self._count}",
            media=Generator(kind="caption", parameters=look),
            source_range=TimeRange(start=Fraction(0), duration=lasts),
            name=item.get("name", ""),
            enabled=item.get("enabled", "1") != "0",
        )
        self._found.append(Placed(lane=replace(lane, kind="caption"), start=at, end=at + lasts, clip=clip))

    def _markers(self, item: Element, begin: Fraction) -> Iterator[Marker]:
        for one in item.iterfind("marker"):
            at, lasts = time_of(one.get("start")), time_of(one.get("duration")) or Fraction(0)
            if at is not None and at >= begin:
                # The shortest that FCPXML can say is a frame: it stands for a moment.
                moment = lasts * self._grid <= 1
                yield Marker(
                    name=one.get("value", ""),
                    at=at - begin,
                    comment=one.get("note", ""),
                    duration=Fraction(0) if moment else lasts,
                )

    def _note_rest(self, item: Element, where: str) -> None:
        for child in item:
            if child.tag not in _SILENT:
                name = child.get("name") or child.tag
                self._losses.add(where, f"{child.tag} {name!r}", "it is not read")
