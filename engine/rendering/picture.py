"""Pictures in the worker: a source's frames turned, cropped, scaled and encoded, with evidence taken on the way.

The pixels stay in libav: Python only hands frames on and looks at a thinned-out copy of their brightness.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.codec.context import ThreadType
from av.filter import Graph
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from numpy.typing import NDArray

from engine.kernel.errors import WorkFailed
from engine.media.frames import FrameReader
from engine.media.index import FrameIndex
from engine.media.source import open_media
from engine.rendering.encoded import EncodedSegment, Evidence, Packet
from engine.rendering.geometry import STEP
from engine.rendering.work import Footage, PictureWork, VideoEncoder

Gray = NDArray[np.uint8]

THUMB: Final = 16
SAMPLE_LINES: Final = 180  # evidence is taken from about this many lines of the shorter side
DARK_BELOW: Final = 32  # 16 is black (ITU-R BT.709, 8 bits)
VISIBLE_STEPS: Final = 16  # a still picture flickers by a few steps when its encoder begins anew
# How many pixels of the source a moving crop takes beside its window, to place the rest on the output's own pixels.
MARGIN: Final = 4
SCALING: Final = "bicubic+accurate_rnd+full_chroma_int+bitexact"
BT709: Final = 1  # ITU-T H.273: primaries, transfer and matrix share the number
LIMITED_RANGE: Final = 1


def configure(context: VideoCodecContext, encoder: VideoEncoder) -> None:
    """Set an encoder up; segments and the film's headers come from the same settings, so they fit."""
    context.width, context.height, context.pix_fmt = encoder.width, encoder.height, "yuv420p"
    context.time_base, context.framerate = 1 / encoder.rate, encoder.rate
    context.thread_count, context.thread_type = encoder.threads, ThreadType.FRAME
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = LIMITED_RANGE
    context.sample_aspect_ratio = Fraction(1)
    context.options = {
        "preset": encoder.preset,
        "crf": str(encoder.crf),
        "g": str(encoder.keyint),
        "bf": str(encoder.b_frames),
        "forced-idr": "1",
        "x264-params": encoder.params,
    }


def encode(work: PictureWork, descriptors: tuple[int, ...]) -> Iterator[tuple[int, EncodedSegment | None]]:
    """Yield how many frames are done after each, and at last the encoded segment.

    Args:
        work: what to make.
        descriptors: of the source and of its frame index; none for black.

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
    frames = _black(work) if work.footage is None else _shown(work.footage, work.encoder, descriptors)
    done = 0
    for done, (frame, source_change) in enumerate(frames, start=1):
        evidence.append(seen(frame, source_change))
        frame.pts, frame.time_base, frame.pict_type = done - 1, 1 / work.encoder.rate, PictureType.NONE
        packets += [_packet(packet) for packet in context.encode(frame)]
        yield done, None
    packets += [_packet(packet) for packet in context.encode(None)]
    if done != work.count or len(packets) != work.count:
        raise WorkFailed(
            f"{work.count} frames were wanted, {done} came in and {len(packets)} went out", stage="encode"
        )
    segment = EncodedSegment(
        extradata=bytes(context.extradata or b""), packets=tuple(packets), evidence=tuple(evidence)
    )
    yield done, segment


def seen(frame: av.VideoFrame, source_change: float | None) -> Evidence:
    """Take evidence of one of the output's frames (yuv420p)."""
    sample = brightness(frame)
    dark = float((sample <= DARK_BELOW).mean())
    return Evidence(dark=round(dark, 4), source_change=source_change, thumb=thumb(sample).tobytes())


