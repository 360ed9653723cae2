"""The tester of a film: what was found, held against what was wanted. Pure; each check says how to mend what it found."""

from typing import Final

from cutroom_sdk.wire.editing import CutPlan
from cutroom_sdk.wire.renders import Check, Profile
from cutroom_sdk.wire.timeline import Timeline
from engine.editing.caption_checks import film_checks
from engine.rendering import qa_content, qa_file, qa_picture, qa_sound
from engine.rendering.knowing import Known
from engine.rendering.making import Film
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_captions import captions
from engine.rendering.qa_faces import faces_in_frame
from engine.rendering.qa_form import checked, not_applicable, said_by
from engine.rendering.smartcopy.checks import CODECS, check_cut
from engine.rendering.smartcopy.work import CutFound
from engine.rendering.work import Inspection

LOUDNESS_WITHIN_LU: Final = 1.0
# Measuring a peak between samples is itself good to a few hundredths of a decibel (BS.1770-5, annex 2).
PEAK_WITHIN_DB: Final = 0.05
# What a decoder calls what a profile asks for, and what libav calls containers.
DECODED: Final = {"h265": "hevc", "dnxhr": "dnxhd"}
CONTAINERS: Final = {"mp4": ("mp4",), "mov": ("mov",), "mkv": ("matroska",), "webm": ("webm",)}
LOUDNESS: Final = "loudness"


def check_film(
    plan: RenderPlan,
    profile: Profile,
    found: Inspection | CutFound,
    *,
    size: int,
    cut_plan: CutPlan | None = None,
    known: Known | None = None,
    as_loud_as_can_be: bool = False,
) -> tuple[Check, ...]:
    """Return all checks of a film, in the order in which people ask.

    Args:
        plan: what was rendered.
        profile: what it was rendered for.
        found: what was found in the file.
        size: of the file, bytes.
        cut_plan: None for a timeline that no planner made; what only the planner knows is then not applicable.
        known: what analyses have found in the footage, None: nothing.
        as_loud_as_can_be: mastering stopped short of the loudness, as only noise would have grown.
    """
    known = known or Known()
    if isinstance(found, CutFound):
        return (
            *check_cut(plan, found),
            qa_file.size(profile, size),
            qa_file.sync(plan, found),
            qa_content.words(plan, cut_plan, known),
            qa_content.non_pass_through(plan, cut_plan, known),
            captions(plan, found),
        )
    return (
        qa_file.duration(plan, profile, found),
        qa_file.size(profile, size),
        _resolution(plan, profile, found),
        _frame_rate(plan, profile, found),
        _codecs(plan, profile, found),
        _fast_start(plan, found),
        qa_file.seeking(plan, profile, found),
        _audio_present(plan, found),
        qa_file.sync(plan, found),
        _loudness(plan, profile, found, as_loud_as_can_be),
        _true_peak(plan, profile, found),
        qa_sound.clipping(plan, found),
        qa_sound.silence(plan, found),
        qa_picture.black(plan, found),
        qa_picture.frozen(found, plan.encoder.rate),
        qa_picture.doubled(plan, found),
        qa_picture.right_frames(plan, found, whole=profile.decode_whole),
        qa_file.decoded(profile, found),
        qa_content.words(plan, cut_plan, known),
        faces_in_frame(plan, known),
        qa_content.non_pass_through(plan, cut_plan, known),
        captions(plan, found),
    )


def judged(
    plan: RenderPlan,
    profile: Profile,
    film: Film,
    timeline: Timeline,
    cut_plan: CutPlan | None,
    known: Known,
) -> tuple[Check, ...]:
    """Return all checks of a film that was just made, those of its captions' legibility last; arguments as `check_film`."""
    checks = check_film(
        plan,
        profile,
        film.inspection,
        size=film.output.bytes,
        cut_plan=cut_plan,
        known=known,
        # It is all that mastering has to say.
        as_loud_as_can_be=bool(film.notices),
    )
    return (*checks, *film_checks(timeline, profile))


def _resolution(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    wanted = (plan.encoder.width, plan.encoder.height)
    return checked(
        "resolution",
        (found.width, found.height) == wanted,
        f"{found.width}x{found.height}",
        f"{wanted[0]}x{wanted[1]}",
        said_by(profile) if profile.width else "plan",
        fix="render anew",
    )


def _frame_rate(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    rate = plan.encoder.rate
    return checked(
        "frame_rate",
        found.rate == rate and found.on_grid and profile.rate_min <= rate <= profile.rate_max,
        f"{found.rate}, {'even' if found.on_grid else 'uneven'}",
        f"{rate}, even, {profile.rate_min} to {profile.rate_max}",
        said_by(profile),
        fix="plan at a rate that the profile allows",
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
    return checked(
        "codecs",
        good,
        f"{container or found.container}, {found.video_codec} {found.pixel_format}{sound}",
        f"{plan.container}, {wanted} {pixels}{', ' + profile.audio_codec if plan.sound else ''}",
        said_by(profile),
        fix="render anew",
    )


def _fast_start(plan: RenderPlan, found: Inspection) -> Check:
    if plan.container in ("mkv", "webm"):
        return not_applicable("fast_start", "Matroska is played from its beginning as it is")
    return checked(
        "fast_start",
        found.moov_first,
        "index before media" if found.moov_first else "index after media",
        "index before media",
        "ISO/IEC 14496-12, 8.2.1",
        fix="render anew",
    )


def _audio_present(plan: RenderPlan, found: Inspection) -> Check:
    if plan.sound is None:
        return not_applicable("audio_present", "the footage has no sound")
    there = found.audio_codec is not None
    return checked(
        "audio_present", there, found.audio_codec or "none", "there is sound", "plan", fix="render anew"
    )


def _loudness(plan: RenderPlan, profile: Profile, found: Inspection, as_loud_as_can_be: bool) -> Check:
    target = profile.loudness_lufs
    if plan.sound is None or target is None:
        return not_applicable("loudness", "the profile leaves it alone" if plan.sound else "no sound")
    if found.integrated_lufs is None:
        return not_applicable("loudness", "the sound is silent")
    off = found.integrated_lufs - target
    if off < -LOUDNESS_WITHIN_LU and as_loud_as_can_be:
        return not_applicable(
            "loudness", f"{found.integrated_lufs:.1f} LUFS: too quiet to be raised without its noise"
        )
    return checked(
        "loudness",
        abs(off) <= LOUDNESS_WITHIN_LU,
        f"{found.integrated_lufs:.1f} LUFS",
        f"{target:.1f} LUFS within {LOUDNESS_WITHIN_LU:.0f}",
        said_by(profile, LOUDNESS),
        fix="even out the sound with a compressor, so that it can be that loud below its peak",
    )


def _true_peak(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    limit = profile.true_peak_dbtp
    if plan.sound is None or limit is None:
        return not_applicable("true_peak", "the profile leaves it alone" if plan.sound else "no sound")
    if found.true_peak_dbtp is None:
        return not_applicable("true_peak", "the sound is silent")
    return checked(
        "true_peak",
        found.true_peak_dbtp <= limit + PEAK_WITHIN_DB,
        f"{found.true_peak_dbtp:.1f} dBTP",
        f"at most {limit:.1f} dBTP",
        said_by(profile, LOUDNESS),
        fix="put a limiter on the sound, or render anew",
    )
