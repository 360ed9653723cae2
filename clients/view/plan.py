"""A cut plan as a reviewer edits it: plain text out, spans to keep back in.

One line is one stretch to keep: its source's letter, start and end. Lines may be removed, reordered is not needed, and
times may be changed. A line that was left as it was keeps its exact times, whatever the text rounded.
"""

from fractions import Fraction
from typing import Final

from clients.view.words import clock_text
from cutroom_sdk.wire.editing import CutPlan, KeepSpan

_HEAD: Final = """\
# What is kept, one stretch a line:   SOURCE  START - END   # why
#
# Remove a line to leave its stretch out, change its times, or add lines.
# Times are seconds (12.5), minutes (1:12.5) or hours (1:02:03.5), from the first frame shown.
# Leaving the text as it is, or empty, changes nothing.
"""


class PlanTextError(ValueError):
    """A line that cannot be read; the text names it and says what is wrong."""


def plan_text(plan: CutPlan) -> str:
    """Return the plan as text to edit."""
    letters = _letters(plan)
    lines = [_HEAD]
    lines += [f"# {letter} = {name}" for letter, (_, name) in letters.items()]
    of_asset = {asset_id: letter for letter, (asset_id, _) in letters.items()}
    lines.append("")
    for cut in plan.cuts:
        span = _span_line(of_asset[cut.asset_id], cut.start, cut.end)
        lines.append(f"{span}   # {'; '.join(cut.reasons)}" if cut.reasons else span)
    return "\n".join(lines) + "\n"


def spans_from(text: str, plan: CutPlan) -> tuple[KeepSpan, ...] | None:
    """Return the spans that an edited text asks for; None when nothing was changed, or nothing is left.

    Raises:
        PlanTextError: a line that cannot be read, an unknown source, an end that is not after its start.
    """
    letters = _letters(plan)
    of_asset = {asset_id: letter for letter, (asset_id, _) in letters.items()}
    printed = [_span_line(of_asset[cut.asset_id], cut.start, cut.end) for cut in plan.cuts]
    kept = [KeepSpan(asset_id=cut.asset_id, start=cut.start, end=cut.end) for cut in plan.cuts]
    exact = dict(zip(printed, kept, strict=True))
    lines = [" ".join(line.partition("#")[0].split()) for line in text.splitlines()]
    said = [(number, line) for number, line in enumerate(lines, start=1) if line]
    if not said or [line for _, line in said] == printed:
        return None
    return tuple(exact.get(line) or _read_line(line, number, letters) for number, line in said)


def seconds_of(text: str) -> Fraction:
    """Read a time as people write it, exactly.

    >>> seconds_of("1:02.5")
    Fraction(125, 2)

    Raises:
        ValueError: not a time.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(_is_decimal(part) for part in parts):
        raise ValueError(f"{text[:40]!r} is no time such as 12.5 or 1:12.5")
    total = Fraction(0)
    for part in parts:
        total = total * 60 + Fraction(part)
    return total


def _is_decimal(text: str) -> bool:
    whole, _, part = text.partition(".")
    return text.isascii() and whole.isdigit() and (part.isdigit() or not part) and len(text) <= 20


def _span_line(letter: str, start: Fraction, end: Fraction) -> str:
    return f"{letter} {clock_text(start)} - {clock_text(end)}"


def _letters(plan: CutPlan) -> dict[str, tuple[str, str]]:
    """Name the plan's sources A, B, ... in order: letter -> (asset id, name)."""
    sources = {source.asset_id: source.asset for source in plan.sources}
    sources |= {cut.asset_id: cut.asset for cut in plan.cuts}
    return {_letter(place): source for place, source in enumerate(sources.items())}


def _letter(place: int) -> str:
    lead = "" if place < 26 else _letter(place // 26 - 1)
    return lead + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[place % 26]


def _read_line(content: str, number: int, letters: dict[str, tuple[str, str]]) -> KeepSpan:
    parts = content.replace(" - ", " ").split(" ")
    if len(parts) != 3:
        raise PlanTextError(f"line {number}: {content[:60]!r} is not of the form 'A 0:01.50 - 0:04.00'")
    letter, first, last = parts
    if letter.upper() not in letters:
        raise PlanTextError(
            f"line {number}: there is no source {letter[:20]!r}; there are {', '.join(letters)}"
        )
    try:
        start, end = seconds_of(first), seconds_of(last)
    except ValueError as error:
        raise PlanTextError(f"line {number}: {error}") from error
    if end <= start:
        raise PlanTextError(f"line {number}: the end {last} is not after the start {first}")
    return KeepSpan(asset_id=letters[letter.upper()][0], start=start, end=end)
