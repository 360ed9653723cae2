"""What the tester of a film says of its sound beside its loudness: where it is clipped, where it is silent."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.renders import Check
from engine.rendering.plan import RenderPlan
from engine.rendering.work import Heard, Inspection

SOURCE: Final = "engine"
# A silence may reach into what sounds by this much: fades, and tenths of seconds.
GRACE: Final = Fraction(1, 4)


def clipping(plan: RenderPlan, found: Inspection) -> Check:
    """Say where the wave is cut flat at full scale."""
    if plan.sound is None or found.integrated_lufs is None:
        return _not_applicable(plan, "clipping")
    return Check(
        name="clipping",
        status="fail" if found.clipped else "pass",
        value=f"{_total(found.clipped)} clipped",
        limit="no three samples in a row at full scale",
        source=SOURCE,
        at=_places(found.clipped),
        fix="lower the gain of what sounds there, or put a limiter on it" if found.clipped else "",
    )


def silence(plan: RenderPlan, found: Inspection) -> Check:
    """Say where nothing is heard although a clip sounds there."""
    if plan.sound is None or found.integrated_lufs is None:
        return _not_applicable(plan, "silence")
    quiet = [one for one in found.silent if not _asked(one, plan)]
    return Check(
        name="silence",
        status="fail" if quiet else "pass",
        value=f"{_total(quiet)} silent",
        limit="none for 5 s or longer, gaps of the sound tracks aside",
        source=SOURCE,
        at=_places(quiet),
        fix="leave these out, or put sound there" if quiet else "",
    )


def _asked(silent: Heard, plan: RenderPlan) -> bool:
    """Tell whether a silence lies in a gap that all sound tracks have."""
    assert plan.sound is not None, "asked only where there is sound"
    mix = plan.sound.mix
    voices = [voice for channel in mix.channels for voice in channel.voices]
    taken = sorted((Fraction(one.at, mix.rate), Fraction(one.at + one.count, mix.rate)) for one in voices)
    edges, reached = [], Fraction(0)
    for start, end in taken:
        if start > reached:
            edges.append((reached, start))
        reached = max(reached, end)
    edges.append((reached, Fraction(mix.count, mix.rate)))
    return any(start - GRACE <= silent.start and silent.end <= end + GRACE for start, end in edges)


def _not_applicable(plan: RenderPlan, name: str) -> Check:
    return Check(
        name=name, status="not_applicable", value="the sound is silent" if plan.sound else "no sound"
    )


def _places(spans: Sequence[Heard]) -> tuple[str, ...]:
    return tuple(f"{float(one.start):.1f} s to {float(one.end):.1f} s" for one in spans)


def _total(spans: Sequence[Heard]) -> str:
    return f"{float(sum((one.end - one.start for one in spans), Fraction(0))):.1f} s"
