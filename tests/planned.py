"""Footage for tests of the planner, made of what is known about it: no file, no picture, no sound."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from cutroom_sdk.wire.editing import CutPlan, KeepSpan
from cutroom_sdk.wire.media import Loudness, Motion, Quality, Shot, Speech
from engine.editing.goals import read_goal
from engine.editing.planner.plan import propose
from engine.editing.planner.source import PlanRequest, Source
from engine.editing.profiles import profile_named
from engine.media.index import FrameIndex

NTSC = Fraction(30000, 1001)
HOP = Fraction(1, 4)
Spans = Sequence[tuple[float | Fraction, float | Fraction]]

# Sentences and pauses as somebody talks, with two fillers, in a minute.
TALK: Spans = (
    (0.7, 2.73), (3.30, 5.43), (7.0, 7.33), (8.05, 10.87), (11.67, 14.52), (16.47, 16.71), (17.51, 20.89),
    (21.46, 23.56), (25.22, 26.05), (26.59, 30.17), (30.67, 34.62), (36.17, 36.5), (37.18, 40.92), (41.51, 43.53),
    (45.08, 45.32), (45.97, 49.02), (49.68, 51.62), (53.3, 54.13), (54.78, 56.78),
)  # fmt: skip


def make_index(seconds: float | Fraction, rate: Fraction = Fraction(25)) -> FrameIndex:
    count = max(1, int(Fraction(seconds) * rate))
    return FrameIndex(time_base=1 / rate, pts=tuple(range(count)), keyframes=(0,), last_duration=1)


def jittering_index(seconds: float | Fraction, rate: Fraction) -> FrameIndex:
    """Times rounded to milliseconds, as WebM has them."""
    count = int(Fraction(seconds) * rate)
    pts = tuple(round(1000 * number / rate) for number in range(count))
    return FrameIndex(time_base=Fraction(1, 1000), pts=pts, keyframes=(0,), last_duration=round(1000 / rate))


def make_source(
    seconds: float | Fraction = 60,
    speech: Spans | None = TALK,
    *,
    asset_id: str = "a" * 32,
    rate: Fraction = Fraction(25),
    shots: Sequence[float | Fraction] = (),
    bad: Spans = (),
    dark: Spans = (),
    black: Spans = (),
    moving: Spans = (),
    **other: Any,
) -> Source:
    """Return a source: `speech` None has no sound; `shots` are where later shots begin; `bad` is blurred."""
    index = other.pop("index", None) or make_index(seconds, rate)
    edges = [Fraction(0), *(_exact(at) for at in shots), index.duration]
    made: dict[str, Any] = {
        "asset_id": asset_id,
        "name": f"{asset_id[:4]}.mp4",
        "index": index,
        "rate": rate,
        "width": 1280,
        "height": 720,
        "has_sound": speech is not None,
        "speech": None
        if speech is None
        else tuple(Speech(start=_exact(a), end=_exact(b), confidence=0.9) for a, b in speech),
        "shots": tuple(
            Shot(start=a, end=b, start_frame=0, end_frame=0, transition_in="cut", confidence=1.0)
            for a, b in pairwise(edges)
        ),
        "quality": make_quality(index.duration, bad, dark, black),
        "motion": make_motion(index.duration, moving),
        "loudness": Loudness(
            integrated_lufs=-20.0,
            range_lu=5.0,
            true_peak_dbtp=-3.0,
            hop=HOP,
            momentary_lufs=(-20.0,) * (int(index.duration / HOP) + 1),
        ),
    }
    return Source(**{**made, **other})


def make_quality(seconds: Fraction, blurred: Spans = (), dark: Spans = (), black: Spans = ()) -> Quality:
    times = [number * HOP for number in range(int(seconds / HOP) + 1)]
    return Quality(
        hop=HOP,
        luma=tuple(0.02 if _within(at, dark) else 0.4 for at in times),
        clipped=tuple(0.01 for _ in times),
        sharpness=tuple(0.05 if _within(at, blurred) else 0.5 for at in times),
        blur_below=0.2,
        black=tuple(_within(at, black) for at in times),
    )


def make_motion(
    seconds: Fraction, moving: Spans = (), center: Sequence[float] | float = 0.5, center_y: float = 0.5
) -> Motion:
    count = int(seconds / HOP) + 1
    centers = (center,) * count if isinstance(center, float | int) else tuple(center)[:count]
    amounts = tuple(0.3 if _within(number * HOP, moving) else 0.02 for number in range(count))
    return Motion(hop=HOP, amount=amounts, center_x=centers, center_y=(center_y,) * count)


def plan(goal: str, *sources: Source, profile: str = "reels", **other: Any) -> CutPlan:
    return propose(
        PlanRequest(sources=sources, goal=read_goal(goal), profile=profile_named(profile), **other)
    )


def keep(*spans: tuple[str, str], asset_id: str = "a" * 32) -> tuple[KeepSpan, ...]:
    return tuple(KeepSpan(asset_id=asset_id, start=Fraction(a), end=Fraction(b)) for a, b in spans)


def split_words(made: CutPlan) -> list[Fraction]:
    """Return the cut points that lie inside speech, the footage's own ends left out (to the last whole frame)."""
    frame = 1 / made.timeline.rate
    return [
        edge
        for source in made.sources
        for cut in made.cuts
        if cut.asset_id == source.asset_id
        for edge in (cut.start, cut.end)
        if 0 < edge <= source.duration - frame
        and any(one.start < edge < one.end for one in source.speech or ())
    ]


