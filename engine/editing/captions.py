"""Words that are said become captions that can be read. Pure.

    words with their times + rules + the film's rate  ->  captions on whole frames  ->  a caption track

Where one caption ends and the next begins is chosen for all of them at once: at ends of sentences and in pauses rather than
within a clause, neither too long nor too short. What cannot be met (somebody speaks faster than one can read) is left for
`caption_checks` to say.
"""

from __future__ import annotations

import functools
import math
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from fractions import Fraction
from importlib import resources
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.codec import convert
from cutroom_sdk.wire.timeline import Clip, Gap, Generator, Parameter, TimeRange, Track, Word
from engine.kernel.errors import Invalid
from engine.media.timecode import frame_nearest

# A silence this long always ends a caption: nothing is shown while nobody speaks.
SILENCE: Final = Fraction(3, 2)
PAUSE: Final = Fraction(3, 10)
WORDS_MOST: Final = 40  # in one caption, so that an hour of speech takes a few seconds
_ENDS: Final = frozenset(".?!…。！？؟")
_RESTS: Final = frozenset(",;:，、；：—–،")
_CLOSING: Final = "\"'”’»)]）」』"
# What a caption costs for where it ends and how it is; only how they compare matters.
_EACH: Final = 0.4
_AFTER_REST, _AFTER_PAUSE, _WITHIN = 0.5, 0.35, 1.2
_SHORT, _LONELY, _SILENT, _TWO_SENTENCES = 3.0, 0.6, 1.5, 0.7
_FEW_COLUMNS: Final = 10
_UNSPACED: Final = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "IDEOGRAPHIC",
    "FULLWIDTH",
)


class CaptionRules(Struct, frozen=True, kw_only=True):
    """What can be read: see `captions.toml`. `gap_frames` are left free between one caption and the next."""

    name: str
    title: str
    columns: int
    lines: int
    speed: Fraction
    shortest: Fraction
    longest: Fraction
    gap_frames: int
    source: str
    read_on: str


class Caption(Struct, frozen=True, kw_only=True):
    """What is shown from `start` to `end`, seconds, on whole frames. `words` have the times they are said at, as given."""

    start: Fraction
    end: Fraction
    lines: tuple[str, ...]
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The lines, one below the other."""
        return "\n".join(self.lines)


@functools.cache
def rules() -> MappingProxyType[str, CaptionRules]:
    """Return all rules by name."""
    text = resources.files("engine.editing").joinpath("captions.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text).items()
    return MappingProxyType({name: convert({"name": name, **row}, CaptionRules) for name, row in rows})


def columns_of(text: str) -> int:
    """Return how many columns a line takes: wide characters two, marks on other characters none (UAX #11)."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in "WF" else 1
        for one in text
    )


def captions_of(words: Sequence[Word], rate: Fraction, rule: CaptionRules) -> tuple[Caption, ...]:
    """Return captions of what is said.

    Args:
        words: in order, each ending after it begins, none before the end of the one before.
        rate: frames a second of the film.
        rule: what can be read.

    Raises:
        Invalid: the words are out of order; `field` names the first that is.
    """
    said = [word for word in words if word.text.strip()]
    for number, (before, word) in enumerate(pairwise(said), start=1):
        if word.start < before.end:
            raise Invalid(
                f"the word {number} ({word.text.strip()[:40]!r}) begins at {word.start} s, before the one before it ends",
                field=f"words[{number}].start",
            )
    for number, word in enumerate(said):
        if word.end <= word.start or word.start < 0:
            raise Invalid(
                f"the word {number} ({word.text.strip()[:40]!r}) lasts from {word.start} to {word.end} s: "
                "it must begin at 0 or later and end after that",
                field=f"words[{number}].end",
            )
    groups = [said[start:end] for start, end in _Speech(said, rule).divided()]
    return _timed(groups, rate, rule)


class _Speech:
    """Words measured once: what they cost is asked for many times."""

    def __init__(self, words: Sequence[Word], rule: CaptionRules) -> None:
        self.rule = rule
        self.texts = [word.text.strip() for word in words]
        self.columns = [columns_of(text) for text in self.texts]
        self.starts = [word.start for word in words]
        self.ends = [word.end for word in words]
        pairs = list(pairwise(words))
        # Before each word but the first: the columns of a space, the silence, what it costs to end a caption there.
        self.spaces = [
            0,
            *(len(_between(before.text.strip(), after.text.strip())) for before, after in pairs),
        ]
        self.silences = [0.0, *(float(after.start - before.end) for before, after in pairs)]
        self.endings = [0.0, *(_ending(before, after) for before, after in pairs), 0.0]

    def divided(self) -> list[tuple[int, int]]:
        """Return which words `[start, end)` make a caption, so that all of them together cost least."""
        count = len(self.texts)
        best: list[tuple[float, int]] = [(0.0, 0)]
        for end in range(1, count + 1):
            options = []
            within = 0.0
            for start in range(end - 1, max(-1, end - 1 - WORDS_MOST), -1):
                if start < end - 1:
                    if not self._allowed(start, end):
                        break
                    within += self._joint(start + 1)
                options.append((best[start][0] + within + self._cost(start, end), start))
            best.append(min(options))
        spans = []
        end = count
        while end:
            start = best[end][1]
            spans.append((start, end))
            end = start
        return spans[::-1]

    def _allowed(self, start: int, end: int) -> bool:
        """Tell whether words may stand in one caption; what may not, may not either with more words before it."""
        if self.silences[start + 1] >= SILENCE or self.ends[end - 1] - self.starts[start] > self.rule.longest:
            return False
        most = self.rule.columns
        if max(self.columns[start:end]) > most:
            return len(_filled(self.texts[start:end], most)) <= self.rule.lines
        lines, wide = 1, self.columns[start]
        for place in range(start + 1, end):
            wide += self.spaces[place] + self.columns[place]
            if wide > most:
                lines, wide = lines + 1, self.columns[place]
        return lines <= self.rule.lines

    def _joint(self, place: int) -> float:
        """Return what it costs that no caption ends before a word: silence and ends of sentences are better between two."""
        silence = self.silences[place]
        return (_SILENT * silence if silence > PAUSE else 0.0) + (
            0.0 if self.endings[place] else _TWO_SENTENCES
        )

    def _cost(self, start: int, end: int) -> float:
        shortest = self.rule.shortest
        last = end == len(self.texts)
        room = (self.ends[end - 1] + self.rule.longest if last else self.starts[end]) - self.starts[start]
        short = _SHORT * float((shortest - room) / shortest) if room < shortest else 0.0
        lonely = _LONELY if sum(self.columns[start:end]) < _FEW_COLUMNS else 0.0
        return _EACH + self.endings[end] + short + lonely


