"""What somebody wants of a cut, read from their words: a length or none, and what was not understood.

    "a 30 second highlight"     30 s            "1:30"                  90 s
    "half a minute"             30 s            "under 45 seconds"      45 s at most
    "cut the pauses"            no length: everything good is kept

No model is asked. Words that say nothing about length change nothing, and a notice says so.
"""

import re
from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from cutroom_sdk.wire.editing import Goal
from cutroom_sdk.wire.renders import Profile
from engine.kernel.errors import Invalid

TEXT_MAX: Final = 2000
TARGET_LEAST: Final = Fraction(1)
TARGET_MOST: Final = Fraction(24 * 3600)

_UNITS: Final = {
    Fraction(1): r"s|secs?|seconds?|sek|sekunden?|sekündig\w*|segundos?|secondes?",
    Fraction(60): r"m|mins?|minutes?|minuten?|minütig\w*|minutos?",
    Fraction(3600): r"h|hrs?|hours?|stunden?|horas?|heures?",
}
_UNIT: Final = rf"(?P<unit>{'|'.join(_UNITS.values())})\b"
_DIGITS: Final = r"\d{1,12}(?:[.,]\d{1,3})?"
_ONES: Final = (
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
).split()
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety".split()
_WORDS: Final[dict[str, Fraction]] = {
    **{word: Fraction(value) for value, word in enumerate(_ONES, start=1)},
    **{word: Fraction(10 * value) for value, word in enumerate(_TENS, start=2)},
    **{"a": Fraction(1), "an": Fraction(1), "eine": Fraction(1), "einer": Fraction(1), "ein": Fraction(1)},
    **{"half": Fraction(1, 2), "half a": Fraction(1, 2), "half an": Fraction(1, 2)},
    **{"halbe": Fraction(1, 2), "halben": Fraction(1, 2)},
    **{"zwei": Fraction(2), "drei": Fraction(3), "zehn": Fraction(10), "zwanzig": Fraction(20)},
    **{"dreissig": Fraction(30), "dreißig": Fraction(30), "no": Fraction(0), "zero": Fraction(0)},
}  # fmt: skip
_NAMED: Final = "|".join(sorted((re.escape(word) for word in _WORDS), key=len, reverse=True))
_COMPOUND: Final = rf"(?:{'|'.join(_TENS)})[ -](?:{'|'.join(_ONES[:9])})"
_NUMBER: Final = rf"(?P<number>-?{_DIGITS}|{_COMPOUND}|{_NAMED})"

_CLOCK: Final = re.compile(r"(?<![\d:.])(?:(?P<h>\d{1,2}):)?(?P<m>\d{1,2}):(?P<s>[0-5]\d)(?![\d:])")
_RANGE: Final = re.compile(
    rf"(?<![\w.:-])(?P<low>{_DIGITS})\s*(?:-|–|to|bis|and)\s*(?P<high>{_DIGITS})[\s-]*{_UNIT}"
)
_BOTH: Final = re.compile(
    rf"(?<![\w.:])(?P<minutes>{_DIGITS})\s*(?:m|mins?|minutes?|minuten?)\s*(?:and|und)?\s*"
    rf"(?P<seconds>{_DIGITS})\s*(?:s|secs?|seconds?|sekunden?)\b"
)
_AND_A_HALF: Final = re.compile(
    rf"(?<![\w.:-])(?:(?P<before>{_DIGITS}|{_NAMED})\s+and\s+(?:a\s+)?half[\s-]+{_UNIT}"
    rf"|(?P<whole>{_DIGITS}|{_NAMED})\s+{_UNIT.replace('unit', 'word')}\s+and\s+a\s+half\b)"
)
_LENGTH: Final = re.compile(rf"(?<![\w.:]){_NUMBER}[\s-]*{_UNIT}")
_AT_MOST: Final = re.compile(
    r"\b(?:under|below|at most|max(?:imum)?(?: of)?|no (?:more|longer) than|not (?:more|longer) than|up to|less than|"
    r"shorter than|within|unter|höchstens|maximal)\W*$"
)
# A length after one of these is about something else: how long a pause may be, where a part lies.
_NOT_THE_LENGTH: Final = re.compile(
    r"\b(?:longer than|more than|over|above|first|last|every|each|after|before|from|at|länger als|über)\s*$"
)
# What is to go, not what is to stay: "shorten by 5 seconds", "5 seconds shorter".
_TAKE_AWAY: Final = re.compile(r"\b(?:by|um|remove|drop|(?:cut|take|trim) (?:off|away|out))\s*$")
_TAKEN_AWAY: Final = re.compile(r"\s*(?:shorter|less|off|kürzer|weniger)\b")
_HIGHLIGHT: Final = re.compile(
    r"\b(?:highlights?|teasers?|trailers?|best|summary|recap|reel|short|clip|promo|zusammenfassung)\b"
)
_TIGHTEN: Final = re.compile(
    r"\b(?:tight(?:en)?|pauses?|pausen|silences?|gaps?|fillers?|dead air|clean ?up|tidy|trim|jump ?cuts?|stille)\b"
)