def _within(at: Fraction, spans: Spans) -> bool:
    return any(a <= at < b for a, b in spans)


def _exact(at: float | Fraction) -> Fraction:
    return at if isinstance(at, Fraction) else Fraction(str(at))


hundredths = st.integers(0, 400).map(lambda number: Fraction(number, 100))


@st.composite
def speeches(draw: st.DrawFn, seconds: Fraction) -> Spans:
    """Speech in any layout: long, short, with pauses of any length, up to the very ends."""
    spans: list[tuple[Fraction, Fraction]] = []
    at = draw(hundredths)
    while at < seconds and len(spans) < 14:
        end = at + draw(st.integers(5, 900)) * Fraction(1, 100)
        spans.append((at, min(end, seconds)))
        at = end + draw(st.integers(1, 250)) * Fraction(1, 100)
    return spans


@st.composite
def sources(draw: st.DrawFn, asset_id: str = "a" * 32) -> Source:
    """Any footage of 1 to 60 s: with or without speech, cuts, bad stretches, at any usual rate."""
    rate = draw(st.sampled_from([Fraction(24000, 1001), Fraction(25), NTSC, Fraction(30), Fraction(50)]))
    seconds = Fraction(draw(st.integers(10, 600)), 10)
    index = draw(st.sampled_from([make_index, jittering_index]))(seconds, rate)
    speech = draw(st.none() | speeches(index.duration))
    places = st.integers(1, max(2, int(seconds * 10))).map(lambda number: Fraction(number, 10))
    shots = sorted({at for at in draw(st.lists(places, max_size=6)) if at < index.duration})
    bad = [(at, at + draw(places) / 4) for at in draw(st.lists(places, max_size=2))]
    moving = [(at, at + 3) for at in draw(st.lists(places, max_size=2))]
    return make_source(
        seconds, speech, asset_id=asset_id, rate=rate, shots=shots, bad=bad, moving=moving, index=index
    )


goals = st.one_of(
    st.integers(1, 70).map(lambda seconds: f"a {seconds} second highlight"),
    st.integers(2, 60).map(lambda seconds: f"at most {seconds} seconds"),
    st.sampled_from(["cut the pauses", "a highlight", "make it good"]),
)
