"""What the tester says of a film as a file: whether it is as long and as large as its target takes, opens, seeks and keeps in step."""

from fractions import Fraction
from typing import Final

from cutroom_sdk.wire.renders import Check, Profile
from engine.rendering.plan import RenderPlan
from engine.rendering.qa_form import ENGINE, checked, not_applicable, said_by, seconds_text
from engine.rendering.smartcopy.work import CutFound
from engine.rendering.work import Inspection

OFF_MOST: Final = Fraction(1, 1000)
# Matroska tells times in milliseconds: two that meet may be told one apart, and so may how long a packet lasts.
GAP_MOST: Final = Fraction(2, 1000)


def duration(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    """Say whether the film is as long as was planned, and whether its target takes that."""
    frame, wanted = 1 / plan.encoder.rate, plan.duration
    sound_off = plan.sound is not None and abs(found.audio_duration - wanted) > frame
    whole = found.frames == plan.frames and abs(found.duration - wanted) <= frame / 2 and not sound_off
    bounds, fix = length_of(profile, found.duration)
    value = f"{seconds_text(found.duration)} ({found.frames} frames)"
    return checked(
        "duration",
        whole and not fix,
        value + (f", sound {seconds_text(found.audio_duration)}" if sound_off else ""),
        "".join([f"{seconds_text(wanted)} ({plan.frames} frames)", *(f", {one}" for one in bounds)]),
        f"plan; {said_by(profile)}" if bounds else "plan",
        fix=fix or "render anew",
    )


def length_of(profile: Profile, lasts: Fraction) -> tuple[list[str], str]:
    """Return what a profile says of a film's length, and what to do about a film that lasts so long; "" where it is right."""
    bounds, fix = [], ""
    if profile.min_duration is not None:
        bounds.append(f"at least {seconds_text(profile.min_duration)}")
        fix = "ask for a longer film" if lasts < profile.min_duration else fix
    if profile.max_duration is not None:
        bounds.append(f"at most {seconds_text(profile.max_duration)}")
        fix = "ask for a shorter film" if lasts > profile.max_duration else fix
    return bounds, fix


def size(profile: Profile, count: int) -> Check:
    """Say whether the file is as small as its target wants it."""
    if profile.max_bytes is None:
        return not_applicable("file_size", f"{count} bytes: {profile.name} sets no limit")
    return checked(
        "file_size",
        count <= profile.max_bytes,
        f"{count} bytes",
        f"at most {profile.max_bytes} bytes",
        said_by(profile),
        fix="ask for a shorter film, or render it for a profile of fewer pixels",
    )


def seeking(plan: RenderPlan, profile: Profile, found: Inspection) -> Check:
    """Say whether a player can begin at once anywhere: packets alone tell."""
    misses = found.seek_misses
    # What is copied has its keyframes where its source has them.
    most = max(plan.encoder.keyint, found.keyframe_distance if plan.splicing else 0)
    near = found.keyframe_distance <= most
    return checked(
        "seeking",
        near and not misses,
        f"a keyframe every {found.keyframe_distance} frames at most"
        + (f", {len(misses)} of them not found by seeking" if misses else ", found by seeking"),
        f"every {most} frames at most, the first frame among them",
        said_by(profile),
        at=[seconds_text(Fraction(one) / plan.encoder.rate) for one in misses],
        fix="render anew",
    )


def sync(plan: RenderPlan, found: Inspection | CutFound) -> Check:
    """Say whether sound and picture begin together and stay so."""
    if plan.sound is None:
        return not_applicable("av_sync", "the film is silent")
    gap = found.sound_gap if isinstance(found, Inspection) else Fraction(0)
    in_step = abs(found.start_offset) <= OFF_MOST and gap <= GAP_MOST
    value = f"sound begins {float(found.start_offset) * 1000:+.1f} ms from the picture"
    return checked(
        "av_sync",
        in_step,
        value + (f", its packets are {float(gap) * 1000:.1f} ms apart at most" if gap else ", without a gap"),
        f"within {float(OFF_MOST) * 1000:.0f} ms, packets within {float(GAP_MOST) * 1000:.0f} ms",
        ENGINE,
        fix="render anew",
    )


def decoded(profile: Profile, found: Inspection) -> Check:
    """Say how much of the finished file was decoded."""
    whole = profile.decode_whole
    return checked(
        "decoded",
        not whole or found.compared == found.frames,
        f"{found.compared} of {found.frames} frames" + (", all of its sound" if found.audio_codec else ""),
        "the whole file" if whole else "the frames at its ends and around its cuts",
        said_by(profile) if whole else ENGINE,
        fix="render anew",
    )
