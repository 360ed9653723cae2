"""The tester of a film: what was found, held against what was wanted. Pure; each check says how to mend what it found."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Literal

from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.renders import Check, Profile
from engine.editing.checks import splits_speech
from engine.rendering import qa_sound
from engine.rendering.plan import RenderPlan
from engine.rendering.smartcopy.checks import CODECS, check_cut
from engine.rendering.smartcopy.work import CutFound
from engine.rendering.walking import graph_inputs
from engine.rendering.work import Inspection, Span

LOUDNESS_WITHIN_LU: Final = 1.0
# Measuring a peak between samples is itself good to a few hundredths of a decibel (BS.1770-5, annex 2).
PEAK_WITHIN_DB: Final = 0.05
# A picture that stands still for most of its length is taken for slides or a screen, not for a fault.
STILL_FOOTAGE_PART: Final = Fraction(1, 2)
ENGINE: Final = "engine"
# What a decoder calls what a profile asks for, and what libav calls containers.
DECODED: Final = {"h265": "hevc", "dnxhr": "dnxhd"}
CONTAINERS: Final = {"mp4": ("mp4",), "mov": ("mov",), "mkv": ("matroska",), "webm": ("webm",)}
LOUDNESS: Final = "loudness"

Status = Literal["pass", "fail", "not_applicable"]


def check_film(
    plan: RenderPlan,
    profile: Profile,
    found: Inspection | CutFound,
    *,
    cut_plan: CutPlan | None = None,
    as_loud_as_can_be: bool = False,
) -> tuple[Check, ...]:
    """Return all checks of a film, in the order in which people ask.

    Args:
        plan: what was rendered.
        profile: what it was rendered for.
        found: what was found in the file.
        cut_plan: None for a timeline that no planner made; what only the planner knows is then not applicable.
        as_loud_as_can_be: mastering stopped short of the loudness, as only noise would have grown.
    """
    if isinstance(found, CutFound):
        return check_cut(plan, found)
    return (
        _duration(plan, profile, found),
        _resolution(plan, profile, found),
        _frame_rate(plan, profile, found),
        _codecs(plan, profile, found),
        _fast_start(plan, found),
        _audio_present(plan, found),
        _loudness(plan, profile, found, as_loud_as_can_be),
        _true_peak(plan, profile, found),
        qa_sound.clipping(plan, found),
        qa_sound.silence(plan, found),
        _black(plan, found),
        _frozen(found, plan.encoder.rate),
        _cut_accuracy(plan, found),
        _words(cut_plan, plan),
        _non_pass_through(plan, cut_plan),
    )


def _duration(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    frame = 1 / plan.encoder.rate
    wanted = plan.duration
    sound_off = plan.sound is not None and abs(found.audio_duration - wanted) > frame
    too_long = profile.max_duration is not None and found.duration > profile.max_duration
    good = found.frames == plan.frames and abs(found.duration - wanted) <= frame / 2
    limit = f"{_s(wanted)} ({plan.frames} frames)"
    if profile.max_duration is not None:
        limit += f", at most {_s(profile.max_duration)}"
    value = f"{_s(found.duration)} ({found.frames} frames)"
    return Check(
        name="duration",
        status=_status(good and not sound_off and not too_long),
        value=value + (f", sound {_s(found.audio_duration)}" if sound_off else ""),
        limit=limit,
        source=f"plan; {_source(profile)}" if profile.max_duration is not None else "plan",
        fix="ask for a shorter film" if too_long else "" if good and not sound_off else "render anew",
    )


def _resolution(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    wanted = (plan.encoder.width, plan.encoder.height)
    return Check(
        name="resolution",
        status=_status((found.width, found.height) == wanted),
        value=f"{found.width}x{found.height}",
        limit=f"{wanted[0]}x{wanted[1]}",
        source=_source(profile) if profile.width else "plan",
    )


def _frame_rate(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    rate = plan.encoder.rate
    good = found.rate == rate and found.on_grid and profile.rate_min <= rate <= profile.rate_max
    return Check(
        name="frame_rate",
        status=_status(good),
        value=f"{found.rate}, {'even' if found.on_grid else 'uneven'}",
        limit=f"{rate}, even, {profile.rate_min} to {profile.rate_max}",
        source=_source(profile),
        fix="" if good else "plan at a rate that the profile allows",
    )


def _codecs(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    wanted, pixels = DECODED.get(profile.codec, profile.codec), plan.encoder.pixel_format
    if plan.splicing is not None:
        # The codec is that of what is copied.
        wanted = CODECS[plan.encoder.codec]
    container = next((name for name in CONTAINERS[plan.container] if name in found.container.split(",")), "")
    good = bool(container) and found.video_codec == wanted and found.pixel_format == pixels
    good = good and (plan.sound is None or found.audio_codec == profile.audio_codec)
    sound = f", {found.audio_codec}" if found.audio_codec else ""
    return Check(
        name="codecs",
        status=_status(good),
        value=f"{container or found.container}, {found.video_codec} {found.pixel_format}{sound}",
        limit=f"{plan.container}, {wanted} {pixels}{', ' + profile.audio_codec if plan.sound else ''}",
        source=_source(profile),
        fix="" if good else "render anew",
    )


def _fast_start(plan: RenderPlan, found: Inspection) -> Check:
    if plan.container in ("mkv", "webm"):
        return _not_applicable("fast_start", "Matroska is played from its beginning as it is")
    return Check(
        name="fast_start",
        status=_status(found.moov_first),
        value="index before media" if found.moov_first else "index after media",
        limit="index before media",
        source="ISO/IEC 14496-12, 8.2.1",
        fix="" if found.moov_first else "render anew",
    )


def _audio_present(plan: RenderPlan, found: Inspection) -> Check:
    if plan.sound is None:
        return _not_applicable("audio_present", "the footage has no sound")
    starts = abs(found.start_offset) <= Fraction(1, 1000)
    return Check(
        name="audio_present",
        status=_status(found.audio_codec is not None and starts),
        value=f"{found.audio_codec or 'none'}, begins {float(found.start_offset) * 1000:+.1f} ms from the picture",
        limit="begins within 1 ms of the picture",
        source=ENGINE,
    )


def _loudness(plan: RenderPlan, profile: Profile, found: Inspection, as_loud_as_can_be: bool) -> Check:
    target = profile.loudness_lufs
    if plan.sound is None or target is None:
        return _not_applicable("loudness", "the profile leaves it alone" if plan.sound else "no sound")
    if found.integrated_lufs is None:
        return _not_applicable("loudness", "the sound is silent")
    off = found.integrated_lufs - target
    if off < -LOUDNESS_WITHIN_LU and as_loud_as_can_be:
        return _not_applicable(
            "loudness", f"{found.integrated_lufs:.1f} LUFS: too quiet to be raised without its noise"
        )
    return Check(
        name="loudness",
        status=_status(abs(off) <= LOUDNESS_WITHIN_LU),
        value=f"{found.integrated_lufs:.1f} LUFS",
        limit=f"{target:.1f} LUFS within {LOUDNESS_WITHIN_LU:.0f}",
        source=_source(profile, LOUDNESS),
    )


def _true_peak(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    limit = profile.true_peak_dbtp
    if plan.sound is None or limit is None:
        return _not_applicable("true_peak", "the profile leaves it alone" if plan.sound else "no sound")
    if found.true_peak_dbtp is None:
        return _not_applicable("true_peak", "the sound is silent")
    return Check(
        name="true_peak",
        status=_status(found.true_peak_dbtp <= limit + PEAK_WITHIN_DB),
        value=f"{found.true_peak_dbtp:.1f} dBTP",
        limit=f"at most {limit:.1f} dBTP",
        source=_source(profile, LOUDNESS),
    )


def _black(plan: RenderPlan, found: Inspection) -> Check:
    asked = [
        Span(start=one.first, end=one.first + one.work.count)
        for one in plan.segments
        if not graph_inputs(one.work.graph).sources
    ]
    spans = [one for one in found.black if not _covered(one, asked)]
    return Check(
        name="black_frames",
        status=_status(not spans),
        value=f"{sum(one.end - one.start for one in spans)} frames",
        limit="none for half a second or longer, gaps of the timeline aside",
        source=ENGINE,
        at=_places(spans, plan.encoder.rate),
        fix="leave these out of the plan" if spans else "",
    )


def _frozen(found: Inspection, rate: Fraction) -> Check:
    still = sum(one.end - one.start for one in found.frozen)
    slides = still > STILL_FOOTAGE_PART * found.frames
    words = "still for most of its length: taken for slides or a screen" if slides else f"{still} frames"
    return Check(
        name="frozen_frames",
        status=_status(slides or not still),
        value=words,
        limit="the source never stands still for 2 s or longer",
        source=ENGINE,
        at=() if slides else _places(found.frozen, rate),
        fix="leave these out of the plan" if still and not slides else "",
    )


def _cut_accuracy(plan: RenderPlan, found: Inspection) -> Check:
    wrong, cuts = found.mismatches, len(plan.cuts)
    where = f"around {cuts} {'cut' if cuts == 1 else 'cuts'}" if cuts else "at the film's ends"
    return Check(
        name="cut_accuracy",
        status=_status(not wrong),
        value=f"{found.compared - len(wrong)} of {found.compared} frames {where} are the right ones",
        limit="all",
        source="decoded, and compared with the frames handed to the encoder",
        at=tuple(f"frame {one.frame}: {one.detail}" for one in wrong),
        fix="render anew" if wrong else "",
    )


def _words(cut_plan: CutPlan | None, plan: RenderPlan) -> Check:
    sources = cut_plan.sources if cut_plan else ()
    heard = {one.asset_id: one for one in sources if one.speech is not None}
    if not heard:
        return _not_applicable("words", "nobody listened for speech")
    frame = 1 / plan.encoder.rate
    broken = [
        f"{asset_id[:8]} at {_s(edge)}"
        for asset_id, source in heard.items()
        for edge in _edges(plan.kept.get(asset_id, ()))
        if splits_speech(edge, source, frame)
    ]
    return Check(
        name="words",
        status=_status(not broken),
        value=f"{len(broken)} cut in half",
        limit="none",
        source="stretches of speech (Silero VAD)",
        at=tuple(broken),
        fix="plan anew with whole sentences" if broken else "",
    )


def _non_pass_through(plan: RenderPlan, cut_plan: CutPlan | None) -> Check:
    if cut_plan is None or not cut_plan.sources:
        return _not_applicable("non_pass_through", "no planner made this")
    durations = {one.asset_id: one.duration for one in cut_plan.sources}
    removed = {
        asset_id: durations[asset_id] - _covering(plan.kept.get(asset_id, ())) for asset_id in durations
    }
    total = sum(removed.values(), Fraction(0))
    passed_through = len(durations) == 1 and total <= 1 / plan.encoder.rate and not cut_plan.post
    return Check(
        name="non_pass_through",
        status=_status(not passed_through),
        value=f"{_s(max(total, Fraction(0)))} removed" if not passed_through else "nothing was removed",
        limit="the film is not its source",
        source=ENGINE,
        fix="ask for a shorter film" if passed_through else "",
    )


def _edges(spans: Sequence[tuple[Fraction, Fraction]]) -> list[Fraction]:
    """Return where a source is really cut: edges that meet are none."""
    starts, ends = {start for start, _ in spans}, {end for _, end in spans}
    return sorted(starts ^ ends)


def _covering(spans: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """Return how many seconds of a source are shown at least once."""
    covered, reached = Fraction(0), Fraction(0)
    for start, end in sorted(spans):
        covered += max(Fraction(0), end - max(start, reached))
        reached = max(reached, end)
    return covered


def _covered(span: Span, by: Sequence[Span]) -> bool:
    inside = sum(max(0, min(span.end, one.end) - max(span.start, one.start)) for one in by)
    return inside >= span.end - span.start


def _places(spans: Sequence[Span], rate: Fraction) -> tuple[str, ...]:
    return tuple(f"{_s(one.start / rate)} to {_s(one.end / rate)}" for one in spans)


def _s(seconds: Fraction) -> str:
    return f"{float(seconds):.3f} s"


def _source(profile: Profile, about: str = "") -> str:
    """Return who says so: a profile names its sources one after the other, the one for sound by its subject."""
    parts = profile.source.split("; ")
    named = [part for part in parts if about and part.startswith(about)]
    return f"{profile.name}: {(named or parts)[0]}"


def _status(good: bool) -> Status:
    return "pass" if good else "fail"


def _not_applicable(name: str, why: str) -> Check:
    return Check(name=name, status="not_applicable", value=why)
