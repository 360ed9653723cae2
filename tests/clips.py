"""Clips that know what they hold: each frame carries its number in its pixels, each tick its exact sample.

The number is a square of black and white cells with a white rim, in the middle of the picture. It survives x264, scaling
and any crop that leaves it whole (a 9:16 crop of 16:9 does), and reads the right way round only when upright:

    make_clip(path, frames=50)                       50 numbered frames, 25 a second, 320x180
    make_clip(path, rate=NTSC, audio=Sound())        with a tick each second and a tone
    make_clip(path, times=[...])                     variable frame rate
    read_number(gray)                                the number in a (height, width) uint8 picture
    read_numbers(path)                               all of a file, as shown (rotation applied)
    read_sound(path)                                 (samples, channels) float32 and its rate
    find_ticks(samples, rate)                        when the ticks begin, seconds
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from numpy.typing import NDArray

NTSC = Fraction(30000, 1001)
FILM = Fraction(24000, 1001)

Gray = NDArray[np.uint8]
Samples = NDArray[np.float32]

CELLS = 6  # 16 bits, each as a pair of opposite cells, and four corners
SPAN = CELLS + 2  # with the rim
BITS = 16
WHITE, BLACK = 235, 16
BRIGHT = 175  # only the number is brighter
# White, black, black, black: no rotation of the square looks like another.
CORNERS = {(0, 0): 1, (0, 5): 0, (5, 0): 0, (5, 5): 0}
PLACES = [(row, column) for row in range(CELLS) for column in range(CELLS) if (row, column) not in CORNERS]


@dataclass(frozen=True, kw_only=True)
class Sound:
    """Sound of a clip: a steady tone and a tick (a 4 kHz burst of 5 ms) at every multiple of `tick_every` seconds.

    `tone_hz` or `tick_every` None: without. Levels are peaks, 0..1. `codec` None: what suits the container.
    """

    tone_hz: float | None = None
    tone_peak: float = 0.1
    tick_every: Fraction | None = Fraction(1)
    tick_peak: float = 0.8
    sample_rate: int = 48000
    channels: int = 2
    codec: str | None = None
    duration: Fraction | None = None  # as long as the picture


@dataclass(frozen=True, kw_only=True)
class Clip:
    """What was made: `times` are when each frame is shown, seconds from the first."""

    path: Path
    rate: Fraction
    times: tuple[Fraction, ...]
    numbers: tuple[int, ...]
    duration: Fraction
    width: int
    height: int
    rotation: int


def number_cells(number: int) -> NDArray[np.bool_]:
    """Return the 8x8 cells of a number, rim included; True is white."""
    assert 0 <= number < 1 << BITS, "a number has 16 bits"
    cells = np.ones((SPAN, SPAN), dtype=np.bool_)
    inner = cells[1:-1, 1:-1]
    for (row, column), white in CORNERS.items():
        inner[row, column] = bool(white)
    for bit in range(BITS):
        white = bool(number >> bit & 1)
        inner[PLACES[2 * bit]] = white
        inner[PLACES[2 * bit + 1]] = not white
    return cells


def draw_number(number: int, width: int = 320, height: int = 180, *, background: int = 90) -> Gray:
    """Return a picture with a number in its middle on a soft gradient around `background` (at most 150)."""
    slope = np.linspace(-20, 20, width, dtype=np.float32)[None, :] + np.zeros((height, 1), dtype=np.float32)
    picture: Gray = np.clip(background + slope, BLACK, 165).astype(np.uint8)
    cell = max(2, int(min(width, height) * 0.54) // SPAN)
    square = np.kron(number_cells(number), np.ones((cell, cell), dtype=np.bool_))
    top, left = (height - cell * SPAN) // 2, (width - cell * SPAN) // 2
    picture[top : top + cell * SPAN, left : left + cell * SPAN] = np.where(square, WHITE, BLACK)
    return picture


def read_number(gray: Gray) -> int | None:
    """Return the number in a picture of (height, width) luma, or None where none can be read.

    The square may lie anywhere and have any size of at least 24 pixels; it must be upright and whole.
    """
    bright = gray > BRIGHT
    rows = np.flatnonzero(bright.sum(axis=1) >= 6)
    columns = np.flatnonzero(bright.sum(axis=0) >= 6)
    if rows.size < 3 * SPAN or columns.size < 3 * SPAN:
        return None
    top, height = int(rows[0]), int(rows[-1] - rows[0] + 1)
    left, width = int(columns[0]), int(columns[-1] - columns[0] + 1)
    levels = np.empty((CELLS, CELLS))
    for row in range(CELLS):
        for column in range(CELLS):
            y, x = top + (row + 1.5) * height / SPAN, left + (column + 1.5) * width / SPAN
            reach_y, reach_x = max(1, height // SPAN // 4), max(1, width // SPAN // 4)
            cell = gray[int(y) - reach_y : int(y) + reach_y + 1, int(x) - reach_x : int(x) + reach_x + 1]
            levels[row, column] = cell.mean()
    if any((levels[place] > 128) != bool(white) for place, white in CORNERS.items()):
        return None
    number = 0
    for bit in range(BITS):
        first, second = levels[PLACES[2 * bit]], levels[PLACES[2 * bit + 1]]
        if abs(first - second) < 60:
            return None
        number |= int(first > second) << bit
    return number


def make_clip(
    path: Path,
    *,
    frames: int = 50,
    rate: Fraction | int = 25,
    width: int = 320,
    height: int = 180,
    codec: str = "libx264",
    gop: int = 25,
    b_frames: int = 2,
    open_gop: bool = False,
    rotation: int = 0,
    times: Sequence[Fraction] | None = None,
    start: Fraction = Fraction(0),
    numbers: Sequence[int] | None = None,
    backgrounds: Sequence[int] | None = None,
    blank: Sequence[int] = (),
    audio: Sound | None = None,
    options: dict[str, str] | None = None,
    codec_options: dict[str, str] | None = None,
) -> Clip:
    """Write a numbered clip; the container follows the file's suffix.

    Args:
        path: where to write.
        frames: how many; `numbers` or `times`, when given, count instead.
        rate: frames a second, exact.
        width: of the picture as shown; even, as `height`.
        height: of the picture as shown.
        codec: encoder (`libx264`, `libx265`, `libvpx-vp9`, `ffv1`, `mpeg4`, ...).
        gop: most frames between two keyframes.
        b_frames: most B-frames in a row (x264, x265).
        open_gop: whether leading pictures may refer across a keyframe.
        rotation: degrees counter-clockwise that a player has to turn the stored picture (0, 90, 180, 270); the picture
            is stored turned the other way, so that it is upright when shown.
        times: when each frame is shown, seconds, rising; makes the rate variable (kept to 1/90000 s).
        start: time of the first frame in the file, seconds.
        numbers: what each frame carries; counts from 0 unless given.
        backgrounds: brightness of the background of each frame, 16..150.
        blank: frames (places, not numbers) that are black and carry no number.
        audio: its sound; none unless given.
        options: of the muxer.
        codec_options: of the encoder, besides those that this function sets.
    """
    count = len(times) if times is not None else len(numbers) if numbers is not None else frames
    carried = tuple(numbers) if numbers is not None else tuple(range(count))
    rate = Fraction(rate)
    shown = tuple(times) if times is not None else tuple(index / rate for index in range(count))
    base = Fraction(1, 90000) if times is not None or start else 1 / rate
    with av.open(str(path), "w", options=options or {}) as container:
        turned = rotation in (90, 270)
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = (height, width) if turned else (width, height)
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = base
        stream.time_base = base
        stream.codec_context.thread_count = 1
        stream.codec_context.gop_size = gop
        stream.options = {
            **_encoder_options(codec, gop=gop, b_frames=b_frames, open_gop=open_gop),
            **(codec_options or {}),
        }
        if rotation:
            stream.set_display_rotation(rotation)
        sound = _add_sound(container, path, audio)
        for index in range(count):
            level = backgrounds[index] if backgrounds is not None else 90
            picture = (
                np.full((height, width), BLACK, dtype=np.uint8)
                if index in blank
                else draw_number(carried[index], width, height, background=level)
            )
            # The player turns by `rotation` counter-clockwise, so what is stored is turned clockwise.
            frame = _frame_of(np.rot90(picture, k=-(rotation // 90)))
            frame.pts, frame.time_base = round((start + shown[index]) / base), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        last = shown[-1] - shown[-2] if times is not None and count > 1 else 1 / rate
        duration = shown[-1] + last
        if sound is not None and audio is not None:
            _write_sound(container, sound, audio, audio.duration or duration, start)
    return Clip(
        path=path, rate=rate, times=shown, numbers=carried, duration=duration, width=width, height=height,
        rotation=rotation,
    )  # fmt: skip


def make_sound(path: Path, sound: Sound | None = None, *, duration: Fraction = Fraction(2)) -> Path:
    """Write a file that has sound only (`.wav`, `.m4a`, `.mp3`, `.flac`, `.ogg`)."""
    sound = sound or Sound()
    with av.open(str(path), "w") as container:
        stream = _add_sound(container, path, sound)
        assert stream is not None
        _write_sound(container, stream, sound, sound.duration or duration, Fraction(0))
    return path


def sound_samples(sound: Sound, duration: Fraction) -> Samples:
    """Return what a `Sound` is, exactly: (samples, channels)."""
    count = round(duration * sound.sample_rate)
    time = np.arange(count) / sound.sample_rate
    mono = np.zeros(count)
    if sound.tone_hz is not None:
        mono += sound.tone_peak * np.sin(2 * np.pi * sound.tone_hz * time)
    if sound.tick_every is not None:
        burst = np.arange(sound.sample_rate // 200)
        tick = sound.tick_peak * np.cos(2 * np.pi * 4000 * burst / sound.sample_rate)
        for number in range(int(duration / sound.tick_every) + 1):
            at = round(number * sound.tick_every * sound.sample_rate)
            length = min(burst.size, count - at)
            if length > 0:
                mono[at : at + length] += tick[:length]
    return np.repeat(np.clip(mono, -1, 1).astype(np.float32)[:, None], sound.channels, axis=1)


def show(frame: VideoFrame) -> Gray:
    """Return a decoded frame's luma as shown: rotation applied."""
    gray = np.asarray(frame.reformat(format="gray").to_ndarray(), dtype=np.uint8)
    return np.ascontiguousarray(np.rot90(gray, k=round(frame.rotation / 90) % 4))


