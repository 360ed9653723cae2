"""Advanced SubStation Alpha (`.ass`, and `.ssa` to read): captions with styles, places and karaoke.

Times are hundredths of a second: up to 100 frames a second the frame is still the same one.
"""

import re
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.codec import canonical
from cutroom_sdk.wire.timeline import Parameter, Timeline, Word
from engine.editing.interchange.ass_styles import (
    CARRIED,
    COLUMNS,
    Canvas,
    centiseconds,
    look_of,
    our_colour,
    place_of,
    placed,
    style_line,
)
from engine.editing.interchange.cues import CUES_MOST, Cue, clock, cues_of, decoded, note_looks, timeline_of
from engine.editing.interchange.losses import Exported, Imported, Losses
from engine.editing.interchange.settings import SIZE, Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.srt import seconds
from engine.kernel.errors import Invalid

EVENT_COLUMNS: Final = (
    "Layer", "Start", "End", "Style", "Name", "MarginL", "MarginR", "MarginV", "Effect", "Text",
)  # fmt: skip
FINEST_RATE: Final = 100
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})[.:](\d{1,3})", re.ASCII)
_OVERRIDE: Final = re.compile(r"\{([^{}]*)\}")
_TAG: Final = re.compile(r"\\(kf|ko|k|K|an|pos|i|b|p|[a-zA-Z]+|\d[a-z]+)([^\\]*)")
_KARAOKE: Final = {"k", "K", "kf", "ko"}


def write_ass(timeline: Timeline, shelf: Shelf) -> Exported:
    """Return the enabled caption tracks as one ASS file; each look is a style."""
    losses = Losses()
    cues = cues_of(timeline, losses)
    note_looks(cues, CARRIED, losses)
    if timeline.rate > FINEST_RATE:
        losses.add("", "exact times", "ASS has hundredths of a second, frames here are shorter")
    canvas = Canvas(width=timeline.width, height=timeline.height)
    styles: dict[bytes, tuple[str, str]] = {}
    events = []
    for number, cue in enumerate(cues, 1):
        look: dict[str, Parameter] = {
            name: value for name, value in cue.look.items() if not isinstance(value, tuple)
        }
        key = canonical(look)
        if key not in styles:
            name = "Default" if not styles else f"Style{len(styles) + 1}"
            styles[key] = (name, style_line(name, look, canvas))
        text = placed(look, canvas) + _text(cue, look, f"caption {number}", losses)
        times = ",".join(clock(at, digits=2, hours=1) for at in (cue.start, cue.end))
        track = " ".join(cue.track.replace(",", " ").split())
        events.append(f"Dialogue: 0,{times},{styles[key][0]},{track},0,0,0,,{text}")
    head = ("ScriptType: v4.00+", f"PlayResX: {canvas.width}", f"PlayResY: {canvas.height}", "WrapStyle: 0")
    sections = (
        ("[Script Info]", f"Title: {' '.join(timeline.name.split())}", *head, "ScaledBorderAndShadow: yes"),
        ("[V4+ Styles]", f"Format: {', '.join(COLUMNS)}", *(line for _, line in styles.values())),
        ("[Events]", f"Format: {', '.join(EVENT_COLUMNS)}", *events),
    )
    text = "\n\n".join("\n".join(section) for section in sections) + "\n"
    return Exported(data=text.encode(), losses=losses.all())


def _text(cue: Cue, look: dict[str, Parameter], where: str, losses: Losses) -> str:
    """Return a cue's text with its lines and, where its words are timed, their karaoke."""
    text = cue.text.replace("\r", "\n")
    if any(mark in text for mark in "{}\\"):
        losses.add(
            where, "braces and backslashes in its text", "they are styles in ASS; others stand in their place"
        )
        text = text.replace("{", "(").replace("}", ")").replace("\\", "/")
    if not cue.words:
        return text.replace("\n", "\\N")
    fill = "kf" if look.get("style") == "karaoke" else "k"
    parts, at, done = [], 0, 0
    for word in cue.words:
        found = text.find(word.text, at)
        start, end = centiseconds(word.start), centiseconds(word.end)
        if found < 0 or not word.text or not done <= start <= end:
            losses.add(
                where, "when words are said", f"the word {word.text!r} is not in its text, or not in turn"
            )
            return text.replace("\n", "\\N")
        # What stands between two words takes the time between them.
        parts.append((f"{{\\k{start - done}}}" if start > done or found > at else "") + text[at:found])
        parts.append(f"{{\\{fill}{end - start}}}{text[found : found + len(word.text)]}")
        at, done = found + len(word.text), end
    rest = f"{{\\k0}}{text[at:]}" if at < len(text) else ""
    return ("".join(parts) + rest).replace("\n", "\\N")


def read_ass(data: bytes, asked: Asked, shelf: Shelf) -> Imported:
    """Read an ASS or SSA file.

    Raises:
        Invalid: it has no section `[Events]`, no captions, or too many.
    """
    losses = Losses()
    reader = _Reader(losses)
    for number, line in enumerate(decoded(data), 1):
        reader.line(line, f"line {number}")
        if len(reader.cues) > CUES_MOST:
            raise Invalid(f"the file has more than {CUES_MOST} captions", field="text")
    if "[events]" not in reader.sections:
        raise Invalid("an ASS file has a section [Events]; this one has none", field="text")
    return timeline_of(reader.cues, asked, losses)


