"""The tester of captions: can they be read? Pure; what is wrong is named by its time, with what would be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from msgspec import Struct

from cutroom_sdk.wire.renders import Check, Profile
from cutroom_sdk.wire.timeline import Clip, Generator, Timeline, Track
from engine.editing.captions import CaptionRules, columns_of, rules
from engine.editing.timeline import item_duration
from engine.media.timecode import clock_text

NAMES: Final = (
    "caption_line_length", "caption_lines", "caption_speed", "caption_duration", "caption_gaps", "caption_overlap",
    "caption_safe_zone",
)  # fmt: skip
DRAWN: Final = ("any", "burn")  # ways to have captions that may put them on the picture


class Shown(Struct, frozen=True, kw_only=True):
    """A caption of a timeline, seconds of the timeline. `zone` is the safe zone that it keeps to, by name."""

    start: Fraction
    end: Fraction
    text: str
    track: str
    zone: str

    @property
    def lines(self) -> list[str]:
        """Its lines, as they are broken in its text."""
        return [line.strip() for line in self.text.split("\n") if line.strip()]


def shown_in(timeline: Timeline) -> list[Shown]:
    """Return the captions of all enabled caption tracks, by time."""
    found = [
        one for track in timeline.tracks if track.kind == "caption" and track.enabled for one in _of(track)
    ]
    return sorted(found, key=lambda one: (one.start, one.end, one.track))


def _of(track: Track) -> list[Shown]:
    found = []
    at = Fraction(0)
    for item in track.items:
        lasts = item_duration(item)
        if isinstance(item, Clip) and item.enabled and isinstance(item.media, Generator):
            text = item.media.parameters.get("text") or " ".join(word.text for word in item.media.words)
            zone = item.media.parameters.get("safe_zone", "profile")
            found.append(Shown(start=at, end=at + lasts, text=str(text), track=track.name, zone=str(zone)))
        at += lasts
    return found


def check_captions(
    timeline: Timeline, rule: CaptionRules, profile: Profile | None = None
) -> tuple[Check, ...]:
    """Return what holds of a timeline's captions and what does not.

    Args:
        timeline: a timeline; without captions all checks are not applicable.
        rule: what can be read.
        profile: what it is rendered for, which may want a safe zone.
    """
    shown = shown_in(timeline)
    if not shown:
        return tuple(
            Check(name=name, status="not_applicable", value="there are no captions") for name in NAMES
        )
    source = f"{rule.source} ({rule.read_on})"
    frame = 1 / timeline.rate
    return (
        _each(
            "caption_line_length", shown, lambda one: max(map(columns_of, one.lines), default=0),
            lambda value: value <= rule.columns, "characters", f"at most {rule.columns} characters on a line", source,
            "break the line, or say it in fewer words",
        ),
        _each(
            "caption_lines", shown, lambda one: len(one.lines), lambda value: value <= rule.lines, "lines",
            f"at most {rule.lines} lines", source, "make two captions of it",
        ),
        _each(
            "caption_speed", shown, _speed, lambda value: value <= rule.speed, "characters a second",
            f"at most {rule.speed} characters a second", source, "show it longer, or say it in fewer words",
        ),
        _duration(shown, rule, frame, source),
        _gaps(shown, rule, timeline.rate, source),
        _overlap(shown),
        _safe_zone(shown, profile),
    )  # fmt: skip


def film_checks(timeline: Timeline, profile: Profile) -> tuple[Check, ...]:
    """Return the checks of a film's captions by the rules for its shape; none where it has no captions, or shows none."""
    if not shown_in(timeline) or profile.captions == "none":
        return ()
    upright = timeline.height > timeline.width
    return check_captions(timeline, rules()["vertical" if upright else "english"], profile)


def _speed(one: Shown) -> Fraction:
    return sum(map(columns_of, one.lines)) / (one.end - one.start)