def read_numbers(path: Path) -> list[int | None]:
    """Return the numbers of all frames of a file, in the order shown."""
    with av.open(str(path)) as container:
        return [read_number(show(frame)) for frame in container.decode(video=0)]


def read_sound(path: Path) -> tuple[Samples, int]:
    """Return the first sound stream, (samples, channels) float32, as a player hears it, and its sample rate."""
    blocks: list[Samples] = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        for frame in container.decode(stream):
            block: NDArray[Any] = frame.to_ndarray()
            if not frame.format.is_planar:
                block = block.reshape(-1, len(frame.layout.channels)).T
            scale = 1.0 if block.dtype.kind == "f" else float(1 << (8 * block.dtype.itemsize - 1))
            blocks.append((block / scale).astype(np.float32).T)
        rate = stream.codec_context.sample_rate
    return np.concatenate(blocks), rate


def find_ticks(samples: Samples, rate: int, *, threshold: float = 0.25) -> list[float]:
    """Return when ticks begin, seconds: where the level first passes `threshold` of the loudest, 20 ms apart."""
    level = np.abs(samples).max(axis=1)
    loud = np.flatnonzero(level > threshold * level.max())
    return [
        float(at) / rate for place, at in enumerate(loud) if place == 0 or at - loud[place - 1] > rate // 50
    ]