class _Length(Struct, frozen=True, kw_only=True):
    seconds: Fraction
    start: int
    end: int
    said: str
    wanted: bool
    taken_away: bool
    notice: str = ""


def read_goal(text: str) -> Goal:
    """Return what the words ask for.

    Raises:
        Invalid: no words, too many, a length that is not a second to a day, or only how much is to go; `field` is `goal`.
    """
    words = " ".join(text.split())
    if not words:
        raise Invalid("the goal is empty: say for example 'a 30 second highlight'", field="goal")
    if len(words) > TEXT_MAX:
        raise Invalid(f"the goal has {len(words)} characters; {TEXT_MAX} are read", field="goal")
    lowered = words.lower()
    named = _lengths(lowered)
    lengths = [length for length in named if length.wanted]
    if not lengths:
        _refuse_taking_away(named)
        return _without_length(words, lowered, [length.said for length in named])
    chosen = lengths[0]
    if chosen.seconds < TARGET_LEAST:
        raise Invalid(f"the goal asks for {chosen.said!r}: a cut lasts at least 1 second", field="goal")
    if chosen.seconds > TARGET_MOST:
        raise Invalid(f"the goal asks for {chosen.said!r}: a cut lasts at most 24 hours", field="goal")
    notices = [chosen.notice] if chosen.notice else []
    others = ", ".join(repr(length.said) for length in named if length is not chosen)
    if others:
        notices.append(f"the goal names several lengths: {chosen.said!r} is taken, {others} not")
    at_most = _AT_MOST.search(lowered[: chosen.start]) is not None
    notices.append(f"understood: {'at most ' if at_most else ''}{spoken(chosen.seconds)}")
    return Goal(text=words, target=chosen.seconds, kind="highlight", at_most=at_most, notices=tuple(notices))


def fit_goal(goal: Goal, profile: Profile, footage: Fraction) -> Goal:
    """Return the goal with what the target profile and the footage make of it.

    Args:
        goal: as read.
        profile: gives the length of a highlight that names none, and the longest there may be.
        footage: seconds of picture there are, more than 0.
    """
    notices = list(goal.notices)
    target, at_most = goal.target, goal.at_most
    if goal.kind == "highlight" and target is None:
        target = profile.default_duration
        if target is not None:
            notices.append(f"no length was named: {spoken(target)} is usual for {profile.name}")
    longest = profile.max_duration
    if longest is not None and target is not None and target >= longest:
        if target > longest:
            notices.append(
                f"{profile.name} takes at most {spoken(longest)}: {spoken(target)} was brought down to it"
            )
        target, at_most = longest, True
    if target is not None and target >= footage:
        notices.append(
            f"the goal of {spoken(target)} is not shorter than the footage of {spoken(footage)}:"
            " all that is good is kept"
        )
        target, at_most = None, False
    return replace(goal, target=target, at_most=at_most, notices=tuple(notices))