def _each(
    name: str,
    shown: Sequence[Shown],
    measure: Callable[[Shown], int | Fraction],
    holds: Callable[[int | Fraction], bool],
    unit: str,
    limit: str,
    source: str,
    fix: str,
) -> Check:
    values = [(measure(one), one) for one in shown]
    wrong = [f"{clock_text(one.start)}: {_plain(value)} {unit}" for value, one in values if not holds(value)]
    most = max(value for value, _ in values)
    return _check(name, wrong, f"at most {_plain(most)} {unit}", limit, source, fix)


def _duration(shown: Sequence[Shown], rule: CaptionRules, frame: Fraction, source: str) -> Check:
    # A whole number of frames is as near as a film can come.
    wrong = [
        f"{clock_text(one.start)}: {_plain(one.end - one.start)} s"
        for one in shown
        if not rule.shortest - frame < one.end - one.start < rule.longest + frame
    ]
    spans = [one.end - one.start for one in shown]
    return _check(
        "caption_duration",
        wrong,
        f"{_plain(min(spans))} to {_plain(max(spans))} s",
        f"{_plain(rule.shortest)} to {_plain(rule.longest)} s",
        source,
        "join it with its neighbour, or divide it",
    )


def _gaps(shown: Sequence[Shown], rule: CaptionRules, rate: Fraction, source: str) -> Check:
    gaps = [
        (after.start - before.end, before)
        for before, after in _neighbours(shown)
        if after.start >= before.end
    ]
    wrong = [
        f"{clock_text(before.end)}: {_plain(gap * rate)} frames"
        for gap, before in gaps
        if gap * rate < rule.gap_frames
    ]
    least = f"at least {_plain(min(gap for gap, _ in gaps) * rate)} frames" if gaps else "one caption"
    return _check(
        "caption_gaps", wrong, least, f"at least {rule.gap_frames} frames", source, "end the caption earlier"
    )


def _overlap(shown: Sequence[Shown]) -> Check:
    wrong = [clock_text(after.start) for before, after in _neighbours(shown) if after.start < before.end]
    return _check(
        "caption_overlap",
        wrong,
        f"{len(wrong)} overlap",
        "none at the same time",
        "engine",
        "end the caption earlier",
    )


def _neighbours(shown: Sequence[Shown]) -> list[tuple[Shown, Shown]]:
    """Return each caption with the one before it on screen; two tracks may speak for two persons at once."""
    tracks = dict.fromkeys(one.track for one in shown)
    return [pair for track in tracks for pair in pairwise([one for one in shown if one.track == track])]


def _safe_zone(shown: Sequence[Shown], profile: Profile | None) -> Check:
    """Captions are kept inside the zone that they name; here is checked that it is the one that the profile wants."""
    if profile is None or profile.safe_zone is None:
        return Check(name="caption_safe_zone", status="not_applicable", value="the profile has none")
    if profile.captions not in DRAWN:
        return Check(
            name="caption_safe_zone", status="not_applicable", value="the player says where they stand"
        )
    wrong = [
        f"{clock_text(one.start)}: {one.zone}" for one in shown if one.zone not in ("profile", profile.name)
    ]
    zone = profile.safe_zone
    return _check(
        "caption_safe_zone",
        wrong,
        f"{len(shown) - len(wrong)} of {len(shown)} keep to it",
        f"top {zone.top:.0%}, bottom {zone.bottom:.0%}, left {zone.left:.0%}, right {zone.right:.0%} stay free",
        f"{profile.name}: {next((one for one in profile.source.split('; ') if one.startswith('safe zone')), profile.source)}",
        "set the captions' safe_zone to profile",
    )


def _check(name: str, wrong: Sequence[str], value: str, limit: str, source: str, fix: str) -> Check:
    return Check(
        name=name,
        status="fail" if wrong else "pass",
        value=value,
        limit=limit,
        source=source,
        at=tuple(wrong),
        fix=fix if wrong else "",
    )


def _plain(value: int | Fraction) -> str:
    return str(value) if Fraction(value).denominator == 1 else f"{float(value):.2f}"