def truncate(source: Path, target: Path, *, keep: float) -> Path:
    """Write the first `keep` (0..1) of a file's bytes."""
    data = source.read_bytes()
    target.write_bytes(data[: int(len(data) * keep)])
    return target


def mutations(data: bytes, *, count: int, seed: int = 0) -> Iterator[bytes]:
    """Yield damaged copies: flipped bytes, cut ends, holes of zeros, doubled and swapped stretches."""
    chance = np.random.default_rng(seed)
    for number in range(count):
        copy = bytearray(data)
        at, length = int(chance.integers(len(copy))), int(chance.integers(1, max(2, len(copy) // 8)))
        match number % 5:
            case 0:
                for place in chance.integers(len(copy), size=int(chance.integers(1, 64))):
                    copy[int(place)] = int(chance.integers(256))
            case 1:
                del copy[at:]
            case 2:
                copy[at : at + length] = bytes(len(copy[at : at + length]))
            case 3:
                copy[at:at] = copy[at : at + length]
            case _:
                del copy[at : at + length]
        # Headers are where parsers break: damage them half of the time.
        if number % 2:
            for place in chance.integers(min(len(copy), 2048) or 1, size=4):
                if copy:
                    copy[int(place)] = int(chance.integers(256))
        yield bytes(copy)


def _encoder_options(codec: str, *, gop: int, b_frames: int, open_gop: bool) -> dict[str, str]:
    match codec:
        case "libx264":
            params = f"keyint={gop}:bframes={b_frames}:open-gop={int(open_gop)}:scenecut=0"
            return {"preset": "veryfast", "crf": "18", "bf": str(b_frames), "x264-params": params}
        case "libx265":
            params = f"keyint={gop}:bframes={b_frames}:open-gop={int(open_gop)}:log-level=none:pools=1"
            return {"preset": "ultrafast", "crf": "18", "x265-params": params}
        case "libvpx" | "libvpx-vp9":
            return {"deadline": "realtime", "cpu-used": "8", "crf": "20", "b": "0", "g": str(gop)}
        case _:
            return {"q": "3"} if codec == "mpeg4" else {}


def _frame_of(gray: Gray) -> VideoFrame:
    height, width = gray.shape
    planes = np.full((height * 3 // 2, width), 128, dtype=np.uint8)
    planes[:height] = gray
    return VideoFrame.from_ndarray(planes, format="yuv420p")


_SOUND_CODECS = {
    ".wav": "pcm_s16le", ".webm": "libopus", ".ogg": "libopus", ".mp3": "libmp3lame", ".flac": "flac",
    ".mkv": "pcm_s16le",
}  # fmt: skip


def _add_sound(
    container: av.container.OutputContainer, path: Path, sound: Sound | None
) -> av.AudioStream | None:
    if sound is None:
        return None
    codec = sound.codec or _SOUND_CODECS.get(path.suffix, "aac")
    stream = container.add_stream(codec, rate=sound.sample_rate)
    assert isinstance(stream, av.AudioStream)
    stream.layout = {1: "mono", 2: "stereo"}[sound.channels]
    if codec == "aac":
        # Without noise made up by the decoder, which depends on where decoding began.
        stream.options = {"aac_pns": "0"}
    return stream


def _write_sound(
    container: av.container.OutputContainer,
    stream: av.AudioStream,
    sound: Sound,
    duration: Fraction,
    start: Fraction,
) -> None:
    samples = sound_samples(sound, duration)
    block = 1024
    resampler = av.AudioResampler(
        format=stream.format, layout=stream.layout, rate=sound.sample_rate,
        frame_size=stream.codec_context.frame_size or None,
    )  # fmt: skip
    first = round(start * sound.sample_rate)
    for at in range(0, len(samples), block):
        frame = AudioFrame.from_ndarray(
            np.ascontiguousarray(samples[at : at + block].T), format="fltp", layout=stream.layout.name
        )
        frame.sample_rate = sound.sample_rate
        frame.pts, frame.time_base = first + at, Fraction(1, sound.sample_rate)
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))
