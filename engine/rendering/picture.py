"""Pictures in the worker: what a tree gives is encoded, with evidence taken on the way.

The pixels of plain footage stay in libav: Python only hands frames on and looks at a thinned-out copy of their brightness.
Whatever else a tree asks for is made by the compositor, which is loaded only where it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from engine.kernel.errors import WorkFailed
from engine.rendering.encoded import EncodedSegment, Evidence, Packet
from engine.rendering.encoders import configure
from engine.rendering.graph import Footage, Node
from engine.rendering.reading import Gray, Opened, Sources, brightness, read_whole
from engine.rendering.scaling import PLAIN, Scaler
from engine.rendering.walking import NOTHING, graph_inputs
from engine.rendering.work import PictureWork

THUMB: Final = 16
EXACT: Final = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
DARK_BELOW: Final = 32  # 16 is black (ITU-R BT.709, 8 bits)
FALLBACK: Final = "slow motion: between {} pairs of frames nothing could be followed, so they were mixed"


def encode(work: PictureWork, descriptors: tuple[int, ...]) -> Iterator[tuple[int, EncodedSegment | None]]:
    """Yield how many frames are done after each, and at last the encoded segment.

    Args:
        work: what to make.
        descriptors: as `frames_of` takes them.

    Raises:
        Invalid: `media_unreadable`, with `frame`: a frame of the source cannot be decoded.
        WorkFailed: `stage` says where it went wrong.
    """
    context = av.CodecContext.create(work.encoder.codec, "w")
    assert isinstance(context, VideoCodecContext)
    configure(context, work.encoder)
    context.flags |= av.codec.context.Flags.global_header
    evidence: list[Evidence] = []
    packets: list[Packet] = []
    # One for all frames: it keeps what it has worked out for the first.
    converter = VideoReformatter()
    notices: list[str] = []
    encoder = work.encoder
    frames = frames_of(
        work.graph,
        work.count,
        encoder.width,
        encoder.height,
        descriptors,
        notices.append,
        pixel_format=encoder.pixel_format,
        matrix=encoder.matrix,
    )
    done = 0
    for done, (frame, source_change) in enumerate(frames, start=1):
        evidence.append(seen(frame, source_change))
        if frame.format.name != work.encoder.pixel_format:
            frame = converter.reformat(frame, format=work.encoder.pixel_format)
        frame.pts, frame.time_base, frame.pict_type = done - 1, 1 / work.encoder.rate, PictureType.NONE
        packets += [_packet(packet) for packet in context.encode(frame)]
        yield done, None
    packets += [_packet(packet) for packet in context.encode(None)]
    if done != work.count or len(packets) != work.count:
        raise WorkFailed(
            f"{work.count} frames were wanted, {done} came in and {len(packets)} went out", stage="encode"
        )
    segment = EncodedSegment(
        extradata=bytes(context.extradata or b""),
        packets=tuple(packets),
        evidence=tuple(evidence),
        notices=tuple(notices),
    )
    yield done, segment


def seen(frame: av.VideoFrame, source_change: float | None) -> Evidence:
    """Take evidence of one of the output's frames."""
    sample = brightness(frame)
    dark = int(np.count_nonzero(sample <= DARK_BELOW)) / sample.size
    return Evidence(dark=round(dark, 4), source_change=source_change, thumb=thumb(sample).tobytes())


def thumb(sample: Gray) -> Gray:
    """Return the picture as `THUMB` x `THUMB` mean values; rows and columns that do not divide evenly are left out."""
    rows, columns = sample.shape[0] // THUMB, sample.shape[1] // THUMB
    if not rows or not columns:
        return np.resize(sample, (THUMB, THUMB))
    # Lines first, whose sums are taken many columns at once.
    lines = sample[: rows * THUMB, : columns * THUMB].reshape(THUMB, rows, -1).sum(axis=1, dtype=np.uint32)
    cells = lines.reshape(THUMB, THUMB, columns).sum(axis=2)
    return np.asarray(cells // (rows * columns), dtype=np.uint8)


def _packet(packet: av.Packet[av.stream.Stream]) -> Packet:
    assert packet.pts is not None, "an encoder gives times"
    return Packet(pts=packet.pts, key=packet.is_keyframe, data=bytes(packet))


def frames_of(
    graph: Node,
    count: int,
    width: int,
    height: int,
    descriptors: tuple[int, ...],
    notice: Callable[[str], None] = lambda _: None,
    *,
    pixel_format: str = PLAIN,
    matrix: Literal["bt601", "bt709"] = "bt709",
    opened: Callable[[tuple[str, ...], tuple[int, ...]], Opened] = Sources,
) -> Iterator[tuple[av.VideoFrame, float | None]]:
    """Yield a tree's frames as they go to the encoder, each with how much its sources have changed since the last.

    What is made by the compositor has 8 bits and colour at half resolution (yuv420p).

    Args:
        graph: what to make.
        count: how many frames it gives.
        width: of the canvas.
        height: of the canvas.
        descriptors: for each of the tree's sources its file and its frame index, then its other files.
        notice: told at the end what came out otherwise than asked.
        pixel_format: what plain footage is brought to, straight from what it is.
        matrix: how colours come out.
        opened: opens the tree's sources, from their hashes and descriptors.

    Raises:
        Invalid, WorkFailed: as `encode`.
    """
    if graph == NOTHING:
        yield from ((_black(width, height), None) for _ in range(count))
        return
    hashes, files = graph_inputs(graph)
    sources = opened(hashes, descriptors)
    try:
        if isinstance(graph, Footage):
            scaler = Scaler(graph, width, height, pixel_format, matrix)
            reader = sources.reader(graph)
            for place in range(count):
                yield scaler.made_of(reader.frame(place), place), reader.source_change
            return
        from engine.rendering.compositor.evaluate import Evaluator
        from engine.rendering.compositor.sources import frame_of

        contents = {
            sha256: read_whole(descriptor)
            for sha256, descriptor in zip(files, descriptors[2 * len(hashes) :], strict=True)
        }
        evaluator, converter = Evaluator(graph, width, height, sources, contents), VideoReformatter()
        for place in range(count):
            yield _coloured(frame_of(evaluator.picture(place)), matrix, converter), evaluator.source_change
        if evaluator.lost:
            notice(FALLBACK.format(evaluator.lost))
    finally:
        sources.close()


def _coloured(frame: av.VideoFrame, matrix: str, converter: VideoReformatter) -> av.VideoFrame:
    """Return a frame of the compositor, which is in BT.709, in another matrix."""
    if matrix == "bt709":
        return frame
    return converter.reformat(
        frame,
        src_colorspace=Colorspace.ITU709,
        dst_colorspace=Colorspace.ITU601,
        interpolation=EXACT,
        threads=1,
    )


def _black(width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, PLAIN)
    for plane, value in zip(frame.planes, (16, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    return frame