def brightness(frame: av.VideoFrame) -> Gray:
    """Return every nth brightness value of every nth line, n such that about `SAMPLE_LINES` are left.

    Of a format that does not begin with a plane of 8-bit brightness these are just some of its bytes.
    """
    plane = frame.planes[0]
    every = max(1, min(frame.width, frame.height) // SAMPLE_LINES)
    lines: Gray = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[
        : frame.height, : frame.width
    ]
    return lines[::every, ::every].copy()


def thumb(sample: Gray) -> Gray:
    """Return the picture as `THUMB` x `THUMB` mean values; rows and columns that do not divide evenly are left out."""
    rows, columns = sample.shape[0] // THUMB, sample.shape[1] // THUMB
    if not rows or not columns:
        return np.resize(sample, (THUMB, THUMB))
    cells = sample[: rows * THUMB, : columns * THUMB].reshape(THUMB, rows, THUMB, columns)
    return np.asarray(cells.mean(axis=(1, 3)), dtype=np.uint8)


def _packet(packet: av.Packet[av.stream.Stream]) -> Packet:
    assert packet.pts is not None, "an encoder gives times"
    return Packet(pts=packet.pts, key=packet.is_keyframe, data=bytes(packet))


def _black(work: PictureWork) -> Iterator[tuple[av.VideoFrame, None]]:
    frame = av.VideoFrame(work.encoder.width, work.encoder.height, "yuv420p")
    for plane, value in zip(frame.planes, (16, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    for _ in range(work.count):
        yield frame, None


def _shown(
    footage: Footage, encoder: VideoEncoder, descriptors: tuple[int, ...]
) -> Iterator[tuple[av.VideoFrame, float | None]]:
    """Yield the output's frames, each with how much the source's picture has changed since the one before.

    A source frame that is shown twice goes through the filters twice, for the window may move.
    """
    source, index_file = descriptors
    index = FrameIndex.from_bytes(_read(index_file))
    numbers = [_number(index, pts) for pts in footage.pts]
    frames = _Frames(footage, encoder)
    before: Gray | None = None
    with open_media(source) as container:
        place = 0
        for number, frame in FrameReader(container, index).frames(numbers[0], numbers[-1] + 1):
            while place < len(numbers) and numbers[place] == number:
                sample = brightness(frame)
                yield frames.made_of(frame, place), _change(before, sample)
                before = sample
                place += 1


def _change(before: Gray | None, now: Gray) -> float | None:
    if before is None or before.shape != now.shape:
        return None
    return round(float((np.abs(now.astype(np.int16) - before) > VISIBLE_STEPS).mean()), 6)


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        file.seek(0)
        return file.read()


def _number(index: FrameIndex, pts: int) -> int:
    number = bisect.bisect_left(index.pts, pts)
    if number == index.count or index.pts[number] != pts:
        raise WorkFailed(f"the source has no frame with pts {pts}: its index is another's", stage="decode")
    return number


class _Frames:
    """The way of one source's frames to the output's: turn, crop, scale, and crop again where the window moves."""

    def __init__(self, footage: Footage, encoder: VideoEncoder) -> None:
        self._footage, self._encoder = footage, encoder
        self._graph: Graph | None = None
        self._format = ""
        turned = footage.rotation in (90, 270)
        whole = (footage.height, footage.width) if turned else (footage.width, footage.height)
        window = footage.window
        self._x = _Axis(window.left, window.width, whole[0], encoder.width)
        self._y = _Axis(window.top, window.height, whole[1], encoder.height)

    def made_of(self, frame: av.VideoFrame, place: int) -> av.VideoFrame:
        """Return the output's frame `place` of this segment."""
        footage = self._footage
        if (frame.width, frame.height) != (footage.width, footage.height):
            raise WorkFailed(
                f"the picture changes from {footage.width}x{footage.height} to {frame.width}x{frame.height}",
                stage="decode",
            )
        if self._graph is None or frame.format.name != self._format:
            self._format = frame.format.name
            self._build()
        first_x, second_x = self._x.at(place)
        first_y, second_y = self._y.at(place)
        if self._x.moves or self._y.moves:
            self._first.process_command("x", str(first_x))
            self._first.process_command("y", str(first_y))
            self._second.process_command("x", str(second_x))
            self._second.process_command("y", str(second_y))
        frame.pts, frame.time_base = place, 1 / self._encoder.rate
        try:
            self._entry.push(frame)
            made = self._exit.pull()
        except av.FFmpegError as error:
            raise WorkFailed(f"the filters refuse a frame: {error}", stage="filter") from error
        assert isinstance(made, av.VideoFrame)
        return made

    def _build(self) -> None:
        footage, encoder = self._footage, self._encoder
        graph = Graph()
        graph.threads = 1
        matrix = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020nc"}[footage.matrix]
        colors = (
            "" if self._format.startswith(("rgb", "bgr", "gbr", "gray", "pal8")) else f":colorspace={matrix}"
        )
        base = 1 / encoder.rate
        chain = [
            graph.add(
                "buffer",
                f"video_size={footage.width}x{footage.height}:pix_fmt={self._format}"
                f":time_base={base.numerator}/{base.denominator}"
                f":frame_rate={encoder.rate.numerator}/{encoder.rate.denominator}"
                f"{colors}:range={'pc' if footage.full_range else 'tv'}",
            )
        ]
        match footage.rotation:
            case 90:
                chain.append(graph.add("transpose", "dir=cclock"))
            case 180:
                chain += [graph.add("hflip"), graph.add("vflip")]
            case 270:
                chain.append(graph.add("transpose", "dir=clock"))
            case 0:
                pass
        self._first = graph.add("crop", f"w={self._x.taken}:h={self._y.taken}:x=0:y=0")
        scale = graph.add(
            "scale",
            f"w={self._x.scaled}:h={self._y.scaled}:flags={SCALING}:in_color_matrix={matrix}"
            f":in_range={'full' if footage.full_range else 'limited'}:out_color_matrix=bt709:out_range=limited",
        )
        pixels = graph.add("format", "pix_fmts=yuv420p")
        self._second = graph.add("crop", f"w={encoder.width}:h={encoder.height}:x=0:y=0")
        chain += [
            self._first,
            scale,
            pixels,
            self._second,
            graph.add("setsar", "sar=1"),
            graph.add("buffersink"),
        ]
        graph.link_nodes(*chain).configure()
        self._entry, self._exit = chain[0], chain[-1]
        (first_x, second_x), (first_y, second_y) = self._x.at(0), self._y.at(0)
        for crop, x, y in ((self._first, first_x, first_y), (self._second, second_x, second_y)):
            crop.process_command("x", str(x))
            crop.process_command("y", str(y))
        self._graph = graph


class _Axis:
    """One side of the window: `taken` pixels of the source become `scaled` of the output, of which the target is cut."""

    def __init__(self, places: tuple[int, ...], size: int, whole: int, target: int) -> None:
        self._places, self._size, self._target = places, size, target
        self.moves = len(places) > 1
        self._whole = whole // STEP * STEP
        self.taken = min(size + MARGIN, self._whole) if self.moves else size
        self.scaled = max(target, round(self.taken * target / size / STEP) * STEP)

    def at(self, place: int) -> tuple[int, int]:
        """Return where the first crop begins, in pixels of the source, and the second, in pixels of the output."""
        wanted = self._places[place if self.moves else 0]
        first = min(wanted * self._size // self._target // STEP * STEP, self._whole - self.taken)
        rest = wanted - round(first * self._target / self._size)
        second = min(max(0, round(rest / STEP) * STEP), self.scaled - self._target)
        return first, second
