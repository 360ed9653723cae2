"""The tester of a cut: what was found in the file, held against its source and its plan. Pure."""

from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.renders import Check
from engine.rendering.plan import RenderPlan
from engine.rendering.smartcopy.work import CutFound

SOUND_OFF_MOST = Fraction(1, 1000)
SOURCE = "the source"
# What a decoder calls what an encoder gives.
CODECS: Final = {"libx264": "h264", "libx265": "hevc"}
AS_IT_WAS = "a cut leaves what it copies as it was"


def check_cut(plan: RenderPlan, found: CutFound) -> tuple[Check, ...]:
    """Return all checks of a cut, in the order in which people ask."""
    return (
        _duration(plan, found),
        _resolution(plan, found),
        _frame_rate(plan, found),
        _codecs(plan, found),
        _check("fast_start", found.moov_first, "index before media" if found.moov_first else "index after media",
               "index before media", "ISO/IEC 14496-12, 8.2.1"),
        _sound(plan, found),
        _accuracy(found),
        *(Check(name=name, status="not_applicable", value=AS_IT_WAS) for name in ("loudness", "true_peak", "black", "frozen")),
    )  # fmt: skip


def _duration(plan: RenderPlan, found: CutFound) -> Check:
    frame = 1 / plan.encoder.rate
    off = plan.sound is not None and abs(found.audio_duration - plan.duration) > frame
    good = found.frames == plan.frames and abs(found.duration - plan.duration) <= frame and not off
    value = f"{_s(found.duration)} ({found.frames} frames)" + (
        f", sound {_s(found.audio_duration)}" if off else ""
    )
    return _check("duration", good, value, f"{_s(plan.duration)} ({plan.frames} frames)", "plan")


def _resolution(plan: RenderPlan, found: CutFound) -> Check:
    wanted = f"{plan.encoder.width}x{plan.encoder.height}"
    value = f"{found.width}x{found.height}"
    return _check("resolution", value == wanted, value, wanted, SOURCE)


def _frame_rate(plan: RenderPlan, found: CutFound) -> Check:
    even = plan.splicing is not None and plan.splicing.rate is not None
    limit = f"{plan.encoder.rate}, even" if even else "each frame as long as in the source"
    return _check(
        "frame_rate", found.on_time, "as wanted" if found.on_time else "frames off their times", limit, SOURCE
    )


def _codecs(plan: RenderPlan, found: CutFound) -> Check:
    wanted = CODECS.get(plan.encoder.codec)
    good = "mp4" in found.container.split(",") and found.video_codec == wanted
    good = good and (plan.sound is None) == (found.audio_codec is None)
    sound = f", {found.audio_codec}" if found.audio_codec else ""
    return _check("codecs", good, f"mp4, {found.video_codec}{sound}", f"mp4, {wanted}", SOURCE)


def _sound(plan: RenderPlan, found: CutFound) -> Check:
    if plan.sound is None:
        return Check(name="audio_present", status="not_applicable", value="the footage has no sound")
    value = (
        f"{found.audio_codec or 'none'}, begins {float(found.start_offset) * 1000:+.1f} ms from the picture"
    )
    good = found.audio_codec is not None and abs(found.start_offset) <= SOUND_OFF_MOST
    return _check("audio_present", good, value, "begins within 1 ms of the picture", "engine")


def _accuracy(found: CutFound) -> Check:
    wrong = found.mismatches
    return Check(
        name="cut_accuracy",
        status="fail" if wrong else "pass",
        value=f"{found.compared - len(wrong)} of {found.compared} frames at seams are the right ones",
        limit="all; copied ones to the last bit",
        source="decoded, and compared with the source's own frames",
        at=tuple(f"frame {one.frame}: {one.detail}" for one in wrong),
        fix="render anew" if wrong else "",
    )


def _check(name: str, good: bool, value: str, limit: str, source: str) -> Check:
    return Check(
        name=name,
        status="pass" if good else "fail",
        value=value,
        limit=limit,
        source=source,
        fix="" if good else "render anew",
    )


def _s(seconds: Fraction) -> str:
    return f"{float(seconds):.3f} s"
