"""The footage of `just bench render`: every frame says its number, and looks enough like a film for encoders to have work."""

import subprocess
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, RATE, GOP, SECONDS = 1920, 1080, 30, 60, 300
SAMPLE_RATE: Final = 48_000
BITS: Final = 16
CELL: Final = 32  # pixels a side; a bit of the number is a black or white cell
DARK, BRIGHT = 40, 215
LARGE: Final = (3840, 2160)

Plane = NDArray[np.uint8]


def make_film(path: Path, seconds: int = SECONDS, size: tuple[int, int] = (WIDTH, HEIGHT)) -> None:
    """Write the film: 30 frames a second, H.264 with closed GOPs of 60 frames, a quiet tone in AAC."""
    # Larger than the film, which moves over it.
    texture = _texture(2048 * -(-size[0] // 2048))
    with av.open(path, "w") as container:
        options = {"preset": "veryfast", "crf": "21", "x264-params": "scenecut=0:open-gop=0"}
        video = container.add_stream("libx264", rate=RATE, options=options)
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        video.gop_size = GOP
        audio = container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo", options={"b": "160k"})
        for number in range(seconds * RATE):
            container.mux(video.encode(_frame(number, texture, *size)))
            if number % RATE == 0:
                for frame in _sound(number // RATE):
                    container.mux(audio.encode(frame))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))


def numbers(path: Path) -> list[int]:
    """Return the numbers that the frames of a film show, in the order shown."""
    with av.open(path) as container:
        return [_read(frame) for frame in container.decode(video=0)]


def psnr(path: Path, source: Path, expected: Sequence[int], every: int = 97) -> float:
    """Return the least likeness in dB, of brightness, between some frames and the source's frames that they should be."""
    wanted = {number: place for place, number in enumerate(expected) if place % every == 0}
    with av.open(source) as container:
        originals = {
            wanted[number]: _luma(frame)
            for number, frame in enumerate(container.decode(video=0))
            if number in wanted
        }
    least = float("inf")
    with av.open(path) as container:
        for place, frame in enumerate(container.decode(video=0)):
            if place in originals:
                wrong = np.square(_luma(frame).astype(np.float32) - originals[place]).mean()
                least = min(least, float(10 * np.log10(255**2 / max(wrong, 1e-9))))
    return least


def probed(path: Path) -> str:
    """Return what ffprobe says of a file's streams, a line each."""
    command = (
        "ffprobe",
        "-v",
        "error",
        "-show_entries",
        "stream=codec_name,width,height,nb_frames",
        "-of",
        "csv=p=0",
    )
    return subprocess.run([*command, str(path)], capture_output=True, text=True, check=True).stdout.strip()


def _texture(side: int) -> Plane:
    """Clouds with some grain: several sizes of smooth noise, the same on every run."""
    random = np.random.default_rng(7)
    total = np.zeros((side, side), dtype=np.float32)
    for size in (8, 32, 128, 512):
        coarse = random.random((size, size), dtype=np.float32)
        total += np.kron(coarse, np.ones((side // size, side // size), dtype=np.float32)) / size**0.4
    total -= total.min()
    return np.asarray(32 + total / total.max() * 180 + random.normal(0, 2, total.shape), dtype=np.uint8)


def _frame(number: int, texture: Plane, width: int, height: int) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    right, down = number * 3 % (len(texture) - width), number % (len(texture) - height)
    luma = texture[down : down + height, right : right + width].copy()
    for bit in range(BITS):
        luma[:CELL, bit * CELL : (bit + 1) * CELL] = BRIGHT if number >> bit & 1 else DARK
    colours = (np.full((height // 2, width // 2), one, np.uint8) for one in (120 + number % 16, 132))
    for plane, content in zip(frame.planes, (luma, *colours), strict=True):
        target = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        target[: content.shape[0], : content.shape[1]] = content
    frame.pts, frame.time_base = number, Fraction(1, RATE)
    return frame


def _sound(second: int) -> Iterator[av.AudioFrame]:
    at = (np.arange(SAMPLE_RATE) + second * SAMPLE_RATE) / SAMPLE_RATE
    tone = (0.2 * np.sin(2 * np.pi * (220 + 2 * (second % 50)) * at)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(np.stack([tone, tone]), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = SAMPLE_RATE, second * SAMPLE_RATE
    yield frame


def _read(frame: av.VideoFrame) -> int:
    luma = _luma(frame)
    middle = CELL // 2
    return sum(
        1 << bit
        for bit in range(BITS)
        if luma[middle - 4 : middle + 4, bit * CELL + middle - 4 : bit * CELL + middle + 4].mean()
        > (DARK + BRIGHT) / 2
    )


def _luma(frame: av.VideoFrame) -> Plane:
    plane = frame.planes[0]
    lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return lines[: frame.height, : frame.width]
