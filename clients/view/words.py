"""How times, sizes and states read: one wording for all screens."""

import json
from datetime import UTC, datetime, tzinfo
from fractions import Fraction
from importlib import resources
from typing import Final, Literal, NamedTuple

Tone = Literal["good", "bad", "busy", "waiting", "idle"]
Kind = Literal[
    "mission", "item", "gate", "approval", "routine", "routine_run", "notice", "check", "connection"
]


class Word(NamedTuple):
    """How a state is shown: its mark, the colour's meaning, and what it means in a sentence."""

    mark: str
    tone: Tone
    help: str


_TABLE: Final = json.loads(resources.files("clients.view").joinpath("vocabulary.json").read_text("utf-8"))


def word(kind: Kind, state: str) -> Word:
    """Return how a state of a kind is shown; a state that is newer than this client shows as itself."""
    entry = _TABLE[kind].get(state)
    return Word(**entry) if entry else Word("·", "idle", state)


def next_step(code: str) -> str:
    """Return what to do about an error with this stable code, empty when there is nothing particular."""
    return str(_TABLE["next_steps"].get(code, ""))


def state_text(state: str) -> str:
    """Return a state as people write it.

    >>> state_text("in_progress")
    'in progress'
    """
    return state.replace("_", " ")


def clock_text(seconds: Fraction) -> str:
    """Return a place in a medium, to the hundredth below.

    >>> clock_text(Fraction(7525, 100)), clock_text(Fraction(3661))
    ('1:15.25', '1:01:01.00')
    """
    hundredths = int(seconds * 100)
    whole, part = divmod(hundredths, 100)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minute:02}:{second:02}.{part:02}"
    return f"{minute}:{second:02}.{part:02}"


def span_text(start: Fraction, end: Fraction) -> str:
    """Return a stretch of a medium.

    >>> span_text(Fraction(1, 2), Fraction(3))
    '0:00.50 - 0:03.00'
    """
    return f"{clock_text(start)} - {clock_text(end)}"


def length_text(seconds: Fraction | float) -> str:
    """Return how long something is or took.

    >>> length_text(4.25), length_text(125), length_text(3725)
    ('4.2 s', '2 min 5 s', '1 h 2 min')
    """
    if seconds < 60:
        return f"{float(seconds):.1f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def eta_text(eta_s: float | None) -> str:
    """Return the time left, empty when it cannot be told.

    >>> eta_text(0.4), eta_text(31.2), eta_text(None)
    ('1 s left', '32 s left', '')
    """
    if eta_s is None:
        return ""
    seconds = max(1, -int(-eta_s // 1))
    return f"{seconds} s left" if seconds < 100 else f"{length_text(seconds)} left"


def size_text(count: int) -> str:
    """Return a number of bytes.

    >>> size_text(999), size_text(1_500_000)
    ('999 B', '1.5 MB')
    """
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{count} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def ago_text(at_ms: int, now_ms: int) -> str:
    """Return how long ago something was.

    >>> ago_text(0, 4000), ago_text(0, 7_300_000)
    ('just now', '2 h ago')
    """
    seconds = (now_ms - at_ms) // 1000
    if seconds < 10:
        return "just now"
    if seconds < 60:
        return f"{seconds} s ago"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if seconds < 86400:
        return f"{seconds // 3600} h ago"
    return f"{seconds // 86400} d ago"


def ahead_text(at_ms: int, now_ms: int) -> str:
    """Return how long it is until something.

    >>> ahead_text(4000, 0), ahead_text(90_000, 0), ahead_text(7_300_000, 0), ahead_text(0, 1)
    ('in 4 s', 'in 2 min', 'in 2 h', 'now')
    """
    seconds = -((now_ms - at_ms) // 1000)
    if seconds <= 0:
        return "now"
    if seconds < 60:
        return f"in {seconds} s"
    if seconds < 3600:
        return f"in {-(-seconds // 60)} min"
    if seconds < 2 * 86400:
        return f"in {seconds // 3600} h"
    return f"in {seconds // 86400} d"


def stamp_text(at_ms: int, zone: tzinfo | None = UTC) -> str:
    """Return a moment with its day and zone; `zone` None: this machine's.

    >>> stamp_text(3_661_000)
    'Thu 1970-01-01 01:01:01 UTC'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(zone).strftime("%a %Y-%m-%d %H:%M:%S %Z")


def time_text(at_ms: int, zone: tzinfo = UTC) -> str:
    """Return a time of day.

    >>> time_text(3_661_000)
    '01:01:01'
    """
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime("%H:%M:%S")


def count_text(count: int, noun: str) -> str:
    """Return a number of things.

    >>> count_text(1, "cut"), count_text(3, "cut")
    ('1 cut', '3 cuts')
    """
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
