"""How pictures are encoded: from a profile's figures to an encoder's settings, and from those to libav's.

The settings are in every segment's key and in the plan's hash. Whatever the codec, the headers of a stream follow from them
alone and no picture refers across a segment's edge, so that segments made apart can be joined.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from cutroom_sdk.wire.renders import Profile
from cutroom_sdk.wire.timeline import Timeline
from engine.kernel.errors import Invalid
from engine.rendering.work import Capabilities, Library, VideoEncoder

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

B_FRAMES: Final = 2
SIDE_LEAST: Final = 16
# Headers do not depend on what is encoded, and no picture refers across a segment's edge: segments join anywhere.
X264_PARAMS: Final = "stitchable=1:open-gop=0"
# The same of x265, which must not say on standard error what it does, nor choose its threads by the machine.
X265_PARAMS: Final = "open-gop=0:repeat-headers=0:log-level=none:pools=none:frame-threads=1:info=0:hash=0"
# Of 0 to 8: the fastest that still weighs what a choice costs.
VP9_SPEED: Final = "5"
# ITU-T H.273: primaries, transfer and matrix share the number. (170M is BT.601 with 525 lines.)
COLOURS: Final = {"bt709": 1, "bt601": 6}
LIMITED_RANGE: Final = 1


class Codec(NamedTuple):
    """What a profile's codec is encoded with.

    `reorder` is by how many pictures decoding runs ahead of showing. `containers` are those it may lie in. `tag` is what an
    MP4 or MOV calls it where that is not libav's own choice. `deep` is the pixel format of footage with more than 8 bits,
    "": it is brought to 8.
    """

    library: Library
    pixel_format: str
    reorder: int
    containers: tuple[str, ...]
    tag: str = ""
    deep: str = ""


CODECS: Final[dict[str, Codec]] = {
    "h264": Codec("libx264", "yuv420p", 2, ("mp4", "mov", "mkv")),
    "h265": Codec("libx265", "yuv420p", 2, ("mp4", "mov", "mkv"), "hvc1"),
    "vp9": Codec("libvpx-vp9", "yuv420p", 0, ("webm", "mkv", "mp4")),
    "prores": Codec("prores_ks", "yuv422p10le", 0, ("mov", "mkv"), deep="yuv422p10le"),
    "dnxhr": Codec("dnxhd", "yuv422p", 0, ("mov", "mkv"), deep="yuv422p10le"),
    "ffv1": Codec("ffv1", "yuv420p", 0, ("mkv",), deep="yuv422p10le"),
}
# What a machine may have beside the processor, for H.264, in the order in which it is tried.
HARDWARE: Final[tuple[Library, ...]] = (
    "h264_nvenc",
    "h264_qsv",
    "h264_amf",
    "h264_videotoolbox",
    "h264_vaapi",
)


def encoder_for(
    timeline: Timeline, profile: Profile, capabilities: Capabilities, *, deep: bool = False
) -> VideoEncoder:
    """Return how a timeline's pictures are encoded for a profile; `deep`: some of its footage has more than 8 bits.

    Raises:
        Invalid: the size, the rate, the codec or its container cannot be.
    """
    width, height = size_of(timeline, profile)
    if timeline.rate <= 0:
        raise Invalid(f"the rate {timeline.rate} is not positive", field="timeline")
    codec = CODECS.get(profile.codec)
    if codec is None or profile.container not in codec.containers:
        known = ", ".join(f"{name} in {' or '.join(one.containers)}" for name, one in CODECS.items())
        raise Invalid(
            f"the profile {profile.name} wants {profile.codec!r} in {profile.container!r}; there is {known}",
            field="profile",
        )
    library = codec.library if profile.encoder in ("cpu", "auto") else _named(profile)
    params = {"libx264": X264_PARAMS, "libx265": X265_PARAMS}.get(library, "")
    if library == "libx264" and capabilities.simd is not None:
        params += f":asm={capabilities.simd}"
    return VideoEncoder(
        codec=library,
        width=width,
        height=height,
        rate=timeline.rate,
        preset=profile.preset,
        crf=profile.crf,
        keyint=max(1, round(profile.gop_s * timeline.rate)),
        b_frames=B_FRAMES if codec.reorder and library in ("libx264", "libx265") else 0,
        threads=capabilities.threads,
        params=params,
        pixel_format=codec.deep if deep and codec.deep else codec.pixel_format,
        bitrate=profile.video_bitrate,
        reorder=codec.reorder if library in ("libx264", "libx265") else 0,
        tag=codec.tag,
    )


def size_of(timeline: Timeline, profile: Profile) -> tuple[int, int]:
    """Return the width and height of a timeline's film for a profile.

    Raises:
        Invalid: they cannot be.
    """
    width, height = profile.width or timeline.width, profile.height or timeline.height
    if profile.short_side is not None and min(width, height) > profile.short_side:
        less = Fraction(profile.short_side, min(width, height))
        width, height = 2 * round(width * less / 2), 2 * round(height * less / 2)
    if width < SIDE_LEAST or height < SIDE_LEAST or width % 2 or height % 2:
        raise Invalid(
            f"a film's sides are even and at least {SIDE_LEAST} pixels, not {width}x{height}",
            field="timeline",
        )
    return width, height


def _named(profile: Profile) -> Library:
    for library in HARDWARE:
        if library == profile.encoder:
            return library
    raise Invalid(
        f"the encoder {profile.encoder!r} is not known; there are cpu, auto, {', '.join(HARDWARE)}",
        field="encoder",
    )


def configure(context: VideoCodecContext, encoder: VideoEncoder) -> None:
    """Set an encoder up; segments and the film's headers come from the same settings, so they fit."""
    from av.codec.context import ThreadType

    context.width, context.height, context.pix_fmt = encoder.width, encoder.height, encoder.pixel_format
    context.time_base, context.framerate = 1 / encoder.rate, encoder.rate
    context.thread_count, context.thread_type = encoder.threads, ThreadType.FRAME
    colours = COLOURS[encoder.matrix]
    context.color_primaries = context.color_trc = context.colorspace = colours
    context.color_range = LIMITED_RANGE
    context.sample_aspect_ratio = Fraction(1)
    if encoder.tag:
        context.codec_tag = encoder.tag
    if encoder.bitrate is not None and encoder.codec not in ("prores_ks", "dnxhd", "ffv1"):
        context.bit_rate = encoder.bitrate
    context.options = options_of(encoder)


