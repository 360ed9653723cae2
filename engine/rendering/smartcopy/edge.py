"""Encoding the few pictures around a copy, in the worker: decoded frames go straight to the encoder, as they are."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av
from av.codec.context import Flags, ThreadType
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from engine.kernel.errors import WorkFailed
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex
from engine.media.source import indexed_picture, open_media
from engine.rendering.encoded import EncodedSegment, Packet
from engine.rendering.reading import read_whole
from engine.rendering.smartcopy.work import EdgeEncoder, EdgeWork


def encode(work: EdgeWork, descriptors: tuple[int, ...]) -> Iterator[tuple[int, EncodedSegment | None]]:
    """Yield how many frames are done after each, and at last the encoded pictures.

    Packets and `extradata` (the parameter sets) are in Annex B form.

    Args:
        work: what to make.
        descriptors: of the source and of its frame index.

    Raises:
        Invalid: `media_unreadable`, with `frame`: a frame of the source cannot be decoded.
        WorkFailed: `stage` encode: the encoder refuses the source's pictures, or loses one.
    """
    source, index_file = descriptors
    index = FrameIndex.from_bytes(read_whole(index_file))
    start, end = _numbers(index, work.pts)
    packets: list[Packet] = []
    context: VideoCodecContext | None = None
    done = 0
    with open_media(source) as container:
        stream = indexed_picture(container)
        for _, frame in FrameReader(container, index).frames(start, end):
            if context is None:
                context = _context(work.encoder, frame, stream.codec_context)
            frame.pts, frame.time_base, frame.pict_type = done, 1 / work.encoder.rate, PictureType.NONE
            try:
                packets += [_packet(packet) for packet in context.encode(frame)]
            except (av.FFmpegError, ValueError) as error:
                raise WorkFailed(f"the encoder refuses a frame: {error}", stage="encode") from error
            done += 1
            yield done, None
    assert context is not None, "a stretch has a frame"
    packets += [_packet(packet) for packet in context.encode(None)]
    if done != work.count or len(packets) != work.count:
        raise WorkFailed(
            f"{work.count} frames were wanted, {done} came in and {len(packets)} went out", stage="encode"
        )
    yield (
        done,
        EncodedSegment(extradata=bytes(context.extradata or b""), packets=tuple(packets), evidence=()),
    )


def _context(encoder: EdgeEncoder, frame: av.VideoFrame, source: VideoCodecContext) -> VideoCodecContext:
    """Return an encoder of pictures like the source's."""
    context = av.CodecContext.create(encoder.codec, "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = frame.width, frame.height, frame.format.name
    context.time_base, context.framerate = 1 / encoder.rate, encoder.rate
    context.thread_count, context.thread_type = encoder.threads, ThreadType.FRAME
    context.color_primaries, context.color_trc = source.color_primaries, source.color_trc
    context.colorspace, context.color_range = source.colorspace, source.color_range
    context.sample_aspect_ratio = source.sample_aspect_ratio or Fraction(1)
    context.flags |= Flags.global_header
    context.options = {
        "preset": encoder.preset,
        "crf": str(encoder.crf),
        # One picture that stands alone, at the beginning: a stretch is short.
        "g": "100000",
        "sc_threshold": "0",
        "bf": str(encoder.b_frames),
        encoder.codec.removeprefix("lib") + "-params": encoder.params,
    }
    return context


def _packet(packet: av.Packet[Any]) -> Packet:
    assert packet.pts is not None, "an encoder gives times"
    return Packet(pts=packet.pts, key=packet.is_keyframe, data=bytes(packet))


def _numbers(index: FrameIndex, pts: tuple[int, ...]) -> tuple[int, int]:
    """Return the frames `[start, end)` that these times name, one after the other."""
    start = index.frame_at((pts[0] - index.pts[0]) * index.time_base)
    if index.pts[start : start + len(pts)] != pts:
        raise WorkFailed("the source has no such frames: its index is another's", stage="decode")
    return start, start + len(pts)