def spoken(seconds: Fraction) -> str:
    """Return a length for people to read.

    >>> spoken(Fraction(45)), spoken(Fraction(90)), spoken(Fraction(41, 2))
    ('45 s', '1 min 30 s', '20.5 s')
    """
    minutes, rest = divmod(seconds, 60)
    shown = f"{float(rest):.2f}".rstrip("0").rstrip(".")
    if minutes < 1:
        return f"{shown} s"
    return f"{minutes} min" if rest == 0 else f"{minutes} min {shown} s"


def _refuse_taking_away(named: list[_Length]) -> None:
    for length in named:
        if length.taken_away:
            raise Invalid(
                f"the goal says how much is to go ({length.said!r}): name the length of the result instead,"
                " for example 'a 30 second highlight' or 'under 45 seconds'",
                field="goal",
            )


def _without_length(words: str, lowered: str, said: list[str]) -> Goal:
    ignored = tuple(f"{text!r} is not taken for the length of the result, and is not used" for text in said)
    if _HIGHLIGHT.search(lowered):
        return Goal(text=words, kind="highlight", notices=ignored)
    if _TIGHTEN.search(lowered):
        understood = "understood: no length; pauses and bad pictures go, the rest stays"
    else:
        understood = (
            "the goal names no length: pauses and bad pictures go, the rest stays"
            " (a length would be: 'a 30 second highlight')"
        )
    return Goal(text=words, notices=(*ignored, understood))


def _lengths(text: str) -> list[_Length]:
    """Return the lengths named, in the order of the words; each stretch of text counts once."""
    found: list[_Length] = []
    readers = (
        (_CLOCK, _clock),
        (_RANGE, _range),
        (_AND_A_HALF, _and_a_half),
        (_BOTH, _both),
        (_LENGTH, _plain),
    )
    for pattern, reader in readers:
        for match in pattern.finditer(text):
            taken = any(match.start() < other.end and other.start < match.end() for other in found)
            if not taken:
                found.append(reader(match))
    return sorted(found, key=lambda length: length.start)


def _clock(match: re.Match[str]) -> _Length:
    seconds = Fraction(int(match["h"] or 0) * 3600 + int(match["m"]) * 60 + int(match["s"]))
    return _length(match, seconds)


def _range(match: re.Match[str]) -> _Length:
    scale = _scale(match["unit"])
    low, high = sorted((_number(match["low"]) * scale, _number(match["high"]) * scale))
    middle = (low + high) / 2
    return _length(match, middle, f"{match[0]!r} is a range: its middle, {spoken(middle)}, is taken")


def _both(match: re.Match[str]) -> _Length:
    return _length(match, _number(match["minutes"]) * 60 + _number(match["seconds"]))


def _and_a_half(match: re.Match[str]) -> _Length:
    said = match["before"] or match["whole"]
    return _length(match, (_number(said) + Fraction(1, 2)) * _scale(match["unit"] or match["word"]))


def _plain(match: re.Match[str]) -> _Length:
    return _length(match, _number(match["number"]) * _scale(match["unit"]))


def _length(match: re.Match[str], seconds: Fraction, notice: str = "") -> _Length:
    before = match.string[: match.start()]
    limit = _AT_MOST.search(before)
    taken_away = (
        _TAKE_AWAY.search(before[: limit.start()] if limit else before) is not None
        or _TAKEN_AWAY.match(match.string, match.end()) is not None
    )
    wanted = limit is not None or _NOT_THE_LENGTH.search(before) is None
    return _Length(
        seconds=seconds,
        start=match.start(),
        end=match.end(),
        said=match[0],
        wanted=wanted and not taken_away,
        taken_away=taken_away,
        notice=notice,
    )


def _scale(unit: str) -> Fraction:
    return next(scale for scale, words in _UNITS.items() if re.fullmatch(words, unit))


def _number(text: str) -> Fraction:
    if text in _WORDS:
        return _WORDS[text]
    ten, separator, one = text.replace("-", " ").partition(" ")
    if separator and ten in _WORDS:
        return _WORDS[ten] + _WORDS[one]
    return Fraction(text.replace(",", "."))