class _Reader:
    """Goes through a file line by line; styles stand before the events that use them."""

    def __init__(self, losses: Losses) -> None:
        self.cues: list[Cue] = []
        self.sections: set[str] = set()
        self._section = ""
        self._losses = losses
        self._size = {"playresx": 0, "playresy": 0}
        self._styles: dict[str, dict[str, str]] = {}
        self._columns: dict[str, tuple[str, ...]] = {}

    def line(self, line: str, where: str) -> None:
        line = line.strip("\ufeff \t")
        if line.startswith("[") and line.endswith("]"):
            self._section = line.lower()
            self.sections.add(self._section)
            if self._section in ("[fonts]", "[graphics]"):
                self._losses.add(where, f"the section {line}", "files inside the file are not read")
            return
        name, colon, rest = line.partition(":")
        if not colon or line.startswith(";"):
            return
        word = name.strip().lower()
        if word == "format":
            self._columns[self._section] = tuple(column.strip() for column in rest.split(","))
        elif self._section == "[script info]":
            if word in self._size and rest.strip().isascii() and rest.strip().isdigit() and len(rest) < 8:
                self._size[word] = int(rest)
        elif "styles]" in self._section and word == "style":
            row = self._row(rest, COLUMNS)
            self._styles[row.get("Name", "").strip().lstrip("*")] = row
        elif self._section == "[events]" and word == "dialogue":
            self._dialogue(rest, where)

    @property
    def _canvas(self) -> Canvas:
        # Without a resolution ASS means 384x288; with only one of both, 4:3 and 16:9 are in use: the common canvas is taken.
        width, height = self._size["playresx"], self._size["playresy"]
        if width and height:
            return Canvas(width=width, height=height)
        return (
            Canvas(width=384, height=288) if not (width or height) else Canvas(width=SIZE[0], height=SIZE[1])
        )

    def _row(self, rest: str, usual: tuple[str, ...]) -> dict[str, str]:
        columns = self._columns.get(self._section, usual)
        return dict(zip(columns, rest.strip().split(",", len(columns) - 1), strict=False))

    def _dialogue(self, rest: str, where: str) -> None:
        row = self._row(rest, EVENT_COLUMNS)
        start, end = (_time(row.get(name, "")) for name in ("Start", "End"))
        if start is None or end is None or end <= start:
            self._losses.add(where, "a caption", "its times are not H:MM:SS.cc, or it ends before it begins")
            return
        style = self._styles.get(row.get("Style", "").strip().lstrip("*"))
        look = look_of(style, self._canvas) if style is not None else {}
        said, words, own = self._said(row.get("Text", ""), where)
        if own is None or not said.strip():
            self._losses.add(where, "a drawing" if own is None else "a caption", "it has no text")
            return
        if words and look.get("style") is None and any(tag in row["Text"] for tag in ("\\kf", "\\K")):
            look |= _karaoke(style)
        if row.get("Effect", "").strip():
            self._losses.add(where, f"the effect {row['Effect'].strip()!r}", "captions stand still")
        lasts = end - start
        kept = tuple(word for word in words if word.start < lasts)
        self.cues.append(
            Cue(
                start=start,
                end=end,
                text=said,
                words=kept,
                look=look | own,
                track=row.get("Name", "").strip()[:100],
            )
        )

    def _said(self, text: str, where: str) -> tuple[str, tuple[Word, ...], dict[str, Parameter] | None]:
        """Return the plain text, its timed words, and the look of its overrides; None: it is a drawing."""
        look: dict[str, Parameter] = {}
        said, words, at, lasts = "", [], Fraction(0), Fraction(0)
        odd: set[str] = set()
        for number, part in enumerate(_OVERRIDE.split(text)):
            if number % 2 == 0:
                piece = part.replace("\\N", "\n").replace("\\n", "\n").replace("\\h", "\u00a0")
                if lasts and piece.strip():
                    words.append(Word(text=" ".join(piece.split()), start=at, end=at + lasts))
                said, at, lasts = said + piece, at + lasts, Fraction(0)
                continue
            for tag, value in _TAG.findall(part):
                if tag in _KARAOKE:
                    at += lasts
                    lasts = (
                        Fraction(int(value), 100)
                        if value.isascii() and value.isdigit() and len(value) < 7
                        else lasts * 0
                    )
                elif tag == "p" and value.strip("0 "):
                    return "", (), None
                elif not self._override(tag, value, first=not said, look=look):
                    odd.add(f"\\{tag}")
        if odd:
            self._losses.add(where, f"the overrides {' '.join(sorted(odd))}", "a caption has one look")
        return said, tuple(words), look

    def _override(self, tag: str, value: str, *, first: bool, look: dict[str, Parameter]) -> bool:
        """Take an override that stands before the text into the look; False: there is no place for it."""
        if not first:
            return False
        if tag in ("i", "b") and value.strip() in ("0", "1"):
            on = value.strip() == "1"
            look |= {"italic": float(on)} if tag == "i" else {"weight": 700.0 if on else 400.0}
        elif tag == "an" and value.strip() in set("123456789"):
            look |= place_of(int(value))
        elif tag == "pos" and (
            found := re.fullmatch(r"\(\s*(\d{1,5}(?:\.\d+)?)\s*,\s*(\d{1,5}(?:\.\d+)?)\s*\)", value)
        ):
            look["x"] = min(float(found[1]) / self._canvas.width, 1.0)
            look["y"] = min(float(found[2]) / self._canvas.height, 1.0)
        else:
            return False
        return True


def _karaoke(style: dict[str, str] | None) -> dict[str, Parameter]:
    """Return the look of text that fills: its primary colour is of what has been said."""
    row = style or {}
    look: dict[str, Parameter] = {"style": "karaoke"}
    if said := our_colour(row.get("PrimaryColour", "")):
        look["highlight_colour"] = said
    if unsaid := our_colour(row.get("SecondaryColour", "")):
        look["colour"] = unsaid
    return look


def _time(text: str) -> Fraction | None:
    found = _CLOCK.fullmatch(text.strip())
    return None if found is None else seconds(*found.groups())
