"""The words in which checks of a film are said."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Literal

from cutroom_sdk.wire.renders import Check, Profile
from engine.rendering.work import Span

ENGINE: Final = "engine"
Status = Literal["pass", "fail", "not_applicable"]


def checked(
    name: str, good: bool, value: str, limit: str, source: str, *, at: Sequence[str] = (), fix: str = ""
) -> Check:
    """Return a check; `fix` is said only where it fails."""
    return Check(
        name=name,
        status=status(good),
        value=value,
        limit=limit,
        source=source,
        at=tuple(at),
        fix="" if good else fix,
    )


def not_applicable(name: str, why: str) -> Check:
    """Return a check that says nothing of this film, and why."""
    return Check(name=name, status="not_applicable", value=why)


def status(good: bool) -> Status:
    """Return the word for whether something holds."""
    return "pass" if good else "fail"


def seconds_text(seconds: Fraction) -> str:
    """Return a time to the millisecond.

    >>> seconds_text(Fraction(1, 3))
    '0.333 s'
    """
    return f"{float(seconds):.3f} s"


def places(spans: Sequence[Span], rate: Fraction) -> tuple[str, ...]:
    """Return spans of frames as times of the film."""
    return tuple(f"{seconds_text(one.start / rate)} to {seconds_text(one.end / rate)}" for one in spans)


def said_by(profile: Profile, about: str = "") -> str:
    """Return who says so: a profile names its sources one after the other, the one for sound by its subject."""
    parts = profile.source.split("; ")
    named = [part for part in parts if about and part.startswith(about)]
    return f"{profile.name}: {(named or parts)[0]}"
