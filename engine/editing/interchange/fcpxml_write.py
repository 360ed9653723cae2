"""Timelines to FCPXML: the lowest picture track is the main storyline, the others are storylines in lanes."""

from fractions import Fraction
from typing import Any, assert_never
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from cutroom_sdk.wire.timeline import (
    AssetReference,
    Clip,
    Gap,
    Generator,
    Marker,
    Nested,
    Timeline,
    TimelineReference,
    Track,
    Transition,
)
from engine.editing.catalogue.spec import catalogue
from engine.editing.interchange.fcpxml_form import DISSOLVE, SOLID, TITLE, VERSION, colour_text, time_text
from engine.editing.interchange.fcpxml_speed import time_map
from engine.editing.interchange.losses import Exported, Losses
from engine.editing.interchange.shelf import Shelf, file_url
from engine.editing.interchange.smpte import may_drop
from engine.editing.timeline import duration, places

_FADES = {"left": "left", "right": "right", "center": "center"}
_TEXT_LOOK = {"text", "font", "size", "colour", "weight", "italic", "align"}
_HOUR = Fraction(3600)


def write_fcpxml(timeline: Timeline, shelf: Shelf) -> Exported:
    """Return the timeline as a project of FCPXML."""
    losses = Losses()
    root = Element("fcpxml", version=VERSION)
    resources = _Resources(SubElement(root, "resources"), shelf)
    event = SubElement(SubElement(root, "library"), "event", name=_text(timeline.name) or "Cutroom")
    project = SubElement(event, "project", name=_text(timeline.name) or "Untitled")
    _Sequence(timeline, resources, losses, "").into(project)
    ElementTree.indent(root, space="  ")
    body = ElementTree.tostring(root, encoding="unicode")
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n{body}\n'
    return Exported(data=text.encode(), losses=losses.all())


class _Resources:
    """What clips refer to, each once: formats, assets, effects, nested timelines."""

    def __init__(self, parent: Element, shelf: Shelf) -> None:
        self._parent, self.shelf = parent, shelf
        self._ids: dict[tuple[Any, ...], str] = {}
        self._count = 0

    def _new(self, tag: str, key: tuple[Any, ...], attributes: dict[str, str]) -> tuple[str, Element | None]:
        """Return the id of a resource, and its element where it is new."""
        if key in self._ids:
            return self._ids[key], None
        self._count += 1
        self._ids[key] = f"r{self._count}"
        return self._ids[key], SubElement(self._parent, tag, {"id": self._ids[key], **attributes})

    def format(self, rate: Fraction, width: int, height: int) -> str:
        step = {"frameDuration": time_text(1 / rate), "width": str(width), "height": str(height)}
        return self._new("format", ("format", rate, width, height), step)[0]

    def effect(self, name: str, uid: str) -> str:
        return self._new("effect", ("effect", name), {"name": name, "uid": uid})[0]

    def asset(self, asset_id: str) -> str:
        made, element = self._new("asset", ("asset", asset_id), {"name": _text(self.shelf.title(asset_id))})
        if element is None:
            return made
        asset = self.shelf.asset(asset_id)
        element.set("start", "0s")
        if asset is not None:
            element.set("duration", time_text(asset.duration))
            if asset.video is not None:
                form = self.format(asset.video.rate, asset.video.width, asset.video.height)
                element.attrib.update(hasVideo="1", videoSources="1", format=form)
            if asset.audio is not None:
                channels, rate = str(asset.audio.channels), str(asset.audio.sample_rate)
                element.attrib.update(hasAudio="1", audioSources="1", audioChannels=channels, audioRate=rate)
        source = file_url(asset.path) if asset is not None and asset.path else self.shelf.url(asset_id)
        SubElement(element, "media-rep", kind="original-media", src=source)
        return made

    def nested(self, clip: Clip, timeline: Timeline, losses: Losses, where: str) -> str:
        made, element = self._new(
            "media", ("media", clip.id, where), {"name": _text(timeline.name) or "Nested"}
        )
        assert element is not None, "each clip has a place of its own"
        _Sequence(timeline, self, losses, f"{where}.").into(element)
        return made