def _ending(last: Word, following: Word) -> float:
    """Return what it costs that a caption ends between two words."""
    mark = last.text.strip().rstrip(_CLOSING)[-1:]
    if mark in _ENDS:
        return 0.0
    if mark in _RESTS:
        return _AFTER_REST
    return _AFTER_PAUSE if following.start - last.end >= PAUSE else _WITHIN


def _lines(texts: Sequence[str], rule: CaptionRules) -> list[str]:
    """Return words set in as few lines as there can be, the lower no shorter than it must be."""
    full = _filled(texts, rule.columns)
    if len(full) < 2:
        return full
    # The narrowest lines that are not more of them look best.
    low, high = max(map(columns_of, texts)), rule.columns
    while low < high:
        middle = (low + high) // 2
        if len(_filled(texts, middle)) <= len(full):
            high = middle
        else:
            low = middle + 1
    return _filled(texts, high)


def _filled(texts: Sequence[str], columns: int) -> list[str]:
    lines: list[str] = []
    for text in texts:
        for part in _parts(text, columns):
            joined = f"{lines[-1]}{_between(lines[-1], part)}{part}" if lines else part
            if lines and columns_of(joined) <= columns:
                lines[-1] = joined
            else:
                lines.append(part)
    return lines


def _parts(text: str, columns: int) -> list[str]:
    """Return a word, divided where it is wider than a line by itself."""
    if columns_of(text) <= columns:
        return [text]
    parts, line = [], ""
    for one in text:
        if line and columns_of(line + one) > columns:
            parts.append(line)
            line = ""
        line += one
    return [*parts, line]


def _between(before: str, after: str) -> str:
    """Return what stands between two words: a space, but in scripts that have none."""
    return "" if before[-1:] and _unspaced(before[-1]) and _unspaced(after[0]) else " "


def _unspaced(character: str) -> bool:
    return not character.isascii() and unicodedata.name(character, "").startswith(_UNSPACED)


def _timed(groups: Sequence[Sequence[Word]], rate: Fraction, rule: CaptionRules) -> tuple[Caption, ...]:
    """Put captions on frames: as long as they take to read where the next one leaves room."""
    starts = _starts(groups, rate)
    captions = []
    for number, group in enumerate(groups):
        begin = starts[number]
        texts = [word.text.strip() for word in group]
        lines = _lines(texts, rule)
        said = max(begin + 1, frame_nearest(group[-1].end, rate))
        to_read = max(rule.shortest, sum(map(columns_of, lines)) / rule.speed)
        wanted = max(said, begin + math.ceil(min(to_read, rule.longest) * rate))
        if number + 1 < len(groups):
            wanted = _before(wanted, begin, starts[number + 1], rule)
        captions.append(
            Caption(start=begin / rate, end=wanted / rate, lines=tuple(lines), words=tuple(group))
        )
    return tuple(captions)


def _starts(groups: Sequence[Sequence[Word]], rate: Fraction) -> list[int]:
    starts: list[int] = []
    for group in groups:
        starts.append(max(frame_nearest(group[0].start, rate), starts[-1] + 1 if starts else 0))
    return starts


def _before(wanted: int, begin: int, following: int, rule: CaptionRules) -> int:
    """Return where a caption ends so that the next finds its gap; gaps a little longer are closed to just that."""
    latest = max(begin + 1, following - rule.gap_frames)
    near = rule.gap_frames and latest - wanted < 10  # a flicker of less than half a second would draw the eye
    return latest if wanted > latest or near else wanted


def caption_track(
    captions: Sequence[Caption],
    *,
    name: str = "captions",
    look: Mapping[str, Parameter] = MappingProxyType({}),
) -> Track:
    """Return a caption track that shows these captions.

    Args:
        captions: in order.
        name: the track's.
        look: parameters of the generator `caption`, but for its text.
    """
    items: list[Clip | Gap] = []
    at = Fraction(0)
    for number, one in enumerate(captions, start=1):
        if one.start > at:
            items.append(Gap(duration=one.start - at))
        items.append(_clip(one, f"caption-{number}", look))
        at = one.end
    return Track(kind="caption", name=name, items=tuple(items))


def _clip(caption: Caption, clip_id: str, look: Mapping[str, Parameter]) -> Clip:
    lasts = caption.end - caption.start

    def inside(at: Fraction) -> Fraction:
        return min(max(at - caption.start, Fraction(0)), lasts)

    words = tuple(
        Word(text=word.text.strip(), start=inside(word.start), end=inside(word.end)) for word in caption.words
    )
    return Clip(
        id=clip_id,
        media=Generator(kind="caption", parameters={**look, "text": caption.text}, words=words),
        source_range=TimeRange(start=Fraction(0), duration=lasts),
    )