def options_of(encoder: VideoEncoder) -> dict[str, str]:
    """Return an encoder's own options, by libav's names."""
    match encoder.codec:
        case "libx264" | "libx265":
            name = "x264-params" if encoder.codec == "libx264" else "x265-params"
            quality = {"crf": str(encoder.crf)} if encoder.bitrate is None else _bounded(encoder.bitrate)
            return {
                "preset": encoder.preset,
                **quality,
                "g": str(encoder.keyint),
                "bf": str(encoder.b_frames),
                "forced-idr": "1",
                name: encoder.params,
            }
        case "libvpx-vp9":
            # Neither looking ahead nor pictures that are not shown: each packet is one frame, and stands where it is shown.
            quality = {"crf": str(encoder.crf), "b": "0"}
            return {
                **(quality if encoder.bitrate is None else _bounded(encoder.bitrate)),
                "deadline": "good",
                "cpu-used": VP9_SPEED,
                "g": str(encoder.keyint),
                "auto-alt-ref": "0",
                "lag-in-frames": "0",
            }
        case "prores_ks":
            # Profile 3 is 422 HQ; the vendor that decoders of other makers expect.
            return {"profile": "3", "vendor": "apl0"}
        case "dnxhd":
            return {"profile": "dnxhr_hq" if encoder.pixel_format == "yuv422p" else "dnxhr_hqx"}
        case "ffv1":
            return {"level": "3", "slices": "4", "slicecrc": "1", "g": "1", "context": "0"}
        case _:
            quality = _bounded(encoder.bitrate) if encoder.bitrate else {"global_quality": str(encoder.crf)}
            return {**quality, "g": str(encoder.keyint), "bf": "0"}


def _bounded(bitrate: int) -> dict[str, str]:
    return {"b": str(bitrate), "maxrate": str(bitrate * 3 // 2), "bufsize": str(bitrate * 2)}
