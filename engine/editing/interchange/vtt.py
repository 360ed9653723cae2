"""WebVTT files (W3C, WebVTT: The Web Video Text Tracks Format): cues, where they stand, when their words are said."""

import re
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.timeline import Parameter, Timeline, Word
from engine.editing.interchange.cues import (
    CUES_MOST,
    Cue,
    clock,
    cues_of,
    decoded,
    flag,
    note_looks,
    timeline_of,
)
from engine.editing.interchange.losses import Exported, Imported, Losses
from engine.editing.interchange.markup import boldly, escaped, plain, unescaped
from engine.editing.interchange.settings import Asked
from engine.editing.interchange.shelf import Shelf
from engine.editing.interchange.srt import one_block, seconds
from engine.kernel.errors import Invalid

_TIME: Final = r"(?:(\d{2,3}):)?([0-5]\d):([0-5]\d)\.(\d{3})"
_TIMING: Final = re.compile(rf"\s*{_TIME}\s+-->\s+{_TIME}(?:\s+(.*))?\Z", re.ASCII)
_STAMP: Final = re.compile(rf"<{_TIME}>", re.ASCII)
_PERCENT: Final = re.compile(
    r"(\d{1,3}(?:\.\d{1,6})?)%(?:,(start|center|end|line-left|line-right))?", re.ASCII
)
_ALIGNS: Final = {"left", "center", "right", "start", "end"}
_ANCHORS: Final = {"start": "top", "center": "middle", "end": "bottom"}
_CARRIED: Final = frozenset({"italic", "weight", "x", "y", "align", "anchor"})


def write_vtt(timeline: Timeline, shelf: Shelf) -> Exported:
    """Return the enabled caption tracks as one WebVTT file, by time."""
    losses = Losses()
    cues = cues_of(timeline, losses)
    note_looks(cues, _CARRIED, losses)
    blocks = ["WEBVTT\n"]
    for number, cue in enumerate(cues, 1):
        where = f"caption {number}"
        text = _stamped(cue, where, losses)
        text = boldly(text, bold=flag(cue.look, "weight"), italic=flag(cue.look, "italic"))
        times = f"{clock(cue.start, digits=3)} --> {clock(cue.end, digits=3)}"
        blocks.append(f"{number}\n{' '.join((times, *_settings(cue.look)))}\n{text}\n")
    return Exported(data="\n".join(blocks).encode(), losses=losses.all())


def _stamped(cue: Cue, where: str, losses: Losses) -> str:
    """Return a cue's text, with the time before each word where it is known."""
    text = one_block(cue.text, where, losses)
    if not cue.words:
        return escaped(text)
    placed, at = [], 0
    for word in cue.words:
        found = text.find(word.text, at)
        if found < 0 or not word.text:
            losses.add(where, "when words are said", f"the word {word.text!r} is not in its text")
            return escaped(text)
        placed.append(
            escaped(text[at:found]) + f"<{clock(cue.start + word.start, digits=3)}>{escaped(word.text)}"
        )
        at = found + len(word.text)
    ends = [later.start for later in cue.words[1:]] + [cue.end - cue.start]
    if any(word.end != end for word, end in zip(cue.words, ends, strict=True)):
        losses.add("", "when words end", "WebVTT says when each begins; it ends with the next")
    return "".join(placed) + escaped(text[at:])


def _settings(look: dict[str, Parameter]) -> list[str]:
    settings = []
    if isinstance(across := look.get("x"), int | float):
        settings.append(f"position:{across * 100:.6g}%")
    if isinstance(down := look.get("y"), int | float):
        edge = next((one for one, ours in _ANCHORS.items() if ours == look.get("anchor", "bottom")), "end")
        settings.append(f"line:{down * 100:.6g}%,{edge}")
    if look.get("align") in _ALIGNS:
        settings.append(f"align:{look['align']}")
    return settings


def read_vtt(data: bytes, asked: Asked, shelf: Shelf) -> Imported:
    """Read a WebVTT file.

    Raises:
        Invalid: it does not begin with `WEBVTT`, holds no captions, or too many.
    """
    lines, losses = decoded(data), Losses()
    if not re.match(r"WEBVTT(?:[ \t].*)?\Z", lines[0]):
        raise Invalid("a WebVTT file begins with the line WEBVTT", field="text", line=1)
    cues: list[Cue] = []
    number = 1
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.startswith(("STYLE", "REGION")):
            losses.add(
                f"line {number}", f"a block {line.split()[0]}", "captions have their looks by themselves"
            )
        found = _TIMING.match(line) if "-->" in line else None
        if found is None:
            if "-->" in line:
                losses.add(f"line {number}", "its times", "they are not HH:MM:SS.mmm --> HH:MM:SS.mmm")
            # The block of a note, of a style or of broken times goes on to the next empty line.
            if line.startswith(("NOTE", "STYLE", "REGION")) or "-->" in line:
                while number < len(lines) and lines[number].strip():
                    number += 1
            continue
        first = number
        while number < len(lines) and lines[number].strip():
            number += 1
        cue = _cue(found, "\n".join(lines[first:number]), f"line {first}", losses)
        if cue is not None:
            cues.append(cue)
        if len(cues) > CUES_MOST:
            raise Invalid(f"the file has more than {CUES_MOST} captions", field="text")
    return timeline_of(cues, asked, losses)


def _cue(found: re.Match[str], text: str, where: str, losses: Losses) -> Cue | None:
    start, end = seconds(*found.group(1, 2, 3, 4)), seconds(*found.group(5, 6, 7, 8))
    if end <= start:
        losses.add(where, "a caption", "it ends before it begins")
        return None
    stamps = [(one.start(), one.end(), seconds(*one.groups())) for one in _STAMP.finditer(text)]
    bare, look = plain(_STAMP.sub("", text), where, losses)
    said = unescaped(bare)
    if not said.strip():
        losses.add(where, "a caption", "it has no text")
        return None
    look |= _look(found[9] or "", where, losses)
    return Cue(start=start, end=end, text=said, words=_words(text, stamps, start, end), look=look)


def _words(
    text: str, stamps: list[tuple[int, int, Fraction]], start: Fraction, end: Fraction
) -> tuple[Word, ...]:
    """Return what stands behind each time, up to the next; times that run backwards are no words' times."""
    times = [max(at, start) - start for _, _, at in stamps] + [end - start]
    if times != sorted(times):
        return ()
    nothing = Losses()
    found = []
    for number, (_, begin, _) in enumerate(stamps):
        stop = stamps[number + 1][0] if number + 1 < len(stamps) else len(text)
        word = " ".join(unescaped(plain(text[begin:stop], "", nothing)[0]).split())
        if word:
            found.append(Word(text=word, start=times[number], end=times[number + 1]))
    return tuple(found)


def _look(settings: str, where: str, losses: Losses) -> dict[str, Parameter]:
    look: dict[str, Parameter] = {}
    for setting in settings.split():
        name, _, value = setting.partition(":")
        percent = _PERCENT.fullmatch(value)
        share = float(percent[1]) / 100 if percent is not None else 2.0
        if name == "align" and value in _ALIGNS:
            look["align"] = value
        elif name == "position" and share <= 1:
            look["x"] = share
        elif name == "line" and share <= 1 and percent is not None:
            look |= {"y": share, "anchor": _ANCHORS.get(percent[2] or "start", "top")}
        else:
            losses.add(where, f"the setting {setting!r}", "align, position and line in percent are read")
    return look