class _Sequence:
    """Writes one timeline as a `sequence`."""

    def __init__(self, timeline: Timeline, resources: _Resources, losses: Losses, where: str) -> None:
        self._timeline, self._resources, self._losses, self._where = timeline, resources, losses, where
        self._styles = 0
        self._notes = 0

    def into(self, parent: Element) -> None:
        timeline = self._timeline
        form = self._resources.format(timeline.rate, timeline.width, timeline.height)
        kilohertz = f"{timeline.sample_rate / 1000:g}k"
        sequence = SubElement(
            parent, "sequence", format=form, duration=time_text(duration(timeline)), tcStart="0s"
        )
        sequence.attrib.update(tcFormat="DF" if may_drop(timeline.rate) else "NDF", audioLayout="stereo")
        sequence.set("audioRate", kilohertz)
        spine = SubElement(sequence, "spine")
        numbered = list(enumerate(timeline.tracks))
        main = next((one for one in numbered if one[1].kind == "video"), None)
        if main is not None:
            self._story(spine, main[1], main[0])
        others = [one for one in numbered if one is not main]
        if others or timeline.markers:
            anchor = self._anchor(spine)
            lanes = {"up": 0, "down": 0}
            for number, track in others:
                self._lane(spine, anchor, track, number, lanes)
            for marker in timeline.markers:
                self._losses.add(
                    f"{self._where}markers", f"the marker {marker.name!r}", "it hangs on the first clip"
                )
                self._marker(anchor, marker, Fraction(anchor.get("start", "0s")[:-1]))
        _in_order(spine)
        if self._notes:
            what = f"link groups, scores, reasons and offsets of {self._notes} clips"
            self._losses.add(self._where.rstrip("."), what, "FCPXML has no place for them")
        if timeline.metadata:
            self._losses.add(self._where.rstrip("."), "the timeline's metadata", "FCPXML has its own")

    def _anchor(self, spine: Element) -> Element:
        """Return what lanes hang on: the first item of the main storyline, else a gap that lasts as long as all."""
        first = next((item for item in spine if item.tag != "transition"), None)
        if first is not None:
            return first
        lasts = time_text(max(duration(self._timeline), 1 / self._timeline.rate))
        return SubElement(spine, "gap", name="Gap", offset="0s", start="3600s", duration=lasts)

    def _lane(
        self, spine: Element, anchor: Element, track: Track, number: int, lanes: dict[str, int]
    ) -> None:
        way = "down" if track.kind == "audio" else "up"
        lanes[way] += 1
        lane = str(-lanes[way] if way == "down" else lanes[way])
        where = f"{self._where}tracks[{number}]"
        begin = Fraction(anchor.get("start", "0s")[:-1])
        if track.kind == "caption":
            self._note_track(track, where)
            for at, (start, _, item) in enumerate(places(track)):
                if isinstance(item, Clip):
                    self._caption(anchor, item, begin + start, lane, f"{where}.items[{at}]")
                elif isinstance(item, Transition):
                    self._losses.add(
                        f"{where}.items[{at}]", "a transition between captions", "captions are cut"
                    )
            return
        story = SubElement(anchor, "spine", lane=lane, offset=time_text(begin), name=_text(track.name))
        self._story(story, track, number)
        if not len(story):
            anchor.remove(story)

    def _note_track(self, track: Track, where: str) -> None:
        if track.locked:
            self._losses.add(where, f"the lock of the track {track.name!r}", "FCPXML has no tracks")
        if not track.enabled:
            self._losses.add(where, f"that the track {track.name!r} is disabled", "each of its clips is")
        if track.effects:
            self._losses.add(where, f"the effects of the track {track.name!r}", "FCPXML has no tracks")
        if isinstance(track.gain_db, tuple):
            self._losses.add(where, f"the curve of the gain of {track.name!r}", "its clips have no gain")

    def _story(self, spine: Element, track: Track, number: int) -> None:
        where = f"{self._where}tracks[{number}]"
        self._note_track(track, where)
        for at, (start, _, item) in enumerate(places(track)):
            place, offset = f"{where}.items[{at}]", time_text(start)
            match item:
                case Gap():
                    lasts = time_text(item.duration)
                    SubElement(spine, "gap", name="Gap", offset=offset, start="3600s", duration=lasts)
                case Transition():
                    self._transition(spine, item, start, place)
                case Clip():
                    element = self._clip(spine, item, offset, track, place)
                    self._common(element, item, track, place)
                case _:
                    assert_never(item)

    def _transition(self, spine: Element, item: Transition, cut: Fraction, where: str) -> None:
        lasts = item.in_offset + item.out_offset
        if not lasts:
            self._losses.add(where, "a transition of no length", "it is a cut")
            return
        entry = catalogue().get(item.kind)
        name = DISSOLVE[0] if item.kind == "dissolve" else entry.title if entry is not None else item.kind
        at = time_text(cut - item.in_offset)
        made = SubElement(spine, "transition", name=_text(name), offset=at, duration=time_text(lasts))
        if item.kind == "dissolve":
            SubElement(made, "filter-video", ref=self._resources.effect(*DISSOLVE), name=DISSOLVE[0])
        else:
            self._losses.add(where, f"the transition {item.kind!r}", "others know its name only")
        if item.parameters:
            self._losses.add(where, "the transition's parameters", "FCPXML has others")

    def _clip(self, spine: Element, clip: Clip, offset: str, track: Track, where: str) -> Element:
        name = _text(clip.name)
        place = {"offset": offset, "name": name, "start": time_text(clip.source_range.start)}
        place["duration"] = time_text(clip.source_range.duration)
        match clip.media:
            case AssetReference(asset_id=asset_id):
                place["name"] = name or _text(self._resources.shelf.title(asset_id))
                half = "audio" if track.kind == "audio" else "video"
                ref = self._resources.asset(asset_id)
                return SubElement(spine, "asset-clip", {"ref": ref, "srcEnable": half, **place})
            case Nested(timeline=inner):
                ref = self._resources.nested(clip, inner, self._losses, where)
                return SubElement(spine, "ref-clip", {"ref": ref, **place})
            case Generator():
                return self._generator(spine, clip, clip.media, place, where)
            case TimelineReference():
                what = f"the timeline {clip.media.timeline_id!r}"
                self._losses.add(where, what, "only nested timelines are written; a gap stands in its place")
                return SubElement(spine, "gap", {**place, "start": "3600s"})
            case _:
                assert_never(clip.media)

    def _generator(
        self, spine: Element, clip: Clip, media: Generator, place: dict[str, str], where: str
    ) -> Element:
        text = media.parameters.get("text")
        if isinstance(text, str):
            return self._title(spine, media, text, place, where)
        if media.kind == "solid":
            made = SubElement(spine, "video", {"ref": self._resources.effect(*SOLID), **place})
            colour = media.parameters.get("colour", "#000000")
            SubElement(
                made, "param", name="Color", value=colour_text(colour if isinstance(colour, str) else "")
            )
            return made
        self._losses.add(
            where, f"the generator {media.kind!r}", "FCPXML has none such; a gap stands in its place"
        )
        return SubElement(spine, "gap", {**place, "start": "3600s"})

    def _title(
        self, spine: Element, media: Generator, text: str, place: dict[str, str], where: str
    ) -> Element:
        made = SubElement(spine, "title", {"ref": self._resources.effect(*TITLE), **place})
        self._written(made, media, text, where)
        if media.kind != "title":
            self._losses.add(where, f"that the title is a {media.kind!r}", "it is a basic title")
        return made

    def _caption(self, anchor: Element, clip: Clip, at: Fraction, lane: str, where: str) -> None:
        text = clip.media.parameters.get("text") if isinstance(clip.media, Generator) else None
        words = clip.media.words if isinstance(clip.media, Generator) else ()
        said = text if isinstance(text, str) and text else " ".join(word.text for word in words)
        if not isinstance(clip.media, Generator) or not said:
            self._losses.add(where, f"the caption {clip.name or clip.id!r}", "it has no text")
            return
        lasts = time_text(clip.source_range.duration)
        made = SubElement(
            anchor, "caption", lane=lane, offset=time_text(at), name=_text(clip.name), start="3600s"
        )
        made.attrib.update(duration=lasts, role="iTT?captionFormat=ITT.en")
        if not clip.enabled:
            made.set("enabled", "0")
        if words:
            self._losses.add(
                where, "when words are said", "captions of FCPXML have times for whole texts only"
            )
        if clip.effects:
            self._losses.add(where, "the effects of a caption", "FCPXML has none there")
        self._written(made, clip.media, said, where)

    def _written(self, parent: Element, media: Generator, text: str, where: str) -> None:
        """Write a text in one style; what of its look is not said stays open."""
        self._styles += 1
        name = f"ts{self._where.count('tracks')}-{self._styles}-{len(where)}"
        SubElement(SubElement(parent, "text"), "text-style", ref=name).text = _text(text)
        looks: dict[str, str] = {}
        given = {key: value for key, value in media.parameters.items() if not isinstance(value, tuple)}
        if isinstance(font := given.get("font"), str):
            looks["font"] = _text(font)
        if isinstance(size := given.get("size"), int | float):
            looks["fontSize"] = f"{size:g}"
        if isinstance(colour := given.get("colour"), str):
            looks["fontColor"] = colour_text(colour)
        if isinstance(weight := given.get("weight"), int | float):
            looks["bold"] = "1" if weight >= 600 else "0"
        if isinstance(italic := given.get("italic"), int | float):
            looks["italic"] = "1" if italic else "0"
        if (align := given.get("align")) in _FADES:
            looks["alignment"] = str(align)
        SubElement(SubElement(parent, "text-style-def", id=name), "text-style", looks)
        lost = {key for key in media.parameters if key not in _TEXT_LOOK or key not in given}
        if lost:
            self._losses.add(
                where, f"the look: {', '.join(sorted(lost))}", "FCPXML's basic title has no such"
            )

    def _common(self, element: Element, clip: Clip, track: Track, where: str) -> None:
        """Write what all kinds of clips have; FCPXML wants it in this order."""
        if not (clip.enabled and track.enabled):
            element.set("enabled", "0")
        if element.tag == "gap" and not clip.enabled:
            del element.attrib["enabled"]
        mapped = time_map(clip)
        if mapped is not None:
            kept = element.tag in ("asset-clip", "ref-clip")
            if kept:
                element.append(mapped)
            if clip.ramp or not kept:
                said = "it is made of straight pieces" if kept else "FCPXML has none there"
                self._losses.add(where, "the ramp of the speed" if clip.ramp else "the speed", said)
        if isinstance(track.gain_db, int | float) and track.gain_db != 0 and track.kind == "audio":
            SubElement(element, "adjust-volume", amount=f"{track.gain_db:g}dB")
        for effect in clip.effects:
            self._losses.add(
                where, f"the effect {effect.name!r}", "FCPXML's effects are those of Final Cut Pro"
            )
        self._notes += bool(clip.link_group or clip.scoring or clip.reasons or clip.alignment_offset)
        for marker in clip.markers:
            self._marker(element, marker, clip.source_range.start)

    def _marker(self, element: Element, marker: Marker, begin: Fraction) -> None:
        lasts = marker.duration or 1 / self._timeline.rate
        made = SubElement(element, "marker", start=time_text(begin + marker.at), duration=time_text(lasts))
        made.set("value", _text(marker.name))
        if marker.comment:
            made.set("note", _text(marker.comment))
        if marker.colour:
            self._losses.add(f"{self._where}markers", f"the colour of {marker.name!r}", "FCPXML's have none")


# Within a clip: its retiming, its volume, what hangs on it, its markers (FCPXML 1.10 DTD).
_ORDER = {
    "param": 0,
    "text": 0,
    "text-style-def": 1,
    "timeMap": 2,
    "adjust-volume": 3,
    "spine": 4,
    "caption": 4,
    "marker": 5,
}


def _in_order(spine: Element) -> None:
    for element in spine:
        element[:] = sorted(element, key=lambda child: _ORDER.get(child.tag, 4))


def _text(text: str) -> str:
    """Return a text without the characters that XML 1.0 cannot hold (2.2)."""
    return "".join(one for one in text if one in "\t\n\r" or (one >= " " and one not in "\ufffe\uffff"))
